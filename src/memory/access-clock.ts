/**
 * The 24 bits in a record that say how recently or how often it was used, as Redis documents them
 * (https://redis.io/docs/latest/develop/reference/eviction/): for LRU the time in seconds, wrapping after 194 days; for LFU 16 bits of minutes and 8 bits
 * of a logarithmic counter.
 */

const CLOCK_MASK = 0xffffff;
/** A new key's counter: high enough not to be evicted at once. */
const LFU_INITIAL = 5;
const LFU_MAX = 255;

export class AccessClock {
  useLfu = false;
  lfuLogFactor = 10;
  lfuDecayTimeMinutes = 1;
  readonly #random: () => number;
  #nowMs = 0;
  #seconds = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The field of a record that is used for the first time. */
  initial(nowMs: number): number {
    return this.useLfu
      ? ((this.#minutes(nowMs) << 8) | LFU_INITIAL) & CLOCK_MASK
      : this.#lru(nowMs);
  }

  /** The field after a further use. */
  touched(field: number, nowMs: number): number {
    if (!this.useLfu) return this.#lru(nowMs);
    let counter = this.frequency(field, nowMs);
    if (counter < LFU_MAX) {
      const base = Math.max(0, counter - LFU_INITIAL);
      if (this.#random() < 1 / (base * this.lfuLogFactor + 1)) counter++;
    }
    return ((this.#minutes(nowMs) << 8) | counter) & CLOCK_MASK;
  }

  /** The LFU counter, lowered by one for each decay time that passed. */
  frequency(field: number, nowMs: number): number {
    const counter = field & 0xff;
    if (this.lfuDecayTimeMinutes === 0) return counter;
    const elapsed = (this.#minutes(nowMs) - (field >>> 8)) & 0xffff;
    return Math.max(0, counter - Math.floor(elapsed / this.lfuDecayTimeMinutes));
  }

  /** Seconds since the last use. */
  idleSeconds(field: number, nowMs: number): number {
    if (this.useLfu) return ((this.#minutes(nowMs) - (field >>> 8)) & 0xffff) * 60;
    return (this.#lru(nowMs) - field) & CLOCK_MASK;
  }

  #lru(nowMs: number): number {
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#seconds = Math.floor(nowMs / 1000) & CLOCK_MASK;
    }
    return this.#seconds;
  }

  #minutes(nowMs: number): number {
    return Math.floor(nowMs / 60000) & 0xffff;
  }
}
