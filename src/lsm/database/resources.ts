/**
 * What several databases of a thread share: a memory budget, a block cache within it, and the threads that flush and compact.
 *
 * ```ts
 * const resources = new Resources({ memoryBytes: 512 * 1024 * 1024, workers: 2 });
 * const users = await open('./users', { resources });
 * const events = await open('./events', { resources });
 * ```
 */
import { MemoryBudget } from '../cache/memory-budget.ts';
import { SharedCache } from '../cache/shared-cache.ts';
import { WorkerPool } from '../compaction/worker-pool.ts';
import { MAX_WORKERS } from '../limits.ts';

const MIB = 1024 * 1024;

export interface ResourcesOptions {
  /**
   * Memtables, block cache, indexes, filters and buffers together. The cache takes what the rest leaves and gives it back when that needs it; a database that finds no room
   * for a memtable waits for the flush of its own. One memtable each, and what jobs and readers need at the moment, they take in any case. Default 256 MiB.
   */
  readonly memoryBytes?: number;
  /** Threads for flushes and compactions; 0: the databases' own thread, in slices. At most 64, default 1. */
  readonly workers?: number;
}

export class Resources {
  readonly budget: MemoryBudget;
  /** Of the databases that are opened without `cacheBytes`. */
  readonly cache: SharedCache;
  /** undefined where jobs run on the databases' own thread. */
  readonly pool: WorkerPool | undefined;

  /** Throws RangeError. */
  constructor(options: ResourcesOptions = {}) {
    const { memoryBytes = 256 * MIB, workers = 1 } = options;
    if (!Number.isInteger(workers) || workers < 0 || workers > MAX_WORKERS) {
      throw new RangeError(`workers must be 0 to ${MAX_WORKERS}, not ${workers}`);
    }
    this.budget = new MemoryBudget(memoryBytes);
    this.cache = new SharedCache(this.budget);
    const isThreaded = workers > 0 && WorkerPool.isPossible;
    this.pool = isThreaded ? new WorkerPool(workers, this.budget) : undefined;
  }
}
