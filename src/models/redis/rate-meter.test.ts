import { expect, test } from 'vitest';
import { RateMeter } from './rate-meter.ts';

test('the mean of the last sixteen samples', () => {
  const meter = new RateMeter();
  for (let i = 0; i <= 16; i++) meter.sample(i * 50, i * 100_000);
  expect(meter.perSecond).toBeCloseTo(500);
  for (let i = 17; i <= 24; i++) meter.sample(800, i * 100_000);
  expect(meter.perSecond).toBeCloseTo(250);
});

test('a clock that stands still or a single sample gives no rate; reset forgets', () => {
  const meter = new RateMeter();
  meter.sample(1000, 5);
  meter.sample(2000, 5);
  expect(meter.perSecond).toBe(0);
  meter.sample(2100, 100_005);
  expect(meter.perSecond).toBeGreaterThan(0);
  meter.reset();
  expect(meter.perSecond).toBe(0);
});
