/** The jobs that one thread has to do, a step at a time: flushes before compactions, since writers wait for them, and otherwise first come, first served. */
import type { JobReply, JobRequest } from './job.ts';
import { JobRun, type JobEnvironment } from './job-run.ts';

export class JobQueue {
  readonly #environment: JobEnvironment;
  readonly #flushes: JobRequest[] = [];
  readonly #compactions: JobRequest[] = [];
  /** The flush and the compaction that were begun. */
  #flush: JobRun | undefined = undefined;
  #compaction: JobRun | undefined = undefined;

  constructor(environment: JobEnvironment) {
    this.#environment = environment;
  }

  add(request: JobRequest): void {
    if (request.kind === 'flush') this.#flushes.push(request);
    else this.#compactions.push(request);
  }

  get isEmpty(): boolean {
    return (
      this.#flush === undefined &&
      this.#compaction === undefined &&
      this.#flushes.length === 0 &&
      this.#compactions.length === 0
    );
  }

  /** One step of the most urgent job; its reply where that was the last one. */
  step(): JobReply | undefined {
    this.#flush ??= this.#begin(this.#flushes);
    if (this.#flush !== undefined) {
      if (!this.#flush.step()) return undefined;
      const { reply } = this.#flush;
      this.#flush = undefined;
      return reply;
    }
    this.#compaction ??= this.#begin(this.#compactions);
    if (this.#compaction === undefined || !this.#compaction.step()) return undefined;
    const { reply } = this.#compaction;
    this.#compaction = undefined;
    return reply;
  }

  /** The tree that is worked for; undefined before a job is begun. */
  get directory(): string | undefined {
    return (this.#flush ?? this.#compaction)?.request.directory;
  }

  /** Bytes moved so far by what is being done. */
  get bytesMoved(): number {
    return (this.#flush ?? this.#compaction)?.bytesMoved ?? 0;
  }

  /** Gives up what is of the tree in `directory`; undefined: everything. */
  abort(directory?: string): void {
    const isMeant = (request: JobRequest): boolean =>
      directory === undefined || request.directory === directory;
    remove(this.#flushes, isMeant);
    remove(this.#compactions, isMeant);
    if (this.#flush !== undefined && isMeant(this.#flush.request)) {
      this.#flush.abort();
      this.#flush = undefined;
    }
    if (this.#compaction !== undefined && isMeant(this.#compaction.request)) {
      this.#compaction.abort();
      this.#compaction = undefined;
    }
  }

  #begin(waiting: JobRequest[]): JobRun | undefined {
    const request = waiting.shift();
    return request && new JobRun(request, this.#environment);
  }
}

function remove(list: JobRequest[], isMeant: (request: JobRequest) => boolean): void {
  for (let i = list.length - 1; i >= 0; i--) if (isMeant(list[i]!)) list.splice(i, 1);
}
