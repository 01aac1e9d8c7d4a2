/** Bits of a range of a string: BITCOUNT and BITPOS. */
import type { Region } from '../../../bytes/region.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { SYNTAX_ERROR, type Context } from '../context.ts';
import { countBits, countWord, findBitInByte, findByte } from './bits-words.ts';
import { isReversedFromEnd } from './strings-ranges.ts';

const BITCOUNT: CommandSpec = {
  name: 'bitcount',
  arity: -2,
  flags: ['readonly'],
  acl: ['bitmap'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'bitmap',
  since: '2.6.0',
  complexity: 'O(N)',
  summary: 'Counts the bits that are set in a string or in a part of it.',
  syntax: 'key [@range(start:integer end:integer [@unit(BYTE | BIT)^7.0.0])]',
  history: [['7.0.0', 'The option `BYTE|BIT`.']],
  handler(c) {
    const ref = c.lookupRead(1);
    if (ref === 0) {
      c.reply.integer(0);
      return;
    }
    if (!c.isString(ref)) return;
    const count = c.request.count;
    const length = c.engine.valueLength(ref);
    if (count === 2) {
      c.reply.integer(countRange(c, ref, 0, length * 8));
      return;
    }
    if (count !== 4 && count !== 5) {
      c.reply.error(SYNTAX_ERROR);
      return;
    }
    const start = c.integer(2);
    if (start !== start) return;
    const end = c.integer(3);
    if (end !== end) return;
    if (isReversedFromEnd(c, 2, start, 3, end)) {
      c.reply.integer(0);
      return;
    }
    const unitBits = count === 5 ? unitArgument(c, 4) : 8;
    if (unitBits === 0) return;
    const units = (length * 8) / unitBits;
    const first = fromStart(start, units);
    const last = Math.min(fromStart(end, units), units - 1);
    c.reply.integer(first > last ? 0 : countRange(c, ref, first * unitBits, (last + 1) * unitBits));
  },
};

const BITPOS: CommandSpec = {
  name: 'bitpos',
  arity: -3,
  flags: ['readonly'],
  acl: ['bitmap'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'bitmap',
  since: '2.8.7',
  complexity: 'O(N)',
  summary: 'Finds the first set or the first clear bit in a string or in a part of it.',
  syntax:
    'key bit:integer [@range(start:integer [@end-unit-block(end:integer [@unit(BYTE | BIT)^7.0.0])])]',
  history: [['7.0.0', 'The option `BYTE|BIT`.']],
  handler(c) {
    const bit = c.integer(2);
    if (bit !== bit) return;
    if (bit !== 0 && bit !== 1) {
      c.reply.error('ERR The bit argument must be 1 or 0.');
      return;
    }
    const ref = c.lookupRead(1);
    if (ref === 0) {
      c.reply.integer(bit === 1 ? -1 : 0); // a missing string is zeros without end
      return;
    }
    if (!c.isString(ref)) return;
    const count = c.request.count;
    if (count > 6) {
      c.reply.error(SYNTAX_ERROR);
      return;
    }
    let start = 0;
    if (count > 3) start = c.integer(3);
    if (start !== start) return;
    const unitBits = count === 6 ? unitArgument(c, 5) : 8;
    if (unitBits === 0) return;
    const units = (c.engine.valueLength(ref) * 8) / unitBits;
    let end = units - 1;
    if (count > 4) end = c.integer(4);
    if (end !== end) return;

    const first = fromStart(start, units);
    const last = Math.min(count > 4 ? fromStart(end, units) : end, units - 1);
    if (first > last) {
      c.reply.integer(-1);
      return;
    }
    const found = findBit(c, ref, first * unitBits, (last + 1) * unitBits, bit);
    // Without an end the string goes on with zeros: the first one lies behind its last byte.
    if (found < 0 && bit === 0 && count <= 4) c.reply.integer((last + 1) * unitBits);
    else c.reply.integer(found);
  },
};

/** Bits in the unit that argument `i` names; replies with the error and returns 0 where it is neither BIT nor BYTE. */
function unitArgument(c: Context, i: number): number {
  if (c.request.is(i, 'BIT')) return 1;
  if (c.request.is(i, 'BYTE')) return 8;
  c.reply.error(SYNTAX_ERROR);
  return 0;
}

/** `index` counted from the start: a negative one counts from the end of `length`, and stops at the start. */
function fromStart(index: number, length: number): number {
  return index < 0 ? Math.max(0, length + index) : index;
}

/** Bits set in the bits `[first, end)` of a string, which are not none. */
function countRange(c: Context, ref: Ref, first: number, end: number): number {
  const engine = c.engine;
  const firstByte = Math.floor(first / 8);
  const endByte = Math.ceil(end / 8);
  let bits = 0;
  if (engine.isValueInline(ref)) {
    const at = engine.valueStart(ref);
    bits = countBits(engine.segment(ref), at + firstByte, at + endByte);
  } else {
    engine.eachValueSpan(ref, firstByte, endByte, (region, from, to) => {
      bits += countBits(region, from, to);
    });
  }
  if (first % 8 !== 0) bits -= countWord(engine.valueByte(ref, firstByte) & ~(0xff >> (first % 8)));
  if (end % 8 !== 0) bits -= countWord(engine.valueByte(ref, endByte - 1) & (0xff >> (end % 8)));
  return bits;
}

/** The first bit like `bit` in the bits `[first, end)` of a string, which are not none; -1 where there is none. */
function findBit(c: Context, ref: Ref, first: number, end: number, bit: number): number {
  const engine = c.engine;
  const firstByte = Math.floor(first / 8);
  // The first byte by itself, without the bits in front of `first`; from there on whole bytes.
  const front = first % 8;
  if (front !== 0) {
    const byte = engine.valueByte(ref, firstByte);
    const place = findBitInByte(bit === 1 ? byte & (0xff >> front) : byte | (0xff00 >> front), bit);
    if (place < 8) return within(firstByte * 8 + place, end);
  }
  const byteAt = findByteIn(
    c,
    ref,
    front === 0 ? firstByte : firstByte + 1,
    Math.ceil(end / 8),
    bit,
  );
  if (byteAt < 0) return -1;
  return within(byteAt * 8 + findBitInByte(engine.valueByte(ref, byteAt), bit), end);
}

function within(position: number, end: number): number {
  return position < end ? position : -1;
}

/** The first byte in `[from, to)` of a string that has a bit like `bit`; -1 where none has. */
function findByteIn(c: Context, ref: Ref, from: number, to: number, bit: number): number {
  if (from >= to) return -1;
  const engine = c.engine;
  if (engine.isValueInline(ref)) {
    const at = engine.valueStart(ref);
    const found = findByte(engine.segment(ref), at + from, at + to, bit);
    return found < 0 ? -1 : found - at;
  }
  let found = -1;
  let passed = from;
  engine.eachValueSpan(ref, from, to, (region: Region, start: number, end: number) => {
    if (found >= 0) return;
    const at = findByte(region, start, end, bit);
    if (at >= 0) found = passed + at - start;
    passed += end - start;
  });
  return found;
}

export const BIT_RANGE_COMMANDS: readonly CommandSpec[] = [BITCOUNT, BITPOS];
