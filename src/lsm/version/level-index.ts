/**
 * Finds the file of a sorted level that a key belongs to, off the heap: hints (key-hint.ts) of the files' largest and smallest user keys behind
 * the prefix that all of them share. A thousand files take ten steps over 4 KiB, and only a tie looks at a key.
 */
import { commonPrefix, compareBytes } from '../../bytes/compare.ts';
import type { Region } from '../../bytes/region.ts';
import { keyHint } from '../key-hint.ts';
import type { TableFile } from './table-file.ts';

export class LevelIndex {
  readonly files: readonly TableFile[];
  readonly #prefix: number;
  readonly #largestHigh: Int32Array;
  readonly #largestLow: Int32Array;
  readonly #smallestHigh: Int32Array;
  /** Whether a file ends with the user key that the next one begins with. */
  readonly #isContinued: Uint8Array;

  /** `files`: ascending, ranges of internal keys disjoint. */
  constructor(files: readonly TableFile[]) {
    const count = files.length;
    this.files = files;
    this.#prefix = sharedPrefix(files);
    this.#largestHigh = new Int32Array(count);
    this.#largestLow = new Int32Array(count);
    this.#smallestHigh = new Int32Array(count);
    this.#isContinued = new Uint8Array(count);
    const prefix = this.#prefix;
    for (let i = 0; i < count; i++) {
      const { keys, largestStart, largestEnd, smallestEnd } = files[i]!;
      this.#largestHigh[i] = keyHint(keys, largestStart + prefix, largestEnd);
      this.#largestLow[i] = keyHint(keys, largestStart + prefix + 4, largestEnd);
      this.#smallestHigh[i] = keyHint(keys, prefix, smallestEnd);
      const next = files[i + 1];
      if (next === undefined || files[i]!.isLargestExclusive) continue;
      const order = compareBytes(keys, largestStart, largestEnd, next.keys, 0, next.smallestEnd);
      this.#isContinued[i] = order === 0 ? 1 : 0;
    }
  }

  /** The first file that has keys at or after the key; the number of files where there is none. */
  find(region: Region, start: number, end: number): number {
    const count = this.files.length;
    if (count === 0) return 0;
    const prefix = this.#prefix;
    const order = this.#comparePrefix(region, start, end);
    if (order !== 0) return order < 0 ? 0 : count;
    const wantedHigh = keyHint(region, start + prefix, end);
    const wantedLow = keyHint(region, start + prefix + 4, end);
    let first = 0;
    let last = count;
    while (first < last) {
      const middle = (first + last) >>> 1;
      let hint = this.#largestHigh[middle]!;
      let wanted = wantedHigh;
      if (hint === wanted) {
        hint = this.#largestLow[middle]!;
        wanted = wantedLow;
        if (hint === wanted) {
          hint = this.#compareLargest(middle, region, start, end);
          wanted = 0;
        }
      }
      if (hint < wanted) first = middle + 1;
      else last = middle;
    }
    return first;
  }

  /** The same, but the number of files also where the file begins behind the key. */
  findContaining(region: Region, start: number, end: number): number {
    const count = this.files.length;
    const at = this.find(region, start, end);
    if (at === count) return count;
    const prefix = this.#prefix;
    if (prefix > 0 && this.#comparePrefix(region, start, end) !== 0) return count;
    const hint = this.#smallestHigh[at]!;
    const wanted = keyHint(region, start + prefix, end);
    if (hint !== wanted) return hint < wanted ? at : count;
    const { keys, smallestEnd } = this.files[at]!;
    return compareBytes(keys, 0, smallestEnd, region, start, end) <= 0 ? at : count;
  }

  /** Whether file `i` ends with the user key that the next one begins with, so that a version may be in either. */
  isContinued(i: number): boolean {
    return this.#isContinued[i] === 1;
  }

  #comparePrefix(region: Region, start: number, end: number): number {
    const prefix = this.#prefix;
    if (prefix === 0) return 0;
    return compareBytes(
      region,
      start,
      Math.min(end, start + prefix),
      this.files[0]!.keys,
      0,
      prefix,
    );
  }

  #compareLargest(i: number, region: Region, start: number, end: number): number {
    const { keys, largestStart, largestEnd, isLargestExclusive } = this.files[i]!;
    const order = compareBytes(keys, largestStart, largestEnd, region, start, end);
    return order === 0 && isLargestExclusive ? -1 : order;
  }
}

/** Of the first and the last key, so of all between them. */
function sharedPrefix(files: readonly TableFile[]): number {
  const first = files[0];
  const last = files.at(-1);
  if (first === undefined || last === undefined) return 0;
  const { keys, largestStart, largestEnd } = last;
  return commonPrefix(first.keys, 0, first.smallestEnd, keys, largestStart, largestEnd);
}
