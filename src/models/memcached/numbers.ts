/**
 * Numbers as memcached reads them from a command line, which is C's strtol family: blanks in front are skipped, a sign may stand there, and a
 * blank may end them. Unlike memcached, a number that does not fit is refused instead of cut to what fits.
 */
import { parseDecimal64, type Unsigned64 } from '../../bytes/unsigned64.ts';

/** A space, a tab, a line's end: what C calls a space. */
function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && isBlank(bytes[start]!)) start++;
  return start;
}

/** Where the digits that begin at `start` end; -1 where something else than a blank stands behind them, or there are none. */
function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) at++;
  return at === start || (at < end && !isBlank(bytes[at]!)) ? -1 : at;
}

/** The integer in `[start, end)`; NaN where it is none, or beyond 2^53. */
export function parseSigned(bytes: Uint8Array, start: number, end: number): number {
  let at = skipBlanks(bytes, start, end);
  const sign = bytes[at];
  if (at < end && (sign === 45 || sign === 43)) at++;
  const last = digitsEnd(bytes, at, end);
  if (last < 0) return NaN;
  let value = 0;
  for (; at < last; at++) value = value * 10 + (bytes[at]! - 48);
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return sign === 45 ? -value : value;
}

/** The integer in `[start, end)` from 0 to 2^32 - 1; NaN where it is none. */
export function parseUnsigned32(bytes: Uint8Array, start: number, end: number): number {
  const value = parseSigned(bytes, start, end);
  return value >= 0 && value <= 0xffffffff ? value : NaN;
}

/** The integer in `[start, end)` from 0 to 2^64 - 1; false where it is none. */
export function parseUnsigned64(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Unsigned64,
): boolean {
  let at = skipBlanks(bytes, start, end);
  if (at < end && bytes[at] === 43) at++;
  const last = digitsEnd(bytes, at, end);
  return last >= 0 && parseDecimal64(bytes, at, last, out);
}
