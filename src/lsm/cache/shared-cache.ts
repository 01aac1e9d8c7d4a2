/**
 * The block cache of databases that share their memory: one for all of them that are open, in which each has numbers of its own for its files.
 *
 * The cache takes what nobody else takes of the budget, and memtables come before it: who needs room has segments of the cache given back (`makeRoom`). It is there from the
 * first opening to the last closing.
 */
import {
  CACHE_SEGMENT_BYTES,
  CACHE_SPACES,
  MIN_CACHE_BYTES,
  SHARED_CACHE_SEGMENTS,
} from '../limits.ts';
import { BlockCache } from './block-cache.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** What one database has of a cache, its own or a shared one. */
export interface CacheShare {
  readonly cache: BlockCache;
  /** Tells its files from those of others (table-cache.ts); undefined where there are no others. */
  readonly space: number | undefined;
  /** Whether so many bytes more are within the budget, once the cache has given back what it can. Always, of a cache whose size allows for them. */
  makeRoom(sizeBytes: number): boolean;
  /** Nothing of it may be pinned. */
  close(): void;
}

/** A cache of one database alone, whose capacity leaves room for the rest. */
export function ownCache(capacityBytes: number, budget: MemoryBudget): CacheShare {
  const cache = new BlockCache({ capacityBytes, budget });
  return { cache, space: undefined, makeRoom: () => true, close: () => cache.close() };
}

export class SharedCache {
  readonly #budget: MemoryBudget;
  #cache: BlockCache | undefined = undefined;
  #shares = 0;
  #spaces = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** undefined where there are no numbers left. */
  open(): CacheShare | undefined {
    // Used once: a reader that outlives its database may still bring blocks in.
    if (this.#spaces === CACHE_SPACES) return undefined;
    const space = this.#spaces++;
    const cache = (this.#cache ??= this.#make());
    this.#shares++;
    return {
      cache,
      space,
      makeRoom: (sizeBytes) => this.#makeRoom(cache, sizeBytes),
      close: () => this.#close(cache),
    };
  }

  #make(): BlockCache {
    const budget = this.#budget;
    const capacityBytes = Math.max(MIN_CACHE_BYTES, budget.limitBytes);
    const segmentBytes = Math.min(CACHE_SEGMENT_BYTES, capacityBytes / SHARED_CACHE_SEGMENTS);
    return new BlockCache({ capacityBytes, segmentBytes, budget });
  }

  #makeRoom(cache: BlockCache, sizeBytes: number): boolean {
    const { limitBytes } = this.#budget;
    while (this.#budget.usedBytes + sizeBytes > limitBytes) if (!cache.shrink()) return false;
    return true;
  }

  #close(cache: BlockCache): void {
    this.#shares--;
    if (this.#shares > 0) return;
    cache.close();
    this.#cache = undefined;
  }
}
