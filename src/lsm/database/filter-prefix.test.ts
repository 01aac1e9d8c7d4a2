import { expect, test } from 'vitest';
import { bytes, text } from '../testing/model.ts';
import { checkDirectory } from '../tools/directory-check.ts';
import type { OpenOptions } from './options.ts';
import type { RangeOptions } from './range.ts';
import { Scene } from './testing.ts';

const COLON = 58;

/** Tables of orders and of users, of which each has users with even numbers only. */
async function filled(options: OpenOptions): Promise<Scene> {
  const scene = new Scene();
  const sizes = { level0Files: 100, fileBytes: 4096, blockBytes: 256, codec: 'none' } as const;
  await scene.open({ ...sizes, cacheBytes: 65_536, ...options });
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 200; n += 2) {
      scene.db.putSync(bytes(`user${n}:name`), bytes(`${round}`));
      scene.db.putSync(bytes(`user${n}:mail`), bytes(`${round}`));
    }
    await scene.until(scene.db.flush());
    if (round === 1) await scene.until(scene.db.compact());
  }
  return scene;
}

const range = (prefix: string): RangeOptions => ({
  gte: bytes(`${prefix}:`),
  lt: bytes(`${prefix};`),
});

/** Blocks that are read for the range, in both directions, however. */
async function reads(scene: Scene, options: RangeOptions): Promise<[unknown[], number]> {
  // Filters are there by then.
  const warm = scene.db.range(options).iterator();
  while (warm.next());
  warm.close();
  const before = scene.db.stats().cache;
  const found = [...scene.db.range(options)].map(([key]) => text(key));
  const reversed = [...scene.db.range({ ...options, reverse: true })].map(([key]) => text(key));
  expect(reversed.reverse()).toEqual(found);
  const later: unknown[] = [];
  const all = async (): Promise<void> => {
    for await (const [key] of scene.db.range(options)) later.push(text(key));
  };
  await scene.until(all());
  expect(later).toEqual(found);
  const { hits, misses } = scene.db.stats().cache;
  return [found, hits + misses - before.hits - before.misses];
}

test('a range within one prefix passes over tables that have none of it', async () => {
  const without = await filled({});
  const scene = await filled({ filterPrefix: { through: COLON } });
  for (const user of ['user100', 'user4']) {
    const [found] = await reads(scene, range(user));
    expect(found).toEqual([`${user}:mail`, `${user}:name`]);
  }
  const negatives = scene.db.stats().filters.negatives;
  const [none, few] = await reads(scene, range('user101'));
  expect(none).toEqual([]);
  expect(scene.db.stats().filters.negatives).toBeGreaterThan(negatives);
  const [, many] = await reads(without, range('user101'));
  expect(few).toBeLessThan(many);
  // Bounds that are not within one prefix find all there is.
  const [wide] = await reads(scene, { gte: bytes('user100:n'), lt: bytes('user102:n') });
  expect(wide).toEqual(['user100:name', 'user102:mail']);
  const [behind] = await reads(scene, { gt: bytes('user98:mail'), lte: bytes('user98:name') });
  expect(behind).toEqual(['user98:name']);
});

test('each keyspace has a prefix of its own, which may be another one or none', async () => {
  const scene = new Scene();
  await scene.open({ keyspaced: true, level0Files: 100, filterPrefix: { bytes: 4 } });
  const users = scene.db.keyspace('users', { filterPrefix: { through: COLON } });
  const plain = scene.db.keyspace('plain');
  for (let n = 0; n < 100; n += 2) {
    for (const space of [scene.db, users, plain]) {
      space.putSync(bytes(`u${String(n).padStart(3, '0')}:x`), bytes('v'));
    }
  }
  await scene.until(scene.db.flush());
  const count = (space: typeof users, options: RangeOptions): number =>
    [...space.range(options)].length;
  const check = (): void => {
    for (const space of [scene.db, scene.db.keyspace('users'), scene.db.keyspace('plain')]) {
      expect(count(space, range('u010'))).toBe(1);
      expect(count(space, range('u011'))).toBe(0);
      expect(count(space, { gte: bytes('u01'), lt: bytes('u02') })).toBe(5);
      expect(count(space, {})).toBe(50);
    }
  };
  check();
  expect(users.options).toEqual({ filterPrefix: { through: COLON } });
  await scene.reopen({ filterPrefix: { bytes: 2 } });
  scene.db.keyspace('users', { filterPrefix: false });
  expect(scene.db.keyspace('users').options).toEqual({});
  expect(scene.db.options).toEqual({ filterPrefix: { bytes: 2 } });
  check();
  scene.db.putSync(bytes('u011:x'), bytes('v'));
  scene.db.deleteSync(bytes('u011:x'));
  await scene.until(scene.db.compact());
  check();
  const report = checkDirectory({ directory: '/data', files: scene.system.files });
  expect(report.problems).toEqual([]);
});

test('a prefix that cannot be is refused', async () => {
  const scene = new Scene();
  await scene.open({ keyspaced: true });
  for (const filterPrefix of [{ bytes: 0 }, { bytes: 256 }, { through: -1 }, { through: 1.5 }]) {
    expect(() => scene.db.keyspace('a', { filterPrefix })).toThrow('the filter prefix');
  }
  for (let n = 0; n < 64; n++) scene.db.keyspace(`k${n}`, { filterPrefix: { bytes: 1 } });
  expect(() => scene.db.keyspace('k64', { filterPrefix: { bytes: 1 } })).toThrow('too many');
  scene.db.keyspace('k3', { filterPrefix: { bytes: 2 } });
});
