/**
 * Tells for one key after the other which range tombstone covers it, of several runs. It keeps the stretch of keys around the last one for which the answer is the
 * same, so that keys that come in order are mostly looked up by one or two comparisons.
 */
import { compareBytes } from '../bytes/compare.ts';
import { Region } from '../bytes/region.ts';
import { NOT_COVERED, type RangeFragments } from './range-fragments.ts';

/** The range tombstones of a run: of a memtable, a table of level 0, or a level. */
export interface RunRanges {
  /** Those that a key has to do with; undefined where none of them covers it. */
  around(region: Region, start: number, end: number): RangeFragments | undefined;
  /** The keys for which the last `around` is right: from the first on and before the second, undefined for no bound. */
  readonly from: Key | undefined;
  readonly to: Key | undefined;
}

export interface Key {
  readonly region: Region;
  readonly start: number;
  readonly end: number;
}

/** A run that is not divided into files. */
export class WholeRun implements RunRanges {
  readonly from: Key | undefined = undefined;
  readonly to: Key | undefined = undefined;
  readonly #fragments: RangeFragments;

  constructor(fragments: RangeFragments) {
    this.#fragments = fragments;
  }

  around(): RangeFragments {
    return this.#fragments;
  }
}

const NOTHING: Region = Region.allocate(0);

/** One end of a stretch of keys, or none. */
class Bound {
  isSet = false;
  region: Region = NOTHING;
  start = 0;
  end = 0;

  clear(): void {
    this.isSet = false;
  }

  set(region: Region, start: number, end: number): void {
    this.isSet = true;
    this.region = region;
    this.start = start;
    this.end = end;
  }

  compareTo(region: Region, start: number, end: number): number {
    return compareBytes(this.region, this.start, this.end, region, start, end);
  }
}

export class RangeMask {
  /** The answer holds for the keys from here on ... */
  readonly from: Bound = new Bound();
  /** ... and before here. */
  readonly to: Bound = new Bound();
  /** Which of the runs has the range that covers the key: its place in the list. */
  run = 0;
  readonly #runs: readonly RunRanges[];
  readonly #sequence: number;
  #covering: number = NOT_COVERED;
  #isKnown = false;

  /** `sequence`: of the read; ranges that are newer do not count. */
  constructor(runs: readonly RunRanges[], sequence: number) {
    this.#runs = runs;
    this.#sequence = sequence;
  }

  /** The newest range that covers the key: its sequence, or NOT_COVERED. */
  covering(region: Region, start: number, end: number): number {
    if (!this.#isKnown || !this.#has(region, start, end)) this.#find(region, start, end);
    return this.#covering;
  }

  #has(region: Region, start: number, end: number): boolean {
    const { from, to } = this;
    if (to.isSet && to.compareTo(region, start, end) <= 0) return false;
    return !from.isSet || from.compareTo(region, start, end) <= 0;
  }

  #find(region: Region, start: number, end: number): void {
    this.#isKnown = true;
    this.#covering = NOT_COVERED;
    this.from.clear();
    this.to.clear();
    for (const [i, run] of this.#runs.entries()) {
      const fragments = run.around(region, start, end);
      const { from, to } = run;
      if (from !== undefined) this.#raise(from.region, from.start, from.end);
      if (to !== undefined) this.#lower(to.region, to.start, to.end);
      if (fragments === undefined) continue;
      const at = fragments.locate(region, start, end);
      const covering = fragments.newestOf(at, this.#sequence);
      if (covering > this.#covering) {
        this.#covering = covering;
        this.run = i;
      }
      const { starts, ends, count } = fragments;
      if (at >= 0) this.#raise(fragments.region, starts[at]!, ends[at]!);
      if (at + 1 < count) this.#lower(fragments.region, starts[at + 1]!, ends[at + 1]!);
    }
  }

  #raise(region: Region, start: number, end: number): void {
    const { from } = this;
    if (!from.isSet || from.compareTo(region, start, end) < 0) from.set(region, start, end);
  }

  #lower(region: Region, start: number, end: number): void {
    const { to } = this;
    if (!to.isSet || to.compareTo(region, start, end) > 0) to.set(region, start, end);
  }
}
