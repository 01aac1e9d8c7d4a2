/**
 * Integer counters: INCR, DECR, INCRBY, DECRBY. The value is parsed and rewritten in its text; sums within 2^53 take doubles, all others
 * BigInts, within 64 bits.
 */
import { parseExact, parseInteger, writeInteger } from '../../../bytes/integer.ts';
import type { Region } from '../../../bytes/region.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { NOT_INTEGER, type Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { INTEGER_MAX_CHARS } from '../string-encoding.ts';
import { STRING_ENCODING } from '../types.ts';
import { rewriteBytes } from './strings-store.ts';

const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;
const OVERFLOW = 'ERR increment or decrement would overflow';

const INCR: CommandSpec = {
  name: 'incr',
  arity: 2,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Adds one to the integer a key holds; a missing key counts as 0.',
  syntax: 'key',
  handler: (c) => add(c, 1),
};

const DECR: CommandSpec = {
  name: 'decr',
  arity: 2,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Subtracts one from the integer a key holds; a missing key counts as 0.',
  syntax: 'key',
  handler: (c) => add(c, -1),
};

const INCRBY: CommandSpec = {
  name: 'incrby',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Adds a number to the integer a key holds; a missing key counts as 0.',
  syntax: 'key increment:integer',
  handler(c) {
    const increment = c.integer(2);
    if (increment !== increment) return;
    if (Number.isSafeInteger(increment)) add(c, increment);
    else addExact(c, exactArgument(c, 2));
  },
};

const DECRBY: CommandSpec = {
  name: 'decrby',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Subtracts a number from the integer a key holds; a missing key counts as 0.',
  syntax: 'key decrement:integer',
  handler(c) {
    const decrement = c.integer(2);
    if (decrement !== decrement) return;
    if (Number.isSafeInteger(decrement)) {
      add(c, -decrement);
      return;
    }
    const exact = exactArgument(c, 2);
    if (exact === INT64_MIN) c.reply.error('ERR decrement would overflow');
    else addExact(c, -exact);
  },
};

/** Adds a safe integer to the counter in argument 1. */
function add(c: Context, increment: number): void {
  const ref = c.lookupWrite(1);
  if (!c.isString(ref)) return;
  const value = ref === 0 ? 0 : counterAt(c, ref);
  if (value !== value) return;
  const sum = value + increment;
  // Beyond 2^53 a double skips integers.
  if (!Number.isSafeInteger(value) || !Number.isSafeInteger(sum)) {
    addTo(c, ref, BigInt(increment));
    return;
  }
  store(c, ref, writeInteger(c.scratch.bytes, 0, sum));
  c.reply.integer(sum);
}

/** Adds an integer beyond 2^53. */
function addExact(c: Context, increment: bigint): void {
  const ref = c.lookupWrite(1);
  if (!c.isString(ref)) return;
  if (ref !== 0 && Number.isNaN(counterAt(c, ref))) return;
  addTo(c, ref, increment);
}

/** As `add`, with every digit; `ref` holds an integer or is NONE. */
function addTo(c: Context, ref: Ref, increment: bigint): void {
  let value = 0n;
  if (ref !== 0) {
    const start = c.engine.valueStart(ref);
    value = parseExact(c.engine.segment(ref).bytes, start, start + c.engine.valueLength(ref))!;
  }
  const sum = value + increment;
  if (sum > INT64_MAX || sum < INT64_MIN) {
    c.reply.error(OVERFLOW);
    return;
  }
  const text = sum.toString();
  const bytes = c.scratch.bytes;
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  store(c, ref, text.length);
  c.reply.bigInteger(sum);
}

/** The integer that `ref` holds (beyond 2^53 the nearest double); replies with the error and returns NaN where it holds none. */
function counterAt(c: Context, ref: Ref): number {
  const length = c.engine.valueLength(ref);
  let value = NaN;
  if (length <= INTEGER_MAX_CHARS) {
    const start = c.engine.valueStart(ref);
    value = parseInteger(c.engine.segment(ref).bytes, start, start + length);
  }
  if (value !== value) c.reply.error(NOT_INTEGER);
  return value;
}

/** Stores the first `length` bytes of the scratch as the counter's text. */
function store(c: Context, ref: Ref, length: number): void {
  const scratch: Region = c.scratch;
  const isInPlace =
    ref !== 0 &&
    c.engine.valueLength(ref) === length &&
    c.engine.encoding(ref) === STRING_ENCODING.plain;
  if (isInPlace) c.db.keys.writeValue(ref, 0, scratch, 0, length);
  else rewriteBytes(c, 1, ref, STRING_ENCODING.plain, scratch, 0, length);
  c.verbatim();
  c.changed(1);
  c.notify(EVENT.string, 'incrby', 1);
}

function exactArgument(c: Context, i: number): bigint {
  const request = c.request;
  return parseExact(request.region.bytes, request.start[i]!, request.end[i]!)!;
}

export const COUNTER_COMMANDS: readonly CommandSpec[] = [INCR, DECR, INCRBY, DECRBY];
