/**
 * Slows writers down before they have to stop: bytes are let through at a rate that falls the nearer level 0 is to the number of files at which writes stop,
 * so that a writer meets a little delay for a while rather than a long one at once.
 *
 * The highest rate is what background work was last seen to get through, a floor kept; bursts of a few milliseconds are free.
 */
import type { Clock } from '../../os/clock.ts';
import { MIN_WRITE_RATE, THROTTLE_BURST_US } from '../limits.ts';

export class Throttle {
  /** Bytes a second that flushes and compactions got through, an average that forgets. */
  drainRate: number = 16 * MIN_WRITE_RATE;
  readonly #clock: Clock;
  /** When the bytes let through so far would have been through at the rate that held. */
  #busyUntilUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A job moved so many bytes. */
  learn(bytes: number, durationUs: number): void {
    if (durationUs < 1000) return;
    const rate = (bytes / durationUs) * 1_000_000;
    this.drainRate += (rate - this.drainRate) / 4;
  }

  /**
   * Microseconds to wait before a batch may be stored, 0 where it may be at once, which then counts. `pressure`: 0 where slowing down begins, 1 where
   * writes stop.
   */
  delayUs(bytes: number, pressure: number): number {
    const now = this.#clock.monotonicUs();
    if (this.#busyUntilUs > now + THROTTLE_BURST_US) return this.#busyUntilUs - now;
    const rate = Math.max(MIN_WRITE_RATE, this.drainRate * (1 - pressure));
    this.#busyUntilUs = Math.max(this.#busyUntilUs, now) + (bytes / rate) * 1_000_000;
    return 0;
  }

  reset(): void {
    this.#busyUntilUs = 0;
  }
}
