import { describe, expect, test } from 'vitest';
import type { FormatLevel } from '../format/table-options.ts';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

const key = (n: number): string => `k${String(n).padStart(6, '0')}`;

async function filled(count: number, formatLevel: FormatLevel = 1): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ formatLevel, fileBytes: 8192, codec: 'none' });
  const batch = scene.db.batch();
  for (let n = 0; n < count; n++) batch.put(bytes(key(n)), bytes('v'.repeat(100)));
  batch.writeSync();
  await scene.until(scene.db.compact());
  return scene;
}

const keys = (scene: Scene, options = {}): (string | undefined)[] =>
  [...scene.db.range(options)].map(([k]) => text(k));

describe.each([1, 2] as const)('clear, at format level %i,', (level) => {
  test('removes a range, by tombstones or whole tables', async () => {
    const scene = await filled(2000, level);
    const before = scene.db.stats();
    await scene.until(scene.db.clear({ gt: bytes(key(9)), lt: bytes(key(1990)) }));
    const expected = [...Array(10).keys()].flatMap((n) => [n, 1990 + n]).sort((a, b) => a - b);
    expect(keys(scene)).toEqual(expected.map(key));
    expect(scene.get(key(10))).toBeUndefined();
    const after = scene.db.stats();
    expect(after.writes.entries - before.writes.entries).toBeLessThan(200);
    expect(after.drops.tables).toBeGreaterThan(20);
    expect(after.tables.bytes).toBeLessThan(30_000);
    await scene.reopen();
    expect(keys(scene)).toEqual(expected.map(key));
  });

  test('empties a database', async () => {
    const scene = await filled(500, level);
    scene.db.putSync(bytes('zz'), bytes('in memory'));
    await scene.until(scene.db.clear());
    expect(keys(scene)).toEqual([]);
    await scene.until(scene.db.clear());
    await scene.until(scene.db.compact());
    expect(scene.db.stats().tables.files).toBe(0);
  });

  test('is not seen at an older moment', async () => {
    const scene = await filled(500, level);
    const snapshot = scene.db.snapshot();
    const iterator = scene.db.range({ reverse: true }).iterator();
    expect(iterator.next()).toBe(true);
    await scene.until(scene.db.clear({ gte: bytes(key(3)) }));
    expect(keys(scene)).toEqual([0, 1, 2].map(key));
    expect(keys(scene, { snapshot }).length).toBe(500);
    expect(scene.get(key(400), { snapshot })).toBe('v'.repeat(100));
    expect(scene.db.stats().drops.heldBytes).toBeGreaterThan(30_000);
    scene.db.putSync(bytes(key(400)), bytes('new'));
    expect(scene.get(key(400))).toBe('new');
    expect(iterator.nextBatchSync(1000).length).toBe(499);
    iterator.close();
    snapshot.close();
    expect(scene.db.stats().drops.heldBytes).toBe(0);
    expect(keys(scene)).toEqual([0, 1, 2, 400].map(key));
  });

  test('brings nothing back at an older moment that was deleted before it', async () => {
    const scene = new Scene();
    await scene.open({ formatLevel: level });
    await scene.flush({ a: 'old', m: 'old', z: 'old' });
    await scene.until(scene.db.compact());
    scene.db.deleteSync(bytes('m'));
    const snapshot = scene.db.snapshot();
    await scene.until(scene.db.clear());
    scene.db.putSync(bytes('n'), bytes('new'));
    await scene.until(scene.db.compact());
    expect(keys(scene)).toEqual(['n']);
    expect(keys(scene, { snapshot })).toEqual(['a', 'z']);
    expect(scene.get('m', { snapshot })).toBeUndefined();
    snapshot.close();
    await scene.until(scene.db.compact());
    expect(scene.db.stats().tables.files).toBe(1);
  });

  test('keeps to its keyspace', async () => {
    const scene = new Scene();
    await scene.open({ keyspaced: true, formatLevel: level });
    const [a, b] = [scene.db.keyspace('a'), scene.db.keyspace('b')];
    for (const space of [scene.db, a, b]) {
      for (let n = 0; n < 50; n++) space.putSync(bytes(key(n)), bytes('v'));
    }
    await scene.until(scene.db.compact());
    await scene.until(a.clear());
    expect([...a.range()]).toEqual([]);
    expect([...b.range()].length).toBe(50);
    expect(keys(scene).length).toBe(50);
    await scene.until(scene.db.clear({ lte: bytes(key(9)) }));
    expect(keys(scene).length).toBe(40);
    expect([...b.range()].length).toBe(50);
  });

  test('brings nothing back that a table had replaced', async () => {
    const scene = new Scene();
    await scene.open({ formatLevel: level, level0Files: 10 });
    await scene.flush({ a: 'old', m: 'old', z: 'old' });
    await scene.until(scene.db.compact());
    await scene.flush({ b: 'new', m: 'new', y: 'new' });
    await scene.until(scene.db.clear({ gte: bytes('b'), lte: bytes('y') }));
    expect(keys(scene)).toEqual(['a', 'z']);
    await scene.reopen();
    expect(keys(scene)).toEqual(['a', 'z']);
  });
});

test('clear is refused where writes are', async () => {
  const scene = await filled(10);
  const { db } = scene;
  await scene.until(db.close());
  await expect(db.clear()).rejects.toMatchObject({ code: 'CLOSED' });
});
