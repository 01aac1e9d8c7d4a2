/**
 * A hint stands for four bytes of a key where keys are searched: big endian, zeros behind the key's end, the top bit flipped, so that comparing
 * hints as signed integers is comparing those bytes. Where two hints of eight bytes tie the keys have to be compared.
 */
import type { Region } from '../bytes/region.ts';

const SIGN = -0x80000000;

/** The hint of the four bytes at `at` of a key that ends at `end`, which may be before them. */
export function keyHint(region: Region, at: number, end: number): number {
  return at + 4 <= end ? region.view.getInt32(at) ^ SIGN : paddedHint(region, at, end);
}

function paddedHint(region: Region, at: number, end: number): number {
  let hint = 0;
  for (let i = 0; i < 4; i++) hint = (hint << 8) | (at + i < end ? region.bytes[at + i]! : 0);
  return hint ^ SIGN;
}
