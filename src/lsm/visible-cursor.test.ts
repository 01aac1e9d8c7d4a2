import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GrowingBytes } from '../bytes/growing-bytes.ts';
import { Region } from '../bytes/region.ts';
import { BLOCKED, type Cursor, END, VALID } from './cursor.ts';
import { TYPE_DELETION, TYPE_VALUE } from './internal-key.ts';
import { MemtableCursor } from './memtable/memtable-cursor.ts';
import { Memtable } from './memtable/memtable.ts';
import { MergingCursor } from './merging-cursor.ts';
import { StutteringCursor } from './testing/stuttering-cursor.ts';
import { VisibleCursor } from './visible-cursor.ts';

interface Entry {
  readonly key: Uint8Array;
  readonly type: number;
  readonly value: Uint8Array;
  /** Which of the merged memtables has it. */
  readonly place: number;
}

type Pair = [string, string];

const aKey = fc.array(fc.constantFrom(97, 98, 255), { minLength: 0, maxLength: 3 });
const someEntries = fc.array(
  fc.record({
    key: aKey.map((bytes) => Uint8Array.from(bytes)),
    type: fc.constantFrom(TYPE_VALUE, TYPE_VALUE, TYPE_DELETION),
    value: fc.uint8Array({ minLength: 1, maxLength: 3 }),
    place: fc.nat(2),
  }),
  { maxLength: 60 },
);
const aBound = fc.option(
  aKey.map((bytes) => Uint8Array.from(bytes)),
  { nil: undefined },
);
const aMove = fc.oneof(
  fc
    .constantFrom('next', 'previous', 'first', 'last')
    .map((kind) => ({ kind, key: [] as number[] })),
  fc.record({ kind: fc.constantFrom('seek', 'seekForPrevious'), key: aKey }),
);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function sourceOf(entries: readonly Entry[], isBlocking: () => boolean): Cursor {
  const memtables = [0, 1, 2].map(() => Memtable.allocate(1 << 16));
  for (const [i, { key, type, value, place }] of entries.entries()) {
    const bytes = type === TYPE_DELETION ? new Uint8Array(0) : value;
    const [keyRegion, valueRegion] = [Region.of(key), Region.of(bytes)];
    memtables[place]!.add(keyRegion, 0, key.length, i + 1, type, valueRegion, 0, bytes.length);
  }
  return new MergingCursor(
    memtables.map((memtable) => new StutteringCursor(new MemtableCursor(memtable), isBlocking)),
  );
}

/** What is visible, in order. */
function model(
  entries: readonly Entry[],
  sequence: number,
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): Pair[] {
  const map = new Map<string, string>();
  for (const { key, type, value } of entries.slice(0, sequence)) {
    if (type === TYPE_DELETION) map.delete(text(key));
    else map.set(text(key), text(value));
  }
  const isWithin = (key: string): boolean =>
    (lower === undefined || key >= text(lower)) && (upper === undefined || key < text(upper));
  return [...map].filter(([key]) => isWithin(key)).sort(([a], [b]) => (a < b ? -1 : 1));
}

function growing(bytes: Uint8Array | undefined): GrowingBytes | undefined {
  if (bytes === undefined) return undefined;
  const kept = new GrowingBytes();
  kept.set(Region.of(bytes), 0, bytes.length);
  return kept;
}

function finish(cursor: VisibleCursor): Pair | undefined {
  for (let i = 0; cursor.status === BLOCKED; i++) {
    expect(i).toBeLessThan(10_000);
    cursor.resume();
  }
  if (cursor.status === END) return undefined;
  expect(cursor.status).toBe(VALID);
  return [
    text(cursor.keyRegion.bytes.slice(cursor.keyStart, cursor.keyEnd)),
    text(cursor.valueRegion.bytes.slice(cursor.valueStart, cursor.valueEnd)),
  ];
}

describe('merging and visible cursors', () => {
  test('show what a sorted map of the same history has, whichever way they move and whenever they block', () => {
    fc.assert(
      fc.property(
        someEntries,
        fc.nat(60),
        aBound,
        aBound,
        fc.array(aMove, { maxLength: 40 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 50 }),
        (entries, sequence, lower, upper, moves, blocks) => {
          let turn = 0;
          const source = sourceOf(entries, () => blocks[turn++ % blocks.length]! && turn % 7 !== 0);
          const cursor = new VisibleCursor(source, sequence, growing(lower), growing(upper));
          const expected = model(entries, sequence, lower, upper);
          let at = -1;
          for (const { kind, key } of moves) {
            const target = text(Uint8Array.from(key));
            const region = Region.of(Uint8Array.from(key));
            if (kind === 'first') {
              cursor.first();
              at = 0;
            } else if (kind === 'last') {
              cursor.last();
              at = expected.length - 1;
            } else if (kind === 'seek') {
              cursor.seek(region, 0, key.length);
              at = expected.findIndex(([k]) => k >= target);
            } else if (kind === 'seekForPrevious') {
              cursor.seekForPrevious(region, 0, key.length);
              at = expected.findLastIndex(([k]) => k <= target);
            } else if (cursor.status !== VALID) {
              continue;
            } else if (kind === 'next') {
              cursor.next();
              at++;
            } else {
              cursor.previous();
              at--;
            }
            expect(finish(cursor)).toEqual(expected[at]);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('many versions of a key, visible and not, are passed over from both sides', () => {
    const value = (n: number): Uint8Array => Buffer.from(String(n));
    const entries: Entry[] = [];
    for (let i = 0; i < 200; i++) {
      const key = Buffer.from('abc'[i % 3]!);
      entries.push({ key, type: TYPE_VALUE, value: value(i), place: i % 2 });
    }
    for (const sequence of [0, 3, 100, 200]) {
      const cursor = new VisibleCursor(
        sourceOf(entries, () => false),
        sequence,
      );
      const expected = model(entries, sequence, undefined, undefined);
      const forward: Pair[] = [];
      for (cursor.first(); cursor.status === VALID; cursor.next()) forward.push(finish(cursor)!);
      expect(forward).toEqual(expected);
      const backward: Pair[] = [];
      for (cursor.last(); cursor.status === VALID; cursor.previous())
        backward.push(finish(cursor)!);
      expect(backward).toEqual(expected.toReversed());
    }
  });
});
