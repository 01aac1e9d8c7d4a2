/**
 * The program of a job thread: takes requests from its port, does the steps of the most urgent job, and looks for more urgent requests in between. It opens
 * and closes its files itself.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../../os/clock.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { MemoryBudget } from '../cache/memory-budget.ts';
import { JOB_SLICE_US, LONGEST_SLEEP_MS } from '../limits.ts';
import type { JobReply } from './job.ts';
import { JobQueue } from './job-queue.ts';
import {
  BEATS,
  ENDED,
  REPLIES,
  REQUESTS,
  RUNNING,
  STATE,
  type ThreadReply,
  type ThreadRequest,
  type ThreadStart,
} from './thread-protocol.ts';

class JobThread {
  readonly #port: MessagePort;
  readonly #shared: Int32Array;
  readonly #queue: JobQueue;
  readonly #clock = new SystemClock();
  #bytesPerSecond = Infinity;
  #isWorking = false;

  constructor(start: ThreadStart) {
    this.#port = start.port;
    this.#shared = new Int32Array(start.shared);
    this.#queue = new JobQueue({
      files: new NodeFileSystem(),
      clock: this.#clock,
      budget: new MemoryBudget(start.budgetBytes, start.budget),
    });
  }

  run(): void {
    process.on('exit', () => this.#setState(ENDED));
    this.#port.on('message', (request: ThreadRequest) => {
      this.#take(request);
      this.#work();
    });
    this.#setState(RUNNING);
  }

  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    const queue = this.#queue;
    while (!queue.isEmpty) {
      const requests = Atomics.load(this.#shared, REQUESTS);
      const startUs = this.#clock.monotonicUs();
      const before = queue.bytesMoved;
      let reply: JobReply | undefined;
      let bytes = 0;
      do {
        reply = queue.step();
        bytes = Math.max(bytes, queue.bytesMoved - before);
      } while (reply === undefined && this.#clock.monotonicUs() - startUs < JOB_SLICE_US);
      if (reply !== undefined) this.#send({ kind: 'job', reply });
      Atomics.add(this.#shared, BEATS, 1);
      this.#sleep(requests, bytes, this.#clock.monotonicUs() - startUs);
      this.#receive();
    }
    this.#isWorking = false;
  }

  /** For as long as the rate limit asks for, unless a request comes. */
  #sleep(requests: number, bytes: number, tookUs: number): void {
    const dueMs = (bytes / this.#bytesPerSecond) * 1000 - tookUs / 1000;
    if (dueMs < 1) return;
    Atomics.wait(this.#shared, REQUESTS, requests, Math.min(dueMs, LONGEST_SLEEP_MS));
  }

  #receive(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#take(received.message as ThreadRequest);
    }
  }

  #take(request: ThreadRequest): void {
    if (request.kind === 'job') {
      this.#bytesPerSecond = request.bytesPerSecond;
      this.#queue.add(request.request);
    } else {
      this.#queue.abort(request.directory);
      this.#send({ kind: 'aborted', id: request.id });
    }
  }

  #send(reply: ThreadReply): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port's, not a window's
    this.#port.postMessage(reply);
    Atomics.add(this.#shared, REPLIES, 1);
    Atomics.notify(this.#shared, REPLIES);
  }

  #setState(state: number): void {
    Atomics.store(this.#shared, STATE, state);
    Atomics.notify(this.#shared, REPLIES);
  }
}

new JobThread(workerData as ThreadStart).run();
