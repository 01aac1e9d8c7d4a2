/**
 * Entries that are not handed to the kernel yet: one region that grows, with room for the framing on both sides.
 *
 *   | room for the lines in front | entries ... at | room for the line behind | free |
 *
 * Models write at `at` after `reserve`; the region may be another one after each `reserve`.
 */
import { Region } from '../bytes/region.ts';
import { BATCH_BEGIN_BYTES, BATCH_END_BYTES, TIMESTAMP_BYTES } from './batch.ts';
import { MAX_BATCH_BYTES } from './limits.ts';

/** Where entries begin in the region. */
export const ENTRIES_AT: number = BATCH_BEGIN_BYTES + TIMESTAMP_BYTES;

export class LogBuffer {
  region: Region;
  at: number = ENTRIES_AT;
  readonly #usualBytes: number;

  constructor(usualBytes: number) {
    this.#usualBytes = usualBytes;
    this.region = Region.allocate(usualBytes);
  }

  /** Bytes of entries. */
  get length(): number {
    return this.at - ENTRIES_AT;
  }

  /** Makes room for `sizeBytes` behind `at`. Throws RangeError where a batch would exceed 4 GiB. */
  reserve(sizeBytes: number): void {
    const needed = this.at + sizeBytes + BATCH_END_BYTES;
    if (needed > this.region.bytes.length) this.#grow(needed);
  }

  /** Empties it; memory that an unusually large batch took is given back. */
  reset(): void {
    if (this.region.bytes.length > this.#usualBytes * 8) {
      this.region = Region.allocate(this.#usualBytes);
    }
    this.at = ENTRIES_AT;
  }

  #grow(needed: number): void {
    if (needed > MAX_BATCH_BYTES) throw new RangeError('a batch of log entries exceeds 4 GiB');
    const capacity = Math.min(MAX_BATCH_BYTES, Math.max(needed, this.region.bytes.length * 2));
    const region = Region.allocate(capacity);
    region.bytes.set(this.region.bytes.subarray(0, this.at));
    this.region = region;
  }
}
