import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  MAX_VARINT32_BYTES,
  MAX_VARINT64_BYTES,
  readVarint,
  varintEnd,
  varintLength,
  writeVarint,
} from './varint.ts';

const numbers = fc.oneof(
  fc.nat(300),
  fc.nat(),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((n) => Math.min(2 ** n, Number.MAX_SAFE_INTEGER)),
  fc.integer({ min: 0, max: 53 }).map((n) => 2 ** n - 1),
);

/** Independently, by BigInt. */
function encode(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

test('numbers are written as others write them, and come back', () => {
  fc.assert(
    fc.property(numbers, fc.nat(5), (value, front) => {
      const bytes = new Uint8Array(20).fill(0xff);
      const end = writeVarint(bytes, front, value);
      expect([...bytes.subarray(front, end)]).toEqual(encode(value));
      expect(end - front).toBe(varintLength(value));
      expect(readVarint(bytes, front, end)).toBe(value);
      expect(readVarint(bytes, front, bytes.length)).toBe(value);
      expect(varintEnd(bytes, front)).toBe(end);
      for (let cut = front; cut < end; cut++) expect(readVarint(bytes, front, cut)).toBe(-1);
    }),
    { numRuns: 2000 },
  );
});

test('lengths at their limits', () => {
  expect(varintLength(2 ** 32 - 1)).toBe(MAX_VARINT32_BYTES);
  expect([0, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 28].map(varintLength)).toEqual([
    1, 1, 2, 2, 3, 4, 5,
  ]);
  expect(varintLength(Number.MAX_SAFE_INTEGER)).toBeLessThanOrEqual(MAX_VARINT64_BYTES);
});

test('more than 2^53 - 1, and what never ends, is malformed; needless zeroes are not', () => {
  const of = (...bytes: number[]): number => readVarint(Uint8Array.from(bytes), 0, bytes.length);
  expect(of(...encode(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
  expect(of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)).toBe(-1);
  expect(of(...new Array<number>(9).fill(0xff), 1)).toBe(-1);
  expect(of(...new Array<number>(30).fill(0x80))).toBe(-1);
  expect(of(0x81, 0x80, 0x00)).toBe(1);
  expect(of()).toBe(-1);
});

test('any bytes: a number, or -1', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 14 }), (bytes) => {
      const value = readVarint(bytes, 0, bytes.length);
      expect(value === -1 || Number.isSafeInteger(value)).toBe(true);
      if (value >= 0) expect(varintEnd(bytes, 0)).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2000 },
  );
});
