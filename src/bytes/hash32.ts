/**
 * A fast 32-bit hash of bytes that spreads well, for filters: not keyed, so not for tables that others choose the keys of. What it is computed
 * from is stored in files (docs/formats.md): it never changes.
 *
 * Two words a step, each multiplied, added, rotated and multiplied into its own lane (the round of XXH32, public domain constants), lanes mixed at the end.
 */
import type { Region } from './region.ts';

const P1 = 0x9e3779b1 | 0;
const P2 = 0x85ebca77 | 0;
const P3 = 0xc2b2ae3d | 0;
const P4 = 0x27d4eb2f | 0;

/** The hash of `[start, end)`, an int32. */
export function hash32(region: Region, start: number, end: number): number {
  const view = region.view;
  const length = end - start;
  let a = P1 ^ length;
  let b = P2 - length;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    a = (a + Math.imul(view.getInt32(at, true), P2)) | 0;
    b = (b + Math.imul(view.getInt32(at + 4, true), P2)) | 0;
    a = Math.imul((a << 13) | (a >>> 19), P1);
    b = Math.imul((b << 13) | (b >>> 19), P1);
  }
  if (at + 4 <= end) {
    a = (a + Math.imul(view.getInt32(at, true), P3)) | 0;
    a = Math.imul((a << 17) | (a >>> 15), P4);
    at += 4;
  }
  let last = 0;
  for (let shift = 0; at < end; at++, shift += 8) last |= view.getUint8(at) << shift;
  b = (b + Math.imul(last, P3)) | 0;
  b = Math.imul((b << 17) | (b >>> 15), P4);
  let h = Math.imul(a ^ ((b << 7) | (b >>> 25)), P2);
  h ^= h >>> 15;
  h = Math.imul(h ^ b, P3);
  h ^= h >>> 13;
  h = Math.imul(h, P1);
  return h ^ (h >>> 16);
}
