/**
 * The range tombstones of a merge: what they hide is left out, and they themselves go on to the results, each of which gets the parts that lie before the
 * next one's first key.
 *
 * A range that every reader sees is dropped where no level below has anything within it, as a deletion of one key is.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import type { TableBuilder } from '../format/table-builder.ts';
import { trailerHigh, trailerLow, TYPE_RANGE_DELETION } from '../internal-key.ts';
import type { FileFacts } from '../manifest/version-edit.ts';
import { fragmentsOf, type RangeFragments } from '../range-fragments.ts';
import type { TableFile } from '../version/table-file.ts';
import type { JobRequest, KeyRange } from './job.ts';
import { stripeOf } from './stripes.ts';

type Wanted = Pick<JobRequest, 'snapshots' | 'below' | 'keepsDeletions'>;

export class RangeDrops {
  readonly #fragments: RangeFragments;
  readonly #snapshots: readonly number[];
  /** Sequences above it are kept whatever lies below. */
  readonly #lowestSnapshot: number;
  readonly #below: readonly (readonly KeyRange[])[];
  /** By level, the first range that is not behind. */
  readonly #belowAt: number[];
  /** The fragment that has the key that was asked for last. */
  #at = -1;
  /** The first fragment that is not written yet, and where it begins: parts of it may be. */
  #written = 0;
  #from: Region;
  #fromStart: number;
  #fromEnd: number;

  private constructor(fragments: RangeFragments, request: Wanted) {
    const { snapshots, below, keepsDeletions } = request;
    this.#fragments = fragments;
    this.#snapshots = snapshots;
    this.#lowestSnapshot = keepsDeletions ? -1 : (snapshots[0] ?? Infinity);
    this.#below = below;
    this.#belowAt = below.map(() => 0);
    this.#from = fragments.region;
    this.#fromStart = fragments.starts[0]!;
    this.#fromEnd = fragments.ends[0]!;
  }

  /** undefined where there are no ranges. */
  static of(ranges: readonly RangeDeletion[], request: Wanted): RangeDrops | undefined {
    const fragments = fragmentsOf(ranges, request.snapshots);
    return fragments && new RangeDrops(fragments, request);
  }

  /** Whether no reader sees a version for the ranges. Keys come in order. */
  hides(region: Region, start: number, end: number, sequence: number): boolean {
    const fragments = this.#fragments;
    const { starts, ends, count, first, sequences } = fragments;
    let at = this.#at;
    while (
      at + 1 < count &&
      compareBytes(fragments.region, starts[at + 1]!, ends[at + 1]!, region, start, end) <= 0
    ) {
      at++;
    }
    this.#at = at;
    if (at < 0) return false;
    for (let i = first[at]!; i < first[at + 1]!; i++) {
      if (sequences[i]! <= sequence) return false;
      if (this.#isAlike(sequences[i]!, sequence)) return true;
    }
    return false;
  }

  /** Whether one range hides all that a table has, so that it need not be read. */
  hidesAll(file: TableFile): boolean {
    const { keys, smallestEnd, largestStart, largestEnd, isLargestExclusive, facts } = file;
    if (!hasKnownAge(facts)) return false;
    const fragments = this.#fragments;
    const at = fragments.locate(keys, 0, smallestEnd);
    if (at < 0 || at + 1 >= fragments.count) return false;
    const { starts, ends, region } = fragments;
    const order = compareBytes(
      keys,
      largestStart,
      largestEnd,
      region,
      starts[at + 1]!,
      ends[at + 1]!,
    );
    if (order > 0 || (order === 0 && !isLargestExclusive)) return false;
    for (let i = fragments.first[at]!; i < fragments.first[at + 1]!; i++) {
      const sequence = fragments.sequences[i]!;
      if (sequence <= facts.maxSequence) return false;
      if (this.#isAlike(sequence, facts.minSequence)) return true;
    }
    return false;
  }

  /** Whether anything is left to be written. */
  get isPending(): boolean {
    for (let at = this.#written; at + 1 < this.#fragments.count; at++) {
      const first = this.#fragments.first[at]!;
      if (first < this.#fragments.first[at + 1]! && this.#isKept(at, this.#sequence(first))) {
        return true;
      }
    }
    return false;
  }

  /** Adds the parts that lie before a key, and were not added yet. */
  writeBefore(builder: TableBuilder, region: Region, start: number, end: number): void {
    const fragments = this.#fragments;
    while (this.#written + 1 < fragments.count) {
      if (compareBytes(this.#from, this.#fromStart, this.#fromEnd, region, start, end) >= 0) return;
      const next = this.#written + 1;
      const nextStart = fragments.starts[next]!;
      const nextEnd = fragments.ends[next]!;
      if (compareBytes(fragments.region, nextStart, nextEnd, region, start, end) > 0) {
        this.#write(builder, region, start, end);
        const from = region.bytes.slice(start, end);
        this.#startAt(Region.of(from), 0, from.length);
        return;
      }
      this.#write(builder, fragments.region, nextStart, nextEnd);
      this.#written = next;
      this.#startAt(fragments.region, nextStart, nextEnd);
    }
  }

  /** Adds all that is left. */
  writeRest(builder: TableBuilder): void {
    const { region, starts, ends, count } = this.#fragments;
    this.writeBefore(builder, region, starts[count - 1]!, ends[count - 1]!);
  }

  #startAt(region: Region, start: number, end: number): void {
    this.#from = region;
    this.#fromStart = start;
    this.#fromEnd = end;
  }

  /** The part of the fragment that is being written, up to a key. */
  #write(builder: TableBuilder, to: Region, toStart: number, toEnd: number): void {
    const at = this.#written;
    const { first } = this.#fragments;
    for (let i = first[at]!; i < first[at + 1]!; i++) {
      const sequence = this.#sequence(i);
      if (!this.#isKept(at, sequence)) continue;
      const low = trailerLow(sequence, TYPE_RANGE_DELETION);
      const high = trailerHigh(sequence);
      builder.add(this.#from, this.#fromStart, this.#fromEnd, low, high, to, toStart, toEnd);
    }
  }

  #sequence(i: number): number {
    return this.#fragments.sequences[i]!;
  }

  #isKept(at: number, sequence: number): boolean {
    return sequence > this.#lowestSnapshot || this.#isAnythingBelow(at);
  }

  /** Whether a level below has any key of a fragment. Fragments come in order. */
  #isAnythingBelow(at: number): boolean {
    const { region, starts, ends } = this.#fragments;
    for (const [level, ranges] of this.#below.entries()) {
      let i = this.#belowAt[level]!;
      while (i < ranges.length && orderOf(ranges[i]!.largest, region, starts[at]!, ends[at]!) < 0) {
        i++;
      }
      this.#belowAt[level] = i;
      const range = ranges[i];
      if (range === undefined) continue;
      if (orderOf(range.smallest, region, starts[at + 1]!, ends[at + 1]!) < 0) return true;
    }
    return false;
  }

  /** Whether no snapshot tells two sequences apart. */
  #isAlike(a: number, b: number): boolean {
    return stripeOf(this.#snapshots, a) === stripeOf(this.#snapshots, b);
  }
}

function orderOf(key: Uint8Array, region: Region, start: number, end: number): number {
  return Buffer.compare(key, region.bytes.subarray(start, end));
}

type KnownAge = FileFacts & { readonly minSequence: number; readonly maxSequence: number };

function hasKnownAge(facts: FileFacts | undefined): facts is KnownAge {
  return facts?.minSequence !== undefined && facts.maxSequence !== undefined;
}
