/**
 * Makes a new base from memory while the log goes on.
 *
 * A *chained* rewrite, the usual one:
 *   1. a new incremental file is made and its name synced; what the old one still has to sync is synced
 *   2. the barrier, one synchronous step: the old file gets everything so far, the producer starts, entries stay in memory from here on
 *   3. the old file's rest and the new file are synced, then the manifest that also names the new one is made durable: only now
 *      entries go on, into the new file
 *   4. the producer writes the base in slices; it is synced, renamed, and the manifest becomes base + new file; the others are history
 * A crash finds the old base and both files up to 4, the new base and the new file after.
 *
 * A *fresh* one, where there is no log yet (`appendonly yes`) or the old files can't be trusted: the new incremental file goes in use with
 * the barrier under a temporary name, and joins the manifest together with its base in step 4. One *alone* makes a base and nothing
 * else, while no log is kept.
 */
import type { Randomness } from '../os/randomness.ts';
import type { Timers } from '../os/timers.ts';
import { FileError } from '../os/file-system.ts';
import type { AofDirectory } from './aof-directory.ts';
import type { AppendLog, LogLevel } from './append-log.ts';
import { BaseWriter } from './base-writer.ts';
import { IncrementalFile } from './incremental-file.ts';
import {
  nextBaseSequence,
  nextIncrementalSequence,
  type Manifest,
  type ManifestEntry,
} from './manifest.ts';

/** Writes the data set as it is at `start`. */
export interface BaseProducer {
  readonly format: 'rdb' | 'aof';
  /** The barrier. `position`: of the log, for the base to say what it stands for. */
  start(writer: BaseWriter, position: number): void;
  /** Works for about a millisecond; true when everything is in the writer. */
  step(): boolean;
  /** Ends early. Harmless after the end. */
  abort(): void;
}

export type RewriteMode = 'chained' | 'fresh' | 'alone';

export interface RewriteOptions {
  readonly directory: AofDirectory;
  readonly log: AppendLog;
  readonly producer: BaseProducer;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly report: (level: LogLevel, message: string) => void;
  readonly mode: RewriteMode;
  /** Called within the barrier: entries from here on are in the new file, if there is one. */
  readonly onBarrier: () => void;
}

/** A rewrite was ended from outside. */
export class RewriteAborted extends Error {
  constructor() {
    super('the rewrite was ended');
    this.name = 'RewriteAborted';
  }
}

export class Rewrite {
  readonly #options: RewriteOptions;
  readonly #base: ManifestEntry;
  readonly #incremental: ManifestEntry;
  readonly #writer: BaseWriter;
  readonly #next: IncrementalFile | undefined;
  readonly #closeBase: () => void;
  #isAborted = false;
  /** Entries wait in memory between the barrier and the new file's place in the durable manifest. */
  #isSwitching = false;
  /** The new incremental file is the log's: to be closed by it. */
  #isHandedOver = false;

  /** Opens the files; all but a chained rewrite have their barrier here. Throws FileError. */
  constructor(options: RewriteOptions) {
    this.#options = options;
    const { directory, mode, producer } = options;
    const { files, manifest } = directory;
    const baseSequence = nextBaseSequence(manifest);
    const sequence = nextIncrementalSequence(manifest);
    this.#base = {
      name: directory.baseName(baseSequence, producer.format),
      sequence: baseSequence,
    };
    this.#incremental = { name: directory.incrementalName(sequence), sequence };
    const base = files.open(directory.pathOf(directory.temporaryBaseName), 'replace');
    this.#writer = new BaseWriter(base);
    this.#closeBase = () => base.close();
    let next: IncrementalFile | undefined;
    try {
      if (mode !== 'alone') {
        const isFresh = mode === 'fresh';
        const name = isFresh ? directory.temporaryIncrementalName : this.#incremental.name;
        next = IncrementalFile.create(files, options.randomness, directory.pathOf(name));
      }
      this.#next = next;
      if (mode !== 'chained') this.#barrier();
    } catch (error) {
      base.close();
      next?.file.close();
      throw error;
    }
  }

  /**
   * Ends it as soon as may be; `run` then rejects with RewriteAborted. At once, the producer is done with and the log can be closed: entries
   * that waited in memory go to the file in which a restart looks for them.
   */
  abort(): void {
    this.#isAborted = true;
    const { directory, log, producer } = this.#options;
    producer.abort();
    if (!this.#isSwitching) return;
    if (!this.#isNamed(this.#incremental)) {
      this.#isSwitching = false;
      log.cancelSwitch();
      return;
    }
    try {
      directory.files.syncDirectory(directory.path);
      this.#switchOver();
    } catch (error) {
      this.#isSwitching = false;
      if (!(error instanceof FileError)) throw error;
      log.breakOff(error);
    }
  }

  /**
   * Settles when the new base counts; the files it replaces are then the manifest's history. Rejects with FileError or RewriteAborted: then
   * the log goes on as it was, or says that it is broken.
   */
  async run(): Promise<void> {
    const { mode, producer } = this.#options;
    try {
      if (mode === 'chained') await this.#switch(this.#next!);
      await this.#produce();
      await this.#publish();
    } catch (error) {
      producer.abort();
      this.#closeBase();
      if (!this.#isHandedOver) this.#next?.file.close();
      this.#cleanUp();
      throw error;
    }
    this.#closeBase();
  }

  async #switch(next: IncrementalFile): Promise<void> {
    const { directory, log } = this.#options;
    await next.file.syncAsync();
    await directory.files.syncDirectoryAsync(directory.path);
    await log.sync();
    this.#check();
    this.#barrier();
    try {
      await Promise.all([log.sync(), next.file.syncAsync()]);
      const { base, history, incremental } = directory.manifest;
      const manifest = { base, history, incremental: [...incremental, this.#incremental] };
      await directory.publish(manifest, () => this.#check());
    } catch (error) {
      if (this.#isSwitching) this.#switchFailed(error);
      throw error;
    }
    if (this.#isSwitching) this.#switchOver();
    this.#check();
  }

  #switchOver(): void {
    this.#isSwitching = false;
    this.#isHandedOver = true;
    this.#options.log.switchOver();
  }

  #switchFailed(error: unknown): void {
    const { log } = this.#options;
    this.#isSwitching = false;
    // Once the manifest was replaced, which one a restart finds is not known: the old file may not go on as the last.
    if (this.#isNamed(this.#incremental) && error instanceof FileError) log.breakOff(error);
    else log.cancelSwitch();
  }

  /** The one moment that the base stands for. */
  #barrier(): void {
    const { log, mode, onBarrier, producer } = this.#options;
    const next = this.#next;
    log.write();
    if (mode === 'chained' && (log.failure !== undefined || log.written !== log.position)) {
      throw this.#logError();
    }
    next?.writeHeader(log.position);
    if (next !== undefined && mode === 'chained') {
      log.holdFor(next);
      this.#isSwitching = true;
    } else if (next !== undefined) {
      this.#isHandedOver = true;
      log.replaceFile(next);
    }
    onBarrier();
    producer.start(this.#writer, log.position);
  }

  async #produce(): Promise<void> {
    const { producer, timers } = this.#options;
    for (;;) {
      this.#check();
      if (producer.step()) break;
      if (this.#writer.isBehind) await this.#writer.caughtUp();
      else await new Promise<void>((resolve) => timers.soon(resolve));
    }
    await this.#writer.finish();
  }

  async #publish(): Promise<void> {
    const { directory, log, mode } = this.#options;
    const { files } = directory;
    const isFresh = mode === 'fresh';
    if (isFresh) await Promise.all([log.sync(), this.#next?.file.syncAsync()]);
    this.#check();
    files.rename(directory.pathOf(directory.temporaryBaseName), directory.pathOf(this.#base.name));
    if (isFresh) {
      const temporary = directory.pathOf(directory.temporaryIncrementalName);
      const path = directory.pathOf(this.#incremental.name);
      files.rename(temporary, path);
      if (this.#next !== undefined) this.#next.file.path = path;
    }
    // Names first, then the manifest that relies on them: no file system may turn the two round.
    await files.syncDirectoryAsync(directory.path);
    this.#check();
    await directory.publish(this.#finalManifest(), () => this.#check());
    this.#check();
    if (isFresh) log.publish();
  }

  #finalManifest(): Manifest {
    const { base, history, incremental } = this.#options.directory.manifest;
    const old = incremental.filter((entry) => entry.name !== this.#incremental.name);
    return {
      base: this.#base,
      history: [...old, ...(base === undefined ? [] : [base]), ...history],
      incremental: this.#next === undefined ? [] : [this.#incremental],
    };
  }

  #check(): void {
    const { log, mode } = this.#options;
    if (this.#isAborted) throw new RewriteAborted();
    if (this.#writer.error !== undefined) throw this.#writer.error;
    if (mode === 'fresh' && log.isBroken) throw this.#logError();
  }

  #logError(): FileError {
    const { directory, log } = this.#options;
    return new FileError('write', directory.path, log.failure?.code ?? 'EIO');
  }

  /** Whether the manifest, as far as it got, names this file: then it may not be removed. */
  #isNamed(entry: ManifestEntry): boolean {
    const { base, incremental } = this.#options.directory.manifest;
    return base?.name === entry.name || incremental.some((e) => e.name === entry.name);
  }

  #cleanUp(): void {
    const { directory, mode } = this.#options;
    const names = [directory.temporaryBaseName];
    if (mode === 'fresh') names.push(directory.temporaryIncrementalName);
    for (const entry of [this.#base, this.#incremental]) {
      if (!this.#isNamed(entry)) names.push(entry.name);
    }
    for (const name of names) {
      try {
        if (directory.files.stat(directory.pathOf(name)) !== undefined) {
          directory.files.unlink(directory.pathOf(name));
        }
      } catch (error) {
        const reason = error instanceof FileError ? error.message : String(error);
        this.#options.report('warning', `A file of a failed rewrite stays: ${reason}`);
      }
    }
  }
}
