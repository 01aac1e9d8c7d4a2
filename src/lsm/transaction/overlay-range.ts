/** A range with writes laid over it that are not in the database yet, to be iterated as often as wanted: see Range. */
import type { Engine } from '../database/engine.ts';
import type { Keyspace } from '../database/keyspace.ts';
import type { Entry, RangeOptions } from '../database/range.ts';
import { type OnLeft, type Overlay, OverlayIterator } from './overlay-iterator.ts';

export class OverlayRange implements Iterable<Entry>, AsyncIterable<Entry> {
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #options: RangeOptions;
  readonly #overlay: Overlay;
  readonly #begin: () => OnLeft;

  /** @internal */
  constructor(
    engine: Engine,
    keyspace: Keyspace,
    options: RangeOptions,
    overlay: Overlay,
    begin: () => OnLeft = () => () => {},
  ) {
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.#options = options;
    this.#overlay = overlay;
    this.#begin = begin;
  }

  /** An iterator that stands before the range's first entry and sees database and writes as they are now. Close it. */
  iterator(): OverlayIterator {
    const onLeft = this.#begin();
    return new OverlayIterator(this.#engine, this.#keyspace, this.#options, this.#overlay, onLeft);
  }

  /** Blocks for what is not in memory. */
  *[Symbol.iterator](): Generator<Entry, void> {
    const iterator = this.iterator();
    try {
      while (iterator.next()) yield [iterator.key(), iterator.value()];
    } finally {
      iterator.close();
    }
  }

  /** Reads beside the event loop what is not in memory. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Entry, void> {
    const iterator = this.iterator();
    try {
      for (;;) {
        const entries = await iterator.nextBatch(BATCH_ENTRIES);
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      iterator.close();
    }
  }
}

/** Entries that an asynchronous loop fetches at once. */
const BATCH_ENTRIES = 100;
