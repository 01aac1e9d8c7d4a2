/**
 * BITFIELD and BITFIELD_RO: a list of operations on integers inside a string. The arguments are gone through twice: first every operation
 * is checked and the length it needs found, then, nothing being able to fail any more, all are carried out.
 */
import { parseExact, parseInteger } from '../../../bytes/integer.ts';
import { copyBytes } from '../../../bytes/region.ts';
import type { Request } from '../../../bytes/resp-request.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { SYNTAX_ERROR, type Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import {
  fieldBigInt,
  fieldNumber,
  fitBigInt,
  fitNumber,
  NARROW_BITS,
  NARROW_OPERAND,
  OVERFLOW,
  setWindowBigInt,
  setWindowNumber,
  windowBigInt,
  windowNumber,
} from './bits-field-integers.ts';
import { bitOffset } from './bits-single.ts';
import { growString } from './strings-edit.ts';

const BAD_TYPE =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';

const BITFIELD: CommandSpec = {
  name: 'bitfield',
  arity: -2,
  flags: ['write', 'denyoom'],
  acl: ['bitmap'],
  keys: [
    {
      ...keyRange('RW UPDATE ACCESS VARIABLE_FLAGS', 1),
      notes: 'Only reads the key when every operation is a `GET`',
    },
  ],
  group: 'bitmap',
  since: '3.2.0',
  complexity: 'O(1) for each operation',
  summary: 'Reads, sets and increments integers of any width at any bit of a string.',
  syntax:
    'key [@operation(GET @get-block(encoding offset:integer) | ' +
    '@write([OVERFLOW @overflow-block(WRAP | SAT | FAIL)] ' +
    '@write-operation(SET @set-block(encoding offset:integer value:integer) | ' +
    'INCRBY @incrby-block(encoding offset:integer increment:integer))))...]',
  keyFlags(request) {
    for (let i = 2; i < request.count;) {
      const operation = operationAt(request, i);
      if (operation !== OPERATION.get && operation !== OPERATION.overflow)
        return 'RW ACCESS UPDATE';
      i += argumentsOf(operation);
    }
    return 'RO ACCESS';
  },
  handler: (c) => bitfield(c, false),
};

const BITFIELD_RO: CommandSpec = {
  name: 'bitfield_ro',
  arity: -2,
  flags: ['readonly', 'fast'],
  acl: ['bitmap'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'bitmap',
  since: '6.0.0',
  complexity: 'O(1) for each operation',
  summary: 'Reads integers of any width at any bit of a string.',
  syntax: 'key [(GET @get-block(encoding offset:integer))...]',
  handler: (c) => bitfield(c, true),
};

/** Operations, as the parser numbers them. */
const OPERATION = { none: 0, get: 1, set: 2, incrby: 3, overflow: 4 } as const;

function bitfield(c: Context, isReadOnly: boolean): void {
  const request = c.request;
  let count = 0;
  let neededBits = 0;
  for (let i = 2; i < request.count;) {
    const operation = operationAt(request, i);
    if (operation === OPERATION.none) {
      c.reply.error(SYNTAX_ERROR);
      return;
    }
    if (operation === OPERATION.overflow) {
      if (overflowAt(request, i + 1) < 0) {
        c.reply.error('ERR Invalid OVERFLOW type specified');
        return;
      }
    } else {
      const type = fieldTypeAt(request, i + 1);
      if (type === 0) {
        c.reply.error(BAD_TYPE);
        return;
      }
      const bits = Math.abs(type);
      const offset = bitOffset(c, i + 2, bits);
      if (offset < 0) return;
      if (operation !== OPERATION.get) {
        neededBits = Math.max(neededBits, offset + bits);
        if (Number.isNaN(c.integer(i + 3))) return;
      }
      count++;
    }
    i += argumentsOf(operation);
  }
  if (neededBits === 0) {
    const ref = c.lookupRead(1);
    if (c.isString(ref)) readFields(c, ref, count);
  } else if (isReadOnly) {
    c.reply.error('ERR BITFIELD_RO only supports the GET subcommand');
  } else {
    const ref = c.lookupWrite(1);
    if (c.isString(ref)) changeFields(c, ref, count, Math.ceil(neededBits / 8));
  }
}

/** Carries `count` operations out, all of them GETs. */
function readFields(c: Context, ref: Ref, count: number): void {
  const request = c.request;
  c.reply.array(count);
  for (let i = 2; i < request.count;) {
    const operation = operationAt(request, i);
    if (operation === OPERATION.get) readField(c, ref, i);
    i += argumentsOf(operation);
  }
}

/** Carries `count` operations out, for which the string must have `length` bytes. */
function changeFields(c: Context, ref: Ref, count: number, length: number): void {
  const request = c.request;
  const isGrown = ref === 0 || c.engine.valueLength(ref) < length;
  const grown = growString(c, 1, ref, length);
  c.reply.array(count);
  let changes = 0;
  let overflow: number = OVERFLOW.wrap;
  for (let i = 2; i < request.count;) {
    const operation = operationAt(request, i);
    if (operation === OPERATION.get) readField(c, grown, i);
    else if (operation === OPERATION.overflow) overflow = overflowAt(request, i + 1);
    else if (changeField(c, grown, i, operation === OPERATION.set, overflow, isGrown)) changes++;
    i += argumentsOf(operation);
  }
  // Where every write failed Redis logs nothing, even if the string grew; then its copies differ from it. Ours must not.
  if (changes > 0 || isGrown) c.verbatim();
  if (changes === 0) return;
  c.changed(1);
  c.model.stats.dirty += changes - 1;
  c.notify(EVENT.string, 'setbit', 1);
}

/** GET type offset. */
function readField(c: Context, ref: Ref, i: number): void {
  const type = fieldTypeAt(c.request, i + 1);
  const bits = Math.abs(type);
  const offset = bitOffset(c, i + 2, bits);
  const count = loadWindow(c, ref, offset, bits);
  const tail = tailOf(offset, bits);
  if (bits <= NARROW_BITS) {
    c.reply.integer(fieldNumber(windowNumber(c.scratch, count), tail, bits, type < 0));
  } else {
    c.reply.bigInteger(fieldBigInt(windowBigInt(c.scratch, count), tail, bits, type < 0));
  }
}

/** SET type offset value, or INCRBY type offset increment; whether it counts as a change. */
function changeField(
  c: Context,
  ref: Ref,
  i: number,
  isSet: boolean,
  overflow: number,
  isGrown: boolean,
): boolean {
  const request = c.request;
  const type = fieldTypeAt(request, i + 1);
  const bits = Math.abs(type);
  const offset = bitOffset(c, i + 2, bits);
  const tail = tailOf(offset, bits);
  const count = loadWindow(c, ref, offset, bits);
  const start = request.start[i + 3]!;
  const end = request.end[i + 3]!;
  const operand = parseInteger(request.region.bytes, start, end);
  let isChanged: boolean;
  if (bits <= NARROW_BITS && Math.abs(operand) <= NARROW_OPERAND) {
    const window = windowNumber(c.scratch, count);
    const old = fieldNumber(window, tail, bits, type < 0);
    const value = fitNumber(isSet ? operand : old + operand, bits, type < 0, overflow, isSet);
    if (value !== value) {
      c.reply.nil();
      return false;
    }
    c.reply.integer(isSet ? old : value);
    isChanged = value !== old;
    if (isChanged) {
      const raw = fieldNumber(window, tail, bits, false);
      const span = 2 ** bits;
      const rawValue = value < 0 ? value + span : value;
      setWindowNumber(c.scratch, count, window + (rawValue - raw) * 2 ** tail);
    }
  } else {
    const exact = parseExact(request.region.bytes, start, end)!;
    const window = windowBigInt(c.scratch, count);
    const old = fieldBigInt(window, tail, bits, type < 0);
    const value = fitBigInt(isSet ? exact : old + exact, bits, type < 0, overflow, isSet);
    if (value === undefined) {
      c.reply.nil();
      return false;
    }
    c.reply.bigInteger(isSet ? old : value);
    isChanged = value !== old;
    if (isChanged) {
      const difference = BigInt.asUintN(bits, value) - BigInt.asUintN(bits, old);
      setWindowBigInt(c.scratch, count, window + (difference << BigInt(tail)));
    }
  }
  if (isChanged) c.db.keys.writeValue(ref, Math.floor(offset / 8), c.scratch, 0, count);
  return isChanged || isGrown;
}

/** Reads the bytes that a field touches into the scratch, zeros behind the string's end; how many they are. */
function loadWindow(c: Context, ref: Ref, offset: number, bits: number): number {
  const first = Math.floor(offset / 8);
  const count = Math.floor((offset + bits - 1) / 8) + 1 - first;
  const { engine, scratch } = c;
  const length = ref === 0 ? 0 : engine.valueLength(ref);
  const present = Math.max(0, Math.min(count, length - first));
  if (present > 0 && engine.isValueInline(ref)) {
    copyBytes(scratch, 0, engine.segment(ref), engine.valueStart(ref) + first, present);
  } else if (present > 0) {
    engine.readValue(ref, first, first + present, scratch, 0);
  }
  for (let i = present; i < count; i++) scratch.bytes[i] = 0;
  return count;
}

/** Bits of a field's window behind the field. */
function tailOf(offset: number, bits: number): number {
  return 7 - ((offset + bits - 1) % 8);
}

/** The operation whose arguments begin at `i`; none where they are not all there. */
function operationAt(request: Request, i: number): number {
  const behind = request.count - i - 1;
  if (behind >= 2 && request.is(i, 'GET')) return OPERATION.get;
  if (behind >= 3 && request.is(i, 'SET')) return OPERATION.set;
  if (behind >= 3 && request.is(i, 'INCRBY')) return OPERATION.incrby;
  if (behind >= 1 && request.is(i, 'OVERFLOW')) return OPERATION.overflow;
  return OPERATION.none;
}

function argumentsOf(operation: number): number {
  if (operation === OPERATION.overflow) return 2;
  return operation === OPERATION.get ? 3 : 4;
}

function overflowAt(request: Request, i: number): number {
  if (request.is(i, 'WRAP')) return OVERFLOW.wrap;
  if (request.is(i, 'SAT')) return OVERFLOW.sat;
  return request.is(i, 'FAIL') ? OVERFLOW.fail : -1;
}

/** Argument `i` as a field's type: `u8` is 8, `i8` is -8; 0 where it is none. */
function fieldTypeAt(request: Request, i: number): number {
  const start = request.start[i]!;
  const end = request.end[i]!;
  const bytes = request.region.bytes;
  const bits = parseInteger(bytes, Math.min(start + 1, end), end);
  if (start === end || !(bits >= 1)) return 0;
  if (bytes[start] === 117) return bits <= 63 ? bits : 0;
  return bytes[start] === 105 && bits <= 64 ? -bits : 0;
}

export const BIT_FIELD_COMMANDS: readonly CommandSpec[] = [BITFIELD, BITFIELD_RO];
