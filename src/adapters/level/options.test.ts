import { describe, expect, test } from 'vitest';
import { resolveOptions } from '../../lsm/database/options.ts';
import { engineOptions } from './options.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe("LevelDB's options", () => {
  test('have its defaults', () => {
    expect(engineOptions({})).toMatchObject({
      createIfMissing: true,
      errorIfExists: false,
      formatLevel: 1,
      keyspaced: false,
      codec: ['none', 'snappy'],
      levelDbFilter: false,
      cacheBytes: 40 * MIB,
      memtableBytes: 8 * MIB,
      blockBytes: 4096,
      restartInterval: 16,
      fileBytes: 2 * MIB,
      maxOpenTables: 990,
    });
  });

  test('are taken over', () => {
    const options = {
      createIfMissing: false,
      errorIfExists: true,
      compression: false,
      cacheSize: 100 * MIB,
      writeBufferSize: 16 * MIB,
      blockSize: 8192,
      blockRestartInterval: 8,
      maxFileSize: 16 * MIB,
      maxOpenFiles: 500,
      levelDbFilter: true,
    };
    expect(engineOptions(options)).toMatchObject({
      createIfMissing: false,
      errorIfExists: true,
      codec: 'none',
      cacheBytes: 132 * MIB,
      memtableBytes: 16 * MIB,
      blockBytes: 8192,
      restartInterval: 8,
      fileBytes: 16 * MIB,
      maxOpenTables: 490,
      levelDbFilter: true,
    });
  });

  test.each([0, -5, 1, NaN, Infinity, 1.5, 2 ** 53, 'a' as unknown as number])(
    'of %s are brought to where LevelDB takes them, and the engine too',
    (value) => {
      const options = engineOptions({
        cacheSize: value,
        writeBufferSize: value,
        blockSize: value,
        blockRestartInterval: value,
        maxFileSize: value,
        maxOpenFiles: value,
      });
      const resolved = resolveOptions(options);
      expect(resolved.memtableBytes).toBeGreaterThanOrEqual(64 * KIB);
      expect(resolved.memtableBytes).toBeLessThanOrEqual(1024 * MIB);
      expect(resolved.blockBytes).toBeGreaterThanOrEqual(KIB);
      expect(resolved.maxOpenTables).toBeGreaterThanOrEqual(64);
    },
  );
});
