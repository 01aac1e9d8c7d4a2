/** What the commands that store whole strings share: storing, expiry arguments, Redis's limit of a string's length. */
import { parseExact } from '../../../bytes/integer.ts';
import type { Region } from '../../../bytes/region.ts';
import type { Ref } from '../../../memory/index.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';

const INT64_MAX = 9223372036854775807n;
/** The largest time in seconds whose milliseconds fit 64 bits. */
const MAX_SECONDS = INT64_MAX / 1000n;
/** The largest double below 2^63: later times than 2^53 ms (the year 287 396) are kept to the nearest double. */
const MAX_TIME = 9223372036854774784;

/** Makes `[start, end)` of `region` the value of the key in argument `key`, whose record `ref` is (or NONE); its expiry stays. */
export function storeBytes(
  c: Context,
  key: number,
  ref: Ref,
  encoding: number,
  region: Region,
  start: number,
  end: number,
): Ref {
  const keys = c.db.keys;
  if (ref !== 0) return keys.replace(c.keyHash, ref, TYPE.string, encoding, region, start, end);
  const request = c.request;
  const made = keys.insert(
    c.keyHash,
    request.region,
    request.start[key]!,
    request.end[key]!,
    TYPE.string,
    encoding,
    region,
    start,
    end,
  );
  c.notify(EVENT.newKey, 'new', key);
  return made;
}

/** As `storeBytes`, with argument `value` as the value, and no expiry unless `keepsExpiry`. */
export function storeArgument(
  c: Context,
  key: number,
  ref: Ref,
  value: number,
  keepsExpiry: boolean,
): Ref {
  const request = c.request;
  const stored = storeBytes(
    c,
    key,
    ref,
    STRING_ENCODING.plain,
    request.region,
    request.start[value]!,
    request.end[value]!,
  );
  if (ref !== 0 && !keepsExpiry && c.engine.isVolatile(stored)) c.db.keys.clearExpiry(stored);
  return stored;
}

/**
 * Argument `i` as a point in time, in ms since the epoch: given in seconds or milliseconds, relative to now or absolute. Replies
 * with the error and returns NaN where it is no positive integer or overflows 64 bits.
 */
export function expiryArgument(
  c: Context,
  i: number,
  isSeconds: boolean,
  isRelative: boolean,
): number {
  const value = c.integer(i);
  if (value !== value) return NaN;
  if (value > 0) {
    const time = (isSeconds ? value * 1000 : value) + (isRelative ? c.now : 0);
    if (time <= Number.MAX_SAFE_INTEGER) return time;
    const large = largeExpiry(c, i, isSeconds, isRelative);
    if (large === large) return large;
  }
  c.reply.error(`ERR invalid expire time in '${c.command.fullName}' command`);
  return NaN;
}

function largeExpiry(c: Context, i: number, isSeconds: boolean, isRelative: boolean): number {
  const request = c.request;
  const value = parseExact(request.region.bytes, request.start[i]!, request.end[i]!)!;
  if (isSeconds && value > MAX_SECONDS) return NaN;
  const time = (isSeconds ? value * 1000n : value) + (isRelative ? BigInt(c.now) : 0n);
  return time > INT64_MAX ? NaN : Math.min(Number(time), MAX_TIME);
}

/** Emits a point in time as an effect's argument. */
export function timeEffect(c: Context, time: number): void {
  if (time <= Number.MAX_SAFE_INTEGER) c.effects.integer(time);
  else c.effects.text(BigInt(time).toString());
}

/** Emits `SET key value PXAT time`, the deterministic form of every command that stores a string with an expiry. */
export function setWithExpiryEffect(c: Context, key: number, value: number, time: number): void {
  const effects = c.effects;
  if (!effects.isEnabled) return;
  effects.begin(c.db.id, 5);
  effects.text('SET');
  effects.argument(c.request, key);
  effects.argument(c.request, value);
  effects.text('PXAT');
  timeEffect(c, time);
}

/** Emits `name key`. */
export function keyEffect(c: Context, name: string, key: number): void {
  c.effects.begin(c.db.id, 2);
  c.effects.text(name);
  c.effects.argument(c.request, key);
}

/** Whether a string may become `length` bytes long; replies with the error where not. The log is always obeyed. */
export function isLengthAllowed(c: Context, length: number): boolean {
  if (c.model.isReplaying || length <= c.model.maxStringBytes) return true;
  c.reply.error('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  return false;
}
