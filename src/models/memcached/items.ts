/**
 * What memcached's commands do to a Redis database: an item is a string with client flags and a CAS. Three protocols share this; it knows the
 * format of none.
 *
 * A call works on the key that `find` was given last. Every change goes through the model's log, as commands that a Redis understands, and
 * tells watchers and keyspace events, as a Redis command would.
 *
 * A key that holds something else than a string is not found by who reads, and there for who writes: `add` and `append` are refused, `set`
 * replaces it, as SET does.
 */
import { Region } from '../../bytes/region.ts';
import { latin1 } from '../../bytes/resp-request.ts';
import {
  compare64,
  parseDecimal64,
  type Unsigned64,
  writeDecimal64,
} from '../../bytes/unsigned64.ts';
import { type Keyspace, LookAhead, type MemoryEngine, type Ref } from '../../memory/index.ts';
import type { Database } from '../redis/database.ts';
import { FULL, makeRoom } from '../redis/eviction.ts';
import type { RedisModel } from '../redis/model.ts';
import { EVENT } from '../redis/notify.ts';
import { STRING_ENCODING, STRING_MARKS, TYPE } from '../redis/types.ts';
import { touchAllWatched } from '../redis/watch.ts';
import { AT_ONCE, NEVER } from './expiry-time.ts';
import type { MemcachedOptions } from './options.ts';
import { Statistics } from './statistics.ts';

/** What became of a request to store. */
export const STORED = 0;
export const NOT_STORED = 1;
export const EXISTS = 2;
export const NOT_FOUND = 3;
export const NO_MEMORY = 4;
/** The value is no number. */
export const NON_NUMERIC = 5;

export const MODE = { set: 0, add: 1, replace: 2, append: 3, prepend: 4, cas: 5 } as const;

/** Redis has no name for what happened. */
const NO_EVENT = 0;

/** A number's digits: 2^64 has 20. */
const NUMBER_BYTES = 20;

/** What a request to store asks for beside key and value; a request sets what it wants and calls `reset` afterwards. */
export class StoreTerms {
  /** The CAS that the item must have. */
  hasCas = false;
  casHigh = 0;
  casLow = 0;
  /** A lower CAS than the item's stores the value all the same, as stale. */
  acceptsStale = false;
  /** Append and prepend make an item where there is none. */
  vivifies = false;
  /** The CAS that the item gets. */
  hasOwnCas = false;
  ownHigh = 0;
  ownLow = 0;

  reset(): void {
    this.hasCas = false;
    this.acceptsStale = false;
    this.vivifies = false;
    this.hasOwnCas = false;
  }
}

export class Items {
  readonly model: RedisModel;
  readonly db: Database;
  readonly keys: Keyspace;
  readonly engine: MemoryEngine;
  readonly options: MemcachedOptions;
  readonly statistics: Statistics = new Statistics();
  readonly terms: StoreTerms = new StoreTerms();
  /** Keys that `find` is about to be given; who adds them ends it before their bytes change. */
  readonly ahead: LookAhead;
  /** The record of the key that was looked for, of whatever type; after a change the changed one; NONE (0). */
  ref: Ref = 0;
  /** Is told of each look at a key, while somebody watches. */
  onFind: ((region: Region, start: number, end: number, ref: Ref) => void) | undefined = undefined;
  /** What `add` made of a number: the number and its digits. */
  readonly digits: Region = Region.allocate(24);
  digitCount = 0;
  readonly number: Unsigned64 = { high: 0, low: 0 };
  #region: Region = this.digits;
  #start = 0;
  #end = 0;
  #hash = 0;

  constructor(model: RedisModel, db: Database, options: MemcachedOptions) {
    this.model = model;
    this.db = db;
    this.keys = db.keys;
    this.ahead = new LookAhead(db.keys);
    this.engine = model.engine;
    this.options = options;
  }

  // ---- reading

  /** Looks for a key; an expired one is deleted. The string's record, or NONE: `ref` says whether something else is there. */
  find(region: Region, start: number, end: number): Ref {
    const { keys, engine } = this;
    this.#region = region;
    this.#start = start;
    this.#end = end;
    const hash = this.ahead.hash(region, start, end);
    this.#hash = hash;
    let ref = keys.find(hash, region, start, end);
    if (ref !== 0 && engine.isVolatile(ref) && this.model.expireIfDue(this.db, ref)) {
      this.statistics.getExpired++;
      ref = 0;
    }
    this.ref = ref;
    const item = ref !== 0 && engine.type(ref) === TYPE.string ? ref : 0;
    if (this.onFind !== undefined) this.onFind(region, start, end, item);
    return item;
  }

  /** As `find`, and counts the hit or miss of a read, which `touches` the item. */
  read(region: Region, start: number, end: number, touches: boolean): Ref {
    const ref = this.find(region, start, end);
    const { stats } = this.model;
    if (ref === 0) {
      stats.keyspaceMisses++;
      this.statistics.getMisses++;
      this.#notify(EVENT.keyMiss, 'keymiss');
    } else {
      stats.keyspaceHits++;
      this.statistics.getHits++;
      if (touches) this.use(ref);
    }
    return ref;
  }

  /** Notes that an item was read. */
  use(ref: Ref): void {
    this.engine.touch(ref);
    this.engine.markFetched(ref);
  }

  isStale(ref: Ref): boolean {
    return (this.engine.encoding(ref) & STRING_MARKS.stale) !== 0;
  }

  /** Whether somebody was told to renew the item. */
  isWon(ref: Ref): boolean {
    return (this.engine.encoding(ref) & STRING_MARKS.won) !== 0;
  }

  /** The two halves of the item's CAS; 0 where CASs are turned off. */
  casHigh(ref: Ref): number {
    return this.options.hasCas ? this.keys.casHigh(ref) : 0;
  }

  casLow(ref: Ref): number {
    return this.options.hasCas ? this.keys.casLow(ref) : 0;
  }

  /** Whether the item has just this CAS. */
  hasCas(ref: Ref, high: number, low: number): boolean {
    return this.options.hasCas && this.keys.casLow(ref) === low && this.keys.casHigh(ref) === high;
  }

  // ---- storing

  /** Stores `[start, end)` of `value` under the key that was looked for, as `mode` and the terms say. */
  store(
    mode: number,
    value: Region,
    start: number,
    end: number,
    clientFlags: number,
    expiry: number,
  ): number {
    const { terms } = this;
    this.statistics.setCommands++;
    const isJoin = mode === MODE.append || mode === MODE.prepend;
    if (this.ref === 0) {
      if (mode === MODE.cas) this.statistics.casMisses++;
      if (mode === MODE.cas) return NOT_FOUND;
      if (mode === MODE.replace || (isJoin && !terms.vivifies)) return NOT_STORED;
      return this.#put(value, start, end, clientFlags, expiry, 0);
    }
    let marks = 0;
    if (mode === MODE.cas) {
      const isSame = this.hasCas(this.ref, terms.casHigh, terms.casLow);
      if (!isSame && !this.#isOlder()) {
        this.statistics.casBadValue++;
        return EXISTS;
      }
      this.statistics.casHits++;
      if (!isSame) {
        marks = STRING_MARKS.stale | (this.engine.encoding(this.ref) & STRING_MARKS.won);
        expiry = this.engine.expiry(this.ref);
      }
    } else if (mode === MODE.add) {
      this.engine.touch(this.ref);
      return NOT_STORED;
    } else if (isJoin) {
      if (this.engine.type(this.ref) !== TYPE.string) return NOT_STORED;
      const asksCas = terms.hasCas && (terms.casHigh !== 0 || terms.casLow !== 0);
      if (asksCas && !this.hasCas(this.ref, terms.casHigh, terms.casLow)) return EXISTS;
      return this.#join(mode, value, start, end);
    }
    const outcome = this.#put(value, start, end, clientFlags, expiry, marks);
    // What can't be replaced must not be served any more.
    if (outcome === NO_MEMORY && mode === MODE.set && this.ref !== 0) this.remove();
    return outcome;
  }

  #noMemory(): number {
    this.statistics.noMemory++;
    return NO_MEMORY;
  }

  /** Whether the terms' CAS is lower than the item's, and that will do. */
  #isOlder(): boolean {
    const { terms, ref } = this;
    return (
      terms.acceptsStale &&
      this.options.hasCas &&
      (terms.casHigh !== 0 || terms.casLow !== 0) &&
      compare64(terms.casHigh, terms.casLow, this.keys.casHigh(ref), this.keys.casLow(ref)) < 0
    );
  }

  /** Makes the value that of the key, whatever was there. */
  #put(
    value: Region,
    start: number,
    end: number,
    clientFlags: number,
    expiry: number,
    marks: number,
  ): number {
    const { engine, keys } = this;
    this.statistics.totalItems++;
    if (expiry === AT_ONCE) {
      if (this.ref !== 0) this.remove();
      return STORED;
    }
    if (engine.evictor.limitBytes > 0 && !this.#makeRoom(end - start)) return this.#noMemory();
    const encoding = STRING_ENCODING.plain | marks;
    let ref = this.ref;
    if (ref === 0) {
      ref = keys.insert(
        this.#hash,
        this.#region,
        this.#start,
        this.#end,
        TYPE.string,
        encoding,
        value,
        start,
        end,
        clientFlags,
      );
      this.#notify(EVENT.newKey, 'new');
    } else {
      ref = keys.replace(this.#hash, ref, TYPE.string, encoding, value, start, end, clientFlags);
      engine.touch(ref);
      if (expiry < 0 && engine.isVolatile(ref)) keys.clearExpiry(ref);
    }
    this.ref = ref;
    if (expiry > 0) keys.setExpiry(ref, expiry);
    this.#takeOwnCas(clientFlags);
    this.#logValue(clientFlags, marks, value, start, end, expiry);
    this.#changed(EVENT.string, 'set');
    if (expiry > 0) this.#notify(EVENT.generic, 'expire');
    return STORED;
  }

  /** Puts the value behind or in front of the item's; flags and expiry stay. */
  #join(mode: number, value: Region, start: number, end: number): number {
    const { engine, keys, options } = this;
    const before = engine.valueLength(this.ref);
    const length = before + end - start;
    const keyBytes = this.#end - this.#start;
    const clientFlags = engine.clientFlags(this.ref);
    if (!options.isItemSizeOk(keyBytes, length, clientFlags)) return NOT_STORED;
    if (engine.evictor.limitBytes > 0 && !this.#makeRoom(length)) return NOT_STORED;
    if (this.ref === 0) return NOT_STORED; // it made room itself
    if (mode === MODE.append) {
      this.ref = keys.append(this.#hash, this.ref, value, start, end);
      engine.clearFetched(this.ref);
      engine.setEncoding(this.ref, STRING_ENCODING.raw);
      this.#takeOwnCas(clientFlags);
      this.#say(clientFlags, 0);
      this.#logAppend(value, start, end);
    } else {
      const joined = Region.allocate(length);
      joined.bytes.set(value.bytes.subarray(start, end));
      joined.bytes.set(engine.copyValue(this.ref), end - start);
      const expiry = engine.expiry(this.ref);
      this.ref = keys.replace(
        this.#hash,
        this.ref,
        TYPE.string,
        STRING_ENCODING.raw,
        joined,
        0,
        length,
        clientFlags,
      );
      this.#takeOwnCas(clientFlags);
      this.#logValue(clientFlags, 0, joined, 0, length, expiry);
    }
    this.#changed(EVENT.string, mode === MODE.append ? 'append' : 'set');
    return STORED;
  }

  /** Gives the item just stored the CAS that the terms name. */
  #takeOwnCas(clientFlags: number): void {
    const { terms } = this;
    if (!terms.hasOwnCas || !this.options.hasCas) return;
    this.ref = this.keys.setItemFields(
      this.#hash,
      this.ref,
      clientFlags,
      terms.ownHigh,
      terms.ownLow,
    );
  }

  /** Evicts until a value of `length` bytes fits in place of the item's; false where that can't be. The item itself may go. */
  #makeRoom(length: number): boolean {
    const { engine, keys, model } = this;
    const needed = engine.recordBytesFor(this.#end - this.#start, length);
    const had = this.ref === 0 ? 0 : engine.recordBytes(this.ref);
    const more = Math.max(0, needed - had);
    if (!engine.evictor.isOver(more + keys.growthBytes)) return true;
    const outcome = makeRoom(model, more, keys);
    this.ref = keys.find(this.#hash, this.#region, this.#start, this.#end);
    return outcome !== FULL;
  }

  // ---- numbers

  /**
   * Adds to the number that the item holds, which wraps at 2^64, or subtracts from it down to 0. STORED with `digits` filled, or NON_NUMERIC,
   * NO_MEMORY. The item must be there.
   */
  add(isIncrement: boolean, high: number, low: number): number {
    const number = this.number;
    if (!this.#parse(this.ref, number)) return NON_NUMERIC;
    if (this.engine.evictor.limitBytes > 0 && !this.#makeRoom(NUMBER_BYTES)) {
      return this.#noMemory();
    }
    if (this.ref === 0) return this.#noMemory(); // it made room itself
    if (isIncrement) {
      const sum = (number.low >>> 0) + (low >>> 0);
      number.low = sum | 0;
      number.high = (number.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
      this.statistics.incrementHits++;
    } else {
      if (compare64(high, low, number.high, number.low) > 0) {
        number.high = 0;
        number.low = 0;
      } else {
        const borrow = number.low >>> 0 < low >>> 0 ? 1 : 0;
        number.low = (number.low - low) | 0;
        number.high = (number.high - high - borrow) | 0;
      }
      this.statistics.decrementHits++;
    }
    this.writeDigits(number.high, number.low);
    this.#rewrite();
    return STORED;
  }

  /** Writes a number to `digits`. */
  writeDigits(high: number, low: number): void {
    this.digitCount = writeDecimal64(this.digits.bytes, 0, high, low);
  }

  #parse(ref: Ref, number: Unsigned64): boolean {
    const { engine } = this;
    if (!engine.isValueInline(ref)) return false;
    const { bytes } = engine.segment(ref);
    let start = engine.valueStart(ref);
    const end = start + engine.valueLength(ref);
    while (start < end && isBlank(bytes[start]!)) start++;
    if (start < end && bytes[start] === 43) start++;
    let last = start;
    while (last < end && bytes[last]! >= 48 && bytes[last]! <= 57) last++;
    if (last === start || (last < end && !isBlank(bytes[last]!))) return false;
    return parseDecimal64(bytes, start, last, number);
  }

  /** Makes the digits the item's value: flags, marks and expiry stay. */
  #rewrite(): void {
    const { engine, keys, digits, digitCount } = this;
    const marks = engine.encoding(this.ref) & STRING_MARKS.all;
    if (engine.valueLength(this.ref) !== digitCount) {
      this.ref = keys.resizeValue(this.#hash, this.ref, digitCount);
    }
    keys.writeValue(this.ref, 0, digits, 0, digitCount);
    engine.setEncoding(this.ref, STRING_ENCODING.plain | marks);
    engine.touch(this.ref);
    const clientFlags = engine.clientFlags(this.ref);
    this.#takeOwnCas(clientFlags);
    this.#logValue(clientFlags, marks, digits, 0, digitCount, engine.expiry(this.ref));
    this.#changed(EVENT.string, 'incrby');
  }

  // ---- the rest of an item's life

  /** Gives the item another expiration time. */
  expireAt(expiry: number): void {
    const { keys, engine, model, ref } = this;
    if (expiry === AT_ONCE) {
      this.remove();
      return;
    }
    if (expiry === NEVER) {
      if (!engine.isVolatile(ref)) return;
      keys.clearExpiry(ref);
      this.#log(2, 'PERSIST');
    } else {
      keys.setExpiry(ref, expiry);
      this.#log(3, 'PEXPIREAT');
      model.effects.integer(expiry);
    }
    this.#changed(EVENT.generic, expiry === NEVER ? 'persist' : 'expire');
  }

  /** Deletes the item. */
  remove(): void {
    this.keys.remove(this.#hash, this.ref);
    this.ref = 0;
    this.#log(2, 'DEL');
    this.#changed(EVENT.generic, 'del');
  }

  /** Notes that somebody was told to renew the item. */
  win(): void {
    const { engine, ref } = this;
    engine.setEncoding(ref, engine.encoding(ref) | STRING_MARKS.won);
    this.#logMarks();
  }

  /** Marks the item as stale, with a CAS of its own: who is told so first has to renew it. */
  invalidate(): void {
    const { engine, keys } = this;
    const clientFlags = engine.clientFlags(this.ref);
    const { high, low } = engine.cas;
    if (this.options.hasCas) {
      this.ref = keys.setItemFields(this.#hash, this.ref, clientFlags, high, low);
      engine.cas.isUsed = true;
    }
    this.#takeOwnCas(clientFlags);
    const encoding = engine.encoding(this.ref) & ~STRING_MARKS.all;
    engine.setEncoding(this.ref, encoding | STRING_MARKS.stale);
    this.#logMarks();
    this.#changed(NO_EVENT, '');
  }

  /** Deletes all items. */
  flush(): void {
    const { db, keys, model } = this;
    touchAllWatched(db);
    model.stats.dirty += keys.size;
    keys.clear();
    if (!model.effects.isEnabled) return;
    model.effects.begin(db.id, 1);
    model.effects.text('FLUSHDB');
  }

  // ---- the log, watchers, events

  /** `SET key value`, with the expiry that the item has now. */
  #logValue(
    clientFlags: number,
    marks: number,
    value: Region,
    start: number,
    end: number,
    expiry: number,
  ): void {
    const { effects } = this.model;
    if (!effects.isEnabled) return;
    this.#say(clientFlags, marks);
    this.#log(expiry > 0 ? 5 : 3, 'SET');
    effects.bytes(value, start, end);
    if (expiry <= 0) return;
    effects.text('PXAT');
    effects.integer(expiry);
  }

  #logAppend(value: Region, start: number, end: number): void {
    this.#log(3, 'APPEND');
    this.model.effects.bytes(value, start, end);
  }

  /** Only what Redis has no place for has changed: a command that changes nothing carries it. */
  #logMarks(): void {
    const { engine, ref } = this;
    this.#say(engine.clientFlags(ref), engine.encoding(ref) & STRING_MARKS.all, true);
    this.#log(2, 'TOUCH');
  }

  /** Has the next effect say the item's flags, marks and CAS, as far as replaying it would not give them of itself. */
  #say(clientFlags: number, marks: number, always = false): void {
    const { engine, keys, options, ref, terms } = this;
    const { effects } = this.model;
    if (terms.hasOwnCas && options.hasCas) {
      effects.itemWithCas(clientFlags, marks, terms.ownHigh, terms.ownLow);
    } else if (always && engine.hasCas(ref)) {
      effects.itemWithCas(clientFlags, marks, keys.casHigh(ref), keys.casLow(ref));
    } else if (always || clientFlags !== 0 || marks !== 0) {
      effects.item(clientFlags, marks);
    }
  }

  /** Begins an effect of `count` arguments: its name and the key. */
  #log(count: number, name: string): void {
    const { effects } = this.model;
    if (!effects.isEnabled) return;
    effects.begin(this.db.id, count);
    effects.text(name);
    effects.bytes(this.#region, this.#start, this.#end);
  }

  #changed(eventClass: number, event: string): void {
    const { db, model } = this;
    model.stats.dirty++;
    if (db.watchers.size > 0) model.touchWatchers(db, this.#keyText());
    this.#notify(eventClass, event);
  }

  #notify(eventClass: number, event: string): void {
    if ((this.model.eventClasses & eventClass) === 0) return;
    this.model.publishKeyEvent(eventClass, event, this.#keyText(), this.db.id);
  }

  #keyText(): string {
    return latin1(this.#region, this.#start, this.#end);
  }
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}
