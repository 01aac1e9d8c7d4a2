/** Blocks of tables, outside the JavaScript heap: signatures. */
import { Region } from '../../bytes/region.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** Priorities: how many sweeps an entry survives after its last use. */
export const LOW = 0;
export const HIGH = 1;

export interface BlockCacheOptions {
  readonly capacityBytes: number;
  /** Memory is taken from the system, and from the budget, in segments of this size. Default 64 MiB, or the capacity where that is less. */
  readonly segmentBytes?: number;
  readonly budget?: MemoryBudget;
}

export class BlockCache {
  /** Bytes of all entries, as allocated. */
  usedBytes = 0;
  hits = 0;
  misses = 0;

  constructor(_options: BlockCacheOptions) {}

  /** The slot of the block at `offset` of a file, pinned until `release`; -1 where it is not cached. */
  acquire(_file: number, _offset: number): number {
    throw new Error('not there');
  }

  /** Room for a block of `sizeBytes`: a slot that is pinned and that nobody finds before it is published. Evicts what is used least. */
  reserve(_sizeBytes: number, _priority: number): number {
    throw new Error('not there');
  }

  /** The bytes of a reserved slot are there: `acquire` finds it from now on. It stays pinned. */
  publish(_slot: number, _file: number, _offset: number): void {
    throw new Error('not there');
  }

  /** One pin more. */
  retain(_slot: number): void {
    throw new Error('not there');
  }

  release(_slot: number): void {
    throw new Error('not there');
  }

  /** The bytes of a pinned slot: `[start, start + length)` of its region. */
  region(_slot: number): Region {
    throw new Error('not there');
  }

  start(_slot: number): number {
    throw new Error('not there');
  }

  length(_slot: number): number {
    throw new Error('not there');
  }

  /** Forgets all blocks of a file; pinned ones go when they are released. */
  eraseFile(_file: number): void {
    throw new Error('not there');
  }
}
