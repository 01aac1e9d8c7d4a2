/** What runs later. Only what somebody waits for keeps a process alive. */
export interface Timers {
  /** Calls `fn` once, in `ms` at the earliest; returns what cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** The same, where a caller's promise depends on it: keeps the process alive until then. */
  hold(ms: number, fn: () => void): () => void;
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
    return this.#arm(ms, fn, false);
  }

  hold(ms: number, fn: () => void): () => void {
    return this.#arm(ms, fn, true);
  }

  #arm(ms: number, fn: () => void, isHeld: boolean): () => void {
    let timer: NodeJS.Timeout;
    const arm = (rest: number): void => {
      const part = Math.min(rest, LONGEST_TIMER_MS);
      timer = setTimeout(() => (rest > part ? arm(rest - part) : fn()), part);
      if (!isHeld) timer.unref();
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
