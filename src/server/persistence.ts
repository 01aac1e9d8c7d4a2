/**
 * What a server keeps on disk: puts the log (log/), the snapshot (models/redis/) and the settings together, and is the model's and the
 * executor's view of them.
 *
 * Start: `lock` takes the directory, `open` loads what is there in slices (clients are answered LOADING meanwhile) and begins to log. Each
 * tick calls `write`; output leaves as far as `releasable`.
 */
import { compare64 } from '../bytes/unsigned64.ts';
import { Aof } from '../log/aof.ts';
import type { LogLevel } from '../log/append-log.ts';
import type { SyncPolicy } from '../log/file-sync.ts';
import type { BaseProducer } from '../log/rewrite.ts';
import type { EffectSink } from '../models/redis/effects.ts';
import type { InfoFields } from '../models/redis/host.ts';
import { EngineTarget } from '../models/redis/rdb/engine-target.ts';
import { readRdb } from '../models/redis/rdb/reader.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import { CommandSnapshot, RdbSnapshot, type SnapshotOptions } from '../models/redis/snapshot.ts';
import { touchAllWatched } from '../models/redis/watch.ts';
import type { DirectoryLock } from '../os/directory-lock.ts';
import { FileError, type OpenFile } from '../os/file-system.ts';
import type { System } from '../os/system.ts';
import type { Logger } from './logger.ts';
import { LoadFigures, logFields } from './persistence-info.ts';
import { MemoryFile } from './persistence-memory-file.ts';
import { makeApplier, whileReplaying } from './persistence-replay.ts';
import type { LoadProgress } from './server.ts';
import type { ServerPersistence, Shard } from './shard.ts';

export interface PersistenceOptions {
  readonly system: System;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Entries can't be written under `appendfsync always`: the process must end, as Redis's does. It does so by default. */
  readonly onFatal?: () => void;
}

/** How often it is looked whether a rewrite is due (Redis's hz is 10). */
const TICK_MS = 100;
/** Time of one turn while loading, between which clients are answered. */
const LOAD_SLICE_US = 4000;

export class Persistence implements ServerPersistence {
  readonly buffer: EffectSink;
  readonly aof: Aof;
  readonly lastSaveSeconds: number;
  isLoading = false;
  readonly #system: System;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #onProgress: (progress: LoadProgress) => void;
  readonly #load: LoadFigures = new LoadFigures();
  #shard: Shard | undefined = undefined;
  #lock: DirectoryLock | undefined = undefined;
  #isClosed = false;
  readonly #cancels: (() => void)[] = [];
  #checks: ((durable: number) => boolean)[] = [];

  constructor(options: PersistenceOptions) {
    const { logger, settings, system } = options;
    this.#system = system;
    this.#settings = settings;
    this.#logger = logger;
    this.#onProgress = options.onProgress ?? (() => {});
    this.lastSaveSeconds = Math.floor(system.clock.now() / 1000);
    this.aof = new Aof({
      files: system.files,
      clock: system.clock,
      timers: system.timers,
      randomness: system.randomness,
      dir: settings.text('dir'),
      dirname: settings.text('appenddirname'),
      filename: settings.text('appendfilename'),
      policy: settings.text('appendfsync') as SyncPolicy,
      makeApplier: () => makeApplier(this.#theShard),
      loadBase: (file, sizeBytes, progress) => this.#loadBase(file, sizeBytes, progress),
      makeProducer: () => this.#makeProducer(),
      onBarrier: () => {
        this.#theShard.effects.resetSelected();
        this.#theShard.effects.isEnabled = true;
      },
      onFatal: (message) => {
        logger.warning(message);
        (options.onFatal ?? (() => process.exit(1)))();
      },
      report: (level: LogLevel, message: string) => logger[level](message),
    });
    this.buffer = this.aof.log.buffer;
    this.aof.log.onDurable = () => this.#durableAdvanced();
    this.#followSettings();
  }

  // ---- what the executor and the model see

  get isOn(): boolean {
    return this.aof.isOn;
  }

  get isFull(): boolean {
    return this.aof.log.isFull;
  }

  get refusal(): string | undefined {
    const { failure } = this.aof.log;
    return failure && `MISCONF ${failure.message}`;
  }

  get isOverfull(): boolean {
    return this.aof.log.isOverfull;
  }

  get isStuck(): boolean {
    return this.aof.log.isStuck;
  }

  get position(): number {
    return this.aof.log.position;
  }

  /** -1 while nothing at all is durable: `appendonly yes` waits for its first base. */
  get durable(): number {
    return this.aof.log.isPublished ? this.aof.log.durable : -1;
  }

  get releasable(): number {
    return this.aof.log.releasable;
  }

  write(): void {
    const { log } = this.aof;
    const effects = this.#shard?.effects;
    if (effects !== undefined && effects.entries > 0) {
      log.endEntry(effects.entries);
      effects.entries = 0;
    }
    log.write();
  }

  whenDurable(check: (durable: number) => boolean): void {
    this.#checks.push(check);
  }

  rewrite(): { reply: string } | { error: string } {
    // Within a transaction the entry under way is not whole: neither a file nor a snapshot may begin there.
    const outcome = this.#isMidEntry ? this.aof.scheduleRewrite() : this.aof.rewrite();
    switch (outcome) {
      case 'started':
        return { reply: 'Background append only file rewriting started' };
      case 'scheduled':
        return { reply: 'Background append only file rewriting scheduled' };
      case 'in progress':
        return { error: 'ERR Background append only file rewriting already in progress' };
      default:
        return {
          error:
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
        };
    }
  }

  info(): InfoFields {
    const now = this.#system.clock.now();
    return {
      ...logFields(this.aof),
      ...(this.isLoading ? this.#load.fields(now) : {}),
    };
  }

  // ---- start and end

  async lock(): Promise<void> {
    const dir = this.#settings.text('dir');
    this.#system.files.makeDirectory(dir);
    this.#lock = await this.#system.lockDirectory(dir);
  }

  async open(shard: Shard): Promise<void> {
    this.#shard = shard;
    if (this.#settings.flag('appendonly')) await this.#loadAndStart(shard);
    if (this.#isClosed) return;
    this.#cancels.push(this.#system.timers.every(TICK_MS, () => this.aof.tick()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#cancels.splice(0)) cancel();
    if (this.#shard !== undefined) this.#shard.effects.isEnabled = false;
    try {
      await this.aof.close();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#logger.warning(`The append only file could not be synced: ${error.message}`);
    } finally {
      await this.#lock?.release();
      this.#lock = undefined;
    }
  }

  // ---- loading

  async #loadAndStart(shard: Shard): Promise<void> {
    const { model } = shard;
    this.isLoading = true;
    this.#settings.isLoading = true;
    // Until the log is open nothing may change by itself: a key that expires would do so without an entry.
    model.isReplaying = true;
    try {
      await this.#loadAll(shard);
      if (!this.#isClosed) await this.aof.start();
    } finally {
      model.isReplaying = false;
      this.isLoading = false;
      this.#settings.isLoading = false;
    }
  }

  async #loadAll(shard: Shard): Promise<void> {
    const { clock, timers } = this.#system;
    const startUs = clock.monotonicUs();
    const load = this.#load;
    load.begin(clock.now());
    const steps = this.aof.load((bytesDone, bytesTotal) => load.progress(bytesDone, bytesTotal));
    while (!this.#isClosed) {
      const step = whileReplaying(shard, () => this.#loadFor(steps, LOAD_SLICE_US));
      if (load.totalBytes > 0) {
        this.#onProgress({ doneBytes: load.doneBytes, totalBytes: load.totalBytes });
      }
      if (step.done === true) break;
      await new Promise<void>((resolve) => timers.soon(resolve));
    }
    if (load.totalBytes === 0) return;
    const seconds = (clock.monotonicUs() - startUs) / 1e6;
    this.#logger.notice(`DB loaded from append only file: ${seconds.toFixed(3)} seconds`);
  }

  #loadFor(steps: Generator<void, unknown>, us: number): IteratorResult<void, unknown> {
    const { clock } = this.#system;
    const end = clock.monotonicUs() + us;
    for (;;) {
      const step = steps.next();
      if (step.done === true || clock.monotonicUs() >= end) return step;
    }
  }

  *#loadBase(
    file: OpenFile,
    sizeBytes: number,
    progress: (bytesDone: number) => void,
  ): Generator<void, { end: number; position: number | undefined }> {
    const target = new EngineTarget(this.#theShard.model.databases);
    return yield* readRdb(file, sizeBytes, file.path, target, progress);
  }

  /** DEBUG RELOAD and LOADAOF: what is kept replaces what is in memory, in one go. */
  reload(): string | undefined {
    const shard = this.#theShard;
    if (this.#isMidEntry) return 'the transaction has changed keys already';
    const { cas } = shard.engine;
    const { high, low } = cas;
    try {
      if (this.isOn) this.#reloadLog(shard);
      else this.#reloadDump(shard);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      // What is kept may not know of the latest numbers; nobody gets one twice.
      if (compare64(cas.high, cas.low, high, low) < 0) cas.set(high, low);
    }
  }

  #reloadLog(shard: Shard): void {
    const { log } = this.aof;
    if (log.isSwitching || !log.isPublished) throw new Error('a rewrite is changing the files');
    this.write();
    log.flushSync();
    this.#empty(shard);
    whileReplaying(shard, () => this.aof.reloadSync());
  }

  /** Without a log: through a dump in memory. */
  #reloadDump(shard: Shard): void {
    if (shard.engine.isSnapshotActive) throw new Error('a rewrite is reading the data set');
    const file = new MemoryFile();
    const snapshot = new RdbSnapshot(this.#snapshotOptions(false));
    snapshot.start(file, 0);
    while (!snapshot.step());
    this.#empty(shard);
    const target = new EngineTarget(shard.model.databases);
    const steps = readRdb(file, file.length, 'the dump in memory', target, () => {});
    while (steps.next().done !== true);
  }

  #empty(shard: Shard): void {
    for (const database of shard.model.databases) {
      touchAllWatched(database);
      database.keys.clear(true);
    }
  }

  // ---- rewrites

  #makeProducer(): BaseProducer {
    const options = this.#snapshotOptions(true);
    const producer = this.#settings.flag('aof-use-rdb-preamble')
      ? new RdbSnapshot(options)
      : new CommandSnapshot(options);
    return this.#measured(producer);
  }

  /** The same, with the time of each slice noted. */
  #measured(producer: BaseProducer): BaseProducer {
    const { clock } = this.#system;
    const { stats } = this.#theShard.model;
    return {
      format: producer.format,
      start: (writer, position) => producer.start(writer, position),
      step: () => {
        const before = clock.monotonicUs();
        const cpuBefore = clock.cpuUs();
        const isDone = producer.step();
        stats.noteOwnWork(Math.min(clock.monotonicUs() - before, clock.cpuUs() - cpuBefore));
        return isDone;
      },
      abort: () => producer.abort(),
    };
  }

  #snapshotOptions(isBase: boolean): SnapshotOptions {
    const { engine, model } = this.#theShard;
    return {
      engine,
      databases: model.databases,
      nowSeconds: () => Math.floor(this.#system.clock.now() / 1000),
      isCompressing: this.#settings.flag('rdbcompression'),
      isBase,
    };
  }

  // ---- settings

  #followSettings(): void {
    const { aof } = this;
    const settings = this.#settings;
    const follow = (name: string, apply: () => void): void => {
      apply();
      settings.onChange(name, () => apply());
    };
    follow('appendfsync', () => {
      aof.log.policy = settings.text('appendfsync') as SyncPolicy;
    });
    follow('aof-timestamp-enabled', () => {
      aof.log.hasTimestamps = settings.flag('aof-timestamp-enabled');
    });
    follow('aof-load-truncated', () => {
      aof.mayTruncate = settings.flag('aof-load-truncated');
    });
    follow('no-appendfsync-on-rewrite', () => {
      aof.suspendsSyncOnRewrite = settings.flag('no-appendfsync-on-rewrite');
    });
    follow('auto-aof-rewrite-percentage', () => {
      aof.policy.percentage = settings.number('auto-aof-rewrite-percentage');
    });
    follow('auto-aof-rewrite-min-size', () => {
      aof.policy.minimumBytes = settings.number('auto-aof-rewrite-min-size');
    });
    settings.onChange('appendonly', (value) => this.#turn(value === 'yes'));
  }

  /** CONFIG SET appendonly; a text says why it can't be. */
  #turn(isOn: boolean): string | undefined {
    if (isOn === this.isOn) return undefined;
    if (this.#isMidEntry) {
      this.#system.timers.soon(() => this.#turn(this.#settings.flag('appendonly')));
      return undefined;
    }
    try {
      if (isOn) {
        this.aof.turnOn();
      } else {
        this.write();
        this.#theShard.effects.isEnabled = false;
        this.aof.turnOff();
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#logger.warning(error.message);
      return isOn ? 'Unable to turn on AOF. Check server logs.' : undefined;
    }
  }

  /** Whether effects of an entry were written that has not ended: within EXEC, after its first change. */
  get #isMidEntry(): boolean {
    return this.#shard !== undefined && this.#shard.effects.pending > 0;
  }

  #durableAdvanced(): void {
    const { durable } = this;
    if (this.#checks.length > 0) this.#checks = this.#checks.filter((check) => !check(durable));
    this.#shard?.durableAdvanced();
  }

  get #theShard(): Shard {
    if (this.#shard === undefined) throw new Error('persistence was used before it was opened');
    return this.#shard;
  }
}
