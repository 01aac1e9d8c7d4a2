/**
 * The append only file as a whole: directory, log, rewrites. It knows no commands: what it loads goes to an applier, what a base
 * holds comes from a producer.
 *
 *   off      entries are not kept
 *   starting `appendonly yes` while running: a first base is being made; until it is there nothing is durable
 *   on       entries are kept; after a failed sync a repair (a fresh rewrite) is tried until it succeeds
 */
import type { Clock } from '../os/clock.ts';
import type { FileSystem } from '../os/file-system.ts';
import type { Randomness } from '../os/randomness.ts';
import type { Timers } from '../os/timers.ts';
import { AofDirectory } from './aof-directory.ts';
import { load, loadSync, type LoadBase, type LoadOptions, type LoadResult } from './aof-loader.ts';
import { AppendLog, type LogLevel } from './append-log.ts';
import type { Apply } from './entry-reader.ts';
import type { SyncPolicy } from './file-sync.ts';
import { IncrementalFile } from './incremental-file.ts';
import { REPAIR_DELAY_MS, REPAIR_LONGEST_DELAY_MS, RESERVE_BYTES } from './limits.ts';
import { nextIncrementalSequence } from './manifest.ts';
import { ReserveSpace } from './reserve-space.ts';
import { Rewrite, RewriteAborted, type BaseProducer, type RewriteMode } from './rewrite.ts';
import { RewritePolicy } from './rewrite-policy.ts';

export interface AofOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  /** `dir`, `appenddirname`, `appendfilename`, `appendfsync`. */
  readonly dir: string;
  readonly dirname: string;
  readonly filename: string;
  readonly policy: SyncPolicy;
  /** The applier of one load, from its first command on. */
  readonly makeApplier: () => Apply;
  readonly loadBase: LoadBase;
  readonly makeProducer: () => BaseProducer;
  /** Entries are kept from this moment on, in a file of their own: the next one must say which database it is for. */
  readonly onBarrier: () => void;
  /** The process must end: see AppendLog. */
  readonly onFatal: (message: string) => void;
  readonly report: (level: LogLevel, message: string) => void;
  /** 0: no reserve for a full disk. */
  readonly reserveBytes?: number;
  readonly bufferBytes?: number;
}

export class Aof {
  readonly log: AppendLog;
  readonly directory: AofDirectory;
  readonly policy: RewritePolicy = new RewritePolicy();
  /** `aof-load-truncated`. */
  mayTruncate = true;
  /** `no-appendfsync-on-rewrite`. */
  suspendsSyncOnRewrite = false;

  // ---- figures for INFO
  rewrites = 0;
  isLastRewriteOk = true;
  /** Seconds; -1 where there was none. */
  lastRewriteSeconds = -1;
  /** Size after the last rewrite, or of the base that was loaded. */
  baseBytes = 0;

  readonly #options: AofOptions;
  #isOn = false;
  #isDirectoryOpen = false;
  #hasLog = false;
  /** Bytes of the files before the one that is written to. */
  #closedBytes = 0;
  #loaded: LoadResult | undefined = undefined;
  #rewrite: Rewrite | undefined = undefined;
  #rewriteStartUs = 0;
  #running: Promise<void> | undefined = undefined;
  /** A fresh rewrite is owed: nothing is durable until it succeeds. */
  #needsFresh = false;
  #isScheduled = false;
  #lastError: Error | undefined = undefined;
  #repairDelayMs = 0;
  #cancelRepair: (() => void) | undefined = undefined;

  constructor(options: AofOptions) {
    this.#options = options;
    this.directory = new AofDirectory(
      options.files,
      options.dir,
      options.dirname,
      options.filename,
    );
    this.log = new AppendLog({
      clock: options.clock,
      timers: options.timers,
      policy: options.policy,
      onFatal: options.onFatal,
      log: options.report,
      ...(options.bufferBytes === undefined ? {} : { bufferBytes: options.bufferBytes }),
    });
    this.log.onBroken = () => {
      this.#rewrite?.abort();
      this.#needsFresh = true;
      this.#scheduleRepair();
    };
  }

  /** `appendonly`: also while a first base is being made. */
  get isOn(): boolean {
    return this.#isOn;
  }

  get isRewriting(): boolean {
    return this.#rewrite !== undefined;
  }

  /** A rewrite is to begin as soon as the one under way is over. */
  get isRewriteScheduled(): boolean {
    return this.#isScheduled || (this.#needsFresh && this.#rewrite === undefined);
  }

  /** Since when the rewrite under way runs, in seconds; -1 without one. */
  get currentRewriteSeconds(): number {
    if (this.#rewrite === undefined) return -1;
    return Math.floor((this.#options.clock.monotonicUs() - this.#rewriteStartUs) / 1e6);
  }

  /** Bytes of all files that a restart would read. */
  get currentBytes(): number {
    return this.#closedBytes + this.log.fileBytes;
  }

  // ---- loading

  /** Reads what is there, in slices; nothing where there is no log. Throws CorruptLogError, FileError. */
  *load(
    progress: (bytesDone: number, bytesTotal: number) => void,
  ): Generator<void, LoadResult | undefined> {
    this.#openDirectory();
    if (!this.#hasLog) return undefined;
    this.#loaded = yield* load(this.#loadOptions(progress));
    this.#measure();
    return this.#loaded;
  }

  /**
   * Reads everything again, in one go (DEBUG LOADAOF): the log must be flushed before. Throws CorruptLogError, FileError.
   */
  reloadSync(): LoadResult | undefined {
    return this.#hasLog ? loadSync(this.#loadOptions(() => {})) : undefined;
  }

  #loadOptions(progress: LoadOptions['progress']): LoadOptions {
    const { loadBase, makeApplier, report } = this.#options;
    const { directory, mayTruncate } = this;
    return { directory, apply: makeApplier(), loadBase, mayTruncate, log: report, progress };
  }

  #openDirectory(): void {
    if (this.#isDirectoryOpen) return;
    this.#hasLog = this.directory.open();
    this.#isDirectoryOpen = true;
  }

  #measure(): void {
    this.baseBytes = this.directory.baseBytes;
    this.#closedBytes = this.directory.sizeBytes;
  }

  // ---- on and off

  /** Begins to keep entries, behind what was loaded; where there was nothing, a base of what is in memory is made first. Throws FileError. */
  async start(): Promise<void> {
    this.#isOn = true;
    this.#openDirectory();
    const { files, path } = this.directory;
    const reserveBytes = this.#options.reserveBytes ?? RESERVE_BYTES;
    if (reserveBytes > 0) {
      this.log.reserve = new ReserveSpace(files, this.#options.randomness, path, reserveBytes);
    }
    if (!this.#hasLog) {
      this.#begin('fresh');
      await this.#running;
      if (this.#lastError !== undefined) throw this.#lastError;
    } else {
      await this.#append();
      this.#occupy(this.#removeHistory());
    }
    void this.log.reserve?.fill();
  }

  async #append(): Promise<void> {
    const loaded = this.#loaded;
    const { directory } = this;
    const { files, randomness } = this.#options;
    const position = loaded?.position ?? 0;
    const tail = loaded?.tail;
    let file: IncrementalFile;
    if (tail !== undefined) {
      file = IncrementalFile.resume(files, directory.pathOf(tail.name), tail.seed, tail.sizeBytes);
      this.#closedBytes -= tail.sizeBytes;
    } else {
      // Never behind what a real Redis wrote: our lines at the start of a file are what its batches are checked with.
      const sequence = nextIncrementalSequence(directory.manifest);
      const name = directory.incrementalName(sequence);
      file = IncrementalFile.create(files, randomness, directory.pathOf(name));
      file.writeHeader(position);
      await file.file.syncAsync();
      await files.syncDirectoryAsync(directory.path);
      const { base, history, incremental } = directory.manifest;
      await directory.publish({ base, history, incremental: [...incremental, { name, sequence }] });
    }
    this.log.open(file, position);
    this.#options.onBarrier();
  }

  /** `appendonly yes` while running: entries are kept from now on, and a first base is made. Throws FileError, CorruptLogError. */
  turnOn(): void {
    if (this.#isOn) return;
    this.#openDirectory();
    this.#isOn = true;
    this.#needsFresh = true;
    if (this.#running === undefined) {
      try {
        this.#begin('fresh');
      } catch (error) {
        this.#isOn = false;
        this.#needsFresh = false;
        throw error;
      }
    }
  }

  /** `appendonly no` while running: everything is written and synced, and no more kept. Throws FileError when that failed. */
  turnOff(): void {
    this.#isOn = false;
    this.#needsFresh = false;
    this.#isScheduled = false;
    this.#cancelRepair?.();
    this.#cancelRepair = undefined;
    this.#rewrite?.abort();
    this.#closedBytes += this.log.fileBytes;
    this.log.close();
  }

  /** Ends everything. Settles when no call is under way any more. Rejects with FileError when not everything could be made durable. */
  async close(): Promise<void> {
    try {
      if (this.#isOn) this.turnOff();
      else this.#rewrite?.abort();
    } finally {
      await this.#running;
    }
  }

  // ---- rewrites

  /** BGREWRITEAOF. `failed`: see the log. */
  rewrite(): 'started' | 'scheduled' | 'in progress' | 'failed' {
    if (this.#rewrite !== undefined) return 'in progress';
    if (this.#running !== undefined) {
      this.#isScheduled = true;
      return 'scheduled';
    }
    if (this.log.failure?.kind === 'write') return 'failed';
    try {
      this.#openDirectory();
      this.#begin(this.#mode);
      return 'started';
    } catch (error) {
      this.#failed(error);
      return 'failed';
    }
  }

  /** A rewrite begins at one of the next ticks. */
  scheduleRewrite(): 'scheduled' | 'in progress' {
    if (this.#rewrite !== undefined) return 'in progress';
    this.#isScheduled = true;
    return 'scheduled';
  }

  get #mode(): RewriteMode {
    if (!this.#isOn) return 'alone';
    return this.#needsFresh || this.log.isBroken ? 'fresh' : 'chained';
  }

  /** Looks whether a rewrite is due; a few times a second. */
  tick(): void {
    if (this.#running !== undefined) return;
    const isDue =
      this.#isScheduled || (this.#isOn && this.policy.isDue(this.currentBytes, this.baseBytes));
    if (!isDue || this.log.failure !== undefined) return;
    if (this.policy.isLimited(this.#options.clock.now())) return;
    this.#isScheduled = false;
    this.#options.report('notice', 'Starting automatic rewriting of the append only file');
    this.rewrite();
  }

  #begin(mode: RewriteMode): void {
    const { clock, makeProducer, onBarrier, randomness, report, timers } = this.#options;
    this.#rewriteStartUs = clock.monotonicUs();
    this.rewrites++;
    this.#lastError = undefined;
    const rewrite = new Rewrite({
      directory: this.directory,
      log: this.log,
      producer: makeProducer(),
      timers,
      randomness,
      report,
      mode,
      onBarrier: mode === 'alone' ? nothing : onBarrier,
    });
    this.#rewrite = rewrite;
    report('notice', 'Background append only file rewriting started');
    if (this.suspendsSyncOnRewrite) this.log.isSyncSuspended = true;
    this.#occupy(this.#run(rewrite, mode));
  }

  /** One thing at a time works on the manifest. */
  #occupy(work: Promise<void>): void {
    const done = (error?: unknown): void => {
      if (error instanceof Error) this.#options.report('warning', error.message);
      this.#running = undefined;
      if (this.#needsFresh && this.#isOn) this.#scheduleRepair();
    };
    this.#running = work.then(() => done(), done);
  }

  async #run(rewrite: Rewrite, mode: RewriteMode): Promise<void> {
    const startUs = this.#rewriteStartUs;
    let isDone = false;
    try {
      await rewrite.run();
      isDone = true;
      this.#hasLog = true;
      this.isLastRewriteOk = true;
      this.policy.succeeded();
      if (mode === 'fresh') {
        this.#needsFresh = false;
        this.#repairDelayMs = 0;
      }
      this.#options.report('notice', 'Background AOF rewrite finished successfully');
    } catch (error) {
      this.#failed(error);
    }
    this.#rewrite = undefined;
    this.log.isSyncSuspended = false;
    this.lastRewriteSeconds = Math.floor((this.#options.clock.monotonicUs() - startUs) / 1e6);
    this.#closedBytes = Math.max(0, this.directory.sizeBytes - this.log.fileBytes);
    if (!isDone) return;
    this.baseBytes = this.currentBytes;
    await this.#removeHistory();
  }

  async #removeHistory(): Promise<void> {
    await this.directory.removeHistory((error) => {
      this.#options.report('warning', `A file of the log's history stays: ${error.message}`);
    });
  }

  #failed(error: unknown): void {
    if (error instanceof RewriteAborted) {
      this.#options.report('notice', 'Background AOF rewrite terminated by request');
      return;
    }
    if (!(error instanceof Error)) throw error;
    this.#lastError = error;
    this.isLastRewriteOk = false;
    this.#options.report(
      'warning',
      `Background AOF rewrite terminated with error: ${error.message}`,
    );
    const minutes = this.policy.failed(this.#options.clock.now());
    if (minutes > 0) {
      this.#options.report(
        'warning',
        `Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ${minutes} minutes`,
      );
    }
  }

  /** Durability is owed to clients: a fresh rewrite begins as soon as may be, and again after growing pauses. */
  #scheduleRepair(): void {
    if (this.#running !== undefined || this.#cancelRepair !== undefined) return;
    const delayMs = this.#repairDelayMs;
    this.#repairDelayMs = Math.min(REPAIR_LONGEST_DELAY_MS, Math.max(REPAIR_DELAY_MS, delayMs * 2));
    this.#cancelRepair = this.#options.timers.after(delayMs, () => {
      this.#cancelRepair = undefined;
      if (!this.#isOn || !this.#needsFresh || this.#running !== undefined) return;
      try {
        this.#begin('fresh');
      } catch (error) {
        this.#failed(error);
        this.#scheduleRepair();
      }
    });
  }
}

function nothing(): void {}
