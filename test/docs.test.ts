/** The reference pages say what the command table, the settings and the list of the suite's known cases say. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Generator {
  pages(load: (file: string) => Promise<unknown>): Promise<Record<string, string>>;
}

const root = new URL('../', import.meta.url);

test('the generated pages are up to date (npm run docs writes them)', async () => {
  const generator = (await import(new URL('scripts/generate-docs.mjs', root).href)) as Generator;
  const pages = await generator.pages((file) => import(new URL(`src/${file}.ts`, root).href));
  expect(Object.keys(pages)).toEqual([
    'docs/compat/redis-suite.md',
    'docs/compat/memcached-suite.md',
    'docs/memcached-commands.md',
    'docs/commands.md',
    'docs/settings.md',
  ]);
  for (const [file, text] of Object.entries(pages)) {
    expect(readFileSync(new URL(file, root), 'utf8'), file).toBe(text);
  }
});
