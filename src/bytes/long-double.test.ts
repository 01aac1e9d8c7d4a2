import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readText } from '../os/testing.ts';
import {
  addLongDouble,
  formatLongDouble,
  parseLongDouble,
  type LongDouble,
} from './long-double.ts';

/** `a + b` as INCRBYFLOAT answers it: the sum's text, or why there is none. */
function sum(a: string, b: string): string {
  const first = parseLongDouble(a);
  const second = parseLongDouble(b);
  if (first === undefined || second === undefined) return 'invalid';
  const result = addLongDouble(first, second);
  return result === undefined || result.isInfinite ? 'infinite' : formatLongDouble(result);
}

/** Lines `a | b | a + b`, the sums having been computed by Redis on x86-64. */
const golden = readText(new URL('long-double.golden.txt', import.meta.url));

test.each(
  golden
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' | ') as [string, string, string]),
)('%s + %s is %s', (a, b, expected) => {
  expect(sum(a, b)).toBe(expected);
});

describe('a long double', () => {
  const mantissa = fc.bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n });
  const exponent = fc.integer({ min: -300, max: 300 });
  const finite = fc
    .tuple(fc.boolean(), mantissa, exponent)
    .map(([isNegative, m, e]): LongDouble => {
      return { isNegative, mantissa: m, exponent: e, isInfinite: false };
    });

  test('is read back from its hexadecimal text', () => {
    fc.assert(
      fc.property(finite, (value) => {
        const text = `0x${value.mantissa.toString(16)}p${value.exponent}`;
        expect(parseLongDouble(value.isNegative ? `-${text}` : text)).toEqual(value);
      }),
    );
  });

  test('holds every 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        expect(sum(String(n), '0')).toBe(String(n));
      }),
    );
  });

  test('is the nearest to the decimal it was read from, the even one of two as near', () => {
    const decimal = fc.tuple(
      fc.bigInt({ min: 1n, max: 10n ** 25n }),
      fc.integer({ min: -40, max: 20 }),
    );
    fc.assert(
      fc.property(decimal, ([digits, power]) => {
        const value = parseLongDouble(`${digits}e${power}`)!;
        expect(value.mantissa >> 63n).toBe(1n);
        // Twice the distance, and one unit in the last place, both times a power of ten and of two that make them whole.
        const tens = 10n ** BigInt(Math.max(0, -power));
        const twos = 1n << BigInt(Math.max(0, -value.exponent));
        const exact = digits * 10n ** BigInt(Math.max(0, power)) * twos;
        const unit = (1n << BigInt(Math.max(0, value.exponent))) * tens;
        const difference = exact - value.mantissa * unit;
        const twice = 2n * (difference < 0n ? -difference : difference);
        expect(twice < unit || (twice === unit && (value.mantissa & 1n) === 0n)).toBe(true);
      }),
    );
  });

  test('adds as doubles do, where doubles are exact', () => {
    const part = fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((n) => n / 1024);
    fc.assert(
      fc.property(part, part, (a, b) => {
        expect(Number(sum(a.toFixed(10), b.toFixed(10)))).toBe(a + b);
      }),
    );
  });

  test('adds in either order to the same, and takes away what was added', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        expect(addLongDouble(a, b)).toEqual(addLongDouble(b, a));
        const nothing = addLongDouble(a, { ...a, isNegative: !a.isNegative })!;
        expect([nothing.mantissa, nothing.isNegative]).toEqual([0n, false]);
      }),
    );
  });
});

test('bounds of the format: the largest number, the smallest, and what lies beyond', () => {
  const largest = parseLongDouble('0xffffffffffffffffp16320')!;
  expect(addLongDouble(largest, parseLongDouble('0x1p16319')!)!.isInfinite).toBe(true);
  expect(addLongDouble(largest, parseLongDouble('0x1.fp16318')!)).toEqual(largest);
  expect(parseLongDouble('0x1p16384')).toBe(undefined);
  expect(parseLongDouble('0x1p-16445')).toEqual({
    isNegative: false,
    mantissa: 1n,
    exponent: -16445,
    isInfinite: false,
  });
  expect(parseLongDouble('0x1p-16446')).toBe(undefined); // half of that: to even, which is zero
  expect(parseLongDouble('0x1.8p-16446')!.mantissa).toBe(1n);
});

test('texts of up to 5119 characters are read', () => {
  expect(sum(`0.1${'0'.repeat(5116)}`, '0')).toBe('0.1');
  expect(sum(`0.1${'0'.repeat(5117)}`, '0')).toBe('invalid');
});
