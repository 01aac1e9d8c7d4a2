/**
 * A batch of writes in LevelDB's representation, which is also what a WAL record holds and what the memtable is filled from:
 *
 *   sequence (8 bytes) | count (4 bytes) | count x ( type (1 byte) | key | value )
 *
 * Numbers are little endian; a key or value is its length as a varint and its bytes. A deletion has no value, a merge has its operand
 * there, a range tombstone the key at which the range ends (the last two are format level 2). The first entry has the batch's sequence, each
 * next one the number after it.
 *
 * A batch is memory that is used again: `clear` keeps its region. Nothing here allocates but growth.
 */
import { copyBytes, Region } from '../bytes/region.ts';
import { varintLength, writeVarint } from '../bytes/varint.ts';
import { LsmError } from './errors.ts';
import {
  MAX_SEQUENCE,
  TYPE_DELETION,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
} from './internal-key.ts';
import { MAX_BATCH_BYTES } from './limits.ts';

export const BATCH_HEADER_BYTES = 12;
const COUNT_AT = 8;
const FIRST_CAPACITY_BYTES = 4096;
const TWO_32 = 0x100000000;

export class WriteBatch {
  /** The representation is `[0, sizeBytes)` of this region, which is another one after growth. */
  region: Region;
  sizeBytes: number = BATCH_HEADER_BYTES;
  /** Entries so far. */
  count = 0;
  /** Where the last `reserve` left room for a key and a value. */
  keyAt = 0;
  valueAt = 0;
  /** Where the owner's log is behind it, for databases that have none of their own; 0: not told. */
  position = 0;
  /** Whether it holds what LevelDB does not know. */
  needsLevel2 = false;

  constructor(capacityBytes: number = FIRST_CAPACITY_BYTES) {
    this.region = Region.allocate(Math.max(capacityBytes, BATCH_HEADER_BYTES));
  }

  clear(): void {
    this.cutTo(BATCH_HEADER_BYTES, 0);
    this.position = 0;
    this.needsLevel2 = false;
  }

  /** Forgets what came after the batch had this size and count: a save point is these two numbers. */
  cutTo(sizeBytes: number, count: number): void {
    this.sizeBytes = sizeBytes;
    this.count = count;
  }

  /** The first entry's. 0 until it is set. */
  get sequence(): number {
    return this.region.view.getUint32(4, true) * TWO_32 + this.region.view.getUint32(0, true);
  }

  /** Completes the header, so that `[0, sizeBytes)` is the batch. Throws LsmError LIMIT where the numbers would go beyond 2^53 - 1. */
  seal(sequence: number): void {
    if (sequence + this.count > MAX_SEQUENCE) throw beyondSequences(sequence + this.count);
    const view = this.region.view;
    view.setUint32(0, sequence % TWO_32, true);
    view.setUint32(4, Math.floor(sequence / TWO_32), true);
    view.setUint32(COUNT_AT, this.count, true);
  }

  put(
    key: Region,
    keyStart: number,
    keyEnd: number,
    value: Region,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#add(TYPE_VALUE, key, keyStart, keyEnd, value, valueStart, valueEnd);
  }

  delete(key: Region, keyStart: number, keyEnd: number): void {
    this.reserve(TYPE_DELETION, keyEnd - keyStart, 0);
    copyBytes(this.region, this.keyAt, key, keyStart, keyEnd - keyStart);
  }

  /** Format level 2. */
  merge(
    key: Region,
    keyStart: number,
    keyEnd: number,
    operand: Region,
    operandStart: number,
    operandEnd: number,
  ): void {
    this.#add(TYPE_MERGE, key, keyStart, keyEnd, operand, operandStart, operandEnd);
  }

  /** Deletes the keys in `[begin, end)`. Format level 2. */
  deleteRange(
    begin: Region,
    beginStart: number,
    beginEnd: number,
    end: Region,
    endStart: number,
    endEnd: number,
  ): void {
    this.#add(TYPE_RANGE_DELETION, begin, beginStart, beginEnd, end, endStart, endEnd);
  }

  /** Adds the other's entries behind one's own. */
  append(other: WriteBatch): void {
    const length = other.sizeBytes - BATCH_HEADER_BYTES;
    this.#grow(length);
    copyBytes(this.region, this.sizeBytes, other.region, BATCH_HEADER_BYTES, length);
    this.sizeBytes += length;
    this.count += other.count;
    if (other.position > this.position) this.position = other.position;
    if (other.needsLevel2) this.needsLevel2 = true;
  }

  /**
   * Adds an entry whose key and value the caller then writes to `region` at `keyAt` and `valueAt`: for keys and values that are put together
   * of parts. A deletion's `valueLength` is 0. Throws LsmError LIMIT, and then the batch is as it was.
   */
  reserve(type: number, keyLength: number, valueLength: number): void {
    const hasValue = type !== TYPE_DELETION;
    const valueBytes = hasValue ? varintLength(valueLength) + valueLength : 0;
    this.#grow(1 + varintLength(keyLength) + keyLength + valueBytes);
    const { bytes } = this.region;
    let at = this.sizeBytes;
    bytes[at++] = type;
    at = writeVarint(bytes, at, keyLength);
    this.keyAt = at;
    at += keyLength;
    if (hasValue) at = writeVarint(bytes, at, valueLength);
    this.valueAt = at;
    this.sizeBytes = at + valueLength;
    this.count++;
    if (type > TYPE_VALUE) this.needsLevel2 = true;
  }

  #add(
    type: number,
    key: Region,
    keyStart: number,
    keyEnd: number,
    value: Region,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.reserve(type, keyEnd - keyStart, valueEnd - valueStart);
    copyBytes(this.region, this.keyAt, key, keyStart, keyEnd - keyStart);
    copyBytes(this.region, this.valueAt, value, valueStart, valueEnd - valueStart);
  }

  #grow(bytes: number): void {
    const needed = this.sizeBytes + bytes;
    if (needed <= this.region.bytes.length) return;
    if (needed > MAX_BATCH_BYTES) {
      throw new LsmError('LIMIT', 'a batch is too large', {
        expected: `at most ${MAX_BATCH_BYTES} bytes`,
        found: needed,
      });
    }
    const region = Region.allocate(Math.min(MAX_BATCH_BYTES, Math.max(needed, this.sizeBytes * 2)));
    copyBytes(region, 0, this.region, 0, this.sizeBytes);
    this.region = region;
  }
}

function beyondSequences(found: number): LsmError {
  return new LsmError('LIMIT', 'sequence numbers end', {
    expected: `at most ${MAX_SEQUENCE}`,
    found,
  });
}
