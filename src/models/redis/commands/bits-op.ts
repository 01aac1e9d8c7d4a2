/**
 * BITOP: AND, OR, XOR of strings and NOT of one, padded with zeros to the longest. The result is made piece by piece, each piece from the
 * same bytes of the sources, so that the destination may be a source and values of any size need little memory beside their own.
 */
import { Region } from '../../../bytes/region.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { SYNTAX_ERROR, type Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';
import { growString } from './strings-edit.ts';
import { keyEffect, storeBytes } from './strings-store.ts';

const PIECE_BYTES = 64 * 1024;
const OPERATIONS = ['AND', 'OR', 'XOR', 'NOT'] as const;
type Operation = (typeof OPERATIONS)[number];

const BITOP: CommandSpec = {
  name: 'bitop',
  arity: -4,
  flags: ['write', 'denyoom'],
  acl: ['bitmap'],
  keys: [keyRange('OW UPDATE', 2), keyRange('RO ACCESS', 3, -1)],
  group: 'bitmap',
  since: '2.6.0',
  complexity: 'O(N)',
  summary: 'Combines strings bit by bit and stores the result.',
  syntax: '@operation(AND | OR | XOR | NOT) destkey:key key...',
  handler(c) {
    const request = c.request;
    const operation = OPERATIONS.find((word) => request.is(1, word));
    if (operation === undefined) {
      c.reply.error(SYNTAX_ERROR);
      return;
    }
    if (operation === 'NOT' && request.count !== 4) {
      c.reply.error('ERR BITOP NOT must be called with a single source key.');
      return;
    }
    const sources: Ref[] = [];
    let length = 0;
    for (let i = 3; i < request.count; i++) {
      const ref = c.lookupRead(i);
      if (!c.isString(ref)) return;
      sources.push(ref);
      if (ref !== 0) length = Math.max(length, c.engine.valueLength(ref));
    }

    const target = c.lookupWrite(2);
    if (length > 0) {
      storeResult(c, operation, sources, target, length);
      c.verbatim();
      c.changed(2);
      c.notify(EVENT.string, 'set', 2);
    } else if (target !== 0) {
      c.db.keys.remove(c.keyHash, target);
      c.verbatim();
      c.changed(2);
      c.notify(EVENT.generic, 'del', 2);
    }
    c.reply.integer(length);
  },
};

/** Makes the result, of `length` bytes, the value of argument 2, whose record is `target` or NONE. */
function storeResult(
  c: Context,
  operation: Operation,
  sources: Ref[],
  target: Ref,
  length: number,
): void {
  const keys = c.db.keys;
  const size = Math.min(length, PIECE_BYTES);
  const piece = Region.allocate(size);
  const other = Region.allocate(size);
  let stored: Ref;
  if (length <= PIECE_BYTES) {
    combine(c, operation, sources, 0, length, piece, other);
    stored = storeBytes(c, 2, target, STRING_ENCODING.raw, piece, 0, length);
  } else {
    stored = roomForResult(c, target, length);
    if (c.engine.valueLength(stored) > length) stored = keys.resizeValue(c.keyHash, stored, length);
    const refs = sources.map((ref) => (ref === target ? stored : ref));
    for (let from = 0; from < length; from += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - from);
      combine(c, operation, refs, from, bytes, piece, other);
      keys.writeValue(stored, from, piece, 0, bytes);
    }
  }
  if (target !== 0 && c.engine.isVolatile(stored)) keys.clearExpiry(stored);
}

/**
 * The record of argument 2 (`target`, or NONE) made a string of at least `length` bytes. If it is a source it keeps its bytes, and gets
 * zeros behind them, as which they count.
 */
function roomForResult(c: Context, target: Ref, length: number): Ref {
  if (target === 0 || c.engine.type(target) === TYPE.string) {
    return growString(c, 2, target, length);
  }
  const { keys } = c.db;
  const { keyHash, scratch } = c;
  const empty = keys.replace(keyHash, target, TYPE.string, STRING_ENCODING.raw, scratch, 0, 0);
  try {
    return growString(c, 2, empty, length);
  } catch (error) {
    keys.remove(keyHash, empty); // no memory for the result, and what was there is gone
    keyEffect(c, 'DEL', 2);
    throw error;
  }
}

/** Fills `piece` with `bytes` bytes of the result from its byte `from` on. */
function combine(
  c: Context,
  operation: Operation,
  sources: readonly Ref[],
  from: number,
  bytes: number,
  piece: Region,
  other: Region,
): void {
  readPadded(c, sources[0]!, from, bytes, piece);
  if (operation === 'NOT') invert(piece, bytes);
  for (let i = 1; i < sources.length; i++) {
    readPadded(c, sources[i]!, from, bytes, other);
    if (operation === 'AND') and(piece, other, bytes);
    else if (operation === 'OR') or(piece, other, bytes);
    else xor(piece, other, bytes);
  }
}

/** Reads `[from, from + bytes)` of a string, zeros behind its end; of NONE only zeros. */
function readPadded(c: Context, ref: Ref, from: number, bytes: number, into: Region): void {
  const length = ref === 0 ? 0 : c.engine.valueLength(ref);
  const present = Math.max(0, Math.min(bytes, length - from));
  if (present > 0) c.engine.readValue(ref, from, from + present, into, 0);
  into.bytes.fill(0, present, bytes);
}

function invert(piece: Region, bytes: number): void {
  const view = piece.view;
  let i = 0;
  for (; i + 4 <= bytes; i += 4) view.setInt32(i, ~view.getInt32(i, true), true);
  for (; i < bytes; i++) view.setUint8(i, ~view.getUint8(i));
}

function and(piece: Region, other: Region, bytes: number): void {
  const view = piece.view;
  const from = other.view;
  let i = 0;
  for (; i + 4 <= bytes; i += 4)
    view.setInt32(i, view.getInt32(i, true) & from.getInt32(i, true), true);
  for (; i < bytes; i++) view.setUint8(i, view.getUint8(i) & from.getUint8(i));
}

function or(piece: Region, other: Region, bytes: number): void {
  const view = piece.view;
  const from = other.view;
  let i = 0;
  for (; i + 4 <= bytes; i += 4)
    view.setInt32(i, view.getInt32(i, true) | from.getInt32(i, true), true);
  for (; i < bytes; i++) view.setUint8(i, view.getUint8(i) | from.getUint8(i));
}

function xor(piece: Region, other: Region, bytes: number): void {
  const view = piece.view;
  const from = other.view;
  let i = 0;
  for (; i + 4 <= bytes; i += 4)
    view.setInt32(i, view.getInt32(i, true) ^ from.getInt32(i, true), true);
  for (; i < bytes; i++) view.setUint8(i, view.getUint8(i) ^ from.getUint8(i));
}

export const BIT_OPERATION_COMMANDS: readonly CommandSpec[] = [BITOP];
