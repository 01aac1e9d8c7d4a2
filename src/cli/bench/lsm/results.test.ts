import { expect, test } from 'vitest';
import type { Measurement } from './measure.ts';
import { missedFloors, report } from './report.ts';
import { type Cell, medianOf, perSecond, ratioOf, Results } from './results.ts';

function cell(workload: string, contestant: string, rates: number[], group = 'fill'): Cell {
  const rounds = rates.map((rate): Measurement => ({
    operations: rate,
    seconds: 1,
    cpuSeconds: 0.5,
    extra: {},
  }));
  const fixed = { compression: 'none', build: `${contestant} 1`, when: 'today' } as const;
  return { ...fixed, group, workload, contestant, entries: 1000, rounds };
}

test('a ratio is the median of the rounds, which a slow round does not move', () => {
  const ours = cell('w', 'kvasir', [100, 10, 100]);
  const theirs = cell('w', 'lmdb', [50, 5, 50]);
  expect(medianOf(ours, perSecond)).toBe(100);
  expect(ratioOf(ours, theirs, perSecond)).toBe(2);
});

test('what is measured anew replaces what was measured of the same, and nothing else', () => {
  const kept = [
    cell('readseq', 'kvasir', [1], 'read'),
    cell('fillseq, sync', 'kvasir', [1]),
    cell('fillseq, sync', 'lmdb', [1]),
  ];
  const results = new Results(kept);
  results.replace(new Results([cell('fillseq, sync', 'kvasir', [2])]));
  const rates = results.cells.map((c) => [c.workload, c.contestant, c.rounds[0]!.operations]);
  expect(rates).toEqual([
    ['fillseq, sync', 'lmdb', 1],
    ['fillseq, sync', 'kvasir', 2],
    ['readseq', 'kvasir', 1],
  ]);
});

test('rounds are added to what is kept', () => {
  const results = new Results([cell('fillseq, sync', 'kvasir', [1])]);
  results.append(new Results([cell('fillseq, sync', 'kvasir', [2]), cell('x', 'lmdb', [3])]));
  expect(results.cells.map((c) => c.rounds.map((round) => round.operations))).toEqual([
    [1, 2],
    [3],
  ]);
});

test('floors hold against the best peer, and what was not measured has none', () => {
  const results = new Results([
    cell('fillseq, sync', 'kvasir', [190]),
    cell('fillseq, sync', 'lmdb', [100]),
    cell('fillseq, sync', 'better-sqlite3', [60]),
    cell('readmissing, sync', 'kvasir', [500], 'read'),
    cell('readmissing, sync', 'classic-level', [100], 'read'),
  ]);
  const text = report(results);
  expect(text).toMatch(/fillseq, sync .*lmdb \| +1\.90 \| +>= 2 \| MISSED/);
  expect(text).toMatch(/readmissing, sync .*classic-level \| +5\.00 \| +>= 4 \| +met/);
  expect(missedFloors(results).map((row) => row.name)).toEqual(['fillseq, sync']);
});
