import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import type { CodecName } from '../format/table-options.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { inOrder, textEntry, writeTable } from '../testing/table-entries.ts';
import { BlockScan } from './block-scan.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';

const random = new SeededRandomness(3);
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCodePoint(32 + random.below(90))).join('');
const ENTRIES = inOrder(
  Array.from({ length: 300 }, (_, i) =>
    textEntry(`key${String(i * 31).padStart(6, '0')}`, i + 1, i % 7 === 0 ? 0 : 1, noise(i % 90)),
  ),
);

const CODECS: CodecName[] = ['none', 'snappy', 'lz4'];

function tableOf(codec: CodecName): Uint8Array {
  const formatLevel = codec === 'lz4' ? 2 : 1;
  return writeTable(ENTRIES, { codec, formatLevel, blockBytes: 512 }).file.contents();
}

function scan(bytes: Uint8Array): number[] {
  const table = new RawTable(new MemoryFile('t', bytes), 1, uncachedLoader());
  const blocks = new BlockScan(table, bytes.length);
  const found: number[] = [];
  for (let block = blocks.next(); block !== undefined; block = blocks.next()) {
    found.push(block.offset);
  }
  expect(blocks.isExhausted).toBe(false);
  return found;
}

function dataBlocksOf(bytes: Uint8Array): { offset: number; size: number }[] {
  const table = new RawTable(new MemoryFile('t', bytes), 1, uncachedLoader());
  return [...table.indexEntries()].map(({ offset, size }) => ({ offset, size }));
}

test('every block of an intact table is found, index or no index', () => {
  for (const codec of CODECS) {
    const bytes = tableOf(codec);
    const blocks = dataBlocksOf(bytes);
    const found = scan(bytes);
    expect(found.slice(0, blocks.length)).toEqual(blocks.map(({ offset }) => offset));
    // Filter, properties, metaindex and index are blocks too.
    expect(found.length).toBe(blocks.length + 4);
    expect(scan(bytes.slice(0, blocks.at(-1)!.offset)).length).toBe(blocks.length - 1);
  }
});

test('behind a damaged block the next one is found', () => {
  for (const codec of CODECS) {
    const good = tableOf(codec);
    const blocks = dataBlocksOf(good);
    for (let round = 0; round < 40; round++) {
      const bytes = good.slice();
      const hit = new Set<number>();
      for (let n = 0; n < 1 + (round % 3); n++) {
        const which = random.below(blocks.length);
        const { offset, size } = blocks[which]!;
        bytes[offset + random.below(size + 5)]! ^= 1 << random.below(8);
        hit.add(offset);
      }
      const expected = blocks.map(({ offset }) => offset).filter((offset) => !hit.has(offset));
      // Where the last one is hit, what follows is not found: a filter looks like nothing.
      const end = blocks.at(-1)!.offset;
      expect(scan(bytes).filter((offset) => offset <= end)).toEqual(expected);
    }
  }
});

test('a large block is found, before and behind damage', () => {
  const large = 'x'.repeat(3_000_000);
  const entries = inOrder([
    ...ENTRIES,
    textEntry('key000000+', 1, 1, large),
    textEntry('key009000+', 1, 1, large),
  ]);
  const bytes = writeTable(entries, { blockBytes: 512 }).file.contents();
  const blocks = dataBlocksOf(bytes);
  bytes[blocks[20]!.offset] = 77;
  const expected = blocks.map(({ offset }) => offset).filter((_, i) => i !== 20);
  expect(scan(bytes).slice(0, expected.length)).toEqual(expected);
});

test('what holds no blocks ends', () => {
  expect(scan(new Uint8Array(0))).toEqual([]);
  expect(scan(new Uint8Array(100_000))).toEqual([]);
  expect(scan(new Uint8Array(Buffer.from(noise(20_000))))).toEqual([]);
});
