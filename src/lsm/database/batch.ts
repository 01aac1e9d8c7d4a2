/**
 * Writes that happen together: after a crash all of them are there or none. Collects them in memory outside the JavaScript heap.
 *
 * ```ts
 * const batch = db.batch();
 * batch.put(key, value);
 * batch.put(email, key, emails); // in another keyspace of the same database
 * batch.delete(old);
 * await batch.write({ sync: true });
 * ```
 */
import { addEnveloped } from '../enveloped-entry.ts';
import { envelopeBytes, NO_ENVELOPE } from '../expiry.ts';
import { TYPE_DELETION, TYPE_MERGE, TYPE_RANGE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { WriteBatch } from '../write-batch.ts';
import type { Engine } from './engine.ts';
import {
  checkEntry,
  checkKeyspace,
  type ExpiryOptions,
  type Keyspace,
  type WriteOptions,
} from './keyspace.ts';

export interface BatchWriteOptions extends WriteOptions {
  /**
   * Of a database whose log is its owner's (`externalLog`): where that log is behind what the batch does. An integer, no smaller than that of the batch before. It is stored
   * with the batch, so that `position` is behind it after a recovery if, and only if, the batch is there. A batch that was refused (DISK_FULL, OVERLOADED) is written
   * again before any with a later position: that one would tell of both.
   */
  readonly position?: number | undefined;
}

const NO_VALUE: Uint8Array = new Uint8Array(0);

export class Batch {
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  /** @internal */
  protected readonly records: WriteBatch = new WriteBatch();

  /** @internal */
  constructor(engine: Engine, keyspace: Keyspace) {
    this.#engine = engine;
    this.#keyspace = keyspace;
    if (keyspace.prefix.length === 0) engine.keyspaces.stayRaw();
  }

  /** Entries so far. */
  get count(): number {
    return this.records.count;
  }

  /** Bytes that it takes in memory and in the log. */
  get sizeBytes(): number {
    return this.records.sizeBytes;
  }

  /** Copies key and value. Throws TypeError for the keyspace of another database, LsmError LIMIT, with the batch as it was; UNSUPPORTED for a time to live where the keyspace has none. */
  put(
    key: Uint8Array,
    value: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
    options?: ExpiryOptions,
  ): this {
    this.#check(keyspace);
    const expiresAtMs = keyspace.expiryOf(TYPE_VALUE, options);
    if (expiresAtMs === NO_ENVELOPE) this.#add(TYPE_VALUE, key, value, keyspace);
    else {
      const { prefix } = keyspace;
      checkEntry(key, value);
      addEnveloped(this.records, prefix, key, value, expiresAtMs);
      const valueLength = envelopeBytes(expiresAtMs) + value.length;
      this.added(TYPE_VALUE, prefix.length + key.length, valueLength);
    }
    return this;
  }

  /** Changes a value by the keyspace's merge operator. Throws LsmError UNSUPPORTED where it has none. */
  merge(key: Uint8Array, operand: Uint8Array, keyspace: Keyspace = this.#keyspace): this {
    this.#check(keyspace);
    if (keyspace.rules.operator === undefined) throw keyspace.noOperator();
    this.#add(TYPE_MERGE, key, operand, keyspace);
    return this;
  }

  delete(key: Uint8Array, keyspace: Keyspace = this.#keyspace): this {
    this.#check(keyspace);
    this.#add(TYPE_DELETION, key, NO_VALUE, keyspace);
    return this;
  }

  /** Removes all keys from `from` on and before `to`. Needs format level 2: throws LsmError UNSUPPORTED at level 1. */
  deleteRange(from: Uint8Array, to: Uint8Array, keyspace: Keyspace = this.#keyspace): this {
    this.#check(keyspace);
    this.#engine.checkLevel2('range deletions');
    checkEntry(to, NO_VALUE);
    const end = Buffer.concat([keyspace.prefix, to]);
    if (Buffer.compare(from, to) < 0) this.#add(TYPE_RANGE_DELETION, from, end, keyspace);
    return this;
  }

  /** Forgets what was collected, and keeps the memory. */
  clear(): this {
    this.records.clear();
    return this;
  }

  /**
   * Writes what was collected, as it is now; it stays, so `clear` before the batch is used for something else. Rejects as `put` of a keyspace. Throws TypeError and RangeError for
   * a position that cannot be.
   */
  write(options?: BatchWriteOptions): Promise<void> {
    const { writes, settings } = this.#engine;
    takePosition(this.#engine, this.records, options?.position);
    const refusal = writes.refusal(this.records.sizeBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    try {
      return writes.writeBatch(this.records, options?.sync ?? settings.sync);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, blocking. Throws LsmError. */
  writeSync(options?: BatchWriteOptions): void {
    const { writes, settings } = this.#engine;
    takePosition(this.#engine, this.records, options?.position);
    writes.writeBatchSync(this.records, options?.sync ?? settings.sync);
  }

  #check(keyspace: Keyspace): void {
    if (keyspace !== this.#keyspace) checkKeyspace(keyspace, this.#engine);
  }

  #add(type: number, key: Uint8Array, value: Uint8Array, keyspace: Keyspace): void {
    checkEntry(key, value);
    const { prefix } = keyspace;
    const batch = this.records;
    batch.reserve(type, prefix.length + key.length, value.length);
    const { bytes } = batch.region;
    if (prefix.length > 0) bytes.set(prefix, batch.keyAt);
    bytes.set(key, batch.keyAt + prefix.length);
    bytes.set(value, batch.valueAt);
    this.added(type, prefix.length + key.length, value.length);
  }

  /** @internal An entry was added, of which `records` knows where it is. */
  protected added(_type: number, _keyLength: number, _valueLength: number): void {}
}

/** @internal Gives a batch its position. Throws TypeError, RangeError. */
export function takePosition(
  engine: Engine,
  records: WriteBatch,
  position: number | undefined,
): void {
  records.position = 0;
  if (position === undefined) return;
  if (engine.position === undefined) {
    throw new TypeError('positions are for databases with externalLog');
  }
  engine.position.give(position);
  records.position = position;
}
