import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { stripeOf } from './compaction/stripes.ts';
import type { RangeDeletion } from './format/range-deletions.ts';
import { TYPE_RANGE_DELETION } from './internal-key.ts';
import { Memtable } from './memtable/memtable.ts';
import { fragmentsOf, NOT_COVERED, type RangeFragments } from './range-fragments.ts';

const LETTERS = 'abcdefgh';
const key = fc
  .array(fc.constantFrom(...LETTERS), { maxLength: 2 })
  .map((letters) => letters.join(''));
const ranges = fc
  .array(fc.tuple(key, key), { maxLength: 12 })
  .map((pairs) => pairs.map(([begin, end], i) => range(begin, end, i * 2 + 1)));

function range(begin: string, end: string, sequence: number): RangeDeletion {
  return { begin: Buffer.from(begin), end: Buffer.from(end), sequence };
}

const KEYS = ['', ...LETTERS, ...[...LETTERS].flatMap((a) => [...LETTERS].map((b) => a + b)), 'z'];

/** Sequences of the ranges that cover a key, descending. */
function coveringAll(all: readonly RangeDeletion[], text: string): number[] {
  const wanted = Buffer.from(text);
  return all
    .filter(
      ({ begin, end }) => Buffer.compare(begin, wanted) <= 0 && Buffer.compare(wanted, end) < 0,
    )
    .map(({ sequence }) => sequence)
    .sort((a, b) => b - a);
}

function covering(fragments: RangeFragments | undefined, text: string, sequence: number): number {
  const region = Region.of(text);
  return fragments?.covering(region, 0, text.length, sequence) ?? NOT_COVERED;
}

describe('fragments of range tombstones', () => {
  test('know for every key and reader the newest range that counts', () => {
    const property = fc.property(ranges, fc.nat(30), (all, sequence) => {
      const fragments = fragmentsOf(all);
      for (const text of KEYS) {
        const expected = coveringAll(all, text).find((s) => s <= sequence) ?? NOT_COVERED;
        expect(covering(fragments, text, sequence)).toBe(expected);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('with snapshots, keep what one of them or the newest reader goes by', () => {
    const snapshots = fc.uniqueArray(fc.nat(30), { maxLength: 4 });
    const property = fc.property(ranges, snapshots, (all, unsorted) => {
      const sorted = unsorted.sort((a, b) => a - b);
      const fragments = fragmentsOf(all, sorted);
      for (const text of KEYS) {
        for (const sequence of [...sorted, 100]) {
          const expected = coveringAll(all, text).find((s) => s <= sequence) ?? NOT_COVERED;
          const found = covering(fragments, text, sequence);
          // An older one of the same stripe may have gone: then what it covered is covered by the newer one.
          expect(found).toBe(expected);
        }
      }
      const stripes = (fragments?.count ?? 0) * (sorted.length + 1);
      expect(fragments?.sequences.length ?? 0).toBeLessThanOrEqual(stripes);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('neighbours that are covered alike are one', () => {
    const fragments = fragmentsOf([range('a', 'c', 7), range('c', 'f', 7), range('x', 'x', 9)])!;
    expect(fragments.count).toBe(2);
    expect(Buffer.from(fragments.keyOf(1)).toString()).toBe('f');
    expect(fragmentsOf([range('b', 'a', 3)])).toBeUndefined();
  });

  test('stripes: what no snapshot tells apart', () => {
    expect([1, 5, 6, 9, 10].map((s) => stripeOf([5, 9], s))).toEqual([0, 0, 1, 1, 2]);
  });
});

describe('range tombstones of a memtable', () => {
  test('cover as they were added, for readers of any moment and other threads', () => {
    const property = fc.property(ranges, fc.array(fc.nat(30), { maxLength: 6 }), (all, moments) => {
      const memtable = Memtable.allocate(65_536);
      for (const { begin, end, sequence } of all) {
        const region = Region.of(Buffer.concat([begin, end]));
        const { length } = begin;
        const whole = length + end.length;
        memtable.add(region, 0, length, sequence, TYPE_RANGE_DELETION, region, length, whole);
        memtable.add(region, 0, length, sequence + 1, 1, region, length, whole);
      }
      memtable.freeze();
      const attached = Memtable.attach(memtable.buffer);
      expect(attached.ranges?.all() ?? []).toEqual(
        all.map(({ begin, end, sequence }) => ({
          begin: new Uint8Array(begin),
          end: new Uint8Array(end),
          sequence,
        })),
      );
      for (const one of [memtable, attached]) {
        for (const sequence of [...moments, 100]) {
          for (const text of KEYS) {
            const expected = coveringAll(all, text).find((s) => s <= sequence) ?? NOT_COVERED;
            expect(covering(one.ranges?.at(sequence), text, sequence)).toBe(expected);
          }
        }
      }
    });
    fc.assert(property, { numRuns: 100 });
  });

  test('take room of their own, and no more than is said beforehand', () => {
    for (const keyBytes of [0, 1, 2, 3, 5]) {
      const count = 300;
      const capacity = Memtable.capacityFor(count, count * 2 * keyBytes);
      const memtable = Memtable.allocate(capacity);
      expect(memtable.canTake(count, count * 2 * keyBytes)).toBe(true);
      const region = Region.of('x'.repeat(keyBytes * 2));
      for (let i = 1; i <= count; i++) {
        const isAdded = memtable.add(region, 0, keyBytes, i, 3, region, keyBytes, keyBytes * 2);
        expect(isAdded).toBe(true);
      }
      expect(memtable.ranges!.count).toBe(count);
    }
  });

  test('that overlap all others stay cheap', () => {
    const memtable = Memtable.allocate(4 * 1024 * 1024);
    for (let i = 1; i <= 5000; i++) {
      const region = Region.of(`a${String(i).padStart(6, '0')}`);
      memtable.add(region, 0, 1, i, TYPE_RANGE_DELETION, region, 0, 7);
    }
    const fragments = memtable.ranges!.at(5000);
    expect(fragments.count).toBe(2);
    expect(memtable.ranges!.at(100).count).toBe(2);
  });
});
