/** One bit of a string: SETBIT and GETBIT. Bit 0 is the most significant bit of the first byte. */
import { parseInteger } from '../../../bytes/integer.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { growString } from './strings-edit.ts';

const BAD_OFFSET = 'ERR bit offset is not an integer or out of range';
const BAD_BIT = 'ERR bit is not an integer or out of range';

const SETBIT: CommandSpec = {
  name: 'setbit',
  arity: 4,
  flags: ['write', 'denyoom'],
  acl: ['bitmap'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'bitmap',
  since: '2.2.0',
  complexity: 'O(1)',
  summary:
    'Sets or clears a bit of a string and returns what it was; the string grows with zeros as needed.',
  syntax: 'key offset:integer value:integer',
  handler(c) {
    const offset = bitOffset(c, 2, 0);
    if (offset < 0) return;
    const bit = c.integer(3, BAD_BIT);
    if (bit !== bit) return;
    if (bit !== 0 && bit !== 1) {
      c.reply.error(BAD_BIT);
      return;
    }
    const ref = c.lookupWrite(1);
    if (!c.isString(ref)) return;

    const engine = c.engine;
    const byteAt = Math.floor(offset / 8);
    const mask = 128 >> (offset % 8);
    const isGrown = ref === 0 || byteAt >= engine.valueLength(ref);
    const grown = growString(c, 1, ref, byteAt + 1);
    const byte = engine.valueByte(grown, byteAt);
    const old = (byte & mask) !== 0 ? 1 : 0;
    if (isGrown || old !== bit) {
      c.db.keys.setValueByte(grown, byteAt, bit === 1 ? byte | mask : byte & ~mask);
      c.verbatim();
      c.changed(1);
      c.notify(EVENT.string, 'setbit', 1);
    }
    c.reply.integer(old);
  },
};

const GETBIT: CommandSpec = {
  name: 'getbit',
  arity: 3,
  flags: ['readonly', 'fast'],
  acl: ['bitmap'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'bitmap',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Returns a bit of a string; bits behind its end are 0.',
  syntax: 'key offset:integer',
  handler(c) {
    const offset = bitOffset(c, 2, 0);
    if (offset < 0) return;
    const ref = c.lookupRead(1);
    if (!c.isString(ref)) return;
    const byteAt = Math.floor(offset / 8);
    const isInside = ref !== 0 && byteAt < c.engine.valueLength(ref);
    const byte = isInside ? c.engine.valueByte(ref, byteAt) : 0;
    c.reply.integer((byte >> (7 - (offset % 8))) & 1);
  },
};

/**
 * Argument `i` as a bit's offset. Where `fieldBits` is not 0, `#n` stands for the offset of the n-th field of so many bits. Replies with
 * the error and returns -1 where it is no offset in the longest string allowed; the log is always obeyed.
 */
export function bitOffset(c: Context, i: number, fieldBits: number): number {
  const request = c.request;
  const bytes = request.region.bytes;
  const start = request.start[i]!;
  const end = request.end[i]!;
  const isField = fieldBits > 0 && start < end && bytes[start] === 35;
  let offset = parseInteger(bytes, isField ? start + 1 : start, end);
  if (isField) offset *= fieldBits;
  const isValid =
    offset >= 0 &&
    offset <= Number.MAX_SAFE_INTEGER &&
    (c.model.isReplaying || offset < c.model.maxStringBytes * 8);
  if (isValid) return offset;
  c.reply.error(BAD_OFFSET);
  return -1;
}

export const BIT_COMMANDS: readonly CommandSpec[] = [SETBIT, GETBIT];
