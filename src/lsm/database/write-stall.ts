/**
 * Makes writers wait where flushes and compactions fall behind: first a little (throttle.ts), when level 0 has many files; altogether, when a memtable
 * is full and no more may wait, or level 0 is at its limit. Both are counted and told.
 */
import { Throttle } from './throttle.ts';
import type { Engine } from './engine.ts';

/** A synchronous writer that is slowed down looks up at least this often. */
const LONGEST_SLEEP_MS = 10;

export class WriteStall {
  readonly throttle: Throttle;
  readonly #engine: Engine;
  /** Since when writes stand still, -1 while they do not. */
  #stoppedSinceUs = -1;
  /** How long the last batch that was refused has to wait. */
  #delayUs = 0;
  #isRetryDue = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.throttle = new Throttle(engine.clock);
  }

  /** Whether a full memtable would find no place. */
  isStopped(): boolean {
    const { memtables, versions, settings } = this.#engine;
    const level0 = versions.current.levels[0]!.length;
    if (memtables.full.length < this.#maxFull() && level0 < settings.level0StopFiles) return false;
    this.#begin(level0, memtables.full.length);
    return true;
  }

  /** One more may be full while the memory that databases share has room for the next, and one in any case. */
  #maxFull(): number {
    const { memtables, settings, cacheShare } = this.#engine;
    const { maxFullMemtables, memtableBytes } = settings;
    if (memtables.full.length === 0 || memtables.hasSpare) return maxFullMemtables;
    return cacheShare.makeRoom(memtableBytes) ? maxFullMemtables : 1;
  }

  /** Whether a batch has to wait a little; the write path is told when it is over. */
  isSlowedDown(bytes: number): boolean {
    const { versions, settings, stats, timers } = this.#engine;
    const excess = versions.current.levels[0]!.length - settings.level0SlowFiles;
    if (excess < 0) return false;
    const pressure = excess / (settings.level0StopFiles - settings.level0SlowFiles);
    const delayUs = this.throttle.delayUs(bytes, Math.min(1, pressure));
    if (delayUs === 0) return false;
    stats.slowdowns++;
    stats.slowdownUs += delayUs;
    this.#delayUs = delayUs;
    if (!this.#isRetryDue) {
      this.#isRetryDue = true;
      timers.hold(delayUs / 1000, () => {
        this.#isRetryDue = false;
        this.#engine.writes.retry();
      });
    }
    return true;
  }

  /** Blocks for the time that the last batch was told to wait; false where it did not wait for time. */
  sleep(): boolean {
    const delayUs = this.#delayUs;
    if (delayUs === 0) return false;
    this.#delayUs = 0;
    this.#engine.timers.sleepSync(Math.min(LONGEST_SLEEP_MS, delayUs / 1000));
    return true;
  }

  /** Something was flushed or compacted. */
  end(): void {
    const sinceUs = this.#stoppedSinceUs;
    if (sinceUs < 0) return;
    const { clock, stats, events } = this.#engine;
    const durationUs = clock.monotonicUs() - sinceUs;
    stats.stopUs += durationUs;
    if (durationUs > stats.longestStopUs) stats.longestStopUs = durationUs;
    this.#stoppedSinceUs = -1;
    events.publish('stall', { state: 'ended', durationUs });
  }

  #begin(level0Files: number, fullMemtables: number): void {
    if (this.#stoppedSinceUs >= 0) return;
    const { clock, stats, events } = this.#engine;
    this.#stoppedSinceUs = clock.monotonicUs();
    stats.stops++;
    events.publish('stall', { state: 'began', level0Files, fullMemtables });
  }
}
