import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KvasirLevel } from './kvasir-level.ts';
import { Scenes } from './testing/scenes.ts';
import type { IteratorOptions } from './types.ts';

const scenes = new Scenes();
afterAll(() => scenes.end());

type Entry = [string, string];

describe('highWaterMarkBytes', () => {
  let db: KvasirLevel;
  beforeAll(async () => {
    db = scenes.create();
    await db.open();
    await db.batch().put('a', '0').put('b', '1').put('c', '2').put('d', '3').write();
  });

  async function firstOf(options: IteratorOptions<string, string>): Promise<Entry[]> {
    const iterator = db.iterator(options);
    const entries = await iterator.nextv(1000);
    await iterator.close();
    return entries;
  }

  test('ends nextv when it is exceeded', async () => {
    expect(await firstOf({ highWaterMarkBytes: 0 })).toEqual([['a', '0']]);
    expect(await firstOf({ highWaterMarkBytes: 1 })).toEqual([['a', '0']]);
    expect(await firstOf({ highWaterMarkBytes: 2 })).toEqual([
      ['a', '0'],
      ['b', '1'],
    ]);
    expect(await firstOf({ highWaterMarkBytes: 2, values: false })).toHaveLength(3);
    expect(await firstOf({ highWaterMarkBytes: Infinity })).toHaveLength(4);
  });

  test('does not end all', async () => {
    expect(await db.iterator({ highWaterMarkBytes: 0 }).all()).toHaveLength(4);
    expect(await db.keys({ highWaterMarkBytes: 1 }).all()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('of a mebibyte is the usual one', async () => {
    const large = scenes.create();
    await large.batch(
      Array.from(
        { length: 30 },
        (_, i) => ({ type: 'put', key: `${10 + i}`, value: 'x'.repeat(100_000) }) as const,
      ),
    );
    const iterator = large.iterator();
    const lengths = [];
    for (;;) {
      const { length } = await iterator.nextv(1000);
      lengths.push(length);
      if (length === 0) break;
    }
    expect(lengths).toEqual([11, 11, 8, 0]);
    expect(await iterator.nextv(1)).toEqual([]);
  });
});

describe('next, nextv and seek', () => {
  let db: KvasirLevel;
  beforeAll(async () => {
    db = scenes.create();
    const puts = [...'abcdefg'].map((key) => ({ type: 'put', key, value: key }) as const);
    await db.batch(puts);
  });

  test('follow each other', async () => {
    const iterator = db.iterator();
    expect(await iterator.next()).toEqual(['a', 'a']);
    expect(await iterator.nextv(2)).toEqual([
      ['b', 'b'],
      ['c', 'c'],
    ]);
    iterator.seek('f');
    expect(await iterator.next()).toEqual(['f', 'f']);
    expect(await iterator.nextv(10)).toEqual([['g', 'g']]);
    expect(await iterator.nextv(10)).toEqual([]);
    iterator.seek('b5');
    expect(await iterator.next()).toEqual(['c', 'c']);
    await iterator.close();
  });

  test.each([
    [{ gt: 'b', lte: 'e' }, 'b', undefined],
    [{ gt: 'b', lte: 'e' }, 'b0', 'c'],
    [{ gt: 'b', lte: 'e' }, 'e', 'e'],
    [{ gt: 'b', lte: 'e' }, 'e0', undefined],
    [{ gte: 'b', lt: 'e' }, 'b', 'b'],
    [{ gte: 'b', lt: 'e' }, 'a', undefined],
    [{ gte: 'b', lt: 'e', reverse: true }, 'd0', 'd'],
    [{ gte: 'b', lt: 'e', reverse: true }, 'e', undefined],
    [{ gt: 'b', lte: 'e', reverse: true }, 'c', 'c'],
    [{ gt: 'b', gte: 'a', lt: 'e', lte: 'f' }, 'a', 'a'],
    [{ gt: 'b', gte: 'a', lt: 'e', lte: 'f' }, 'f', 'f'],
  ])('in %o a seek to %s leads to %s', async (range, target, found) => {
    for (const iterator of [db.keys(range), db.values(range)]) {
      await iterator.next();
      iterator.seek(target);
      expect(await iterator.next()).toBe(found);
      // From outside, back in.
      iterator.seek('d');
      expect(await iterator.next()).toBe('d');
      await iterator.close();
    }
  });
});

describe('the event loop', () => {
  const KEYS = 20_000;
  let db: KvasirLevel;
  beforeAll(async () => {
    db = scenes.create();
    await db.batch(
      Array.from({ length: KEYS }, (_, i) => ({ type: 'put', key: `${i}`, value: '' }) as const),
    );
  });

  /** How often the loop turned during some work. */
  async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
    let turns = 0;
    let hasEnded = false;
    const count = (): void => {
      turns++;
      if (!hasEnded) setImmediate(count);
    };
    setImmediate(count);
    await work();
    hasEnded = true;
    return turns;
  }

  test.each<[string, () => Promise<unknown>]>([
    [
      'next',
      async () => {
        let entries = 0;
        for await (const _ of db.iterator()) entries++;
        expect(entries).toBe(KEYS);
      },
    ],
    [
      'next and seek',
      async () => {
        const iterator = db.keys();
        for (let i = 0; i < KEYS; i++) {
          if (i % 2 === 0) iterator.seek('0');
          await iterator.next();
        }
        await iterator.close();
      },
    ],
    ['all', async () => expect(await db.iterator().all()).toHaveLength(KEYS)],
    [
      'get',
      async () => {
        for (let i = 0; i < KEYS; i++) expect(await db.get(`${i}`)).toBe('');
      },
    ],
    [
      'has',
      async () => {
        for (let i = 0; i < KEYS; i++) expect(await db.has(`${i}x`)).toBe(false);
      },
    ],
    [
      'put',
      async () => {
        for (let i = 0; i < KEYS; i++) await db.put(`${i}`, '');
      },
    ],
    ['clear', () => db.clear()],
  ])('turns while somebody awaits one %s after the other', async (_, work) => {
    expect(await turnsDuring(work)).toBeGreaterThan(1);
  });
});

test('entries that are not in memory are read beside the event loop, or at once', async () => {
  const db = scenes.create({ cacheSize: 0, compression: false, writeBufferSize: 1 });
  const count = 3000;
  const value = 'v'.repeat(1000);
  for (let i = 0; i < count; i++) await db.put(`${10_000 + i}`, value);
  await db.compactRange('0', '9');
  await db.close();
  await db.open();
  const keys = Array.from({ length: count }, (_, i) => `${10_000 + i}`);
  expect(await db.keys().all()).toEqual(keys);
  expect(await db.keys({ reverse: true }).all()).toEqual(keys.toReversed());
  const iterator = db.iterator({ signal: new AbortController().signal });
  for (let i = 0; i < count; i += 97) {
    iterator.seek(keys[i]!);
    expect(await iterator.next()).toEqual([keys[i], value]);
  }
  await iterator.close();
  const found: [string, string][] = [];
  for await (const entry of db.iterator({ limit: 100 })) found.push(entry);
  expect(found).toHaveLength(100);
});
