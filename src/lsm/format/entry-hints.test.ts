import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonPrefix } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import { trailerHigh, trailerLow, TYPE_FOR_SEEK, TYPE_VALUE } from '../internal-key.ts';
import { BlockBuilder } from './block-builder.ts';
import { BlockSearch, EXACT } from './block-search.ts';
import { ABSENT, clearEntryHints, EntryHints, entryHintBytes, FOUND, OPEN } from './entry-hints.ts';

interface Entry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly valueLength: number;
}

const aKey = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 2, 255), { maxLength: 8 }).map((bytes) => Uint8Array.from(bytes)),
  fc.integer({ min: 0, max: 400 }).map((n) => Buffer.from(String(n).padStart(16, '0'))),
  fc.integer({ min: 0, max: 30 }).map((n) => Buffer.from(`${'long-prefix-'.repeat(3)}${n}`)),
);

/** Sorted, each version once. */
const someEntries = fc
  .array(
    fc.record({ key: aKey, sequence: fc.integer({ min: 1, max: 5 }), valueLength: fc.nat(300) }),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((entries) => {
    const byVersion = new Map(
      entries.map((e) => [`${Buffer.from(e.key).toString('hex')} ${e.sequence}`, e]),
    );
    return [...byVersion.values()].sort(
      (a, b) => Buffer.compare(a.key, b.key) || b.sequence - a.sequence,
    );
  });

/** The block, and behind it room for hints of `room` entries. */
function blockOf(entries: readonly Entry[], interval: number, room: number) {
  const builder = new BlockBuilder(interval);
  let before = Region.of('');
  for (const { key, sequence, valueLength } of entries) {
    const region = Region.of(key);
    const prefix = commonPrefix(region, 0, key.length, before, 0, before.bytes.length);
    const value = Region.allocate(valueLength);
    const low = trailerLow(sequence, TYPE_VALUE);
    builder.add(region, 0, key.length, prefix, low, trailerHigh(sequence), value, 0, valueLength);
    before = region;
  }
  builder.finish();
  const { end } = builder;
  const hintBytes = entryHintBytes(room, end);
  const block = Region.allocate(end + hintBytes);
  block.bytes.set(builder.region.bytes.subarray(0, end));
  if (hintBytes > 0) clearEntryHints(block, end, hintBytes);
  return { block, end, hintBytes };
}

test('hints find what a search of the block finds, or leave it open', () => {
  let open = 0;
  let told = 0;
  fc.assert(
    fc.property(
      someEntries,
      fc.constantFrom(1, 2, 16),
      fc.array(fc.tuple(aKey, fc.integer({ min: 0, max: 6 })), { maxLength: 30 }),
      fc.integer({ min: 0, max: 3 }),
      (entries, interval, probes, spare) => {
        const { block, end, hintBytes } = blockOf(entries, interval, entries.length + spare);
        if (hintBytes === 0) return;
        const hints = new EntryHints();
        const search = new BlockSearch();
        const expected = new BlockSearch();
        expect(hints.find(search, block, 0, end, end, block, 0, 1, 0, 0)).toBe(OPEN);
        const all = [...probes, ...entries.map((e) => [e.key, e.sequence] as const)];
        for (const [key, sequence] of all) {
          const region = Region.of(key);
          const low = trailerLow(sequence, TYPE_FOR_SEEK) | 0;
          const high = trailerHigh(sequence);
          const answer = hints.find(search, block, 0, end, end, region, 0, key.length, low, high);
          const found = expected.find(block, 0, end, region, 0, key.length, low, high);
          if (answer === OPEN) {
            open++;
            continue;
          }
          told++;
          expect(answer).toBe(found === EXACT ? FOUND : ABSENT);
          if (found !== EXACT) continue;
          expect([search.valueAt, search.valueEnd, search.low, search.high]).toEqual([
            expected.valueAt,
            expected.valueEnd,
            expected.low,
            expected.high,
          ]);
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(told).toBeGreaterThan(open);
});

test('a block of more entries than there is room for has no hints', () => {
  const entries = Array.from({ length: 20 }, (_, i) => ({
    key: Buffer.from(`key${String(i).padStart(4, '0')}`),
    sequence: 1,
    valueLength: 3,
  }));
  const { block, end } = blockOf(entries, 16, 19);
  const region = Region.of('key0003');
  const hints = new EntryHints();
  const low = trailerLow(5, TYPE_FOR_SEEK) | 0;
  expect(hints.find(new BlockSearch(), block, 0, end, end, region, 0, 7, low, 0)).toBe(OPEN);
  expect(entryHintBytes(1, 4096)).toBe(0);
  expect(entryHintBytes(40, 70_000)).toBe(0);
});

test('any bytes at all are searched in bounds', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 300 }),
      fc.uint8Array({ maxLength: 20 }),
      (bytes, key) => {
        const hintBytes = entryHintBytes(20, bytes.length);
        const block = Region.allocate(bytes.length + hintBytes);
        block.bytes.set(bytes);
        // Not too many restart points, so that something looks like entries.
        block.view.setUint32(bytes.length - 4, bytes[0]! % 4, true);
        clearEntryHints(block, bytes.length, hintBytes);
        const answer = new EntryHints().find(
          new BlockSearch(),
          block,
          0,
          bytes.length,
          bytes.length,
          Region.of(key),
          0,
          key.length,
          0,
          0,
        );
        expect([FOUND, ABSENT, OPEN]).toContain(answer);
      },
    ),
  );
});
