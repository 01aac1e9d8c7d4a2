/** One directory, opened by classic-level and by KvasirLevel in turns: both behave alike, and each goes on with what the other wrote. */
import fs from 'node:fs';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { KvasirLevel } from '../../src/adapters/level/index.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { temporaryDirectory } from '../support/server.ts';
import { type Level, LevelRun } from './level-run.ts';

const KIB = 1024;
const SESSIONS = 5;
const STEPS = 60;
const SEEDS = 6 * Number(process.env['KVASIR_SOAK'] ?? 1);
const FIRST = Number(process.env['KVASIR_SEED'] ?? Date.now() % 2 ** 31);

function open(directory: string, random: SeededRandomness): Level {
  const options = {
    compression: random.below(2) === 0,
    writeBufferSize: 64 * KIB,
    blockSize: [1024, 4096, 16 * KIB][random.below(3)],
    blockRestartInterval: [1, 4, 16][random.below(3)],
    cacheSize: [0, 64 * KIB, 8192 * KIB][random.below(3)],
    levelDbFilter: random.below(2) === 0,
  };
  const isKvasir = random.below(2) === 0;
  const db: unknown = isKvasir
    ? new KvasirLevel(directory, options)
    : new ClassicLevel(directory, options);
  return db as Level;
}

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('seed %i', async (seed) => {
  const root = temporaryDirectory();
  const random = new SeededRandomness(seed);
  const directory = path.join(root, 'db');
  const run = new LevelRun(random);
  for (let session = 0; session < SESSIONS; session++) {
    await run.session(open(directory, random), STEPS);
  }
  // Where it was Kvasir that wrote last, it left nothing that a program for LevelDB would wonder at.
  expect(fs.existsSync(path.join(directory, 'KVASIR'))).toBe(false);
  fs.rmSync(root, { recursive: true, force: true });
});
