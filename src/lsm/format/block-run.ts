/** Blocks that lie one behind the other in a file, to be read at once. Holds at most 64, of at most 256 KiB, and is used again and again. */
import { MAX_READ_AHEAD_BYTES, MAX_RUN_BLOCKS } from '../limits.ts';
import { BLOCK_TRAILER_BYTES } from './footer.ts';

export class BlockRun {
  count = 0;
  /** Bytes of all, trailers and all. */
  length = 0;
  readonly #offsets: Float64Array = new Float64Array(MAX_RUN_BLOCKS);
  readonly #sizes: Float64Array = new Float64Array(MAX_RUN_BLOCKS);

  clear(): void {
    this.count = 0;
    this.length = 0;
  }

  /** Adds a block behind the last one; false where it does not lie there, or the run is long enough. The first one is always added. */
  add(offset: number, size: number, limitBytes: number = MAX_READ_AHEAD_BYTES): boolean {
    const length = size + BLOCK_TRAILER_BYTES;
    if (this.count > 0) {
      const isFull = this.count === MAX_RUN_BLOCKS || this.length + length > limitBytes;
      if (isFull || offset !== this.#offsets[0]! + this.length) return false;
    }
    this.#offsets[this.count] = offset;
    this.#sizes[this.count] = size;
    this.count++;
    this.length += length;
    return true;
  }

  offset(i: number): number {
    return this.#offsets[i]!;
  }

  size(i: number): number {
    return this.#sizes[i]!;
  }
}
