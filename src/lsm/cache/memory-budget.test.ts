import { expect, test } from 'vitest';
import { MemoryBudget } from './memory-budget.ts';

test('the sum of reservations stays within the limit, but for what is forced', () => {
  const budget = new MemoryBudget(10 * 1024);
  expect(budget.reserve(4000)).toBe(true);
  expect(budget.usedBytes).toBe(4096);
  expect(budget.reserve(7000)).toBe(false);
  expect(budget.usedBytes).toBe(4096);
  expect(budget.reserve(6 * 1024)).toBe(true);
  expect(budget.reserve(1)).toBe(false);
  budget.force(1);
  expect(budget.usedBytes).toBe(11 * 1024);
  budget.release(1);
  budget.release(4000);
  expect(budget.reserve(4000)).toBe(true);
  expect(budget.usedBytes).toBe(10 * 1024);
});

test('another thread has the same budget', () => {
  const one = new MemoryBudget(1 << 20);
  const two = new MemoryBudget(1 << 20, one.shared);
  expect(two.reserve(1000 * 1024)).toBe(true);
  expect(one.reserve(100 * 1024)).toBe(false);
  two.release(1000 * 1024);
  expect(one.reserve(100 * 1024)).toBe(true);
  expect(two.usedBytes).toBe(100 * 1024);
});

test('what is no budget is refused', () => {
  for (const limit of [0, 1000, -5, Number.NaN, 2 ** 42]) {
    expect(() => new MemoryBudget(limit)).toThrow(RangeError);
  }
});
