import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compare64,
  parseDecimal64,
  parseHex64,
  toBigInt,
  type Unsigned64,
  writeDecimal64,
  writeHex64,
} from './unsigned64.ts';

const MAX = 0xffffffffffffffffn;
/** All sizes, with the edges of halves and of doubles. */
const numbers = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX }),
  fc.bigInt({ min: 0n, max: 0x100000010n }),
  fc.constantFrom(0n, 1n, 0xffffffffn, 0x100000000n, 2n ** 53n - 1n, 2n ** 53n, MAX),
);
const halves = (value: bigint): [number, number] => [
  Number(value >> 32n) | 0,
  Number(value & 0xffffffffn) | 0,
];

function parsed(
  parse: (bytes: Uint8Array, start: number, end: number, out: Unsigned64) => boolean,
  text: string,
): bigint | undefined {
  const bytes = Buffer.from(`x${text}x`, 'latin1');
  const out = { high: 0, low: 0 };
  return parse(bytes, 1, bytes.length - 1, out) ? toBigInt(out.high, out.low) : undefined;
}

test('decimal and hexadecimal text, there and back', () => {
  const bytes = new Uint8Array(24);
  fc.assert(
    fc.property(numbers, (value) => {
      const [high, low] = halves(value);
      const text = (end: number): string => Buffer.from(bytes.subarray(1, end)).toString();
      expect(text(writeDecimal64(bytes, 1, high, low))).toBe(value.toString());
      expect(text(writeHex64(bytes, 1, high, low))).toBe(value.toString(16));
      expect(parsed(parseDecimal64, value.toString())).toBe(value);
      expect(parsed(parseDecimal64, `000${value}`)).toBe(value);
      expect(parsed(parseHex64, value.toString(16))).toBe(value);
    }),
  );
});

test('order', () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const order = Math.sign(compare64(...halves(a), ...halves(b)));
      expect(order).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('what is no 64-bit number is refused', () => {
  for (const text of ['', '-1', '+1', ' 1', '1 ', 'a', '18446744073709551616', '9'.repeat(21)]) {
    expect(parsed(parseDecimal64, text)).toBe(undefined);
  }
  for (const text of ['', 'g', 'A', '-1', '1'.repeat(17)]) {
    expect(parsed(parseHex64, text)).toBe(undefined);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const isNumber = /^\d+$/.test(text) && BigInt(text) <= MAX;
      expect(parsed(parseDecimal64, text) !== undefined).toBe(isNumber);
    }),
  );
});
