import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { BLOCKED, CACHED, type Cursor, END, STREAM, SYNC, VALID } from '../cursor.ts';
import { internalKey } from '../internal-key.ts';
import {
  addEntry,
  allOf,
  compareEntries,
  type Entry,
  entryAt,
  getFrom,
  bytesOf,
  inOrder,
  Opened,
  textEntry,
  writeTable,
} from '../testing/table-entries.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { isCodecPresent } from './codecs.ts';
import { filterHash } from './filter.ts';
import { type FilterPrefix, prefixEnd } from './filter-prefix.ts';
import { ABSENT, FOUND, NOT_CACHED } from './lookup.ts';
import { TableBuilder } from './table-builder.ts';
import type { CodecName, TableWriteOptions } from './table-options.ts';

/** Keys that share prefixes, are prefixes of each other, hold 0 and 255, or are long. */
const keys: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 3, max: 3 }),
  fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 6 }).map((a) => Uint8Array.from(a)),
  fc.nat(2000).map((n) => bytesOf(`key:${String(n).padStart(8, '0')}`)),
  fc.tuple(fc.nat(3), fc.nat(300)).map(([b, n]) => new Uint8Array(n).fill(b)),
);

const values: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.nat(700).map((n) => new Uint8Array(n).fill(120)),
);

function entriesOf(maxType: number, maxLength: number): fc.Arbitrary<Entry[]> {
  const entry = fc.record({
    key: keys.map((k) => new Uint8Array(k)),
    sequence: fc.oneof(fc.nat(20), fc.nat(), fc.maxSafeNat()),
    type: fc.nat(maxType),
    value: values,
  });
  return fc.array(entry, { maxLength }).map((entries) => inOrder(entries));
}

const CODECS = (['none', 'snappy', 'lz4', 'zstd'] as const).filter((c) => isCodecPresent(c));

function optionsOf(codecs: readonly CodecName[]): fc.Arbitrary<TableWriteOptions> {
  return fc
    .record({
      blockBytes: fc.constantFrom(64, 100, 300, 4096),
      restartInterval: fc.integer({ min: 1, max: 16 }),
      codec: fc.constantFrom(...codecs),
      filterBitsPerKey: fc.constantFrom(0, 1, 10, 20),
      levelDbFilter: fc.boolean(),
    })
    .map((options) => ({
      ...options,
      formatLevel: options.codec === 'lz4' || options.codec === 'zstd' ? 2 : 1,
    }));
}

/** Read anew: the compiler does not see that `resume` changes it. */
const statusOf = (cursor: Cursor): number => cursor.status;

const probe = fc.record({ key: keys, sequence: fc.oneof(fc.nat(25), fc.maxSafeNat()) });

test('what was added is found, by lookups and by cursors in both directions', () => {
  const run = fc.property(
    entriesOf(1, 120),
    optionsOf(CODECS),
    fc.array(probe, { maxLength: 30 }),
    (entries, options, probes) => {
      const { file, meta } = writeTable(entries, options);
      expect(meta.sizeBytes).toBe(file.length);
      expect(meta.entries).toBe(entries.length);
      const opened = new Opened(file, 1 << 16);
      const { table } = opened;
      for (const { key, sequence } of [...entries, ...probes]) {
        expect(opened.get(key, sequence)).toEqual(getFrom(entries, key, sequence));
      }
      for (const mode of [SYNC, STREAM]) expect(allOf(table.cursor(mode))).toEqual(entries);
      const cursor = table.cursor(SYNC);
      cursor.last();
      for (let i = entries.length - 1; i >= 0; i--, cursor.previous()) {
        expect(entryAt(cursor)).toEqual(entries[i]);
      }
      expect(cursor.status).not.toBe(VALID);
      for (const { key, sequence } of [...probes, ...entries]) {
        const low = { key, sequence, type: 255, value: key };
        const i = entries.findIndex((e) => compareEntries(e, low) >= 0);
        cursor.seek(Region.of(key), 0, key.length, sequence);
        expect(entryAt(cursor)).toEqual(entries[i]);
        const j = entries.findLastIndex((e) => compareEntries(e, { ...low, type: 0 }) <= 0);
        cursor.seekForPrevious(Region.of(key), 0, key.length, sequence);
        expect(entryAt(cursor)).toEqual(entries[j]);
        if (j > 0) {
          cursor.previous();
          expect(entryAt(cursor)).toEqual(entries[j - 1]);
          cursor.next();
          expect(entryAt(cursor)).toEqual(entries[j]);
        }
      }
      cursor.close();
      expect(opened.cache.pinnedBytes()).toBe(0);
      const { entries: count, minSequence, maxSequence } = table.verify();
      expect(count).toBe(entries.length);
      expect([minSequence, maxSequence]).toEqual([meta.minSequence, meta.maxSequence]);
    },
  );
  fc.assert(run, { numRuns: 300 });
});

test('the same with nothing cached: reads wait for blocks, and go on once these were loaded', async () => {
  const run = fc.asyncProperty(
    entriesOf(1, 80),
    optionsOf(CODECS),
    fc.array(probe, { maxLength: 6 }),
    async (entries, options, probes) => {
      const { file } = writeTable(entries, options);
      // Far less than the table: what was loaded before is gone.
      const opened = new Opened(file, 2048);
      const { table, requests } = opened;
      const cursor = table.cursor(CACHED, requests);
      const settle = async (): Promise<Entry | undefined> => {
        for (let tries = 0; statusOf(cursor) === BLOCKED; tries++) {
          expect(tries).toBeLessThan(200);
          await requests.load();
          cursor.resume();
          // Blocks that are needed one after the other stay.
          if (statusOf(cursor) === VALID) requests.release();
        }
        requests.release();
        return entryAt(cursor);
      };
      const seen: Entry[] = [];
      cursor.first();
      for (let e = await settle(); e !== undefined; cursor.next(), e = await settle()) seen.push(e);
      expect(seen).toEqual(entries);
      seen.length = 0;
      cursor.last();
      for (let e = await settle(); e !== undefined; cursor.previous(), e = await settle()) {
        seen.push(e);
      }
      expect(seen.reverse()).toEqual(entries);
      for (const { key, sequence } of [...probes, ...entries.slice(0, 6)]) {
        const low = { key, sequence, type: 255, value: key };
        cursor.seek(Region.of(key), 0, key.length, sequence);
        expect(await settle()).toEqual(entries.find((e) => compareEntries(e, low) >= 0));
        const last = entries.findLast((e) => compareEntries(e, { ...low, type: 0 }) <= 0);
        cursor.seekForPrevious(Region.of(key), 0, key.length, sequence);
        expect(await settle()).toEqual(last);
        let found = opened.get(key, sequence, CACHED);
        for (let tries = 0; found === NOT_CACHED; tries++) {
          expect(tries).toBeLessThan(4);
          await requests.load();
          found = opened.get(key, sequence, CACHED);
        }
        requests.release();
        expect(found).toEqual(getFrom(entries, key, sequence));
      }
      cursor.close();
      expect(opened.cache.pinnedBytes()).toBe(0);
    },
  );
  await fc.assert(run, { numRuns: 100 });
});

test('the table tells what it holds', () => {
  const entries: Entry[] = [
    textEntry('a', 9, 1, 'new'),
    textEntry('a', 3, 0, ''),
    textEntry('bc', 2 ** 53 - 1, 1, 'x'),
  ];
  const { file, meta } = writeTable(entries, { createdAtSeconds: 1234, codec: 'snappy' });
  expect(meta).toMatchObject({
    entries: 3,
    deletions: 1,
    minSequence: 3,
    maxSequence: 2 ** 53 - 1,
    rawKeyBytes: 4,
    rawValueBytes: 4,
    dataBlocks: 1,
    smallest: internalKey(Buffer.from('a'), 9, 1),
    largest: internalKey(Buffer.from('bc'), 2 ** 53 - 1, 1),
  });
  const { sizeBytes, ...rest } = meta;
  const { properties } = new Opened(file).table;
  expect(properties).toEqual({
    ...rest,
    comparator: 'leveldb.BytewiseComparator',
    codec: 'snappy',
    filterPrefix: '',
    createdAtSeconds: 1234,
    youngestAtSeconds: 1234,
    hiddenVersions: 1,
  });
  expect(sizeBytes).toBe(file.length);
});

test('format level 2: merge operands and range deletions; level 1 refuses them', () => {
  const entries: Entry[] = [
    textEntry('b', 7, 3, 'k'),
    textEntry('c', 8, 2, '+1'),
    textEntry('d', 9, 1, 'v'),
  ];
  const { file, meta } = writeTable(entries, { formatLevel: 2 });
  expect(meta).toMatchObject({ entries: 3, merges: 1, rangeDeletions: 1, minSequence: 7 });
  expect(meta.smallest).toEqual(internalKey(Buffer.from('b'), 7, 3));
  expect(meta.largest).toEqual(internalKey(Buffer.from('k'), 2 ** 53 - 1, 3));
  const opened = new Opened(file);
  expect(opened.get(bytesOf('c'), 100)).toEqual(entries[1]);
  expect(opened.table.rangeDeletions()).toEqual([
    { begin: new Uint8Array([98]), end: new Uint8Array([107]), sequence: 7 },
  ]);
  expect(allOf(opened.table.cursor(SYNC))).toEqual(entries.slice(1));
  expect(opened.table.verify()).toMatchObject({ entries: 2, rangeDeletions: 1 });
  for (const entry of entries.slice(0, 2)) {
    const builder = new TableBuilder(new MemoryFile());
    expect(() => addEntry(builder, entry)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  }
  expect(() => new TableBuilder(new MemoryFile(), { codec: 'lz4' })).toThrow(/format level 2/);
});

test('entries out of order are refused', () => {
  const entry = (key: string, sequence: number): Entry => textEntry(key, sequence, 1, '');
  const refusals = [
    [entry('b', 1), entry('a', 2)],
    [entry('b', 1), entry('b', 1)],
    [entry('b', 1), entry('b', 2)],
    [entry('ba', 1), entry('b', 2)],
  ];
  for (const [first, second] of refusals) {
    const builder = new TableBuilder(new MemoryFile());
    addEntry(builder, first!);
    expect(() => addEntry(builder, second!)).toThrow(RangeError);
    expect(builder.entries).toBe(1);
  }
});

test('an empty table, and approximate offsets', () => {
  const empty = new Opened(writeTable([]).file);
  expect(empty.get(Buffer.from('a'), 5)).toBe(ABSENT);
  expect(allOf(empty.table.cursor(SYNC))).toEqual([]);
  const entries = Array.from({ length: 500 }, (_, i) => ({
    key: Buffer.from(`k${String(i).padStart(5, '0')}`),
    sequence: i + 1,
    type: 1,
    value: new Uint8Array(100),
  }));
  const { file, meta } = writeTable(entries);
  const { table } = new Opened(file);
  const offsets = ['a', 'k00100', 'k00250', 'k00400', 'z'].map((k) =>
    table.approximateOffsetOf(Region.of(k), 0, k.length),
  );
  expect(offsets[0]).toBe(0);
  expect(offsets[4]).toBeGreaterThan(meta.dataBytes - 10);
  for (let i = 1; i < 5; i++) expect(offsets[i]!).toBeGreaterThan(offsets[i - 1]!);
  expect(Math.abs(offsets[2]! - meta.dataBytes / 2)).toBeLessThan(9000);
});

test('held indexes and filters stay when everything else goes, and are let go', () => {
  const opened = new Opened(writeTable(ROWS).file, 64 * 1024);
  opened.table.isHeld = true;
  for (let round = 0; round < 3; round++) {
    for (const { key, sequence } of ROWS) opened.get(key, sequence);
  }
  expect(opened.cache.heldBytes).toBeGreaterThan(3000);
  const { index, filter } = opened.table.layout;
  expect(opened.cache.peek(-1, 5, index.offset)).toBeGreaterThanOrEqual(0);
  expect(opened.cache.peek(-1, 5, filter!.offset)).toBeGreaterThanOrEqual(0);
  opened.table.close();
  expect(opened.cache.pinnedBytes()).toBe(0);
  expect(opened.cache.heldBytes).toBe(0);
});

/** 2000 entries of 100 bytes: about 60 blocks. */
const ROWS: Entry[] = Array.from({ length: 2000 }, (_, i) => ({
  key: bytesOf(`k${String(i).padStart(5, '0')}`),
  sequence: i + 1,
  type: 1,
  value: new Uint8Array(100).fill(i),
}));

test('a scan forward reads ahead, others do not', async () => {
  const { file, meta } = writeTable(ROWS);
  const opened = new Opened(file, 1 << 20);
  const { table, requests } = opened;
  table.approximateOffsetOf(Region.of('k'), 0, 1);
  file.reads = 0;
  for (const i of [100, 900, 1500]) {
    const key = Region.of(ROWS[i]!.key);
    const cursor = table.cursor(SYNC);
    cursor.seek(key, 0, key.bytes.length, 1e6);
    cursor.close();
  }
  expect(file.reads).toBe(3);
  expect(allOf(table.cursor(SYNC))).toEqual(ROWS);
  expect(file.reads).toBeLessThan(meta.dataBlocks / 4);
  expect(file.largestRead).toBeLessThanOrEqual(256 * 1024);

  opened.cache.eraseFile(5);
  file.reads = 0;
  const cursor = table.cursor(CACHED, requests);
  let waits = 0;
  const seen: Entry[] = [];
  for (cursor.first(); cursor.status !== END;) {
    if (cursor.status === BLOCKED) {
      waits++;
      await requests.load();
      cursor.resume();
    } else {
      seen.push(entryAt(cursor)!);
      cursor.next();
    }
  }
  requests.release();
  expect(seen).toEqual(ROWS);
  expect(waits).toBeLessThan(meta.dataBlocks / 4);
  expect(file.reads).toBeLessThan(meta.dataBlocks / 4);
  expect(opened.cache.pinnedBytes()).toBe(0);
});

test('damage that was read ahead is met when the scan gets there', () => {
  const { file, meta } = writeTable(ROWS);
  file.bytes[Math.floor(meta.dataBytes * 0.9)]! ^= 1;
  const { table, cache } = new Opened(file);
  const cursor = table.cursor(SYNC);
  let count = 0;
  const scan = (): void => {
    for (cursor.first(); cursor.status === VALID; cursor.next()) count++;
  };
  expect(scan).toThrow(expect.objectContaining({ code: 'CORRUPTION' }));
  expect(count).toBeGreaterThan(1700);
  expect(count).toBeLessThan(1850);
  cursor.close();
  expect(cache.pinnedBytes()).toBe(0);
});

test('prefixes in the filter: those of its keys are there, nearly all others are not', () => {
  const rules: readonly FilterPrefix[] = [{ bytes: 4 }, { through: 58 }];
  for (const filterPrefix of rules) {
    const names = Array.from({ length: 300 }, (_, i) => `${100 + i}:${i % 7}`);
    const entries = inOrder([...names, 'x', 'zzz'].map((key, i) => textEntry(key, i, 1, '')));
    const opened = new Opened(writeTable(entries, { filterPrefix }).file);
    const { table, requests } = opened;
    expect(table.filterPrefix).toEqual(filterPrefix);
    const ask = (key: string): number => {
      const region = Region.of(key);
      const end = prefixEnd(region, 0, key.length, filterPrefix);
      return table.mayContainPrefix(filterHash(region, 0, end), SYNC, requests);
    };
    for (const name of names) expect(ask(`${name}00`)).toBe(FOUND);
    const others = Array.from({ length: 500 }, (_, i) => ask(`${500 + i}:5`));
    expect(others.filter((answer) => answer === FOUND).length).toBeLessThan(20);
    expect(prefixEnd(Region.of('x'), 0, 1, filterPrefix)).toBe(-1);
  }
  const { table, requests } = new Opened(writeTable(ROWS).file);
  expect(table.mayContainPrefix(1, SYNC, requests)).toBe(FOUND);
  const wrong = { filterPrefix: { bytes: 0 } };
  expect(() => new TableBuilder(new MemoryFile(), wrong)).toThrow(/prefix/);
});

test('an index and a filter larger than the cache are read again and again, and right', () => {
  const { file } = writeTable(ROWS, { blockBytes: 64 });
  const opened = new Opened(file, 4096);
  for (const row of ROWS.filter((_, i) => i % 100 === 0)) {
    expect(opened.get(row.key, 1e6)).toEqual(row);
  }
  expect(allOf(opened.table.cursor(SYNC))).toEqual(ROWS);
  opened.table.isHeld = true;
  expect(opened.get(ROWS[7]!.key, 1e6)).toEqual(ROWS[7]);
  expect(opened.cache.heldBytes).toBe(0);
});

test('a cursor is moved to another table', () => {
  const opened = new Opened(writeTable(ROWS).file);
  const other = new Opened(writeTable(ROWS.slice(5, 9)).file);
  for (const mode of [SYNC, STREAM]) {
    const cursor = opened.table.cursor(mode);
    expect(allOf(cursor)).toHaveLength(2000);
    cursor.first();
    cursor.moveTo(other.table);
    expect(cursor.status).toBe(END);
    expect(allOf(cursor)).toEqual(ROWS.slice(5, 9));
    cursor.close();
  }
  expect(opened.cache.pinnedBytes()).toBe(0);
});
