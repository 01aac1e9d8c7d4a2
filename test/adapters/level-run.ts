/**
 * Random operations on an abstract-level database beside a sorted map, in sessions: after each the directory is closed, and another implementation may open it.
 */
import type { AbstractLevel, AbstractSnapshot } from 'abstract-level';
import { expect } from 'vitest';
import type { SeededRandomness } from '../../src/os/randomness.ts';

export type Level = AbstractLevel<string | Buffer | Uint8Array>;

interface RandomRange {
  gte?: string;
  gt?: string;
  lt?: string;
  lte?: string;
  reverse?: boolean;
  limit?: number;
}

interface Taken {
  readonly snapshot: AbstractSnapshot;
  readonly entries: ReadonlyMap<string, string>;
}

const KEYS = 400;

export class LevelRun {
  readonly #random: SeededRandomness;
  readonly #entries = new Map<string, string>();
  #db!: Level;
  #taken: Taken[] = [];

  constructor(random: SeededRandomness) {
    this.#random = random;
  }

  /** Opens, works, looks at everything, closes. */
  async session(db: Level, steps: number): Promise<void> {
    this.#db = db;
    await db.open();
    expect(await db.iterator().all()).toEqual(sorted(this.#entries));
    for (let i = 0; i < steps; i++) await this.#step();
    for (const { snapshot, entries } of this.#taken) {
      expect(await db.iterator({ snapshot }).all()).toEqual(sorted(entries));
      await snapshot.close();
    }
    this.#taken = [];
    const reverse = true;
    expect(await db.iterator({ reverse }).all()).toEqual(sorted(this.#entries).reverse());
    await db.close();
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 20) await this.#put();
    else if (dice < 28) await this.#delete();
    else if (dice < 45) await this.#batch();
    else if (dice < 60) await this.#read();
    else if (dice < 80) await this.#scan();
    else if (dice < 86) await this.#seek();
    else if (dice < 90) await this.#clear();
    else if (dice < 93) this.#take();
    else if (dice < 96) await this.#readTaken();
    else await this.#compact();
  }

  async #put(): Promise<void> {
    const [key, value] = [this.#key(), this.#value()];
    await this.#db.put(key, value, this.#writeOptions());
    this.#entries.set(key, value);
  }

  async #delete(): Promise<void> {
    const key = this.#key();
    await this.#db.del(key, this.#writeOptions());
    this.#entries.delete(key);
  }

  async #batch(): Promise<void> {
    const operations = Array.from({ length: 1 + this.#random.below(30) }, () => {
      const key = this.#key();
      if (this.#random.below(4) === 0) return { type: 'del', key } as const;
      return { type: 'put', key, value: this.#value() } as const;
    });
    if (this.#random.below(2) === 0) await this.#db.batch(operations, this.#writeOptions());
    else {
      const batch = this.#db.batch();
      for (const operation of operations) {
        if (operation.type === 'del') batch.del(operation.key);
        else batch.put(operation.key, operation.value);
      }
      await batch.write(this.#writeOptions());
    }
    for (const operation of operations) {
      if (operation.type === 'del') this.#entries.delete(operation.key);
      else this.#entries.set(operation.key, operation.value);
    }
  }

  async #read(): Promise<void> {
    const keys = Array.from({ length: 1 + this.#random.below(10) }, () => this.#key());
    const values = keys.map((key) => this.#entries.get(key));
    const db = this.#db;
    expect(await db.getMany(keys)).toEqual(values);
    expect(await db.hasMany(keys)).toEqual(values.map((value) => value !== undefined));
    expect(await db.get(keys[0]!)).toBe(values[0]);
    expect(db.getSync(keys[0]!)).toBe(values[0]);
    expect(await db.has(keys[0]!)).toBe(values[0] !== undefined);
  }

  async #scan(): Promise<void> {
    const range = this.#range();
    const expected = within(this.#entries, range);
    const db = this.#db;
    switch (this.#random.below(4)) {
      case 0:
        expect(await db.iterator(range).all()).toEqual(expected);
        break;
      case 1:
        expect(await db.keys(range).all()).toEqual(expected.map(([key]) => key));
        break;
      case 2:
        expect(await db.values(range).all()).toEqual(expected.map(([, value]) => value));
        break;
      default: {
        const found: [string, string][] = [];
        const iterator = db.iterator(range);
        for (;;) {
          const size = 1 + this.#random.below(40);
          const entries = await iterator.nextv(size);
          expect(entries.length).toBeLessThanOrEqual(size);
          if (entries.length === 0) break;
          found.push(...entries);
        }
        await iterator.close();
        expect(found).toEqual(expected);
      }
    }
  }

  async #seek(): Promise<void> {
    // In an empty database classic-level's binding ends the process for that (an assertion in LevelDB).
    if (this.#entries.size === 0) return;
    const { limit: _, ...range } = this.#range();
    const iterator = this.#db.iterator(range);
    const all = within(this.#entries, range);
    for (let i = 0; i < 5; i++) {
      const target = this.#key();
      iterator.seek(target);
      const isInside = within(new Map([[target, '']]), range).length === 1;
      const isBehind = ([key]: [string, string]): boolean =>
        range.reverse === true ? key <= target : key >= target;
      const expected = isInside ? all.filter(isBehind) : [];
      for (let j = 0; j < 3; j++) expect(await iterator.next()).toEqual(expected[j]);
    }
    await iterator.close();
  }

  async #clear(): Promise<void> {
    const range = this.#range();
    // Not too much at once, and now and then all.
    const isSmall = within(this.#entries, range).length < 60 || this.#random.below(10) === 0;
    if (!isSmall) range.limit = 1 + this.#random.below(60);
    const expected = within(this.#entries, range);
    await this.#db.clear(range);
    for (const [key] of expected) this.#entries.delete(key);
  }

  #take(): void {
    if (this.#taken.length >= 3) return;
    this.#taken.push({ snapshot: this.#db.snapshot(), entries: new Map(this.#entries) });
  }

  async #readTaken(): Promise<void> {
    const taken = this.#taken[this.#random.below(Math.max(1, this.#taken.length))];
    if (taken === undefined) return;
    const { snapshot, entries } = taken;
    const key = this.#key();
    expect(await this.#db.get(key, { snapshot })).toBe(entries.get(key));
    const range = this.#range();
    expect(await this.#db.iterator({ ...range, snapshot }).all()).toEqual(within(entries, range));
  }

  async #compact(): Promise<void> {
    const db = this.#db as Level & { compactRange(start: string, end: string): Promise<void> };
    const [start, end] = [this.#key(), this.#key()];
    await db.compactRange(start < end ? start : end, start < end ? end : start);
  }

  #key(): string {
    const number = this.#random.below(KEYS);
    // Text beyond ASCII too.
    return number % 10 === 0 ? `kä${number}` : `k${number}`;
  }

  #value(): string {
    const { below } = bound(this.#random);
    const length = below(10) === 0 ? below(20_000) : below(800);
    if (below(2) === 0) return 'v'.repeat(length);
    let value = '';
    while (value.length < length) value += below(2 ** 31).toString(36);
    return value;
  }

  #range(): RandomRange {
    const range: RandomRange = {};
    const random = this.#random;
    const lower = random.below(3);
    const upper = random.below(3);
    if (lower === 1) range.gte = this.#key();
    if (lower === 2) range.gt = this.#key();
    if (upper === 1) range.lte = this.#key();
    if (upper === 2) range.lt = this.#key();
    if (random.below(2) === 0) range.reverse = true;
    if (random.below(3) === 0) range.limit = random.below(30);
    return range;
  }

  /** Both have `sync`, which abstract-level does not know. */
  #writeOptions(): object {
    return { sync: this.#random.below(20) === 0 };
  }
}

function bound(random: SeededRandomness): { below: (limit: number) => number } {
  return { below: (limit) => random.below(limit) };
}

/** In the order of their bytes, which for these keys is that of their text. */
function sorted(entries: ReadonlyMap<string, string>): [string, string][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function within(entries: ReadonlyMap<string, string>, range: RandomRange): [string, string][] {
  const { gte, gt, lt, lte, reverse, limit } = range;
  const found = sorted(entries).filter(
    ([key]) =>
      (gte === undefined || key >= gte) &&
      (gt === undefined || key > gt) &&
      (lt === undefined || key < lt) &&
      (lte === undefined || key <= lte),
  );
  if (reverse === true) found.reverse();
  return limit === undefined ? found : found.slice(0, limit);
}
