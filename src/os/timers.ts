/** What runs later. Timers of this interface never keep a process alive by themselves. */
export interface Timers {
  /** Calls `fn` once, in `ms` at the earliest; returns what cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** Calls `fn` every `ms`; returns what cancels it. */
  every(ms: number, fn: () => void): () => void;
  /** Calls `fn` once after the input that is waiting was handled (setImmediate). Keeps the process alive until then. */
  soon(fn: () => void): void;
  /** Blocks the whole thread (DEBUG SLEEP). */
  sleepSync(ms: number): void;
}

/** Node.js's limit of a timer; longer ones are cut into pieces. */
const LONGEST_TIMER_MS = 0x7fffffff;

export class SystemTimers implements Timers {
  readonly #never = new Int32Array(new SharedArrayBuffer(4));

  after(ms: number, fn: () => void): () => void {
    let timer: NodeJS.Timeout;
    const arm = (rest: number): void => {
      const part = Math.min(rest, LONGEST_TIMER_MS);
      timer = setTimeout(() => (rest > part ? arm(rest - part) : fn()), part);
      timer.unref();
    };
    arm(ms);
    return () => clearTimeout(timer);
  }

  every(ms: number, fn: () => void): () => void {
    const timer = setInterval(fn, ms);
    timer.unref();
    return () => clearInterval(timer);
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  sleepSync(ms: number): void {
    if (ms > 0) Atomics.wait(this.#never, 0, 0, ms);
  }
}
