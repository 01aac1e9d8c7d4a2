import { describe, expect, test } from 'vitest';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const key = (n: number): string => `k${String(n).padStart(5, '0')}`;

/** Of the tables that the tree has. */
const size = (scene: Scene): number => scene.db.stats().tables.bytes;

/** Of the files in the directory that end so. */
function onDisk(scene: Scene): number {
  const { files } = scene.system;
  const names = files.readDirectory('/data').filter((name) => name.endsWith('.ldb'));
  return names.reduce((sum, name) => sum + files.stat(`/data/${name}`)!.sizeBytes, 0);
}

async function fill(scene: Scene, count: number, value: string, options = {}): Promise<void> {
  const batch = scene.db.batch();
  for (let n = 0; n < count; n++) batch.put(bytes(key(n)), bytes(value), scene.db, options);
  batch.writeSync();
  await scene.until(scene.db.flush());
}

for (const compaction of ['levelled', 'universal'] as const) {
  describe(`space comes back, ${compaction}`, () => {
    test('once no snapshot keeps what was overwritten', async () => {
      const scene = new Scene();
      await scene.open({ compaction, codec: 'none' });
      await fill(scene, 1000, 'a'.repeat(100));
      await scene.until(scene.db.compact());
      const once = size(scene);
      const snapshot = scene.db.snapshot();
      await fill(scene, 1000, 'b'.repeat(100));
      await scene.until(scene.db.compact());
      expect(size(scene)).toBeGreaterThan(1.8 * once);
      await scene.pass(2 * HOUR);
      expect(size(scene)).toBeGreaterThan(1.8 * once);
      expect(scene.get(key(7), { snapshot })).toBe('a'.repeat(100));
      snapshot.close();
      // Nobody asks for anything.
      await scene.pass(2 * HOUR);
      expect(size(scene)).toBeLessThan(1.1 * once);
      expect(onDisk(scene)).toBe(size(scene));
      expect(scene.get(key(7))).toBe('b'.repeat(100));
    });

    test('of what has expired, wherever it lies, and of no other tables', async () => {
      const scene = new Scene();
      const options = { codec: 'none', keyspaced: true, level0Files: 4 } as const;
      await scene.open({ ...options, compaction, ttl: true, rewriteAfterMs: DAY });
      await fill(scene, 1000, 'x'.repeat(100), { ttlMs: HOUR });
      await scene.until(scene.db.compact());
      await fill(scene, 500, 'y'.repeat(100), { ttlMs: HOUR });
      expect(scene.files(0)).toBe(1);
      await scene.pass(DAY / 2);
      expect(onDisk(scene)).toBeGreaterThan(150_000);
      await scene.pass(DAY);
      expect(onDisk(scene)).toBe(0);
      const { count } = scene.db.stats().compactions;
      await scene.pass(10 * DAY);
      expect(scene.db.stats().compactions.count).toBe(count);
    });

    test('of what a caller has compacted, also in the lowest level', async () => {
      const scene = new Scene();
      await scene.open({ codec: 'none', compaction, ttl: true });
      await fill(scene, 1000, 'x'.repeat(100), { ttlMs: HOUR });
      scene.db.putSync(bytes('stays'), bytes('here'));
      await scene.until(scene.db.compact());
      await scene.pass(HOUR);
      expect(onDisk(scene)).toBeGreaterThan(100_000);
      await scene.until(scene.db.compact());
      await scene.pass(1000);
      expect(onDisk(scene)).toBeLessThan(1000);
      expect([...scene.db.range()].map(([k]) => text(k))).toEqual(['stays']);
    });

    test('of a keyspace that was dropped, also in tables that have others too', async () => {
      const scene = new Scene();
      await scene.open({ codec: 'none', compaction, keyspaced: true });
      const other = scene.db.keyspace('other');
      for (let n = 0; n < 500; n++) other.putSync(bytes(key(n)), bytes('o'.repeat(200)));
      scene.db.putSync(bytes('stays'), bytes('here'));
      await scene.until(scene.db.compact());
      expect(onDisk(scene)).toBeGreaterThan(100_000);
      await scene.until(scene.db.dropKeyspace('other'));
      await scene.until(scene.db.idle());
      await scene.pass(1000);
      expect(onDisk(scene)).toBeLessThan(1000);
      expect(scene.get('stays')).toBe('here');
    });
  });
}

test('a table of mostly deletions goes down, and what it hides goes with it', async () => {
  const scene = new Scene();
  await scene.open({ codec: 'none' });
  await fill(scene, 2000, 'x'.repeat(100));
  await scene.until(scene.db.compact());
  for (let n = 0; n < 2000; n++) if (n % 100 > 0) scene.db.deleteSync(bytes(key(n)));
  await scene.until(scene.db.flush());
  expect(onDisk(scene)).toBeGreaterThan(200_000);
  await scene.pass(HOUR);
  expect(onDisk(scene)).toBeLessThan(10_000);
  expect([...scene.db.range()].length).toBe(20);
});

test('tables of plain keyspaces are let alone, however old they get', async () => {
  const scene = new Scene();
  await scene.open({ codec: 'none' });
  await fill(scene, 1000, 'x');
  await scene.until(scene.db.compact());
  const { count } = scene.db.stats().compactions;
  await scene.until(scene.db.compact());
  await scene.pass(100 * DAY);
  expect(scene.db.stats().compactions.count).toBe(count);
});
