/** Where jobs run: worker threads, or the database's own thread in slices. */
import type { Clock } from '../../os/clock.ts';
import type { Timers } from '../../os/timers.ts';
import { SLICE_US } from '../limits.ts';
import type { JobReply, JobRequest } from './job.ts';
import { JobQueue } from './job-queue.ts';
import type { JobEnvironment } from './job-run.ts';

export type OnReply = (reply: JobReply) => void;

export interface JobRunner {
  /** Begins a job, whose id no other job of this runner has. `onReply` is called once, from the event loop, `poll` or `wait`. */
  submit(request: JobRequest, onReply: OnReply): void;
  /** Hands over the replies that have come, without the event loop's help: who never lets it run would wait for ever. */
  poll(): void;
  /** Blocks until a reply has come, and hands it over; or for as long as this runner cares to (some milliseconds). */
  wait(): void;
  /** Gives up all jobs. No `onReply` is called any more. */
  close(): Promise<void>;
}

export interface InlineOptions extends JobEnvironment {
  readonly timers: Timers;
  /** Bytes a second that jobs may move. */
  readonly bytesPerSecond: number;
}

/** Runs jobs on the thread itself: some milliseconds at a time, between which the event loop turns. */
export class InlineRunner implements JobRunner {
  readonly #queue: JobQueue;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #bytesPerSecond: number;
  readonly #onReply = new Map<number, OnReply>();
  #isScheduled = false;
  #isClosed = false;

  constructor(options: InlineOptions) {
    this.#queue = new JobQueue(options);
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#bytesPerSecond = options.bytesPerSecond;
  }

  submit(request: JobRequest, onReply: OnReply): void {
    this.#onReply.set(request.id, onReply);
    this.#queue.add(request);
    this.#schedule(0);
  }

  /** What is done on this thread has been handed over. */
  poll(): void {}

  wait(): void {
    for (;;) {
      const reply = this.#queue.step();
      if (reply !== undefined) this.#handOver(reply);
      if (reply !== undefined || this.#queue.isEmpty) return;
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#onReply.clear();
    this.#queue.abort();
    return Promise.resolve();
  }

  #schedule(delayMs: number): void {
    if (this.#isScheduled || this.#isClosed || this.#queue.isEmpty) return;
    this.#isScheduled = true;
    if (delayMs > 0) this.#timers.hold(delayMs, this.#slice);
    else this.#timers.soon(this.#slice);
  }

  readonly #slice = (): void => {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const queue = this.#queue;
    const start = this.#clock.monotonicUs();
    const moved = queue.bytesMoved;
    let bytes = 0;
    do {
      const reply = queue.step();
      bytes = Math.max(bytes, queue.bytesMoved - moved);
      if (reply !== undefined) this.#handOver(reply);
    } while (!queue.isEmpty && this.#clock.monotonicUs() - start < SLICE_US);
    this.#schedule(Math.floor((bytes / this.#bytesPerSecond) * 1000));
  };

  #handOver(reply: JobReply): void {
    const onReply = this.#onReply.get(reply.id);
    this.#onReply.delete(reply.id);
    onReply?.(reply);
  }
}
