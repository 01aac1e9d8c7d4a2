/**
 * Reads the records of a log file (record-format.ts) in order, through a window of a few blocks, and finds its way behind damage.
 *
 * `next` answers RECORD, END or DAMAGE. DAMAGE says in `damage` what does not fit at which offset; calling `next` again goes on with the first
 * record that can be found behind it: at the header that follows where that checks, else in the next block. What damage means is the
 * caller's business: at the end of a file it is what a crash leaves of a write (a torn tail), anywhere else it is not.
 *
 * Zeros up to the end of the file are its END: room that was zeroed beforehand. Zeros that something follows are damage; LevelDB reads over them.
 *
 * Memory: the window and the largest record, of which only fragments that checked are kept. Each call moves on in the file, so reading ends.
 */
import { maskedCrc32c } from '../../bytes/crc32c.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import { LsmError, type LsmErrorCode } from '../errors.ts';
import { LOG_WINDOW_BYTES, MAX_RECORD_BYTES } from '../limits.ts';
import {
  FRAGMENT_FIRST,
  FRAGMENT_FULL,
  FRAGMENT_LAST,
  LOG_BLOCK_BYTES,
  RECORD_HEADER_BYTES,
} from './record-format.ts';

/** Answers of `next`. */
export const RECORD = 0;
export const END = 1;
export const DAMAGE = 2;

/** What does not fit, and where. */
export interface LogDamage {
  /** Offset in the file of the header that does not fit, or of the record that has no end. */
  readonly offset: number;
  readonly problem: string;
  readonly code: LsmErrorCode;
  /** Whether the file ends before what is missing could have come: the write that a crash interrupted. */
  readonly isCutOff: boolean;
  readonly expected?: string | number | undefined;
  readonly found?: string | number | undefined;
}

/** What records can be read from: an OpenFile, or bytes in memory. */
export interface RecordSource {
  /** Reads `length` bytes at `position` to `target` at `at`; returns how many there were. */
  read(target: Uint8Array, at: number, length: number, position: number): number;
}

const TYPE_AT = 6;
const UNFINISHED = 'a record without its end';

const NOTHING: Region = Region.allocate(0);

export class RecordReader {
  /** The record: `[start, end)` of `region`, valid until the next call. */
  region: Region;
  start = 0;
  end = 0;
  /** Where in the file the record begins (or, of DAMAGE, what can't be read as one), and where the next call goes on. */
  offset = 0;
  nextOffset = 0;
  /** What the last call that answered DAMAGE found. */
  damage: LogDamage | undefined = undefined;
  readonly #source: RecordSource;
  #sizeBytes: number;
  readonly #window: Region;
  /** The window holds `[#origin, #origin + #held)` of the file; `#origin` is the start of a block. */
  #origin = 0;
  #held = 0;
  /** The fragments so far of a record that has several. */
  #parts: Region = NOTHING;
  #partsBytes = 0;
  /** Behind damage, fragments of what began there are passed over. */
  #isLost = false;

  constructor(source: RecordSource, sizeBytes: number) {
    this.#source = source;
    this.#sizeBytes = sizeBytes;
    const blocks = Math.ceil(Math.min(sizeBytes, LOG_WINDOW_BYTES) / LOG_BLOCK_BYTES);
    this.#window = Region.allocate(Math.max(1, blocks) * LOG_BLOCK_BYTES);
    this.region = this.#window;
  }

  /** Goes to the record at `offset` of the file, which has `sizeBytes` by now: for who follows a log that is being written. */
  seek(offset: number, sizeBytes: number): void {
    this.nextOffset = offset;
    this.#sizeBytes = sizeBytes;
    this.#held = 0;
    this.#isLost = false;
  }

  /** Reads the next record. At the END `offset` is where it would be. Throws FileError. */
  next(): number {
    this.damage = undefined;
    this.#partsBytes = 0;
    let isWithin = false;
    for (;;) {
      const at = this.nextOffset;
      const inBlock = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES);
      const left = Math.min(inBlock, this.#sizeBytes - at);
      if (left < RECORD_HEADER_BYTES && left === inBlock) {
        this.nextOffset = at + left;
        continue;
      }
      if (!isWithin) this.offset = at;
      if (left > 0 && !this.#load(at)) continue;
      if (left < RECORD_HEADER_BYTES) return this.#fileEnds(at, left, isWithin);
      const view = this.#window.view;
      const header = at - this.#origin;
      const length = view.getUint16(header + 4, true);
      const type = view.getUint8(header + TYPE_AT);
      const stored = view.getInt32(header, true);
      if (stored === 0 && length === 0 && type === 0) return this.#zeros(at, isWithin);
      if (length > left - RECORD_HEADER_BYTES) return this.#tooLong(at, length, inBlock);
      const crc = this.#crcAt(header, length);
      if (crc !== stored) return this.#wrongChecksum(at, length, stored, crc);

      const next = at + RECORD_HEADER_BYTES + length;
      const isStart = type === FRAGMENT_FULL || type === FRAGMENT_FIRST;
      // LevelDB once ended blocks in first fragments of nothing, and began the record again in the next.
      if (isStart && isWithin && this.#partsBytes > 0) {
        return this.#damaged(at, { offset: this.offset, problem: UNFINISHED });
      }
      this.nextOffset = next;
      if (type === FRAGMENT_FULL) return this.#whole(at, header + RECORD_HEADER_BYTES, length);
      if (type > FRAGMENT_LAST || type < FRAGMENT_FULL) {
        const problem = `a record of the unknown type ${type}`;
        return this.#damaged(next, { offset: at, problem, code: 'UNSUPPORTED' });
      }
      if (type === FRAGMENT_FIRST) {
        isWithin = true;
        this.offset = at;
        this.#isLost = false;
      } else if (!isWithin) {
        if (this.#isLost) continue;
        return this.#damaged(next, { offset: at, problem: 'a fragment without its beginning' });
      }
      if (this.#partsBytes + length > MAX_RECORD_BYTES) {
        const problem = `a record of more than ${MAX_RECORD_BYTES} bytes`;
        return this.#damaged(next, { offset: this.offset, problem, code: 'LIMIT' });
      }
      this.#keep(header + RECORD_HEADER_BYTES, length);
      if (type === FRAGMENT_LAST) return this.#assembled();
    }
  }

  /** What the last call found, as an error. */
  error(path: string): LsmError {
    const { code, problem, offset, expected, found } = this.damage!;
    return new LsmError(code, problem, { path, offset, expected, found });
  }

  #whole(at: number, start: number, length: number): number {
    this.offset = at;
    this.region = this.#window;
    this.start = start;
    this.end = start + length;
    this.#isLost = false;
    return RECORD;
  }

  #assembled(): number {
    this.region = this.#parts;
    this.start = 0;
    this.end = this.#partsBytes;
    return RECORD;
  }

  /** Copies a fragment behind those before it. What is kept was read, so it grows no larger than the file. */
  #keep(start: number, length: number): void {
    const needed = this.#partsBytes + length;
    if (needed > this.#parts.bytes.length) {
      const region = Region.allocate(Math.max(needed, this.#parts.bytes.length * 2));
      copyBytes(region, 0, this.#parts, 0, this.#partsBytes);
      this.#parts = region;
    }
    copyBytes(this.#parts, this.#partsBytes, this.#window, start, length);
    this.#partsBytes = needed;
  }

  #crcAt(header: number, length: number): number {
    const end = header + RECORD_HEADER_BYTES + length;
    return maskedCrc32c(this.#window, header + TYPE_AT, end);
  }

  /** The block that `at` is in comes into the window. False where the file turns out to be shorter. */
  #load(at: number): boolean {
    if (at >= this.#origin && at < this.#origin + this.#held) return true;
    this.#origin = at - (at % LOG_BLOCK_BYTES);
    const length = Math.min(this.#window.bytes.length, this.#sizeBytes - this.#origin);
    this.#held = this.#source.read(this.#window.bytes, 0, length, this.#origin);
    if (this.#held < length) this.#sizeBytes = this.#origin + this.#held;
    return this.#held === length;
  }

  // ---- what does not fit

  #fileEnds(at: number, left: number, isWithin: boolean): number {
    const isZeros = left === 0 || this.#firstNonZero(at) < 0;
    if (!isWithin && isZeros) return END;
    const problem = isWithin ? UNFINISHED : 'a part of a header';
    return this.#damaged(this.#sizeBytes, { offset: this.offset, problem, isCutOff: true });
  }

  /** The header at `at` is zeros. */
  #zeros(at: number, isWithin: boolean): number {
    const other = this.#firstNonZero(at);
    if (other < 0) {
      if (!isWithin) return END;
      const damage = { offset: this.offset, problem: UNFINISHED, isCutOff: true };
      return this.#damaged(this.#sizeBytes, damage);
    }
    const found = `other bytes at ${other}`;
    const problem = isWithin ? UNFINISHED : 'zeros where a record should be';
    const next = Math.max(blockBehind(at), blockBehind(other) - LOG_BLOCK_BYTES);
    return this.#damaged(next, { offset: this.offset, problem, found });
  }

  #tooLong(at: number, length: number, inBlock: number): number {
    const size = RECORD_HEADER_BYTES + length;
    if (size <= inBlock) {
      const damage = { offset: this.offset, problem: 'a record cut off', isCutOff: true };
      return this.#damaged(this.#sizeBytes, { ...damage, expected: size });
    }
    const problem = 'a length that goes beyond its block';
    const expected = `at most ${inBlock - RECORD_HEADER_BYTES}`;
    return this.#damaged(blockBehind(at), { offset: at, problem, expected, found: length });
  }

  #wrongChecksum(at: number, length: number, stored: number, crc: number): number {
    const problem = 'a wrong checksum';
    const next = this.#isHeaderGood(at + RECORD_HEADER_BYTES + length)
      ? at + RECORD_HEADER_BYTES + length
      : blockBehind(at);
    return this.#damaged(next, { offset: at, problem, expected: hex(stored), found: hex(crc) });
  }

  /** Whether a fragment that checks stands at `at`, in the block of the window that was looked at last. */
  #isHeaderGood(at: number): boolean {
    const header = at - this.#origin;
    const blockEnd = Math.min(this.#held, blockBehind(at) - this.#origin);
    if (header + RECORD_HEADER_BYTES > blockEnd) return false;
    const length = this.#window.view.getUint16(header + 4, true);
    if (header + RECORD_HEADER_BYTES + length > blockEnd) return false;
    return this.#window.view.getInt32(header, true) === this.#crcAt(header, length);
  }

  #damaged(
    next: number,
    damage: Partial<LogDamage> & Pick<LogDamage, 'offset' | 'problem'>,
  ): number {
    this.damage = { code: 'CORRUPTION', isCutOff: false, ...damage };
    this.nextOffset = next;
    this.#isLost = true;
    return DAMAGE;
  }

  /** The first byte from `at` on that is not zero, -1 where there is none. */
  #firstNonZero(at: number): number {
    while (at < this.#sizeBytes) {
      if (!this.#load(at)) continue;
      const bytes = this.#window.bytes;
      let i = at - this.#origin;
      while (i < this.#held && bytes[i] === 0) i++;
      at = this.#origin + i;
      if (i < this.#held) return at;
    }
    return -1;
  }
}

/** Where the block that `at` is in ends. */
function blockBehind(at: number): number {
  return at - (at % LOG_BLOCK_BYTES) + LOG_BLOCK_BYTES;
}

function hex(crc: number): string {
  return `0x${(crc >>> 0).toString(16).padStart(8, '0')}`;
}
