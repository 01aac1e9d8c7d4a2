/**
 * Bits of a stretch of bytes, a word at a time: how many are set, and where the first set or clear one is. Bit 0 is the most significant
 * bit of the first byte.
 */
import type { Region } from '../../../bytes/region.ts';

/** How many words are summed between two foldings of the byte counters: eight counts of at most 8 fit a byte many times. */
const WORDS_A_TURN = 8;
const BYTES_A_TURN: number = WORDS_A_TURN * 4;

/** Bits set in `[start, end)`. */
export function countBits(region: Region, start: number, end: number): number {
  const view = region.view;
  let count = 0;
  let at = start;
  for (; at + BYTES_A_TURN <= end; at += BYTES_A_TURN) {
    let sums = 0; // four counters of 8 bits
    for (let i = 0; i < BYTES_A_TURN; i += 4) sums += byteSums(view.getInt32(at + i, true));
    count += (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + (sums >>> 24);
  }
  for (; at + 4 <= end; at += 4) count += countWord(view.getInt32(at, true));
  for (; at < end; at++) count += countWord(view.getUint8(at));
  return count;
}

/** Bits set in a word. */
export function countWord(word: number): number {
  return Math.imul(byteSums(word), 0x01010101) >>> 24;
}

/** The number of bits set in each of a word's four bytes, in that byte. */
function byteSums(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (v + (v >>> 4)) & 0x0f0f0f0f;
}

/** The offset of the first byte in `[start, end)` that has a bit like `bit`; -1 when none has. */
export function findByte(region: Region, start: number, end: number, bit: number): number {
  const view = region.view;
  const skippedWord = bit === 1 ? 0 : -1;
  const skippedByte = skippedWord & 0xff;
  let at = start;
  while (at + 4 <= end && view.getInt32(at, true) === skippedWord) at += 4;
  while (at < end && view.getUint8(at) === skippedByte) at++;
  return at < end ? at : -1;
}

/** The place (0 to 7) of the first bit of `byte` that is like `bit`; 8 when none is. */
export function findBitInByte(byte: number, bit: number): number {
  return Math.clz32(bit === 1 ? byte : ~byte & 0xff) - 24;
}
