/**
 * Point reads: the value as a Buffer, undefined, or NOT_CACHED.
 *
 * A read sees the sequence and view of the moment it was called in, also when it ends later. A read that may wait tries what is cached first; what is not
 * cached it reads at once, where reads have been quick lately (the page cache has most, and a trip to the thread pool costs thirty times as much), else beside the
 * event loop.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { Region } from '../../bytes/region.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { CACHED, SYNC } from '../cursor.ts';
import { FOUND, Lookup, MERGE, NOT_CACHED as MISSED } from '../format/lookup.ts';
import { MAX_READ_ROUNDS } from '../limits.ts';
import { noOperator } from '../value-rules.ts';
import type { Engine } from './engine.ts';

/** A read that may not wait did not find a block in memory. */
export const NOT_CACHED: unique symbol = Symbol('not cached');

export class ReadPath {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Blocks for what is not cached. */
  getSync(region: Region, start: number, end: number, sequence: number): Buffer | undefined {
    const engine = this.#engine;
    const { lookup, points, view } = engine;
    const answer = points.find(view, region, start, end, sequence, SYNC, lookup);
    return answer === FOUND ? this.#take(lookup) : this.#none(answer, lookup);
  }

  hasSync(region: Region, start: number, end: number, sequence: number): boolean {
    const { lookup, points, view } = this.#engine;
    const answer = points.find(view, region, start, end, sequence, SYNC, lookup);
    lookup.release();
    return answer === FOUND;
  }

  /** Looks at what is in memory only. */
  peek(
    region: Region,
    start: number,
    end: number,
    sequence: number,
  ): Buffer | undefined | typeof NOT_CACHED {
    const { lookup, points, view } = this.#engine;
    const answer = points.find(view, region, start, end, sequence, CACHED, lookup);
    if (answer === FOUND) return this.#take(lookup);
    if (answer !== MISSED) return this.#none(answer, lookup);
    lookup.requests.release();
    return NOT_CACHED;
  }

  /** Resolved already where it needs no read, or one that is quick. */
  get(region: Region, start: number, end: number, sequence: number): Promise<Buffer | undefined> {
    const engine = this.#engine;
    const { lookup, points, view, misses, turn } = engine;
    let answer = points.find(view, region, start, end, sequence, CACHED, lookup);
    if (answer === MISSED) {
      lookup.requests.release();
      if (!misses.isQuick()) return this.#getLater(region, start, end, sequence);
      const startUs = engine.clock.monotonicUs();
      answer = points.find(view, region, start, end, sequence, SYNC, lookup);
      misses.took(engine.clock.monotonicUs() - startUs);
    }
    const value = answer === FOUND ? this.#take(lookup) : this.#none(answer, lookup);
    if (!turn.isLong()) return Promise.resolve(value);
    return new Promise((resolve) => turn.next(() => resolve(value)));
  }

  async #getLater(
    region: Region,
    start: number,
    end: number,
    sequence: number,
  ): Promise<Buffer | undefined> {
    const engine = this.#engine;
    const key = new GrowingBytes();
    key.set(region, start, end);
    const requests = new BlockRequests(engine.tables.loader);
    const lookup = new Lookup(engine.cache, requests);
    const view = engine.retainView();
    try {
      for (let round = 0; ; round++) {
        const mode = round < MAX_READ_ROUNDS ? CACHED : SYNC;
        const answer = engine.points.find(view, key.region, 0, key.length, sequence, mode, lookup);
        if (answer === FOUND) return this.#take(lookup);
        if (answer !== MISSED) return this.#none(answer, lookup);
        await requests.load();
      }
    } finally {
      requests.release();
      engine.releaseView(view);
    }
  }

  #none(answer: number, lookup: Lookup): undefined {
    if (answer !== MERGE) return undefined;
    lookup.release();
    throw noOperator(this.#engine.directory);
  }

  #take(lookup: Lookup): Buffer {
    const value = this.#engine.copies.copy(lookup.region, lookup.start, lookup.end);
    lookup.release();
    return value;
  }
}
