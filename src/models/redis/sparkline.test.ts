import { expect, test } from 'vitest';
import { drawSparkline } from './sparkline.ts';

const samples = (values: readonly number[], label = ''): { value: number; label: string }[] =>
  values.map((value) => ({ value, label }));

test('columns rise in twelve steps over four rows', () => {
  const chart = drawSparkline(samples([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), 80, 4);
  expect(chart.split('\n').slice(0, 4)).toEqual([
    '         _o##',
    '      _o#||||',
    '   _o#|||||||',
    '_o#||||||||||',
  ]);
});

test('labels stand below, written downwards', () => {
  const chart = drawSparkline(
    [
      { value: 1, label: '12s' },
      { value: 2, label: '3m' },
    ],
    80,
    4,
  );
  expect(chart.split('\n').slice(4)).toEqual(['  ', '13', '2m', 's ', '']);
});

test('all alike: the lowest step; more than fit: a second chart', () => {
  const chart = drawSparkline(samples([7, 7, 7]), 2, 1);
  expect(chart).toBe('__\n  \n\n_\n \n');
});
