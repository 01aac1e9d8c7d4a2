/**
 * Damaged tables: the right data or an error that names file and offset, never a wrong value, never more memory than the file justifies. Whoever damages
 * contents and checksum together may get other data or an error, and nothing worse.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, maskCrc } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import { type Cursor, SYNC, VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { type Entry, entryAt, Opened, textEntry, writeTable } from '../testing/table-entries.ts';
import { BLOCK_TRAILER_BYTES, FOOTER_BYTES } from './footer.ts';
import type { TableWriteOptions } from './table-options.ts';

const PATH = '/db/000005.ldb';
const ENTRIES: Entry[] = Array.from({ length: 12 }, (_, i) =>
  textEntry(`key${String(i >> 1).padStart(3, '0')}`, 100 - i, i % 5 === 0 ? 0 : 1, ''),
).map((e, i) => (e.type === 0 ? e : { ...e, value: new Uint8Array(9).fill(i) }));

const VARIANTS: readonly TableWriteOptions[] = [
  { blockBytes: 64, restartInterval: 3, levelDbFilter: true },
  { blockBytes: 100, codec: 'snappy', filterBitsPerKey: 0, levelDbFilter: true },
  { blockBytes: 4096, codec: 'lz4', formatLevel: 2 },
];

/** Everything that can be read; throws what reading throws. */
function readAll(file: MemoryFile): Entry[] {
  const opened = new Opened(file, 1 << 16);
  const cursor: Cursor = opened.table.cursor(SYNC);
  const forward: Entry[] = [];
  for (cursor.first(); cursor.status === VALID; cursor.next()) forward.push(entryAt(cursor)!);
  const backward: Entry[] = [];
  for (cursor.last(); cursor.status === VALID; cursor.previous()) backward.push(entryAt(cursor)!);
  cursor.close();
  expect(backward.reverse()).toEqual(forward);
  for (const entry of ENTRIES) {
    expect(opened.get(entry.key, entry.sequence)).toEqual(entry);
  }
  expect(opened.cache.pinnedBytes()).toBe(0);
  return forward;
}

/** Whether the table could be read; then it was read right. An error must be one that helps. */
function readsRight(file: MemoryFile): boolean {
  try {
    expect(readAll(file)).toEqual(ENTRIES);
    return true;
  } catch (error) {
    if (!(error instanceof LsmError)) throw error;
    expect(error).toMatchObject({ code: 'CORRUPTION', path: PATH });
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(file.length);
    return false;
  }
}

for (const [v, options] of VARIANTS.entries()) {
  const whole = writeTable(ENTRIES, options).file.contents();

  test(`any byte flipped: variant ${v}`, () => {
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const file = new MemoryFile(PATH, whole.slice());
        file.bytes[at]! ^= mask;
        if (!readsRight(file)) refused++;
        expect(file.largestRead).toBeLessThanOrEqual(whole.length);
      }
    }
    // What is read over is little: the zeroes of the footer, the properties when they are never looked at again.
    expect(refused).toBeGreaterThan((whole.length - FOOTER_BYTES) * 2.8);
  });

  test(`cut off anywhere: variant ${v}`, () => {
    expect(readsRight(new MemoryFile(PATH, whole))).toBe(true);
    for (let length = 0; length < whole.length; length++) {
      const file = new MemoryFile(PATH, whole.slice(0, length));
      expect(readsRight(file)).toBe(false);
      expect(file.largestRead).toBeLessThanOrEqual(whole.length);
    }
  });

  test(`verify finds any flipped byte of any block: variant ${v}`, () => {
    for (let at = 0; at < whole.length - FOOTER_BYTES; at++) {
      const file = new MemoryFile(PATH, whole.slice());
      file.bytes[at]! ^= 0x10;
      expect(() => new Opened(file).table.verify()).toThrow(
        expect.objectContaining({ code: 'CORRUPTION', path: PATH }),
      );
    }
  });
}

/** Offsets and sizes of all blocks of a table. */
function blocksOf(bytes: Uint8Array): { offset: number; size: number }[] {
  const { table } = new Opened(new MemoryFile(PATH, bytes));
  const { layout } = table;
  const blocks = [layout.metaindex, layout.index, layout.filter, layout.levelDbFilter];
  const known = [...blocks, layout.properties].filter((b) => b !== undefined);
  const cursor = table.cursor(SYNC);
  const offsets = new Set<number>();
  for (cursor.first(); cursor.status === VALID; cursor.next()) offsets.add(cursor.blockOffset);
  const ends = [...offsets, Math.min(...known.map((b) => b.offset))];
  ends.sort((a, b) => a - b);
  const data = ends.slice(0, -1).map((offset, i) => {
    return { offset, size: ends[i + 1]! - offset - BLOCK_TRAILER_BYTES };
  });
  return [...data, ...known];
}

test('contents changed together with the checksum: an error or other data, in bounded memory', () => {
  const change = fc.record({
    block: fc.nat(1000),
    at: fc.nat(10_000),
    byte: fc.constantFrom(0, 1, 8, 127, 128, 255),
    isType: fc.nat(20).map((n) => n === 0),
  });
  const run = fc.property(
    fc.constantFrom(...VARIANTS),
    fc.array(change, { minLength: 1, maxLength: 4 }),
    (options, changes) => {
      const bytes = writeTable(ENTRIES, options).file.contents();
      const blocks = blocksOf(bytes);
      const region = new Region(bytes.buffer);
      for (const { block, at, byte, isType } of changes) {
        const { offset, size } = blocks[block % blocks.length]!;
        bytes[isType ? offset + size : offset + (at % size)] = byte;
        const crc = maskCrc(crc32c(region, offset, offset + size + 1));
        region.view.setUint32(offset + size + 1, crc, true);
      }
      const file = new MemoryFile(PATH, bytes);
      try {
        const opened = new Opened(file, 1 << 16);
        exercise(opened);
        expect(opened.cache.overflowBytes).toBeLessThan(1 << 20);
        opened.table.verify();
      } catch (error) {
        if (!(error instanceof LsmError)) throw error;
        expect(['CORRUPTION', 'UNSUPPORTED']).toContain(error.code);
        expect(error.path).toBe(PATH);
      }
      expect(file.largestRead).toBeLessThanOrEqual(bytes.length);
    },
  );
  fc.assert(run, { numRuns: 3000 });
});

/** Reads this way and that, at most a thousand entries. */
function exercise(opened: Opened): void {
  const cursor: Cursor = opened.table.cursor(SYNC);
  let steps = 0;
  for (cursor.first(); cursor.status === VALID && steps < 1000; cursor.next()) steps++;
  for (cursor.last(); cursor.status === VALID && steps < 2000; cursor.previous()) steps++;
  for (const { key, sequence } of ENTRIES) {
    opened.get(key, sequence);
    cursor.seek(Region.of(key), 0, key.length, sequence);
    cursor.seekForPrevious(Region.of(key), 0, key.length, sequence);
  }
  cursor.close();
  expect(steps).toBeLessThan(2000);
}

test('any bytes before a good footer, and any bytes at all', () => {
  const footer = writeTable(ENTRIES).file.contents().slice(-FOOTER_BYTES);
  const run = fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, hasFooter) => {
    const bytes = hasFooter ? Buffer.concat([noise, footer]) : noise;
    const file = new MemoryFile(PATH, new Uint8Array(bytes));
    expect(() => exercise(new Opened(file))).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', path: PATH }),
    );
    expect(file.largestRead).toBeLessThanOrEqual(bytes.length + FOOTER_BYTES);
  });
  fc.assert(run, { numRuns: 500 });
});

test("a table in RocksDB's own format is refused by name", () => {
  const bytes = writeTable(ENTRIES).file.contents();
  bytes.set(Buffer.from('f7cff485b741e288', 'hex'), bytes.length - 8);
  expect(() => new Opened(new MemoryFile(PATH, bytes))).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', path: PATH, found: '88e241b785f4cff7' }),
  );
});

test('a failing read is an IO_ERROR that names the file', () => {
  const { file } = writeTable(ENTRIES);
  const opened = new Opened(file);
  file.readFault = 'EIO';
  expect(() => opened.get(ENTRIES[0]!.key, 1000)).toThrow(
    expect.objectContaining({ code: 'IO_ERROR', path: file.path }),
  );
});
