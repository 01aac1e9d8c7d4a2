import { describe, expect, test } from 'vitest';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

const key = (n: number): string => `k${String(n).padStart(6, '0')}`;

async function filled(count: number): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ formatLevel: 2, fileBytes: 8192, codec: 'none', level1Bytes: 100_000 });
  const batch = scene.db.batch();
  for (let n = 0; n < count; n++) batch.put(bytes(key(n)), bytes('v'.repeat(100)));
  batch.writeSync();
  await scene.until(scene.db.compact());
  return scene;
}

const keys = (scene: Scene, options = {}): (string | undefined)[] =>
  [...scene.db.range(options)].map(([k]) => text(k));

describe('deleteRange', () => {
  test('removes what there is, not what comes later', async () => {
    const scene = await filled(10);
    await scene.until(scene.db.deleteRange(bytes(key(2)), bytes(key(8))));
    scene.db.putSync(bytes(key(5)), bytes('new'));
    for (const _ of [1, 2, 3]) {
      expect(keys(scene)).toEqual([0, 1, 5, 8, 9].map(key));
      expect(keys(scene, { reverse: true })).toEqual([9, 8, 5, 1, 0].map(key));
      expect(scene.get(key(2))).toBeUndefined();
      expect(scene.get(key(5))).toBe('new');
      expect(scene.get(key(8))).toBe('v'.repeat(100));
      await scene.until(scene.db.flush());
      await scene.until(scene.db.idle());
    }
    await scene.reopen();
    expect(keys(scene)).toEqual([0, 1, 5, 8, 9].map(key));
  });

  test('is not seen at an older moment', async () => {
    const scene = await filled(10);
    const snapshot = scene.db.snapshot();
    const iterator = scene.db.range().iterator();
    iterator.next();
    scene.db.deleteRangeSync(bytes('a'), bytes('z'));
    scene.db.deleteRangeSync(bytes('b'), bytes('y'));
    for (const _ of [1, 2]) {
      expect(keys(scene)).toEqual([]);
      expect(keys(scene, { snapshot }).length).toBe(10);
      expect(scene.get(key(3), { snapshot })).toBe('v'.repeat(100));
      await scene.until(scene.db.compact());
    }
    expect(iterator.nextBatchSync(20).length).toBe(9);
    iterator.close();
    snapshot.close();
    await scene.until(scene.db.compact());
    expect(keys(scene)).toEqual([]);
  });

  test('in a batch counts in its order, and in its keyspace alone', async () => {
    const scene = new Scene();
    await scene.open({ formatLevel: 2, keyspaced: true });
    const users = scene.db.keyspace('users');
    const put = (space: typeof users): void => space.putSync(bytes('b'), bytes('old'));
    put(users);
    put(scene.db);
    const batch = scene.db.batch();
    batch.put(bytes('a'), bytes('1'), users).deleteRange(bytes('a'), bytes('c'), users);
    batch.put(bytes('bb'), bytes('2'), users);
    batch.writeSync();
    expect([...users.range()].map(([k]) => text(k))).toEqual(['bb']);
    expect(scene.get('b')).toBe('old');
  });

  test('of nothing is nothing', async () => {
    const scene = await filled(3);
    const { sequence } = scene.db.stats();
    await scene.until(scene.db.deleteRange(bytes('b'), bytes('a')));
    scene.db.deleteRangeSync(bytes('b'), bytes('b'));
    scene.db.batch().deleteRange(bytes('b'), bytes('a')).writeSync();
    expect(scene.db.stats().sequence).toBe(sequence);
  });

  test('needs format level 2', async () => {
    const scene = new Scene();
    await scene.open();
    const refusal = scene.db.deleteRange(bytes('a'), bytes('b'));
    await expect(refusal).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(() => scene.db.deleteRangeSync(bytes('a'), bytes('b'))).toThrow('format level 2');
    expect(() => scene.db.batch().deleteRange(bytes('a'), bytes('b'))).toThrow('format level 2');
  });

  test('gives the room back, without reading tables that have nothing else', async () => {
    const scene = await filled(20_000);
    const before = scene.db.stats();
    expect(before.tables.bytes).toBeGreaterThan(2_000_000);
    scene.db.deleteRangeSync(bytes(key(10)), bytes(key(19_990)));
    await scene.until(scene.db.flush());
    await scene.pass(200_000);
    const after = scene.db.stats();
    expect(after.tables.bytes).toBeLessThan(20_000);
    expect(keys(scene).length).toBe(20);
    // What stays is read, and what was hidden is not.
    expect(after.levels.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0)).toBeLessThan(
      before.levels.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0) + 50_000,
    );
  });

  test('what it hides is passed over by seeks', async () => {
    const scene = await filled(20_000);
    scene.db.deleteRangeSync(bytes(key(10)), bytes(key(19_990)));
    const { blocks } = scene.db.stats().reads;
    expect(keys(scene).length).toBe(20);
    expect(keys(scene, { reverse: true }).length).toBe(20);
    expect(scene.db.stats().reads.blocks - blocks).toBeLessThan(30);
  });
});
