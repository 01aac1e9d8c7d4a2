/** What several databases of a process share: a memory budget and the threads that flush and compact. */
import { MemoryBudget } from '../cache/memory-budget.ts';

const MIB = 1024 * 1024;

export interface ResourcesOptions {
  /** Memtables, block caches, indexes, filters and buffers together. Default 256 MiB. */
  readonly memoryBytes?: number;
  /** Threads for flushes and compactions; 0: the databases' own thread, in slices. Default 1. */
  readonly workers?: number;
}

export class Resources {
  readonly budget: MemoryBudget;
  readonly workers: number;

  constructor(options: ResourcesOptions = {}) {
    this.budget = new MemoryBudget(options.memoryBytes ?? 256 * MIB);
    this.workers = options.workers ?? 1;
  }
}
