/**
 * The way of a write:
 *
 *   1. It is added to the group, a batch that all writes of a tick share, and gets the group's promise.
 *   2. At the end of the tick (or when the group is large, or a synchronous write or a read needs it) the group is stored as one batch: its sequences
 *      are given, the log gets it in one write, the memtable gets its entries, and readers see them.
 *   3. Who asked for `sync` waits for a sync of the log. One is under way at a time, and the next is for all that arrived meanwhile.
 *
 * A group that finds no room waits; its promise is pending, and a synchronous write blocks. A group whose write fails is as if it had never been.
 */
import { FileError } from '../../os/file-system.ts';
import { BatchReader } from '../batch-reader.ts';
import { addEnveloped } from '../enveloped-entry.ts';
import { fromFileError, LsmError } from '../errors.ts';
import {
  DIRECT_BATCH_BYTES,
  GROUP_BYTES,
  MAX_MEMTABLE_BYTES,
  MAX_WAITING_BYTES,
} from '../limits.ts';
import { Memtable } from '../memtable/memtable.ts';
import type { WriteAheadLog } from '../wal/write-ahead-log.ts';
import { BATCH_HEADER_BYTES, WriteBatch } from '../write-batch.ts';
import { Deferred } from './deferred.ts';
import type { Engine } from './engine.ts';
import { POSITION_ENTRY_BYTES } from './external-position.ts';

/** What came of a batch. */
const STORED = 0;
const WAITS = 1;
const FAILED = 2;

interface SyncWaiter {
  readonly sequence: number;
  readonly deferred: Deferred;
}

export class WritePath {
  /** Groups stored, and entries in them. */
  groups = 0;
  readonly #engine: Engine;
  readonly #group = new WriteBatch(GROUP_BYTES);
  readonly #reader = new BatchReader();
  /** Promises of the group, once somebody asked for them. */
  #written: Deferred | undefined = undefined;
  #synced: Deferred | undefined = undefined;
  #isScheduled = false;
  /** Why the last batch FAILED. */
  #error: LsmError | undefined = undefined;
  #syncWaiters: SyncWaiter[] = [];
  #isSyncing = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  // ---- asynchronous writes

  /** Why nothing can be added, undefined where it can. */
  refusal(sizeBytes: number): LsmError | undefined {
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) return failure;
    if (this.#group.sizeBytes + sizeBytes <= MAX_WAITING_BYTES) return undefined;
    if (this.#group.count === 0 || this.#commit() !== WAITS) return undefined;
    return new LsmError('OVERLOADED', 'more writes wait than may: await them', {
      expected: `at most ${MAX_WAITING_BYTES} bytes`,
      found: this.#group.sizeBytes + sizeBytes,
    });
  }

  /** Adds an entry of the key `prefix` + `key`. Throws LsmError LIMIT. */
  add(type: number, prefix: Uint8Array, key: Uint8Array, value: Uint8Array): void {
    const group = this.#group;
    group.reserve(type, prefix.length + key.length, value.length);
    const { bytes } = group.region;
    if (prefix.length > 0) bytes.set(prefix, group.keyAt);
    bytes.set(key, group.keyAt + prefix.length);
    bytes.set(value, group.valueAt);
  }

  /** Adds a value in the envelope of keyspaces with a time to live (expiry.ts). Throws LsmError LIMIT. */
  addEnveloped(prefix: Uint8Array, key: Uint8Array, value: Uint8Array, expiresAtMs: number): void {
    addEnveloped(this.#group, prefix, key, value, expiresAtMs);
  }

  /** Of what was added last, and of everything before it. */
  promise(sync: boolean): Promise<void> {
    if (this.#group.sizeBytes >= GROUP_BYTES) {
      const deferred = this.#deferred(sync);
      this.#commit();
      return deferred.promise;
    }
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(this.#endOfTick);
    }
    return this.#deferred(sync).promise;
  }

  /** Writes a whole batch, which may be used again when this returns. Throws LsmError LIMIT. */
  writeBatch(batch: WriteBatch, sync: boolean): Promise<void> {
    if (batch.count === 0) return sync ? this.sync() : Promise.resolve();
    const stored = batch.sizeBytes >= DIRECT_BATCH_BYTES ? this.tryBatch(batch, sync) : undefined;
    if (stored !== undefined) return stored;
    this.#group.append(batch);
    return this.promise(sync);
  }

  /** Writes a whole batch by itself if that can be here and now; undefined where it would have to wait, behind others or for room. */
  tryBatch(batch: WriteBatch, sync: boolean): Promise<void> | undefined {
    if (this.#commit() === WAITS) return undefined;
    const outcome = this.#store(batch);
    if (outcome === WAITS) return undefined;
    if (outcome === FAILED) return Promise.reject(this.#error!);
    const deferred = new Deferred();
    this.#settle(sync ? undefined : deferred, sync ? deferred : undefined);
    return deferred.promise;
  }

  // ---- synchronous writes

  /** Stores everything that was added, and syncs it if asked to. Blocks for as long as there is no room. Throws LsmError. */
  commitSync(sync: boolean): void {
    this.#storeSync(undefined);
    if (sync) this.#syncNow();
  }

  /** The same for a whole batch. */
  writeBatchSync(batch: WriteBatch, sync: boolean): void {
    this.#storeSync(undefined);
    this.#storeSync(batch);
    if (sync) this.#syncNow();
  }

  /** As `tryBatch`, with a blocking sync: false where it would have to wait. Throws LsmError. */
  tryBatchSync(batch: WriteBatch, sync: boolean): boolean {
    if (this.#commit() === WAITS) return false;
    const outcome = this.#store(batch);
    if (outcome === FAILED) throw this.#error!;
    if (outcome === STORED && sync) this.#syncNow();
    return outcome === STORED;
  }

  /** What was added before is visible to reads from now on, unless it waits for room. */
  settle(): void {
    if (this.#group.count > 0) this.#commit();
  }

  get isWaiting(): boolean {
    return this.#group.count > 0;
  }

  /** Everything that was written is durable when this settles. */
  async sync(): Promise<void> {
    if (this.#group.count > 0) {
      await this.promise(true);
      return;
    }
    const deferred = new Deferred();
    this.#settle(undefined, deferred);
    await deferred.promise;
  }

  /** There may be room again. */
  readonly retry = (): void => {
    if (this.#group.count > 0) this.#commit();
  };

  /** Rejects what waits. */
  fail(error: LsmError): void {
    this.#rejectGroup(error);
    const waiters = this.#syncWaiters;
    this.#syncWaiters = [];
    for (const { deferred } of waiters) deferred.reject(error);
  }

  // ---- storing

  readonly #endOfTick = (): void => {
    this.#isScheduled = false;
    if (this.#group.count > 0) this.#commit();
  };

  #deferred(sync: boolean): Deferred {
    if (sync) return (this.#synced ??= new Deferred());
    return (this.#written ??= new Deferred());
  }

  /** Stores the group, if it has anything, and settles its promises; a failure is theirs. */
  #commit(): number {
    const group = this.#group;
    if (group.count === 0) return STORED;
    const outcome = this.#store(group);
    if (outcome === WAITS) return WAITS;
    if (outcome === FAILED) {
      this.#rejectGroup(this.#error!);
      return FAILED;
    }
    group.clear();
    const written = this.#written;
    const synced = this.#synced;
    this.#written = undefined;
    this.#synced = undefined;
    this.#settle(written, synced);
    return STORED;
  }

  #rejectGroup(error: LsmError): void {
    const written = this.#written;
    const synced = this.#synced;
    this.#written = undefined;
    this.#synced = undefined;
    this.#group.clear();
    written?.reject(error);
    synced?.reject(error);
  }

  #settle(written: Deferred | undefined, synced: Deferred | undefined): void {
    if (written !== undefined) {
      const { turn } = this.#engine;
      if (turn.isLong()) turn.next(written.resolve);
      else written.resolve();
    }
    if (synced !== undefined) {
      this.#syncWaiters.push({ sequence: this.#engine.lastSequence, deferred: synced });
      this.#startSync();
    }
  }

  /** `batch`: undefined for the group. */
  #storeSync(batch: WriteBatch | undefined): void {
    for (;;) {
      const failure = this.#engine.writeFailure;
      if (failure !== undefined) throw failure;
      const outcome = batch === undefined ? this.#commit() : this.#store(batch);
      if (outcome === STORED) return;
      if (outcome === FAILED) throw this.#error!;
      this.#engine.background.wait();
    }
  }

  #store(batch: WriteBatch): number {
    const engine = this.#engine;
    engine.background.poll();
    try {
      if (engine.writeFailure !== undefined) throw engine.writeFailure;
      if (!this.#makeRoom(batch)) return WAITS;
      batch.seal(engine.lastSequence + 1);
      this.#log(batch);
      this.#insert(batch);
    } catch (error) {
      this.#error = this.#asLsmError(error);
      return FAILED;
    }
    this.groups++;
    return STORED;
  }

  /** What callers are told. What is no known failure leaves nobody knows what behind. */
  #asLsmError(error: unknown): LsmError {
    const known = fromFileError(error);
    return known instanceof LsmError ? known : this.#engine.poison('a write failed', error);
  }

  /** False where the batch has to wait for a flush or compaction. Throws LsmError, FileError. */
  #makeRoom(batch: WriteBatch): boolean {
    const { memtables, stall, position } = this.#engine;
    const isExternal = position !== undefined;
    const count = batch.count + (isExternal ? 1 : 0);
    const kept = isExternal ? POSITION_ENTRY_BYTES : 0;
    const payloadBytes = batch.sizeBytes - BATCH_HEADER_BYTES + kept;
    if (stall.isSlowedDown(payloadBytes)) return false;
    if (memtables.active.memtable.canTake(count, payloadBytes)) return true;
    const capacity = Memtable.capacityFor(count, payloadBytes);
    if (capacity > MAX_MEMTABLE_BYTES) {
      throw new LsmError('LIMIT', 'a batch is too large for any memtable', {
        expected: `at most ${MAX_MEMTABLE_BYTES} bytes with its index`,
        found: capacity,
      });
    }
    if (memtables.active.memtable.entries === 0) {
      this.#engine.enlarge(capacity);
      return true;
    }
    if (stall.isStopped()) {
      // It waits for a flush, which waits for room on the disk.
      if (this.#engine.fullDisk !== undefined) throw this.#engine.fullDisk;
      return false;
    }
    this.#engine.rotate(capacity);
    return true;
  }

  #log(batch: WriteBatch): void {
    const log = this.#engine.logs.current;
    if (log === undefined) return;
    try {
      log.append(batch.region, 0, batch.sizeBytes);
      log.write();
      this.#engine.stats.logBytes += batch.sizeBytes;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      try {
        log.cutBack();
      } catch (second) {
        throw this.#engine.poison('a failed write could not be taken back', second);
      }
      const failure = fromFileError(error) as LsmError;
      if (failure.code === 'DISK_FULL') throw failure;
      throw this.#engine.poison('a write to the log failed', error);
    }
  }

  #insert(batch: WriteBatch): void {
    const engine = this.#engine;
    const { memtable } = engine.memtables.active;
    const reader = this.#reader;
    const { region } = batch;
    reader.open(region, 0, batch.sizeBytes);
    while (reader.next()) {
      const { keyStart, keyEnd, sequence, type, valueStart, valueEnd } = reader;
      if (!memtable.add(region, keyStart, keyEnd, sequence, type, region, valueStart, valueEnd)) {
        throw engine.poison('a memtable was full although there was room', undefined);
      }
    }
    engine.lastSequence += batch.count;
    if (batch.position > 0) engine.position?.reach(batch.position);
    engine.stats.entriesWritten += batch.count;
    engine.stats.bytesWritten += batch.sizeBytes - BATCH_HEADER_BYTES;
  }

  // ---- syncing

  #startSync(): void {
    if (this.#isSyncing || this.#syncWaiters.length === 0) return;
    const { logs } = this.#engine;
    const log = logs.current;
    if (log === undefined) {
      // How durable it is, is a matter of the owner's log.
      this.#synchronised(this.#engine.lastSequence);
      return;
    }
    this.#isSyncing = true;
    logs.isSynced = true;
    const mark = log.writtenSequence;
    syncAhead(log).then(
      () => {
        this.#isSyncing = false;
        this.#engine.stats.syncs++;
        this.#synchronised(mark);
        this.#startSync();
      },
      (error: unknown) => {
        this.#isSyncing = false;
        this.#engine.poison('a sync of the log failed', error);
      },
    );
  }

  #syncNow(): void {
    const { logs, stats } = this.#engine;
    const log = logs.current;
    if (log === undefined) return;
    logs.isSynced = true;
    try {
      log.zeroAhead();
      log.sync();
    } catch (error) {
      throw this.#engine.poison('a sync of the log failed', error);
    }
    stats.syncs++;
    this.#synchronised(log.writtenSequence);
  }

  #synchronised(sequence: number): void {
    const waiters = this.#syncWaiters;
    let count = 0;
    while (count < waiters.length && waiters[count]!.sequence <= sequence) count++;
    if (count === 0) return;
    this.#syncWaiters = waiters.slice(count);
    for (let i = 0; i < count; i++) waiters[i]!.deferred.resolve();
  }
}

async function syncAhead(log: WriteAheadLog): Promise<void> {
  log.zeroAhead();
  await log.syncAsync();
}
