/**
 * Blocks that reads in CACHED mode missed. The reader goes on with something else, the owner calls `load`, and the reads are made again: what was loaded is
 * pinned until `release`, so that it is still there then. A read may miss more the next time (first an index, then a data block).
 */
import type { BlockLoader, BlockSource } from '../format/block-loader.ts';
import { BlockRun } from '../format/block-run.ts';
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
    // By the time the block is read nobody else may need the table, and its file be closed.
    source.hold?.();
    requests.push({ source, kind, offset, size });
  }

  /** Reads all that is noted, neighbours together, beside the event loop. Rejects with LsmError, after all reads have ended. */
  async load(): Promise<void> {
    const requests = this.#requests;
    this.#requests = [];
    const loads = groupsOf(requests).map((group) => {
      const { source, kind } = group[0]!;
      return this.#loader.loadAsync(source, kind, group, this.#slots);
    });
    const results = await Promise.allSettled(loads);
    letGo(requests);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  /** The same here and now. Throws LsmError. */
  loadSync(): void {
    const requests = this.#requests;
    this.#requests = [];
    try {
      for (const { source, kind, offset, size } of requests) {
        const slot = this.#loader.cache.acquire(source.fileNumber, offset);
        this.#slots.push(slot >= 0 ? slot : this.#loader.load(source, kind, offset, size));
      }
    } finally {
      letGo(requests);
    }
  }

  /** Forgets what is noted and unpins what was loaded. */
  release(): void {
    letGo(this.#requests);
    this.#requests = [];
    for (const slot of this.#slots) this.#loader.cache.release(slot);
    this.#slots.length = 0;
  }
}

function letGo(requests: readonly BlockRequest[]): void {
  for (const { source } of requests) source.letGo?.();
}

/** Requests for neighbouring blocks, in groups that one read fetches. */
function groupsOf(requests: BlockRequest[]): BlockRequest[][] {
  const groups: BlockRequest[][] = [];
  const run = new BlockRun();
  let last: BlockRequest | undefined;
  requests.sort((a, b) => a.source.fileNumber - b.source.fileNumber || a.offset - b.offset);
  for (const request of requests) {
    const isLike = last?.source === request.source && last.kind === request.kind;
    if (isLike && run.add(request.offset, request.size)) groups.at(-1)!.push(request);
    else {
      run.clear();
      run.add(request.offset, request.size);
      groups.push([request]);
    }
    last = request;
  }
  return groups;
}
