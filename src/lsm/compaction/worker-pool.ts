/**
 * Threads that run jobs for all databases that share the pool. They start with the first job and end when the last database is closed.
 *
 * A thread that dies takes its jobs with it: what they wrote is removed, and they begin anew in another thread, a bounded number of times. A thread is seen to
 * be dead by its exit, or by who waits for it without turning the event loop: it says so in shared memory, or gives no sign of life for very long.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import { LONGEST_WAIT_MS, MAX_JOB_ATTEMPTS, SILENCE_MS } from '../limits.ts';
import type { JobFailure, JobReply, JobRequest } from './job.ts';
import type { JobRunner, OnReply } from './job-runner.ts';
import {
  BEATS,
  ENDED,
  REPLIES,
  REQUESTS,
  SHARED_WORDS,
  STARTING,
  STATE,
  type ThreadReply,
  type ThreadRequest,
  type ThreadStart,
} from './thread-protocol.ts';

/** What the pool needs to know of a database. */
export interface PoolClient {
  readonly directory: string;
  readonly bytesPerSecond: number;
  /** Removes what a job that died may have written, before it returns. */
  readonly removeOutputs: (request: JobRequest) => void;
  /** Does the jobs where threads do not even start; asked for once. */
  readonly standIn: () => JobRunner;
}

interface Job {
  readonly request: JobRequest;
  readonly client: PoolClient;
  /** Without a reply where no thread can do it. */
  readonly onReply: (reply: JobReply | undefined) => void;
  attempts: number;
}

export class WorkerPool {
  readonly #budget: MemoryBudget;
  readonly #threads: (Thread | undefined)[];
  #clients = 0;
  /** Of the pool; jobs of several databases may have the same. */
  #ids = 0;
  /** Threads that ended before they had begun, one after the other. */
  #failedStarts = 0;

  /** `threads`: 1 or more. */
  constructor(threads: number, budget: MemoryBudget) {
    this.#budget = budget;
    this.#threads = Array.from({ length: threads }, () => undefined);
  }

  /** Whether threads can run our program as it is: not where it is TypeScript and Node.js is too old to take it. */
  static get isPossible(): boolean {
    const { typescript } = process.features as { readonly typescript?: string | false };
    return !import.meta.url.endsWith('.ts') || typeof typescript === 'string';
  }

  /** Whether threads do not even start, so that none is tried any more. */
  get isBroken(): boolean {
    return this.#failedStarts >= MAX_JOB_ATTEMPTS;
  }

  /** A runner for one database, which it closes. */
  runner(client: PoolClient): JobRunner {
    this.#clients++;
    return new PoolRunner(this, client, () => {
      this.#clients--;
      if (this.#clients === 0) this.#end();
    });
  }

  submit(
    request: JobRequest,
    client: PoolClient,
    onReply: (reply: JobReply | undefined) => void,
  ): void {
    this.#assign({ request, client, onReply, attempts: 0 });
  }

  poll(): void {
    for (const thread of this.#threads) thread?.poll();
  }

  /** Blocks until some thread of a busy one has replied, or for some milliseconds. */
  wait(): void {
    const busy = this.#threads.find((thread) => thread !== undefined && thread.jobs > 0);
    busy?.wait();
    this.poll();
  }

  /** Settles when no thread works for the directory any more. */
  async abort(directory: string): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread?.abort(directory) ?? Promise.resolve()));
  }

  #assign(job: Job): void {
    job.attempts++;
    let chosen = 0;
    for (let i = 0; i < this.#threads.length; i++) {
      if ((this.#threads[i]?.jobs ?? 0) < (this.#threads[chosen]?.jobs ?? 0)) chosen = i;
    }
    const thread = (this.#threads[chosen] ??= new Thread(this.#budget, (dead) => {
      if (this.#threads[chosen] === dead) this.#threads[chosen] = undefined;
    }));
    const id = ++this.#ids;
    const { request, client, onReply } = job;
    thread.submit({ ...request, id }, client.bytesPerSecond, (reply) => {
      if (reply === undefined) {
        this.#died(job, thread.hasBegun);
        return;
      }
      this.#failedStarts = 0;
      onReply({ ...reply, id: request.id });
    });
  }

  #died(job: Job, hadBegun: boolean): void {
    const { request, client, onReply, attempts } = job;
    client.removeOutputs(request);
    if (!hadBegun) this.#failedStarts++;
    if (this.isBroken) onReply(undefined);
    else if (attempts < MAX_JOB_ATTEMPTS) this.#assign(job);
    else onReply({ id: request.id, failure: DIED });
  }

  #end(): void {
    for (const thread of this.#threads) thread?.end();
    this.#threads.fill(undefined);
  }
}

const DIED: JobFailure = {
  code: 'ABORTED',
  message: 'the thread of a job died again and again',
  path: undefined,
  offset: undefined,
};

class PoolRunner implements JobRunner {
  readonly #pool: WorkerPool;
  readonly #client: PoolClient;
  readonly #onClosed: () => void;
  #standIn: JobRunner | undefined = undefined;
  #isClosed = false;

  constructor(pool: WorkerPool, client: PoolClient, onClosed: () => void) {
    this.#pool = pool;
    this.#client = client;
    this.#onClosed = onClosed;
  }

  submit(request: JobRequest, onReply: OnReply): void {
    if (this.#pool.isBroken) {
      this.#standIn ??= this.#client.standIn();
      this.#standIn.submit(request, onReply);
      return;
    }
    this.#pool.submit(request, this.#client, (reply) => {
      if (this.#isClosed) return;
      if (reply === undefined) this.submit(request, onReply);
      else onReply(reply);
    });
  }

  poll(): void {
    this.#pool.poll();
    this.#standIn?.poll();
  }

  wait(): void {
    if (this.#standIn === undefined) this.#pool.wait();
    else this.#standIn.wait();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.abort(this.#client.directory);
    await this.#standIn?.close();
    this.#onClosed();
  }
}

interface WaitingReply {
  readonly directory: string;
  /** Called without a reply where the thread has died. */
  readonly onReply: (reply: JobReply | undefined) => void;
}

/** One thread, and the jobs that it has. */
class Thread {
  /** Jobs that it has. */
  jobs = 0;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #shared: Int32Array;
  readonly #onDeath: (thread: Thread) => void;
  /** By id. */
  readonly #waiting = new Map<number, WaitingReply>();
  readonly #onAborted = new Map<number, () => void>();
  #replies = 0;
  #aborts = 0;
  #isDead = false;
  /** The sign of life seen last, and for how long there was none while somebody waited. */
  #beats = 0;
  #silentMs = 0;

  constructor(budget: MemoryBudget, onDeath: (thread: Thread) => void) {
    this.#onDeath = onDeath;
    const shared = new SharedArrayBuffer(SHARED_WORDS * 4);
    this.#shared = new Int32Array(shared);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: ThreadStart = {
      shared,
      port: port2,
      budget: budget.shared,
      budgetBytes: budget.limitBytes,
    };
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#worker = new Worker(new URL(`./job-thread.${ending}`, import.meta.url), {
      workerData: start,
      transferList: [port2],
      // Node.js would close at its exit every descriptor number that it opened, even one that is another thread's file by then.
      trackUnmanagedFds: false,
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('error', () => this.#die());
    this.#worker.on('exit', () => this.#die());
    this.#port.on('message', (reply: ThreadReply) => this.#take(reply));
    this.#port.unref();
  }

  submit(
    request: JobRequest,
    bytesPerSecond: number,
    onReply: (reply: JobReply | undefined) => void,
  ): void {
    this.#waiting.set(request.id, { directory: request.directory, onReply });
    this.jobs++;
    // Somebody waits for the reply: the process must not end for lack of other things to do.
    this.#port.ref();
    this.#send({ kind: 'job', request, bytesPerSecond });
  }

  /** Whether its program has run at all. */
  get hasBegun(): boolean {
    return Atomics.load(this.#shared, STATE) !== STARTING;
  }

  /** Takes replies that have come, without the event loop. */
  poll(): void {
    if (Atomics.load(this.#shared, REPLIES) === this.#replies) return;
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#take(received.message as ThreadReply);
    }
  }

  /** Blocks until it has replied, or for some milliseconds. */
  wait(): void {
    Atomics.wait(this.#shared, REPLIES, this.#replies, LONGEST_WAIT_MS);
    if (Atomics.load(this.#shared, REPLIES) !== this.#replies) return;
    const beats = Atomics.load(this.#shared, BEATS);
    this.#silentMs = beats === this.#beats ? this.#silentMs + LONGEST_WAIT_MS : 0;
    this.#beats = beats;
    const hasEnded = Atomics.load(this.#shared, STATE) === ENDED;
    if (hasEnded || this.#silentMs >= SILENCE_MS) this.end();
  }

  abort(directory: string): Promise<void> {
    if (this.#isDead) return Promise.resolve();
    // Nobody wants their replies any more, and least of all that they begin anew elsewhere.
    for (const [id, waiting] of this.#waiting) {
      if (waiting.directory !== directory) continue;
      this.#waiting.delete(id);
      this.jobs--;
    }
    return new Promise((resolve) => {
      const id = ++this.#aborts;
      this.#onAborted.set(id, resolve);
      this.#port.ref();
      this.#send({ kind: 'abort', id, directory });
    });
  }

  end(): void {
    void this.#worker.terminate();
    this.#die();
  }

  #send(request: ThreadRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port's, not a window's
    this.#port.postMessage(request);
    Atomics.add(this.#shared, REQUESTS, 1);
    Atomics.notify(this.#shared, REQUESTS);
  }

  #take(reply: ThreadReply): void {
    this.#replies++;
    if (reply.kind === 'aborted') {
      const resolve = this.#onAborted.get(reply.id);
      this.#onAborted.delete(reply.id);
      resolve?.();
    } else {
      const { id } = reply.reply;
      const waiting = this.#waiting.get(id);
      if (this.#waiting.delete(id)) this.jobs--;
      waiting?.onReply(reply.reply);
    }
    if (this.#waiting.size === 0 && this.#onAborted.size === 0) this.#port.unref();
  }

  #die(): void {
    if (this.#isDead) return;
    this.poll();
    this.#isDead = true;
    this.#onDeath(this);
    this.#port.close();
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    this.jobs = 0;
    for (const resolve of this.#onAborted.values()) resolve();
    this.#onAborted.clear();
    for (const { onReply } of lost) onReply(undefined);
  }
}
