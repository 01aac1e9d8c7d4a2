/**
 * Goes through a range of a database with writes laid over it that are not in it yet: theirs count where both have a key, and what they delete is passed over. It sees
 * the database and the writes as they were when it was made. Used as RangeIterator; what is lent is valid until the iterator, the batch or the database is used again.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { BLOCKED, END, VALID } from '../cursor.ts';
import type { Engine } from '../database/engine.ts';
import type { Keyspace } from '../database/keyspace.ts';
import { limitOf, lowerBound, upperBound } from '../database/range-bounds.ts';
import { RangeIterator } from '../database/range-iterator.ts';
import type { Entry, RangeOptions } from '../database/range.ts';
import { LsmError } from '../errors.ts';
import { TYPE_DELETION, TYPE_MERGE } from '../internal-key.ts';
import { EXPIRED, type ValueRules } from '../value-rules.ts';
import type { WriteBatch } from '../write-batch.ts';
import type { KeyIndex } from './key-index.ts';
import { OwnCursor } from './own-cursor.ts';
import { mergeOwn, ownOperands } from './own-operands.ts';

/** Whose writes they are. */
export interface Overlay {
  readonly records: WriteBatch;
  readonly index: KeyIndex;
  /** Another number means that the records are others. */
  readonly generation: number;
}

/** Told of the last key that was seen, where an iterator is left before its end. */
export type OnLeft = (lastKey: Uint8Array) => void;

/** Where the database's own iterator is. */
const TO_MOVE = 0;
const ON = 1;
const BEHIND = 2;

const AGAIN = -1;

export class OverlayIterator {
  keyBytes: Uint8Array = NO_BYTES;
  keyStart = 0;
  keyEnd = 0;
  valueBytes: Uint8Array = NO_BYTES;
  valueStart = 0;
  valueEnd = 0;
  readonly #engine: Engine;
  readonly #overlay: Overlay;
  readonly #generation: number;
  readonly #base: RangeIterator;
  readonly #own: OwnCursor;
  readonly #prefix: Uint8Array;
  readonly #rules: ValueRules | undefined;
  readonly #isReverse: boolean;
  readonly #limit: number;
  readonly #onLeft: OnLeft;
  #baseState: number = TO_MOVE;
  /** What is shown is the own key: the next move leaves it. */
  #isOwnUsed = false;
  #hasBegun = false;
  #hasSought = false;
  #isOn = false;
  #count = 0;
  #isBusy = false;
  #isClosed = false;

  /** @internal */
  constructor(
    engine: Engine,
    keyspace: Keyspace,
    options: RangeOptions,
    overlay: Overlay,
    onLeft: OnLeft = () => {},
  ) {
    const { reverse = false } = options;
    const { prefix, rules } = keyspace;
    // Own writes and those of the database expire by one clock.
    const nowMs = options.nowMs ?? options.snapshot?.nowMs ?? engine.nowMs();
    this.#engine = engine;
    this.#overlay = overlay;
    this.#generation = overlay.generation;
    this.#prefix = prefix;
    this.#isReverse = reverse;
    this.#limit = limitOf(options);
    this.#onLeft = onLeft;
    this.#rules = keyspace.valueRules({ nowMs });
    this.#base = new RangeIterator(engine, prefix, { ...options, nowMs, limit: undefined }, rules);
    const lower = lowerBound(prefix, options);
    this.#own = new OwnCursor(overlay.index, lower, upperBound(prefix, options), reverse);
  }

  /** To the next entry; false behind the last. Blocks for what is not in memory. Throws LsmError; ABORTED where the writes were taken back meanwhile. */
  next(): boolean {
    if (!this.#begin()) return false;
    for (;;) {
      if (this.#baseState === TO_MOVE) this.#baseState = this.#base.next() ? ON : BEHIND;
      const status = this.#choose();
      if (status !== AGAIN) return status === VALID;
    }
  }

  /** Up to `count` entries (and about 64 KiB); what is not in memory is read beside the event loop. One call at a time. Rejects as `next` throws. */
  async nextBatch(count: number): Promise<Entry[]> {
    if (this.#isBusy) throw new TypeError('the iterator is busy with the call before');
    this.#isBusy = true;
    const entries: Entry[] = [];
    try {
      let bytes = 0;
      while (entries.length < count && bytes < BATCH_BYTES && (await this.#nextLater())) {
        const entry: Entry = [this.key(), this.value()];
        bytes += entry[0].length + entry[1].length;
        entries.push(entry);
      }
      const { turn } = this.#engine;
      if (turn.isLongNow()) await turn.passed();
    } finally {
      this.#isBusy = false;
    }
    return entries;
  }

  /** Moves so that the next entry is the first one of the range at or behind `key` (in reverse: at or before it). The limit counts on. */
  seek(key: Uint8Array): void {
    this.#check();
    this.#base.seek(key);
    this.#baseState = TO_MOVE;
    const length = this.#prefix.length + key.length;
    const whole = new GrowingBytes(length);
    whole.region.bytes.set(this.#prefix);
    whole.region.bytes.set(key, this.#prefix.length);
    this.#own.seek(whole.region, length);
    this.#hasBegun = true;
    this.#hasSought = true;
    this.#isOwnUsed = false;
    this.#isOn = false;
  }

  /** The key, in memory of the caller's own. */
  key(): Buffer {
    this.#checkOn();
    return Buffer.from(this.keyBytes.subarray(this.keyStart, this.keyEnd));
  }

  /** The value, in memory of the caller's own. */
  value(): Buffer {
    this.#checkOn();
    return Buffer.from(this.valueBytes.subarray(this.valueStart, this.valueEnd));
  }

  /** Lets go of what it holds. No error where it is closed already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    this.#base.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #nextLater(): Promise<boolean> {
    if (!this.#begin()) return false;
    for (;;) {
      while (this.#baseState === TO_MOVE) {
        const status = this.#base.step();
        if (status === BLOCKED) {
          await this.#base.load();
          this.#check();
        } else this.#baseState = status === VALID ? ON : BEHIND;
      }
      const status = this.#choose();
      if (status !== AGAIN) return status === VALID;
    }
  }

  /** Leaves what is shown. False at the limit. */
  #begin(): boolean {
    this.#check();
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#own.begin();
    }
    if (this.#count >= this.#limit) {
      this.#leave();
      return false;
    }
    if (this.#isOn && !this.#isOwnUsed) this.#baseState = TO_MOVE;
    if (this.#isOwnUsed) this.#own.next();
    this.#isOwnUsed = false;
    return true;
  }

  #leave(): void {
    // Where it has jumped about it may have seen anything of the range.
    if (this.#isOn && !this.#hasSought) {
      this.#onLeft(this.keyBytes.slice(this.keyStart, this.keyEnd));
    }
    this.#isOn = false;
  }

  /** VALID with the entry shown, END, or AGAIN where what was found is hidden. */
  #choose(): number {
    const own = this.#own;
    const base = this.#base;
    const hasBase = this.#baseState === ON;
    if (hasBase) base.stand();
    if (!own.isValid) {
      if (!hasBase) return this.#end();
      this.#showBase(base);
      return VALID;
    }
    const order = hasBase ? this.#compare() : -1;
    if (order > 0) {
      this.#showBase(base);
      return VALID;
    }
    if (order === 0) this.#baseState = TO_MOVE;
    if (own.type === TYPE_MERGE) this.#takeMerged(order === 0);
    else if (own.type === TYPE_DELETION || !this.#takeOwn()) {
      own.next();
      return AGAIN;
    }
    this.#isOwnUsed = true;
    this.#show(own.key.region.bytes, this.#prefix.length, own.key.length);
    return VALID;
  }

  /** The own value; false where it has expired. */
  #takeOwn(): boolean {
    const { first, second } = this.#own;
    const { region } = this.#overlay.records;
    const end = first + second;
    const start = this.#rules?.valueStart(region, first, end) ?? first;
    if (start === EXPIRED) return false;
    this.valueBytes = region.bytes;
    this.valueStart = start;
    this.valueEnd = end;
    return true;
  }

  /** What comes of the own operands. `isOnBase`: the database has a value for the key. */
  #takeMerged(isOnBase: boolean): void {
    const { index, records } = this.#overlay;
    const { key, version } = this.#own;
    const own = ownOperands(index, records, key.region, key.length, version);
    const { valueBytes, valueStart, valueEnd } = this.#base;
    const stored = isOnBase ? valueBytes.slice(valueStart, valueEnd) : undefined;
    this.valueBytes = mergeOwn(own, this.#rules!, key.region, key.length, stored);
    this.valueStart = 0;
    this.valueEnd = this.valueBytes.length;
  }

  #showBase(base: RangeIterator): void {
    this.#show(base.keyBytes, base.keyStart, base.keyEnd);
    this.valueBytes = base.valueBytes;
    this.valueStart = base.valueStart;
    this.valueEnd = base.valueEnd;
  }

  #show(keyBytes: Uint8Array, start: number, end: number): void {
    this.keyBytes = keyBytes;
    this.keyStart = start;
    this.keyEnd = end;
    this.#isOn = true;
    this.#count++;
  }

  #end(): number {
    this.#isOn = false;
    return END;
  }

  /** Negative where the own key comes first, in the iterator's direction. */
  #compare(): number {
    const { region, length } = this.#own.key;
    const { keyBytes, keyStart, keyEnd } = this.#base;
    const own = region.bytes;
    const prefix = this.#prefix.length;
    const common = Math.min(length - prefix, keyEnd - keyStart);
    let order = length - prefix - (keyEnd - keyStart);
    for (let i = 0; i < common; i++) {
      const difference = own[prefix + i]! - keyBytes[keyStart + i]!;
      if (difference === 0) continue;
      order = difference;
      break;
    }
    return this.#isReverse ? -order : order;
  }

  #check(): void {
    if (this.#isClosed) throw new LsmError('CLOSED', 'the iterator is closed');
    if (this.#generation !== this.#overlay.generation) {
      throw new LsmError('ABORTED', 'the writes that the iterator sees were taken back');
    }
  }

  #checkOn(): void {
    if (!this.#isOn) throw new TypeError('the iterator is not on an entry');
    this.#check();
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Keys and values of one batch, about. */
const BATCH_BYTES = 65536;
