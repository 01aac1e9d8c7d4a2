/**
 * Knows for how long the event loop has not turned. Promises that are resolved at once keep it from turning: a program that awaits one after the other lets
 * no timer, socket or worker through. So who resolves promises asks `isLong`, and resolves this one through the loop.
 */
import type { Clock } from '../../os/clock.ts';
import type { Timers } from '../../os/timers.ts';
import { LONG_TURN_US } from '../limits.ts';

/** The clock is read once in so many questions. */
const QUESTIONS = 16;

export class Turn {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #isWatched = false;
  #startUs = 0;
  #questions = 0;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  isLong(): boolean {
    if (!this.#isWatched) return this.#watch();
    this.#questions++;
    if (this.#questions % QUESTIONS !== 0) return false;
    return this.#clock.monotonicUs() - this.#startUs > LONG_TURN_US;
  }

  /** The same for who asks after more work than a read: looks at the clock each time. */
  isLongNow(): boolean {
    if (!this.#isWatched) return this.#watch();
    return this.#clock.monotonicUs() - this.#startUs > LONG_TURN_US;
  }

  #watch(): false {
    this.#isWatched = true;
    this.#questions = 0;
    this.#startUs = this.#clock.monotonicUs();
    this.#timers.soon(this.#turned);
    return false;
  }

  /** Calls `fn` when the loop has turned. */
  next(fn: () => void): void {
    this.#timers.soon(fn);
  }

  /** Settles when the loop has turned. */
  passed(): Promise<void> {
    return new Promise((resolve) => this.next(resolve));
  }

  readonly #turned = (): void => {
    this.#isWatched = false;
  };
}
