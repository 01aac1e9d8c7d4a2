import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

function histogramOf(microseconds: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const us of microseconds) histogram.record(us, 1);
  return histogram;
}

describe('LatencyHistogram', () => {
  test('levels are the ones HdrHistogram reports for powers of two of nanoseconds', () => {
    const us = [0.5, 1.5, 3, 7, 15, 30, 60, 120, 250, 500, 1000, 2000, 1_000_000];
    expect(
      histogramOf(us)
        .cumulative()
        .map(([level]) => level),
    ).toEqual([1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 1073741]);
  });

  test('only levels at which something was counted are reported, cumulated', () => {
    const histogram = histogramOf([10, 10, 10, 500]);
    histogram.record(12, 100);
    expect(histogram.total).toBe(104);
    expect(histogram.cumulative()).toEqual([
      [16, 103],
      [528, 104],
    ]);
  });

  test('percentiles within one percent; 0 is the shortest; beyond a second is a second', () => {
    const histogram = histogramOf(Array.from({ length: 1000 }, (_, i) => i + 1));
    for (const percent of [1, 50, 99, 99.9, 100]) {
      const exact = Math.max(1, Math.round(percent * 10));
      expect(histogram.percentile(percent)).toBeGreaterThanOrEqual(exact);
      expect(histogram.percentile(percent)).toBeLessThan(exact * 1.01 + 0.01);
    }
    expect(histogram.percentile(0)).toBeCloseTo(1, 2);
    expect(histogramOf([5e6]).percentile(100)).toBeCloseTo(1_002_438.655, 2);
    expect(new LatencyHistogram().percentile(50)).toBe(0);
    expect(new LatencyHistogram().cumulative()).toEqual([]);
  });

  test('any durations: every call is counted once, at a level that is not below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 2e6, noNaN: true }), { minLength: 1 }),
        (us) => {
          const levels = histogramOf(us).cumulative();
          expect(levels.at(-1)![1]).toBe(us.length);
          for (const [level, calls] of levels) {
            const below = us.filter((value) => Math.min(value, 1e6) < level * 0.99).length;
            const possible = us.filter((value) => Math.min(value, 1e6) <= level * 1.01 + 1).length;
            expect(calls).toBeGreaterThanOrEqual(below);
            expect(calls).toBeLessThanOrEqual(possible);
          }
        },
      ),
    );
  });
});
