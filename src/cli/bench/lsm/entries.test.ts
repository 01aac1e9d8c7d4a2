import { expect, test } from 'vitest';
import { Draw, Entries, KEY_BYTES, order } from './entries.ts';

const entries = new Entries(7, 100);

test.each([0, 1, 9999, 10_000, 123_456_789, 99_999_999, 100_000_000, 999_999_999_999])(
  'key %d is its digits',
  (number) => {
    const slot = entries.slot();
    expect(entries.write(slot, number).toString()).toBe(String(number).padStart(KEY_BYTES, '0'));
  },
);

test('values are as long as asked for, follow from key and generation, and are checked', () => {
  expect(new Set(entries.values.map((value) => value.length))).toEqual(new Set([100]));
  const value = entries.value(42, 3);
  expect(new Entries(7, 100).value(42, 3)).toEqual(value);
  entries.check(value, 42, 3);
  expect(() => entries.check(value, 42, 4)).toThrow('key 42');
  expect(() => entries.check(undefined, 42, 3)).toThrow('key 42');
  expect(() => entries.check(value.subarray(1), 42, 3)).toThrow('key 42');
});

test('an order has every number once, shuffled or not, the same for the same seed', () => {
  const plain = order(1000, false, 1);
  const shuffled = order(1000, true, 1);
  expect(shuffled).not.toEqual(plain);
  expect(shuffled.toSorted()).toEqual(plain);
  expect(order(1000, true, 1)).toEqual(shuffled);
});

test('a draw stays below its bound and reaches all of it', () => {
  const draw = new Draw(5);
  const seen = new Set(Array.from({ length: 2000 }, () => draw.below(50)));
  expect(Math.max(...seen)).toBe(49);
  expect(Math.min(...seen)).toBe(0);
  expect(seen.size).toBe(50);
});
