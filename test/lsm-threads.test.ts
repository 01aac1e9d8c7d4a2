/** The disk engine with its job threads, which run the built program. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type * as Lsm from '../src/lsm/index.ts';

const BUILT = fileURLToPath(new URL('../dist/lsm/index.js', import.meta.url));
const { open, Resources } = (await import(BUILT)) as typeof Lsm;

const SMALL: Lsm.OpenOptions = { memtableBytes: 65_536, level1Bytes: 262_144, fileBytes: 65_536 };
const ENTRIES = 20_000;

const key = (i: number): Buffer =>
  Buffer.from(`key${String((i * 7919) % 10_007).padStart(8, '0')}`);
const value = (i: number): Buffer => Buffer.from(`value ${i} ${'x'.repeat(i % 50)}`);

function expected(count: number): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < count; i++) map.set(key(i).toString(), value(i).toString());
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function contents(db: Lsm.Database): Map<string, string> {
  return new Map([...db.range()].map(([k, v]) => [k.toString(), v.toString()]));
}

describe('job threads', () => {
  let directory = '';
  let workers: Worker[] = [];
  const onWorker = (worker: Worker): void => void workers.push(worker);

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-threads-'));
    workers = [];
    process.on('worker', onWorker);
  });
  afterEach(() => {
    process.off('worker', onWorker);
    fs.rmSync(directory, { recursive: true });
  });

  test('flush and compact for a writer that never lets the event loop turn', async () => {
    const db = await open(directory, { ...SMALL, paranoid: true });
    for (let i = 0; i < ENTRIES; i++) db.putSync(key(i), value(i));
    expect(contents(db)).toEqual(expected(ENTRIES));
    const { flushes, compactions } = db.stats();
    expect(flushes.count).toBeGreaterThan(3);
    expect(compactions.count).toBeGreaterThan(0);
    await db.close();
    expect(workers.length).toBe(1);
    const again = await open(directory, SMALL);
    expect(contents(again)).toEqual(expected(ENTRIES));
    await again.close();
  });

  test('let timers through although every awaited put is resolved at once', async () => {
    const db = await open(directory, SMALL);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for (let i = 0; i < ENTRIES; i++) await db.put(key(i), value(i));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
    await db.close();
  });

  test('that die are replaced, and their jobs begin anew', async () => {
    const db = await open(directory, SMALL);
    for (let i = 0; i < ENTRIES; i++) {
      await db.put(key(i), value(i));
      if (i % 8000 === 7999) await workers.at(-1)?.terminate();
    }
    await db.compact();
    expect(workers.length).toBeGreaterThan(1);
    expect(contents(db)).toEqual(expected(ENTRIES));
    await db.verify();
    await db.close();
  });

  test('serve several databases, each with its own files', async () => {
    const resources = new Resources({ workers: 2 });
    const directories = ['a', 'b', 'c'].map((name) => path.join(directory, name));
    const open3 = directories.map((d) => open(d, { ...SMALL, resources }));
    const databases = await Promise.all(open3);
    await Promise.all(
      databases.map(async (db, n) => {
        for (let i = 0; i < 5000; i++) await db.put(key(i), value(i + n));
        await db.compact();
      }),
    );
    for (const [n, db] of databases.entries()) {
      expect(db.getSync(key(4999))).toEqual(value(4999 + n));
      await db.verify();
    }
    await databases[0]!.close();
    await databases[1]!.put(key(1), value(1));
    await databases[1]!.compact();
    await Promise.all([databases[1]!.close(), databases[2]!.close()]);
    // Buffers of the threads included.
    expect(resources.budget.usedBytes).toBe(0);
  });

  test('go on for who writes when somebody who reads the same directory ends', async () => {
    const resources = new Resources({ workers: 1 });
    const db = await open(directory, { ...SMALL, resources });
    for (let i = 0; i < 5000; i++) await db.put(key(i), value(i));
    const compacted = db.compact();
    for (let i = 0; i < 5; i++) {
      await (await open(directory, { readOnly: true, resources })).close();
    }
    await compacted;
    expect(contents(db)).toEqual(expected(5000));
    await db.close();
    expect(resources.budget.usedBytes).toBe(0);
  });
});
