/**
 * An optimistic transaction: it reads and writes without locking anything, its writes stay with it until `commit`, and that stores them all or, where another has
 * written meanwhile what it relies on, throws LsmError CONFLICT and stores nothing.
 *
 * ```ts
 * const transaction = db.transaction();
 * const balance = Number(await transaction.getForUpdate(account));
 * transaction.put(account, Buffer.from(String(balance - 10)));
 * await transaction.commit({ sync: true });
 * ```
 *
 * What it relies on, and sees, is a matter of its isolation:
 *
 *   committed      reads see what others have committed by then; keys that it writes, or reads by `getForUpdate`, must not be written by others from then on
 *   snapshot       reads see the moment of its beginning; the same keys must not have been written since that
 *   serializable   as snapshot, and everything else that it has read, single keys and ranges, must not have been written either: what it does could have been
 *                  done at the moment of its commit
 *
 * In each it sees its own writes. Until it ends, nothing that was there at its beginning is dropped by compactions, so end it by `commit` or `rollback`.
 */
import type { Engine } from '../database/engine.ts';
import { type BatchWriteOptions, takePosition } from '../database/batch.ts';
import type { ExpiryOptions, Keyspace } from '../database/keyspace.ts';
import type { RangeOptions } from '../database/range.ts';
import { Snapshot } from '../database/snapshot.ts';
import type { SnapshotEntry } from '../database/snapshot-list.ts';
import { LsmError } from '../errors.ts';
import { COMMIT_RETRY_MS } from '../limits.ts';
import type { WriteBatch } from '../write-batch.ts';
import { Conflicts } from './conflicts.ts';
import { IndexedBatch, type IndexedBatchOptions, type Savepoint } from './indexed-batch.ts';
import type { OnLeft } from './overlay-iterator.ts';
import type { OverlayRange } from './overlay-range.ts';
import { TrackedReads } from './tracked-reads.ts';

export type Isolation = 'committed' | 'snapshot' | 'serializable';

export interface TransactionOptions extends IndexedBatchOptions {
  /** Default `committed`. */
  readonly isolation?: Isolation | undefined;
}

const DEFAULT_TRACKED_BYTES: number = 64 * 1024 * 1024;
const NOT_TRACKED: OnLeft = () => {};

export class Transaction {
  readonly isolation: Isolation;
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #batch: TransactionBatch;
  readonly #reads: TrackedReads;
  readonly #beginSequence: number;
  readonly #firstFileNumber: number;
  readonly #hold: SnapshotEntry;
  readonly #snapshot: Snapshot | undefined;
  #countedBytes = 0;
  #state: 'open' | 'committing' | 'ended' = 'open';

  /** @internal */
  constructor(engine: Engine, keyspace: Keyspace, options: TransactionOptions = {}) {
    engine.checkOpen();
    if (engine.writeFailure !== undefined) throw engine.writeFailure;
    const { isolation = 'committed', maxBytes = DEFAULT_TRACKED_BYTES } = options;
    if (!['committed', 'snapshot', 'serializable'].includes(isolation)) {
      throw new TypeError('isolation must be committed, snapshot or serializable');
    }
    engine.writes.settle();
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.isolation = isolation;
    this.#batch = new TransactionBatch(engine, keyspace, options);
    this.#reads = new TrackedReads(maxBytes);
    this.#beginSequence = engine.lastSequence;
    this.#firstFileNumber = engine.versions.nextFileNumber;
    const sinceUs = engine.clock.monotonicUs();
    this.#hold = engine.snapshots.add(this.#beginSequence, 'transaction', sinceUs);
    this.#snapshot = isolation === 'committed' ? undefined : new Snapshot(engine);
  }

  /** Writes so far. */
  get count(): number {
    return this.#batch.count;
  }

  // ---- reads

  /** The value, of the transaction's own or of the database. Rejects as `get` of a keyspace, and with LsmError LIMIT where more was read than can be kept track of. */
  async get(key: Uint8Array, keyspace: Keyspace = this.#keyspace): Promise<Buffer | undefined> {
    this.#checkOpen();
    if (this.isolation === 'serializable') this.#track(key, keyspace);
    return this.#batch.get(key, keyspace, { snapshot: this.#snapshot });
  }

  /** The same, blocking. */
  getSync(key: Uint8Array, keyspace: Keyspace = this.#keyspace): Buffer | undefined {
    this.#checkOpen();
    if (this.isolation === 'serializable') this.#track(key, keyspace);
    return this.#batch.getSync(key, keyspace, { snapshot: this.#snapshot });
  }

  /** As `get`; others may not write the key, from now on (or, but for isolation `committed`, since the transaction began), if this is to be committed. */
  async getForUpdate(
    key: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
  ): Promise<Buffer | undefined> {
    this.#checkOpen();
    this.#track(key, keyspace);
    return this.#batch.get(key, keyspace, { snapshot: this.#snapshot });
  }

  /** The same, blocking. */
  getForUpdateSync(key: Uint8Array, keyspace: Keyspace = this.#keyspace): Buffer | undefined {
    this.#checkOpen();
    this.#track(key, keyspace);
    return this.#batch.getSync(key, keyspace, { snapshot: this.#snapshot });
  }

  /** Entries with the transaction's own writes among them. `snapshot` of the options is not for here. */
  range(
    options: Omit<RangeOptions, 'snapshot'> = {},
    keyspace: Keyspace = this.#keyspace,
  ): OverlayRange {
    this.#checkOpen();
    const all = { ...options, snapshot: this.#snapshot };
    const isTracked = this.isolation === 'serializable';
    return this.#batch.trackedRange(all, keyspace, () => {
      this.#checkOpen();
      if (!isTracked) return NOT_TRACKED;
      const onLeft = this.#reads.addRange(keyspace.prefix, all, this.#knownUpTo());
      this.#count();
      return onLeft;
    });
  }

  // ---- writes

  /** Throws LsmError LIMIT where more was written than may be, CLOSED, UNSUPPORTED for a time to live where the keyspace has none. */
  put(
    key: Uint8Array,
    value: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
    options?: ExpiryOptions,
  ): this {
    this.#checkOpen();
    this.#track(key, keyspace);
    this.#batch.put(key, value, keyspace, options);
    this.#count();
    return this;
  }

  /** Changes a value by the keyspace's merge operator. Others must not have written the key, as for `put`. Throws LsmError UNSUPPORTED where it has none. */
  merge(key: Uint8Array, operand: Uint8Array, keyspace: Keyspace = this.#keyspace): this {
    this.#checkOpen();
    this.#track(key, keyspace);
    this.#batch.merge(key, operand, keyspace);
    this.#count();
    return this;
  }

  delete(key: Uint8Array, keyspace: Keyspace = this.#keyspace): this {
    this.#checkOpen();
    this.#track(key, keyspace);
    this.#batch.delete(key, keyspace);
    this.#count();
    return this;
  }

  /** To go back to. */
  savepoint(): Savepoint {
    this.#checkOpen();
    return this.#batch.savepoint();
  }

  /** Forgets the writes since the savepoint. What it relies on stays what it was. */
  rollbackTo(savepoint: Savepoint): this {
    this.#checkOpen();
    this.#batch.rollbackTo(savepoint);
    return this;
  }

  // ---- the end

  /**
   * Stores all writes at once, durable as `sync` says. Rejects with LsmError CONFLICT, and as `write` of a batch; then nothing was stored (POISONED apart). The transaction has
   * ended either way.
   */
  async commit(options?: BatchWriteOptions): Promise<void> {
    this.#beginCommit(options);
    const { writes, settings, timers } = this.#engine;
    const sync = options?.sync ?? settings.sync;
    try {
      for (;;) {
        if (this.#isValid()) {
          if (this.count === 0) return;
          const stored = writes.tryBatch(this.#batch.collected, sync);
          if (stored !== undefined) {
            this.#end();
            await stored;
            return;
          }
        }
        // Others' writes wait before it, or there is no room: what they do has to be looked at before it is its turn.
        await new Promise<void>((resolve) => timers.hold(COMMIT_RETRY_MS, resolve));
      }
    } finally {
      this.#end();
    }
  }

  /** The same, blocking. Throws LsmError. */
  commitSync(options?: BatchWriteOptions): void {
    this.#beginCommit(options);
    const { writes, settings, background } = this.#engine;
    const sync = options?.sync ?? settings.sync;
    try {
      for (;;) {
        if (this.#isValid()) {
          if (this.count === 0 || writes.tryBatchSync(this.#batch.collected, sync)) return;
        }
        background.wait();
      }
    } finally {
      this.#end();
    }
  }

  /** Forgets everything. No error where it has ended already. */
  rollback(): void {
    if (this.#state === 'committing') throw new TypeError('the transaction is being committed');
    this.#end();
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  /** False where others' writes have to be stored first. Throws LsmError CONFLICT, and why nothing can be written. */
  #isValid(): boolean {
    const engine = this.#engine;
    if (engine.writeFailure !== undefined) throw engine.writeFailure;
    engine.writes.settle();
    if (engine.writes.isWaiting) return false;
    this.#reads.check(new Conflicts(engine, this.#beginSequence, this.#firstFileNumber));
    return true;
  }

  #beginCommit(options: BatchWriteOptions | undefined): void {
    this.#checkOpen();
    takePosition(this.#engine, this.#batch.collected, options?.position);
    this.#state = 'committing';
  }

  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#snapshot?.close();
    this.#engine.snapshots.remove(this.#hold);
    this.#engine.budget.release(this.#countedBytes);
  }

  #track(key: Uint8Array, keyspace: Keyspace): void {
    if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
    this.#reads.addKey(keyspace.prefix, key, this.#knownUpTo());
    this.#count();
  }

  /** Writes behind this sequence are not seen by a read of now. */
  #knownUpTo(): number {
    if (this.isolation !== 'committed') return this.#beginSequence;
    this.#engine.writes.settle();
    return this.#engine.lastSequence;
  }

  /** Tells the budget of the memory that it has. */
  #count(): void {
    const bytes = this.#batch.memoryBytes + this.#reads.sizeBytes;
    if (bytes === this.#countedBytes) return;
    const { budget } = this.#engine;
    budget.force(bytes);
    budget.release(this.#countedBytes);
    this.#countedBytes = bytes;
  }

  #checkOpen(): void {
    if (this.#state !== 'open') throw new LsmError('CLOSED', 'the transaction has ended');
    this.#engine.checkOpen();
  }
}

/** What a transaction stores itself. */
class TransactionBatch extends IndexedBatch {
  get collected(): WriteBatch {
    return this.records;
  }
}
