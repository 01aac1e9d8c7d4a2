/**
 * How long a command's calls took: a histogram of high dynamic range with two significant digits, from 1 nanosecond to 1 second, laid
 * out as HdrHistogram does (https://hdrhistogram.github.io/HdrHistogram/), so that LATENCY HISTOGRAM and INFO latencystats print the same figures
 * as Redis, which uses that library.
 *
 * Values below 256 ns have a slot each. Above, each doubling of the value (an octave) has 128 slots, twice as wide as those of the
 * octave before: a slot is never wider than 1/128 of its values.
 */

const SLOTS_BITS = 7;
/** Slots of an octave. */
const SLOTS = 1 << SLOTS_BITS;
const MAX_NS = 1_000_000_000;
/** The octave of values below 2^8 ns takes two groups of slots; 22 more reach 2^30 ns, which is above MAX_NS. */
const COUNTS = SLOTS * 24;
/** The finest power of two that LATENCY HISTOGRAM reports, in ns. */
const FIRST_LEVEL_NS = 1024;

export class LatencyHistogram {
  /** Calls counted. */
  total = 0;
  readonly #counts: Float64Array = new Float64Array(COUNTS);

  /** Counts `calls` calls that took `microseconds` each. */
  record(microseconds: number, calls: number): void {
    const ns = Math.max(1, Math.min(MAX_NS, Math.round(microseconds * 1000)));
    this.#counts[slotOf(ns)]! += calls;
    this.total += calls;
  }

  /** The duration in microseconds that `percent` of the calls did not exceed; of 0: the shortest. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((Math.min(percent, 100) / 100) * this.total + 0.5));
    let seen = 0;
    for (let slot = 0; slot < COUNTS; slot++) {
      seen += this.#counts[slot]!;
      if (seen >= wanted) return (percent === 0 ? lowest(slot) : highest(slot)) / 1000;
    }
    return 0;
  }

  /**
   * How many calls took at most so many microseconds, for each power of two at which that number grows:
   * [microseconds, calls], in order.
   */
  cumulative(): [number, number][] {
    const levels: [number, number][] = [];
    let slot = 0;
    let seen = 0;
    let reported = 0;
    for (let level = FIRST_LEVEL_NS; reported < this.total; level *= 2) {
      const last = slotOf(level);
      for (; slot <= last && slot < COUNTS; slot++) seen += this.#counts[slot]!;
      if (seen > reported)
        levels.push([Math.floor(highest(Math.min(last, COUNTS - 1)) / 1000), seen]);
      reported = seen;
    }
    return levels;
  }
}

function slotOf(ns: number): number {
  const octave = 32 - Math.clz32(ns | (2 * SLOTS - 1)) - (SLOTS_BITS + 1);
  return octave * SLOTS + (ns >>> octave);
}

function lowest(slot: number): number {
  const octave = octaveOf(slot);
  return (slot - octave * SLOTS) * 2 ** octave;
}

function highest(slot: number): number {
  const octave = octaveOf(slot);
  return (slot - octave * SLOTS + 1) * 2 ** octave - 1;
}

function octaveOf(slot: number): number {
  return Math.max(0, (slot >>> SLOTS_BITS) - 1);
}
