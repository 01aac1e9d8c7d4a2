import { describe, expect, test } from 'vitest';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

const DAY_MS = 86_400_000;

describe('the compaction style', () => {
  test('is what the directory was opened with last', async () => {
    const scene = new Scene();
    await scene.open({ compaction: { style: 'universal', runs: 3 } });
    await scene.reopen();
    for (const n of ['1', '2', '3']) await scene.flush({ a: n, b: n });
    await scene.until(scene.db.idle());
    expect(scene.files(6)).toBe(1);
    await scene.reopen({ compaction: 'levelled', level0Files: 1 });
    await scene.flush({ a: '4' });
    await scene.until(scene.db.idle());
    expect(scene.files(1)).toBe(1);
    expect(scene.files(6)).toBe(1);
    expect(scene.has('KVASIR')).toBe(true);
    await scene.reopen();
    expect(scene.get('a')).toBe('4');
  });

  test('leaves no file of its own where it is the default', async () => {
    const scene = new Scene();
    await scene.open({ compaction: 'levelled' });
    expect(scene.has('KVASIR')).toBe(false);
  });

  test('does not keep a new directory from having keyspaces', async () => {
    const scene = new Scene();
    await scene.open({ compaction: 'universal' });
    scene.db.keyspace('a').putSync(bytes('k'), bytes('v'));
    await scene.reopen();
    expect(text(scene.db.keyspace('a').getSync(bytes('k')))).toBe('v');
  });

  test('is refused where it cannot be', async () => {
    const scene = new Scene();
    const wrong = { style: 'universal', runs: 1 } as const;
    await expect(scene.open({ compaction: wrong })).rejects.toThrow('runs must be 2 to 1000');
    await expect(scene.open({ compaction: 'tiered' as 'fifo' })).rejects.toThrow('tiered');
  });
});

describe('FIFO compaction', () => {
  test('drops tables by age, also when nothing else happens', async () => {
    const scene = new Scene();
    await scene.open({ compaction: { style: 'fifo', maxAgeMs: DAY_MS } });
    await scene.flush({ a: 'old', b: 'old' });
    await scene.pass(DAY_MS / 2);
    await scene.flush({ b: 'new' });
    await scene.pass(DAY_MS / 2 + 20_000);
    expect(scene.get('a')).toBeUndefined();
    expect(scene.get('b')).toBe('new');
    expect(scene.tables()).toBe(1);
    // The simulated clock begins anew.
    await scene.reopen();
    await scene.pass(2 * DAY_MS);
    expect([...scene.db.range()]).toEqual([]);
    expect(scene.tables()).toBe(0);
  });

  test('drops the oldest tables by size', async () => {
    const scene = new Scene();
    await scene.open({ compaction: { style: 'fifo', maxBytes: 27_000 }, codec: 'none' });
    for (let n = 0; n < 6; n++) await scene.flush({ [`k${n}`]: 'v'.repeat(8000) });
    await scene.until(scene.db.idle());
    expect([...scene.db.range()].map(([key]) => text(key))).toEqual(['k3', 'k4', 'k5']);
    expect(scene.db.stats().tables.bytes).toBeLessThan(27_000);
  });

  test('who reads at an older moment goes on seeing what was dropped', async () => {
    const scene = new Scene();
    await scene.open({ compaction: { style: 'fifo', maxAgeMs: DAY_MS } });
    await scene.flush({ a: 'old', b: 'old', c: 'old' });
    const snapshot = scene.db.snapshot();
    const iterator = scene.db.range().iterator();
    expect(iterator.next()).toBe(true);
    await scene.flush({ d: 'new' });
    await scene.pass(2 * DAY_MS);
    scene.db.putSync(bytes('e'), bytes('newest'));
    expect(scene.get('b')).toBeUndefined();
    expect(scene.get('b', { snapshot })).toBe('old');
    const peeked = scene.db.peek(bytes('c'), { snapshot });
    expect(typeof peeked === 'symbol' ? undefined : text(peeked)).toBe('old');
    const rest: (string | undefined)[] = [];
    while (iterator.next()) rest.push(text(iterator.key()));
    expect(rest).toEqual(['b', 'c']);
    expect([...scene.db.range()].map(([key]) => text(key))).toEqual(['e']);
    expect([...scene.db.range({ snapshot, reverse: true })].length).toBe(3);
    expect(scene.tables()).toBe(2);
    iterator.close();
    snapshot.close();
    await scene.pass(1000);
    expect(scene.tables()).toBe(0);
    await scene.until(scene.db.close());
  });

  test('a read that was begun ends as it would have', async () => {
    const scene = new Scene();
    await scene.open({ compaction: { style: 'fifo', maxAgeMs: DAY_MS } });
    await scene.flush({ a: 'old' });
    const snapshot = scene.db.snapshot();
    await scene.pass(2 * DAY_MS);
    scene.db.putSync(bytes('z'), bytes('newest'));
    const read = scene.db.get(bytes('a'), { snapshot });
    snapshot.close();
    expect(text(await scene.until(read))).toBe('old');
    await scene.pass(1000);
    expect(scene.tables()).toBe(0);
  });

  test('keys that begin with a time are found in level 1', async () => {
    const scene = new Scene();
    await scene.open({ compaction: 'fifo', level0Files: 2 });
    for (let n = 0; n < 9; n++) await scene.flush({ [`2024-0${n}a`]: '', [`2024-0${n}b`]: '' });
    await scene.until(scene.db.idle());
    expect(scene.files(0)).toBe(2);
    expect(scene.files(1)).toBe(7);
    expect([...scene.db.range()].length).toBe(18);
  });

  test('manual compaction merges', async () => {
    const scene = new Scene();
    await scene.open({ compaction: 'fifo' });
    for (const n of ['1', '2', '3']) await scene.flush({ a: n, b: n });
    await scene.until(scene.db.compact());
    expect(scene.files(0)).toBe(0);
    expect(scene.files(1)).toBe(1);
    expect(scene.get('a')).toBe('3');
  });
});
