/** Bytes that a client has sent and that have not run, in memory of its own. */
import { Region } from '../bytes/region.ts';
import { MAX_PENDING_BYTES, TURN_BYTES } from './limits.ts';

const SMALLEST_BYTES = 1024;

export class PendingInput {
  region: Region | undefined = undefined;
  /** The bytes are `[from, to)` of the region. */
  from = 0;
  to = 0;

  get length(): number {
    return this.to - this.from;
  }

  get capacity(): number {
    return this.region?.bytes.length ?? 0;
  }

  /**
   * Adds bytes behind those that wait, which may move to the region's beginning or to another region. The request that they belong to ends when
   * there are `needBytes` (0: unknown). Throws RangeError where the system has no memory.
   */
  append(region: Region, from: number, to: number, needBytes: number): void {
    if (this.to + to - from > this.capacity) this.#makeRoom(to - from, needBytes);
    this.region!.bytes.set(region.bytes.subarray(from, to), this.to);
    this.to += to - from;
  }

  /** Forgets the bytes; memory for a short rest is kept. */
  empty(keptBytes = 0): void {
    this.from = 0;
    this.to = 0;
    if (this.capacity > keptBytes) this.region = undefined;
  }

  #makeRoom(length: number, needBytes: number): void {
    const waiting = this.length;
    const needed = waiting + length;
    if (needed > this.capacity / 2) {
      // Grows with what has arrived, never with what a length claims; a known end bounds the last step.
      const doubled = Math.max(SMALLEST_BYTES, needed, this.capacity * 2);
      const isEndKnown = needBytes > needed + TURN_BYTES;
      const size = isEndKnown ? Math.min(doubled, needBytes) : doubled;
      const larger = Region.allocate(Math.max(needed, Math.min(size, MAX_PENDING_BYTES)));
      if (waiting > 0) larger.bytes.set(this.region!.bytes.subarray(this.from, this.to));
      this.region = larger;
    } else {
      this.region!.bytes.copyWithin(0, this.from, this.to);
    }
    this.from = 0;
    this.to = waiting;
  }
}
