/**
 * Syncs one file as `appendfsync` says. One sync at most is in flight; the next takes everything that was written meanwhile.
 *
 *   always    a sync begins with each write, or as soon as the one in flight ends; while syncs are quick this thread does them itself
 *   everysec  a sync begins at most a second after a write
 *   no        only when asked for by `now`
 *
 * After a sync that failed the file is broken for good: the kernel may have thrown away what it could not write, and would report
 * the next sync as a success.
 */
import type { Clock } from '../os/clock.ts';
import { FileError, type OpenFile } from '../os/file-system.ts';
import type { Timers } from '../os/timers.ts';
import {
  BLOCKING_SYNC_US,
  DELAYED_SYNC_US,
  SYNC_INTERVAL_MS,
  SYNC_WAIT_FRACTION,
} from './limits.ts';

/** `appendfsync`. */
export type SyncPolicy = 'always' | 'everysec' | 'no';

/** What syncing has cost so far; one for all files of a log. */
export class SyncFigures {
  syncs = 0;
  /** Syncs that took more than two seconds (aof_delayed_fsync). */
  delayedSyncs = 0;
  lastSyncUs = 0;
}

export interface FileSyncOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly figures: SyncFigures;
  /** `synced` has moved. */
  readonly onSynced: (sync: FileSync) => void;
  readonly onFailed: (sync: FileSync, error: FileError) => void;
}

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: FileError) => void;
}

export class FileSync {
  /** Log positions: end of what is in the file, and of what is synced there. */
  written: number;
  synced: number;
  /** See SYNC_WAIT_FRACTION; 0 syncs at once. */
  waitFraction: number = SYNC_WAIT_FRACTION;
  readonly #file: OpenFile;
  readonly #options: FileSyncOptions;
  #policy: SyncPolicy;
  #failure: FileError | undefined = undefined;
  #isClosed = false;
  #isInFlight = false;
  #isGathering = false;
  #cancelTimed: (() => void) | undefined = undefined;
  #waiters: Waiter[] = [];
  /** Entries written since the last sync began, and how many that one took: so many clients may come back. */
  #entries = 0;
  #lastEntries = 0;
  #lastEndUs = 0;

  constructor(file: OpenFile, position: number, policy: SyncPolicy, options: FileSyncOptions) {
    this.#file = file;
    this.written = position;
    this.synced = position;
    this.#policy = policy;
    this.#options = options;
  }

  get isInFlight(): boolean {
    return this.#isInFlight;
  }

  set policy(policy: SyncPolicy) {
    this.#policy = policy;
    this.#request();
  }

  /** The file now ends at log position `end`, with `entries` more entries. */
  wrote(end: number, entries: number): void {
    this.written = end;
    this.#entries += entries;
    this.#request();
  }

  /** Settles when everything written so far is synced; rejects with a FileError when it can't be. */
  now(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else if (this.synced >= this.written) resolve();
      else {
        this.#waiters.push({ position: this.written, resolve, reject });
        this.#start();
      }
    });
  }

  /** Syncs, blocking. Throws FileError. */
  nowSync(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.synced >= this.written) return;
    try {
      this.#file.dataSync();
    } catch (error) {
      this.#fail(error as FileError);
      throw error;
    }
    this.#advance(this.written);
  }

  /** Nothing is heard of this file any more; what waits for it is told so. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimed?.();
    this.#cancelTimed = undefined;
    this.#rejectWaiters(new FileError('fdatasync', this.#file.path, 'ECANCELED'));
  }

  #request(): void {
    if (this.synced >= this.written || this.#isInFlight || this.#isClosed) return;
    if (this.#failure !== undefined) return;
    if (this.#policy === 'everysec') {
      this.#cancelTimed ??= this.#options.timers.after(SYNC_INTERVAL_MS, this.#timed);
    } else if (this.#policy === 'always' && !this.#isGathering) {
      this.#isGathering = true;
      this.#gather();
    }
  }

  readonly #timed = (): void => {
    this.#cancelTimed = undefined;
    if (this.#policy === 'everysec') this.#start();
  };

  /**
   * Clients that the last sync answered are about to write again: waiting a fraction of a sync for them fills the next one better
   * (measured with 50 clients: 44 acknowledgements a sync instead of 24). Over as soon as as many entries have come.
   */
  readonly #gather = (): void => {
    if (!this.#isClosed && this.#policy === 'always' && this.#entries < this.#lastEntries) {
      const { clock, figures, timers } = this.#options;
      const waitedUs = clock.monotonicUs() - this.#lastEndUs;
      if (waitedUs < figures.lastSyncUs * this.waitFraction) {
        timers.soon(this.#gather);
        return;
      }
    }
    this.#isGathering = false;
    this.#start();
  };

  #start(): void {
    if (this.#isInFlight || this.#isClosed || this.synced >= this.written) return;
    if (this.#failure !== undefined) return;
    this.#isInFlight = true;
    const target = this.written;
    const startUs = this.#options.clock.monotonicUs();
    this.#lastEntries = this.#entries;
    this.#entries = 0;
    const { lastSyncUs } = this.#options.figures;
    if (this.#policy === 'always' && lastSyncUs > 0 && lastSyncUs < BLOCKING_SYNC_US) {
      this.#block(target, startUs);
      return;
    }
    this.#file.dataSyncAsync().then(
      () => {
        this.#isInFlight = false;
        this.#measure(startUs);
        this.#advance(target);
        this.#request();
      },
      (error: unknown) => {
        this.#isInFlight = false;
        this.#fail(error as FileError);
      },
    );
  }

  #block(target: number, startUs: number): void {
    try {
      this.#file.dataSync();
    } catch (error) {
      this.#isInFlight = false;
      this.#fail(error as FileError);
      return;
    }
    this.#isInFlight = false;
    this.#measure(startUs);
    this.#advance(target);
  }

  #measure(startUs: number): void {
    const { clock, figures } = this.#options;
    this.#lastEndUs = clock.monotonicUs();
    figures.syncs++;
    figures.lastSyncUs = this.#lastEndUs - startUs;
    if (figures.lastSyncUs > DELAYED_SYNC_US) figures.delayedSyncs++;
  }

  #advance(target: number): void {
    // A blocking sync may have overtaken the one in flight, and a failure settles the matter for good.
    if (this.#isClosed || this.#failure !== undefined) return;
    if (target > this.synced) this.synced = target;
    const done = this.#waiters.filter((w) => w.position <= this.synced);
    this.#waiters = this.#waiters.filter((w) => w.position > this.synced);
    for (const waiter of done) waiter.resolve();
    this.#options.onSynced(this);
    if (this.#waiters.length > 0) this.#start();
  }

  #fail(error: FileError): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    this.#failure = error;
    this.#rejectWaiters(error);
    this.#options.onFailed(this, error);
  }

  #rejectWaiters(error: FileError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}
