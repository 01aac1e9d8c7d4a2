import { expect, test } from 'vitest';
import { RewritePolicy } from './rewrite-policy.ts';

const MIB = 1024 * 1024;

test('is due when the log has grown by the percentage, above the minimum', () => {
  const policy = new RewritePolicy();
  expect(policy.isDue(64 * MIB, 1)).toBe(false);
  expect(policy.isDue(64 * MIB + 1, 0)).toBe(true);
  expect(policy.isDue(199 * MIB, 100 * MIB)).toBe(false);
  expect(policy.isDue(200 * MIB, 100 * MIB)).toBe(true);
  policy.percentage = 50;
  expect(policy.isDue(150 * MIB, 100 * MIB)).toBe(true);
  policy.percentage = 0;
  expect(policy.isDue(1000 * MIB, 1)).toBe(false);
});

test('two failures are free, then the pauses double up to an hour', () => {
  const policy = new RewritePolicy();
  const delays = Array.from({ length: 10 }, () => policy.failed(0));
  expect(delays).toEqual([0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
  expect(policy.isLimited(60 * 60_000 - 1)).toBe(true);
  expect(policy.isLimited(60 * 60_000)).toBe(false);
  policy.succeeded();
  expect(policy.isLimited(0)).toBe(false);
  expect(policy.failed(0)).toBe(0);
});
