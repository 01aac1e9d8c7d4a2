/**
 * Hints stand for key bytes where many keys of one place are searched: 31 bits of them as an integer, so that hints order as keys do, and that the
 * difference of two has a sign, which is a mask: a search has no branch that a processor could guess wrong.
 */
import type { Region } from '../../bytes/region.ts';

export const HINT_BYTES = 4;

/** The four bytes from `at` on as an int32, the first one highest, zeroes behind `end`. */
export function wordOf(region: Region, at: number, end: number): number {
  const { view } = region;
  if (at + 4 <= end) return view.getInt32(at);
  let word = 0;
  for (let shift = 24; at < end; at++, shift -= 8) word |= view.getUint8(at) << shift;
  return word;
}

/** The first 31 bits of a word. */
export function firstHint(word: number): number {
  return word >>> 1;
}

/** The 31 bits behind them; `at` is where the word begins. */
export function secondHint(word: number, region: Region, at: number, end: number): number {
  return ((word & 1) << 30) | (wordOf(region, at + 4, end) >>> 2);
}

/** The first of the ascending hints `[from, to)` that is not below `hint`, `to` where all are. */
export function lowerBound(
  view: DataView,
  at: number,
  from: number,
  to: number,
  hint: number,
): number {
  let length = to - from;
  let base = at + from * HINT_BYTES;
  while (length > 1) {
    const half = length >>> 1;
    // All ones where the hint before the second half is below.
    const isBelow = (view.getInt32(base + (half - 1) * HINT_BYTES, true) - hint) >> 31;
    base += (half * HINT_BYTES) & isBelow;
    length -= half;
  }
  if (length === 1 && view.getInt32(base, true) < hint) base += HINT_BYTES;
  return (base - at) / HINT_BYTES;
}

/** Where the hints equal to `hint` that begin at `from`, if any do, end; not behind `to`. They are few: in steps that double. */
export function endOfEqual(
  view: DataView,
  at: number,
  from: number,
  to: number,
  hint: number,
): number {
  let last = from;
  for (let step = 1; last < to && view.getInt32(at + last * HINT_BYTES, true) === hint; step *= 2) {
    from = last + 1;
    last += step;
  }
  return from === last ? from : lowerBound(view, at, from, Math.min(last, to), hint + 1);
}
