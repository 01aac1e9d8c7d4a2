import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { type Database, open } from '../database/database.ts';
import type { Keyspace } from '../database/keyspace.ts';
import type { RangeOptions } from '../database/range.ts';
import { type Bounds, bytes, Model, type Pairs, text } from '../testing/model.ts';
import { randomOptions } from '../testing/random-options.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import type { IndexedBatch } from './indexed-batch.ts';
import type { OverlayIterator } from './overlay-iterator.ts';

const SEEDS = 40 * Number(process.env['KVASIR_SOAK'] ?? 1);
const SPACES = ['', 'a'];

function randomKeys(random: SeededRandomness): string[] {
  const keys = new Set<string>();
  const kind = random.below(3);
  for (let i = 5 + random.below(60); i > 0; i--) {
    if (kind === 0) keys.add(`key${String(random.below(200)).padStart(4, '0')}`);
    else if (kind === 1) keys.add(text(random.bytes(random.below(4)))!);
    else keys.add('ab\u0000\u00ff'.charAt(random.below(4)).repeat(random.below(8)));
  }
  return [...keys];
}

interface Open {
  readonly iterator: OverlayIterator;
  readonly expected: Pairs;
  readonly isReverse: boolean;
  at: number;
  left: number;
}

class Run {
  readonly #random: SeededRandomness;
  readonly #system = new SimulatedSystem();
  readonly #keys: string[];
  /** The database, and the database with the batch. */
  #below = new Model();
  #above = new Model();
  #db!: Database;
  #batch!: IndexedBatch;
  #merges = false;
  #open: Open[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandomness(seed);
    this.#keys = randomKeys(this.#random);
  }

  async play(): Promise<void> {
    const options = { ...randomOptions(this.#random), system: this.#system, keyspaced: true };
    this.#db = await this.#system.until(open('/data', options));
    // One keyspace merges, or its values are in envelopes.
    this.#merges = options.formatLevel === 2;
    this.#db.keyspace('a', this.#merges ? { mergeOperator: 'append' } : { ttl: true });
    this.#batch = this.#db.indexedBatch();
    for (let i = 0; i < 150; i++) await this.#step();
    await this.#system.until(this.#batch.write());
    for (const name of SPACES) {
      expect(pairs(this.#space(name).range())).toEqual(this.#above.range(name));
    }
    for (const { iterator } of this.#open) iterator.close();
    await this.#system.until(this.#db.close());
  }

  #space(name: string) {
    return name === '' ? this.#db : this.#db.keyspace(name);
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const choice = random.below(20);
    if (choice < 8) this.#write();
    else if (choice < 12) await this.#read();
    else if (choice < 14) await this.#range();
    else if (choice < 17) await this.#iterate();
    else if (choice < 18) this.#savepoint();
    else if (choice < 19) await this.#system.until(this.#db.flush());
    else {
      this.#batch.clear();
      this.#above = this.#below.copy();
      this.#open = [];
    }
  }

  #key(): string {
    return this.#keys[this.#random.below(this.#keys.length)]!;
  }

  /** To the batch, or past it to the database: where the batch says nothing of the key that shows. */
  #write(isAllOwn = false): void {
    const random = this.#random;
    const name = SPACES[random.below(2)]!;
    const space = this.#space(name);
    for (let n = 1 + random.below(12); n > 0; n--) {
      const key = this.#key();
      const isOwn = isAllOwn || random.below(3) > 0;
      if (this.#merges && name === 'a' && random.below(2) === 0) {
        this.#merge(key, isOwn, space);
        continue;
      }
      const value = random.below(3) === 0 ? undefined : `${random.below(1e6)}`;
      const change = (model: Model): void => {
        if (value === undefined) model.delete(name, key);
        else model.put(name, key, value);
      };
      if (isOwn) {
        if (value === undefined) this.#batch.delete(bytes(key), space);
        else this.#batch.put(bytes(key), bytes(value), space);
        change(this.#above);
      } else {
        if (value === undefined) space.deleteSync(bytes(key));
        else space.putSync(bytes(key), bytes(value));
        change(this.#below);
        if (!this.#batch.touches(bytes(key), space)) change(this.#above);
        else if (this.#merges && name === 'a') this.#settle(key, space);
      }
    }
  }

  /** What the batch says of a key now, which may rest on what was written below: said by the batch itself from here on. */
  #settle(key: string, space: Keyspace): void {
    const value = this.#above.get('a', key);
    if (value === undefined) this.#batch.delete(bytes(key), space);
    else this.#batch.put(bytes(key), bytes(value), space);
  }

  #merge(key: string, isOwn: boolean, space: Keyspace): void {
    const operand = String(this.#random.below(10));
    if (isOwn) {
      this.#batch.merge(bytes(key), bytes(operand), space);
      this.#above.append('a', key, operand);
      return;
    }
    // What the batch says of the key may rest on what is below.
    if (this.#batch.touches(bytes(key), space)) return;
    space.mergeSync(bytes(key), bytes(operand));
    this.#below.append('a', key, operand);
    this.#above.append('a', key, operand);
  }

  async #read(): Promise<void> {
    const name = SPACES[this.#random.below(2)]!;
    const key = this.#key();
    const expected = this.#above.get(name, key);
    const space = this.#space(name);
    expect(text(this.#batch.getSync(bytes(key), space))).toBe(expected);
    expect(text(await this.#system.until(this.#batch.get(bytes(key), space)))).toBe(expected);
  }

  #bounds(): { bounds: Bounds; options: RangeOptions } {
    const random = this.#random;
    const bounds: Record<string, string> = {};
    if (random.below(2) === 0) bounds[random.below(2) === 0 ? 'gte' : 'gt'] = this.#key();
    if (random.below(2) === 0) bounds[random.below(2) === 0 ? 'lt' : 'lte'] = this.#key();
    const options = Object.fromEntries(Object.entries(bounds).map(([k, key]) => [k, bytes(key)]));
    return { bounds, options };
  }

  async #range(): Promise<void> {
    const random = this.#random;
    const name = SPACES[random.below(2)]!;
    const { bounds, options } = this.#bounds();
    const reverse = random.below(2) === 0;
    const limit = random.below(3) === 0 ? random.below(10) : Infinity;
    const expected = this.#above.range(name, bounds, reverse).slice(0, limit);
    const range = this.#batch.range({ ...options, reverse, limit }, this.#space(name));
    expect(pairs(range)).toEqual(expected);
    const found: [string, string][] = [];
    const all = async (): Promise<void> => {
      for await (const [key, value] of range) found.push([text(key)!, text(value)!]);
    };
    await this.#system.until(all());
    expect(found).toEqual(expected);
  }

  /** Iterators see batch and database as they were when they were made. */
  async #iterate(): Promise<void> {
    const random = this.#random;
    const chosen = this.#open[random.below(4)];
    if (chosen === undefined) {
      const name = SPACES[random.below(2)]!;
      const { bounds, options } = this.#bounds();
      const isReverse = random.below(2) === 0;
      const left = random.below(3) === 0 ? random.below(20) : Infinity;
      const all = { ...options, reverse: isReverse, limit: left };
      this.#open.push({
        iterator: this.#batch.range(all, this.#space(name)).iterator(),
        expected: this.#above.range(name, bounds, isReverse),
        isReverse,
        at: 0,
        left,
      });
      return;
    }
    const { iterator, expected, isReverse } = chosen;
    if (random.below(5) === 0) {
      const key = this.#key();
      iterator.seek(bytes(key));
      const at = expected.findIndex(([k]) => (isReverse ? k <= key : k >= key));
      chosen.at = at < 0 ? expected.length : at;
    }
    const count = 1 + random.below(8);
    const wanted = expected.slice(chosen.at, chosen.at + Math.min(count, chosen.left));
    const found: [string, string][] = [];
    if (random.below(2) === 0) {
      for (const [k, v] of await this.#system.until(iterator.nextBatch(count))) {
        found.push([text(k)!, text(v)!]);
      }
    } else {
      while (found.length < count && iterator.next()) {
        const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = iterator;
        found.push([
          text(keyBytes.subarray(keyStart, keyEnd))!,
          text(valueBytes.subarray(valueStart, valueEnd))!,
        ]);
      }
    }
    expect(found).toEqual(wanted);
    chosen.at += found.length;
    chosen.left -= found.length;
    if (found.length < count) chosen.at = expected.length;
  }

  #savepoint(): void {
    const savepoint = this.#batch.savepoint();
    const { count } = this.#batch;
    const above = this.#above.copy();
    const below = this.#below.copy();
    // What is merged rests on what is below, so that is let alone.
    this.#write(this.#merges);
    const hasWritten = this.#batch.count > count;
    // What went to the database stays there.
    this.#batch.rollbackTo(savepoint);
    expect(this.#batch.count).toBe(count);
    this.#above = above;
    for (const name of SPACES) {
      for (const key of this.#keys) {
        const value = this.#below.get(name, key);
        if (value === below.get(name, key)) continue;
        if (this.#batch.touches(bytes(key), this.#space(name))) continue;
        if (value === undefined) this.#above.delete(name, key);
        else this.#above.put(name, key, value);
      }
    }
    if (!hasWritten) return;
    for (const { iterator } of this.#open) iterator.close();
    this.#open = [];
  }
}

const pairs = (range: Iterable<[Buffer, Buffer]>): [string, string][] =>
  [...range].map(([key, value]) => [text(key)!, text(value)!]);

test('a batch shows the database with itself laid over it', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await new Run(seed).play();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}, 3_600_000);

test('an iterator ends when what it sees is taken back', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  const batch = db.indexedBatch();
  const savepoint = batch.savepoint();
  batch.put(bytes('a'), bytes('1'));
  const iterator = batch.range().iterator();
  expect(iterator.next()).toBe(true);
  batch.rollbackTo(savepoint);
  expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'ABORTED' }));
  iterator.close();
  iterator.close();
  expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  batch.put(bytes('b'), bytes('2'));
  const later = batch.savepoint();
  batch.clear();
  expect(() => batch.rollbackTo(later)).toThrow(RangeError);
  expect(() => batch.range().iterator().key()).toThrow(TypeError);
  await system.until(db.close());
});

test('it holds no more than it may, and is as it was when something was too much', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  expect(() => db.indexedBatch({ maxBytes: 1 })).toThrow(RangeError);
  const batch = db.indexedBatch({ maxBytes: 64 * 1024 });
  const limit = expect.objectContaining({ code: 'LIMIT' });
  let count = 0;
  expect(() => {
    for (;;) {
      batch.put(bytes(`key ${count}`), bytes('v'.repeat(100)));
      count++;
    }
  }).toThrow(limit);
  expect(count).toBeGreaterThan(200);
  expect(batch.count).toBe(count);
  expect(batch.memoryBytes).toBeLessThan(160 * 1024);
  expect(batch.getSync(bytes(`key ${count}`))).toBeUndefined();
  expect(batch.getSync(bytes(`key ${count - 1}`))).toBeDefined();
  await system.until(batch.write());
  expect([...db.range()].length).toBe(count);
  await system.until(db.close());
});
