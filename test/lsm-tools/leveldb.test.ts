/** Directories go back and forth between the engine and LevelDB (classic-level), each going on where the other ended. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open, type OpenOptions } from '../../src/lsm/index.ts';

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-leveldb-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const SMALL: OpenOptions = { memtableBytes: 16_384, level1Bytes: 16_384, fileBytes: 8192 };

test('LevelDB reads what the engine wrote, flushed and compacted, and the engine what LevelDB did', async () => {
  const expected = new Map<string, string>();
  for (let round = 0; round < 4; round++) {
    const put = (i: number): [string, string] => {
      const key = `key${(i * 7919 + round * 31) % 3000}`;
      expected.set(key, `${round}:${i}`);
      return [key, `${round}:${i}`];
    };
    const db = await open(directory, SMALL);
    const gone = `key${round * 7}`;
    for (let i = 0; i < 1500; i++) {
      const [key, value] = put(i);
      await db.put(Buffer.from(key), Buffer.from(value));
    }
    await db.delete(Buffer.from(gone));
    expected.delete(gone);
    if (round % 2 === 0) await db.compact();
    await db.close();

    const level = new ClassicLevel(directory, { writeBufferSize: 65_536 });
    await level.open();
    expect(new Map(await level.iterator().all())).toEqual(expected);
    const batch = level.batch();
    for (let i = 0; i < 1500; i++) batch.put(...put(i));
    await batch.write();
    if (round > 1) await level.compactRange('', '~');
    await level.close();

    const again = await open(directory, SMALL);
    const found = new Map<string, string>();
    for (const [key, value] of again.range()) found.set(key.toString(), value.toString());
    expect(found).toEqual(expected);
    await again.close();
  }
});
