/**
 * The integers inside a string that BITFIELD reads and writes: 1 to 64 bits, signed or not, at any bit; the first bit is the highest. A
 * field is worked on in its window, the up to nine whole bytes that it touches, taken as one number:
 *
 *   window   |.......f ffffffff fff.....|      value = (window >> tail) mod 2^bits
 *                             tail ^^^^^
 *
 * Fields of at most NARROW_BITS and operands of at most NARROW_OPERAND stay exact in doubles; all others take BigInts.
 */
import type { Region } from '../../../bytes/region.ts';

/** What happens to a result that does not fit its field. */
export const OVERFLOW = { wrap: 0, sat: 1, fail: 2 } as const;

/** A window of 32 bits at any place is 40 bits wide. */
export const NARROW_BITS = 32;
export const NARROW_OPERAND: number = 2 ** 52;

const INT64_MAX = 9223372036854775807n;

/** The window's `count` bytes as a number, which must have at most 53 bits. */
export function windowNumber(window: Region, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + window.bytes[i]!;
  return value;
}

export function setWindowNumber(window: Region, count: number, value: number): void {
  for (let i = count - 1; i >= 0; i--) {
    window.bytes[i] = value % 256;
    value = Math.floor(value / 256);
  }
}

export function windowBigInt(window: Region, count: number): bigint {
  let value = 0n;
  for (let i = 0; i < count; i++) value = (value << 8n) | BigInt(window.bytes[i]!);
  return value;
}

export function setWindowBigInt(window: Region, count: number, value: bigint): void {
  for (let i = count - 1; i >= 0; i--) {
    window.bytes[i] = Number(value & 255n);
    value >>= 8n;
  }
}

/** The value of the field that a window of `value` holds, `tail` bits from its end. */
export function fieldNumber(value: number, tail: number, bits: number, isSigned: boolean): number {
  const span = 2 ** bits;
  const field = Math.floor(value / 2 ** tail) % span;
  return isSigned && field >= span / 2 ? field - span : field;
}

export function fieldBigInt(value: bigint, tail: number, bits: number, isSigned: boolean): bigint {
  const field = value >> BigInt(tail);
  return isSigned ? BigInt.asIntN(bits, field) : BigInt.asUintN(bits, field);
}

/**
 * `value` made to fit a field as `overflow` says; NaN where it must fail. `isStored`: it is SET's own argument, which Redis takes for
 * unsigned where the field is, so that a negative one saturates at the top.
 */
export function fitNumber(
  value: number,
  bits: number,
  isSigned: boolean,
  overflow: number,
  isStored: boolean,
): number {
  const span = 2 ** bits;
  const min = isSigned ? -span / 2 : 0;
  const max = min + span - 1;
  if (value >= min && value <= max) return value;
  if (overflow === OVERFLOW.fail) return NaN;
  if (overflow === OVERFLOW.sat) return value > max || (isStored && !isSigned) ? max : min;
  return value - Math.floor((value - min) / span) * span;
}

/** As `fitNumber`; undefined where it must fail. */
export function fitBigInt(
  value: bigint,
  bits: number,
  isSigned: boolean,
  overflow: number,
  isStored: boolean,
): bigint | undefined {
  const span = 1n << BigInt(bits);
  const min = isSigned ? -span / 2n : 0n;
  const max = min + span - 1n;
  if (value >= min && value <= max) return value;
  if (overflow === OVERFLOW.fail) return undefined;
  if (overflow === OVERFLOW.wrap)
    return isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  // Redis computes the room above SET's argument in 64 bits: of the smallest integers it overflows, and they count as too large.
  const isTakenForLarge = isStored && (!isSigned || (bits < 64 && max - value > INT64_MAX));
  return value > max || isTakenForLarge ? max : min;
}
