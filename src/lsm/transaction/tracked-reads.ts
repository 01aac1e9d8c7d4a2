/** What a transaction relies on: keys and ranges, each with the sequence up to which it knows them. */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { lowerBound, upperBound } from '../database/range-bounds.ts';
import type { RangeOptions } from '../database/range.ts';
import { LsmError } from '../errors.ts';
import { TYPE_VALUE } from '../internal-key.ts';
import { TRACKED_RANGE_BYTES } from '../limits.ts';
import { VALID } from '../cursor.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import type { Conflicts } from './conflicts.ts';
import { KeyIndex } from './key-index.ts';
import type { OnLeft } from './overlay-iterator.ts';

const TWO_32 = 0x100000000;

interface TrackedRange {
  lower: GrowingBytes | undefined;
  upper: GrowingBytes | undefined;
  readonly sequence: number;
}

export class TrackedReads {
  readonly #maxBytes: number;
  readonly #keys = new KeyIndex();
  readonly #key = new GrowingBytes();
  readonly #ranges: TrackedRange[] = [];
  #rangeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory outside the heap, and for ranges. */
  get sizeBytes(): number {
    return this.#keys.sizeBytes + this.#rangeBytes;
  }

  /** The key must not be written after `sequence`, or after what was said of it first. Throws LsmError LIMIT. */
  addKey(prefix: Uint8Array, key: Uint8Array, sequence: number): void {
    const whole = this.#key;
    const length = prefix.length + key.length;
    whole.reserve(length);
    whole.region.bytes.set(prefix);
    whole.region.bytes.set(key, prefix.length);
    if (this.#keys.find(whole.region, 0, length)) return;
    const low = sequence % TWO_32;
    const high = Math.floor(sequence / TWO_32);
    this.#keys.add(whole.region, 0, length, TYPE_VALUE, low, high);
    this.#check();
  }

  /** Nothing of the range must be written after `sequence`. The answer is to be told of the last key where the reader left earlier. Throws LsmError LIMIT. */
  addRange(prefix: Uint8Array, options: RangeOptions, sequence: number): OnLeft {
    const range: TrackedRange = {
      lower: lowerBound(prefix, options),
      upper: upperBound(prefix, options),
      sequence,
    };
    this.#ranges.push(range);
    const bounds = (range.lower?.length ?? 0) + (range.upper?.length ?? 0);
    this.#rangeBytes += TRACKED_RANGE_BYTES + bounds;
    this.#check();
    return (lastKey) => {
      const bound = { [options.reverse === true ? 'gte' : 'lte']: lastKey };
      if (options.reverse === true) range.lower = lowerBound(prefix, bound);
      else range.upper = upperBound(prefix, bound);
    };
  }

  /** Throws LsmError CONFLICT for the first of them that was written. */
  check(conflicts: Conflicts): void {
    const { memtable } = this.#keys;
    if (memtable !== undefined) {
      const cursor = new MemtableCursor(memtable);
      for (cursor.first(); cursor.status === VALID; cursor.next()) {
        const { keyRegion, keyStart, keyEnd, valueRegion, valueStart } = cursor;
        const { view } = valueRegion;
        const high = view.getUint32(valueStart + 4, true);
        const expected = high * TWO_32 + view.getUint32(valueStart, true);
        const found = conflicts.newerThan(keyRegion, keyStart, keyEnd, expected);
        if (found > 0) throw conflict(keyRegion.bytes.subarray(keyStart, keyEnd), expected, found);
      }
    }
    for (const { lower, upper, sequence } of this.#ranges) {
      const found = conflicts.newerInRange(lower, upper, sequence);
      if (found > 0) throw conflict(undefined, sequence, found);
    }
  }

  #check(): void {
    const found = this.#keys.usedBytes + this.#rangeBytes;
    if (found <= this.#maxBytes) return;
    const expected = `at most ${this.#maxBytes} bytes`;
    const problem = 'a transaction keeps track of more than may be held in memory';
    throw new LsmError('LIMIT', problem, { expected, found });
  }
}

function conflict(key: Uint8Array | undefined, expected: number, found: number): LsmError {
  const what = key === undefined ? 'something in a range' : `a key (hex ${hex(key)})`;
  const problem = `${what} was written by another since the transaction saw it`;
  return new LsmError('CONFLICT', problem, { expected: `sequence ${expected} at most`, found });
}

/** The beginning of a key is enough to know it by. */
function hex(key: Uint8Array): string {
  const text = Buffer.from(key.subarray(0, 32)).toString('hex');
  return key.length > 32 ? `${text}...` : text;
}
