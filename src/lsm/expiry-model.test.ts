/**
 * Values that expire and a compaction filter, under random options, against a map that knows the time. A value that the filter may drop is there or gone, and once gone
 * stays so; what a snapshot or an iterator saw it goes on seeing. KVASIR_SEED repeats one run, KVASIR_SOAK=50 makes fifty times as many.
 */
import path from 'node:path';
import { expect, test } from 'vitest';
import { SeededRandomness } from '../os/randomness.ts';
import { realDirectory, writeText } from '../os/testing.ts';
import { type Database, open } from './database/database.ts';
import type { Keyspace } from './database/keyspace.ts';
import type { KeyspaceOptions } from './database/keyspace-options.ts';
import type { RangeIterator } from './database/range-iterator.ts';
import type { Snapshot } from './database/snapshot.ts';
import { bytes, text } from './testing/model.ts';
import { randomOptions } from './testing/random-options.ts';
import { SimulatedSystem } from './testing/simulated-system.ts';
import { checkDirectory } from './tools/directory-check.ts';

const RUNS = 40 * Number(process.env['KVASIR_SOAK'] ?? 1);
const OPERATIONS = 120;

const module = path.join(realDirectory(), 'filter.cjs');
writeText(module, `exports.drops = (key, value) => value[0] !== 0x64;`);
const CACHE: KeyspaceOptions = { ttl: true, compactionFilter: { module, export: 'drops' } };

interface Value {
  readonly value: string;
  readonly expiresAtMs: number;
}
type Pairs = readonly (readonly [string, string])[];

class Run {
  readonly #random: SeededRandomness;
  #system = new SimulatedSystem();
  #db!: Database;
  #cache!: Keyspace;
  readonly #options: Parameters<typeof open>[1];
  readonly #values = new Map<string, Value>();
  readonly #plain = new Map<string, string>();
  #snapshots: { snapshot: Snapshot; pairs: Pairs }[] = [];
  #iterators: { iterator: RangeIterator; rest: Pairs }[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandomness(seed);
    this.#options = { ...randomOptions(this.#random), keyspaced: true };
  }

  async play(): Promise<void> {
    await this.#open();
    for (let i = 0; i < OPERATIONS; i++) await this.#step(this.#random.below(100));
    await this.#reopen();
    this.#checkAll();
    await this.#system.until(this.#db.close());
  }

  async #open(): Promise<void> {
    this.#db = await this.#system.until(open('/data', { ...this.#options, system: this.#system }));
    this.#cache = this.#db.keyspace('cache', CACHE);
  }

  async #step(choice: number): Promise<void> {
    if (choice < 45) this.#write();
    else if (choice < 60) this.#checkAll();
    else if (choice < 66) await this.#system.until(this.#db.flush());
    else if (choice < 72) await this.#system.until(this.#db.compact());
    else if (choice < 78) await this.#system.files.loop.run(this.#random.below(3000));
    // Some work is under way afterwards.
    else if (choice < 82) void this.#db.compact().catch(() => {});
    else if (choice < 88) this.#begin();
    else if (choice < 93) this.#checkHeld();
    else if (choice < 97) this.#letGo(1);
    else await this.#reopen();
  }

  get #nowMs(): number {
    return this.#system.clock.now();
  }

  #write(): void {
    const random = this.#random;
    for (let n = 1 + random.below(30); n > 0; n--) {
      const key = `k${random.below(60)}`;
      const value = `${'dkv'.charAt(random.below(3))}${random.below(1e6)}`;
      if (random.below(5) === 0) {
        this.#cache.deleteSync(bytes(key));
        this.#values.delete(key);
        continue;
      }
      const ttlMs = random.below(3) === 0 ? Infinity : 1 + random.below(5000);
      const expiresAtMs = this.#nowMs + ttlMs;
      this.#cache.putSync(bytes(key), bytes(value), { expiresAtMs });
      this.#values.set(key, { value, expiresAtMs });
      if (random.below(4) > 0) continue;
      this.#db.putSync(bytes(key), bytes(value));
      this.#plain.set(key, value);
    }
  }

  #pairs(snapshot?: Snapshot, reverse = false): Pairs {
    const range = this.#cache.range({ snapshot, reverse });
    return [...range].map(([key, value]) => [text(key)!, text(value)!]);
  }

  #checkAll(): void {
    const found = new Map(this.#pairs());
    expect([...this.#pairs(undefined, true)].reverse()).toEqual([...found]);
    for (const [key, { value, expiresAtMs }] of this.#values) {
      const there = found.get(key);
      expect(text(this.#cache.getSync(bytes(key)))).toBe(there);
      found.delete(key);
      // Gone is gone, and no older one is back.
      if (there === undefined && value.startsWith('d')) this.#values.delete(key);
      else expect(there).toBe(expiresAtMs > this.#nowMs ? value : undefined);
    }
    expect([...found]).toEqual([]);
    const plain = [...this.#plain].sort(([a], [b]) => (a < b ? -1 : 1));
    expect([...this.#db.range()].map(([k, v]) => [text(k), text(v)])).toEqual(plain);
    this.#checkHeld();
  }

  #begin(): void {
    if (this.#snapshots.length >= 4) return;
    const snapshot = this.#db.snapshot();
    const pairs = this.#pairs(snapshot);
    this.#snapshots.push({ snapshot, pairs });
    const iterator = this.#cache.range({ snapshot }).iterator();
    this.#iterators.push({ iterator, rest: pairs });
    // One that stands alone sees what there is when it is made.
    const alone = this.#cache.range().iterator();
    this.#iterators.push({ iterator: alone, rest: pairs });
  }

  #checkHeld(): void {
    for (const { snapshot, pairs } of this.#snapshots) {
      expect(this.#pairs(snapshot)).toEqual(pairs);
      for (const [key, value] of pairs) {
        expect(text(this.#cache.getSync(bytes(key), { snapshot }))).toBe(value);
      }
    }
    for (const open of this.#iterators) {
      const taken = open.iterator.nextBatchSync(this.#random.below(4));
      const found = taken.map(([key, value]) => [text(key), text(value)]);
      expect(found).toEqual(open.rest.slice(0, found.length));
      open.rest = open.rest.slice(found.length);
    }
  }

  #letGo(count: number): void {
    for (const { snapshot } of this.#snapshots.splice(0, count)) snapshot.close();
    for (const { iterator } of this.#iterators.splice(0, 2 * count)) iterator.close();
  }

  async #reopen(): Promise<void> {
    this.#letGo(10);
    const isClosed = this.#random.below(2) === 0;
    if (isClosed) await this.#system.until(this.#db.close());
    const { files } = this.#system;
    if (isClosed) expect(checkDirectory({ directory: '/data', files }).problems).toEqual([]);
    const nowMs = this.#nowMs;
    this.#system = this.#system.restart();
    await this.#system.files.loop.run(nowMs - this.#nowMs);
    await this.#open();
  }
}

test('what expires and what is filtered goes, and nothing else', async () => {
  const one = process.env['KVASIR_SEED'];
  const seeds = one === undefined ? Array.from({ length: RUNS }, (_, i) => i + 1) : [Number(one)];
  expect(seeds.length).toBeGreaterThan(0);
  for (const seed of seeds) {
    try {
      await new Run(seed).play();
    } catch (error) {
      throw new Error(`KVASIR_SEED=${seed}`, { cause: error });
    }
  }
}, 3_600_000);
