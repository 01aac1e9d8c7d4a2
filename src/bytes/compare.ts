/** The order of byte strings: byte by byte, unsigned, a prefix before what it begins. Four bytes are looked at a time. */
import type { Region } from './region.ts';

/** Bytes that `[aStart, aEnd)` and `[bStart, bEnd)` have in common from their starts. */
export function commonPrefix(
  a: Region,
  aStart: number,
  aEnd: number,
  b: Region,
  bStart: number,
  bEnd: number,
): number {
  const av = a.view;
  const bv = b.view;
  const limit = Math.min(aEnd - aStart, bEnd - bStart);
  let i = 0;
  for (; i + 4 <= limit; i += 4) {
    const differing = av.getInt32(aStart + i, true) ^ bv.getInt32(bStart + i, true);
    // The lowest set bit is in the first byte that differs.
    if (differing !== 0) return i + ((31 - Math.clz32(differing & -differing)) >> 3);
  }
  while (i < limit && av.getUint8(aStart + i) === bv.getUint8(bStart + i)) i++;
  return i;
}

/** Negative, zero or positive as `[aStart, aEnd)` comes before, equals or comes after `[bStart, bEnd)`. */
export function compareBytes(
  a: Region,
  aStart: number,
  aEnd: number,
  b: Region,
  bStart: number,
  bEnd: number,
): number {
  const av = a.view;
  const bv = b.view;
  const limit = Math.min(aEnd - aStart, bEnd - bStart);
  let i = 0;
  for (; i + 4 <= limit; i += 4) {
    if (av.getInt32(aStart + i, true) === bv.getInt32(bStart + i, true)) continue;
    return av.getUint32(aStart + i) < bv.getUint32(bStart + i) ? -1 : 1;
  }
  for (; i < limit; i++) {
    const difference = av.getUint8(aStart + i) - bv.getUint8(bStart + i);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
