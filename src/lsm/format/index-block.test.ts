import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { compareEntries, type Entry, inOrder } from '../testing/table-entries.ts';
import { trailerHigh, trailerLow } from '../internal-key.ts';
import { BlockBuilder } from './block-builder.ts';
import { writeHandle } from './footer.ts';
import {
  decodedIndexBytes,
  decodeIndex,
  indexCount,
  indexOffset,
  indexSize,
  searchIndex,
} from './index-block.ts';

const LIMIT = 1e12;
const AT = 64;

function indexBlock(entries: readonly Entry[]): Region {
  const block = new BlockBuilder(1);
  const handle = Region.allocate(20);
  for (const [i, { key, sequence, type }] of entries.entries()) {
    const end = writeHandle(handle.bytes, 0, { offset: i * 5_000_000_000, size: i });
    const low = trailerLow(sequence, type);
    const high = trailerHigh(sequence);
    block.add(Region.of(key), 0, key.length, 0, low, high, handle, 0, end);
  }
  block.finish();
  return Region.of(block.region.bytes.subarray(0, block.end));
}

function decoded(block: Region): Region {
  const size = decodedIndexBytes(block, 0, block.bytes.length);
  expect(size).toBeGreaterThan(0);
  const index = Region.allocate(AT + size + 64);
  index.bytes.fill(0xa5);
  expect(decodeIndex(block, 0, block.bytes.length, index, AT, LIMIT)).toBe(-1);
  expect(index.bytes.subarray(AT + size).every((b) => b === 0xa5)).toBe(true);
  return index;
}

/** Keys with a prefix in common, and differences near and far behind it. */
const entries = fc
  .record({
    prefix: fc.uint8Array({ maxLength: 12 }),
    tails: fc.array(
      fc.tuple(fc.array(fc.constantFrom(0, 1, 2, 127, 128, 255), { maxLength: 12 }), fc.nat(3)),
      { minLength: 1, maxLength: 60 },
    ),
    hasSuccessor: fc.boolean(),
  })
  .map(({ prefix, tails, hasSuccessor }) => {
    const all = tails.map(([tail, sequence]) => ({
      key: Uint8Array.from([...prefix, ...tail]),
      sequence,
      type: 1,
      value: new Uint8Array(0),
    }));
    if (hasSuccessor) all.push({ ...all[0]!, key: Uint8Array.of(255, 255), sequence: 1 });
    return { list: inOrder(all), prefix };
  });

test('a search finds the first separator that is not before the key', () => {
  const probe = fc.tuple(
    fc.boolean(),
    fc.array(fc.constantFrom(0, 1, 2, 127, 128, 255), { maxLength: 12 }),
    fc.nat(4),
  );
  const run = fc.property(
    entries,
    fc.array(probe, { maxLength: 30 }),
    ({ list, prefix }, probes) => {
      const index = decoded(indexBlock(list));
      expect(indexCount(index, AT)).toBe(list.length);
      for (let i = 0; i < list.length; i++) {
        expect(indexOffset(index, AT, i)).toBe(i * 5_000_000_000);
        expect(indexSize(index, AT, i)).toBe(i);
      }
      const sought: Entry[] = probes.map(([hasPrefix, tail, sequence]) => ({
        key: Uint8Array.from([...(hasPrefix ? prefix : prefix.subarray(0, 3)), ...tail]),
        sequence,
        type: 1,
        value: new Uint8Array(0),
      }));
      for (const entry of [...list, ...sought]) {
        const { key, sequence, type } = entry;
        const low = trailerLow(sequence, type) | 0;
        const high = trailerHigh(sequence);
        const found = searchIndex(index, AT, Region.of(key), 0, key.length, low, high);
        const expected = list.findIndex((e) => compareEntries(e, entry) >= 0);
        expect(found).toBe(expected < 0 ? list.length : expected);
      }
    },
  );
  fc.assert(run, { numRuns: 600 });
});

test('an empty index: every key is behind it', () => {
  const index = decoded(indexBlock([]));
  expect(searchIndex(index, AT, Region.of('a'), 0, 1, 0, 0)).toBe(0);
});

test('keys that take absurdly more than the block are no index', () => {
  const block = new BlockBuilder(16);
  const key = Region.of(new Uint8Array(5000));
  for (let i = 0; i < 2000; i++) block.add(key, 0, 5000, 5000, 1, 0, key, 0, 2);
  block.finish();
  const bytes = block.region.bytes.subarray(0, block.end);
  // The builder makes a key whole at each restart point; one without these expands without bound.
  const single = Region.of(bytes);
  expect(decodedIndexBytes(single, 0, bytes.length)).toBeGreaterThan(0);
  const endless = endlessBlock(20_000);
  expect(decodedIndexBytes(endless, 0, endless.bytes.length)).toBe(-1);
});

/** A block of one whole key and `count` entries that each share all of it and add a byte. */
function endlessBlock(count: number): Region {
  const bytes: number[] = [0, 200, 1, 0];
  for (let i = 0; i < 200; i++) bytes.push(1);
  bytes.push(0);
  for (let i = 0; i < count; i++) bytes.push(200, 1, 0, 0);
  bytes.push(0, 0, 0, 0, 1, 0, 0, 0);
  return Region.of(Uint8Array.from(bytes));
}

test('any bytes: an index or none, within bounds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const block = Region.of(bytes);
      const size = decodedIndexBytes(block, 0, bytes.length);
      expect(size).toBeLessThan(100_000);
      if (size < 0) return;
      const index = Region.allocate(AT + size);
      decodeIndex(block, 0, bytes.length, index, AT, 1000);
    }),
    { numRuns: 3000 },
  );
});
