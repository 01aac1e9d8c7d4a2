import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitCount, parseExact, parseInteger, writeInteger } from './integer.ts';

function parse(text: string): number {
  const bytes = Buffer.from(`x${text}x`);
  return parseInteger(bytes, 1, bytes.length - 1);
}

test.each([
  '',
  '-',
  '+1',
  '01',
  '-0',
  '00',
  ' 1',
  '1 ',
  '1.0',
  'a',
  '1a',
  '--1',
  '9223372036854775808',
  '-9223372036854775809',
  '99999999999999999999',
])('%j is no integer', (text) => {
  expect(parse(text)).toBeNaN();
  const bytes = Buffer.from(text);
  expect(parseExact(bytes, 0, bytes.length)).toBeUndefined();
});

test('every 64-bit integer is read: exactly as BigInt, to the nearest double otherwise', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = Buffer.from(String(value));
      expect(parseExact(bytes, 0, bytes.length)).toBe(value);
      expect(parse(String(value))).toBe(Number(value));
    }),
  );
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = new Uint8Array(24);
      const end = writeInteger(bytes, 2, value);
      expect(Buffer.from(bytes.subarray(2, end)).toString()).toBe(String(value));
      if (value >= 0) expect(digitCount(value)).toBe(String(value).length);
    }),
  );
});
