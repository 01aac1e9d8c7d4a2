/** Tools that read while the engine writes, flushes and compacts in worker threads. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { open } from '../../src/lsm/index.ts';
import { checkDirectory, inspectDirectory, problemText } from '../../src/lsm/tools/index.ts';
import { temporaryDirectory } from '../support/server.ts';

test('a database is checked and looked into while it is written', async () => {
  const directory = temporaryDirectory();
  const db = await open(directory, {
    memtableBytes: 32_768,
    level1Bytes: 65_536,
    fileBytes: 16_384,
    level0Files: 2,
  });
  try {
    let flushes = 0;
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 400; i++) {
        const key = `key${String((i * 7919 + round * 131) % 5000).padStart(5, '0')}`;
        await db.put(Buffer.from(key), Buffer.from(`${round}:${i}`.padEnd(80)), {
          sync: i % 100 === 0,
        });
      }
      const report = checkDirectory({ directory });
      expect(report.problems.map(problemText)).toEqual([]);
      expect(inspectDirectory(directory).problems).toEqual([]);
      flushes = db.stats().flushes.count;
    }
    expect(flushes).toBeGreaterThan(5);
    expect(db.stats().compactions.count).toBeGreaterThan(1);
  } finally {
    await db.close();
  }
  expect(checkDirectory({ directory }).problems).toEqual([]);
  fs.rmSync(directory, { recursive: true });
});
