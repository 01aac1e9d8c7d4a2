/**
 * A store for use inside a program: strings or bytes to strings or bytes, with times to live and counters, outside the JavaScript heap. One keyspace of
 * the engine; clock and hash key are its arguments.
 *
 * There is no timer: each call removes a few keys that are due and does a little background work, so that a program that
 * uses the store needs nothing else and one that is done can end. `tidy` does more of it, for when there is time.
 */
import { parseInteger, writeInteger } from '../bytes/integer.ts';
import { Region } from '../bytes/region.ts';
import { NONE, type Ref } from './arena.ts';
import { MemoryEngine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';

/** Text is stored as UTF-8. */
export type Bytes = string | Uint8Array;

export interface MemoryStoreOptions {
  /** The time in milliseconds since the epoch: `Date.now`, or a test's clock. */
  now: () => number;
  /** At least 8 random bytes that nobody outside can know: then nobody can choose keys that make the store slow. */
  hashKey: Uint8Array;
  /** Upper bound of the bytes taken for records; by default and at most 32 GiB. */
  maxBytes?: number;
}

export interface SetOptions {
  /** Milliseconds, more than 0, after which the key is gone. Without it the key stays. */
  ttlMs?: number;
}

/** Due keys removed, and units of background work done, by one call. */
const DUE_A_CALL = 8;
const UNITS_A_CALL = 16;
/** `tidy` moves records together where pages hold this many bytes more than records, and a tenth more. */
const WASTE_BYTES = 1024 * 1024;
const WASTE_PART = 0.1;
/** The longest text of a safe integer, with its sign. */
const INTEGER_BYTES = 17;

/**
 * ```ts
 * import { randomBytes } from 'node:crypto';
 * import { MemoryStore } from 'kvasir/memory';
 *
 * const store = new MemoryStore({ now: Date.now, hashKey: randomBytes(16) });
 * store.set('user:1', 'Ada', { ttlMs: 60_000 });
 * store.getString('user:1'); // 'Ada'
 * store.increment('visits'); // 1
 * for (const key of store.keys()) console.log(key);
 * ```
 *
 * Calls that store throw EngineFullError (`code` 'ENGINE_FULL') where memory does not suffice and RangeError for a key or value of more than
 * 1023 MiB, with nothing changed.
 */
export class MemoryStore {
  readonly #engine: MemoryEngine;
  readonly #keyspace: Keyspace;
  readonly #now: () => number;
  readonly #key: Scratch = new Scratch();
  readonly #value: Scratch = new Scratch();
  readonly #digits: Region = Region.allocate(32);
  #hash = 0;

  constructor(options: MemoryStoreOptions) {
    this.#now = options.now;
    this.#engine = new MemoryEngine({
      hashKey: options.hashKey,
      random: () => 0, // nothing is sampled here: no eviction, no random key
      ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    });
    this.#keyspace = this.#engine.createKeyspace();
  }

  /** The value in memory of its own, or undefined. */
  get(key: Bytes): Uint8Array | undefined {
    const ref = this.#find(key);
    return ref === NONE ? undefined : this.#engine.copyValue(ref);
  }

  /** The value as text, or undefined. */
  getString(key: Bytes): string | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString();
  }

  has(key: Bytes): boolean {
    return this.#find(key) !== NONE;
  }

  /** Stores a value; a time to live that the key had ends. */
  set(key: Bytes, value: Bytes, options: SetOptions = {}): void {
    const { ttlMs } = options;
    if (ttlMs !== undefined) checkTtl(ttlMs);
    const ref = this.#find(key);
    const { region, length } = this.#value.load(value);
    const stored = this.#store(ref, region, length);
    this.#value.release();
    if (ttlMs !== undefined) this.#keyspace.setExpiry(stored, this.#engine.now + ttlMs);
    else if (this.#engine.isVolatile(stored)) this.#keyspace.clearExpiry(stored);
  }

  /** True when the key was there. */
  delete(key: Bytes): boolean {
    const ref = this.#find(key);
    if (ref === NONE) return false;
    this.#keyspace.remove(this.#hash, ref);
    return true;
  }

  /**
   * Adds `by`, an integer, to the integer that the value is in decimal text (0 where the key is absent) and returns the sum. A time to live stays.
   * Throws TypeError where the value or `by` is no safe integer, RangeError where the sum is none.
   */
  increment(key: Bytes, by = 1): number {
    if (!Number.isSafeInteger(by)) throw new TypeError('by must be a safe integer');
    const ref = this.#find(key);
    const before = ref === NONE ? 0 : this.#integer(ref);
    if (!Number.isSafeInteger(before)) throw new TypeError('the value is not a safe integer');
    const sum = before + by;
    if (!Number.isSafeInteger(sum)) throw new RangeError('the sum is not a safe integer');
    this.#store(ref, this.#digits, writeInteger(this.#digits.bytes, 0, sum));
    return sum;
  }

  /** Milliseconds that the key has left, Infinity where it stays; undefined where there is no such key. */
  ttlMs(key: Bytes): number | undefined {
    const ref = this.#find(key);
    if (ref === NONE) return undefined;
    const expiry = this.#engine.expiry(ref);
    return expiry < 0 ? Infinity : expiry - this.#engine.now;
  }

  /** Gives a key a time to live in ms (Infinity: it stays); false where there is no such key. */
  expire(key: Bytes, ttlMs: number): boolean {
    if (ttlMs !== Infinity) checkTtl(ttlMs);
    const ref = this.#find(key);
    if (ref === NONE) return false;
    if (ttlMs !== Infinity) this.#keyspace.setExpiry(ref, this.#engine.now + ttlMs);
    else if (this.#engine.isVolatile(ref)) this.#keyspace.clearExpiry(ref);
    return true;
  }

  /** Keys; those that are due are removed first. */
  get size(): number {
    this.#engine.now = this.#now();
    this.#removeDue(Infinity);
    return this.#keyspace.size;
  }

  /** Bytes in use, exact: records, index, times to live. */
  get usedBytes(): number {
    return this.#engine.usedBytes;
  }

  /** Removes all keys: at once to the caller, while memory is freed bit by bit. */
  clear(): void {
    this.#keyspace.clear();
  }

  /**
   * Keys and values, in no order. The store may change meanwhile: a key that is there all the time comes at least once (twice is possible when many
   * others come or go), one that comes or goes may come or not.
   */
  *entries(): IterableIterator<[Uint8Array, Uint8Array]> {
    const engine = this.#engine;
    const found: [Uint8Array, Uint8Array][] = [];
    let cursor = 0;
    do {
      this.#tick();
      cursor = this.#keyspace.scan(cursor, (ref) => {
        if (!engine.isExpired(ref)) found.push([engine.copyKey(ref), engine.copyValue(ref)]);
      });
      yield* found;
      found.length = 0;
    } while (cursor !== 0);
  }

  /** The keys as text, as `entries` gives them. */
  *keys(): IterableIterator<string> {
    const engine = this.#engine;
    const found: string[] = [];
    let cursor = 0;
    do {
      this.#tick();
      cursor = this.#keyspace.scan(cursor, (ref) => {
        if (!engine.isExpired(ref)) found.push(Buffer.from(engine.copyKey(ref)).toString());
      });
      yield* found;
      found.length = 0;
    } while (cursor !== 0);
  }

  [Symbol.iterator](): IterableIterator<[Uint8Array, Uint8Array]> {
    return this.entries();
  }

  /**
   * Background work of about `units` records: removes keys that are due, frees what was cleared, moves records together where much memory lies between
   * them. True when some is left. No need to call it; a program that has time may.
   */
  tidy(units = 1000): boolean {
    const engine = this.#engine;
    engine.now = this.#now();
    const isMoreDue = this.#removeDue(units);
    const waste = engine.reservedBytes - engine.usedBytes;
    if (waste > WASTE_BYTES && waste > engine.usedBytes * WASTE_PART) engine.defragment(true);
    return engine.step(units) || isMoreDue;
  }

  /** The key's record unless it is due; its hash and bytes are kept for the rest of the call. */
  #find(key: Bytes): Ref {
    this.#tick();
    const { region, length } = this.#key.load(key);
    this.#hash = this.#keyspace.hash(region, 0, length);
    const ref = this.#keyspace.find(this.#hash, region, 0, length);
    if (ref === NONE || !this.#engine.isExpired(ref)) return ref;
    this.#keyspace.remove(this.#hash, ref);
    return NONE;
  }

  /** Puts `[0, length)` of `region` in `ref`, or in a new record for the key that was looked for. */
  #store(ref: Ref, region: Region, length: number): Ref {
    const hash = this.#hash;
    if (ref !== NONE) return this.#keyspace.replace(hash, ref, 0, 0, region, 0, length);
    const key = this.#key;
    return this.#keyspace.insert(hash, key.region, 0, key.length, 0, 0, region, 0, length);
  }

  #integer(ref: Ref): number {
    const engine = this.#engine;
    const length = engine.valueLength(ref);
    if (length > INTEGER_BYTES) return NaN;
    const start = engine.valueStart(ref);
    return parseInteger(engine.segment(ref).bytes, start, start + length);
  }

  #tick(): void {
    this.#engine.now = this.#now();
    this.#removeDue(DUE_A_CALL);
    this.#engine.step(UNITS_A_CALL);
  }

  /** Removes up to `count` due keys; true when more are due. */
  #removeDue(count: number): boolean {
    const keyspace = this.#keyspace;
    const { now } = this.#engine;
    for (let left = count; keyspace.nextExpiry < now; left--) {
      if (left === 0) return true;
      keyspace.removeRef(keyspace.firstVolatile());
    }
    return false;
  }
}

function checkTtl(ttlMs: number): void {
  if (!(ttlMs > 0 && ttlMs < Infinity)) throw new TypeError('ttlMs must be more than 0');
}

/** Text of up to this many UTF-16 units is encoded into memory that is used again. */
const SHORT_TEXT = 4096;

/** What a caller passed, as a region: bytes are taken where they are. */
class Scratch {
  readonly #text: Region = Region.allocate(SHORT_TEXT * 3); // UTF-8 takes at most three bytes for a unit
  readonly #buffer: Buffer = Buffer.from(this.#text.bytes.buffer);
  region: Region = this.#text;
  length = 0;

  load(input: Bytes): this {
    if (typeof input === 'string' && input.length <= SHORT_TEXT) {
      this.region = this.#text;
      this.length = this.#buffer.write(input, 'utf8');
      return this;
    }
    const bytes = typeof input === 'string' ? Buffer.from(input, 'utf8') : input;
    this.region = new Region(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    return this;
  }

  /** Lets go of what the caller passed. */
  release(): void {
    this.region = this.#text;
  }
}
