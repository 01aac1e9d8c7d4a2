/**
 * What the model knows of one client: its database, protocol version, authentication, transaction, subscriptions and name.
 * The connection behind it (sockets, buffers) is reached through `io` only.
 */
import type { Request } from '../../bytes/resp-request.ts';
import type { Command } from './command-table.ts';
import type { Watch } from './watch.ts';

/** What the model may ask of the connection behind a session. */
export interface SessionIo {
  /** `ip:port`, `[ip]:port` or `path:0` of the client, and of the listener's side. */
  readonly address: string;
  readonly localAddress: string;
  readonly fd: number;
  readonly isUnixSocket: boolean;
  readonly isTls: boolean;
  /** Whether the client comes from this machine (protected mode, enable-debug-command local). */
  readonly isLocal: boolean;
  /** Bytes received and not run yet, and what their buffer holds free. */
  queryBufferBytes(): number;
  queryBufferFreeBytes(): number;
  /** Bytes of output that wait: in memory of the client's own, and how many pieces. */
  outputBytes(): number;
  outputPieces(): number;
  /** Memory held for this client alone: input and output that wait, and what they keep from being reused. */
  memoryBytes(): number;
  readonly totalInputBytes: number;
  readonly totalOutputBytes: number;
  /** Closes at once, output or not. */
  close(): void;
  /** Closes when everything written so far has left; nothing more is read. */
  closeAfterOutput(): void;
  /** Goes on with the client's input after it was parked. */
  resume(): void;
}

/** A client that waits: its input rests until it is served or its time is up. */
export interface Parked {
  readonly reason: 'pause' | 'wait' | 'waitaof' | 'shutdown' | 'dump' | 'watch';
  /** Time in ms since the epoch at which `expire` is called; Infinity: never. */
  readonly deadlineMs: number;
  /** Writes the reply of a time-out. */
  expire(): void;
  /** CLIENT UNBLOCK; absent: it can't be unblocked. */
  unblock?(withError: boolean): void;
}

/** A command that MULTI queued. */
export interface Queued {
  readonly command: Command;
  readonly request: Request;
}

export class Session {
  readonly id: number;
  readonly io: SessionIo;
  readonly createdMs: number;
  /** When the client last sent something, in ms since the epoch. */
  lastMs: number;
  database = 0;
  resp: 2 | 3 = 2;
  isAuthenticated: boolean;
  /** The user: only `default` exists as yet. */
  user = 'default';
  name = '';
  libraryName = '';
  libraryVersion = '';
  /** The full name of the last command (`client|list`), for CLIENT LIST. */
  lastCommand = 'NULL';

  /** MULTI: commands queued, or undefined outside of a transaction. */
  queue: Queued[] | undefined = undefined;
  queuedBytes = 0;
  /** A queued command was refused: EXEC answers EXECABORT. */
  isTransactionBroken = false;
  /** A watched key was touched: EXEC answers null. */
  isTransactionDirty = false;
  /** Watched keys, by `database:key` (one byte a character). */
  readonly watched: Map<string, Watch> = new Map();

  readonly channels: Set<string> = new Set();
  readonly patterns: Set<string> = new Set();
  readonly shardChannels: Set<string> = new Set();
  /** Memory of the subscriptions, estimated. */
  subscriptionBytes = 0;

  isMonitor = false;
  /** A request of it runs now: messages to itself wait until its reply is written. */
  isExecuting = false;
  /** CLIENT REPLY: on; off; 'skip-next' (said by SKIP, becomes 'skip' for the next command). */
  replyMode: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  isNoEvict = false;
  isNoTouch = false;
  /** Closes once its output has left (QUIT, protocol error, CLIENT KILL of oneself). */
  isClosing = false;
  parked: Parked | undefined = undefined;
  commandCount = 0;

  constructor(id: number, io: SessionIo, nowMs: number, isAuthenticated: boolean) {
    this.id = id;
    this.io = io;
    this.createdMs = nowMs;
    this.lastMs = nowMs;
    this.isAuthenticated = isAuthenticated;
  }

  get subscriptionCount(): number {
    return this.channels.size + this.patterns.size;
  }

  /** In RESP2 a subscribed client may only change its subscriptions. */
  get isSubscriber(): boolean {
    return this.subscriptionCount + this.shardChannels.size > 0;
  }
}
