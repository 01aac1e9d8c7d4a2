/** A range of keys, to be iterated as often as wanted: in a loop, an asynchronous loop, or by hand through `iterator`. */
import type { Engine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import { RangeIterator } from './range-iterator.ts';
import type { Snapshot } from './snapshot.ts';

export interface RangeOptions {
  /** Bounds; at most one of the first two and one of the last two. Without, from the first key and to the last. */
  readonly gte?: Uint8Array | undefined;
  readonly gt?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  readonly lte?: Uint8Array | undefined;
  /** From the last key to the first. */
  readonly reverse?: boolean | undefined;
  /** Entries at most. */
  readonly limit?: number | undefined;
  readonly snapshot?: Snapshot | undefined;
  /** What time it is, in milliseconds since 1970, for values that expire. Default: that of the snapshot, or the clock's. */
  readonly nowMs?: number | undefined;
}

export type Entry = [key: Buffer, value: Buffer];

/** Entries that an asynchronous loop fetches at once. */
const BATCH_ENTRIES = 100;

/** What a range is gone through by: see RangeIterator. */
interface EntryIterator {
  next(): boolean;
  nextBatch(count: number): Promise<Entry[]>;
  key(): Buffer;
  value(): Buffer;
  close(): void;
}

/** The loops over a range, whatever it is a range of. */
export abstract class IterableRange implements Iterable<Entry>, AsyncIterable<Entry> {
  /** An iterator that stands before the first entry. Close it. */
  abstract iterator(): EntryIterator;

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

export class Range extends IterableRange {
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #options: RangeOptions;

  /** @internal */
  constructor(engine: Engine, keyspace: Keyspace, options: RangeOptions) {
    super();
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.#options = options;
  }

  /** An iterator that stands before the range's first entry and sees the database as it is now. Close it. */
  override iterator(): RangeIterator {
    const { prefix, rules } = this.#keyspace;
    return new RangeIterator(this.#engine, prefix, this.#options, rules);
  }
}
