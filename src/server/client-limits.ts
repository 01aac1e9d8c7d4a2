/**
 * What keeps clients' memory and number bounded: output buffer limits, maxmemory-clients, timeout.
 *
 * The memory of all clients together is added up from changes: who did something (received, was sent something it does not read, was let go
 * of) is noted, and counted again at the end of the tick. Only when the sum reaches the limit are all looked at.
 */
import { clientBytes } from '../models/redis/client-memory.ts';
import type { RedisModel } from '../models/redis/model.ts';
import type { Session } from '../models/redis/session.ts';
import type { Connection } from '../protocols/connection.ts';

/** `client-output-buffer-limit` of one class: 0 means none. */
export interface OutputLimit {
  hardBytes: number;
  softBytes: number;
  softSeconds: number;
}

/** When no client that may be closed is left, it is looked for others this often only. */
const RETRY_MS = 100;

export class ClientLimits {
  normal: OutputLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };
  pubsub: OutputLimit = { hardBytes: 32 << 20, softBytes: 8 << 20, softSeconds: 60 };
  evictedClients = 0;
  readonly #model: RedisModel;
  readonly #log: (level: 'verbose' | 'warning', message: string) => void;
  #maxMemoryBytes = 0;
  /** The counted memory of all connections, while there is a limit. */
  #totalBytes = 0;
  readonly #noted: Connection[] = [];
  #retryAtMs = 0;

  constructor(
    model: RedisModel,
    log: (level: 'verbose' | 'warning', message: string) => void = () => {},
  ) {
    this.#model = model;
    this.#log = log;
  }

  /** `maxmemory-clients` in bytes; 0: no limit. */
  get maxMemoryBytes(): number {
    return this.#maxMemoryBytes;
  }

  set maxMemoryBytes(bytes: number) {
    this.#maxMemoryBytes = bytes;
    this.#retryAtMs = 0;
    if (bytes > 0) this.#countAll();
  }

  /** Whether `connection` may hold `bytes` of output; closes it where not. */
  mayHold(connection: Connection, bytes: number): boolean {
    const session = connection.session;
    const limit = session.isSubscriber ? this.pubsub : this.normal;
    if (limit.hardBytes > 0 && bytes >= limit.hardBytes) return this.#closeOver(connection, bytes);
    if (limit.softBytes > 0 && bytes >= limit.softBytes) {
      const now = this.#model.engine.now;
      if (connection.softLimitSinceMs === 0) connection.softLimitSinceMs = now;
      else if (now - connection.softLimitSinceMs > limit.softSeconds * 1000) {
        return this.#closeOver(connection, bytes);
      }
    } else {
      connection.softLimitSinceMs = 0;
    }
    return true;
  }

  /** The same for all whose output waits for the log to be durable. */
  checkHeld(connections: Iterable<Connection>): void {
    for (const connection of connections) {
      if (connection.heldBytes === 0) continue;
      this.note(connection);
      this.mayHold(connection, connection.outputBytes());
    }
  }

  /** The memory that `connection` holds may have changed. */
  note(connection: Connection): void {
    if (this.#maxMemoryBytes === 0 || connection.isMemoryNoted) return;
    connection.isMemoryNoted = true;
    this.#noted.push(connection);
  }

  /** `connection` is gone. */
  forget(connection: Connection): void {
    this.#totalBytes -= connection.countedBytes;
    connection.countedBytes = 0;
  }

  /** Closes the largest clients while all together hold as much as maxmemory-clients. Once a tick; free while there is no limit. */
  enforce(): void {
    if (this.#maxMemoryBytes === 0) return;
    for (const connection of this.#noted) {
      connection.isMemoryNoted = false;
      if (!connection.isGone) this.#count(connection);
    }
    this.#noted.length = 0;
    if (this.#totalBytes < this.#maxMemoryBytes) return;
    const now = this.#model.engine.now;
    // A clock that was set back does not keep this from being done.
    if (now < this.#retryAtMs && now > this.#retryAtMs - RETRY_MS) return;
    this.#countAll();
    this.#closeLargest();
    if (this.#totalBytes < this.#maxMemoryBytes) return;
    this.#retryAtMs = now + RETRY_MS;
    this.#log('warning', 'Over client maxmemory after evicting all evictable clients');
  }

  #closeLargest(): void {
    if (this.#totalBytes < this.#maxMemoryBytes) return;
    const connections = [...this.#model.sessions.values()]
      .filter((session) => !session.isNoEvict)
      .map((session) => session.io as Connection);
    connections.sort((a, b) => b.countedBytes - a.countedBytes);
    for (const connection of connections) {
      if (this.#totalBytes < this.#maxMemoryBytes) return;
      const { session, countedBytes } = connection;
      this.#log(
        'verbose',
        `Evicting client: id=${session.id} addr=${connection.address} tot-mem=${countedBytes}`,
      );
      this.evictedClients++;
      connection.close();
    }
  }

  #count(connection: Connection): void {
    const bytes = clientBytes(connection.session);
    this.#totalBytes += bytes - connection.countedBytes;
    connection.countedBytes = bytes;
  }

  #countAll(): void {
    this.#totalBytes = 0;
    for (const session of this.#model.sessions.values()) {
      const connection = session.io as Connection;
      connection.countedBytes = clientBytes(session);
      this.#totalBytes += connection.countedBytes;
    }
  }

  /** What INFO clients and INFO memory say of all clients together. */
  buffers(): { maxInputBytes: number; maxOutputBytes: number; clientsBytes: number } {
    let maxInputBytes = 0;
    let maxOutputBytes = 0;
    let clientsBytes = 0;
    for (const session of this.#model.sessions.values()) {
      maxInputBytes = Math.max(maxInputBytes, session.io.queryBufferBytes());
      maxOutputBytes = Math.max(maxOutputBytes, session.io.outputBytes());
      clientsBytes += clientBytes(session);
    }
    return { maxInputBytes, maxOutputBytes, clientsBytes };
  }

  /** Closes idle clients and those over a limit of their output; about once a second. */
  sweep(): void {
    const now = this.#model.engine.now;
    for (const session of [...this.#model.sessions.values()]) {
      const connection = session.io as Connection;
      connection.probe();
      const outputBytes = connection.outputBytes();
      if (outputBytes > 0 && !this.mayHold(connection, outputBytes)) continue;
      const sentBytes = connection.sentBytes();
      if (sentBytes !== connection.sentBytesSeen) {
        connection.sentBytesSeen = sentBytes;
        connection.sentSeenMs = now;
      }
      const { idleSeconds } = connection;
      if (idleSeconds === 0 || this.#mayIdle(session, connection)) continue;
      const lastMs = Math.max(session.lastMs, connection.sentSeenMs);
      if (now - lastMs > idleSeconds * 1000) {
        this.#log('verbose', `Closing idle client: ${connection.address}`);
        connection.isIdled = true;
        connection.close();
      }
    }
  }

  /** Who waits for something by right: blocked or paused, a subscriber, a monitor. */
  #mayIdle(session: Session, connection: Connection): boolean {
    return (
      connection.isResuming ||
      session.parked !== undefined ||
      session.isSubscriber ||
      session.isMonitor ||
      this.#model.pauses.isPostponed(session)
    );
  }

  #closeOver(connection: Connection, bytes: number): boolean {
    this.#log(
      'warning',
      `Client id=${connection.session.id} addr=${connection.address} closed for overcoming of output buffer limits (${bytes} bytes).`,
    );
    connection.close();
    return false;
  }
}
