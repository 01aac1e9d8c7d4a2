import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { LOG_BUFFER_BYTES } from '../limits.ts';
import { LOG_BLOCK_BYTES, RECORD_HEADER_BYTES } from './record-format.ts';
import { DAMAGE, END, RECORD, RecordReader } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { FileError } from '../../os/file-system.ts';

/** Of which a write fails on demand. */
class LogFile extends MemoryFile {
  /** The next write leaves this many bytes behind and fails. */
  failAfterBytes: number | undefined = undefined;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    super('/db/000001.log', bytes);
  }

  override write(source: Uint8Array, from: number, to: number, position: number): void {
    const limit = this.failAfterBytes;
    super.write(source, from, limit === undefined ? to : Math.min(to, from + limit), position);
    if (limit === undefined) return;
    this.failAfterBytes = undefined;
    throw new FileError('write', this.path, 'ENOSPC');
  }
}

/** A record of `length` bytes that tells it from others. */
function record(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i * 7 + (i >> 8)) & 255;
  return bytes;
}

function writeAll(records: readonly Uint8Array[]): LogFile {
  const file = new LogFile();
  const writer = new RecordWriter(file, 0);
  for (const bytes of records) writer.append(Region.of(bytes), 0, bytes.length);
  writer.write();
  return file;
}

interface Found {
  /** As latin1: strings are compared a hundred times as fast. */
  readonly records: string[];
  /** Offset and problem of each damage, and whether the file was cut off there. */
  readonly damage: string[];
}

function readAll(file: LogFile): Found {
  const reader = new RecordReader(file, file.size());
  const found: Found = { records: [], damage: [] };
  let last = -1;
  for (let i = 0; ; i++) {
    const answer = reader.next();
    if (answer === END) break;
    expect(i, 'an end in sight').toBeLessThan(file.size() + 2);
    expect(reader.nextOffset).toBeGreaterThan(last);
    last = reader.nextOffset;
    if (answer === RECORD)
      found.records.push(text(reader.region.bytes.slice(reader.start, reader.end)));
    else {
      expect(answer).toBe(DAMAGE);
      const { offset, problem, isCutOff } = reader.damage!;
      found.damage.push(`${offset}: ${problem}${isCutOff ? ', at the end' : ''}`);
    }
  }
  expect(reader.next()).toBe(END);
  return found;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const texts = (records: readonly Uint8Array[]): string[] => records.map(text);

/** Whether `some` are among `all` in their order. */
function isSubsequence(some: readonly string[], all: readonly string[]): boolean {
  let i = 0;
  for (const one of all) if (some[i] === one) i++;
  return i === some.length;
}

/** Sizes around what fits in a block, and ordinary ones. */
const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.integer({ min: LOG_BLOCK_BYTES - 40, max: LOG_BLOCK_BYTES + 20 }) },
  { weight: 1, arbitrary: fc.nat(100_000) },
);
const sizes = fc.array(size, { maxLength: 12 });
const make = (list: readonly number[]): Uint8Array[] => list.map((n, i) => record(i, n));

describe('log records', () => {
  test('are LevelDB’s bytes', () => {
    const file = writeAll([Buffer.from('foo'), new Uint8Array(0)]);
    expect(Buffer.from(file.contents()).toString('hex')).toBe('dd5fb37a030001666f6f052b2843000001');
  });

  test('come back as they were written, however large', () => {
    fc.assert(
      fc.property(sizes, (list) => {
        const records = make(list);
        const found = readAll(writeAll(records));
        expect(found.damage).toEqual([]);
        expect(found.records).toEqual(texts(records));
      }),
    );
  });

  test.each([0, 1, 6, 7, 8])('a block with %i bytes left goes on in the next', (left) => {
    const first = record(1, LOG_BLOCK_BYTES - RECORD_HEADER_BYTES - left);
    const records = [first, record(2, 100), record(3, LOG_BLOCK_BYTES * 2)];
    const file = writeAll(records);
    expect(readAll(file)).toEqual({ records: texts(records), damage: [] });
  });

  test('wait in the buffer for one write, or go in pieces where they are larger', () => {
    const file = new LogFile();
    const writer = new RecordWriter(file, 0);
    const small = Region.of(record(1, 1000));
    for (let i = 0; i < 100; i++) writer.append(small, 0, 1000);
    expect(file.writes).toBe(0);
    expect(writer.pendingBytes).toBe(writer.position);
    writer.write();
    expect(file.writes).toBe(1);
    expect(writer.pendingBytes).toBe(0);
    expect(writer.written).toBe(file.size());
    const large = Region.of(record(2, LOG_BUFFER_BYTES * 3));
    writer.append(large, 0, large.bytes.length);
    expect(file.writes).toBeGreaterThan(2);
    writer.write();
    expect(readAll(file).records).toHaveLength(101);
  });

  test('a failed write is cut back to the last whole one, and what was lost can be written again', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.nat(400_000), (before, after, failAt) => {
        const file = writeAll(make(before));
        const writer = new RecordWriter(file, file.size());
        const lost = after.map((n, i) => record(100 + i, n));
        file.failAfterBytes = failAt;
        const attempt = (): void => {
          for (const bytes of lost) writer.append(Region.of(bytes), 0, bytes.length);
          writer.write();
        };
        if (lost.length > 0) {
          expect(attempt).toThrow('No space left on device');
          writer.cutBack();
        }
        file.failAfterBytes = undefined;
        expect(readAll(file)).toEqual({ records: texts(make(before)), damage: [] });
        attempt();
        expect(readAll(file).records).toEqual(texts([...make(before), ...lost]));
      }),
    );
  });
});

describe('damage to a log file', () => {
  test('cut off anywhere, the whole records before the cut are read, and no others', () => {
    const records = make([20, 0, 300, LOG_BLOCK_BYTES + 5, 10]);
    const whole = writeAll(records).contents();
    const ends: number[] = [];
    for (let i = 1; i <= records.length; i++) ends.push(writeAll(records.slice(0, i)).size());
    for (let cut = 0; cut < whole.length; cut++) {
      // Every offset near something, and some of the rest.
      if (cut % 97 !== 0 && !ends.some((end) => Math.abs(end - cut) < 10)) continue;
      const found = readAll(new LogFile(whole.slice(0, cut)));
      const count = ends.filter((end) => end <= cut).length;
      expect(found.records).toEqual(texts(records.slice(0, count)));
      const isClean = cut === (ends[count - 1] ?? 0);
      expect(found.damage.length, `cut at ${cut}`).toBe(isClean ? 0 : 1);
      if (!isClean) expect(found.damage[0]).toMatch(/^\d+: .*, at the end$/);
    }
  });

  test('any changed byte is noticed and named, and records behind it are found', () => {
    const records = make([20, 0, 30, 40]);
    const whole = writeAll(records).contents();
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        const bytes = whole.slice();
        bytes[at]! ^= mask;
        const found = readAll(new LogFile(bytes));
        expect(found.damage.length).toBeGreaterThan(0);
        expect(isSubsequence(found.records, texts(records))).toBe(true);
        expect(found.records.length).toBeLessThan(records.length);
      }
    }
    const bytes = whole.slice();
    bytes[10]! ^= 1;
    const found = readAll(new LogFile(bytes));
    expect(found.damage).toEqual(['0: a wrong checksum']);
    expect(found.records).toEqual(texts(records.slice(1)));
  });

  test('damaged blocks cost the records in them, not those in later ones', () => {
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 8, maxLength: 20 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(9000), fc.boolean()), { minLength: 1, maxLength: 3 }),
        (list, holes) => {
          const records = make(list);
          const bytes = writeAll(records).contents();
          if (bytes.length === 0) return;
          for (const [where, length, isZeros] of holes) {
            const at = where % bytes.length;
            if (isZeros) bytes.fill(0, at, at + length);
            else for (let i = at; i < Math.min(at + length, bytes.length); i++) bytes[i]! ^= i | 1;
          }
          const found = readAll(new LogFile(bytes));
          expect(isSubsequence(found.records, texts(records))).toBe(true);
        },
      ),
    );
  });

  test('bytes of any kind are read to an end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(70_000), (bytes, zeros) => {
        const file = new Uint8Array(zeros + bytes.length);
        file.set(bytes, zeros);
        expect(readAll(new LogFile(file)).records).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('zeros in a log file', () => {
  const records = make([100, 50_000]);
  const whole = writeAll(records).contents();

  test.each([1, 6, 7, 8, 500, 32_768, 1_000_000])('%i at its end are room', (count) => {
    const bytes = new Uint8Array(whole.length + count);
    bytes.set(whole);
    expect(readAll(new LogFile(bytes))).toEqual({ records: texts(records), damage: [] });
  });

  test('that something follows are damage', () => {
    const bytes = new Uint8Array(4 * LOG_BLOCK_BYTES + whole.length);
    bytes.set(whole.subarray(0, 107));
    bytes.set(whole, 4 * LOG_BLOCK_BYTES);
    expect(readAll(new LogFile(bytes))).toEqual({
      records: texts([records[0]!, ...records]),
      damage: ['107: zeros where a record should be'],
    });
  });

  test('instead of the end of a record are damage at its beginning', () => {
    const bytes = whole.slice();
    bytes.fill(0, LOG_BLOCK_BYTES);
    expect(readAll(new LogFile(bytes))).toEqual({
      records: texts([records[0]!]),
      damage: ['107: a record without its end, at the end'],
    });
  });
});

describe('a log that is being written', () => {
  test('is followed: a partial record is read when it is whole', () => {
    const records = make([10, 70_000, 20]);
    const whole = writeAll(records).contents();
    const file = new LogFile();
    const reader = new RecordReader(file, 0);
    const found: string[] = [];
    let at = 0;
    for (let size = 0; size <= whole.length; size += 997) {
      const from = file.size();
      file.write(whole, from, Math.min(size + 997, whole.length), from);
      reader.seek(at, file.size());
      for (let answer = reader.next(); answer === RECORD; answer = reader.next()) {
        found.push(text(reader.region.bytes.slice(reader.start, reader.end)));
        at = reader.nextOffset;
      }
    }
    expect(found).toEqual(texts(records));
  });

  test('ends where it turns out to be shorter than it was', () => {
    const file = writeAll(make([100, 100]));
    const reader = new RecordReader(file, file.size() + 50_000);
    expect([reader.next(), reader.next(), reader.next()]).toEqual([RECORD, RECORD, END]);
  });
});
