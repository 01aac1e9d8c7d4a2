/**
 * Runs a store on the simulated machine until it crashes or the script ends, and checks what a restart finds: some state that the store
 * was in, not older than what clients were promised.
 */
import { expect } from 'vitest';
import type { SyncPolicy } from '../../src/log/file-sync.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { TinyStore, type Change } from './tiny-store.ts';

export interface Scenario {
  readonly policy: SyncPolicy;
  readonly seed: number;
  readonly ticks: number;
  /** What happens at a tick beside writes: rewrites, faults ... */
  readonly at?: (tick: number, store: TinyStore, files: SimulatedFileSystem) => void;
  readonly reserveBytes?: number;
  /** Ticks are up to this long. A sync takes 0.6 ms. */
  readonly tickMs?: number;
}

export interface Run {
  readonly files: SimulatedFileSystem;
  readonly store: TinyStore;
  /** Index of the newest version that a client was told of, and of the newest that was said to be durable. */
  readonly acknowledged: number;
  readonly durable: number;
}

const TICK_MS = 40;

/** Runs `scenario` on `files`, which may hold data, up to its end or the crash that `files` is set to. */
export async function run(scenario: Scenario, files: SimulatedFileSystem): Promise<Run> {
  const loop = files.loop;
  const random = new SeededRandomness(scenario.seed);
  const store = new TinyStore({
    files,
    loop,
    random,
    policy: scenario.policy,
    onFatal: () => files.stop(),
    ...(scenario.reserveBytes === undefined ? {} : { reserveBytes: scenario.reserveBytes }),
  });
  let acknowledged = -1;
  let durable = -1;
  const look = (): void => {
    if (files.isDead) return;
    const { log } = store.aof;
    // While `appendonly` is off, or waits for its first base, nothing is promised.
    if (!log.isPublished && log.failure === undefined) return;
    for (const [i, version] of store.versions.entries()) {
      if (!log.isPublished && !version.isLogged) continue;
      if (log.canRelease(version.position)) acknowledged = Math.max(acknowledged, i);
      if (version.position <= log.durable) durable = Math.max(durable, i);
    }
  };
  store.aof.log.onDurable = look;
  try {
    await settled(loop, files, store.open());
    look();
    for (let tick = 0; tick < scenario.ticks && !files.isDead; tick++) {
      scenario.at?.(tick, store, files);
      const isRefused = store.aof.log.failure !== undefined;
      const entries = isRefused ? 0 : 1 + random.below(3);
      for (let i = 0; i < entries; i++) store.write(randomChanges(random, store.versions.length));
      store.aof.log.write();
      store.aof.tick();
      look();
      await loop.run(random.uniform() * (scenario.tickMs ?? TICK_MS));
      look();
    }
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
  }
  return { files, store, acknowledged, durable };
}

/** Runs the machine until `work` is done, or the machine is. */
async function settled(
  loop: SimulatedLoop,
  files: SimulatedFileSystem,
  work: Promise<void>,
): Promise<void> {
  let outcome: { error: unknown } | undefined;
  work.then(
    () => (outcome = { error: undefined }),
    (error: unknown) => (outcome = { error }),
  );
  await loop.runUntil(() => outcome !== undefined || files.isDead);
  if (outcome?.error !== undefined) throw outcome.error as Error;
}

function randomChanges(random: SeededRandomness, version: number): Change[] {
  const changes: Change[] = [];
  // The version is part of each entry, so that no two states are the same.
  changes.push(['version', String(version)]);
  for (let i = random.below(4); i > 0; i--) {
    const key = `key:${random.below(12)}`;
    if (random.below(4) === 0) changes.push([key, undefined]);
    else changes.push([key, `value ${version} ${'x'.repeat(random.below(60))}`]);
  }
  return changes;
}

/** Starts again on what the crash left; the state found must be one that was, and not older than `least`. */
export async function restart(
  crashed: Run,
  files: SimulatedFileSystem,
  scenario: Scenario,
  least: number,
): Promise<{ found: number; next: Run }> {
  const next = await run({ ...scenario, ticks: 0, seed: scenario.seed + 1 }, files);
  const { versions } = crashed.store;
  const text = next.store.text;
  const found = versions.findIndex((version) => version.text === text);
  if (text === '' && least < 0) return { found: -1, next };
  expect(found, `a state that never was: ${text}`).toBeGreaterThanOrEqual(0);
  expect(found, 'an acknowledged write is gone').toBeGreaterThanOrEqual(least);
  return { found, next };
}

export function newMachine(pageBytes = 64): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.pageBytes = pageBytes;
  files.makeDirectory('/data');
  files.calls = 0;
  return files;
}

/**
 * Lets `scenario` crash before each of its calls in turn, as a process and as a machine, restarts, goes on for a while, ends cleanly and
 * loads once more. `stride`: only before each so-many-th call, another one for each seed.
 */
export async function crashEverywhere(scenario: Scenario, stride = 1): Promise<number> {
  const whole = await run(scenario, newMachine());
  const calls = whole.files.calls;
  for (let call = 1 + (scenario.seed % stride); call <= calls; call += stride) {
    const files = newMachine();
    files.crashAtCall = call;
    const crashed = await run(scenario, files);
    const { acknowledged, durable } = crashed;
    const kinds: [SeededRandomness | undefined, number][] = [
      [undefined, acknowledged],
      [new SeededRandomness(call), scenario.policy === 'always' ? acknowledged : durable],
      [new SeededRandomness(call + 7919), scenario.policy === 'always' ? acknowledged : durable],
    ];
    for (const [random, least] of kinds) {
      try {
        await recover(crashed, files.restart(random, new SimulatedLoop()), scenario, least);
      } catch (error) {
        const kind = random === undefined ? 'process' : 'machine';
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${scenario.seed}, ${kind} crash before call ${call}: ${message}`, {
          cause: error,
        });
      }
    }
  }
  return calls;
}

async function recover(
  crashed: Run,
  files: SimulatedFileSystem,
  scenario: Scenario,
  least: number,
): Promise<void> {
  const { next } = await restart(crashed, files, scenario, least);
  const { store } = next;
  for (let i = 0; i < 3; i++) {
    store.write([
      ['after', String(i)],
      ['version', `after ${i}`],
    ]);
    store.aof.log.write();
    await files.loop.run(5);
  }
  await files.loop.run(2500);
  await settled(files.loop, files, store.aof.close());
  const again = await run({ ...scenario, ticks: 0 }, files.restart(new SeededRandomness(1)));
  expect(again.store.text).toBe(store.text);
}
