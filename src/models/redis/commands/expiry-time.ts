/**
 * Points in time as the commands about expiry take and give them: ms since the epoch as doubles, exact up to 2^53 (the year 287 396),
 * from there to 2^63 the nearest double.
 */
import { parseExact } from '../../../bytes/integer.ts';
import type { Context } from '../context.ts';

const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;
/** The largest double below 2^63. */
const LATEST_MS = 9223372036854774784;

/** The point in time that argument `i` gives, in units of `unitMs` after `baseMs`. NaN, with the error replied, where it is none. */
export function timeArgument(c: Context, i: number, unitMs: number, baseMs: number): number {
  const value = c.integer(i);
  if (value !== value) return NaN;
  const time = value * unitMs + baseMs;
  if (Number.isSafeInteger(time)) return time;
  const request = c.request;
  const exact = parseExact(request.region.bytes, request.start[i]!, request.end[i]!)!;
  const offset = exact * BigInt(unitMs);
  if (offset > INT64_MAX || offset < INT64_MIN || offset + BigInt(baseMs) > INT64_MAX) {
    return invalidTime(c);
  }
  return Math.min(time, LATEST_MS);
}

/** Replies that the time given is none; NaN. */
export function invalidTime(c: Context): number {
  c.reply.error(`ERR invalid expire time in '${c.command.fullName}' command`);
  return NaN;
}

/** Replies with a point in time or a duration. */
export function replyTime(c: Context, time: number): void {
  if (Number.isSafeInteger(time)) c.reply.integer(time);
  else c.reply.bigInteger(BigInt(time));
}

/** Emits a point in time as an effect's argument. */
export function timeEffect(c: Context, time: number): void {
  if (Number.isSafeInteger(time)) c.effects.integer(time);
  else c.effects.text(BigInt(time).toString());
}
