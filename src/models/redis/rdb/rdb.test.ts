import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../../bytes/region.ts';
import type { WindowSource } from '../../../log/file-window.ts';
import { latin1 } from '../../../bytes/resp-request.ts';
import { readRdb, type RdbSummary, type RdbTarget } from './reader.ts';
import { RdbWriter, type RdbSink } from './writer.ts';

/** A sink of small pieces, kept. */
class Pieces implements RdbSink {
  region: Region;
  at = 0;
  onPiece: (region: Region, from: number, to: number) => void = () => {};
  readonly #pieces: Uint8Array[] = [];

  constructor(sizeBytes = 100_000) {
    this.region = Region.allocate(sizeBytes);
  }

  reserve(sizeBytes: number): void {
    if (this.at + sizeBytes > this.region.bytes.length) this.#turn();
  }

  bytes(): Uint8Array {
    this.#turn();
    return Buffer.concat(this.#pieces);
  }

  #turn(): void {
    this.onPiece(this.region, 0, this.at);
    this.#pieces.push(this.region.bytes.slice(0, this.at));
    this.at = 0;
  }
}

interface Entry {
  db: number;
  key: Uint8Array;
  value: Uint8Array;
  expiryMs: number;
  item?: string;
}

function write(entries: readonly Entry[], isCompressing: boolean): Uint8Array {
  const sink = new Pieces();
  const writer = new RdbWriter(sink, isCompressing);
  writer.header();
  writer.aux('redis-ver', '7.2.4');
  writer.aux('kvasir-position', '12345');
  let db = -1;
  for (const entry of entries) {
    if (entry.db !== db) writer.database(entry.db, entries.length, 1);
    db = entry.db;
    const { item = '' } = entry;
    if (item !== '') writer.item(Region.of(item), 0, item.length);
    if (entry.expiryMs >= 0) writer.expiry(entry.expiryMs);
    writer.type(0);
    for (const bytes of [entry.key, entry.value]) {
      writer.string(Region.of(bytes), 0, bytes.length);
    }
  }
  writer.end();
  return sink.bytes();
}

class Collector implements RdbTarget {
  readonly entries: Entry[] = [];
  readonly fields: [string, string][] = [];
  #item: string | undefined = undefined;
  #db = 0;
  #next: Entry | undefined = undefined;
  readonly #seen = new Set<string>();

  selectDatabase(id: number): boolean {
    this.#db = id;
    return id < 16;
  }

  expect: (keys: number) => void = () => {};

  key(region: Region, start: number, end: number, expiryMs: number): boolean {
    const key = region.bytes.slice(start, end);
    const name = `${this.#db} ${Buffer.from(key).toString('latin1')}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    this.#next = { db: this.#db, key, value: new Uint8Array(0), expiryMs };
    if (this.#item !== undefined) this.#next.item = this.#item;
    this.#item = undefined;
    this.entries.push(this.#next);
    return true;
  }

  item(region: Region, start: number, end: number): void {
    this.#item = latin1(region, start, end);
  }

  field(name: string, value: string): void {
    this.fields.push([name, value]);
  }

  end(): void {}

  string(region: Region, start: number, end: number): void {
    this.#next!.value = region.bytes.slice(start, end);
  }

  append(region: Region, start: number, end: number): void {
    this.#next!.value = Buffer.concat([this.#next!.value, region.bytes.slice(start, end)]);
  }
}

const sourceOf = (bytes: Uint8Array): WindowSource => ({
  read(target, at, length, position) {
    const part = bytes.subarray(position, position + length);
    target.set(part, at);
    return part.length;
  },
});

function read(bytes: Uint8Array): { entries: Entry[]; summary: RdbSummary } {
  const target = new Collector();
  const steps = readRdb(sourceOf(bytes), bytes.length, 'dump.rdb', target, () => {});
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { entries: target.entries, summary: step.value };
  }
}

const plain = (entries: readonly Entry[]): unknown[] =>
  entries.map((e) => [
    e.db,
    Buffer.from(e.key).toString('latin1'),
    Buffer.from(e.value).toString('latin1'),
    e.expiryMs,
    e.item ?? '',
  ]);

const text = (s: string): Uint8Array => Buffer.from(s, 'latin1');

describe('RDB files', () => {
  const bytesOf = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.maxSafeInteger().map((n) => text(String(n))),
    fc.integer().map((n) => text(String(n))),
    fc.tuple(fc.string({ maxLength: 4 }), fc.nat(3000)).map(([s, n]) => text(s.repeat(n))),
    fc.constantFrom('-0', '007', '-128', '32768', '2147483648', '', ' 1').map(text),
  );
  const entryOf = fc.record({
    db: fc.nat(15),
    key: bytesOf,
    value: bytesOf,
    expiryMs: fc.oneof(fc.constant(-1), fc.nat(), fc.constant(4102444800123)),
    item: fc.constantFrom('', '1f', 'fffffffffffffffe 80000000 c'),
  });

  test('what was written is read, compressed or not', () => {
    const entriesOf = fc.uniqueArray(entryOf, {
      maxLength: 30,
      selector: (e) => `${e.db} ${Buffer.from(e.key).toString('latin1')}`,
    });
    fc.assert(
      fc.property(entriesOf, fc.boolean(), (entries, isCompressing) => {
        const bytes = write(entries, isCompressing);
        const { entries: found, summary } = read(bytes);
        expect(plain(found)).toEqual(plain(entries));
        expect(summary).toEqual({ end: bytes.length, position: 12345, keys: entries.length });
      }),
    );
  });

  test('values larger than any window are streamed', () => {
    const value = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 131 + (i >> 9)) & 255);
    const entries = [{ db: 0, key: text('k'), value, expiryMs: -1 }];
    expect(Buffer.compare(read(write(entries, true)).entries[0]!.value, value)).toBe(0);
  });

  test('a changed byte is found', () => {
    const entries = Array.from({ length: 5 }, (_, i) => ({
      db: 0,
      key: text(`key:${i}`),
      value: text(`value ${i}`.repeat(8)),
      expiryMs: -1,
    }));
    const bytes = write(entries, true);
    for (let i = 0; i < bytes.length; i++) {
      const damaged = Uint8Array.from(bytes);
      damaged[i]! ^= 0x55;
      expect(() => read(damaged), `offset ${i}`).toThrow();
    }
  });

  test('any bytes at all are refused without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const file = Buffer.concat([text('REDIS0010'), bytes]);
        try {
          read(file);
        } catch (error) {
          expect((error as { name: string }).name).toBe('RdbError');
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('the bytes of a small file', () => {
    const entries = [
      { db: 0, key: text('a'), value: text('12'), expiryMs: -1 },
      { db: 3, key: text('key'), value: text('a'.repeat(30)), expiryMs: 1700000000000 },
    ];
    const bytes = write(entries, true);
    expect(Buffer.from(bytes.subarray(0, 9)).toString()).toBe('REDIS0010');
    const body = Buffer.from(bytes.subarray(9 + 17 + 20)).toString('hex');
    expect(body).toBe(
      'fe00fb0201' +
        '000161c00c' +
        'fe03fb0201' +
        'fc0068e5cf8b010000' +
        '00036b6579' +
        'c3051e0061e01400' +
        'ff' +
        Buffer.from(bytes.subarray(-8)).toString('hex'),
    );
  });

  test('a number of keys that the file has no room for is not believed', () => {
    const promise = Buffer.from([
      254,
      0,
      251,
      0x80,
      255,
      255,
      255,
      255,
      0,
      255,
      ...Array(8).fill(0),
    ]);
    const target = new Collector();
    const expected: number[] = [];
    target.expect = (keys: number): void => {
      expected.push(keys);
    };
    const file = Buffer.concat([text('REDIS0010'), promise]);
    const steps = readRdb(sourceOf(file), file.length, 'dump.rdb', target, () => {});
    while (steps.next().done !== true);
    expect(expected).toEqual([3]);
  });

  test('other types are named with key and database', () => {
    const list = Buffer.concat([
      text('REDIS0010'),
      Buffer.from([254, 2, 18, 6]),
      text('my:lst'),
      Buffer.from([1, 2, 0, 255]),
    ]);
    expect(() => read(list)).toThrow('cannot load list "my:lst" in db 2');
    expect(() => read(text('REDIS0013'))).toThrow('RDB version 13');
    expect(() => read(text('VALKEY080'))).toThrow('Valkey');
    expect(() => read(text('GARBAGE00'))).toThrow('this is no RDB file');
    const database = Buffer.concat([text('REDIS0010'), Buffer.from([254, 40])]);
    expect(() => read(database)).toThrow("set 'databases'");
  });
});
