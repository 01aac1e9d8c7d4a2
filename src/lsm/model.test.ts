/**
 * The engine against a sorted map. KVASIR_SEED repeats one run, KVASIR_SOAK=50 makes fifty times as many.
 */
import { expect, test } from 'vitest';
import { ModelRun } from './testing/model-run.ts';

const RUNS = 60 * Number(process.env['KVASIR_SOAK'] ?? 1);
const OPERATIONS = 150;

const seeds =
  process.env['KVASIR_SEED'] === undefined
    ? Array.from({ length: RUNS }, (_, i) => i + 1)
    : [Number(process.env['KVASIR_SEED'])];

test('random operations under random options give what a sorted map gives', async () => {
  expect(seeds.length).toBeGreaterThan(0);
  for (const seed of seeds) {
    const run = new ModelRun(seed);
    try {
      await run.play(OPERATIONS);
    } catch (error) {
      throw new Error(`KVASIR_SEED=${seed}: ${run.history.join(' ')}`, { cause: error });
    }
  }
}, 3_600_000);
