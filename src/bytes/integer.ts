/**
 * Signed 64-bit integers in decimal text, by Redis's rule (string2ll): an optional '-', no leading zeros, no '+',
 * no blanks, nothing outside -2^63 .. 2^63-1. Inside Kvasir an integer is a double; above 2^53 only `parseExact`
 * and BigInt keep every digit.
 */

const MAX_INT64_DIGITS = 19;
const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;

/**
 * The integer in `[start, end)`: exact up to 2^53, beyond that the nearest double (enough for range checks).
 * NaN where the bytes are no 64-bit integer.
 */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let negative = false;
  if (at < end && bytes[at] === 45) {
    negative = true;
    at++;
  }
  const digits = end - at;
  if (digits <= 0 || digits > MAX_INT64_DIGITS) return NaN;
  const first = bytes[at]!;
  if (first === 48) return digits === 1 && !negative ? 0 : NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) {
    // The sum was rounded at each of the last digits, and 2^63 may have been passed.
    const exact = parseExact(bytes, start, end);
    return exact === undefined ? NaN : Number(exact);
  }
  return negative ? -value : value;
}

/** The integer in `[start, end)` with every digit, or undefined where the bytes are no 64-bit integer. */
export function parseExact(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  let at = start;
  const negative = at < end && bytes[at] === 45;
  if (negative) at++;
  const digits = end - at;
  if (digits <= 0 || digits > MAX_INT64_DIGITS) return undefined;
  if (bytes[at] === 48) return digits === 1 && !negative ? 0n : undefined;
  let text = '';
  for (; at < end; at++) {
    const c = bytes[at]!;
    if (c < 48 || c > 57) return undefined;
    text += String.fromCharCode(c);
  }
  const value = negative ? -BigInt(text) : BigInt(text);
  return value > INT64_MAX || value < INT64_MIN ? undefined : value;
}

/** Decimal digits of a non-negative safe integer. */
export function digitCount(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10000) return 4;
  let count = 5;
  for (let bound = 100000; value >= bound; bound *= 10) count++;
  return count;
}

/** Writes a safe integer as decimal text at `at`; returns the offset behind it. Allocates nothing. */
export function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 10 && value < 100) {
    const tens = ((value | 0) / 10) | 0;
    bytes[at] = 48 + tens;
    bytes[at + 1] = 48 + value - tens * 10;
    return at + 2;
  }
  if (value < 0) {
    bytes[at++] = 45;
    value = -value;
  }
  const end = at + digitCount(value);
  let i = end;
  while (value > 0x7fffffff) {
    const rest = Math.floor(value / 10);
    bytes[--i] = 48 + (value - rest * 10);
    value = rest;
  }
  let small = value | 0;
  do {
    const rest = (small / 10) | 0;
    bytes[--i] = 48 + (small - rest * 10);
    small = rest;
  } while (small > 0);
  return end;
}
