/**
 * A batch that can be read before it is written: what it puts, merges and deletes, laid over the database.
 *
 * ```ts
 * const batch = db.indexedBatch();
 * batch.put(key, value);
 * batch.getSync(key); // value
 * for (const [key, value] of batch.range()) ...
 * await batch.write();
 * ```
 *
 * Nothing of it is in the database before `write`, which other writers may come before: for reads that must still be true then there are transactions.
 */
import type { ReadOptions } from '../database/keyspace.ts';
import type { Engine } from '../database/engine.ts';
import { Batch } from '../database/batch.ts';
import type { Keyspace } from '../database/keyspace.ts';
import type { RangeOptions } from '../database/range.ts';
import { BatchReader } from '../batch-reader.ts';
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { LsmError } from '../errors.ts';
import { TYPE_DELETION, TYPE_MERGE } from '../internal-key.ts';
import { MAX_INDEXED_BATCH_BYTES } from '../limits.ts';
import { EXPIRED } from '../value-rules.ts';
import type { WriteBatch } from '../write-batch.ts';
import { KeyIndex } from './key-index.ts';
import type { OnLeft, Overlay } from './overlay-iterator.ts';
import { OverlayRange } from './overlay-range.ts';
import { mergeOwn, type OwnOperands, ownOperands } from './own-operands.ts';

/** A state of a batch that it can go back to. */
export interface Savepoint {
  readonly count: number;
  readonly sizeBytes: number;
}

export interface IndexedBatchOptions {
  /** Of records and index together; the memory that they lie in may be twice as much. Default 64 MiB, at most 1 GiB. */
  readonly maxBytes?: number | undefined;
}

export class IndexedBatch extends Batch {
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #maxBytes: number;
  readonly #overlay: MutableOverlay;
  readonly #key = new GrowingBytes();
  /** Behind the last entry. */
  #end: Savepoint;

  /** @internal */
  constructor(engine: Engine, keyspace: Keyspace, options: IndexedBatchOptions = {}) {
    super(engine, keyspace);
    const { maxBytes = DEFAULT_BYTES } = options;
    if (!(maxBytes >= MIN_BYTES && maxBytes <= MAX_INDEXED_BATCH_BYTES)) {
      throw new RangeError(`maxBytes must be ${MIN_BYTES} to ${MAX_INDEXED_BATCH_BYTES}`);
    }
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.#maxBytes = maxBytes;
    this.#overlay = { records: this.records, index: new KeyIndex(), generation: 0 };
    this.#end = this.savepoint();
  }

  /** Bytes of memory that it has, outside the heap. */
  get memoryBytes(): number {
    return this.records.region.bytes.length + this.#overlay.index.sizeBytes;
  }

  /** The value that the key would have if the batch were written now. Rejects as `get` of a keyspace. */
  get(
    key: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
    options?: ReadOptions,
  ): Promise<Buffer | undefined> {
    try {
      if (!this.#find(key, keyspace)) return keyspace.get(key, options);
      if (this.#overlay.index.type === TYPE_MERGE) return this.#getMerged(key, keyspace, options);
      return Promise.resolve(this.#found(keyspace, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, blocking. Throws LsmError. */
  getSync(
    key: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
    options?: ReadOptions,
  ): Buffer | undefined {
    if (!this.#find(key, keyspace)) return keyspace.getSync(key, options);
    if (this.#overlay.index.type !== TYPE_MERGE) return this.#found(keyspace, options);
    const own = this.#operands();
    const stored = own.isBaseKnown ? undefined : keyspace.getSync(key, options);
    const { region, length } = this.#key;
    return mergeOwn(own, keyspace.valueRules(options)!, region, length, stored);
  }

  /** Whether the batch itself says anything of the key. */
  touches(key: Uint8Array, keyspace: Keyspace = this.#keyspace): boolean {
    return this.#find(key, keyspace);
  }

  /** Entries as they would be if the batch were written now. Iterators see database and batch as they were when they were made. */
  range(options: RangeOptions = {}, keyspace: Keyspace = this.#keyspace): OverlayRange {
    return new OverlayRange(this.#engine, keyspace, options, this.#overlay);
  }

  /** Not in batches that are read: throws LsmError UNSUPPORTED. */
  override deleteRange(): this {
    throw new LsmError('UNSUPPORTED', 'an indexed batch has no range deletions');
  }

  /** @internal */
  trackedRange(options: RangeOptions, keyspace: Keyspace, begin: () => OnLeft): OverlayRange {
    return new OverlayRange(this.#engine, keyspace, options, this.#overlay, begin);
  }

  /** To go back to later. */
  savepoint(): Savepoint {
    return { count: this.count, sizeBytes: this.sizeBytes };
  }

  /** Forgets what came after the savepoint, which must be of this batch and not behind another one that was gone back to. Iterators end. */
  rollbackTo({ count, sizeBytes }: Savepoint): this {
    if (count > this.count || sizeBytes > this.sizeBytes) {
      throw new RangeError('the savepoint is none of this batch, or was taken back');
    }
    if (count === this.count) return this;
    this.records.cutTo(sizeBytes, count);
    this.#forget();
    const { records } = this;
    const { index } = this.#overlay;
    records.seal(1);
    const reader = new BatchReader();
    reader.open(records.region, 0, records.sizeBytes);
    while (reader.next()) {
      const { region, keyStart, keyEnd, type, valueStart, valueEnd } = reader;
      index.add(region, keyStart, keyEnd, type, valueStart, valueEnd - valueStart);
    }
    return this;
  }

  /** Forgets everything. Iterators end. */
  override clear(): this {
    super.clear();
    this.#forget();
    return this;
  }

  /** @internal */
  protected override added(type: number, keyLength: number, valueLength: number): void {
    const { records } = this;
    const { index } = this.#overlay;
    const { keyAt, valueAt, region } = records;
    index.add(region, keyAt, keyAt + keyLength, type, valueAt, valueLength);
    const usedBytes = records.sizeBytes + index.usedBytes;
    if (usedBytes > this.#maxBytes) {
      this.rollbackTo(this.#end);
      const place = { expected: `at most ${this.#maxBytes} bytes`, found: usedBytes };
      throw new LsmError('LIMIT', 'more is written than may be held in memory', place);
    }
    this.#end = this.savepoint();
  }

  #forget(): void {
    this.#overlay.index = new KeyIndex();
    this.#overlay.generation++;
    this.#end = this.savepoint();
  }

  #find(key: Uint8Array, { prefix }: Keyspace): boolean {
    const whole = this.#key;
    const length = prefix.length + key.length;
    whole.reserve(length);
    whole.region.bytes.set(prefix);
    whole.region.bytes.set(key, prefix.length);
    whole.length = length;
    return this.#overlay.index.find(whole.region, 0, length);
  }

  #found(keyspace: Keyspace, options: ReadOptions | undefined): Buffer | undefined {
    const { type, first, second } = this.#overlay.index;
    if (type === TYPE_DELETION) return undefined;
    const { region } = this.records;
    const end = first + second;
    const start = keyspace.valueRules(options)?.valueStart(region, first, end) ?? first;
    return start === EXPIRED ? undefined : this.#engine.copies.copy(region, start, end);
  }

  /** Of the key that was found. */
  #operands(): OwnOperands {
    const { index } = this.#overlay;
    const { region, length } = this.#key;
    return ownOperands(index, this.records, region, length, index.foundVersion);
  }

  async #getMerged(
    key: Uint8Array,
    keyspace: Keyspace,
    options: ReadOptions | undefined,
  ): Promise<Buffer> {
    const own = this.#operands();
    const rules = keyspace.valueRules(options)!;
    const whole = new GrowingBytes();
    whole.set(this.#key.region, 0, this.#key.length);
    const stored = own.isBaseKnown ? undefined : await keyspace.get(key, options);
    return mergeOwn(own, rules, whole.region, whole.length, stored);
  }
}

interface MutableOverlay extends Overlay {
  readonly records: WriteBatch;
  index: KeyIndex;
  generation: number;
}

const MIB = 1024 * 1024;
const DEFAULT_BYTES: number = 64 * MIB;
/** A batch has some room from its beginning on. */
const MIN_BYTES: number = 16 * 1024;
