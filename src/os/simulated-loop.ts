/**
 * A clock, timers and an event loop in one, in simulated time: nothing happens until `run` takes the next event, so a test
 * decides when the world moves, and the same seed gives the same order of events.
 *
 * Events due at the same time run in the order in which they were asked for.
 */
import type { Clock } from './clock.ts';
import type { Timers } from './timers.ts';

interface Event {
  atUs: number;
  readonly order: number;
  readonly fn: () => void;
  /** Comes back after this long; 0: once. */
  readonly everyUs: number;
}

const TURN_US = 5;

export class SimulatedLoop implements Clock, Timers {
  /** Called after every event and the promises that it settled. */
  onEvent: () => void = () => {};
  #startMs: number;
  #us = 0;
  #order = 0;
  #events: Event[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + Math.floor(this.#us / 1000);
  }

  nowUs(): number {
    return this.#startMs * 1000 + this.#us;
  }

  /** Somebody sets the machine's clock, by so much; what is due in some time is due in that time all the same. */
  shiftClock(ms: number): void {
    this.#startMs += ms;
  }

  monotonicUs(): number {
    return this.#us;
  }

  /** As if this process never waited. */
  cpuUs(): number {
    return this.#us;
  }

  after(ms: number, fn: () => void): () => void {
    return this.#add(ms * 1000, 0, fn);
  }

  hold(ms: number, fn: () => void): () => void {
    return this.after(ms, fn);
  }

  every(ms: number, fn: () => void): () => void {
    return this.#add(ms * 1000, ms * 1000, fn);
  }

  soon(fn: () => void): void {
    // A turn of the loop takes time: what asks again and again until some has passed must end.
    this.#add(TURN_US, 0, fn);
  }

  sleepSync(ms: number): void {
    this.#us += Math.round(ms * 1000);
  }

  /** Calls `fn` in `us` microseconds. */
  afterUs(us: number, fn: () => void): () => void {
    return this.#add(us, 0, fn);
  }

  /** Events that wait, repeating ones included. */
  get pending(): number {
    return this.#events.length;
  }

  /** Takes the next event, moving time forward to it; false when there is none. Promises it settled have not run on yet. */
  runNext(): boolean {
    const event = this.#events.shift();
    if (event === undefined) return false;
    if (event.atUs > this.#us) this.#us = event.atUs;
    if (event.everyUs > 0) {
      this.#insert({ ...event, atUs: this.#us + event.everyUs, order: this.#order++ });
    }
    event.fn();
    return true;
  }

  /** Runs whatever is due within the next `ms`, and what that leads to, promises included. */
  async run(ms: number): Promise<void> {
    const endUs = this.#us + ms * 1000;
    await settle();
    while (this.#events.length > 0 && this.#events[0]!.atUs <= endUs) {
      this.runNext();
      await settle();
      this.onEvent();
    }
    if (this.#us < endUs) this.#us = endUs;
  }

  /** Runs until `done()`; throws when nothing is left to run, or after `limit` events. */
  async runUntil(done: () => boolean, limit = 1_000_000): Promise<void> {
    await settle();
    for (let i = 0; !done(); i++) {
      if (i === limit) throw new Error('simulation: the condition was not reached');
      if (!this.runNext()) throw new Error('simulation: nothing left to run');
      await settle();
      this.onEvent();
    }
  }

  #add(us: number, everyUs: number, fn: () => void): () => void {
    const order = this.#order++;
    this.#insert({ atUs: this.#us + Math.max(0, us), order, fn, everyUs });
    return () => {
      this.#events = this.#events.filter((e) => e.fn !== fn);
    };
  }

  #insert(event: Event): void {
    let i = this.#events.length;
    while (i > 0 && this.#events[i - 1]!.atUs > event.atUs) i--;
    this.#events.splice(i, 0, event);
  }
}

/** Lets every promise that is settled run on: immediates come after all microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
