/**
 * The open database of a KvasirLevel: reads, writes and ranges in abstract-level's formats, over the engine.
 *
 * A read that finds everything in memory gives its value, not a promise of one; abstract-level awaits either. Only the others, and whatever takes long,
 * are counted, so that closing waits for them.
 */
import type { Batch } from '../../lsm/database/batch.ts';
import { Database } from '../../lsm/database/database.ts';
import type { Engine } from '../../lsm/database/engine.ts';
import type { RangeOptions } from '../../lsm/database/range.ts';
import type { RangeIterator } from '../../lsm/database/range-iterator.ts';
import { NOT_CACHED } from '../../lsm/database/read-path.ts';
import type { Snapshot } from '../../lsm/database/snapshot.ts';
import { BLOCKED, END } from '../../lsm/cursor.ts';
import { bytesOf, type Format, type Formatted } from './formats.ts';
import { levelError } from './level-error.ts';
import { CLEAR_BATCH_BYTES, CLEAR_SLICE, KEPT_BATCH_BYTES } from './limits.ts';
import { PointReads } from './point-reads.ts';

/** One operation of a batch, as abstract-level prepares it. */
export interface Operation {
  readonly type: 'put' | 'del';
  readonly key: Formatted;
  readonly value?: Formatted;
}

/** There already, or on its way. */
export type Later<T> = T | Promise<T>;

export class Store {
  readonly engine: Engine;
  readonly database: Database;
  readonly #points: PointReads;
  #batch: Batch;
  /** Reads and other work that close waits for. */
  #pending = 0;
  #onIdle: (() => void) | undefined = undefined;

  constructor(engine: Engine) {
    this.engine = engine;
    this.database = new Database(engine);
    this.#points = new PointReads(engine);
    this.#batch = this.database.batch();
  }

  // ---- reads

  getSync(key: Formatted, format: Format, snapshot: Snapshot | undefined): Formatted | undefined {
    try {
      return this.#points.getSync(key, format, snapshot);
    } catch (error) {
      throw levelError(error);
    }
  }

  get(
    key: Formatted,
    format: Format,
    snapshot: Snapshot | undefined,
  ): Later<Formatted | undefined> {
    const value = this.#peek(key, format, snapshot);
    return value === NOT_CACHED ? this.#load(key, format, snapshot) : this.inTurn(value);
  }

  getMany(
    keys: readonly Formatted[],
    format: Format,
    snapshot: Snapshot | undefined,
  ): Later<(Formatted | undefined)[]> {
    return this.#many<Formatted | undefined>(
      keys,
      (key) => this.#peek(key, format, snapshot),
      (key) => this.#load(key, format, snapshot),
    );
  }

  has(key: Formatted, snapshot: Snapshot | undefined): Later<boolean> {
    const isThere = this.#peekHas(key, snapshot);
    return isThere === NOT_CACHED ? this.#loadHas(key, snapshot) : this.inTurn(isThere);
  }

  hasMany(keys: readonly Formatted[], snapshot: Snapshot | undefined): Later<boolean[]> {
    return this.#many<boolean>(
      keys,
      (key) => this.#peekHas(key, snapshot),
      (key) => this.#loadHas(key, snapshot),
    );
  }

  /** All as of now: what is loaded is read as of the call too, whatever is written meanwhile. */
  #many<T>(
    keys: readonly Formatted[],
    peek: (key: Formatted) => T | typeof NOT_CACHED,
    load: (key: Formatted) => Promise<T>,
  ): Later<T[]> {
    const answers: T[] = [];
    const loads: Promise<void>[] = [];
    for (const [i, key] of keys.entries()) {
      const answer = peek(key);
      if (answer !== NOT_CACHED) answers[i] = answer;
      else loads.push(load(key).then((loaded) => void (answers[i] = loaded)));
    }
    return loads.length === 0 ? this.inTurn(answers) : Promise.all(loads).then(() => answers);
  }

  #peek(
    key: Formatted,
    format: Format,
    snapshot: Snapshot | undefined,
  ): Formatted | undefined | typeof NOT_CACHED {
    try {
      return this.#points.peek(key, format, snapshot);
    } catch (error) {
      throw levelError(error);
    }
  }

  #peekHas(key: Formatted, snapshot: Snapshot | undefined): boolean | typeof NOT_CACHED {
    try {
      return this.#points.peekHas(key, snapshot);
    } catch (error) {
      throw levelError(error);
    }
  }

  async #loadHas(key: Formatted, snapshot: Snapshot | undefined): Promise<boolean> {
    return (await this.#load(key, 'buffer', snapshot)) !== undefined;
  }

  async #load(
    key: Formatted,
    format: Format,
    snapshot: Snapshot | undefined,
  ): Promise<Formatted | undefined> {
    try {
      return await this.while(this.#points.load(key, format, snapshot));
    } catch (error) {
      throw levelError(error);
    }
  }

  // ---- writes

  async put(key: Formatted, value: Formatted, sync: boolean): Promise<void> {
    const keyBytes = bytesOf(key);
    const valueBytes = bytesOf(value);
    try {
      this.#makeRoom(keyBytes.length + valueBytes.length);
      await this.database.put(keyBytes, valueBytes, { sync });
    } catch (error) {
      throw levelError(error);
    }
  }

  async del(key: Formatted, sync: boolean): Promise<void> {
    const bytes = bytesOf(key);
    try {
      this.#makeRoom(bytes.length);
      await this.database.delete(bytes, { sync });
    } catch (error) {
      throw levelError(error);
    }
  }

  async batch(operations: readonly Operation[], sync: boolean): Promise<void> {
    const batch = this.#batch;
    batch.clear();
    for (const operation of operations) addTo(batch, operation);
    const written = this.write(batch, sync);
    if (batch.sizeBytes > KEPT_BATCH_BYTES) this.#batch = this.database.batch();
    await written;
  }

  /** Writes a batch, which may be used again at once. */
  async write(batch: Batch, sync: boolean): Promise<void> {
    try {
      this.#makeRoom(batch.sizeBytes);
      await batch.write({ sync });
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Where more waits than may, because nobody awaits it, the caller waits here: abstract-level knows no writes that are refused for that. */
  #makeRoom(sizeBytes: number): void {
    const { writes } = this.engine;
    if (writes.refusal(sizeBytes)?.code === 'OVERLOADED') writes.commitSync(false);
  }

  // ---- ranges

  iterator(range: RangeOptions): RangeIterator {
    try {
      return this.database.range(range).iterator();
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Deletes what a range has now, or had at the snapshot: entry by entry, in several batches, as LevelDB does. */
  async clear(range: RangeOptions): Promise<void> {
    const isWhole = range.limit === Infinity && range.snapshot === undefined;
    try {
      // The engine leaves tables out that it can drop.
      if (isWhole) await this.while(this.database.clear(range));
      else await this.while(this.#clear(this.iterator(range)));
    } catch (error) {
      throw levelError(error);
    }
  }

  async #clear(iterator: RangeIterator): Promise<void> {
    const { turn } = this.engine;
    const batch = this.database.batch();
    try {
      for (;;) {
        const status = iterator.step();
        if (status === BLOCKED) {
          await iterator.load();
          continue;
        }
        if (status !== END) {
          batch.delete(iterator.keyBytes.subarray(iterator.keyStart, iterator.keyEnd));
          if (batch.count % CLEAR_SLICE === 0 && turn.isLongNow()) await turn.passed();
          if (batch.sizeBytes < CLEAR_BATCH_BYTES) continue;
        }
        await batch.write();
        batch.clear();
        if (status === END) return;
      }
    } finally {
      iterator.close();
    }
  }

  // ---- the event loop, and closing

  /** A result that is there; now and then through the event loop, which a program that only awaits such would never let turn. */
  inTurn<T>(result: T): Later<T> {
    return this.engine.turn.isLong() ? this.afterTurn(result) : result;
  }

  afterTurn<T>(result: T): Promise<T> {
    return this.while(this.engine.turn.passed().then(() => result));
  }

  /** Counts work until it has settled, and passes it on. */
  async while<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
      if (this.#pending === 0) this.#onIdle?.();
    }
  }

  /** Waits for everything that was begun. */
  async close(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    try {
      await this.database.close();
    } catch (error) {
      throw levelError(error);
    }
  }
}

export function addTo(batch: Batch, { type, key, value }: Operation): void {
  try {
    if (type === 'del') batch.delete(bytesOf(key));
    else batch.put(bytesOf(key), bytesOf(value!));
  } catch (error) {
    throw levelError(error);
  }
}
