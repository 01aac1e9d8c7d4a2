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
  /** The time as the two fields count it: small integers, so that a use of a record touches no double. */
  #seconds = 0;
  #minutes = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The time is `nowMs` now. */
  tick(nowMs: number): void {
    const seconds = Math.floor(nowMs / 1000);
    this.#seconds = seconds & CLOCK_MASK;
    this.#minutes = Math.floor(seconds / 60) & 0xffff;
  }

  /** The field of a record that is used for the first time. */
  initial(): number {
    return this.useLfu ? (this.#minutes << 8) | LFU_INITIAL : this.#seconds;
  }

  /** The field after a further use. */
  touched(field: number): number {
    return this.useLfu ? this.#counted(field) : this.#seconds;
  }

  /** The LFU counter, lowered by one for each decay time that passed. */
  frequency(field: number): number {
    const counter = field & 0xff;
    if (this.lfuDecayTimeMinutes === 0) return counter;
    const elapsed = (this.#minutes - (field >>> 8)) & 0xffff;
    return Math.max(0, counter - Math.floor(elapsed / this.lfuDecayTimeMinutes));
  }

  /** Seconds since the last use. */
  idleSeconds(field: number): number {
    if (this.useLfu) return ((this.#minutes - (field >>> 8)) & 0xffff) * 60;
    return (this.#seconds - field) & CLOCK_MASK;
  }

  #counted(field: number): number {
    let counter = this.frequency(field);
    if (counter < LFU_MAX) {
      const base = Math.max(0, counter - LFU_INITIAL);
      if (this.#random() < 1 / (base * this.lfuLogFactor + 1)) counter++;
    }
    return (this.#minutes << 8) | counter;
  }
}
