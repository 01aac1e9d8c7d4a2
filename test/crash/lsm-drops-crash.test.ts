/**
 * Crashes while tables are dropped whole, by FIFO compaction or when a range is cleared: what a dropped table had replaced never comes back. KVASIR_SEED
 * repeats a run, KVASIR_SOAK=50 makes fifty times as many.
 */
import { expect, test } from 'vitest';
import { type Database, open, type OpenOptions } from '../../src/lsm/index.ts';
import { bytes, text } from '../../src/lsm/testing/model.ts';
import { randomOptions } from '../../src/lsm/testing/random-options.ts';
import { SimulatedSystem } from '../../src/lsm/testing/simulated-system.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';

const SOAK = Number(process.env['KVASIR_SOAK'] ?? 1);
const DIRECTORY = '/data';

function seeds(count: number): number[] {
  const one = process.env['KVASIR_SEED'];
  return one === undefined ? Array.from({ length: count * SOAK }, (_, i) => i + 1) : [Number(one)];
}

const keyOf = (n: number): string => `key${String(n).padStart(3, '0')}`;

class Run {
  readonly random: SeededRandomness;
  system = new SimulatedSystem();
  /** The newest value of each key that was written, and is on the disk. */
  readonly newest = new Map<string, string>();
  readonly options: OpenOptions;
  db!: Database;

  constructor(seed: number, changes: (random: SeededRandomness) => OpenOptions) {
    this.random = new SeededRandomness(seed);
    this.options = { ...randomOptions(this.random), ...changes(this.random) };
  }

  async open(): Promise<void> {
    this.db = await this.system.until(open(DIRECTORY, { ...this.options, system: this.system }));
  }

  async write(count: number): Promise<void> {
    const { random, db, system } = this;
    for (let i = 0; i < count; i++) {
      const value = `${i}:${'v'.repeat(random.below(300))}`;
      const key = keyOf(random.below(60));
      await system.until(db.put(bytes(key), bytes(value), { sync: true }));
      this.newest.set(key, value);
      if (random.below(40) === 0) await system.until(db.flush());
      if (random.below(80) === 0) await system.until(db.compact());
    }
  }

  /** Does something that crashes at a random call, if it makes as many, and opens what is left. */
  async crashIn(action: () => Promise<unknown>): Promise<boolean> {
    const { random, system } = this;
    system.files.crashAtCall = system.files.calls + 1 + random.below(60);
    let isDone = false;
    try {
      await action();
      isDone = true;
    } catch (error) {
      if (!system.files.isDead) throw error;
    }
    this.system = system.restart(random);
    await this.open();
    return isDone;
  }

  found(): Map<string, string> {
    return new Map([...this.db.range()].map(([k, v]) => [text(k)!, text(v)!]));
  }
}

async function play(
  seed: number,
  changes: (random: SeededRandomness) => OpenOptions,
  body: (run: Run) => Promise<void>,
): Promise<void> {
  try {
    const run = new Run(seed, changes);
    await run.open();
    await run.write(100);
    await body(run);
    run.db.checkInvariants();
    await run.system.until(run.db.close());
  } catch (error) {
    throw new Error(`KVASIR_SEED=${seed}`, { cause: error });
  }
}

test('a range that is cleared goes for good, or in part; nothing older comes back', async () => {
  for (const seed of seeds(150)) {
    await play(
      seed,
      () => ({}),
      async (run) => {
        const { random, newest } = run;
        const from = keyOf(random.below(60));
        const to = keyOf(random.below(70));
        const isSynced = random.below(2) === 0;
        const isDone = await run.crashIn(() =>
          run.system.until(run.db.clear({ gte: bytes(from), lt: bytes(to) }, { sync: isSynced })),
        );
        const found = run.found();
        for (const [key, value] of newest) {
          const isWithin = key >= from && key < to;
          if (!isWithin) expect(found.get(key)).toBe(value);
          else if (isDone && isSynced) expect(found.has(key)).toBe(false);
          else expect([value, undefined]).toContain(found.get(key));
        }
      },
    );
  }
}, 3_600_000);

test('FIFO compaction drops tables; nothing older comes back', async () => {
  for (const seed of seeds(150)) {
    const limits = (random: SeededRandomness): OpenOptions => ({
      compaction: { style: 'fifo', maxBytes: 3000 + random.below(10_000) },
    });
    await play(seed, limits, async (run) => {
      for (let round = 0; round < 3; round++) {
        await run.crashIn(() => run.write(30));
        for (const [key, value] of run.found()) {
          const newest = run.newest.get(key)!;
          // One write may have been on its way.
          if (value !== newest) run.newest.set(key, value);
          expect(Number(value.split(':')[0])).toBeGreaterThanOrEqual(0);
        }
        for (const [key, value] of run.found()) expect(run.newest.get(key)).toBe(value);
      }
    });
  }
}, 3_600_000);
