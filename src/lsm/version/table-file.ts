/**
 * A table as the tree knows it: where it is, the range of its keys, and what was learned of its contents. Versions share the objects: a file
 * that moves to another level stays the same file.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import type { Table } from '../format/table.ts';
import {
  MAX_SEQUENCE,
  MAX_TRAILER_HIGH,
  TRAILER_BYTES,
  trailerLow,
  TYPE_RANGE_DELETION,
} from '../internal-key.ts';
import type { FileFacts, NewFile } from '../manifest/version-edit.ts';

export class TableFile {
  readonly number: number;
  readonly sizeBytes: number;
  /** Internal keys. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  /** What is known of its entries; a file that an earlier process wrote may have told nothing yet. */
  facts: FileFacts | undefined;
  /** Both keys, one behind the other: `[0, smallestEnd)` and `[largestStart, largestEnd)` are the user keys. */
  readonly keys: Region;
  readonly smallestEnd: number;
  readonly largestStart: number;
  readonly largestEnd: number;
  /** The largest key is the end of a range deletion: it is no key of the file any more. */
  readonly isLargestExclusive: boolean;
  /** Versions that have it. Without any, nothing reads it any more. */
  references = 0;
  /** The table as it was last found open: a shorter way than the table cache's, for as long as it is open still. */
  table: Table | undefined = undefined;
  /** A compaction reads it, so no other may. */
  isCompacting = false;

  constructor(file: NewFile) {
    this.number = file.number;
    this.sizeBytes = file.sizeBytes;
    this.smallest = file.smallest;
    this.largest = file.largest;
    this.facts = file.facts;
    this.smallestEnd = file.smallest.length - TRAILER_BYTES;
    this.largestStart = file.smallest.length;
    this.largestEnd = file.smallest.length + file.largest.length - TRAILER_BYTES;
    this.keys = Region.allocate(file.smallest.length + file.largest.length);
    this.keys.bytes.set(file.smallest);
    this.keys.bytes.set(file.largest, this.largestStart);
    this.isLargestExclusive = isRangeEnd(this.keys, this.largestEnd);
  }

  /** Negative where the user key is before the file's range, positive where it is behind it, 0 within. */
  compareRange(region: Region, start: number, end: number): number {
    const { keys } = this;
    if (compareBytes(region, start, end, keys, 0, this.smallestEnd) < 0) return -1;
    const order = compareBytes(region, start, end, keys, this.largestStart, this.largestEnd);
    return order > 0 || (order === 0 && this.isLargestExclusive) ? 1 : 0;
  }

  /** Whether the ranges of user keys have a key in common. */
  overlaps(other: TableFile): boolean {
    return compareSmallestToLargest(this, other) <= 0 && compareSmallestToLargest(other, this) <= 0;
  }

  /** Whether it has range tombstones, or it is not known. */
  get mayHaveRanges(): boolean {
    return (this.facts?.rangeDeletions ?? 1) > 0;
  }

  /** As an edit says it, for `level`. */
  toNewFile(level: number): NewFile {
    const { number, sizeBytes, smallest, largest, facts } = this;
    return { level, number, sizeBytes, smallest, largest, facts };
  }
}

/** The order of the smallest user key of `a` and the largest that `b` has. */
export function compareSmallestToLargest(a: TableFile, b: TableFile): number {
  const order = compareBytes(a.keys, 0, a.smallestEnd, b.keys, b.largestStart, b.largestEnd);
  return order === 0 && b.isLargestExclusive ? 1 : order;
}

/** Whether an internal key, whose trailer is at `at`, is what tables name as the end of a range deletion: its highest sequence and type 3. */
function isRangeEnd(keys: Region, at: number): boolean {
  const low = keys.view.getUint32(at, true);
  return low === RANGE_END_LOW && keys.view.getUint32(at + 4, true) === MAX_TRAILER_HIGH;
}

const RANGE_END_LOW: number = trailerLow(MAX_SEQUENCE, TYPE_RANGE_DELETION);

/** The order of two files by their smallest internal keys, as levels from 1 on have them. */
export function compareSmallest(a: TableFile, b: TableFile): number {
  const order = compareBytes(a.keys, 0, a.smallestEnd, b.keys, 0, b.smallestEnd);
  if (order !== 0) return order;
  // The same user key ends one file and begins the next: newer versions come first.
  const aView = a.keys.view;
  const bView = b.keys.view;
  const high = bView.getUint32(b.smallestEnd + 4, true) - aView.getUint32(a.smallestEnd + 4, true);
  if (high !== 0) return high;
  return bView.getUint32(b.smallestEnd, true) - aView.getUint32(a.smallestEnd, true);
}
