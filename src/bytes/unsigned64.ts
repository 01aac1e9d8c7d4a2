/**
 * Unsigned 64-bit integers in two halves, each an int32 that holds 32 unsigned bits: BigInts allocate, and a double holds 53 bits.
 * Decimal text is as C's strtoull prints and reads it, hexadecimal text in small letters.
 */
import { writeInteger } from './integer.ts';

export interface Unsigned64 {
  high: number;
  low: number;
}

const TWO_32 = 0x100000000;
const MAX_DECIMAL_DIGITS = 20;
const MAX_HEX_DIGITS = 16;
/** The high half of 2^53: below it a double is exact. */
const EXACT_HIGH = 0x200000;

/** The decimal digits in `[start, end)`; false, with `out` undefined, where they are none or exceed 64 bits. Leading zeros are read over. */
export function parseDecimal64(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Unsigned64,
): boolean {
  let at = start;
  while (at < end - 1 && bytes[at] === 48) at++;
  if (at === end || end - at > MAX_DECIMAL_DIGITS) return false;
  let high = 0;
  let low = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return false;
    low = low * 10 + digit;
    const carry = Math.floor(low / TWO_32);
    low -= carry * TWO_32;
    high = high * 10 + carry;
  }
  if (high >= TWO_32) return false;
  out.high = high | 0;
  out.low = low | 0;
  return true;
}

/** Writes decimal text at `at`; returns the offset behind it. Allocates nothing below 2^53. */
export function writeDecimal64(bytes: Uint8Array, at: number, high: number, low: number): number {
  if (high >>> 0 < EXACT_HIGH) return writeInteger(bytes, at, high * TWO_32 + (low >>> 0));
  const text = toBigInt(high, low).toString();
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

export function toBigInt(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Compares unsigned values: negative where the first is less, 0 where they are equal. */
export function compare64(high: number, low: number, otherHigh: number, otherLow: number): number {
  return high === otherHigh ? (low >>> 0) - (otherLow >>> 0) : (high >>> 0) - (otherHigh >>> 0);
}

/** Writes hexadecimal text without leading zeros at `at`; returns the offset behind it. */
export function writeHex64(bytes: Uint8Array, at: number, high: number, low: number): number {
  if (high === 0) return writeHexDigits(bytes, at, low, hexDigits(low));
  at = writeHexDigits(bytes, at, high, hexDigits(high));
  return writeHexDigits(bytes, at, low, 8);
}

/** The hexadecimal digits in `[start, end)`, 1 to 16 of them; false, with `out` undefined, where they are none. */
export function parseHex64(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Unsigned64,
): boolean {
  if (end <= start || end - start > MAX_HEX_DIGITS) return false;
  let high = 0;
  let low = 0;
  for (let at = start; at < end; at++) {
    const c = bytes[at]!;
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : -1;
    if (digit < 0) return false;
    high = (high << 4) | (low >>> 28);
    low = (low << 4) | digit;
  }
  out.high = high;
  out.low = low;
  return true;
}

function hexDigits(value: number): number {
  return value === 0 ? 1 : (35 - Math.clz32(value)) >>> 2;
}

function writeHexDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  for (let i = at + digits - 1; i >= at; i--) {
    const digit = value & 15;
    bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
    value >>>= 4;
  }
  return at + digits;
}
