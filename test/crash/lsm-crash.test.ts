/**
 * The disk engine under crashes: of the machine and of the process, at any call that changes or syncs something, within recovery too.
 * KVASIR_SEED repeats a run, KVASIR_SOAK=50 makes fifty times as many.
 */
import { expect, test } from 'vitest';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { LsmScenario } from './lsm-scenario.ts';

const SOAK = Number(process.env['KVASIR_SOAK'] ?? 1);
const WRITES = 60;

function seeds(count: number): number[] {
  const one = process.env['KVASIR_SEED'];
  return one === undefined ? Array.from({ length: count * SOAK }, (_, i) => i + 1) : [Number(one)];
}

async function play(seed: number, run: (scenario: LsmScenario) => Promise<void>): Promise<void> {
  const scenario = new LsmScenario(seed);
  try {
    await run(scenario);
  } catch (error) {
    throw new Error(`KVASIR_SEED=${seed}: ${scenario.history.join(', ')}`, { cause: error });
  }
}

/** Calls that a whole run of the seed makes. */
async function callsOf(seed: number): Promise<number> {
  const scenario = new LsmScenario(seed);
  await scenario.run(WRITES);
  return scenario.system.files.calls;
}

test('a crash at any call loses nothing that was promised to stay, and invents nothing', async () => {
  for (const seed of seeds(60)) {
    const random = new SeededRandomness(seed + 1_000_000);
    const calls = await callsOf(seed);
    expect(calls).toBeGreaterThan(10);
    for (let round = 0; round < 4; round++) {
      await play(seed, async (scenario) => {
        scenario.system.files.crashAtCall = 1 + random.below(calls);
        await scenario.run(WRITES);
        await scenario.restart(random.below(3) > 0);
        // The database goes on, and crashes again, perhaps while it recovers.
        scenario.system.files.crashAtCall = 1 + random.below(random.below(2) === 0 ? 40 : calls);
        await scenario.run(WRITES);
        await scenario.restart(random.below(3) > 0);
      });
    }
  }
}, 3_600_000);

test('a call that fails refuses writes at most; what was promised stays, and the next opening is whole', async () => {
  for (const seed of seeds(60)) {
    const random = new SeededRandomness(seed + 2_000_000);
    const calls = await callsOf(seed);
    for (let round = 0; round < 3; round++) {
      await play(seed, async (scenario) => {
        const { files } = scenario.system;
        const first = 1 + random.below(calls);
        const last = first + random.below(random.below(2) === 0 ? 1 : 10);
        const code = random.below(2) === 0 ? 'EIO' : 'ENOSPC';
        files.fault = (operation, path, call) => {
          if (call < first || call > last) return undefined;
          scenario.history.push(`${operation} ${path} fails`);
          return code;
        };
        await scenario.runRefused(WRITES);
        files.fault = undefined;
        if (random.below(2) === 0) await scenario.check(false);
        await scenario.restart(random.below(2) === 0);
      });
    }
  }
}, 3_600_000);

test('a full disk refuses writes, keeps reads, and takes writes again when there is room', async () => {
  for (const seed of seeds(30)) {
    const random = new SeededRandomness(seed + 3_000_000);
    await play(seed, async (scenario) => {
      const { files } = scenario.system;
      files.capacityBytes = 2000 + random.below(60_000);
      await scenario.runRefused(WRITES);
      await files.loop.run(100);
      files.capacityBytes = Infinity;
      await scenario.check(false);
      await scenario.restart(random.below(2) === 0);
    });
  }
}, 3_600_000);

test('opening and closing changes nothing that can be seen', async () => {
  for (const seed of seeds(20)) {
    await play(seed, async (scenario) => {
      await scenario.run(WRITES);
      await scenario.check(true);
      await scenario.check(true);
      const before = [...scenario.system.files.dump().values()].reduce((n, b) => n + b.length, 0);
      await scenario.check(true);
      const after = [...scenario.system.files.dump().values()].reduce((n, b) => n + b.length, 0);
      expect(after).toBeLessThanOrEqual(before + 100);
    });
  }
}, 3_600_000);
