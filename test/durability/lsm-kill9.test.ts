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
    // On a busy machine the first processes may be killed before they have written anything.
    const mayGoOn = (): boolean =>
      rounds.tally.acknowledged === 0 && rounds.tally.rounds < ROUNDS + 20;
    while (rounds.tally.rounds < ROUNDS || mayGoOn()) await rounds.round();
    expect(rounds.tally.acknowledged, `seed ${seed}`).toBeGreaterThan(0);
    fs.rmSync(root, { recursive: true, force: true });
  },
);
