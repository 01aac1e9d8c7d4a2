/**
 * Compaction styles: the same operations give the same answers under each of them, and under a change at every opening. KVASIR_SEED repeats one run,
 * KVASIR_SOAK=50 makes fifty times as many.
 */
import { expect, test } from 'vitest';
import type { SeededRandomness } from '../os/randomness.ts';
import type { CompactionStyle } from './compaction/style.ts';
import type { OpenOptions } from './database/options.ts';
import { ModelRun } from './testing/model-run.ts';

const RUNS = 10 * Number(process.env['KVASIR_SOAK'] ?? 1);
const OPERATIONS = 120;

const seeds =
  process.env['KVASIR_SEED'] === undefined
    ? Array.from({ length: RUNS }, (_, i) => i + 1000)
    : [Number(process.env['KVASIR_SEED'])];

const STYLES: readonly CompactionStyle[] = [
  { style: 'levelled' },
  { style: 'universal', runs: 2 },
  { style: 'universal', runs: 6, sizeRatio: 100, maxSpaceAmplification: 50 },
  { style: 'fifo' },
];

type Changes = (random: SeededRandomness) => OpenOptions;

async function play(seed: number, name: string, changes: Changes): Promise<string> {
  const run = new ModelRun(seed, changes);
  try {
    await run.play(OPERATIONS);
  } catch (error) {
    throw new Error(`KVASIR_SEED=${seed} ${name}: ${run.history.join(' ')}`, { cause: error });
  }
  return run.history.join(' ');
}

test('every style gives what a sorted map gives, for the same operations', async () => {
  for (const seed of seeds) {
    const histories = new Set<string>();
    for (const compaction of STYLES) {
      histories.add(await play(seed, JSON.stringify(compaction), () => ({ compaction })));
    }
    expect(histories.size).toBe(1);
  }
}, 3_600_000);

test('the style may be another one at each opening', async () => {
  for (const seed of seeds) {
    const changes: Changes = (random) => ({ compaction: STYLES[random.below(STYLES.length)]! });
    expect(await play(seed, 'changing', changes)).not.toBe('');
  }
}, 3_600_000);
