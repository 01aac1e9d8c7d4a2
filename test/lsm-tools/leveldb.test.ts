/** Directories go back and forth between the engine and LevelDB (classic-level), each going on where the other ended. */
import { spawnSync } from 'node:child_process';
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

test('a log whose process was killed, with room zeroed behind its records, is read by LevelDB and RocksDB', async () => {
  const module = new URL('../../dist/lsm/index.js', import.meta.url).href;
  const writer = `
    const { open } = await import(${JSON.stringify(module)});
    const db = await open(process.argv[1]);
    for (let i = 10; i < 50; i++) db.putSync(Buffer.from('key' + i), Buffer.from('v' + i), { sync: true });
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', writer, directory]);
  expect(signal).toBe('SIGKILL');
  const log = fs.readdirSync(directory).find((name) => name.endsWith('.log'))!;
  expect(fs.statSync(path.join(directory, log)).size).toBeGreaterThan(500_000);
  const copies = ['a', 'b'].map((name) => path.join(directory, name));
  for (const copy of copies) {
    fs.mkdirSync(copy);
    for (const name of fs
      .readdirSync(directory)
      .filter((n) => /^(CURRENT|MANIFEST.*|.*log)$/.test(n)))
      fs.copyFileSync(path.join(directory, name), path.join(copy, name));
  }
  const keys = Array.from({ length: 40 }, (_, i) => 10 + i);
  const expected = keys.map((i) => [`key${i}`, `v${i}`]);
  const level = new ClassicLevel(copies[0]!, { createIfMissing: false });
  await level.open({ paranoidChecks: true } as object);
  expect(await level.iterator().all()).toEqual(expected);
  await level.close();
  const ldb = spawnSync('ldb', [`--db=${copies[1]!}`, 'scan'], { encoding: 'utf8' });
  // It is not everywhere.
  if (ldb.error === undefined) {
    expect(ldb.stdout.trim().split('\n')).toEqual(expected.map(([k, v]) => `${k} : ${v}`));
  }
});
