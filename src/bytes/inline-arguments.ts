/**
 * Splits a line into arguments as Redis does (sdssplitargs): blanks separate; "double quotes" know \n \r \t \b \a \xHH and
 * \ before any other character; 'single quotes' know only \'. A closing quote must be followed by a blank or the end.
 *
 * Unquoting only ever shortens, so arguments are unescaped in place: the line's bytes are rewritten.
 */
import type { Region } from './region.ts';
import type { Request } from './resp-request.ts';

/** Fills `request` with the arguments of `[from, to)`; returns their number, or -1 where quotes are unbalanced. */
export function splitInline(region: Region, from: number, to: number, request: Request): number {
  const bytes = region.bytes;
  let count = 0;
  let at = from;
  for (;;) {
    while (at < to && isBlank(bytes[at]!)) at++;
    if (at >= to) break;
    request.reserve(count + 1);
    const start = at;
    let out = at;
    let quote = 0;
    for (; at < to; at++) {
      const c = bytes[at]!;
      if (quote === 34) {
        if (c === 92 && at + 1 < to) {
          at++;
          const hex =
            bytes[at] === 120 && at + 2 < to ? hexPair(bytes[at + 1]!, bytes[at + 2]!) : -1;
          if (hex >= 0) {
            bytes[out++] = hex;
            at += 2;
          } else {
            bytes[out++] = unescape(bytes[at]!);
          }
          continue;
        }
        if (c === 34) {
          if (at + 1 < to && !isBlank(bytes[at + 1]!)) return -1;
          quote = 0;
          at++;
          break;
        }
      } else if (quote === 39) {
        if (c === 92 && at + 1 < to && bytes[at + 1] === 39) {
          at++;
          bytes[out++] = 39;
          continue;
        }
        if (c === 39) {
          if (at + 1 < to && !isBlank(bytes[at + 1]!)) return -1;
          quote = 0;
          at++;
          break;
        }
      } else {
        if (isBlank(c) || c === 0) break;
        if (c === 34 || c === 39) {
          quote = c;
          continue;
        }
      }
      bytes[out++] = c;
    }
    if (quote !== 0) return -1;
    if (at < to && bytes[at] === 0) to = at; // a NUL ends the line, as it ends a C string
    request.start[count] = start;
    request.end[count] = out;
    count++;
  }
  request.region = region;
  request.count = count;
  return count;
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

function unescape(c: number): number {
  switch (c) {
    case 110:
      return 10;
    case 114:
      return 13;
    case 116:
      return 9;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return c;
  }
}

function hexPair(high: number, low: number): number {
  const h = hexDigit(high);
  const l = hexDigit(low);
  return h < 0 || l < 0 ? -1 : h * 16 + l;
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  if (c >= 65 && c <= 70) return c - 55;
  return -1;
}
