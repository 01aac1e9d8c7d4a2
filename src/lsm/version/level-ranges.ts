/** The range tombstones of a sorted level, whose tables are opened when their keys are come to. */
import type { Region } from '../../bytes/region.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { RangeFragments } from '../range-fragments.ts';
import type { Key, RunRanges } from '../range-mask.ts';
import type { TableFile } from './table-file.ts';

export class LevelRanges implements RunRanges {
  from: Key | undefined = undefined;
  to: Key | undefined = undefined;
  /** Those that have range tombstones, ascending. */
  readonly #files: readonly TableFile[];
  readonly #level: number;
  readonly #tables: TableCache;
  /** Of the file that was asked last. */
  #at = -1;
  #fragments: RangeFragments | undefined = undefined;

  constructor(files: readonly TableFile[], level: number, tables: TableCache) {
    this.#files = files;
    this.#level = level;
    this.#tables = tables;
  }

  around(region: Region, start: number, end: number): RangeFragments | undefined {
    const at = this.#find(region, start, end);
    const file = this.#files[at];
    if (file === undefined || file.compareRange(region, start, end) < 0) {
      this.from = largestOf(this.#files[at - 1]);
      this.to = smallestOf(file);
      return undefined;
    }
    this.from = smallestOf(file);
    this.to = largestOf(file);
    if (at !== this.#at) {
      const table = this.#tables.acquire(file.number, this.#level);
      this.#fragments = table.ranges;
      this.#tables.release(table);
      this.#at = at;
    }
    return this.#fragments;
  }

  /** The first file that has keys at or behind the key. */
  #find(region: Region, start: number, end: number): number {
    let first = 0;
    let last = this.#files.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (this.#files[middle]!.compareRange(region, start, end) > 0) first = middle + 1;
      else last = middle;
    }
    return first;
  }
}

function smallestOf(file: TableFile | undefined): Key | undefined {
  return file && { region: file.keys, start: 0, end: file.smallestEnd };
}

function largestOf(file: TableFile | undefined): Key | undefined {
  return file && { region: file.keys, start: file.largestStart, end: file.largestEnd };
}
