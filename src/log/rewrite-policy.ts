/** When a rewrite begins by itself, as Redis decides it: by growth, and slower after repeated failures. */
import { REWRITE_FREE_FAILURES, REWRITE_LONGEST_DELAY_MINUTES } from './limits.ts';

const MINUTE_MS = 60_000;

export class RewritePolicy {
  /** `auto-aof-rewrite-percentage` (0: never) and `auto-aof-rewrite-min-size`. */
  percentage = 100;
  minimumBytes: number = 64 * 1024 * 1024;
  consecutiveFailures = 0;
  #delayMinutes = 0;
  #notBeforeMs = 0;

  /** Whether the log, which had `baseBytes` after the last rewrite, has grown enough. */
  isDue(bytes: number, baseBytes: number): boolean {
    if (this.percentage === 0 || bytes <= this.minimumBytes) return false;
    const growth = Math.floor((bytes * 100) / Math.max(1, baseBytes)) - 100;
    return growth >= this.percentage;
  }

  succeeded(): void {
    this.consecutiveFailures = 0;
    this.#delayMinutes = 0;
    this.#notBeforeMs = 0;
  }

  /** Returns the minutes until the next automatic try; 0: at once. */
  failed(nowMs: number): number {
    this.consecutiveFailures++;
    if (this.consecutiveFailures < REWRITE_FREE_FAILURES) return 0;
    const doubled = this.#delayMinutes === 0 ? 1 : this.#delayMinutes * 2;
    this.#delayMinutes = Math.min(doubled, REWRITE_LONGEST_DELAY_MINUTES);
    this.#notBeforeMs = nowMs + this.#delayMinutes * MINUTE_MS;
    return this.#delayMinutes;
  }

  isLimited(nowMs: number): boolean {
    return nowMs < this.#notBeforeMs;
  }
}
