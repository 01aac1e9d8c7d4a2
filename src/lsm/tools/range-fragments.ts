/**
 * Range deletions cut to the stretch of keys that a table of a sorted level has, so that neighbours do not overlap: each table gets the part of
 * every range that lies within its own bounds.
 */
import type { RangeDeletion } from '../format/range-deletions.ts';

/**
 * What the ranges delete within `[from, to)`, in internal order, undefined for no bound. Of parts that begin at the same key with the same
 * sequence one is left.
 */
export function fragmentsWithin(
  ranges: readonly RangeDeletion[],
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
): RangeDeletion[] {
  const parts: RangeDeletion[] = [];
  for (const { begin, end, sequence } of ranges) {
    const first = from === undefined || Buffer.compare(begin, from) > 0 ? begin : from;
    const last = to === undefined || Buffer.compare(end, to) < 0 ? end : to;
    if (Buffer.compare(first, last) < 0) parts.push({ begin: first, end: last, sequence });
  }
  parts.sort(
    (a, b) =>
      Buffer.compare(a.begin, b.begin) || b.sequence - a.sequence || Buffer.compare(b.end, a.end),
  );
  return parts.filter((part, i) => {
    const before = parts[i - 1];
    if (before === undefined || before.sequence !== part.sequence) return true;
    return Buffer.compare(before.begin, part.begin) !== 0;
  });
}
