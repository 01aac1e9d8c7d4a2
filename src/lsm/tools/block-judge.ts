/** Judges blocks whose checksum fits, of a table that may be damaged elsewhere: whether all entries are there and follow those before. */
import { copyBytes, Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import { BLOCK_TRAILER_BYTES } from '../format/footer.ts';
import {
  compareInternalKeys,
  MAX_TRAILER_HIGH,
  MAX_TYPE,
  TRAILER_BYTES,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
  typeOf,
} from '../internal-key.ts';
import { BlockWalk } from './block-walk.ts';
import { internalKeyText } from './bytes-text.ts';
import type { RawTable } from './raw-table.ts';
import { compareKeys } from './table-meta-check.ts';

/** A data block that follows those before. */
export const GOOD = 0;
/** A data block whose keys are not in the order of their bytes. */
export const UNORDERED = 1;
/** A data block that does not come after those before. */
export const MISPLACED = 2;
/** A data block, but for what this version does not know: `unsupported`. */
export const UNSUPPORTED = 3;
/** A block of range deletions. */
export const RANGES = 4;
/** No data block, or a malformed one. */
export const OTHER = 5;

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class BlockJudge {
  /** Keys of the last good block; empty before the first. */
  firstKey: Uint8Array = NO_BYTES;
  lastKey: Uint8Array = NO_BYTES;
  /** Why the last block is not GOOD. */
  problem = '';
  readonly #walk: BlockWalk = new BlockWalk();
  /** The key before, in the block that is judged. */
  #previous: Region = Region.allocate(256);
  #previousLength = 0;

  /** Judges the block that the table's loader has opened. */
  judge(table: RawTable): number {
    const { plain, plainStart, plainEnd } = table.loader;
    if (this.#isIndex(plain, plainStart, plainEnd)) return this.#give(OTHER, 'an index');
    const walk = this.#walk;
    const maxType = table.footer?.formatLevel === 1 ? TYPE_VALUE : MAX_TYPE;
    let ranges = 0;
    let isOrdered = true;
    let first = NO_BYTES;
    this.#previousLength = 0;
    walk.open(plain, plainStart, plainEnd);
    while (walk.next()) {
      const keyEnd = walk.keyLength - TRAILER_BYTES;
      if (keyEnd < 0) return this.#give(OTHER, 'a key that is no internal key');
      const { view } = walk.key;
      const type = typeOf(view.getUint32(keyEnd, true));
      if (view.getUint32(keyEnd + 4, true) > MAX_TRAILER_HIGH) {
        return this.#give(UNSUPPORTED, 'a sequence number above 2^53 - 1');
      }
      if (type > maxType) {
        const problem = `an entry of type ${type}, which its format level does not have`;
        return this.#give(UNSUPPORTED, problem);
      }
      if (type === TYPE_RANGE_DELETION) ranges++;
      if (isOrdered) isOrdered = this.#follows();
      if (walk.entries === 1) first = walk.keyBytes();
    }
    if (walk.problem !== '') return this.#give(OTHER, `a malformed block: ${walk.problem}`);
    if (walk.entries === 0) return this.#give(OTHER, 'a block without entries');
    if (ranges === walk.entries) return this.#give(RANGES, 'range deletions');
    if (ranges > 0) return this.#give(UNSUPPORTED, 'range deletions among other entries');
    if (!isOrdered) return UNORDERED;
    return this.#place(first);
  }

  #place(first: Uint8Array): number {
    const { lastKey } = this;
    if (lastKey.length > 0 && compareKeys(lastKey, first) >= 0) {
      const problem = `${internalKeyText(first)} comes after ${internalKeyText(lastKey)}`;
      return this.#give(MISPLACED, problem);
    }
    this.firstKey = first;
    this.lastKey = this.#walk.keyBytes();
    return this.#give(GOOD, '');
  }

  /** Whether the walk's entry comes after the one before it in the block. */
  #follows(): boolean {
    const { key, keyLength, entries } = this.#walk;
    const before = this.#previousLength;
    if (entries > 1 && compareInternalKeys(this.#previous, 0, before, key, 0, keyLength) >= 0) {
      this.problem = `${internalKeyText(this.#walk.keyBytes())} is out of order`;
      return false;
    }
    if (this.#previous.bytes.length < keyLength) this.#previous = Region.allocate(keyLength * 2);
    copyBytes(this.#previous, 0, key, 0, keyLength);
    this.#previousLength = keyLength;
    return true;
  }

  /** Whether all values are handles of blocks one behind the other from the start of the file on: no data looks like that. */
  #isIndex(region: Region, start: number, end: number): boolean {
    const walk = this.#walk;
    let blockEnd = 0;
    walk.open(region, start, end);
    while (walk.next()) {
      const { valueStart, valueEnd } = walk;
      const { bytes } = region;
      const offset = readVarint(bytes, valueStart, valueEnd);
      if (offset !== blockEnd) return false;
      const sizeAt = varintEnd(bytes, valueStart);
      const size = readVarint(bytes, sizeAt, valueEnd);
      if (size < 0 || varintEnd(bytes, sizeAt) !== valueEnd) return false;
      blockEnd = offset + size + BLOCK_TRAILER_BYTES;
    }
    return walk.entries > 0 && walk.problem === '';
  }

  #give(answer: number, problem: string): number {
    this.problem = problem;
    return answer;
  }
}
