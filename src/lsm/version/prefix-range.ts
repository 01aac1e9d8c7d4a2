/**
 * A range of keys that may all have one prefix: then tables whose filter has prefixes can be passed over without reading any of their entries. And what is outside of the
 * range nobody looks at.
 */
import { compareBytes } from '../../bytes/compare.ts';
import type { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import { filterHash } from '../format/filter.ts';
import { prefixEnd } from '../format/filter-prefix.ts';
import { ABSENT } from '../format/lookup.ts';
import type { Table } from '../format/table.ts';
import type { TableFile } from './table-file.ts';

/** Where a file is. */
export const BEFORE_RANGE = -1;
export const IN_RANGE = 0;
export const BEHIND_RANGE = 1;

export class PrefixRange {
  readonly #lower: GrowingBytes;
  readonly #upper: GrowingBytes;
  /** The rule that was asked for last, and the hash of the prefix by it. */
  #rule = '';
  #hasPrefix = false;
  #hash = 0;

  /** User keys: the first included, the second not, and behind it. They stay as they are. */
  constructor(lower: GrowingBytes, upper: GrowingBytes) {
    this.#lower = lower;
    this.#upper = upper;
  }

  placeOf({ keys, smallestEnd, largestStart, largestEnd }: TableFile): number {
    const lower = this.#lower;
    const upper = this.#upper;
    if (compareBytes(keys, 0, smallestEnd, upper.region, 0, upper.length) >= 0) return BEHIND_RANGE;
    const order = compareBytes(keys, largestStart, largestEnd, lower.region, 0, lower.length);
    return order < 0 ? BEFORE_RANGE : IN_RANGE;
  }

  /** Whether a table may have keys of the range. In CACHED mode, a filter that is not cached is noted in `requests`, and nothing is ruled out. */
  mayBeIn(table: Table, mode: number, requests: BlockRequests | undefined): boolean {
    const { filterPrefix, filterRule } = table;
    if (filterPrefix === undefined) return true;
    if (filterRule !== this.#rule) {
      const { region, length } = this.#lower;
      const end = prefixEnd(region, 0, length, filterPrefix);
      this.#rule = filterRule;
      this.#hasPrefix = end >= 0 && this.#isWithin(end);
      if (this.#hasPrefix) this.#hash = filterHash(region, 0, end);
    }
    return !this.#hasPrefix || table.mayContainPrefix(this.#hash, mode, requests) !== ABSENT;
  }

  /** Whether all keys of the range begin with the first `end` bytes of the lower bound. */
  #isWithin(end: number): boolean {
    const { bytes } = this.#lower.region;
    const upper = this.#upper.region.bytes;
    const { length } = this.#upper;
    let common = 0;
    while (common < end && common < length && bytes[common] === upper[common]) common++;
    if (common === end) return true;
    // Else the upper bound is at most the first key behind all that begin so.
    if (length !== common + 1 || upper[common] !== bytes[common]! + 1) return false;
    for (let at = common + 1; at < end; at++) if (bytes[at] !== 255) return false;
    return true;
  }
}
