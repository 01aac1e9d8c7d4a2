/**
 * Random operations on a database with random small options, on the simulated machine, against a sorted map. Every answer must be the map's; open snapshots
 * and iterators must go on seeing what they saw. A seed gives the same run again. For tests.
 */
import { expect } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import type { SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import type { Database } from '../database/database.ts';
import type { Batch } from '../database/batch.ts';
import { open } from '../database/database.ts';
import type { Keyspace } from '../database/keyspace.ts';
import type { KeyspaceOptions } from '../database/keyspace-options.ts';
import type { OpenOptions } from '../database/options.ts';
import type { RangeIterator } from '../database/range-iterator.ts';
import type { RangeOptions } from '../database/range.ts';
import { NOT_CACHED } from '../database/read-path.ts';
import type { KeyPart } from '../format/filter-prefix.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { checkDirectory } from '../tools/directory-check.ts';
import { problemText } from '../tools/problem.ts';
import { type Bounds, bytes, Model, type Pairs, text } from './model.ts';
import { randomOptions } from './random-options.ts';
import { SimulatedSystem } from './simulated-system.ts';

const DIRECTORY = '/data';
const OPEN_AT_ONCE = 4;
/** Some have many keys of these runs, others few. */
const PREFIXES: readonly (KeyPart | false)[] = [
  false,
  { bytes: 1 },
  { bytes: 11 },
  { through: 97 },
  { through: 48 },
];

interface OpenSnapshot {
  readonly snapshot: Snapshot;
  readonly model: Model;
}

/** A database that was closed. */
export interface ClosedRun {
  readonly files: SimulatedFileSystem;
  readonly directory: string;
  readonly options: OpenOptions;
  /** What it holds, by keyspace. */
  readonly pairs: ReadonlyMap<string, Pairs>;
}

interface OpenIterator {
  readonly iterator: RangeIterator;
  readonly expected: Pairs;
  readonly isReverse: boolean;
  readonly limit: number;
  /** How many were seen, and where in `expected` the next one is. */
  count: number;
  at: number;
}

export class ModelRun {
  readonly #seed: number;
  #random: SeededRandomness;
  readonly #options: OpenOptions;
  readonly #changes: (random: SeededRandomness) => OpenOptions;
  #system = new SimulatedSystem();
  #db!: Database;
  #model = new Model();
  #snapshots: OpenSnapshot[] = [];
  #iterators: OpenIterator[] = [];
  readonly #keys: readonly string[];
  /** Names of keyspaces; '' alone where the directory is raw. */
  readonly #spaces: readonly string[];
  /** Called whenever the database was closed. */
  onClosed: (closed: ClosedRun) => Promise<void> = () => Promise.resolve();
  /** What was done, for who looks for a failure's cause. */
  readonly history: string[] = [];
  /** Numbers of operations that are left out: whoever makes a failing run shorter says which. */
  skipped: ReadonlySet<number> = new Set();

  /** `changes`: asked at each opening for options that are not as the seed says. */
  constructor(seed: number, changes: (random: SeededRandomness) => OpenOptions = () => ({})) {
    this.#seed = seed;
    this.#random = new SeededRandomness(seed);
    this.#options = randomOptions(this.#random);
    this.#changes = changes;
    this.#keys = randomKeys(this.#random);
    this.#spaces = this.#random.below(2) === 0 ? [''] : ['', 'a', 'bb'];
  }

  async play(operations: number): Promise<void> {
    await this.#open();
    for (let i = 0; i < operations; i++) {
      // Each has random numbers of its own, so that the others stay the same without it.
      this.#random = new SeededRandomness(this.#seed + (i + 1) * 2 ** 32);
      if (!this.skipped.has(i)) await this.#operation();
    }
    await this.#readAll();
    this.#letGo();
    await this.#close();
  }

  /** What is on the disk then is as it should be. */
  async #close(): Promise<void> {
    await this.#system.until(this.#db.close());
    const { files } = this.#system;
    expect(checkDirectory({ directory: DIRECTORY, files }).problems.map(problemText)).toEqual([]);
    const pairs = new Map(this.#spaces.map((name) => [name, this.#model.range(name)]));
    await this.onClosed({ files, directory: DIRECTORY, options: this.#options, pairs });
  }

  async #open(): Promise<void> {
    this.#db = await this.#system.until(
      open(DIRECTORY, {
        ...this.#options,
        ...this.#rules(),
        ...this.#changes(this.#random),
        system: this.#system,
      }),
    );
  }

  #spaceOf(name: string): Keyspace {
    return name === '' ? this.#db : this.#db.keyspace(name, this.#rules());
  }

  /** At format level 2 all keyspaces have a merge operator; at level 1 values are in envelopes, of every other seed. */
  #rules(): KeyspaceOptions {
    const filterPrefix = PREFIXES[this.#seed % PREFIXES.length]!;
    if (this.#options.formatLevel === 2) return { mergeOperator: 'append', filterPrefix };
    return this.#hasExpiries ? { ttl: true, filterPrefix } : { filterPrefix };
  }

  get #hasExpiries(): boolean {
    return this.#options.formatLevel === 1 && this.#seed % 2 === 0;
  }

  #space(): { name: string; space: Keyspace } {
    const name = this.#spaces[this.#random.below(this.#spaces.length)]!;
    return { name, space: this.#spaceOf(name) };
  }

  async #operation(): Promise<void> {
    const choice = this.#random.below(100);
    if (choice < 40) await this.#do('write', () => this.#write());
    else if (choice < 60) await this.#do('read', () => this.#read());
    else if (choice < 68) await this.#do('range', () => this.#readRange());
    else if (choice < 80) await this.#do('iterate', () => this.#iterate());
    else if (choice < 84) await this.#do('snapshot', () => this.#snapshot());
    else if (choice < 88)
      await this.#do('wait', () => this.#system.files.loop.run(this.#random.below(5)));
    else if (choice < 91) await this.#do('flush', () => this.#system.until(this.#db.flush()));
    else if (choice < 94) await this.#do('compact', () => this.#compact());
    else if (choice < 95) await this.#do('idle', () => this.#system.until(this.#db.idle()));
    else if (choice < 96) await this.#do('drop', () => this.#drop());
    else if (choice < 97) await this.#do('clear', () => this.#clear());
    else if (choice < 98) await this.#do('close', () => this.#closeSome());
    else await this.#do('reopen', () => this.#reopen());
    if (this.#random.below(10) === 0) this.#db.checkInvariants();
  }

  async #do(name: string, operation: () => Promise<void> | void): Promise<void> {
    this.history.push(name);
    await operation();
  }

  // ---- writes

  async #write(): Promise<void> {
    const random = this.#random;
    const count = random.below(4) === 0 ? 1 + random.below(60) : 1;
    const isBatch = random.below(2) === 0;
    const sync = random.below(4) === 0;
    const batch = this.#batch();
    const promises: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      const { name, space } = this.#space();
      if (this.#options.formatLevel === 2 && random.below(4) === 0) {
        promises.push(this.#append(name, space, key, isBatch ? batch : undefined));
        continue;
      }
      if (this.#options.formatLevel === 2 && random.below(8) === 0) {
        promises.push(this.#deleteRange(name, space, key, isBatch ? batch : undefined));
        continue;
      }
      const isDeletion = random.below(3) === 0;
      const value = this.#value();
      if (isDeletion) this.#model.delete(name, key);
      else this.#model.put(name, key, value);
      if (isDeletion && this.#hasExpiries && random.below(2) === 0) {
        // As good as a deletion.
        const expired = { expiresAtMs: 1 + random.below(1000) };
        if (isBatch) batch.put(bytes(key), bytes(value), space, expired);
        else promises.push(space.put(bytes(key), bytes(value), { sync, ...expired }));
      } else if (isBatch && isDeletion) batch.delete(bytes(key), space);
      else if (isBatch) batch.put(bytes(key), bytes(value), space);
      else if (random.below(3) === 0) {
        if (isDeletion) space.deleteSync(bytes(key), { sync });
        else space.putSync(bytes(key), bytes(value), { sync });
      } else {
        promises.push(
          isDeletion
            ? space.delete(bytes(key), { sync })
            : space.put(bytes(key), bytes(value), { sync }),
        );
      }
    }
    if (isBatch && random.below(3) === 0) batch.writeSync({ sync });
    else if (isBatch) promises.push(batch.write({ sync }));
    await this.#system.until(Promise.all(promises));
  }

  #append(name: string, space: Keyspace, key: string, batch: Batch | undefined): Promise<void> {
    const operand = this.#value().slice(0, 20);
    this.#model.append(name, key, operand);
    if (batch !== undefined) batch.merge(bytes(key), bytes(operand), space);
    else if (this.#random.below(2) === 0) space.mergeSync(bytes(key), bytes(operand));
    else return space.merge(bytes(key), bytes(operand));
    return Promise.resolve();
  }

  #deleteRange(
    name: string,
    space: Keyspace,
    from: string,
    batch: Batch | undefined,
  ): Promise<void> {
    const to = this.#random.below(3) === 0 ? this.#key() : `${from}\xff`;
    this.#model.deleteRange(name, from, to);
    if (batch !== undefined) batch.deleteRange(bytes(from), bytes(to), space);
    else if (this.#random.below(2) === 0) space.deleteRangeSync(bytes(from), bytes(to));
    else return space.deleteRange(bytes(from), bytes(to));
    return Promise.resolve();
  }

  /** A batch that is begun before there are keyspaces would keep the directory raw. */
  #batch(): Batch {
    if (this.#spaces.length > 1) this.#spaceOf('a');
    return this.#db.batch();
  }

  async #clear(): Promise<void> {
    const { name, space } = this.#space();
    const { bounds, options } = this.#bounds();
    const { gt, gte, lt, lte } = options;
    await this.#system.until(space.clear({ gt, gte, lt, lte }));
    for (const [key] of this.#model.range(name, bounds)) this.#model.delete(name, key);
  }

  async #drop(): Promise<void> {
    if (this.#spaces.length === 1) return;
    // What looks at a keyspace that is dropped is on its own.
    this.#letGo();
    this.#model.drop('a');
    await this.#system.until(this.#db.dropKeyspace('a'));
  }

  // ---- reads

  /** The newest state, or that of an open snapshot. */
  #moment(): { model: Model; snapshot: Snapshot | undefined } {
    const chosen = this.#snapshots[this.#random.below(this.#snapshots.length + 1)];
    return { model: chosen?.model ?? this.#model, snapshot: chosen?.snapshot };
  }

  async #read(): Promise<void> {
    const key = this.#key();
    const { model, snapshot } = this.#moment();
    const { name, space } = this.#space();
    const expected = model.get(name, key);
    const options = { snapshot };
    switch (this.#random.below(6)) {
      case 0:
        expect(text(await this.#system.until(space.get(bytes(key), options)))).toBe(expected);
        break;
      case 1: {
        const keys = [key, this.#key(), this.#key()];
        const found = await this.#system.until(space.getMany(keys.map(bytes), options));
        expect(found.map(text)).toEqual(keys.map((k) => model.get(name, k)));
        expect(space.getManySync(keys.map(bytes), options)).toEqual(found);
        break;
      }
      case 2: {
        const value = space.peek(bytes(key), options);
        if (value !== NOT_CACHED) expect(text(value)).toBe(expected);
        break;
      }
      case 3:
        expect(space.hasSync(bytes(key), options)).toBe(expected !== undefined);
        break;
      default:
        expect(text(space.getSync(bytes(key), options))).toBe(expected);
    }
  }

  async #readRange(): Promise<void> {
    const { model, snapshot } = this.#moment();
    const { bounds, options } = this.#bounds();
    const isReverse = this.#random.below(2) === 0;
    const limit = this.#random.below(3) === 0 ? this.#random.below(20) : Infinity;
    const { name, space } = this.#space();
    const expected = model.range(name, bounds, isReverse);
    const range = space.range({ ...options, reverse: isReverse, limit, snapshot });
    const wanted = limit === Infinity ? expected : expected.slice(0, limit);
    if (this.#random.below(2) === 0) {
      expect([...range].map(([k, v]) => [text(k), text(v)])).toEqual(wanted);
      return;
    }
    const found: [string, string][] = [];
    const all = (async () => {
      for await (const [key, value] of range) found.push([text(key)!, text(value)!]);
    })();
    await this.#system.until(all);
    expect(found).toEqual(wanted);
  }

  async #iterate(): Promise<void> {
    const random = this.#random;
    const chosen = random.below(OPEN_AT_ONCE);
    const open = this.#iterators[chosen];
    if (open === undefined) {
      this.#begin();
      return;
    }
    const { iterator, expected, isReverse } = open;
    if (random.below(6) === 0) {
      const key = this.#key();
      iterator.seek(bytes(key));
      const at = expected.findIndex(([k]) => (isReverse ? k <= key : k >= key));
      open.at = at < 0 ? expected.length : at;
    }
    const count = 1 + random.below(10);
    const wanted = expected.slice(open.at, open.at + Math.min(count, open.limit - open.count));
    const found: [string | undefined, string | undefined][] = [];
    if (random.below(3) === 0) {
      const batch = await this.#system.until(iterator.nextBatch(count));
      for (const [key, value] of batch) found.push([text(key), text(value)]);
    } else {
      while (found.length < count && iterator.next()) {
        const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = iterator;
        const key = text(keyBytes.subarray(keyStart, keyEnd));
        expect(text(iterator.key())).toBe(key);
        found.push([key, text(valueBytes.subarray(valueStart, valueEnd))]);
      }
    }
    expect(found).toEqual(wanted);
    open.count += found.length;
    open.at += found.length;
    if (found.length < count) open.at = expected.length;
  }

  #begin(): void {
    const { model, snapshot } = this.#moment();
    const { bounds, options } = this.#bounds();
    const isReverse = this.#random.below(2) === 0;
    const limit = this.#random.below(4) === 0 ? this.#random.below(30) : Infinity;
    const { name, space } = this.#space();
    const range = space.range({ ...options, reverse: isReverse, limit, snapshot });
    this.#iterators.push({
      iterator: range.iterator(),
      expected: model.range(name, bounds, isReverse),
      isReverse,
      limit,
      count: 0,
      at: 0,
    });
  }

  #bounds(): { bounds: Bounds; options: RangeOptions } {
    const bounds: Record<string, string> = {};
    const random = this.#random;
    if (random.below(2) === 0) bounds[random.below(2) === 0 ? 'gte' : 'gt'] = this.#key();
    if (random.below(2) === 0) bounds[random.below(2) === 0 ? 'lt' : 'lte'] = this.#key();
    const options = Object.fromEntries(
      Object.entries(bounds).map(([name, key]) => [name, bytes(key)]),
    );
    return { bounds, options };
  }

  #snapshot(): void {
    if (this.#snapshots.length >= OPEN_AT_ONCE) return;
    this.#snapshots.push({ snapshot: this.#db.snapshot(), model: this.#model.copy() });
  }

  // ---- the rest

  async #compact(): Promise<void> {
    const { options } = this.#bounds();
    const { gte, lte } = options;
    const range = { ...(gte && { gte }), ...(lte && { lte }) };
    await this.#system.until(this.#db.compact(range));
  }

  #closeSome(): void {
    const random = this.#random;
    for (const open of this.#iterators.splice(random.below(OPEN_AT_ONCE), 1)) open.iterator.close();
    for (const open of this.#snapshots.splice(random.below(OPEN_AT_ONCE), 1)) open.snapshot.close();
  }

  #letGo(): void {
    for (const { iterator } of this.#iterators) iterator.close();
    for (const { snapshot } of this.#snapshots) snapshot.close();
    this.#iterators = [];
    this.#snapshots = [];
  }

  async #reopen(): Promise<void> {
    this.#letGo();
    if (this.#random.below(2) === 0) await this.#close();
    // What the kernel was given is there, whether the process closed it or was killed.
    this.#system = this.#system.restart();
    await this.#open();
    await this.#readAll();
  }

  async #readAll(): Promise<void> {
    for (const name of this.#spaces) {
      const space = this.#spaceOf(name);
      const expected = this.#model.range(name);
      expect([...space.range()].map(([k, v]) => [text(k), text(v)])).toEqual(expected);
      for (const key of this.#keys) {
        expect(text(space.getSync(bytes(key)))).toBe(this.#model.get(name, key));
      }
    }
  }

  #key(): string {
    return this.#keys[this.#random.below(this.#keys.length)]!;
  }

  #value(): string {
    const random = this.#random;
    const length = random.below(20) === 0 ? random.below(6000) : random.below(60);
    return String.fromCharCode(32 + random.below(95)).repeat(length);
  }
}

function randomKeys(random: SeededRandomness): string[] {
  const kind = random.below(3);
  const count = 20 + random.below(200);
  const keys = new Set<string>();
  for (let i = 0; i < count; i++) {
    if (kind === 0) keys.add(`user:${String(random.below(1000)).padStart(8, '0')}`);
    else if (kind === 1) keys.add(text(random.bytes(random.below(6)))!);
    else keys.add('ab\u0000\u00ff'.charAt(random.below(4)).repeat(random.below(12)));
  }
  return [...keys];
}
