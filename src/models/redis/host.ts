/** What the model asks of the process around it: the executor, persistence, the operating system. */
import type { MemoryEngine, Ref } from '../../memory/index.ts';
import type { Session } from './session.ts';

/** Values from this length on are sent from where they lie, as the client takes them. */
export const LEND_BYTES: number = 256 * 1024;

/** Writes for clients; every byte for any client goes through here, so that it waits for the durability gate. */
export interface Output {
  /** What is written from now on is for `session`, in its protocol version, until `end`. Calls nest. */
  begin(session: Session): void;
  end(): void;
  /** Sends what the last `begin`..`end` wrote to `session` too (same protocol version), without another copy. */
  repeat(session: Session): void;
  /** Goes on with bytes `[from, to)` of a value as they are now: they are read as the client takes them, and not copied before. */
  lend(engine: MemoryEngine, ref: Ref, from: number, to: number): void;
}

/** A value for INFO: number, text. Field order is the order of insertion. */
export type InfoFields = Record<string, number | string>;

export interface CpuTimes {
  userSeconds: number;
  systemSeconds: number;
}

export interface Host {
  readonly output: Output;
  readonly processId: number;
  readonly executable: string;
  /** Kvasir's version, and the operating system as INFO names it: `Linux 6.1.0 x86_64`. */
  readonly version: string;
  readonly platform: string;
  readonly configFile: string;
  /** TCP port, 0 when none is listened on. */
  readonly tcpPort: number;
  readonly startedMs: number;
  /** 40 hexadecimal digits, new for each run. */
  readonly runId: string;
  /** Event loop figures, process memory, CPU seconds. */
  memory(): {
    rss: number;
    heapUsed: number;
    heapTotal: number;
    external: number;
    peakRss: number;
    system: number;
  };
  cpu(): CpuTimes & { mainThread: CpuTimes | undefined };
  /** Microseconds of a clock that only moves forward. */
  monotonicUs(): number;
  /** Microseconds since the epoch. */
  wallClockUs(): number;
  /** Calls `fn` in `ms`; returns what cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** Blocks the whole process (DEBUG SLEEP). */
  sleepSync(ms: number): void;
  random(): number;
  randomBytes(count: number): Uint8Array;
  readonly persistence: HostPersistence;
  /** Ends the process. `abort` (DEBUG SEGFAULT and its like): at once. Resolves never on success; on failure a text for the client. */
  shutdown(options: {
    save: 'default' | 'save' | 'nosave';
    now: boolean;
    force: boolean;
  }): string | undefined;
  /** Exits without any cleaning up (DEBUG RESTART, SEGFAULT, PANIC in tests). */
  crash(): void;
  log(level: 'debug' | 'verbose' | 'notice' | 'warning', message: string): void;
  /** Totals of the socket layer. */
  network(): {
    inputBytes: number;
    outputBytes: number;
    reads: number;
    writes: number;
    connectionsReceived: number;
    rejectedConnections: number;
    evictedClients: number;
  };
  /** `host:port (seconds) bytes` fields of the INFO clients section that only the socket layer knows. */
  buffers(): { maxInputBytes: number; maxOutputBytes: number; clientsBytes: number };
}

export interface HostPersistence {
  /** The AOF is on. */
  readonly isOn: boolean;
  readonly isLoading: boolean;
  /** Why writes are refused now (the text behind `-MISCONF `), or undefined. */
  readonly refusal: string | undefined;
  /** Byte offsets of the shard's log: end of all entries, and what is synced. */
  readonly position: number;
  readonly durable: number;
  /** Starts a rewrite; the status reply or an error text beginning with its code. */
  rewrite(): { reply: string } | { error: string };
  /** For INFO persistence, in Redis's field names. */
  info(): InfoFields;
  /** Called with every new durable position until it returns true. */
  whenDurable(check: (durable: number) => boolean): void;
  /** DEBUG LOADAOF / RELOAD: flushes, empties and loads again, synchronously as Redis does; an error text on failure. */
  reload(): string | undefined;
  /** Seconds since the epoch of the last save that succeeded (LASTSAVE). */
  readonly lastSaveSeconds: number;
}
