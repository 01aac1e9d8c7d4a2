import { describe, expect, test } from 'vitest';
import { readKvasirFile, writeKvasirFileSync } from '../manifest/kvasir-file.ts';
import type { Keyspace } from './keyspace.ts';
import { bytes, text } from '../testing/model.ts';
import { checkDirectory } from '../tools/directory-check.ts';
import { openTable, tableEntries } from '../tools/inspect-table.ts';
import { typeName } from '../tools/bytes-text.ts';
import { Scene } from './testing.ts';

const START = 1_700_000_000_000;
const HOUR = 3_600_000;

const put = (space: Keyspace, key: string, value: string, ttlMs?: number): void =>
  space.putSync(bytes(key), bytes(value), ttlMs === undefined ? {} : { ttlMs });

const get = (space: Keyspace, key: string, options = {}): string | undefined =>
  text(space.getSync(bytes(key), options));

async function opened(options: Parameters<Scene['open']>[0] = {}): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ ttl: true, ...options });
  return scene;
}

/** Entries in the tables that there are, newest of a key first: key and type. */
function stored(scene: Scene): string[] {
  const { files } = scene.system;
  const found: string[] = [];
  for (const name of files.readDirectory('/data').filter((one) => one.endsWith('.ldb'))) {
    const file = files.open(`/data/${name}`, 'read');
    for (const entry of tableEntries(openTable(file), name, {}, () => {})) {
      found.push(`${text(entry.key)} ${typeName(entry.type!)}`);
    }
    file.close();
  }
  return found.sort();
}

async function compact(scene: Scene): Promise<void> {
  await scene.until(scene.db.compact());
  await scene.pass(100);
}

describe('a time to live', () => {
  test('ends a value for all ways to read it', async () => {
    const scene = await opened();
    const { db } = scene;
    put(db, 'a', '1', 1000);
    put(db, 'b', '2');
    db.putSync(bytes('c'), bytes('3'), { expiresAtMs: START + 2000 });
    db.putSync(bytes('d'), bytes(''), { ttlMs: Infinity });
    const keys = (options = {}): (string | undefined)[] =>
      [...db.range(options)].map(([key]) => text(key));
    for (const _ of [1, 2]) {
      expect(keys()).toEqual(['a', 'b', 'c', 'd']);
      expect(keys({ nowMs: START + 1500 })).toEqual(['b', 'c', 'd']);
      expect(keys({ nowMs: START + 2000, reverse: true })).toEqual(['d', 'b']);
      expect(get(db, 'c', { nowMs: START + 1999 })).toBe('3');
      expect(get(db, 'c', { nowMs: START + 2000 })).toBeUndefined();
      expect(get(db, 'd')).toBe('');
      await scene.until(db.flush());
    }
    expect(['a', 'b', 'c', 'x'].map((key) => db.expiresAtSync(bytes(key)))).toEqual([
      expect.any(Number),
      Infinity,
      START + 2000,
      undefined,
    ]);
    await scene.pass(1000);
    expect(keys()).toEqual(['b', 'c', 'd']);
    expect(db.peek(bytes('a'))).toBeUndefined();
    expect(db.hasSync(bytes('a'))).toBe(false);
    expect(db.expiresAtSync(bytes('a'))).toBeUndefined();
    const many = await scene.until(db.getMany([bytes('a'), bytes('c')]));
    expect(many.map(text)).toEqual([undefined, '3']);
    const iterator = db.range({ gte: bytes('b') }).iterator();
    const seen: number[] = [];
    while (iterator.next()) seen.push(iterator.expiresAt());
    expect(seen).toEqual([Infinity, START + 2000, Infinity]);
    iterator.close();
    await scene.pass(1000);
    expect(keys()).toEqual(['b', 'd']);
  });

  test('is the one of the keyspace where nothing is said', async () => {
    const scene = await opened({ keyspaced: true });
    const space = scene.db.keyspace('cache', { ttl: { defaultMs: HOUR } });
    put(space, 'a', '1');
    put(space, 'b', '2', Infinity);
    scene.db.batch().put(bytes('c'), bytes('3'), space).writeSync();
    scene.db
      .batch()
      .put(bytes('d'), bytes('4'), space, { ttlMs: 2 * HOUR })
      .writeSync();
    await scene.pass(HOUR);
    expect(['a', 'b', 'c', 'd'].map((key) => get(space, key))).toEqual([
      undefined,
      '2',
      undefined,
      '4',
    ]);
    // It may be another one from now on.
    scene.db.keyspace('cache', { ttl: true });
    put(space, 'a', '1');
    expect(space.expiresAtSync(bytes('a'))).toBe(Infinity);
    expect(space.options).toEqual({ ttl: {} });
  });

  test('is refused where there is none, and where it cannot be', async () => {
    const scene = new Scene();
    await scene.open({ keyspaced: true });
    const plain = scene.db.keyspace('plain');
    const space = scene.db.keyspace('cache', { ttl: true });
    expect(() => put(plain, 'a', '1', 5)).toThrow('the keyspace has no time to live');
    await expect(plain.put(bytes('a'), bytes('1'), { ttlMs: 5 })).rejects.toThrow('time to live');
    expect(() => plain.expiresAtSync(bytes('a'))).toThrow('no time to live');
    for (const ttlMs of [-START - HOUR, NaN, 2 ** 50]) {
      expect(() => put(space, 'a', '1', ttlMs)).toThrow(RangeError);
    }
    const both = { ttlMs: 1, expiresAtMs: 1 };
    expect(() => space.putSync(bytes('a'), bytes('1'), both)).toThrow(TypeError);
    expect(() => scene.db.keyspace('plain', { ttl: true })).toThrow('without a time to live');
    expect(() => scene.db.keyspace('cache', { ttl: false })).toThrow('with a time to live');
    expect(() => scene.db.keyspace('new', { ttl: { defaultMs: 0 } })).toThrow(RangeError);
    await expect(scene.reopen({ ttl: true })).resolves.toBeUndefined();
    scene.db.putSync(bytes('a'), bytes('1'));
    await expect(scene.reopen({ ttl: false })).rejects.toThrow('with a time to live');
  });

  test('and the value are the same after a reopening, a batch over keyspaces, and an ingest', async () => {
    const scene = await opened({ keyspaced: true });
    const cache = scene.db.keyspace('cache', { ttl: true });
    const plain = scene.db.keyspace('plain');
    const expiry = { expiresAtMs: START + HOUR };
    scene.db
      .batch()
      .put(bytes('a'), bytes('1'), cache, expiry)
      .put(bytes('a'), bytes('2'), plain)
      .delete(bytes('b'), cache)
      .writeSync();
    await scene.until(
      scene.db.ingest([
        {
          keyspace: cache,
          entries: [
            [bytes('i'), bytes('3'), expiry],
            [bytes('j'), undefined],
          ],
        },
      ]),
    );
    await scene.reopen();
    const again = scene.db.keyspace('cache');
    expect([get(again, 'a'), get(again, 'i'), get(again, 'j')]).toEqual(['1', '3', undefined]);
    expect(get(scene.db.keyspace('plain'), 'a')).toBe('2');
    expect([...again.range()].length).toBe(2);
    await scene.pass(HOUR);
    expect([...again.range()]).toEqual([]);
    expect(get(scene.db.keyspace('plain'), 'a')).toBe('2');
  });

  test('counts in transactions and batches that are read', async () => {
    const scene = await opened();
    const transaction = scene.db.transaction({ isolation: 'serializable' });
    transaction.put(bytes('a'), bytes('1'), scene.db, { ttlMs: 50 });
    transaction.put(bytes('b'), bytes('2'));
    expect(text(transaction.getSync(bytes('a')))).toBe('1');
    const batch = scene.db.indexedBatch();
    batch.put(bytes('a'), bytes('1'), scene.db, { ttlMs: 50 }).put(bytes('b'), bytes('2'));
    expect([...batch.range()].length).toBe(2);
    await scene.pass(60);
    expect(batch.getSync(bytes('a'))).toBeUndefined();
    expect(text(await scene.until(batch.get(bytes('b'))))).toBe('2');
    expect([...batch.range({ reverse: true })].map(([key]) => text(key))).toEqual(['b']);
    await scene.until(transaction.commit());
    expect(scene.get('a')).toBeUndefined();
    expect(scene.get('b')).toBe('2');
  });
});

describe('a value that has expired', () => {
  test('goes with the next compaction, and nothing comes back', async () => {
    const scene = await opened({ level0Files: 100, level1Bytes: 1e9 });
    const { db } = scene;
    put(db, 'a', 'old');
    put(db, 'b', 'stays');
    await compact(scene);
    put(db, 'a', 'new', 1000);
    put(db, 'c', 'gone', 1000);
    await scene.until(db.flush());
    await scene.pass(1000);
    expect(stored(scene)).toEqual(['a value', 'a value', 'b value', 'c value']);
    expect([...db.range()].map(([key]) => text(key))).toEqual(['b']);
    await compact(scene);
    expect(stored(scene)).toEqual(['b value']);
    expect(scene.get('a')).toBeUndefined();
    expect(scene.get('a', { nowMs: 0 })).toBeUndefined();
  });

  test('leaves a deletion where something older lies below', async () => {
    const scene = await opened({ level0Files: 100 });
    const { db } = scene;
    put(db, 'a', 'old');
    await compact(scene);
    put(db, 'a', 'new', 10);
    put(db, 'b', 'x', 10);
    await scene.pass(20);
    // A flush does not look at what is below.
    await scene.until(db.flush());
    expect(stored(scene)).toEqual(['a deletion', 'a value', 'b deletion']);
    expect(scene.get('a', { nowMs: 0 })).toBeUndefined();
    await compact(scene);
    expect(stored(scene)).toEqual([]);
  });

  test('is there for a snapshot of before', async () => {
    const scene = await opened({ level0Files: 100 });
    const { db } = scene;
    put(db, 'a', '1', 1000);
    put(db, 'm', '1');
    const snapshot = db.snapshot();
    await scene.pass(1000);
    await compact(scene);
    expect(scene.get('a')).toBeUndefined();
    expect(scene.get('a', { snapshot })).toBe('1');
    expect([...db.range({ snapshot })].length).toBe(2);
    snapshot.close();
    put(db, 'c', '1');
    await compact(scene);
    expect(stored(scene)).toEqual(['c value', 'm value']);
  });

  test('stays where the clock has no say', async () => {
    const scene = await opened({ expiresByClock: false });
    const { db } = scene;
    expect(() => put(db, 'a', '1', 1000)).toThrow('expiresAtMs says when');
    db.putSync(bytes('a'), bytes('1'), { expiresAtMs: START + 1000 });
    await scene.pass(2000);
    await compact(scene);
    expect(scene.get('a')).toBe('1');
    expect(scene.get('a', { nowMs: START + 999 })).toBe('1');
    expect(scene.get('a', { nowMs: START + 1000 })).toBeUndefined();
    expect(stored(scene)).toEqual(['a value']);
  });

  test('is gone for good, also where the clock goes back', async () => {
    const scene = await opened();
    const { clock } = scene.system;
    put(scene.db, 'a', '1', 1000);
    await scene.pass(1000);
    expect(scene.get('a')).toBeUndefined();
    const now = clock.now.bind(clock);
    clock.now = () => now() - HOUR;
    expect(scene.get('a')).toBeUndefined();
    expect([...scene.db.range()]).toEqual([]);
  });
});

test('a value without its envelope is named, and told by a check', async () => {
  const scene = new Scene();
  await scene.open({ ttl: true });
  put(scene.db, 'a', '1');
  await scene.until(scene.db.close());
  // Somebody writes who knows nothing of it.
  const files = scene.system.files;
  const kvasir = readKvasirFile(files, '/data')!;
  files.unlink('/data/KVASIR');
  scene.system = scene.system.restart();
  await scene.open();
  scene.db.putSync(bytes('b'), bytes('?'));
  await scene.until(scene.db.flush());
  await scene.until(scene.db.close());
  scene.system = scene.system.restart();
  writeKvasirFileSync(scene.system.files, '/data', kvasir, 1000);
  const report = checkDirectory({ directory: '/data', files: scene.system.files });
  expect(report.problems.map(({ problem }) => problem)).toEqual(['a value without its envelope']);
  await scene.open();
  expect(scene.get('a')).toBe('1');
  const damage = expect.objectContaining({ code: 'CORRUPTION' });
  expect(() => scene.get('b')).toThrow(damage);
  await expect(scene.until(scene.db.get(bytes('b')))).rejects.toMatchObject({ code: 'CORRUPTION' });
  expect(() => [...scene.db.range()]).toThrow(damage);
  await compact(scene);
  expect(scene.get('a')).toBe('1');
  expect(() => scene.get('b')).toThrow(damage);
});
