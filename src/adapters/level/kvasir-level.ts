/**
 * `KvasirLevel`: an abstract-level database on the disk engine, in the place of classic-level's `ClassicLevel`. The same options, methods, error codes and
 * directory: one import line changes, and can be changed back. docs/level.md tells the differences.
 *
 * abstract-level checks arguments, encodes, and keeps the order of opening and closing; methods that begin with an underscore are what it calls.
 */
import path from 'node:path';
import { AbstractLevel, type AbstractSnapshot } from 'abstract-level';
import type { Engine } from '../../lsm/database/engine.ts';
import { NO_RULES } from '../../lsm/database/keyspace-options.ts';
import { openEngine } from '../../lsm/database/open-engine.ts';
import { LsmError } from '../../lsm/errors.ts';
import { realSystem } from '../../os/system.ts';
import { LevelChainedBatch } from './chained-batch.ts';
import { destroyDatabase } from './destroy.ts';
import { bytesOf, type Format, type Formatted } from './formats.ts';
import { type Entry, LevelIterator, LevelKeyIterator, LevelValueIterator } from './iterators.ts';
import { levelError, notOpenError } from './level-error.ts';
import { type DatabaseOptions, engineOptions, type OpenOptions } from './options.ts';
import { propertyOf } from './properties.ts';
import { type LevelRange, rangeOf } from './ranges.ts';
import { repairDatabase } from './repair.ts';
import { LevelSnapshot } from './snapshot.ts';
import { type Later, type Operation, Store } from './store.ts';
import type {
  BatchOperation,
  BatchOptions,
  DelOptions,
  GetManyOptions,
  GetOptions,
  HasManyOptions,
  HasOptions,
  Iterator,
  IteratorOptions,
  KeyIterator,
  KeyIteratorOptions,
  PutOptions,
  StartEndOptions,
  ValueIterator,
  ValueIteratorOptions,
} from './types.ts';
import { type Take, Walk, type WalkOptions } from './walk.ts';

interface Reading {
  readonly valueEncoding: Format;
  readonly snapshot?: AbstractSnapshot | null;
}

interface Writing {
  readonly sync?: boolean;
}

type Item = Formatted | undefined;
type WithSnapshot<T> = T & { readonly snapshot?: AbstractSnapshot | null };

/** abstract-level's own methods with the options that they take here beyond its own: types alone. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface KvasirLevel<KDefault, VDefault> {
  open(options?: OpenOptions): Promise<void>;
  get(key: KDefault): Promise<VDefault | undefined>;
  get<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): Promise<V | undefined>;
  getSync(key: KDefault): VDefault | undefined;
  getSync<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): V | undefined;
  getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>;
  getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: GetManyOptions<K, V>,
  ): Promise<(V | undefined)[]>;
  has(key: KDefault): Promise<boolean>;
  has<K = KDefault>(key: K, options: HasOptions<K>): Promise<boolean>;
  hasMany(keys: KDefault[]): Promise<boolean[]>;
  hasMany<K = KDefault>(keys: K[], options: HasManyOptions<K>): Promise<boolean[]>;
  put(key: KDefault, value: VDefault): Promise<void>;
  put<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): Promise<void>;
  del(key: KDefault): Promise<void>;
  del<K = KDefault>(key: K, options: DelOptions<K>): Promise<void>;
  batch(operations: BatchOperation<this, KDefault, VDefault>[]): Promise<void>;
  batch<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): Promise<void>;
  batch(): LevelChainedBatch<this, KDefault, VDefault>;
  iterator(): Iterator<this, KDefault, VDefault>;
  iterator<K = KDefault, V = VDefault>(options: IteratorOptions<K, V>): Iterator<this, K, V>;
  keys(): KeyIterator<this, KDefault>;
  keys<K = KDefault>(options: KeyIteratorOptions<K>): KeyIterator<this, K>;
  values(): ValueIterator<this, KDefault, VDefault>;
  values<K = KDefault, V = VDefault>(
    options: ValueIteratorOptions<K, V>,
  ): ValueIterator<this, K, V>;
}

export class KvasirLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  readonly #location: string;
  #store: Store | undefined = undefined;

  /** `location`: the database's directory. */
  constructor(location: string, options?: DatabaseOptions<KDefault, VDefault>) {
    checkLocation(location);
    super(
      {
        encodings: { buffer: true, utf8: true, view: true },
        has: true,
        createIfMissing: true,
        errorIfExists: true,
        explicitSnapshots: true,
        getSync: true,
        additionalMethods: { approximateSize: true, compactRange: true },
        signals: { iterators: true },
      } as object,
      options,
    );
    this.#location = location;
  }

  get location(): string {
    return this.#location;
  }

  /** Bytes of tables that the keys from `start` to, but not with, `end` take, roughly. What is in memory yet is not counted. */
  async approximateSize<K = KDefault>(
    start: K,
    end: K,
    options?: StartEndOptions<K>,
  ): Promise<number> {
    checkRange(start, end);
    if (this.status === 'opening') {
      return this.deferAsync(() => this.approximateSize(start, end, options));
    }
    const store = this.#open(': cannot call approximateSize()');
    const [gte, lt] = this.#encodeRange(start, end, options);
    try {
      return store.database.approximateBytes({ gte, lt });
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Compacts the tables that have keys from `start` to `end`: what was overwritten or deleted gives its room back. */
  async compactRange<K = KDefault>(start: K, end: K, options?: StartEndOptions<K>): Promise<void> {
    checkRange(start, end);
    if (this.status === 'opening') {
      return this.deferAsync(() => this.compactRange(start, end, options));
    }
    const store = this.#open(': cannot call compactRange()');
    const [gte, lte] = this.#encodeRange(start, end, options);
    try {
      await store.while(store.database.compact({ gte, lte }));
    } catch (error) {
      throw levelError(error);
    }
  }

  /** What LevelDB tells of itself; '' for a property that is unknown. Throws where the database is not open. */
  getProperty(property: string): string {
    if (typeof property !== 'string') {
      throw new TypeError("The first argument 'property' must be a string");
    }
    return propertyOf(this.#open('').engine, property);
  }

  /** Removes the database in a directory, and the directory where nothing else is in it. */
  static async destroy(location: string): Promise<void> {
    checkLocation(location);
    try {
      await destroyDatabase(path.resolve(location), realSystem());
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Saves what can be saved of a damaged database, and makes a table of its log. What was replaced is in its folder `lost` afterwards. */
  static async repair(location: string): Promise<void> {
    checkLocation(location);
    try {
      await repairDatabase(path.resolve(location), realSystem());
    } catch (error) {
      throw levelError(error);
    }
  }

  // ---- what abstract-level calls

  async _open(options: OpenOptions): Promise<void> {
    try {
      const engine = await openEngine(path.resolve(this.#location), engineOptions(options));
      await checkPlain(engine);
      this.#store = new Store(engine);
    } catch (error) {
      throw levelError(error);
    }
  }

  async _close(): Promise<void> {
    await this.#store!.close();
    this.#store = undefined;
  }

  _get(key: Formatted, options: Reading): Later<Formatted | undefined> {
    return this.#store!.get(key, options.valueEncoding, LevelSnapshot.of(options.snapshot));
  }

  _getSync(key: Formatted, options: Reading): Formatted | undefined {
    return this.#store!.getSync(key, options.valueEncoding, LevelSnapshot.of(options.snapshot));
  }

  _getMany(keys: readonly Formatted[], options: Reading): Later<(Formatted | undefined)[]> {
    return this.#store!.getMany(keys, options.valueEncoding, LevelSnapshot.of(options.snapshot));
  }

  _has(key: Formatted, options: Reading): Later<boolean> {
    return this.#store!.has(key, LevelSnapshot.of(options.snapshot));
  }

  _hasMany(keys: readonly Formatted[], options: Reading): Later<boolean[]> {
    return this.#store!.hasMany(keys, LevelSnapshot.of(options.snapshot));
  }

  _put(key: Formatted, value: Formatted, options: Writing): Promise<void> {
    return this.#store!.put(key, value, options.sync === true);
  }

  _del(key: Formatted, options: Writing): Promise<void> {
    return this.#store!.del(key, options.sync === true);
  }

  _batch(operations: readonly Operation[], options: Writing): Promise<void> {
    return this.#store!.batch(operations, options.sync === true);
  }

  _chainedBatch(): LevelChainedBatch<this, KDefault, VDefault> {
    return new LevelChainedBatch(this, this.#store!);
  }

  _clear(options: WithSnapshot<LevelRange>): Promise<void> {
    return this.#store!.clear(rangeOf(options, LevelSnapshot.of(options.snapshot)));
  }

  _iterator(options: WithSnapshot<WalkOptions>): LevelIterator<this, KDefault, VDefault> {
    const take = (key: Item, value: Item): Entry => [key, value];
    return new LevelIterator(this, options, this.#walk(options, take));
  }

  _keys(options: WithSnapshot<WalkOptions>): LevelKeyIterator<this, KDefault> {
    const walk = this.#walk({ ...options, keys: true, values: false }, (key) => key);
    return new LevelKeyIterator(this, options, walk);
  }

  _values(options: WithSnapshot<WalkOptions>): LevelValueIterator<this, KDefault, VDefault> {
    const walk = this.#walk({ ...options, keys: false, values: true }, (_, value) => value);
    return new LevelValueIterator(this, options, walk);
  }

  #walk<T>(options: WithSnapshot<WalkOptions>, take: Take<T>): Walk<T> {
    return new Walk(this.#store!, options, LevelSnapshot.of(options.snapshot), take);
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(this.#store!.database.snapshot(), options);
  }

  // ---- arguments

  #open(what: string): Store {
    if (this.status !== 'open') throw notOpenError(what);
    return this.#store!;
  }

  #encodeRange<K>(
    start: K,
    end: K,
    options: StartEndOptions<K> | undefined,
  ): [start: Uint8Array, end: Uint8Array] {
    const encoding = this.keyEncoding(options?.keyEncoding as never) as unknown as {
      encode(key: K): Formatted;
    };
    return [bytesOf(encoding.encode(start)), bytesOf(encoding.encode(end))];
  }
}

/** Values that are not simply what is stored are for `kvasir/lsm`. */
async function checkPlain(engine: Engine): Promise<void> {
  if (engine.keyspaces.rules('') === NO_RULES) return;
  const { directory } = engine;
  await engine.close();
  const problem = 'the database has a merge operator, a time to live or a compaction filter';
  throw new LsmError('UNSUPPORTED', problem, { path: directory });
}

function checkLocation(location: unknown): void {
  if (typeof location === 'string' && location !== '') return;
  throw new TypeError("The first argument 'location' must be a non-empty string");
}

function checkRange(start: unknown, end: unknown): void {
  if (start !== undefined && end !== undefined) return;
  throw new TypeError("The arguments 'start' and 'end' are required");
}
