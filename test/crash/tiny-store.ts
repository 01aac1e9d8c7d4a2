/**
 * The smallest store that can stand on the log: keys to values, SET and DEL, transactions. It remembers every state it was ever in, so that
 * a test can tell which one a restart found.
 */
import { Request } from '../../src/bytes/resp-request.ts';
import { Aof, type AofOptions } from '../../src/log/aof.ts';
import type { BaseWriter } from '../../src/log/base-writer.ts';
import type { SyncPolicy } from '../../src/log/file-sync.ts';
import type { BaseProducer } from '../../src/log/rewrite.ts';
import type { Clock } from '../../src/os/clock.ts';
import { FileError, type FileSystem } from '../../src/os/file-system.ts';
import type { Randomness } from '../../src/os/randomness.ts';
import type { Timers } from '../../src/os/timers.ts';

export type Change = readonly [key: string, value: string | undefined];

/** A state a store was in, and the log position from which on it held. */
export interface Version {
  readonly position: number;
  readonly text: string;
  /** Made by an entry, not while `appendonly` was off. */
  readonly isLogged: boolean;
}

export interface TinyStoreOptions {
  readonly files: FileSystem;
  /** Clock and timers. */
  readonly loop: Clock & Timers;
  readonly random: Randomness;
  readonly policy: SyncPolicy;
  readonly dir?: string;
  readonly reserveBytes?: number;
  /** The log says that the process must end. */
  readonly onFatal?: () => void;
}

export class TinyStore {
  readonly aof: Aof;
  readonly data: Map<string, string> = new Map();
  readonly versions: Version[] = [];
  readonly reports: string[] = [];
  fatal: string | undefined = undefined;
  #isLogging = false;

  constructor(options: TinyStoreOptions) {
    const aofOptions: AofOptions = {
      files: options.files,
      clock: options.loop,
      timers: options.loop,
      randomness: options.random,
      dir: options.dir ?? '/data',
      dirname: 'appendonlydir',
      filename: 'appendonly.aof',
      policy: options.policy,
      makeApplier: () => (request) => this.#apply(request),
      loadBase: () => {
        throw new Error('no base of another format is made here');
      },
      makeProducer: () => new MapProducer(this.data),
      onBarrier: () => {
        this.#isLogging = true;
      },
      onFatal: (message) => {
        this.fatal = message;
        options.onFatal?.();
      },
      report: (level, message) => this.reports.push(`${level}: ${message}`),
      reserveBytes: options.reserveBytes ?? 0,
      bufferBytes: 4096,
    };
    this.aof = new Aof(aofOptions);
  }

  /** Loads what is there and begins to log. */
  async open(): Promise<void> {
    const steps = this.aof.load(() => {});
    while (steps.next().done !== true);
    await this.aof.start();
    this.#remember();
  }

  /** One entry: all of it or nothing will be found. */
  write(changes: readonly Change[]): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.data.delete(key);
      else this.data.set(key, value);
    }
    if (this.#isLogging) this.#log(changes);
    this.#remember();
  }

  /** What could not be synced by then was not acknowledged. */
  turnOff(): void {
    this.#isLogging = false;
    try {
      this.aof.turnOff();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  get text(): string {
    return [...this.data]
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(' ');
  }

  #remember(): void {
    const { position } = this.aof.log;
    this.versions.push({ position, text: this.text, isLogged: this.#isLogging });
  }

  #log(changes: readonly Change[]): void {
    const commands = changes.map(([key, value]) =>
      value === undefined ? ['DEL', key] : ['SET', key, value],
    );
    if (commands.length > 1) commands.unshift(['MULTI']);
    if (commands.length > 1) commands.push(['EXEC']);
    const { buffer } = this.aof.log;
    for (const command of commands) {
      const request = new Request().fill(command);
      buffer.reserve(request.to);
      buffer.region.bytes.set(request.region.bytes.subarray(0, request.to), buffer.at);
      buffer.at += request.to;
    }
    this.aof.log.endEntry();
  }

  #apply(request: Request): string | undefined {
    if (request.is(0, 'SET')) this.data.set(request.text(1), request.text(2));
    else if (request.is(0, 'DEL')) this.data.delete(request.text(1));
    else return `Unknown command '${request.text(0)}'`;
    return undefined;
  }
}

class MapProducer implements BaseProducer {
  readonly format = 'aof';
  readonly #data: ReadonlyMap<string, string>;
  #entries: [string, string][] = [];
  #writer: BaseWriter | undefined = undefined;

  constructor(data: ReadonlyMap<string, string>) {
    this.#data = data;
  }

  start(writer: BaseWriter): void {
    this.#writer = writer;
    this.#entries = [...this.#data];
  }

  step(): boolean {
    for (const [key, value] of this.#entries.splice(0, 3)) {
      const writer = this.#writer!;
      const request = new Request().fill(['SET', key, value]);
      writer.reserve(request.to);
      writer.region.bytes.set(request.region.bytes.subarray(0, request.to), writer.at);
      writer.at += request.to;
    }
    return this.#entries.length === 0;
  }

  abort(): void {
    this.#entries = [];
  }
}
