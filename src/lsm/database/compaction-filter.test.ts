import path from 'node:path';
import { subscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { realDirectory, writeText } from '../../os/testing.ts';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

/** By the value's first letter: dropped, changed, a failure; kept otherwise. */
const module = path.join(realDirectory(), 'filters.cjs');
writeText(
  module,
  `exports.letters = (key, value, { nowMs, level }) => {
    switch (String.fromCharCode(value[0])) {
      case 'd': return false;
      case 'c': return Buffer.concat([Buffer.from('x'), value.subarray(1), key]);
      case 'f': throw new Error('a value that the filter fails at');
      case 'n': return 7;
      case 't': return Buffer.from(String(nowMs > 1.6e12 && level > 0));
      default: return true;
    }
  };
  exports.all = () => false;
  exports.number = 5;
  `,
);
const letters = { module, export: 'letters' };

async function opened(options: Parameters<Scene['open']>[0] = {}): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ compactionFilter: letters, level0Files: 100, ...options });
  return scene;
}

const entries = (scene: Scene, options = {}): (string | undefined)[][] =>
  [...scene.db.range(options)].map(([key, value]) => [text(key), text(value)]);

async function put(scene: Scene, values: Readonly<Record<string, string>>): Promise<void> {
  await scene.flush(values);
}

describe('a compaction filter', () => {
  test('keeps, drops and changes what compactions come to', async () => {
    const scene = await opened();
    await put(scene, { a: 'kept', b: 'dropped', c: 'changed', d: 'time' });
    expect(entries(scene).length).toBe(4);
    await scene.until(scene.db.compact());
    const expected = [
      ['a', 'kept'],
      ['c', 'xhangedc'],
      ['d', 'true'],
    ];
    expect(entries(scene)).toEqual(expected);
    expect(scene.get('b')).toBeUndefined();
    await scene.reopen();
    expect(entries(scene)).toEqual(expected);
  });

  test('that drops a value brings back none that it had replaced', async () => {
    const scene = await opened();
    await put(scene, { a: 'old', b: 'old' });
    await scene.until(scene.db.compact());
    await put(scene, { a: 'dropped' });
    await put(scene, { b: 'old' });
    await put(scene, { b: 'dropped' });
    await scene.until(scene.db.compact());
    expect(entries(scene)).toEqual([]);
    const tree = await opened({ level1Bytes: 4096, fileBytes: 1024, blockBytes: 64 });
    for (let n = 0; n < 200; n++) tree.db.putSync(bytes(`k${n % 50}`), bytes(`old${n}`));
    await tree.until(tree.db.compact());
    for (let n = 0; n < 50; n += 2) tree.db.putSync(bytes(`k${n}`), bytes('d'));
    await tree.until(tree.db.flush());
    await tree.until(tree.db.compact({ gte: bytes('k1'), lte: bytes('k3') }));
    await tree.until(tree.db.compact());
    expect(entries(tree).length).toBe(25);
  });

  test('sees the value of an envelope, and drops no operand', async () => {
    const scene = await opened({ keyspaced: true, ttl: true, formatLevel: 2 });
    scene.db.putSync(bytes('a'), bytes('changed'), { ttlMs: 1e9 });
    scene.db.putSync(bytes('b'), bytes('dropped'), { ttlMs: 1e9 });
    const options = { mergeOperator: 'append', compactionFilter: letters } as const;
    const merged = scene.db.keyspace('m', options);
    merged.putSync(bytes('a'), bytes('k'));
    merged.mergeSync(bytes('a'), bytes('d'));
    merged.mergeSync(bytes('b'), bytes('d'));
    await scene.until(scene.db.compact());
    expect(entries(scene)).toEqual([['a', 'xhangeda']]);
    expect(scene.db.expiresAtSync(bytes('a'))).toBeGreaterThan(1.7e12);
    expect([...merged.range()].map(([key, value]) => [text(key), text(value)])).toEqual([
      ['a', 'kd'],
      ['b', 'd'],
    ]);
  });

  test('touches nothing that a snapshot or an iterator sees', async () => {
    const scene = await opened();
    await put(scene, { a: 'dropped', b: 'changed', c: 'kept' });
    const snapshot = scene.db.snapshot();
    const iterator = scene.db.range().iterator();
    const before = entries(scene);
    await scene.until(scene.db.compact());
    await put(scene, { a: 'done', b: 'kept' });
    await scene.until(scene.db.compact());
    expect(entries(scene, { snapshot })).toEqual(before);
    expect(iterator.nextBatchSync(10).map(([k, v]) => [text(k), text(v)])).toEqual(before);
    expect(entries(scene)).toEqual([
      ['b', 'kept'],
      ['c', 'kept'],
    ]);
    iterator.close();
    snapshot.close();
  });

  test('does not change what a snapshot saw that was taken while it was at work', async () => {
    const scene = await opened();
    const { db, system } = scene;
    const batch = db.batch();
    for (let n = 0; n < 20_000; n++) batch.put(bytes(`k${n}`), bytes('dropped'));
    batch.writeSync();
    await scene.until(db.flush());
    const compacted = db.compact();
    await system.files.loop.runUntil(() => db.stats().compactions.isRunning);
    const snapshot = db.snapshot();
    const iterator = db.range().iterator();
    iterator.next();
    expect(scene.get('k7', { snapshot })).toBe('dropped');
    await scene.until(compacted);
    const pinned = db.stats().pins.map(({ holder, tables }) => [holder, tables]);
    expect(pinned).toEqual([
      ['snapshot', 1],
      ['iterator', 1],
    ]);
    expect(entries(scene)).toEqual([]);
    expect(scene.get('k7', { snapshot })).toBe('dropped');
    expect(text(await scene.until(db.get(bytes('k8'), { snapshot })))).toBe('dropped');
    expect(entries(scene, { snapshot }).length).toBe(20_000);
    expect([...db.range({ snapshot, reverse: true })].length).toBe(20_000);
    let rest = 1;
    while (iterator.next()) rest++;
    expect(rest).toBe(20_000);
    iterator.close();
    snapshot.close();
    await scene.pass(100);
    expect(db.stats().tables.files).toBe(0);
    expect(scene.tables()).toBe(0);
  });

  test('that fails keeps the entry, and is told of', async () => {
    const told: unknown[] = [];
    subscribe('kvasir:lsm:failure', (message) => told.push(message));
    const scene = await opened();
    await put(scene, { a: 'fails', b: 'nonsense', c: 'dropped' });
    await scene.until(scene.db.compact());
    expect(entries(scene)).toEqual([
      ['a', 'fails'],
      ['b', 'nonsense'],
    ]);
    expect(scene.db.stats().operators.failures).toBe(2);
    expect(told).toMatchObject([
      {
        what: 'a merge operator or compaction filter failed',
        message: expect.stringContaining('a value that'),
      },
    ]);
  });

  test('may be another one or none at any opening, and is refused where it is not there', async () => {
    const scene = await opened();
    await put(scene, { a: 'dropped', b: 'kept' });
    await scene.reopen({ compactionFilter: false });
    await scene.until(scene.db.compact());
    expect(entries(scene).length).toBe(2);
    await scene.reopen({ compactionFilter: { module, export: 'all' } });
    expect(scene.db.options).toEqual({ compactionFilter: { module, export: 'all' } });
    const absent = { module, export: 'absent' };
    const number = { module, export: 'number' };
    await expect(scene.reopen({ compactionFilter: absent })).rejects.toThrow(
      'the compaction filter of the default keyspace is not there',
    );
    scene.system = scene.system.restart();
    await expect(scene.open({ compactionFilter: number })).rejects.toThrow('is no function');
    scene.system = scene.system.restart();
    await scene.open();
    await put(scene, { a: 'new' });
    await scene.until(scene.db.compact());
    expect(entries(scene)).toEqual([]);
  });
});
