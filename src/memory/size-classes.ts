/**
 * Sizes of blocks: every multiple of 8 from 16 to 512 bytes, then eight sizes to each doubling up to 128 KiB, so that at most an eighth of
 * a block is wasted.
 */
import { MAX_BLOCK_BYTES } from './limits.ts';

const SMALL_CLASSES = 63; // 16, 24 ... 512
const DOUBLINGS = Math.log2(MAX_BLOCK_BYTES) - 9;

export const CLASS_COUNT: number = SMALL_CLASSES + DOUBLINGS * 8;

/** The smallest class whose blocks hold `sizeBytes` (1 .. MAX_BLOCK_BYTES). */
export function classOf(sizeBytes: number): number {
  if (sizeBytes <= 512) return sizeBytes <= 16 ? 0 : ((sizeBytes + 7) >>> 3) - 2;
  const last = sizeBytes - 1;
  const power = 31 - Math.clz32(last);
  return SMALL_CLASSES + (power - 9) * 8 + ((last >>> (power - 3)) & 7);
}

/** Bytes of a block of each class. */
export const CLASS_BYTES: Int32Array = Int32Array.from({ length: CLASS_COUNT }, (_, c) => {
  if (c < SMALL_CLASSES) return (c + 2) * 8;
  const power = 9 + Math.floor((c - SMALL_CLASSES) / 8);
  const step = 2 ** (power - 3);
  return 2 ** power + (((c - SMALL_CLASSES) % 8) + 1) * step;
});
