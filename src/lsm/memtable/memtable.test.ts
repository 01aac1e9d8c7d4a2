import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { END, VALID } from '../cursor.ts';
import { MAX_SEQUENCE, TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { NONE } from './layout.ts';
import { MemtableCursor } from './memtable-cursor.ts';
import { Memtable } from './memtable.ts';
import { checkTree } from './testing.ts';

interface Entry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly type: number;
  readonly value: Uint8Array;
}

const byInternalOrder = (a: Entry, b: Entry): number =>
  Buffer.compare(a.key, b.key) || b.sequence - a.sequence;

function add(memtable: Memtable, entry: Entry): boolean {
  const key = Region.of(entry.key);
  const value = Region.of(entry.value);
  const { sequence, type } = entry;
  return memtable.add(key, 0, entry.key.length, sequence, type, value, 0, entry.value.length);
}

function shown(cursor: MemtableCursor): Entry | undefined {
  if (cursor.status === END) return undefined;
  expect(cursor.status).toBe(VALID);
  return {
    key: cursor.keyRegion.bytes.slice(cursor.keyStart, cursor.keyEnd),
    sequence: cursor.sequence,
    type: cursor.type,
    value: cursor.valueRegion.bytes.slice(cursor.valueStart, cursor.valueEnd),
  };
}

function walk(memtable: Memtable, isForward: boolean): Entry[] {
  const cursor = new MemtableCursor(memtable);
  const found: Entry[] = [];
  if (isForward) cursor.first();
  else cursor.last();
  while (cursor.status === VALID) {
    found.push(shown(cursor)!);
    if (isForward) cursor.next();
    else cursor.previous();
  }
  return found;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** Few bytes and lengths, so that keys share prefixes, are prefixes of each other and come again. */
const aKey = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 255), { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
  fc.integer({ min: 0, max: 300 }).map((n) => ascii(`user:${String(n).padStart(9, '0')}`)),
  fc.uint8Array({ maxLength: 20 }),
);

const someEntries = fc.array(
  fc.record({
    key: aKey,
    type: fc.constantFrom(TYPE_VALUE, TYPE_DELETION),
    value: fc.uint8Array({ maxLength: 8 }),
  }),
  { maxLength: 400 },
);

const numbered = (list: Omit<Entry, 'sequence'>[], from: number): Entry[] =>
  list.map((entry, i) => ({ ...entry, sequence: from + i }));

describe('memtable', () => {
  test('orders entries as a sorted list does', () => {
    fc.assert(
      fc.property(someEntries, fc.constantFrom(1, 2 ** 24 - 100, 2 ** 40), (list, from) => {
        const entries = numbered(list, from);
        const memtable = Memtable.allocate(1 << 18);
        for (const entry of entries) {
          expect(add(memtable, entry)).toBe(true);
          checkTree(memtable);
        }
        const sorted = entries.sort(byInternalOrder);
        expect(walk(memtable, true)).toEqual(sorted);
        expect(walk(memtable, false)).toEqual(sorted.toReversed());
        expect(memtable.entries).toBe(sorted.length);
      }),
      { numRuns: 60 },
    );
  });

  test('finds by key and sequence as a sorted list does, frozen and attached too', () => {
    fc.assert(
      fc.property(someEntries, fc.array(fc.tuple(aKey, fc.nat(450))), (list, probes) => {
        const entries = numbered(list, 1);
        const memtable = Memtable.allocate(1 << 18);
        for (const entry of entries) add(memtable, entry);
        const sorted = entries.sort(byInternalOrder);
        memtable.freeze();
        for (const table of [memtable, Memtable.attach(memtable.buffer)]) {
          const cursor = new MemtableCursor(table);
          for (const [key, sequence] of probes) {
            const region = Region.of(key);
            const place = { key, sequence, type: 0, value: key };
            const atOrAfter = sorted.find((e) => byInternalOrder(e, place) >= 0);
            const atOrBefore = sorted.findLast((e) => byInternalOrder(e, place) <= 0);
            cursor.seek(region, 0, key.length, sequence);
            expect(shown(cursor)).toEqual(atOrAfter);
            cursor.seekForPrevious(region, 0, key.length, sequence);
            expect(shown(cursor)).toEqual(atOrBefore);
            const ref = table.get(region, 0, key.length, sequence);
            const isThere = atOrAfter !== undefined && Buffer.compare(atOrAfter.key, key) === 0;
            expect(ref !== NONE && table.sequence(ref)).toBe(isThere && atOrAfter.sequence);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a cursor goes on where it was although entries are added', () => {
    fc.assert(
      fc.property(someEntries, fc.array(fc.boolean()), (list, moves) => {
        const entries = numbered(list, 1);
        const memtable = Memtable.allocate(1 << 18);
        const half = Math.ceil(entries.length / 2);
        const there = entries.slice(0, half);
        for (const entry of there) add(memtable, entry);
        const cursor = new MemtableCursor(memtable);
        cursor.first();
        for (const [i, isForward] of moves.entries()) {
          const before = shown(cursor);
          if (before === undefined) break;
          const entry = entries[half + i];
          if (entry !== undefined) {
            add(memtable, entry);
            there.push(entry);
          }
          const sorted = there.toSorted(byInternalOrder);
          const at = sorted.findIndex((e) => byInternalOrder(e, before) === 0);
          if (isForward) cursor.next();
          else cursor.previous();
          expect(shown(cursor)).toEqual(sorted[isForward ? at + 1 : at - 1]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('takes what it said it would take, to the last byte, and then no more', () => {
    fc.assert(
      fc.property(someEntries, fc.integer({ min: 4096, max: 40_000 }), (list, capacity) => {
        const memtable = Memtable.allocate(capacity & ~7);
        let promised = 0;
        for (const [i, entry] of numbered(list, 1).entries()) {
          const rest = list.slice(i);
          const payload = rest.reduce((sum, e) => sum + e.key.length + e.value.length, 0);
          if (promised === 0 && memtable.canTake(rest.length, payload)) promised = rest.length;
          const isIn = add(memtable, entry);
          if (promised > 0) expect(isIn).toBe(true);
          if (!isIn) break;
        }
        expect(memtable.usedBytes).toBeLessThanOrEqual(memtable.capacityBytes);
        checkTree(memtable);
      }),
      { numRuns: 100 },
    );
  });

  test('ascending and descending runs in keyspaces, key prefixes that end in zeros', () => {
    for (const direction of [1, -1]) {
      const memtable = Memtable.allocate(1 << 21);
      const entries: Entry[] = [];
      for (let i = 0; i < 5000; i++) {
        const n = direction === 1 ? i : 5000 - i;
        const key = Buffer.from(`${'abc'[i % 3]}/key-${String(n).padStart(10, '0')}`);
        const zeros = i % 10 === 0 ? Buffer.concat([key, Buffer.alloc(i % 7)]) : key;
        entries.push({ key: zeros, sequence: i + 1, type: TYPE_VALUE, value: zeros });
      }
      for (const entry of entries) expect(add(memtable, entry)).toBe(true);
      checkTree(memtable);
      entries.sort(byInternalOrder);
      const found = walk(memtable, true);
      expect(found.length).toBe(entries.length);
      for (const [i, entry] of found.entries()) expect(byInternalOrder(entry, entries[i]!)).toBe(0);
    }
  });

  test('the largest sequence number', () => {
    const memtable = Memtable.allocate(8192);
    const key = Buffer.from('k');
    for (const sequence of [1, MAX_SEQUENCE - 1, MAX_SEQUENCE]) {
      add(memtable, { key, sequence, type: TYPE_VALUE, value: key });
    }
    const region = Region.of(key);
    const at = (sequence: number): number =>
      memtable.sequence(memtable.get(region, 0, 1, sequence));
    expect([at(1), at(2), at(MAX_SEQUENCE - 1), at(MAX_SEQUENCE)]).toEqual([
      1,
      1,
      MAX_SEQUENCE - 1,
      MAX_SEQUENCE,
    ]);
  });
});
