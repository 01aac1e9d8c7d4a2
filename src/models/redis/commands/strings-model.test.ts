/** Random string and bit commands against a plain model of them: values are arrays of bytes, bits are looked at one by one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

const KEYS = ['a', 'b', 'c'];
const key = fc.constantFrom(...KEYS);
/** Byte offsets at the start of a value and around the ends of the engine's chunks of 64 KiB. */
const offset = fc.oneof(
  fc.nat(40),
  fc.constantFrom(65536, 131072).chain((edge) => fc.integer({ min: edge - 12, max: edge + 12 })),
);
const index = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  offset,
  offset.map((n) => 0 - n),
);
const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 24 }),
    fc.uint8Array({ maxLength: 24 }).map((a) => a.map((n) => (n < 128 ? 0 : 255))),
  )
  .map((a) => Buffer.from(a).toString('latin1'));
const bit = fc.constantFrom(0, 1);
const unit = fc.constantFrom('BYTE', 'BIT');

type Strings = Map<string, number[]>;
type Answer = string | number | null | (number | null)[];
interface Step {
  args: (string | number)[];
  /** What the model answers; it changes `strings` as the command does. */
  expected: (strings: Strings) => Answer;
}

const append = fc.tuple(key, bytes).map(([k, value]): Step => ({
  args: ['APPEND', k, value],
  expected(strings) {
    const held = [...(strings.get(k) ?? []), ...codes(value)];
    strings.set(k, held);
    return held.length;
  },
}));

const setRange = fc.tuple(key, offset, bytes).map(([k, at, value]): Step => ({
  args: ['SETRANGE', k, at, value],
  expected(strings) {
    if (value === '') return (strings.get(k) ?? []).length;
    const held = grown(strings, k, at + value.length);
    for (const [i, code] of codes(value).entries()) held[at + i] = code;
    return held.length;
  },
}));

const getRange = fc.tuple(key, index, index).map(([k, start, end]): Step => ({
  args: ['GETRANGE', k, start, end],
  expected(strings) {
    const held = strings.get(k) ?? [];
    if (isReversed(start, end)) return '';
    const [from, to] = bounds(start, end, held.length);
    return Buffer.from(held.slice(from, to + 1)).toString('latin1');
  },
}));

const setBit = fc.tuple(key, offset, fc.nat(7), bit).map(([k, at, place, value]): Step => ({
  args: ['SETBIT', k, at * 8 + place, value],
  expected(strings) {
    const held = grown(strings, k, at + 1);
    const old = bitOf(held, at * 8 + place);
    putBit(held, at * 8 + place, value);
    return old;
  },
}));

const getBit = fc.tuple(key, offset, fc.nat(7)).map(([k, at, place]): Step => ({
  args: ['GETBIT', k, at * 8 + place],
  expected: (strings) => bitOf(strings.get(k) ?? [], at * 8 + place),
}));

const bitCount = fc.tuple(key, index, index, unit).map(([k, start, end, u]): Step => ({
  args: ['BITCOUNT', k, start, end, u],
  expected(strings) {
    const held = strings.get(k) ?? [];
    const size = u === 'BIT' ? 1 : 8;
    if (isReversed(start, end)) return 0;
    const [from, to] = bounds(start, end, (held.length * 8) / size);
    let count = 0;
    for (let i = from * size; i < (to + 1) * size; i++) count += bitOf(held, i);
    return count;
  },
}));

const bitPosition = fc
  .tuple(key, bit, fc.option(index), fc.option(index), fc.option(unit))
  .map(([k, wanted, start, end, u]): Step => {
    const args: (string | number)[] = ['BITPOS', k, wanted];
    if (start !== null) args.push(start);
    if (start !== null && end !== null) args.push(end);
    if (start !== null && end !== null && u !== null) args.push(u);
    return {
      args,
      expected(strings) {
        const held = strings.get(k);
        if (held === undefined) return wanted === 1 ? -1 : 0;
        const size = args[5] === 'BIT' ? 1 : 8;
        const [from, to] = bounds(
          start ?? 0,
          args.length > 4 ? end! : -1,
          (held.length * 8) / size,
        );
        if (from > to) return -1;
        for (let i = from * size; i < (to + 1) * size; i++) if (bitOf(held, i) === wanted) return i;
        return wanted === 0 && args.length <= 4 ? (to + 1) * size : -1;
      },
    };
  });

const bitOperation = fc
  .tuple(
    fc.constantFrom('AND', 'OR', 'XOR', 'NOT'),
    key,
    fc.array(key, { minLength: 1, maxLength: 4 }),
  )
  .map(([operation, target, sources]): Step => {
    const used = operation === 'NOT' ? sources.slice(0, 1) : sources;
    return {
      args: ['BITOP', operation, target, ...used],
      expected(strings) {
        const values = used.map((k) => strings.get(k) ?? []);
        const length = Math.max(...values.map((v) => v.length));
        const result = Array.from({ length }, (_, i) => {
          const column = values.map((v) => v[i] ?? 0);
          if (operation === 'NOT') return ~column[0]! & 255;
          if (operation === 'AND') return column.reduce((x, y) => x & y);
          if (operation === 'OR') return column.reduce((x, y) => x | y);
          return column.reduce((x, y) => x ^ y);
        });
        if (length > 0) strings.set(target, result);
        else strings.delete(target);
        return length;
      },
    };
  });

const commonLength = fc.tuple(key, key, bytes, bytes).map(([k, l, x, y]): Step => ({
  args: ['LCS', k, l, 'LEN'],
  expected(strings) {
    const [a, b] = [strings.get(k) ?? [], strings.get(l) ?? []];
    if (a.length * b.length > 10_000) return null; // too slow here, or refused
    return longestCommon(a, b, x === y);
  },
}));

const step = fc.oneof(
  append,
  setRange,
  getRange,
  setBit,
  getBit,
  bitCount,
  bitPosition,
  bitOperation,
  commonLength,
);

describe('string and bit commands do what a plain model does', () => {
  test('in any order, on values of one chunk and of many', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const h = new Harness({ carriesCas: true });
        const strings: Strings = new Map();
        for (const { args, expected } of steps) {
          const answer = expected(strings);
          const reply = h.run(...args);
          if (answer !== null) expect(reply).toEqual(answer);
        }
        for (const k of KEYS) {
          const held = strings.get(k);
          const reply = h.run('GET', k);
          const isSame =
            held === undefined ? reply === null : Buffer.from(held).toString('latin1') === reply;
          expect(isSame, `${k} holds something else`).toBe(true);
        }
        const replayed = JSON.stringify(h.replayed().dump());
        expect(replayed === JSON.stringify(h.dump()), 'the replayed keys differ').toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  const field = fc.record({
    operation: fc.constantFrom('GET', 'SET', 'INCRBY'),
    isSigned: fc.boolean(),
    bits: fc.integer({ min: 1, max: 64 }),
    at: fc.nat(80),
    operand: fc.oneof(
      fc.integer({ min: -300, max: 300 }).map(BigInt),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ),
    overflow: fc.constantFrom('WRAP', 'SAT', 'FAIL'),
  });

  test('BITFIELD, any width at any bit', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 12 }), (fields) => {
        const h = new Harness({ carriesCas: true });
        const strings: Strings = new Map([['f', []]]);
        const args: (string | bigint | number)[] = [];
        const expected: (bigint | null)[] = [];
        for (const f of fields) {
          const bits = f.isSigned ? f.bits : Math.min(f.bits, 63);
          args.push('OVERFLOW', f.overflow, f.operation, `${f.isSigned ? 'i' : 'u'}${bits}`, f.at);
          if (f.operation !== 'GET') args.push(f.operand);
        }
        const written = fields.filter((f) => f.operation !== 'GET');
        const width = (f: (typeof fields)[number]): number =>
          f.at + (f.isSigned ? f.bits : Math.min(f.bits, 63));
        const held = grown(strings, 'f', Math.ceil(Math.max(0, ...written.map(width)) / 8));
        for (const f of fields) expected.push(modelField(held, f));
        const reply = h.run('BITFIELD', 'f', ...args) as (number | bigint | null)[];
        expect(reply.map((n) => (n === null ? null : BigInt(n)))).toEqual(expected);
        expect(h.run('GET', 'f')).toEqual(
          held.length === 0 ? null : Buffer.from(held).toString('latin1'),
        );
        expect(h.replayed().dump()).toEqual(h.dump());
      }),
      { numRuns: 400 },
    );
  });

  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 14 });

  test('LCS answers with a subsequence of both, and with where it is', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const h = new Harness();
        h.run('MSET', 'a', a, 'b', b);
        const found = h.run('LCS', 'a', 'b') as string;
        expect(found.length).toBe(longestCommon(codes(a), codes(b), true));
        const [, matches, , length] = h.run('LCS', 'a', 'b', 'IDX', 'WITHMATCHLEN') as [
          string,
          [[number, number], [number, number], number][],
          string,
          number,
        ];
        expect(length).toBe(found.length);
        const parts = matches.toReversed().map(([inA, inB, size]) => {
          expect(a.slice(inA[0], inA[1] + 1)).toBe(b.slice(inB[0], inB[1] + 1));
          expect(inA[1] - inA[0] + 1).toBe(size);
          return a.slice(inA[0], inA[1] + 1);
        });
        expect(parts.join('')).toBe(found);
      }),
    );
  });
});

function codes(text: string): number[] {
  return Array.from(text, (c) => c.charCodeAt(0));
}

function grown(strings: Strings, k: string, length: number): number[] {
  const held = strings.get(k) ?? [];
  while (held.length < length) held.push(0);
  strings.set(k, held);
  return held;
}

function bitOf(held: readonly number[], at: number): number {
  return ((held[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
}

function putBit(held: number[], at: number, value: number): void {
  const mask = 128 >> (at & 7);
  held[at >> 3] = value === 1 ? held[at >> 3]! | mask : held[at >> 3]! & ~mask;
}

/** Both count from the end, the first behind the last: none, even if both lie before the value. BITPOS does not know this rule. */
function isReversed(start: number, end: number): boolean {
  return start < 0 && end < 0 && start > end;
}

/** First and last index of `start..end` within `length`, both included; the last before the first where there is none. */
function bounds(start: number, end: number, length: number): [number, number] {
  if (length === 0) return [0, -1];
  const from = start < 0 ? Math.max(0, length + start) : start;
  const to = Math.min(end < 0 ? Math.max(0, length + end) : end, length - 1);
  return [from, Math.max(to, from - 1)];
}

/** The length of the longest common subsequence; by recursion with a memory or (`isIterative`) row by row. */
function longestCommon(a: number[], b: number[], isIterative: boolean): number {
  if (isIterative) {
    let row = Array.from({ length: b.length + 1 }, () => 0);
    for (const x of a) {
      const next = [0];
      for (const [j, y] of b.entries()) {
        next.push(x === y ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
      }
      row = next;
    }
    return row[b.length]!;
  }
  const known = new Map<number, number>();
  const length = (i: number, j: number): number => {
    if (i === a.length || j === b.length) return 0;
    const cell = i * (b.length + 1) + j;
    const seen = known.get(cell);
    if (seen !== undefined) return seen;
    const result =
      a[i] === b[j] ? 1 + length(i + 1, j + 1) : Math.max(length(i + 1, j), length(i, j + 1));
    known.set(cell, result);
    return result;
  };
  return length(0, 0);
}

function modelField(
  held: number[],
  f: {
    operation: string;
    isSigned: boolean;
    bits: number;
    at: number;
    operand: bigint;
    overflow: string;
  },
): bigint | null {
  const bits = f.isSigned ? f.bits : Math.min(f.bits, 63);
  let raw = 0n;
  for (let i = 0; i < bits; i++) raw = raw * 2n + BigInt(bitOf(held, f.at + i));
  const old = f.isSigned ? BigInt.asIntN(bits, raw) : raw;
  if (f.operation === 'GET') return old;

  const wanted = f.operation === 'SET' ? f.operand : old + f.operand;
  const max = f.isSigned ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
  const min = f.isSigned ? -max - 1n : 0n;
  let value = wanted;
  if (wanted > max || wanted < min) {
    if (f.overflow === 'FAIL') return null;
    // SET takes its argument for unsigned where the field is; signed, it misses the smallest integers by an overflow of its own.
    const isUp =
      wanted > max ||
      (f.operation === 'SET' && (!f.isSigned || (bits < 64 && max - wanted >= 2n ** 63n)));
    if (f.overflow === 'SAT') value = isUp ? max : min;
    else value = f.isSigned ? BigInt.asIntN(bits, wanted) : BigInt.asUintN(bits, wanted);
  }
  for (let i = 0; i < bits; i++) {
    putBit(held, f.at + i, Number((BigInt.asUintN(bits, value) >> BigInt(bits - 1 - i)) & 1n));
  }
  return f.operation === 'SET' ? old : value;
}
