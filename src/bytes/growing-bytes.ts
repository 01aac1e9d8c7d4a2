/** Bytes that one part keeps for itself and fills anew again and again: a region that grows to what it had to hold, and is kept. */
import { copyBytes, Region } from './region.ts';

const FIRST_BYTES = 64;

export class GrowingBytes {
  region: Region;
  length = 0;

  constructor(capacityBytes: number = FIRST_BYTES) {
    this.region = Region.allocate(capacityBytes);
  }

  /** Holds a copy of `[start, end)` of `source` from now on. */
  set(source: Region, start: number, end: number): void {
    this.reserve(end - start);
    copyBytes(this.region, 0, source, start, end - start);
    this.length = end - start;
  }

  /** Room for `length` bytes; what was held may be lost. */
  reserve(length: number): void {
    if (length > this.region.bytes.length) {
      this.region = Region.allocate(Math.max(length, this.region.bytes.length * 2));
    }
  }

  /** Lets go of memory beyond `limitBytes`. */
  shrink(limitBytes: number): void {
    if (this.region.bytes.length > limitBytes) this.region = Region.allocate(limitBytes);
    this.length = 0;
  }
}
