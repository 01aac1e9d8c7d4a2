/**
 * Blocks that reads in CACHED mode missed. The reader goes on with something else, the owner calls `load`, and the reads are made again: what was loaded is
 * pinned until `release`, so that it is still there then. A read may miss more the next time (first an index, then a data block).
 */
import type { BlockLoader, BlockSource } from '../format/block-loader.ts';
import { MAX_BLOCK_REQUESTS } from '../limits.ts';

interface BlockRequest {
  readonly source: BlockSource;
  readonly kind: number;
  readonly offset: number;
  readonly size: number;
}

export class BlockRequests {
  readonly #loader: BlockLoader;
  #requests: BlockRequest[] = [];
  readonly #slots: number[] = [];

  constructor(loader: BlockLoader) {
    this.#loader = loader;
  }

  /** Blocks that are noted and not loaded yet. */
  get length(): number {
    return this.#requests.length;
  }

  /** Blocks that were loaded and are pinned. */
  get loaded(): number {
    return this.#slots.length;
  }

  /** Notes a block, once. Beyond 1024 none is noted: who misses it asks again. */
  add(source: BlockSource, kind: number, offset: number, size: number): void {
    const requests = this.#requests;
    if (requests.length >= MAX_BLOCK_REQUESTS) return;
    // The latest are the likeliest to be asked for twice; a block that is read twice does no harm.
    for (let i = requests.length - 1; i >= Math.max(0, requests.length - 16); i--) {
      if (requests[i]!.offset === offset && requests[i]!.source === source) return;
    }
    requests.push({ source, kind, offset, size });
  }

  /** Reads all that is noted, beside the event loop. Rejects with LsmError, after all reads have ended. */
  async load(): Promise<void> {
    const requests = this.#requests;
    this.#requests = [];
    const loads = requests.map(({ source, kind, offset, size }) =>
      this.#loader.loadAsync(source, kind, offset, size),
    );
    let failure: PromiseRejectedResult | undefined;
    for (const result of await Promise.allSettled(loads)) {
      if (result.status === 'fulfilled') this.#slots.push(result.value);
      else failure ??= result;
    }
    if (failure !== undefined) throw failure.reason;
  }

  /** Forgets what is noted and unpins what was loaded. */
  release(): void {
    this.#requests = [];
    for (const slot of this.#slots) this.#loader.cache.release(slot);
    this.#slots.length = 0;
  }
}
