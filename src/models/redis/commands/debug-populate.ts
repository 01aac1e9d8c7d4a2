/** DEBUG POPULATE: many keys at once, for tests. */
import { Region } from '../../../bytes/region.ts';
import type { Context } from '../context.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';

const PREFIX = 'key';
/** Digits of a safe integer. */
const MAX_DIGITS = 16;

export function populate(c: Context): void {
  const { request, engine } = c;
  const count = naturalNumber(c, 2);
  if (Number.isNaN(count)) return;
  const size = request.count === 5 ? naturalNumber(c, 4) : 0;
  if (Number.isNaN(size)) return;
  const prefix = Buffer.from(`${request.count > 3 ? request.text(3) : PREFIX}:`, 'latin1');
  const key = Region.allocate(prefix.length + MAX_DIGITS);
  key.bytes.set(prefix);
  const stem = Buffer.from('value:', 'latin1');
  const value = Region.allocate(Math.max(size, stem.length + MAX_DIGITS));
  c.db.keys.reserve(count);
  for (let i = 0; i < count; i++) {
    const digits = Buffer.from(String(i), 'latin1');
    key.bytes.set(digits, prefix.length);
    const keyEnd = prefix.length + digits.length;
    const hash = c.db.keys.hash(key, 0, keyEnd);
    const found = c.db.keys.find(hash, key, 0, keyEnd);
    if (found !== 0 && !engine.isExpired(found)) continue;
    if (found !== 0) c.model.expire(c.db, found);
    value.bytes.fill(0, 0, Math.min(size, stem.length + MAX_DIGITS));
    const text = Buffer.concat([stem, digits]).subarray(0, size === 0 ? undefined : size);
    value.bytes.set(text);
    const valueEnd = size === 0 ? text.length : size;
    c.db.keys.insert(hash, key, 0, keyEnd, TYPE.string, STRING_ENCODING.plain, value, 0, valueEnd);
    c.effects.begin(c.db.id, 3);
    c.effects.text('SET');
    c.effects.bytes(key, 0, keyEnd);
    c.effects.bytes(value, 0, valueEnd);
    // Outside a transaction each key is an entry of its own: one of a million keys would be too much at once.
    if (!c.isInTransaction) c.effects.endEntry();
  }
  c.reply.ok();
}

function naturalNumber(c: Context, i: number): number {
  const wrong = 'ERR value is out of range, must be positive';
  const value = c.integer(i, wrong);
  if (!(value < 0)) return value;
  c.reply.error(wrong);
  return NaN;
}
