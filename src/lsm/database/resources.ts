/** What several databases of a process share: a memory budget and the threads that flush and compact. */
import { MemoryBudget } from '../cache/memory-budget.ts';
import { WorkerPool } from '../compaction/worker-pool.ts';

const MIB = 1024 * 1024;

export interface ResourcesOptions {
  /** Memtables, block caches, indexes, filters and buffers together. Default 256 MiB. */
  readonly memoryBytes?: number;
  /** Threads for flushes and compactions; 0: the databases' own thread, in slices. Default 1. */
  readonly workers?: number;
}

export class Resources {
  readonly budget: MemoryBudget;
  /** undefined where jobs run on the databases' own thread. */
  readonly pool: WorkerPool | undefined;

  constructor(options: ResourcesOptions = {}) {
    this.budget = new MemoryBudget(options.memoryBytes ?? 256 * MIB);
    const workers = options.workers ?? 1;
    const isThreaded = workers > 0 && WorkerPool.isPossible;
    this.pool = isThreaded ? new WorkerPool(workers, this.budget) : undefined;
  }
}
