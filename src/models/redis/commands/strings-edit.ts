/** Commands that change a part of a string: APPEND and SETRANGE. */
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';
import { isLengthAllowed, storeArgument, writeArgument } from './strings-store.ts';

const APPEND: CommandSpec = {
  name: 'append',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW INSERT', 1)],
  chunks: 2,
  group: 'string',
  since: '2.0.0',
  complexity: 'O(1), amortised, for appended strings of bounded length',
  summary: 'Adds bytes at the end of a string, which begins empty if the key does not exist.',
  syntax: 'key value',
  handler(c) {
    const request = c.request;
    const ref = c.lookupWrite(1);
    if (!c.isString(ref)) return;
    let length = request.length(2);
    if (ref === 0) {
      storeArgument(c, 1, ref, 2, false);
    } else {
      length += c.engine.valueLength(ref);
      if (!isLengthAllowed(c, length)) return;
      const grown = c.db.keys.resizeValue(c.keyHash, ref, length);
      writeArgument(c, grown, length - request.length(2), 2);
      markRaw(c, grown);
    }
    c.verbatim();
    c.changed(1);
    c.notify(EVENT.string, 'append', 1);
    c.reply.integer(length);
  },
};

const SETRANGE: CommandSpec = {
  name: 'setrange',
  arity: 4,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [keyRange('RW UPDATE', 1)],
  chunks: 3,
  group: 'string',
  since: '2.2.0',
  complexity:
    'O(M) where M is the length of the new part, beside the zeros that grow the string up to it',
  summary:
    'Overwrites a part of a string, growing it with zero bytes if it is too short or does not exist.',
  syntax: 'key offset:integer value',
  handler(c) {
    const offset = c.integer(2);
    if (offset !== offset) return;
    if (offset < 0) {
      c.reply.error('ERR offset is out of range');
      return;
    }
    const request = c.request;
    const ref = c.lookupWrite(1);
    if (!c.isString(ref)) return;
    const length = ref === 0 ? 0 : c.engine.valueLength(ref);
    const added = request.length(3);
    if (added === 0) {
      c.reply.integer(length);
      return;
    }
    if (!isLengthAllowed(c, offset + added)) return;

    const grown = growString(c, 1, ref, offset + added);
    writeArgument(c, grown, offset, 3);
    c.verbatim();
    c.changed(1);
    c.notify(EVENT.string, 'setrange', 1);
    c.reply.integer(Math.max(length, offset + added));
  },
};

/**
 * The string of the key in argument `key` (its record is `ref`, or NONE) with at least `length` bytes: what is missing becomes zeros.
 * Redis holds it raw from now on.
 */
export function growString(c: Context, key: number, ref: Ref, length: number): Ref {
  if (ref === 0) return insertZeros(c, key, length);
  let grown = ref;
  if (c.engine.valueLength(ref) < length) grown = c.db.keys.resizeValue(c.keyHash, ref, length);
  markRaw(c, grown);
  return grown;
}

function insertZeros(c: Context, key: number, length: number): Ref {
  const { keys } = c.db;
  const { region, start, end } = c.request;
  const { scratch, keyHash } = c;
  const empty = keys.insert(
    keyHash,
    region,
    start[key]!,
    end[key]!,
    TYPE.string,
    STRING_ENCODING.raw,
    scratch,
    0,
    0,
  );
  let grown: Ref;
  try {
    grown = keys.resizeValue(keyHash, empty, length);
  } catch (error) {
    keys.remove(keyHash, empty); // no memory: as if nothing had been
    throw error;
  }
  c.notify(EVENT.newKey, 'new', key);
  return grown;
}

function markRaw(c: Context, ref: Ref): void {
  if (c.engine.encoding(ref) !== STRING_ENCODING.raw)
    c.engine.setEncoding(ref, STRING_ENCODING.raw);
}

export const STRING_EDIT_COMMANDS: readonly CommandSpec[] = [APPEND, SETRANGE];
