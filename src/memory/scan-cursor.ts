/**
 * SCAN's cursor: a bucket's number counted up from its highest bit ("reverse binary"), Redis's device. A table twice as large splits
 * each bucket into two whose numbers differ in the highest bit alone, hence what was visited before a resize need not be visited again, and
 * nothing is left out.
 */
import type { Ref } from './arena.ts';
import type { IndexTable } from './index-table.ts';

/** Visits one bucket (of the smaller table, and all buckets it splits into in the larger one); returns the next cursor, 0 at the end. */
export function bucketStep(
  table: IndexTable,
  other: IndexTable | undefined,
  cursor: number,
  visit: (ref: Ref) => void,
): number {
  let v = cursor >>> 0;
  if (other === undefined) {
    table.eachInBucket(v & table.mask, visit);
    return next(v, table.mask);
  }
  const small = table.mask < other.mask ? table : other;
  const large = small === table ? other : table;
  small.eachInBucket(v & small.mask, visit);
  const differing = (small.mask ^ large.mask) >>> 0;
  do {
    large.eachInBucket(v & large.mask, visit);
    v = next(v, large.mask);
  } while ((v & differing) !== 0);
  return v;
}

/** Adds one to the bits of `v` under `mask`, the highest bit counting least. */
function next(v: number, mask: number): number {
  return reverse((reverse((v | ~mask) >>> 0) + 1) >>> 0);
}

function reverse(v: number): number {
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return ((v >>> 16) | (v << 16)) >>> 0;
}
