/** Ranges `start end` as GETRANGE, BITCOUNT and BITPOS take them: both ends included, negative ones counted from the end. */
import { parseExact } from '../../../bytes/integer.ts';
import type { Context } from '../context.ts';

/**
 * Whether both ends (arguments `i` and `j`, parsed as `start` and `end`) count from the end and the first lies behind the last. Redis
 * answers such a range before it is cut to the value, where both might become 0.
 */
export function isReversedFromEnd(
  c: Context,
  i: number,
  start: number,
  j: number,
  end: number,
): boolean {
  if (start >= 0 || end >= 0) return false;
  if (start !== end || Number.isSafeInteger(start)) return start > end;
  const request = c.request;
  const bytes = request.region.bytes;
  // Doubles this large may be equal where the integers are not.
  const exactStart = parseExact(bytes, request.start[i]!, request.end[i]!)!;
  return exactStart > parseExact(bytes, request.start[j]!, request.end[j]!)!;
}
