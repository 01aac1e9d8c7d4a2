/** kill -9 of a process that writes to a database, a few rounds; `npm run fuzz -- --target lsm-kill` runs as many as it is given time for. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { KillRounds } from '../../fuzz/lsm-kill.ts';
import { temporaryDirectory } from '../support/server.ts';

const MODULE = new URL('../../dist/lsm/index.js', import.meta.url).href;
const ROUNDS = Number(process.env['KVASIR_ROUNDS'] ?? 3);

test(
  'kill -9 loses no acknowledged write, tears no batch and leaves a whole database',
  { timeout: 30_000 + ROUNDS * 10_000 },
  async () => {
    const root = temporaryDirectory();
    const seed = Number(process.env['KVASIR_SEED'] ?? Date.now() % 2 ** 31);
    const directory = path.join(root, 'db');
    const rounds = new KillRounds({ directory, seed, module: MODULE, lifeMs: 800 });
    for (let round = 0; round < ROUNDS; round++) await rounds.round();
    expect(rounds.tally.rounds, `seed ${seed}`).toBe(ROUNDS);
    expect(rounds.tally.acknowledged, `seed ${seed}`).toBeGreaterThan(0);
    fs.rmSync(root, { recursive: true, force: true });
  },
);
