/**
 * What the disk engine goes through, a trial a seed; the runs are those of its tests (src/lsm/testing/model-run.ts, test/crash/lsm-scenario.ts), longer and
 * with other numbers. A trial that fails is made shorter: operations are left out for as long as it goes on failing.
 */
import { open } from '../src/lsm/index.ts';
import { LsmError } from '../src/lsm/errors.ts';
import { bytes, text } from '../src/lsm/testing/model.ts';
import { ModelRun } from '../src/lsm/testing/model-run.ts';
import { randomOptions } from '../src/lsm/testing/random-options.ts';
import { SimulatedSystem } from '../src/lsm/testing/simulated-system.ts';
import { repairWithoutManifest } from '../src/lsm/tools/testing/repair-rerun.ts';
import { SeededRandomness } from '../src/os/randomness.ts';
import { LsmScenario } from '../test/crash/lsm-scenario.ts';

/** Left out of a trial. */
type Skipped = ReadonlySet<number>;

export interface Failure {
  readonly error: unknown;
  /** What was done before. */
  readonly history: readonly string[];
}

export interface Trial {
  readonly operations: number;
  /** undefined where all went well. */
  run(skipped: Skipped): Promise<Failure | undefined>;
  /** The same while a shorter trial is looked for: whatever else has to be just right is searched anew. */
  search?(skipped: Skipped): Promise<Failure | undefined>;
}

export const SCENES: Readonly<Record<string, (seed: number) => Trial>> = {
  model,
  crash,
  fault,
  full,
  damage,
  repair,
};

const NOTHING: Skipped = new Set();
/** Calls of the simulated disk among which a crash is drawn; runs make fewer or some more. */
const CALLS = 400;
/** A shorter trial is looked for at most this long. */
const SHRINK_MS = 120_000;

/** Random operations against a sorted map. */
function model(seed: number): Trial {
  const operations = 50 + new SeededRandomness(seed).below(400);
  return {
    operations,
    async run(skipped) {
      const run = new ModelRun(seed);
      run.skipped = skipped;
      return failureOf(run.history, () => run.play(operations));
    },
  };
}

/** The same, and each time the database is closed it is repaired without its manifest. */
function repair(seed: number): Trial {
  const operations = 50 + draws(seed).below(150);
  return {
    operations,
    async run(skipped) {
      const run = new ModelRun(seed);
      run.skipped = skipped;
      run.onClosed = repairWithoutManifest;
      return failureOf(run.history, () => run.play(operations));
    },
  };
}

/** The machine or the process stops at some call, twice, perhaps while it recovers. */
function crash(seed: number): Trial {
  const random = draws(seed);
  const operations = 20 + random.below(100);
  const first = 1 + random.below(CALLS);
  const second = 1 + random.below(random.below(2) === 0 ? 40 : CALLS);
  const isMachine = [random.below(3) > 0, random.below(3) > 0] as const;
  const run = (skipped: Skipped, calls: readonly number[]): Promise<Failure | undefined> =>
    play(seed, skipped, async (scenario) => {
      for (const [i, call] of calls.entries()) {
        scenario.system.files.crashAtCall = call;
        await scenario.run(operations);
        await scenario.restart(isMachine[i]!);
      }
    });
  return {
    operations: 2 * operations,
    run: (skipped) => run(skipped, [first, second]),
    async search(skipped) {
      const same = await run(skipped, [first, second]);
      if (same !== undefined) return same;
      // With fewer operations the calls have other numbers.
      for (let call = 1; call <= first; call++) {
        const one = (await run(skipped, [call])) ?? (await run(skipped, [call, second]));
        if (one !== undefined) return one;
      }
      return undefined;
    },
  };
}

/** Some calls in a row fail. */
function fault(seed: number): Trial {
  const random = draws(seed);
  const operations = 20 + random.below(100);
  const from = 1 + random.below(CALLS);
  const to = from + random.below(random.below(2) === 0 ? 1 : 20);
  const code = ['EIO', 'ENOSPC', 'EMFILE'][random.below(3)]!;
  const isMachine = random.below(2) === 0;
  return {
    operations,
    run: (skipped) =>
      play(seed, skipped, async (scenario) => {
        const { files } = scenario.system;
        files.fault = (operation, path, call) => {
          if (call < from || call > to) return undefined;
          scenario.history.push(`${operation} ${path} fails: ${code}`);
          return code;
        };
        await scenario.runRefused(operations);
        files.fault = undefined;
        if (random.below(2) === 0) await scenario.check(false);
        await scenario.restart(isMachine);
      }),
  };
}

/** The disk is full for a while. */
function full(seed: number): Trial {
  const random = draws(seed);
  const operations = 20 + random.below(100);
  const capacityBytes = 2000 + random.below(100_000);
  const isMachine = random.below(2) === 0;
  return {
    operations,
    run: (skipped) =>
      play(seed, skipped, async (scenario) => {
        const { files } = scenario.system;
        files.capacityBytes = capacityBytes;
        await scenario.runRefused(operations);
        await files.loop.run(100);
        files.capacityBytes = Infinity;
        await scenario.check(false);
        await scenario.restart(isMachine);
      }),
  };
}

/**
 * A file is damaged: bits flipped, bytes overwritten, a part cut out or the end cut off. What is read afterwards is what was written, or an error that names a
 * file. Where the end of a log is lost, and that is told, values may be older ones.
 */
function damage(seed: number): Trial {
  const operations = 10 + draws(seed).below(150);
  return {
    operations,
    async run(skipped) {
      const history: string[] = [];
      return failureOf(history, () => damaged(seed, operations, skipped, history));
    },
  };
}

async function damaged(
  seed: number,
  operations: number,
  skipped: Skipped,
  history: string[],
): Promise<void> {
  const options = randomOptions(draws(seed));
  const system = new SimulatedSystem();
  const written = await fill(system, options, { seed, operations, skipped, history });
  const random = new SeededRandomness(seed + 2 ** 31);
  const dump = [...system.files.dump()].filter(([, content]) => content.length > 0);
  const [path, content] = dump[random.below(dump.length)]!;
  const injured = new SimulatedSystem();
  const { kind, result } = injure(random, content);
  history.push(`${path} (${content.length} bytes): ${kind}`);
  for (const [name, whole] of dump) injured.files.put(name, name === path ? result : whole);
  // A log that ends between two records ends well, as far as anybody can see.
  let isTold = path.endsWith('.log') && result.length < content.length;
  const again = { ...options, system: injured, onDrop: () => (isTold = true) };
  try {
    const db = await injured.until(open('/data', again));
    for (const [key, values] of written) {
      const value = known(history, () => text(db.getSync(bytes(key))));
      const isRight = isTold ? [...values, undefined].includes(value) : value === values.at(-1);
      if (!isRight && value !== REFUSED) throw new Error(`${key} is ${String(value).slice(0, 30)}`);
    }
    await injured.until(db.close().catch((error: unknown) => refusal(error, history)));
  } catch (error) {
    refusal(error, history);
  }
}

const REFUSED = 'an error';

function known(history: string[], read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (error) {
    refusal(error, history);
    return REFUSED;
  }
}

/** Throws what is no error of the engine's own, or names no file. */
function refusal(error: unknown, history: string[]): void {
  if (!(error instanceof LsmError)) throw error;
  history.push(`${error.code}: ${error.message}`);
}

/** Values by key, in the order in which they were written. */
async function fill(
  system: SimulatedSystem,
  options: ReturnType<typeof randomOptions>,
  plan: { seed: number; operations: number; skipped: Skipped; history: string[] },
): Promise<Map<string, (string | undefined)[]>> {
  const written = new Map<string, (string | undefined)[]>();
  const db = await system.until(open('/data', { ...options, system }));
  for (let i = 0; i < plan.operations; i++) {
    if (plan.skipped.has(i)) continue;
    const random = new SeededRandomness(plan.seed + (i + 1) * 2 ** 32);
    const choice = random.below(20);
    if (choice === 0) await system.until(db.flush());
    else if (choice === 1) await system.until(db.compact());
    else {
      const key = `key${random.below(60)}`;
      const value = random.below(4) === 0 ? undefined : `${i}:${'v'.repeat(random.below(200))}`;
      written.set(key, [...(written.get(key) ?? []), value]);
      if (value === undefined) db.deleteSync(bytes(key));
      else db.putSync(bytes(key), bytes(value));
    }
    plan.history.push(['flush', 'compact'][choice] ?? 'write');
  }
  // Killed, or closed: logs are longer or shorter.
  if (draws(plan.seed).below(2) === 0) await system.until(db.close());
  return written;
}

function injure(
  random: SeededRandomness,
  content: Uint8Array,
): { kind: string; result: Uint8Array } {
  const result = Uint8Array.from(content);
  const at = random.below(content.length);
  switch (random.below(4)) {
    case 0:
      result[at]! ^= 1 << random.below(8);
      return { kind: `a bit flipped at ${at}`, result };
    case 1: {
      const some = random.bytes(1 + random.below(20));
      result.set(some.subarray(0, content.length - at), at);
      return { kind: `${some.length} bytes overwritten at ${at}`, result };
    }
    case 2:
      return { kind: `cut off at ${at}`, result: result.slice(0, at) };
    default: {
      const to = Math.min(content.length, at + 1 + random.below(100));
      const rest = new Uint8Array([...result.subarray(0, at), ...result.subarray(to)]);
      return { kind: `${at} to ${to} cut out`, result: rest };
    }
  }
}

/** Numbers of the trial itself; its operations have their own. */
function draws(seed: number): SeededRandomness {
  return new SeededRandomness(seed + 1_000_000_007);
}

async function play(
  seed: number,
  skipped: Skipped,
  work: (scenario: LsmScenario) => Promise<void>,
): Promise<Failure | undefined> {
  const scenario = new LsmScenario(seed);
  scenario.skipped = skipped;
  return failureOf(scenario.history, () => work(scenario));
}

async function failureOf(
  history: readonly string[],
  work: () => Promise<void>,
): Promise<Failure | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error, history };
  }
}

/** The failure with fewer operations, found by leaving out ever smaller runs of them; `failure` itself where nothing can be left out. */
export async function shrink(
  trial: Trial,
  failure: Failure,
): Promise<{ failure: Failure; skipped: Skipped }> {
  const end = Date.now() + SHRINK_MS;
  let shortest = failure;
  let kept = Array.from({ length: trial.operations }, (_, i) => i);
  let skipped = NOTHING;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length && Date.now() < end;) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      const without = all(trial.operations, rest);
      const found = await (trial.search?.(without) ?? trial.run(without));
      if (found === undefined) at += size;
      else {
        shortest = found;
        kept = rest;
        skipped = without;
      }
    }
  }
  return { failure: shortest, skipped };
}

/** All numbers below `count` but those in `kept`. */
function all(count: number, kept: readonly number[]): Skipped {
  const skipped = new Set(Array.from({ length: count }, (_, i) => i));
  for (const number of kept) skipped.delete(number);
  return skipped;
}
