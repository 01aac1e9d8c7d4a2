/**
 * Output of one client that waits for its socket, in order: copies of what the kernel did not take, and values on loan, which are read
 * piece by piece as the socket takes them and cost nothing while they wait.
 */
import type { Region } from '../bytes/region.ts';
import type { Loan } from '../memory/index.ts';
import { BACKLOG_CHUNK_BYTES, BACKLOG_WRITE_BYTES } from './limits.ts';
import type { OutputRegion } from './outbox.ts';

/** Copies go into chunks of at least this size, doubling up to BACKLOG_CHUNK_BYTES. */
const SMALLEST_CHUNK_BYTES = 1024;

export class Backlog {
  /** Bytes of copies. */
  bytes = 0;
  /** In the order in which they leave; those before `#head` have left. */
  readonly #pieces: (Uint8Array | Loan | undefined)[] = [];
  #head = 0;
  /** The last piece, if more may be copied behind what is in it. */
  #open: Uint8Array | undefined = undefined;
  #openBytes = 0;
  /** Bytes that the chunks have beyond what was copied to them. */
  #spareBytes = 0;
  #loans = 0;

  /** Copies and loans that wait. */
  get count(): number {
    return this.#pieces.length - this.#head;
  }

  /** Bytes of loans that wait: all, and those that exist for the loan alone. */
  get lentBytes(): number {
    return this.#sumOfLoans(false);
  }

  get ownBytes(): number {
    return this.#sumOfLoans(true);
  }

  /** Memory that is held. */
  get memoryBytes(): number {
    return this.bytes + this.#spareBytes + this.ownBytes;
  }

  copy(region: Region, from: number, to: number): void {
    const length = to - from;
    this.bytes += length;
    const open = this.#open;
    if (open !== undefined && this.#openBytes + length <= open.length) {
      open.set(region.bytes.subarray(from, to), this.#openBytes);
      this.#openBytes += length;
      this.#spareBytes -= length;
      return;
    }
    this.#close();
    if (length >= BACKLOG_CHUNK_BYTES) {
      this.#pieces.push(region.bytes.slice(from, to));
      return;
    }
    const size = Math.min(BACKLOG_CHUNK_BYTES, (open?.length ?? SMALLEST_CHUNK_BYTES / 2) * 2);
    const chunk = new Uint8Array(Math.max(size, length));
    chunk.set(region.bytes.subarray(from, to));
    this.#pieces.push(chunk);
    this.#open = chunk;
    this.#openBytes = length;
    this.#spareBytes += chunk.length - length;
  }

  lend(loan: Loan): void {
    this.#close();
    this.#pieces.push(loan);
    this.#loans++;
  }

  /**
   * The next pieces, about BACKLOG_WRITE_BYTES; they are the caller's. What is read of a loan comes in `takeRegion`'s regions, which are added to
   * `regions`.
   */
  take(takeRegion: () => OutputRegion, regions: OutputRegion[]): Uint8Array[] {
    this.#close();
    const taken: Uint8Array[] = [];
    let bytes = 0;
    while (this.#head < this.#pieces.length && bytes < BACKLOG_WRITE_BYTES) {
      const piece = this.#pieces[this.#head]!;
      if (piece instanceof Uint8Array) {
        taken.push(piece);
        bytes += piece.length;
        this.bytes -= piece.length;
      } else {
        const region = takeRegion();
        regions.push(region);
        const length = Math.min(piece.left, region.buffer.length);
        piece.read(region.region, 0, length);
        taken.push(region.buffer.subarray(0, length));
        bytes += length;
        if (piece.left > 0) break;
        piece.release();
        this.#loans--;
      }
      this.#pieces[this.#head++] = undefined;
    }
    if (this.#head === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#head = 0;
    } else if (this.#head * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#head);
      this.#head = 0;
    }
    return taken;
  }

  clear(): void {
    for (const piece of this.#pieces)
      if (piece !== undefined && 'release' in piece) piece.release();
    this.#pieces.length = 0;
    this.#head = 0;
    this.#open = undefined;
    this.#spareBytes = 0;
    this.#loans = 0;
    this.bytes = 0;
  }

  /** The open chunk is as long as what is in it from now on. */
  #close(): void {
    if (this.#open === undefined) return;
    this.#spareBytes -= this.#open.length - this.#openBytes;
    this.#pieces[this.#pieces.length - 1] = this.#open.subarray(0, this.#openBytes);
    this.#open = undefined;
  }

  #sumOfLoans(isOwn: boolean): number {
    let sum = 0;
    if (this.#loans === 0) return 0;
    for (let i = this.#head; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!;
      if (!(piece instanceof Uint8Array) && (!isOwn || piece.isOwn)) sum += piece.left;
    }
    return sum;
  }
}
