/**
 * The index of a table: for each data block a key that is not before its last one and before the first of the next block, and the block's
 * handle. Any such key will do, so a short one is taken, as LevelDB does: the last key cut off behind the first byte that differs from the next
 * block's first, that byte raised by one. A shortened key gets the trailer that stands before every version of it.
 */
import { Region } from '../../bytes/region.ts';
import { SEPARATOR_TRAILER_HIGH, SEPARATOR_TRAILER_LOW } from '../internal-key.ts';
import { BlockBuilder } from './block-builder.ts';
import { writeHandle } from './footer.ts';

const MAX_HANDLE_BYTES = 20;

export class IndexBuilder {
  readonly block: BlockBuilder = new BlockBuilder(1);
  /** Whether a data block has ended whose entry waits for the next key. */
  isWaiting = false;
  readonly #handle: Region = Region.allocate(MAX_HANDLE_BYTES);
  #handleEnd = 0;

  /** A data block has ended; `add` or `addLast` comes before the next one. */
  wait(offset: number, size: number): void {
    this.#handleEnd = writeHandle(this.#handle.bytes, 0, { offset, size });
    this.isWaiting = true;
  }

  /**
   * The entry of the block that ended with the user key `last[0, lastEnd)` and the trailer (low, high); the next one begins with `[start, end)` of `next`.
   * `prefix` bytes are common to both.
   */
  add(
    last: Region,
    lastEnd: number,
    low: number,
    high: number,
    next: Region,
    start: number,
    end: number,
    prefix: number,
  ): void {
    const canDiffer = prefix + 1 < lastEnd && prefix < end - start;
    const byte = canDiffer ? last.bytes[prefix]! : 0xff;
    if (canDiffer && byte + 1 < next.bytes[start + prefix]!) this.#addCut(last, prefix + 1);
    else this.#add(last, lastEnd, low, high);
  }

  /** The entry of the last block. */
  addLast(last: Region, lastEnd: number, low: number, high: number): void {
    let at = 0;
    while (at < lastEnd && last.bytes[at] === 0xff) at++;
    if (at + 1 < lastEnd) this.#addCut(last, at + 1);
    else this.#add(last, lastEnd, low, high);
  }

  #addCut(last: Region, end: number): void {
    last.bytes[end - 1]!++;
    this.#add(last, end, SEPARATOR_TRAILER_LOW, SEPARATOR_TRAILER_HIGH);
    last.bytes[end - 1]!--;
  }

  #add(key: Region, end: number, low: number, high: number): void {
    this.block.add(key, 0, end, 0, low, high, this.#handle, 0, this.#handleEnd);
    this.isWaiting = false;
  }
}
