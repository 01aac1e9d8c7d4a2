/**
 * Goes through a range for the three kinds of iterators, which differ in what they take from an entry. As long as what it needs is in memory it gives items, and not
 * promises of them.
 */
import { BLOCKED, END } from '../../lsm/cursor.ts';
import type { RangeIterator } from '../../lsm/database/range-iterator.ts';
import type { Snapshot } from '../../lsm/database/snapshot.ts';
import { bytesOf, type Format, type Formatted, textOf } from './formats.ts';
import { abortError, levelError } from './level-error.ts';
import { HIGH_WATER_MARK_BYTES } from './limits.ts';
import { type Bounds, boundsOf, isWithin, type LevelRange, rangeOf } from './ranges.ts';
import type { Later, Store } from './store.ts';

/** What abstract-level hands to iterators, beside the range. */
export interface WalkOptions extends LevelRange {
  readonly keys?: boolean;
  readonly values?: boolean;
  readonly keyEncoding: Format;
  readonly valueEncoding: Format;
  readonly highWaterMarkBytes?: number;
  readonly signal?: AbortSignal | null;
}

/** What an item is made of; what a kind of iterator does not give is undefined. */
export type Take<T> = (key: Formatted | undefined, value: Formatted | undefined) => T;

export class Walk<T> {
  readonly #store: Store;
  readonly #take: Take<T>;
  readonly #iterator: RangeIterator;
  readonly #bounds: Bounds;
  readonly #hasKeys: boolean;
  readonly #hasValues: boolean;
  readonly #keyFormat: Format;
  readonly #valueFormat: Format;
  readonly #highWaterMark: number;
  readonly #signal: AbortSignal | undefined;
  /** It was sent outside its range. */
  #isOutside = false;
  /** Keys and values of the items that are being gathered. */
  #filledBytes = 0;

  constructor(store: Store, options: WalkOptions, snapshot: Snapshot | undefined, take: Take<T>) {
    this.#store = store;
    this.#take = take;
    this.#bounds = boundsOf(options);
    // abstract-level counts.
    this.#iterator = store.iterator(rangeOf({ ...options, limit: -1 }, snapshot));
    this.#hasKeys = options.keys !== false;
    this.#hasValues = options.values !== false;
    this.#keyFormat = options.keyEncoding;
    this.#valueFormat = options.valueEncoding;
    this.#highWaterMark = options.highWaterMarkBytes ?? HIGH_WATER_MARK_BYTES;
    this.#signal = options.signal ?? undefined;
  }

  next(): Later<T | undefined> {
    if (this.#isOutside) return undefined;
    const status = this.#step();
    if (status === BLOCKED) return this.#given(this.#nextLater());
    const item = status === END ? undefined : this.#item();
    return this.#given(this.#store.inTurn(item));
  }

  /** At most `size` items, and fewer once they are larger than the high water mark; none at the end. */
  nextv(size: number): Later<T[]> {
    const items: T[] = [];
    if (this.#isOutside) return items;
    this.#filledBytes = 0;
    if (this.#fill(items, size)) {
      const { turn } = this.#store.engine;
      return this.#given(turn.isLongNow() ? this.#store.afterTurn(items) : items);
    }
    return this.#given(this.#nextvLater(items, size));
  }

  /** The next item is the one at `target`, or the first behind it; none where that is outside the range. */
  seek(target: Formatted): void {
    const key = bytesOf(target);
    this.#isOutside = !isWithin(this.#bounds, key);
    if (!this.#isOutside) this.#iterator.seek(key);
  }

  close(): void {
    this.#iterator.close();
  }

  #step(): number {
    try {
      return this.#iterator.step();
    } catch (error) {
      throw levelError(error);
    }
  }

  async #nextLater(): Promise<T | undefined> {
    for (;;) {
      await this.#load();
      const status = this.#step();
      if (status === BLOCKED) continue;
      return status === END ? undefined : this.#item();
    }
  }

  async #nextvLater(items: T[], size: number): Promise<T[]> {
    do await this.#load();
    while (!this.#fill(items, size));
    return items;
  }

  /** False where something has to be read before there can be more. */
  #fill(items: T[], size: number): boolean {
    for (;;) {
      const status = this.#step();
      if (status === BLOCKED) return false;
      if (status === END) return true;
      items.push(this.#item());
      if (items.length >= size || this.#filledBytes > this.#highWaterMark) return true;
    }
  }

  async #load(): Promise<void> {
    this.#checkSignal();
    try {
      await this.#iterator.load();
    } catch (error) {
      throw levelError(error);
    }
  }

  #given<U>(result: Later<U>): Later<U> {
    return this.#signal === undefined ? result : this.#unlessAborted(result);
  }

  /** A signal that comes before the caller has the result counts. */
  async #unlessAborted<U>(result: Later<U>): Promise<U> {
    const given = await result;
    this.#checkSignal();
    return given;
  }

  #checkSignal(): void {
    if (this.#signal?.aborted === true) throw abortError();
  }

  #item(): T {
    const iterator = this.#iterator;
    let key: Formatted | undefined;
    let value: Formatted | undefined;
    if (this.#hasKeys) {
      const { keyBytes, keyStart, keyEnd } = iterator;
      key = this.#keyFormat === 'utf8' ? textOf(keyBytes, keyStart, keyEnd) : iterator.key();
      this.#filledBytes += keyEnd - keyStart;
    }
    if (this.#hasValues) {
      const { valueBytes, valueStart, valueEnd } = iterator;
      value =
        this.#valueFormat === 'utf8' ? textOf(valueBytes, valueStart, valueEnd) : iterator.value();
      this.#filledBytes += valueEnd - valueStart;
    }
    return this.#take(key, value);
  }
}
