import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Unit tests stand beside their source; what crosses floors lives in test/. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
  },
});

export default config;
