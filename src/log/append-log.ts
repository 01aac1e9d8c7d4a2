/**
 * The shard's log: entries in the order in which the model made them, written to the newest incremental file in batches and synced
 * as `appendfsync` says.
 *
 *   position  end of all entries so far, those in memory included
 *   written   end of what the kernel has, in a file that a restart would load: survives kill -9
 *   durable   end of what is synced there: survives a crash of the machine
 *
 * Life of an entry: the model writes it into `buffer` and the executor calls `endEntry`; once at the end of the tick the executor calls
 * `write`, which frames everything buffered as one batch in one write call. Under `always` a sync follows. Output that carries a position
 * may leave when `canRelease(position)`; `onDurable` says when to look again.
 *
 * When the disk fails (`failure`), writes are to be refused and reads go on:
 *   - a write fails: the file is cut back to its last whole batch, the reserve is released and the batch tried again; the log then waits
 *     until there is room for what is pending and for a new reserve. Under `always`, entries that can't be written end the process.
 *   - a sync fails: what the kernel had not synced may be lost whatever a later sync says. Nothing more is written to that file: only a
 *     rewrite from memory into new files (`replaceFile`, then `publish`) ends this state.
 *
 * Switching to a new file (rewrite.ts drives it) is one synchronous step, `holdFor`: entries stay in memory from then on until the old
 * file is synced and the manifest that names the new one is durable (`switchOver`), so an incremental file that is
 * not the last is always whole.
 */
import type { Clock } from '../os/clock.ts';
import { FileError } from '../os/file-system.ts';
import type { Timers } from '../os/timers.ts';
import { BATCH_BEGIN_BYTES, frameBatch, TIMESTAMP_BYTES, writeTimestamp } from './batch.ts';
import { FileSync, SyncFigures, type FileSyncOptions, type SyncPolicy } from './file-sync.ts';
import type { IncrementalFile } from './incremental-file.ts';
import { BUFFER_BYTES, BUFFER_HIGH_WATER_BYTES, BUFFER_LIMIT_BYTES, RETRY_MS } from './limits.ts';
import { ENTRIES_AT, LogBuffer } from './log-buffer.ts';
import type { ReserveSpace } from './reserve-space.ts';

/** Why writes are refused. `message` is what Redis says, without the code MISCONF. */
export interface LogFailure {
  /** `write`: the log recovers by itself when there is room. `sync`: only new files help. */
  readonly kind: 'write' | 'sync';
  readonly code: string;
  readonly message: string;
}

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

export interface AppendLogOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly policy: SyncPolicy;
  /** Entries can't be written under `always`: the process must end, as Redis's does. */
  readonly onFatal: (message: string) => void;
  readonly log: (level: LogLevel, message: string) => void;
  readonly bufferBytes?: number;
}

export class AppendLog {
  readonly buffer: LogBuffer;
  /** Called when more may be released or `failure` has changed, outside of `write`. */
  onDurable: () => void = nothing;
  /** Called when only new files can make the log work again. */
  onBroken: () => void = nothing;
  /** `aof-timestamp-enabled`. */
  hasTimestamps = false;
  /** Entries in memory above which `isOverfull`. */
  limitBytes: number = BUFFER_LIMIT_BYTES;
  /** Room for what is pending when the disk is full. */
  reserve: ReserveSpace | undefined = undefined;
  readonly figures: SyncFigures = new SyncFigures();

  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #onFatal: (message: string) => void;
  readonly #syncOptions: FileSyncOptions;
  #policy: SyncPolicy;
  #isSyncSuspended = false;
  #syncWaitFraction: number | undefined = undefined;

  // ---- where entries go
  #file: IncrementalFile | undefined = undefined;
  #sync: FileSync | undefined = undefined;
  /** The new file during a switch: entries stay in the buffer until `switchOver`. */
  #next: IncrementalFile | undefined = undefined;
  /** Whether a restart would load `#file`. */
  #isPublished = false;
  /** Whether nothing may be written to `#file` for now, or (`#isBroken`) ever again. */
  #isBlocked = false;
  #isBroken = false;
  /** The file's end has bytes of a failed write that could not be cut off. */
  #needsCut = false;
  #lastTimestamp = 0;

  // ---- positions
  /** Of the first entry in the buffer. */
  #start = 0;
  #written = 0;
  #durable = 0;
  /** Entries in the buffer. */
  #entries = 0;

  #failure: LogFailure | undefined = undefined;
  #cancelRetry: (() => void) | undefined = undefined;

  constructor(options: AppendLogOptions) {
    this.buffer = new LogBuffer(options.bufferBytes ?? BUFFER_BYTES);
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#policy = options.policy;
    this.#onFatal = options.onFatal;
    this.#log = options.log;
    this.#syncOptions = {
      clock: options.clock,
      timers: options.timers,
      figures: this.figures,
      onSynced: (sync) => this.#synced(sync),
      onFailed: (sync, error) => this.#syncFailed(sync, error),
    };
  }

  get position(): number {
    return this.#start + this.buffer.at - ENTRIES_AT;
  }

  get written(): number {
    return this.#written;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Whether entries are kept at all. */
  get isOn(): boolean {
    return this.#file !== undefined;
  }

  /** Whether a restart would load what is written now: not while `appendonly yes` or a repair waits for its base. */
  get isPublished(): boolean {
    return this.#isPublished;
  }

  /** Whether entries wait in memory for a switch to a new file. */
  get isSwitching(): boolean {
    return this.#next !== undefined;
  }

  /**
   * Entries wait in memory and nobody knows for how long. What was made before is held as ever; what is made from then on may leave all the
   * same, so that reads go on. Not under `always`, which promises that nothing shows what is not durable.
   */
  get isStuck(): boolean {
    return (
      this.#failure !== undefined && this.#policy !== 'always' && this.buffer.at !== ENTRIES_AT
    );
  }

  /** Whether only new files help. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  get failure(): LogFailure | undefined {
    return this.#failure;
  }

  /** Bytes of the file that is written to. */
  get fileBytes(): number {
    return this.#file?.sizeBytes ?? 0;
  }

  get pendingSyncs(): number {
    return this.#sync?.isInFlight === true ? 1 : 0;
  }

  /** The executor should call `write` before the tick's end: the buffer has become large. */
  get isFull(): boolean {
    return this.buffer.length >= BUFFER_HIGH_WATER_BYTES;
  }

  /** More is buffered than should be, and `write` does not help: no more entries, please. */
  get isOverfull(): boolean {
    return this.buffer.length >= this.limitBytes;
  }

  get policy(): SyncPolicy {
    return this.#policy;
  }

  set policy(policy: SyncPolicy) {
    this.#policy = policy;
    this.#applyPolicy();
  }

  /** `no-appendfsync-on-rewrite`, while a rewrite runs: nothing is synced and nothing waits for it. */
  set isSyncSuspended(isSuspended: boolean) {
    this.#isSyncSuspended = isSuspended;
    this.#applyPolicy();
  }

  /** How long a sync waits for clients that the last one answered, as a part of its duration (SYNC_WAIT_FRACTION). */
  set syncWaitFraction(fraction: number) {
    this.#syncWaitFraction = fraction;
    if (this.#sync !== undefined) this.#sync.waitFraction = fraction;
  }

  get #effectivePolicy(): SyncPolicy {
    return this.#isSyncSuspended ? 'no' : this.#policy;
  }

  #applyPolicy(): void {
    if (this.#sync !== undefined) this.#sync.policy = this.#effectivePolicy;
    this.onDurable();
  }

  // ---- entries

  /** An entry ends at `buffer.at` (or `count` of them since the last call). */
  endEntry(count = 1): void {
    this.#entries += count;
  }

  /** Output that was made at or before this position may leave. */
  get releasable(): number {
    // Without a file nothing is promised; before `appendonly yes` has its first base, neither.
    if (!this.#isPublished && this.#failure === undefined) return Infinity;
    return this.#effectivePolicy === 'always' ? this.#durable : this.#written;
  }

  canRelease(position: number): boolean {
    return position <= this.releasable;
  }

  /** Hands everything buffered to the kernel as one batch; under `always` a sync begins unless one is under way. */
  write(): void {
    if (this.buffer.at === ENTRIES_AT || this.#isBlocked || this.#next !== undefined) return;
    const file = this.#file;
    if (file === undefined) {
      this.#forget();
      return;
    }
    try {
      this.#writeBatch(file);
    } catch (error) {
      this.#writeFailed(file, asFileError(error));
    }
  }

  #writeBatch(file: IncrementalFile): void {
    if (this.#needsCut) {
      file.file.truncate(file.sizeBytes);
      this.#needsCut = false;
    }
    const buffer = this.buffer;
    const bytes = buffer.region.bytes;
    let payload = ENTRIES_AT;
    if (this.hasTimestamps) {
      const seconds = Math.floor(this.#clock.now() / 1000);
      if (seconds !== this.#lastTimestamp) {
        payload -= TIMESTAMP_BYTES;
        writeTimestamp(bytes, payload, seconds);
        this.#lastTimestamp = seconds;
      }
    }
    const from = payload - BATCH_BEGIN_BYTES;
    const to = frameBatch(bytes, payload, buffer.at, this.#start, this.#sync!.synced, file.seed);
    file.file.write(bytes, from, to, file.sizeBytes);
    file.sizeBytes += to - from;
    this.#start = this.position;
    buffer.reset();
    if (this.#isPublished) this.#written = this.#start;
    const entries = this.#entries;
    this.#entries = 0;
    this.#sync?.wrote(this.#start, entries);
  }

  /** Empties the buffer without writing it. */
  #forget(): void {
    this.#start = this.position;
    this.#entries = 0;
    this.buffer.reset();
    if (this.#file === undefined) {
      this.#written = this.#start;
      this.#durable = this.#start;
    }
  }

  // ---- syncing

  /** Settles when everything that is written is synced; rejects with a FileError when it can't be. */
  async sync(): Promise<void> {
    await this.#sync?.now();
  }

  #synced(sync: FileSync): void {
    if (sync !== this.#sync || !this.#isPublished) return;
    this.#durable = sync.synced;
    this.onDurable();
  }

  #syncFailed(sync: FileSync, error: FileError): void {
    if (sync === this.#sync) this.breakOff(error);
  }

  // ---- failures

  /** Gives the current file up: what is in it can't be trusted, or can't be made to survive. */
  breakOff(error: FileError): void {
    this.#log(
      'warning',
      `The append only file can't be trusted any more: ${error.message}. ` +
        'Writes are refused until a rewrite from memory into new files is durable.',
    );
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#next = undefined;
    this.#isBlocked = true;
    this.#isBroken = true;
    this.#failure = failureOf('sync', error);
    this.onBroken();
    this.onDurable();
  }

  #writeFailed(file: IncrementalFile, error: FileError): void {
    // A file that no manifest names yet isn't worth saving: the rewrite it belongs to begins again.
    if (!this.#isPublished) {
      this.breakOff(error);
      return;
    }
    this.#cutBack(file);
    if (isOutOfSpace(error) && this.reserve?.release() === true) {
      try {
        this.#writeBatch(file);
      } catch {
        this.#cutBack(file);
      }
    }
    const isPending = this.buffer.at !== ENTRIES_AT;
    this.#isBlocked = isPending;
    this.#failure = failureOf('write', error);
    const outcome = isPending ? '' : '; what was pending went to the reserve';
    this.#log(
      'warning',
      `Error writing to the AOF file: ${error.message}. Writes are refused${outcome}.`,
    );
    if (isPending && this.#policy === 'always') {
      this.#onFatal(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
      );
      return;
    }
    this.#cancelRetry ??= this.#timers.after(RETRY_MS, this.#retry);
  }

  #cutBack(file: IncrementalFile): void {
    try {
      file.file.truncate(file.sizeBytes);
      this.#needsCut = false;
    } catch {
      this.#needsCut = true;
    }
  }

  /** Once a second while writes fail: what is pending, and a whole reserve, must fit before writes are taken again. */
  readonly #retry = (): void => {
    this.#cancelRetry = undefined;
    const file = this.#file;
    if (file === undefined || this.#failure?.kind !== 'write') return;
    try {
      if (this.buffer.at !== ENTRIES_AT) this.#writeBatch(file);
    } catch {
      this.#cutBack(file);
      this.#cancelRetry = this.#timers.after(RETRY_MS, this.#retry);
      return;
    }
    this.#isBlocked = false;
    this.onDurable();
    void (this.reserve?.fill() ?? Promise.resolve(true)).then(this.#reserveFilled);
  };

  readonly #reserveFilled = (isWhole: boolean): void => {
    if (this.#failure?.kind !== 'write') return;
    if (isWhole && !this.#isBlocked) {
      this.#failure = undefined;
      this.#log('notice', 'AOF write error looks solved, writes are taken again.');
      this.onDurable();
    } else {
      this.#cancelRetry ??= this.#timers.after(RETRY_MS, this.#retry);
    }
  };

  // ---- files

  /** Appends to `file` from now on; everything up to `position` is in files that a restart would load, and synced. */
  open(file: IncrementalFile, position: number): void {
    this.#start = position;
    this.#entries = 0;
    this.buffer.reset();
    this.#use(file);
    this.#isPublished = true;
    this.#written = position;
    this.#durable = position;
  }

  /** Begins a switch to `next`: from this moment on entries stay in memory. Everything before must be written. */
  holdFor(next: IncrementalFile): void {
    if (this.buffer.at !== ENTRIES_AT)
      throw new Error('the log was switched before it was written');
    this.#next = next;
  }

  /** Ends a switch: the old file is synced and the new one is in the durable manifest. Closes the old one. */
  switchOver(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#use(next);
    this.write();
    this.onDurable();
  }

  /** Gives a switch up: entries go to the old file as before. The new one is the caller's to close. */
  cancelSwitch(): void {
    if (this.#next === undefined) return;
    this.#next = undefined;
    this.write();
    this.onDurable();
  }

  /**
   * Appends to `file` from now on, which no manifest names yet: a base made from memory at this very moment answers for everything
   * before, what is in the buffer included. Until `publish`, nothing becomes `written` or `durable`.
   */
  replaceFile(file: IncrementalFile): void {
    this.#forget();
    this.#isPublished = false;
    this.#isBroken = false;
    this.#isBlocked = false;
    this.#use(file);
  }

  /** The manifest that names the file (and the base in front of it) is durable. The file must not be broken. */
  publish(): void {
    if (this.#isPublished) return;
    this.#isPublished = true;
    this.#written = this.#start;
    this.#durable = this.#sync?.synced ?? this.#start;
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      this.#log('notice', 'The data set is durable in new files; writes are taken again.');
    }
    this.onDurable();
  }

  #use(file: IncrementalFile): void {
    this.#sync?.close();
    this.#file?.file.close();
    this.#file = file;
    this.#next = undefined;
    this.#needsCut = false;
    this.#lastTimestamp = 0;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const sync = new FileSync(file.file, this.#start, this.#effectivePolicy, this.#syncOptions);
    if (this.#syncWaitFraction !== undefined) sync.waitFraction = this.#syncWaitFraction;
    this.#sync = sync;
  }

  /** Writes and syncs everything, blocking (shutdown, DEBUG). Throws FileError when that can't be. */
  flushSync(): void {
    this.write();
    const file = this.#file;
    if (file === undefined) return;
    if (this.#isBroken || this.buffer.at !== ENTRIES_AT) {
      throw new FileError('write', file.file.path, this.#failure?.code ?? 'EIO');
    }
    this.#sync?.nowSync();
  }

  /** Stops keeping entries: everything is written and synced, the file closed. Throws FileError when that failed; it is off all the same. */
  close(): void {
    try {
      this.cancelSwitch();
      this.flushSync();
    } finally {
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
      this.#sync?.close();
      this.#sync = undefined;
      this.#file?.file.close();
      this.#file = undefined;
      this.#isPublished = false;
      this.#isBroken = false;
      this.#isBlocked = false;
      this.#failure = undefined;
      this.#forget();
      this.onDurable();
    }
  }
}

function nothing(): void {}

function asFileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  throw error;
}

function isOutOfSpace(error: FileError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}

function failureOf(kind: 'write' | 'sync', error: FileError): LogFailure {
  return { kind, code: error.code, message: `Errors writing to the AOF file: ${error.reason}` };
}
