/** What the commands that store whole strings share: storing, expiry arguments, Redis's limit of a string's length. */
import type { Region } from '../../../bytes/region.ts';
import { type Ref, StagedValue } from '../../../memory/index.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';
import { invalidTime, timeArgument, timeEffect } from './expiry-time.ts';

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

/** As `storeBytes`, where the new value is made from the old one: client flags stay. */
export function rewriteBytes(
  c: Context,
  key: number,
  ref: Ref,
  encoding: number,
  region: Region,
  start: number,
  end: number,
): Ref {
  if (ref === 0 || c.engine.clientFlags(ref) === 0) {
    return storeBytes(c, key, ref, encoding, region, start, end);
  }
  const { keys } = c.db;
  const stored = keys.resizeValue(c.keyHash, ref, end - start);
  keys.writeValue(stored, 0, region, start, end);
  c.engine.setEncoding(stored, encoding);
  return stored;
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
  const large = request.large?.[value];
  const stored =
    large instanceof StagedValue
      ? storeStaged(c, key, ref, large)
      : storeBytes(
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

function storeStaged(c: Context, key: number, ref: Ref, value: StagedValue): Ref {
  const { keys } = c.db;
  const { plain } = STRING_ENCODING;
  if (ref !== 0) return keys.replaceStaged(c.keyHash, ref, TYPE.string, plain, value);
  const { region, start, end } = c.request;
  const made = keys.insertStaged(
    c.keyHash,
    region,
    start[key]!,
    end[key]!,
    TYPE.string,
    plain,
    value,
  );
  c.notify(EVENT.newKey, 'new', key);
  return made;
}

/** Overwrites bytes of a value, from `offset` on and within its length, with argument `i`. */
export function writeArgument(c: Context, ref: Ref, offset: number, i: number): void {
  const { keys } = c.db;
  const { region, start, end, large } = c.request;
  const chunks = large?.[i];
  if (chunks === undefined) {
    keys.writeValue(ref, offset, region, start[i]!, end[i]!);
    return;
  }
  let to = offset;
  chunks.each(0, chunks.length, (from, first, last) => {
    keys.writeValue(ref, to, from, first, last);
    to += last - first;
  });
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
  const time = timeArgument(c, i, isSeconds ? 1000 : 1, isRelative ? c.now : 0);
  const first = c.request.region.bytes[c.request.start[i]!];
  const isPositive = first !== 45 && first !== 48; // neither '-' nor '0', which only zero begins with
  return isPositive || time !== time ? time : invalidTime(c);
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
