/** Refuses keys that do not ascend. */
import { compareBytes } from '../../bytes/compare.ts';
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { Region } from '../../bytes/region.ts';

export class AscendingKeys {
  readonly #last = new GrowingBytes();
  #hasLast = false;

  /** Throws RangeError for a key that is not behind the one before. */
  check(region: Region, start: number, end: number): void {
    const last = this.#last;
    if (this.#hasLast && compareBytes(last.region, 0, last.length, region, start, end) >= 0) {
      throw new RangeError('entries of a table must have ascending keys, each once');
    }
    last.set(region, start, end);
    this.#hasLast = true;
  }

  /** The next key may be any. */
  reset(): void {
    this.#hasLast = false;
  }
}
