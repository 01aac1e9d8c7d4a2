/**
 * How the database's thread and a job thread talk. Requests and replies are messages on a port. Beside it there is shared memory, because the database's thread
 * may not turn its event loop for a long time, and then looks here instead of waiting for a message:
 *
 *   REPLIES     replies that the job thread has posted so far; it wakes who waits for a change
 *   REQUESTS    requests posted to it so far; a job thread that sleeps, because of a rate limit, waits here
 *   BEATS       changes whenever the job thread has done some work
 *   STATE       STARTING, RUNNING or ENDED
 */
import type { MessagePort } from 'node:worker_threads';
import type { JobReply, JobRequest } from './job.ts';

export const REPLIES = 0;
export const REQUESTS = 1;
export const BEATS = 2;
export const STATE = 3;
export const SHARED_WORDS = 4;

export const STARTING = 0;
export const RUNNING = 1;
export const ENDED = 2;

export type ThreadRequest =
  | { readonly kind: 'job'; readonly request: JobRequest; readonly bytesPerSecond: number }
  /** Gives up all jobs of a directory; the reply has this id. */
  | { readonly kind: 'abort'; readonly id: number; readonly directory: string };

export type ThreadReply =
  | { readonly kind: 'job'; readonly reply: JobReply }
  | { readonly kind: 'aborted'; readonly id: number };

/** What a job thread is started with; the port is transferred. */
export interface ThreadStart {
  readonly shared: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly budget: SharedArrayBuffer;
  readonly budgetBytes: number;
}
