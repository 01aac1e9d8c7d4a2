/** Reads and writes of one keyspace; a database is its own default keyspace. */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { LsmError } from '../errors.ts';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../limits.ts';
import { MAX_EXPIRY_MS, NO_ENVELOPE, NO_EXPIRY } from '../expiry.ts';
import { TYPE_DELETION, TYPE_MERGE, TYPE_RANGE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { clearRange } from './clear-range.ts';
import { approximateBytes } from './approximate-size.ts';
import type { ValueRules } from '../value-rules.ts';
import type { Engine } from './engine.ts';
import {
  type KeyspaceOptions,
  type KeyspaceRules,
  NO_RULES,
  valueRules,
} from './keyspace-options.ts';
import { lowerBound, upperBound } from './range-bounds.ts';
import { Range, type RangeOptions } from './range.ts';
import type { NOT_CACHED } from './read-path.ts';
import { Snapshot } from './snapshot.ts';
import type { View } from './view.ts';

export interface ReadOptions {
  /** Reads what was there when the snapshot was taken. */
  readonly snapshot?: Snapshot | undefined;
  /** What time it is, in milliseconds since 1970, for values that expire. Default: that of the snapshot, or the clock's. */
  readonly nowMs?: number | undefined;
}

export interface WriteOptions {
  /** Waits until the write is on the disk: it survives the end of the machine. Without it, it survives the end of the process. */
  readonly sync?: boolean | undefined;
}

/** When a value expires, in a keyspace with a time to live: one of the two; Infinity for never. Default: the keyspace's. */
export interface ExpiryOptions {
  /** In milliseconds from now. */
  readonly ttlMs?: number | undefined;
  /** In milliseconds since 1970. At that very millisecond it is gone. */
  readonly expiresAtMs?: number | undefined;
}

export interface PutOptions extends WriteOptions, ExpiryOptions {}

const NO_VALUE: Uint8Array = new Uint8Array(0);

export class Keyspace {
  /** '' for the default keyspace. */
  readonly name: string;
  readonly #engine: Engine;
  /** What its keys begin with on the disk. */
  #prefix: Uint8Array;
  #isDropped = false;
  #rules: KeyspaceRules;
  /** The key of a read: the prefix, and behind it what the caller gave. */
  readonly #key: GrowingBytes;

  /** @internal */
  constructor(engine: Engine, name: string, prefix: Uint8Array) {
    this.#engine = engine;
    this.name = name;
    this.#prefix = prefix;
    this.#rules = engine.keyspaces.rules(name);
    this.#key = new GrowingBytes();
    this.#key.region.bytes.set(prefix);
  }

  /** @internal */
  isOf(engine: Engine): boolean {
    return engine === this.#engine;
  }

  // ---- reads

  /**
   * The value in memory of the caller's own, or undefined. The promise is resolved already where everything that the read needs is in memory. Small values are cut from a
   * shared slab of 32 KiB, as Node.js's own Buffers are: `value.buffer` is not the value alone. Rejects with LsmError CORRUPTION, IO_ERROR, CLOSED.
   */
  get(key: Uint8Array, options?: ReadOptions): Promise<Buffer | undefined> {
    try {
      const sequence = this.#readSequence(options);
      const end = this.#load(key);
      if (this.#rules !== NO_RULES) {
        const rules = this.valueRules(options)!;
        const view = this.#viewOf(options);
        return this.#engine.ruledReads.get(view, this.#key.region, end, sequence, rules);
      }
      return this.#engine.reads.get(this.#key.region, 0, end, sequence);
    } catch (error) {
      return rejected(error);
    }
  }

  /** The same, blocking for what is not in memory. Throws LsmError. */
  getSync(key: Uint8Array, options?: ReadOptions): Buffer | undefined {
    const sequence = this.#readSequence(options);
    const end = this.#load(key);
    if (this.#rules !== NO_RULES) {
      const rules = this.valueRules(options)!;
      const view = this.#viewOf(options);
      return this.#engine.ruledReads.getSync(view, this.#key.region, end, sequence, rules);
    }
    return this.#engine.reads.getSync(this.#key.region, 0, end, sequence);
  }

  /** The value, undefined where there is none, or NOT_CACHED where that can't be known without reading. Never waits. */
  peek(key: Uint8Array, options?: ReadOptions): Buffer | undefined | typeof NOT_CACHED {
    const sequence = this.#readSequence(options);
    const end = this.#load(key);
    if (this.#rules !== NO_RULES) {
      const rules = this.valueRules(options)!;
      const view = this.#viewOf(options);
      return this.#engine.ruledReads.peek(view, this.#key.region, end, sequence, rules);
    }
    return this.#engine.reads.peek(this.#key.region, 0, end, sequence);
  }

  /** Whether the key has a value. */
  hasSync(key: Uint8Array, options?: ReadOptions): boolean {
    if (this.#rules !== NO_RULES) return this.getSync(key, options) !== undefined;
    const sequence = this.#readSequence(options);
    const end = this.#load(key);
    return this.#engine.reads.hasSync(this.#key.region, 0, end, sequence);
  }

  async has(key: Uint8Array, options?: ReadOptions): Promise<boolean> {
    return (await this.get(key, options)) !== undefined;
  }

  /** The values of several keys as of one moment, in their order. */
  getManySync(keys: readonly Uint8Array[], options?: ReadOptions): (Buffer | undefined)[] {
    const sequence = this.#readSequence(options);
    const { reads, ruledReads } = this.#engine;
    const rules = this.valueRules(options);
    const view = this.#viewOf(options);
    return arrayOf(keys).map((key) => {
      const end = this.#load(key);
      const { region } = this.#key;
      if (rules !== undefined) return ruledReads.getSync(view, region, end, sequence, rules);
      return reads.getSync(region, 0, end, sequence);
    });
  }

  async getMany(
    keys: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<(Buffer | undefined)[]> {
    const sequence = this.#readSequence(options);
    const { reads, ruledReads } = this.#engine;
    const rules = this.valueRules(options);
    const view = this.#viewOf(options);
    // Those that wait copy their key and hold their view, so the scratch key is free for the next.
    return Promise.all(
      arrayOf(keys).map((key) => {
        const end = this.#load(key);
        const { region } = this.#key;
        if (rules !== undefined) return ruledReads.get(view, region, end, sequence, rules);
        return reads.get(region, 0, end, sequence);
      }),
    );
  }

  /**
   * When the key's value expires, in milliseconds since 1970: Infinity for never, undefined where there is no value. Blocks for what is not in memory. Throws LsmError
   * UNSUPPORTED where the keyspace has no time to live.
   */
  expiresAtSync(key: Uint8Array, options?: ReadOptions): number | undefined {
    const sequence = this.#readSequence(options);
    const end = this.#load(key);
    if (this.#rules.ttl === undefined) throw this.#noTtl();
    const rules = this.valueRules(options)!;
    const view = this.#viewOf(options);
    return this.#engine.ruledReads.expiresAtSync(view, this.#key.region, end, sequence, rules);
  }

  /**
   * The entries between two keys, in order. Nothing is read before it is iterated.
   *
   * ```ts
   * for (const [key, value] of users.range({ gte: from, lt: to, limit: 100 })) ...
   * for await (const [key, value] of users.range({ reverse: true })) ...
   * ```
   */
  range(options: RangeOptions = {}): Range {
    return new Range(this.#engine, this, options);
  }

  /**
   * Bytes that a range takes in tables, roughly, what was overwritten or deleted and not yet dropped included; what is in memory only is not. Blocks for indexes that
   * are not in memory. Throws LsmError.
   */
  approximateBytes(range: Pick<RangeOptions, 'gt' | 'gte' | 'lt' | 'lte'> = {}): number {
    this.#engine.checkOpen();
    const lower = lowerBound(this.prefix, range);
    const upper = upperBound(this.prefix, range);
    return approximateBytes(
      this.#engine,
      lower && { region: lower.region, start: 0, end: lower.length },
      upper && { region: upper.region, start: 0, end: upper.length },
    );
  }

  // ---- writes

  /**
   * Stores a value. Settles when it survives what `sync` says; reads see it from then on, and usually at once. Writes of one tick share one write to the log and one
   * promise, and happen in their order. Both arrays may be used again at once.
   *
   * Rejects with LsmError: DISK_FULL, POISONED, CLOSED, READ_ONLY, LIMIT for what is too long, OVERLOADED where 64 MiB of writes wait that nobody awaited.
   */
  put(key: Uint8Array, value: Uint8Array, options?: PutOptions): Promise<void> {
    return this.#write(TYPE_VALUE, key, value, options);
  }

  /**
   * Changes a value by the keyspace's merge operator, without reading it: readers and compactions do that. Rejects as `put`, and with LsmError UNSUPPORTED where the keyspace
   * has no merge operator.
   */
  merge(key: Uint8Array, operand: Uint8Array, options?: WriteOptions): Promise<void> {
    if (this.#rules.operator === undefined) return rejected(this.noOperator());
    return this.#write(TYPE_MERGE, key, operand, options);
  }

  /** The same, blocking. Throws LsmError. */
  mergeSync(key: Uint8Array, operand: Uint8Array, options?: WriteOptions): void {
    if (this.#rules.operator === undefined) throw this.noOperator();
    this.#writeSync(TYPE_MERGE, key, operand, options);
  }

  /** Removes a key; no error where it is not there. */
  delete(key: Uint8Array, options?: WriteOptions): Promise<void> {
    return this.#write(TYPE_DELETION, key, NO_VALUE, options);
  }

  /**
   * Removes all keys from `from` on and before `to`, by one entry however many there are. Needs format level 2: LevelDB has no such entries; `clear` does without.
   * Nothing happens where `to` is not behind `from`. Rejects as `put`, and with LsmError UNSUPPORTED at format level 1.
   */
  async deleteRange(from: Uint8Array, to: Uint8Array, options?: WriteOptions): Promise<void> {
    const { writes, settings } = this.#engine;
    const end = this.#rangeEnd(from, to);
    const refusal = writes.refusal(from.length + end.length);
    if (refusal !== undefined) throw refusal;
    if (Buffer.compare(from, to) >= 0) return;
    writes.add(TYPE_RANGE_DELETION, this.prefix, from, end);
    await writes.promise(options?.sync ?? settings.sync);
  }

  /** The same, blocking. Throws LsmError. */
  deleteRangeSync(from: Uint8Array, to: Uint8Array, options?: WriteOptions): void {
    const { writes, settings, writeFailure } = this.#engine;
    const end = this.#rangeEnd(from, to);
    if (writeFailure !== undefined) throw writeFailure;
    if (Buffer.compare(from, to) >= 0) return;
    writes.add(TYPE_RANGE_DELETION, this.prefix, from, end);
    writes.commitSync(options?.sync ?? settings.sync);
  }

  /** The whole key at which a range ends. */
  #rangeEnd(from: Uint8Array, to: Uint8Array): Uint8Array {
    checkEntry(from, NO_VALUE);
    checkEntry(to, NO_VALUE);
    this.#engine.checkLevel2('range deletions');
    return Buffer.concat([this.prefix, to]);
  }

  /**
   * Removes the keys of a range, of the whole keyspace by default, that are there now. Not at one moment: readers may see some of it gone, and a crash may leave
   * some; a key that is written meanwhile may go too. (At format level 2 one tombstone covers all, and it is at one moment.) Memory is bounded, and tables that
   * have nothing else are dropped. Rejects as `put`.
   */
  async clear(
    range: Pick<RangeOptions, 'gt' | 'gte' | 'lt' | 'lte'> = {},
    options?: WriteOptions,
  ): Promise<void> {
    const { settings, writeFailure } = this.#engine;
    if (writeFailure !== undefined) throw writeFailure;
    const { prefix } = this;
    const sync = options?.sync ?? settings.sync;
    await clearRange(this.#engine, lowerBound(prefix, range), upperBound(prefix, range), sync);
  }

  /** Stores a value, blocking: for as long as there is no room (write stall), and with `sync` for the disk. Throws LsmError. */
  putSync(key: Uint8Array, value: Uint8Array, options?: PutOptions): void {
    this.#writeSync(TYPE_VALUE, key, value, options);
  }

  deleteSync(key: Uint8Array, options?: WriteOptions): void {
    this.#writeSync(TYPE_DELETION, key, NO_VALUE, options);
  }

  #write(
    type: number,
    key: Uint8Array,
    value: Uint8Array,
    options: PutOptions | undefined,
  ): Promise<void> {
    const { writes, settings } = this.#engine;
    checkBytes(key, value);
    if (this.#isDropped) return rejected(this.#dropped());
    const refusal = writes.refusal(this.#prefix.length + key.length + value.length);
    if (refusal !== undefined) return rejected(refusal);
    try {
      checkLengths(key, value);
      const expiresAtMs = this.expiryOf(type, options);
      if (expiresAtMs === NO_ENVELOPE) writes.add(type, this.#prefix, key, value);
      else writes.addEnveloped(this.#prefix, key, value, expiresAtMs);
    } catch (error) {
      return rejected(error);
    }
    return writes.promise(options?.sync ?? settings.sync);
  }

  #writeSync(
    type: number,
    key: Uint8Array,
    value: Uint8Array,
    options: PutOptions | undefined,
  ): void {
    const { writes, settings, writeFailure } = this.#engine;
    checkBytes(key, value);
    if (this.#isDropped) throw this.#dropped();
    if (writeFailure !== undefined) throw writeFailure;
    checkLengths(key, value);
    const expiresAtMs = this.expiryOf(type, options);
    if (expiresAtMs === NO_ENVELOPE) writes.add(type, this.#prefix, key, value);
    else writes.addEnveloped(this.#prefix, key, value, expiresAtMs);
    writes.commitSync(options?.sync ?? settings.sync);
  }

  /** @internal When an entry that is written expires, NO_EXPIRY for never; NO_ENVELOPE where it is stored as it is. Throws LsmError UNSUPPORTED, RangeError. */
  expiryOf(type: number, options: ExpiryOptions | undefined): number {
    const { ttl } = this.#rules;
    const { ttlMs, expiresAtMs } = options ?? NO_EXPIRIES;
    if (ttl === undefined || type !== TYPE_VALUE) {
      if (ttlMs === undefined && expiresAtMs === undefined) return NO_ENVELOPE;
      throw this.#noTtl();
    }
    if (ttlMs !== undefined && expiresAtMs !== undefined) {
      throw new TypeError('ttlMs and expiresAtMs exclude each other');
    }
    if (expiresAtMs !== undefined) return checkExpiry(expiresAtMs);
    const lifeMs = ttlMs ?? ttl.defaultMs ?? Infinity;
    if (lifeMs === Infinity) return NO_EXPIRY;
    if (typeof lifeMs !== 'number') throw new TypeError('ttlMs must be a number');
    const { settings, clock } = this.#engine;
    if (settings.expiresByClock) return checkExpiry(clock.now() + lifeMs);
    throw new TypeError('without expiresByClock, expiresAtMs says when a value expires');
  }

  /** What it was told to do beyond keeping values. */
  get options(): KeyspaceOptions {
    const { mergeOperator, ttl, compactionFilter } = this.#rules;
    const filterPrefix = this.#engine.keyspaces.filterPrefixOf(this.name);
    return {
      ...(mergeOperator && { mergeOperator }),
      ...(ttl && { ttl }),
      ...(compactionFilter && { compactionFilter }),
      ...(filterPrefix && { filterPrefix }),
    };
  }

  /** @internal What is done with its entries beyond keeping them. */
  get rules(): KeyspaceRules {
    return this.#rules;
  }

  /** @internal How values are read at the moment; undefined where they are what is stored, and nothing but that is done with them. */
  valueRules(options: ReadOptions | undefined): ValueRules | undefined {
    if (this.#rules === NO_RULES) return undefined;
    const engine = this.#engine;
    const nowMs = options?.nowMs ?? options?.snapshot?.nowMs ?? engine.nowMs();
    return valueRules(this.#rules, nowMs, this.#prefix.length, engine.directory);
  }

  /** What is looked at by keyspaces that do more than keep values. */
  #viewOf(options: ReadOptions | undefined): View {
    return options?.snapshot?.view ?? this.#engine.view;
  }

  /** @internal */
  noOperator(): LsmError {
    const { directory } = this.#engine;
    return new LsmError('UNSUPPORTED', 'the keyspace has no merge operator', { path: directory });
  }

  #noTtl(): LsmError {
    const { directory } = this.#engine;
    return new LsmError('UNSUPPORTED', 'the keyspace has no time to live', { path: directory });
  }

  /** Checks that reads are possible, makes visible what was written before, and tells at which sequence to read. */
  #readSequence(options: ReadOptions | undefined): number {
    const engine = this.#engine;
    if (engine.isClosed) engine.checkOpen();
    if (this.#isDropped) throw this.#dropped();
    const snapshot = options?.snapshot;
    if (snapshot !== undefined) return Snapshot.sequenceOf(snapshot, engine);
    engine.writes.settle();
    return engine.lastSequence;
  }

  /** Puts a key behind the prefix; returns where it ends. */
  #load(key: Uint8Array): number {
    if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
    const prefixLength = this.#prefix.length;
    const end = prefixLength + key.length;
    if (end > this.#key.region.bytes.length) {
      this.#key.reserve(end);
      this.#key.region.bytes.set(this.#prefix);
    }
    this.#key.region.bytes.set(key, prefixLength);
    return end;
  }

  /** @internal What its keys begin with on the disk. Throws LsmError CLOSED where it was dropped. */
  get prefix(): Uint8Array {
    if (this.#isDropped) throw this.#dropped();
    return this.#prefix;
  }

  /** @internal The directory has become one with keyspaces. */
  usePrefix(prefix: Uint8Array): void {
    this.#prefix = prefix;
    this.useRules();
    this.#key.region.bytes.set(prefix);
  }

  /** @internal It was told to do something else. */
  useRules(): void {
    this.#rules = this.#engine.keyspaces.rules(this.name);
  }

  /** @internal */
  markDropped(): void {
    this.#isDropped = true;
  }

  #dropped(): LsmError {
    return new LsmError('CLOSED', `the keyspace ${this.name} was dropped`);
  }
}

const NO_EXPIRIES: ExpiryOptions = {};

/** A time at which something expires, as it is stored. Throws RangeError. */
function checkExpiry(expiresAtMs: number): number {
  if (expiresAtMs === Infinity) return NO_EXPIRY;
  const whole = typeof expiresAtMs === 'number' ? Math.ceil(expiresAtMs) : NaN;
  if (whole >= 1 && whole <= MAX_EXPIRY_MS) return whole;
  throw new RangeError(`${expiresAtMs} is no time at which a value can expire`);
}

function arrayOf(keys: readonly Uint8Array[]): readonly Uint8Array[] {
  if (!Array.isArray(keys)) throw new TypeError('keys must be an array');
  return keys;
}

/** Throws TypeError where it is no keyspace, or another database's, whose prefixes mean something else here. */
export function checkKeyspace(keyspace: Keyspace, engine: Engine): void {
  if (keyspace instanceof Keyspace && keyspace.isOf(engine)) return;
  throw new TypeError('keyspace must be one of the same database');
}

/** Throws TypeError, LsmError LIMIT. */
export function checkEntry(key: Uint8Array, value: Uint8Array): void {
  checkBytes(key, value);
  checkLengths(key, value);
}

function checkBytes(key: Uint8Array, value: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
  if (!(value instanceof Uint8Array)) throw new TypeError('value must be a Uint8Array');
}

function checkLengths(key: Uint8Array, value: Uint8Array): void {
  if (key.length <= MAX_KEY_BYTES && value.length <= MAX_VALUE_BYTES) return;
  const isKey = key.length > MAX_KEY_BYTES;
  throw new LsmError('LIMIT', isKey ? 'a key is too long' : 'a value is too long', {
    expected: `at most ${isKey ? MAX_KEY_BYTES : MAX_VALUE_BYTES} bytes`,
    found: isKey ? key.length : value.length,
  });
}

function rejected(error: unknown): Promise<never> {
  return Promise.reject(error);
}
