import fc from 'fast-check';
import { expect, test } from 'vitest';
import { counterOperator, decodeCounter, encodeCounter } from './counter.ts';

const KEY = new Uint8Array(0);
const integers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('a counter is as it was encoded, and the sum of its operands modulo 2^64', () => {
  fc.assert(
    fc.property(fc.array(integers, { minLength: 1 }), fc.option(integers), (numbers, before) => {
      const operands = numbers.map(encodeCounter);
      expect(operands.map(decodeCounter)).toEqual(numbers);
      const sum = numbers.reduce((a, b) => a + b);
      expect(decodeCounter(counterOperator.combine!(KEY, operands))).toBe(BigInt.asIntN(64, sum));
      const existing = before === null ? undefined : encodeCounter(before);
      const value = counterOperator.merge(KEY, existing, operands);
      expect(decodeCounter(value)).toBe(BigInt.asIntN(64, sum + (before ?? 0n)));
    }),
  );
});

test('numbers are integers of 64 bits, and counters have 8 bytes', () => {
  expect(decodeCounter(encodeCounter(-1))).toBe(-1n);
  expect(decodeCounter(undefined)).toBe(0n);
  expect(() => encodeCounter(2n ** 63n)).toThrow('64 bits');
  expect(() => encodeCounter(1.5)).toThrow(RangeError);
  expect(() => decodeCounter(new Uint8Array(4))).toThrow('8 bytes, not 4');
  expect(() => counterOperator.merge(KEY, new Uint8Array(3), [])).toThrow('8 bytes, not 3');
});
