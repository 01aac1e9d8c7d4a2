/**
 * Reads a file from its start to its end through one region: the bytes from an offset on lie contiguously, as many as were asked for.
 * The region grows for what is larger than usual and shrinks again afterwards.
 */
import { Region } from '../bytes/region.ts';
import { MAX_BATCH_BYTES } from './limits.ts';

/** What can be read at any place: a file, or bytes in memory. */
export interface WindowSource {
  /** Reads `length` bytes at `position` to `target` at `at`; returns how many there were. */
  read(target: Uint8Array, at: number, length: number, position: number): number;
}

export class FileWindow {
  readonly #source: WindowSource;
  readonly size: number;
  region: Region;
  /** Where in `region` the bytes of the last `fill` (at `offset` in the file) begin, and where what is there ends. */
  at = 0;
  offset = 0;
  end = 0;
  readonly #usualBytes: number;
  /** Offset in the file of the region's first byte. */
  #origin = 0;

  constructor(source: WindowSource, size: number, usualBytes: number) {
    this.#source = source;
    this.size = size;
    this.#usualBytes = usualBytes;
    this.region = Region.allocate(usualBytes);
  }

  /**
   * Makes the bytes from `offset` on available in `region` at `at`, `length` of them or up to the end of the file; returns how many
   * there are (more than asked for where they are there already). What was filled before is gone. Throws FileError, RangeError.
   */
  fill(offset: number, length: number): number {
    const held = this.#origin + this.end - offset;
    this.offset = offset;
    if (offset >= this.#origin && (held >= length || offset + held >= this.size)) {
      this.at = offset - this.#origin;
      return Math.max(0, held);
    }
    this.#move(offset, length);
    return this.end;
  }

  #move(offset: number, length: number): void {
    const wanted = Math.min(length, this.size - offset);
    if (wanted > MAX_BATCH_BYTES) throw new RangeError('an entry of more than 4 GiB');
    const isWithin = offset >= this.#origin && offset < this.#origin + this.end;
    const kept = isWithin ? this.#origin + this.end - offset : 0;
    const from = offset - this.#origin;
    const isOversized = this.region.bytes.length > this.#usualBytes && wanted <= this.#usualBytes;
    if (wanted > this.region.bytes.length || (isOversized && kept <= this.#usualBytes)) {
      const capacity = Math.max(this.#usualBytes, Math.min(MAX_BATCH_BYTES, wanted * 1.25));
      const region = Region.allocate(Math.ceil(capacity));
      if (kept > 0) region.bytes.set(this.region.bytes.subarray(from, from + kept));
      this.region = region;
    } else if (kept > 0) {
      this.region.bytes.copyWithin(0, from, from + kept);
    }
    this.#origin = offset;
    this.at = 0;
    this.end = kept;
    const room = Math.min(this.region.bytes.length - kept, this.size - offset - kept);
    if (room > 0) this.end += this.#source.read(this.region.bytes, kept, room, offset + kept);
  }
}
