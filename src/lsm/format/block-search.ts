/**
 * Finds an internal key in a data block, without making its keys whole.
 *
 *   1. A binary search over the restart points, whose keys are whole, finds the last one before the key.
 *   2. From there entry after entry is read. `match` is how many bytes of the user key the entry before had in common with the one that is sought,
 *      which is behind it. An entry that shares more than `match` bytes with the one before differs at the same byte: it is passed over unseen. One
 *      that shares `match` bytes or fewer is compared from there on.
 *
 * That works while trailers are not shared, as ours never are. Where a foreign block shares one (several versions of a key in LevelDB's own
 * tables) the walk begins again at the restart point, making keys whole.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import { compareTrailers, TRAILER_BYTES } from '../internal-key.ts';

/** What a search answers: an entry with the user key, the first entry behind it, none that is not before it, or that the block is malformed. */
export const EXACT = 0;
export const BEHIND = 1;
export const NONE = 2;
export const MALFORMED = 3;

const FIRST_KEY_BYTES = 256;
/** What the walk answers where a trailer is shared. */
const IRREGULAR = 4;

export class BlockSearch {
  /** The entry that was found, after EXACT and BEHIND: where it begins, where its own key bytes begin, where its value is. */
  entryAt = 0;
  keyAt = 0;
  valueAt = 0;
  valueEnd = 0;
  /** Its key: the first `shared` bytes are those of the key that was sought, or, with `isWhole`, it is all in `key`. */
  shared = 0;
  keyLength = 0;
  isWhole = false;
  key: Region = Region.allocate(FIRST_KEY_BYTES);
  /** The words of its trailer, as int32: so they are no numbers on the heap. */
  low = 0;
  high = 0;
  /** Where the entries of the block end, after any search but MALFORMED. */
  entriesEnd = 0;
  #further = 0;
  #valueLength = 0;

  /** Finds the first entry not before (key, low, high) in the block `[start, end)`; `low` is an int32. */
  find(
    block: Region,
    start: number,
    end: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): number {
    if (end - start < 8) return MALFORMED;
    const restarts = block.view.getUint32(end - 4, true);
    const entriesEnd = end - 4 - restarts * 4;
    if (entriesEnd < start || restarts === 0) return MALFORMED;
    this.entriesEnd = entriesEnd;
    this.isWhole = false;
    let at = start;
    if (restarts > 1) {
      at = this.#restartBefore(block, start, restarts, region, keyStart, keyEnd, low, high);
      if (at < 0) return MALFORMED;
    }
    const found = this.#walk(block, at, region, keyStart, keyEnd, low, high);
    if (found !== IRREGULAR) return found;
    return this.#walkWhole(block, at, region, keyStart, keyEnd, low, high);
  }

  /** Where the last restart point whose key is before (key, low, high) begins, or the first one; -1 for what is malformed. */
  #restartBefore(
    block: Region,
    start: number,
    restarts: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): number {
    const { view } = block;
    const { entriesEnd } = this;
    let left = 0;
    let right = restarts - 1;
    while (left < right) {
      const middle = (left + right + 1) >>> 1;
      const entryAt = start + view.getUint32(entriesEnd + middle * 4, true);
      const at = this.#readHeader(block, entryAt);
      if (at < 0 || this.shared !== 0) return -1;
      const userEnd = at + this.#further - TRAILER_BYTES;
      if (userEnd < at || userEnd + TRAILER_BYTES > entriesEnd) return -1;
      let order = compareBytes(block, at, userEnd, region, keyStart, keyEnd);
      if (order === 0) {
        const otherLow = view.getUint32(userEnd, true);
        order = compareTrailers(otherLow, view.getUint32(userEnd + 4, true), low, high);
      }
      if (order < 0) left = middle;
      else right = middle - 1;
    }
    const at = start + view.getUint32(entriesEnd + left * 4, true);
    return at < entriesEnd ? at : -1;
  }

  #walk(
    block: Region,
    at: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): number {
    const { bytes, view } = block;
    const sought = region.bytes;
    const { entriesEnd } = this;
    const soughtLength = keyEnd - keyStart;
    let match = 0;
    let previousLength = 0;
    while (at < entriesEnd) {
      let shared = bytes[at]!;
      let further = bytes[at + 1]!;
      let valueLength = bytes[at + 2]!;
      let keyAt = at + 3;
      if ((shared | further | valueLength) >= 128) {
        keyAt = this.#readHeader(block, at);
        if (keyAt < 0) return MALFORMED;
        shared = this.shared;
        further = this.#further;
        valueLength = this.#valueLength;
      }
      if (further < TRAILER_BYTES || shared > previousLength) return IRREGULAR;
      const valueAt = keyAt + further;
      const next = valueAt + valueLength;
      if (next > entriesEnd) return MALFORMED;
      const length = shared + further - TRAILER_BYTES;
      if (shared <= match) {
        const limit = length < soughtLength ? length : soughtLength;
        const a = keyAt - shared;
        let i = shared;
        while (i < limit && bytes[a + i] === sought[keyStart + i]) i++;
        let isBehind = length > soughtLength;
        let isExact = false;
        if (i < limit) isBehind = bytes[a + i]! > sought[keyStart + i]!;
        else if (length === soughtLength) {
          const otherHigh = view.getUint32(valueAt - 4, true);
          const otherLow = view.getUint32(valueAt - 8, true);
          isExact = otherHigh < high || (otherHigh === high && otherLow <= low >>> 0);
        }
        if (isBehind || isExact) {
          this.entryAt = at;
          this.keyAt = keyAt;
          this.shared = shared;
          this.keyLength = length;
          this.valueAt = valueAt;
          this.valueEnd = next;
          this.low = view.getInt32(valueAt - 8, true);
          this.high = view.getInt32(valueAt - 4, true);
          return isExact ? EXACT : BEHIND;
        }
        match = i;
      }
      previousLength = length;
      at = next;
    }
    return NONE;
  }

  /** The same, making every key whole. */
  #walkWhole(
    block: Region,
    at: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): number {
    const { entriesEnd } = this;
    this.isWhole = true;
    let whole = 0;
    while (at < entriesEnd) {
      const keyAt = this.#readHeader(block, at);
      if (keyAt < 0 || this.shared > whole) return MALFORMED;
      const valueAt = keyAt + this.#further;
      const next = valueAt + this.#valueLength;
      whole = this.shared + this.#further;
      if (next > entriesEnd || whole < TRAILER_BYTES) return MALFORMED;
      if (whole > this.key.bytes.length) this.#growKey(whole);
      copyBytes(this.key, this.shared, block, keyAt, this.#further);
      const length = whole - TRAILER_BYTES;
      this.low = this.key.view.getInt32(length, true);
      this.high = this.key.view.getInt32(length + 4, true);
      const order = compareBytes(this.key, 0, length, region, keyStart, keyEnd);
      const isExact = order === 0 && compareTrailers(this.low, this.high >>> 0, low, high) >= 0;
      if (order > 0 || isExact) {
        this.entryAt = at;
        this.keyAt = keyAt;
        this.keyLength = length;
        this.valueAt = valueAt;
        this.valueEnd = next;
        return isExact ? EXACT : BEHIND;
      }
      at = next;
    }
    return NONE;
  }

  #growKey(length: number): void {
    const grown = Region.allocate(length * 2);
    grown.bytes.set(this.key.bytes);
    this.key = grown;
  }

  /** Reads the three lengths of the entry at `at`; returns where its key bytes begin, -1 where it has none. */
  #readHeader(block: Region, at: number): number {
    const { bytes } = block;
    const { entriesEnd } = this;
    this.shared = readVarint(bytes, at, entriesEnd);
    if (this.shared < 0) return -1;
    at = varintEnd(bytes, at);
    this.#further = readVarint(bytes, at, entriesEnd);
    if (this.#further < 0) return -1;
    at = varintEnd(bytes, at);
    this.#valueLength = readVarint(bytes, at, entriesEnd);
    return this.#valueLength < 0 ? -1 : varintEnd(bytes, at);
  }
}
