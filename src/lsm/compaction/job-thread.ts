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
  /** Bytes a second, by the directory of the tree. */
  readonly #rates = new Map<string, number>();
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
      let { directory } = queue;
      do {
        reply = queue.step();
        directory = queue.directory ?? directory;
        bytes = Math.max(bytes, queue.bytesMoved - before);
      } while (reply === undefined && this.#clock.monotonicUs() - startUs < JOB_SLICE_US);
      if (reply !== undefined) this.#send({ kind: 'job', reply });
      Atomics.add(this.#shared, BEATS, 1);
      const bytesPerSecond = this.#rates.get(directory ?? '') ?? Infinity;
      const tookUs = this.#clock.monotonicUs() - startUs;
      this.#sleep(requests, (bytes / bytesPerSecond) * 1e6 - tookUs);
      this.#receive();
    }
    this.#isWorking = false;
  }

  /** For as long as the rate limit asks for, unless a request comes. */
  #sleep(requests: number, dueUs: number): void {
    if (dueUs < 1000) return;
    Atomics.wait(this.#shared, REQUESTS, requests, Math.min(dueUs / 1000, LONGEST_SLEEP_MS));
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
      this.#rates.set(request.request.directory, request.bytesPerSecond);
      this.#queue.add(request.request);
    } else {
      this.#queue.abort(request.directory);
      this.#rates.delete(request.directory);
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
