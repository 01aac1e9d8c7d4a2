import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { BatchReader } from './batch-reader.ts';
import { LsmError } from './errors.ts';
import {
  MAX_SEQUENCE,
  TYPE_DELETION,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
} from './internal-key.ts';
import { MAX_BATCH_BYTES } from './limits.ts';
import { BATCH_HEADER_BYTES, WriteBatch } from './write-batch.ts';

interface Entry {
  readonly type: number;
  readonly key: string;
  readonly value: string;
}

const text = fc.string({ unit: 'binary-ascii', maxLength: 300 });
const entries = fc.array(
  fc.record({
    type: fc.constantFrom(TYPE_DELETION, TYPE_VALUE, TYPE_MERGE, TYPE_RANGE_DELETION),
    key: text,
    value: text,
  }),
  { maxLength: 30 },
);

function add(batch: WriteBatch, { type, key, value }: Entry): void {
  const k = Region.of(key);
  const v = Region.of(value);
  const [kEnd, vEnd] = [k.bytes.length, v.bytes.length];
  if (type === TYPE_DELETION) batch.delete(k, 0, kEnd);
  else if (type === TYPE_VALUE) batch.put(k, 0, kEnd, v, 0, vEnd);
  else if (type === TYPE_MERGE) batch.merge(k, 0, kEnd, v, 0, vEnd);
  else batch.deleteRange(k, 0, kEnd, v, 0, vEnd);
}

function build(list: readonly Entry[]): WriteBatch {
  const batch = new WriteBatch(16);
  for (const entry of list) add(batch, entry);
  return batch;
}

const latin1 = (region: Region, start: number, end: number): string =>
  Buffer.from(region.bytes.subarray(start, end)).toString('latin1');

function read(batch: WriteBatch): { entries: Entry[]; sequences: number[] } {
  const reader = new BatchReader();
  expect(reader.verify(batch.region, 0, batch.sizeBytes, 2)).toBe(true);
  reader.open(batch.region, 0, batch.sizeBytes);
  const found: Entry[] = [];
  const sequences: number[] = [];
  while (reader.next()) {
    found.push({
      type: reader.type,
      key: latin1(reader.region, reader.keyStart, reader.keyEnd),
      value: latin1(reader.region, reader.valueStart, reader.valueEnd),
    });
    sequences.push(reader.sequence);
  }
  expect(reader.problem).toBe('');
  return { entries: found, sequences };
}

const asStored = (list: readonly Entry[]): Entry[] =>
  list.map((e) => (e.type === TYPE_DELETION ? { ...e, value: '' } : e));

describe('a write batch', () => {
  test('is LevelDB’s bytes', () => {
    const batch = build([
      { type: TYPE_VALUE, key: 'foo', value: 'bar' },
      { type: TYPE_DELETION, key: 'box', value: '' },
    ]);
    batch.seal(0x0102030405);
    expect(Buffer.from(batch.region.bytes.subarray(0, batch.sizeBytes)).toString('hex')).toBe(
      '0504030201000000_02000000_0103666f6f03626172_0003626f78'.replaceAll('_', ''),
    );
    expect(batch.sequence).toBe(0x0102030405);
    expect(batch.needsLevel2).toBe(false);
  });

  test('gives back what was put in, in order, with growing sequences', () => {
    fc.assert(
      fc.property(entries, fc.nat(MAX_SEQUENCE - 100), (list, sequence) => {
        const batch = build(list);
        batch.seal(sequence);
        const found = read(batch);
        expect(found.entries).toEqual(asStored(list));
        expect(found.sequences).toEqual(list.map((_, i) => sequence + i));
        expect(batch.needsLevel2).toBe(list.some((e) => e.type > TYPE_VALUE));
      }),
    );
  });

  test('takes another’s entries, goes back to a save point, and is used again', () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const batch = build(a);
        const { sizeBytes, count } = batch;
        batch.append(build(b));
        batch.seal(1);
        expect(read(batch).entries).toEqual(asStored([...a, ...b]));
        batch.cutTo(sizeBytes, count);
        batch.seal(1);
        expect(read(batch).entries).toEqual(asStored(a));
        batch.clear();
        batch.seal(1);
        expect(batch.sizeBytes).toBe(BATCH_HEADER_BYTES);
        expect(read(batch).entries).toEqual([]);
      }),
    );
  });

  test('lets a caller put key and value together in place', () => {
    const batch = new WriteBatch();
    batch.reserve(TYPE_VALUE, 4, 200);
    batch.region.bytes.set(Buffer.from('pfx:'), batch.keyAt);
    batch.region.bytes.fill(65, batch.valueAt, batch.valueAt + 200);
    batch.seal(7);
    expect(read(batch).entries).toEqual([
      { type: TYPE_VALUE, key: 'pfx:', value: 'A'.repeat(200) },
    ]);
  });

  test('refuses to become too large, and is as it was', () => {
    const batch = build([{ type: TYPE_VALUE, key: 'a', value: 'b' }]);
    expect(() => batch.reserve(TYPE_VALUE, 1, MAX_BATCH_BYTES)).toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    );
    batch.seal(1);
    expect(read(batch).entries).toHaveLength(1);
  });

  test('refuses sequence numbers that a double can’t hold', () => {
    const batch = build([{ type: TYPE_VALUE, key: 'a', value: 'b' }]);
    batch.seal(MAX_SEQUENCE - 1);
    expect(read(batch).sequences).toEqual([MAX_SEQUENCE - 1]);
    expect(() => batch.seal(MAX_SEQUENCE)).toThrow(LsmError);
  });
});

describe('a batch from outside', () => {
  const problemOf = (bytes: Uint8Array, formatLevel = 2): string => {
    const reader = new BatchReader();
    const region = Region.of(bytes);
    if (reader.verify(region, 0, bytes.length, formatLevel)) return '';
    const error = reader.error('/db/000004.log', 7);
    expect(error.message).toMatch(/^\/db\/000004.log, offset 7: /);
    return `${error.code} ${reader.problem}`;
  };
  const head = (low: number, high: number, count: number): number[] => {
    const bytes = new DataView(new ArrayBuffer(12));
    bytes.setUint32(0, low, true);
    bytes.setUint32(4, high, true);
    bytes.setUint32(8, count, true);
    return [...new Uint8Array(bytes.buffer)];
  };

  test.each([
    ['CORRUPTION a batch without its header', [1, 2, 3]],
    ['UNSUPPORTED sequence numbers above 2^53 - 1', head(0, 0x200000, 0)],
    ['CORRUPTION a batch of 0 entries that promises 1', head(1, 0, 1)],
    ['CORRUPTION a batch of 1 entries that promises 0', [...head(1, 0, 0), 0, 1, 97]],
    ['UNSUPPORTED an entry of the unknown type 5', [...head(1, 0, 1), 5, 1, 97]],
    ['CORRUPTION a key that goes beyond its batch', [...head(1, 0, 1), 0, 2, 97]],
    ['CORRUPTION a value that goes beyond its batch', [...head(1, 0, 1), 1, 1, 97, 1]],
    ['CORRUPTION a key that goes beyond its batch', [...head(1, 0, 1), 0, 255, 255, 255, 255, 15]],
    ['', [...head(1, 0, 1), 2, 1, 97, 0]],
  ])('%s', (expected, bytes) => {
    expect(problemOf(Uint8Array.from(bytes))).toBe(expected);
  });

  test('is refused at format level 1 where it needs level 2', () => {
    const bytes = Uint8Array.from([...head(1, 0, 1), 2, 1, 97, 0]);
    expect(problemOf(bytes, 1)).toBe('UNSUPPORTED an entry of type 2, which needs format level 2');
  });

  test('of any bytes is walked to an end within them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), (bytes, margin) => {
        // A plausible count and sequence let more of them through the header.
        if (bytes.length > 12) bytes.fill(0, 1, 12);
        const region = Region.allocate(bytes.length + margin);
        region.bytes.set(bytes);
        const reader = new BatchReader();
        const isGood = reader.verify(region, 0, bytes.length, 2);
        expect(isGood).toBe(reader.problem === '');
        reader.open(region, 0, bytes.length);
        let entries = 0;
        while (reader.next()) {
          entries++;
          expect(reader.keyStart).toBeLessThanOrEqual(reader.keyEnd);
          expect(reader.keyEnd).toBeLessThanOrEqual(reader.valueStart);
          expect(reader.valueStart).toBeLessThanOrEqual(reader.valueEnd);
          expect(reader.valueEnd).toBeLessThanOrEqual(bytes.length);
        }
        expect(entries).toBeLessThanOrEqual(bytes.length / 2);
      }),
      { numRuns: 2000 },
    );
  });
});
