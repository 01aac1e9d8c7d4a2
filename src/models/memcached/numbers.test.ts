import { expect, test } from 'vitest';
import { AT_ONCE, expiryOf, NEVER, secondsLeft } from './expiry-time.ts';
import { parseSigned, parseUnsigned32, parseUnsigned64 } from './numbers.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(`<${text}>`, 'latin1');
const signed = (text: string): number => parseSigned(bytesOf(text), 1, text.length + 1);
const unsigned = (text: string): number => parseUnsigned32(bytesOf(text), 1, text.length + 1);
const unsigned64 = (text: string): string | undefined => {
  const number = { high: 0, low: 0 };
  if (!parseUnsigned64(bytesOf(text), 1, text.length + 1, number)) return undefined;
  return String((BigInt(number.high >>> 0) << 32n) | BigInt(number.low >>> 0));
};

test('signed numbers may be dates that are far ahead', () => {
  expect(['0', '-1', '+7', '2147483648', '-2147483648', ' 5 6'].map(signed)).toEqual([
    0, -1, 7, 2147483648, -2147483648, 5,
  ]);
  for (const text of ['', '-', '+', 'x', '1x', '--1', '9007199254740992', '9'.repeat(40)]) {
    expect(signed(text)).toBeNaN();
  }
});

test('unsigned numbers have 32 or 64 bits', () => {
  expect(['0', '007', '4294967295'].map(unsigned)).toEqual([0, 7, 4294967295]);
  for (const text of ['', '-1', 'x', '1x', '4294967296', '9'.repeat(40)]) {
    expect(unsigned(text)).toBeNaN();
  }
  expect(['0', '18446744073709551615', '4294967296'].map(unsigned64)).toEqual([
    '0',
    '18446744073709551615',
    '4294967296',
  ]);
  for (const text of ['', '-1', 'x', '1x', '18446744073709551616']) {
    expect(unsigned64(text)).toBeUndefined();
  }
});

test('an expiration is a span up to thirty days, a date beyond; a negative one is over', () => {
  const now = 1_700_000_000_000;
  const month = 60 * 60 * 24 * 30;
  expect(expiryOf(0, now)).toBe(NEVER);
  expect(expiryOf(-1, now)).toBe(AT_ONCE);
  expect(expiryOf(1, now)).toBe(now + 1000);
  expect(expiryOf(month, now)).toBe(now + month * 1000);
  expect(expiryOf(month + 1, now)).toBe(AT_ONCE);
  expect(expiryOf(1_700_000_001, now)).toBe(now + 1000);
  expect(secondsLeft(now + 1000, now)).toBe(1);
  expect(secondsLeft(now + 1, now)).toBe(1);
  expect(secondsLeft(now - 1, now)).toBe(0);
});
