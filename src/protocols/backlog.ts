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
  /** Bytes of loans that wait: all, and those that exist for the loan alone. */
  lentBytes = 0;
  ownBytes = 0;
  /** In the order in which they leave; those before `#head` have left. */
  readonly #pieces: (Uint8Array | Loan | undefined)[] = [];
  #head = 0;
  /** Where the next bytes are copied to, from `#to` on; it may hold several pieces, between which there are loans. */
  #chunk: Uint8Array | undefined = undefined;
  #to = 0;
  /** The last piece is `[#from, #to)` of the chunk, and may grow. */
  #isOpen = false;
  #from = 0;

  /** Copies and loans that wait. */
  get count(): number {
    return this.#pieces.length - this.#head;
  }

  /** Memory that is held. */
  get memoryBytes(): number {
    const spareBytes = this.#chunk === undefined ? 0 : this.#chunk.length - this.#to;
    return this.bytes + spareBytes + this.ownBytes;
  }

  copy(region: Region, from: number, to: number): void {
    const length = to - from;
    this.bytes += length;
    const full = this.#chunk;
    if (full === undefined || this.#to + length > full.length) {
      this.#close();
      if (length >= BACKLOG_CHUNK_BYTES) {
        this.#pieces.push(region.bytes.slice(from, to));
        return;
      }
      const size = Math.min(BACKLOG_CHUNK_BYTES, (full?.length ?? SMALLEST_CHUNK_BYTES / 2) * 2);
      this.#chunk = new Uint8Array(Math.max(size, length));
      this.#to = 0;
    }
    const chunk = this.#chunk!;
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#from = this.#to;
      this.#pieces.push(chunk); // `#close` says which part of it
    }
    chunk.set(region.bytes.subarray(from, to), this.#to);
    this.#to += length;
  }

  /** `onOwn` is called should bytes of the loan exist for it alone later. */
  lend(loan: Loan, onOwn: () => void): void {
    this.#close();
    this.#pieces.push(loan);
    this.lentBytes += loan.left;
    if (loan.isOwn) this.ownBytes += loan.left;
    loan.onOwn = () => {
      this.ownBytes += loan.left;
      onOwn();
    };
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
        this.lentBytes -= length;
        if (piece.isOwn) this.ownBytes -= length;
        if (piece.left > 0) break;
        piece.release();
      }
      this.#pieces[this.#head++] = undefined;
    }
    if (this.#head === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#head = 0;
      this.#chunk = undefined;
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
    this.#chunk = undefined;
    this.#isOpen = false;
    this.bytes = 0;
    this.lentBytes = 0;
    this.ownBytes = 0;
  }

  /** What is copied from now on is another piece. */
  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pieces[this.#pieces.length - 1] = this.#chunk!.subarray(this.#from, this.#to);
  }
}
