/** `npm run fuzz -- --target lsm-kill [--seconds 60] [--seed N] [--dir DIR]`: lsm-kill.ts for as long as it is given. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { KillRounds } from './lsm-kill.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    dir: { type: 'string', default: os.tmpdir() },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const module = new URL('../src/lsm/index.js', import.meta.url).href;
const end = Date.now() + Number(values.seconds) * 1000;
/** A database lives through so many deaths before another one begins. */
const DEATHS = 50;

const total = { rounds: 0, acknowledged: 0, insideJobs: 0, insideOpening: 0, insideClosing: 0 };
for (let database = 0; Date.now() < end; database++) {
  const root = fs.mkdtempSync(path.join(values.dir, 'kvasir-kill-'));
  const directory = path.join(root, 'db');
  const rounds = new KillRounds({ directory, seed: seed + database, module, lifeMs: 1500 });
  try {
    while (rounds.tally.rounds < DEATHS && Date.now() < end) await rounds.round();
  } catch (error) {
    process.stderr.write(
      `seed ${seed + database}, round ${rounds.tally.rounds}, see ${directory}\n`,
    );
    throw error;
  }
  for (const [name, count] of Object.entries(rounds.tally)) {
    total[name as keyof typeof total] += count;
  }
  fs.rmSync(root, { recursive: true, force: true });
}
process.stdout.write(
  `${total.rounds} kills, ${total.acknowledged} batches acknowledged, none lost; killed within flushes or compactions ${total.insideJobs}, ` +
    `openings ${total.insideOpening}, closings ${total.insideClosing}; seed ${seed}\n`,
);
