/**
 * Whether a block that is not cached is read at once or beside the event loop. A read from the page cache takes one to three microseconds, the trip to the
 * thread pool thirty; a read from a device takes fifty to ten thousand, for which the event loop must not wait. So: at once as long as that has been
 * quick, and after a slow one beside the loop for a while.
 */
import { QUICK_READ_US } from '../limits.ts';

/** Misses that go beside the event loop before it is tried again. */
const BESIDE = 256;

export class MissPolicy {
  #besideLeft = 0;
  #averageUs = 0;

  isQuick(): boolean {
    if (this.#besideLeft === 0) return true;
    this.#besideLeft--;
    return false;
  }

  /** How long a read at once took. */
  took(us: number): void {
    this.#averageUs += (us - this.#averageUs) / 8;
    if (us < 10 * QUICK_READ_US && this.#averageUs < QUICK_READ_US) return;
    this.#besideLeft = BESIDE;
    this.#averageUs = 0;
  }
}
