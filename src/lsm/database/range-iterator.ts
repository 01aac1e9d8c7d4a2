/**
 * Goes through a range of keys by hand. It sees the database as it was when it was made, and keeps what it sees from being dropped until it is closed.
 *
 * The fastest form lends the bytes where they lie:
 *
 * ```ts
 * const iterator = db.range({ gte: from }).iterator();
 * while (iterator.next()) use(iterator.valueBytes, iterator.valueStart, iterator.valueEnd);
 * iterator.close();
 * ```
 *
 * What is lent is valid until the iterator, or anything else of the database, is used again.
 *
 * An iterator is a sequence and a position. The files and memtables that it looks at are those of the moment: when there are newer ones it lets go of the old, and is placed on
 * the new ones at its next move, so a slow reader keeps no deleted files and no flushed memtables, only versions of entries.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { BLOCKED, CACHED, END, SYNC, VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import { NO_EXPIRY } from '../expiry.ts';
import { VisibleCursor } from '../visible-cursor.ts';
import type { ValueRules } from '../value-rules.ts';
import type { Engine } from './engine.ts';
import { type KeyspaceRules, NO_RULES, valueRules } from './keyspace-options.ts';
import { limitOf, lowerBound, upperBound } from './range-bounds.ts';
import type { Entry, RangeOptions } from './range.ts';
import { PinnedView, type ReaderViews } from './reader-views.ts';
import { Snapshot } from './snapshot.ts';
import type { SnapshotEntry } from './snapshot-list.ts';
import type { View } from './view.ts';
import { viewSource } from './view-source.ts';

/** Where it stands: before the range, on an entry, behind the range. */
const BEFORE = 0;
const ON = 1;
const BEHIND = 2;

export class RangeIterator {
  /** The entry that it stands on: the key in `keyBytes`, from `keyStart` to `keyEnd`, and the value likewise. */
  keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  valueBytes: Uint8Array;
  valueStart = 0;
  valueEnd = 0;
  readonly #engine: Engine;
  readonly #views: ReaderViews;
  readonly #prefixLength: number;
  readonly #isReverse: boolean;
  readonly #limit: number;
  #count = 0;
  #place: number = BEFORE;
  readonly #sequence: number;
  readonly #lower: GrowingBytes | undefined;
  readonly #upper: GrowingBytes | undefined;
  readonly #rules: ValueRules | undefined;
  readonly #hold: SnapshotEntry;
  readonly #target = new GrowingBytes();
  /** The key that it stands on, where it has let go of what it looked at. */
  #left: GrowingBytes | undefined = undefined;
  readonly #prefix: Uint8Array;
  #view: View | undefined = undefined;
  #cursor: VisibleCursor | undefined = undefined;
  #mode: number = SYNC;
  #requests: BlockRequests | undefined = undefined;
  #isBusy = false;
  #isClosed = false;

  /** @internal */
  constructor(
    engine: Engine,
    prefix: Uint8Array,
    options: RangeOptions,
    rules: KeyspaceRules = NO_RULES,
  ) {
    engine.checkOpen();
    engine.writes.settle();
    const { snapshot } = options;
    this.#engine = engine;
    this.#prefix = prefix;
    this.#prefixLength = prefix.length;
    this.#isReverse = options.reverse ?? false;
    this.#limit = limitOf(options);
    this.#lower = lowerBound(prefix, options);
    this.#upper = upperBound(prefix, options);
    this.#sequence =
      snapshot === undefined ? engine.lastSequence : Snapshot.sequenceOf(snapshot, engine);
    const nowMs = options.nowMs ?? snapshot?.nowMs ?? engine.nowMs();
    this.#rules = valueRules(rules, nowMs, prefix.length, engine.directory);
    const pinned = snapshot?.view;
    this.#views = pinned === undefined ? engine.readerViews() : new PinnedView(engine, pinned);
    this.#hold = engine.snapshots.add(this.#sequence, 'iterator', engine.clock.monotonicUs());
    this.#hold.reader = this;
    this.keyBytes = NO_BYTES;
    this.valueBytes = NO_BYTES;
  }

  /** To the next entry of the range (in reverse order where that was asked for); false behind the last. Blocks for what is not in memory. Throws LsmError. */
  next(): boolean {
    if (this.#place === ON && this.#view === this.#views.view && this.#mode === SYNC) {
      if (this.#count >= this.#limit) return this.#end();
      const cursor = this.#cursor!;
      if (this.#isReverse) cursor.previous();
      else cursor.next();
      return this.#settle(cursor);
    }
    return this.#nextSlow(SYNC);
  }

  /**
   * Up to `count` entries (and about 64 KiB), fewer only where the range ends or the size is reached: none at its end. What is not in memory is read beside the event
   * loop. One call at a time. Rejects with LsmError.
   */
  async nextBatch(count: number): Promise<Entry[]> {
    if (this.#isBusy) throw new TypeError('the iterator is busy with the call before');
    this.#isBusy = true;
    const entries: Entry[] = [];
    try {
      let bytes = 0;
      while (entries.length < count && bytes < BATCH_BYTES) {
        const status = this.step();
        if (status === END) break;
        if (status === BLOCKED) await this.load();
        else {
          const entry: Entry = [this.key(), this.value()];
          bytes += entry[0].length + entry[1].length;
          entries.push(entry);
        }
      }
      const { turn } = this.#engine;
      if (turn.isLongNow()) await turn.passed();
    } finally {
      this.#isBusy = false;
    }
    return entries;
  }

  /**
   * As `next`, but never waits: VALID, END, or BLOCKED where something has to be read before the move is at its end. Then `load` is awaited, and the next call goes
   * on with that move. Throws LsmError.
   */
  step(): number {
    if (this.#isBlocked) {
      this.#checkOpen();
      this.#cursor!.resume();
    } else if (
      this.#place === ON &&
      this.#view === this.#views.view &&
      this.#mode === CACHED &&
      this.#count < this.#limit
    ) {
      if (this.#isReverse) this.#cursor!.previous();
      else this.#cursor!.next();
    } else {
      this.#begin(CACHED);
      if (this.#place === BEHIND) return END;
    }
    const cursor = this.#cursor!;
    if (cursor.status === BLOCKED) {
      this.#isBlocked = true;
      return BLOCKED;
    }
    if (this.#isBlocked) this.#unblock();
    return this.#settle(cursor) ? VALID : END;
  }

  /** Reads what `step` has to read: at once where reads are quick, else beside the event loop. Rejects with LsmError. */
  async load(): Promise<void> {
    const { clock, misses } = this.#engine;
    const requests = this.#requests!;
    if (!misses.isQuick()) {
      try {
        await requests.load();
      } finally {
        if (this.#isClosed) requests.release();
      }
      return;
    }
    const startUs = clock.monotonicUs();
    const { length } = requests;
    requests.loadSync();
    if (length > 0) misses.took((clock.monotonicUs() - startUs) / length);
  }

  /** As `nextBatch`, blocking. */
  nextBatchSync(count: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    while (entries.length < count && bytes < BATCH_BYTES && this.next()) {
      const entry: Entry = [this.key(), this.value()];
      bytes += entry[0].length + entry[1].length;
      entries.push(entry);
    }
    return entries;
  }

  /** Moves so that the next entry is the first one of the range at or behind `key` (in reverse: at or before it). The limit counts on. */
  seek(key: Uint8Array): void {
    this.#checkOpen();
    if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
    const target = this.#target;
    target.reserve(this.#prefixLength + key.length);
    target.region.bytes.set(this.#prefix);
    target.region.bytes.set(key, this.#prefixLength);
    target.length = this.#prefixLength + key.length;
    this.#place = BEFORE;
    this.#hasTarget = true;
    this.#unblock();
  }

  /** The key, in memory of the caller's own. */
  key(): Buffer {
    const { keyRegion, keyStart, keyEnd } = this.#entry();
    return this.#engine.copies.copy(keyRegion, keyStart + this.#prefixLength, keyEnd);
  }

  /** The value, in memory of the caller's own. */
  value(): Buffer {
    const { valueRegion, valueStart, valueEnd } = this.#entry();
    return this.#engine.copies.copy(valueRegion, valueStart, valueEnd);
  }

  /** When the value expires, in milliseconds since 1970: Infinity for never. Throws TypeError where the keyspace has no time to live. */
  expiresAt(): number {
    this.#entry();
    const rules = this.#rules;
    if (rules?.hasExpiries !== true) throw new TypeError('the keyspace has no time to live');
    return rules.lastExpiresAtMs === NO_EXPIRY ? Infinity : rules.lastExpiresAtMs;
  }

  /** Lets go of what it holds. No error where it is closed already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#place = BEHIND;
    this.#leave();
    this.#views.letGo();
    this.#engine.snapshots.remove(this.#hold);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #hasTarget = false;
  /** In the middle of a move, for which something has to be read. */
  #isBlocked = false;

  #entry(): VisibleCursor {
    if (this.#place !== ON) throw new TypeError('the iterator is not on an entry');
    this.stand();
    return this.#cursor!;
  }

  /** @internal Lends the entry that it stands on again, where it has let go of it meanwhile. Blocks. Throws LsmError. */
  stand(): void {
    if (this.#left === undefined || this.#place !== ON) return;
    this.#checkOpen();
    this.#look(SYNC, true);
    this.#lend(this.#cursor!);
  }

  /** @internal There are newer files and memtables than those that it may be holding. */
  letGoOfOld(): void {
    const isMoving = this.#isBusy || this.#isBlocked;
    if (isMoving || this.#view === undefined || this.#view === this.#views.view) return;
    if (this.#place === ON) {
      const { keyRegion, keyStart, keyEnd } = this.#cursor!;
      this.#left = new GrowingBytes();
      this.#left.set(keyRegion, keyStart, keyEnd);
    }
    this.#leave();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LsmError('CLOSED', 'the iterator is closed');
    this.#engine.checkOpen();
  }

  #nextSlow(mode: number): boolean {
    if (this.#isBlocked) throw new TypeError('the iterator is in the middle of a step');
    this.#begin(mode);
    if (this.#place === BEHIND) return false;
    return this.#settle(this.#cursor!);
  }

  /** What was loaded is held by the cursor, or not needed any more. */
  #unblock(): void {
    this.#isBlocked = false;
    this.#requests?.release();
  }

  /** Makes the next move in `mode`, on the newest view. */
  #begin(mode: number): void {
    this.#checkOpen();
    if (this.#place === BEHIND) return;
    if (this.#count >= this.#limit) {
      this.#end();
      return;
    }
    const isOn = this.#place === ON;
    if (this.#view !== this.#views.view || this.#mode !== mode) this.#look(mode, isOn);
    const cursor = this.#cursor!;
    if (isOn) {
      if (this.#isReverse) cursor.previous();
      else cursor.next();
    } else if (this.#hasTarget) {
      const { region, length } = this.#target;
      this.#hasTarget = false;
      if (this.#isReverse) cursor.seekForPrevious(region, 0, length);
      else cursor.seek(region, 0, length);
    } else if (this.#isReverse) cursor.last();
    else cursor.first();
  }

  /** Takes the newest view; where it stands on an entry, it does so again afterwards. */
  #look(mode: number, isOn: boolean): void {
    const key = this.#left ?? new GrowingBytes();
    if (isOn && this.#left === undefined) {
      const { keyRegion, keyStart, keyEnd } = this.#cursor!;
      key.set(keyRegion, keyStart, keyEnd);
    }
    this.#left = undefined;
    this.#leave();
    const engine = this.#engine;
    this.#view = engine.retain(this.#views.view);
    this.#hold.view = this.#view;
    this.#mode = mode;
    if (mode === CACHED) this.#requests ??= new BlockRequests(engine.tables.loader);
    const source = viewSource({
      tables: engine.tables,
      view: this.#view,
      sequence: this.#sequence,
      lower: this.#lower,
      upper: this.#upper,
      mode: isOn ? SYNC : mode,
      requests: this.#requests,
      formatLevel: engine.versions.formatLevel,
    });
    const rules = this.#rules;
    this.#cursor = new VisibleCursor(source, this.#sequence, this.#lower, this.#upper, rules);
    if (!isOn) return;
    if (this.#isReverse) this.#cursor.seekForPrevious(key.region, 0, key.length);
    else this.#cursor.seek(key.region, 0, key.length);
  }

  #settle(cursor: VisibleCursor): boolean {
    if (cursor.status !== VALID) return this.#end();
    this.#place = ON;
    this.#count++;
    this.#lend(cursor);
    return true;
  }

  #lend(cursor: VisibleCursor): void {
    this.keyBytes = cursor.keyRegion.bytes;
    this.keyStart = cursor.keyStart + this.#prefixLength;
    this.keyEnd = cursor.keyEnd;
    this.valueBytes = cursor.valueRegion.bytes;
    this.valueStart = cursor.valueStart;
    this.valueEnd = cursor.valueEnd;
  }

  #end(): false {
    this.#place = BEHIND;
    this.#leave();
    return false;
  }

  #leave(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
    this.#requests?.release();
    if (this.#view !== undefined) this.#engine.releaseView(this.#view);
    this.#view = undefined;
    this.#hold.view = undefined;
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Keys and values of one batch, about. */
const BATCH_BYTES = 65536;
