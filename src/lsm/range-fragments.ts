/**
 * Range tombstones made ready for searching: the keys are cut where any range begins or ends, and each fragment between two cuts knows the sequences of
 * the ranges that cover it, newest first. It never changes.
 *
 *   ranges     [a, m) 7   [c, z) 5
 *   fragments  [a, c) 7   [c, m) 7 5   [m, z) 5
 */
import { compareBytes } from '../bytes/compare.ts';
import { Region } from '../bytes/region.ts';
import type { RangeDeletion } from './format/range-deletions.ts';

/** In place of a sequence: no range covers the key. Below every sequence. */
export const NOT_COVERED = -1;
/** In place of a fragment: before the first. */
export const BEFORE_ALL = -1;

export class RangeFragments {
  /** Where the keys are at which fragments begin: `[starts[i], ends[i])`. The last fragment is covered by nothing. */
  readonly region: Region;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Fragment `i` has the sequences `[first[i], first[i + 1])`. */
  readonly first: Int32Array;
  readonly sequences: Float64Array;

  constructor(
    region: Region,
    starts: Int32Array,
    ends: Int32Array,
    first: Int32Array,
    sequences: Float64Array,
  ) {
    this.region = region;
    this.starts = starts;
    this.ends = ends;
    this.first = first;
    this.sequences = sequences;
  }

  get count(): number {
    return this.starts.length;
  }

  get sizeBytes(): number {
    const { region, starts, sequences } = this;
    return region.bytes.length + starts.length * 12 + sequences.length * 8;
  }

  /** The fragment that has the key, BEFORE_ALL for none. */
  locate(region: Region, start: number, end: number): number {
    const { starts, ends } = this;
    let first = 0;
    let last = starts.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      const order = compareBytes(this.region, starts[middle]!, ends[middle]!, region, start, end);
      if (order <= 0) first = middle + 1;
      else last = middle;
    }
    return first - 1;
  }

  /** The newest range of at most `sequence` that covers the fragment: its sequence, or NOT_COVERED. */
  newestOf(fragment: number, sequence: number): number {
    if (fragment === BEFORE_ALL) return NOT_COVERED;
    const { sequences } = this;
    const end = this.first[fragment + 1]!;
    for (let i = this.first[fragment]!; i < end; i++) {
      if (sequences[i]! <= sequence) return sequences[i]!;
    }
    return NOT_COVERED;
  }

  /** The same for a key. */
  covering(region: Region, start: number, end: number, sequence: number): number {
    return this.newestOf(this.locate(region, start, end), sequence);
  }

  /** The key at which a fragment begins, as bytes of its own. */
  keyOf(fragment: number): Uint8Array {
    return this.region.bytes.slice(this.starts[fragment], this.ends[fragment]);
  }
}

/**
 * The fragments of ranges in any order. `snapshots`, ascending: of ranges that no snapshot tells apart the newest is kept. Without, all are. undefined where
 * there are no ranges, or empty ones alone.
 */
export function fragmentsOf(
  ranges: readonly RangeDeletion[],
  snapshots?: readonly number[],
): RangeFragments | undefined {
  const proper = ranges.filter(({ begin, end }) => Buffer.compare(begin, end) < 0);
  if (proper.length === 0) return undefined;
  const begins = [...proper].sort((a, b) => Buffer.compare(a.begin, b.begin));
  const ends = [...proper].sort((a, b) => Buffer.compare(a.end, b.end));
  const builder = new FragmentsBuilder();
  /** Sequences of the ranges that the sweep is within, descending. */
  const active: number[] = [];
  let began = 0;
  for (let ended = 0; ended < ends.length;) {
    const isBegin =
      began < begins.length && Buffer.compare(begins[began]!.begin, ends[ended]!.end) < 0;
    const key = isBegin ? begins[began]!.begin : ends[ended]!.end;
    while (ended < ends.length && Buffer.compare(ends[ended]!.end, key) === 0) {
      active.splice(active.indexOf(ends[ended]!.sequence), 1);
      ended++;
    }
    while (began < begins.length && Buffer.compare(begins[began]!.begin, key) === 0) {
      const { sequence } = begins[began]!;
      active.splice(countAbove(active, sequence), 0, sequence);
      began++;
    }
    builder.add(key, snapshots === undefined ? active : newestOfStripes(active, snapshots));
  }
  return builder.finish();
}

/** How many of descending sequences are above one. */
function countAbove(descending: readonly number[], sequence: number): number {
  let first = 0;
  let last = descending.length;
  while (first < last) {
    const middle = (first + last) >>> 1;
    if (descending[middle]! > sequence) first = middle + 1;
    else last = middle;
  }
  return first;
}

function newestOfStripes(descending: readonly number[], snapshots: readonly number[]): number[] {
  const [newest] = descending;
  if (newest === undefined) return [];
  const found = [newest];
  for (let i = snapshots.length - 1; i >= 0; i--) {
    const seen = descending[countAbove(descending, snapshots[i]!)];
    if (seen !== undefined && seen !== found.at(-1)) found.push(seen);
  }
  return found;
}

class FragmentsBuilder {
  readonly #keys: Uint8Array[] = [];
  readonly #lists: number[][] = [];

  /** A fragment begins; neighbours that are covered alike become one. */
  add(key: Uint8Array, sequences: readonly number[]): void {
    const before = this.#lists.at(-1);
    const isLike =
      before !== undefined &&
      before.length === sequences.length &&
      before.every((sequence, i) => sequence === sequences[i]);
    if (isLike || (before === undefined && sequences.length === 0)) return;
    this.#keys.push(key);
    this.#lists.push([...sequences]);
  }

  finish(): RangeFragments {
    const keys = this.#keys;
    const lists = this.#lists;
    const region = Region.allocate(keys.reduce((sum, { length }) => sum + length, 0));
    const starts = new Int32Array(keys.length);
    const ends = new Int32Array(keys.length);
    const first = new Int32Array(keys.length + 1);
    const sequences = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const [i, key] of keys.entries()) {
      region.bytes.set(key, at);
      starts[i] = at;
      at += key.length;
      ends[i] = at;
      sequences.set(lists[i]!, first[i]);
      first[i + 1] = first[i]! + lists[i]!.length;
    }
    return new RangeFragments(region, starts, ends, first, sequences);
  }
}
