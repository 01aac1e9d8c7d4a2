/** What keeps clients' memory and number bounded: output buffer limits, maxmemory-clients, timeout. */
import { clientBytes } from '../models/redis/client-memory.ts';
import type { RedisModel } from '../models/redis/model.ts';
import type { Session } from '../models/redis/session.ts';
import type { Connection } from '../protocols/resp/connection.ts';

/** `client-output-buffer-limit` of one class: 0 means none. */
export interface OutputLimit {
  hardBytes: number;
  softBytes: number;
  softSeconds: number;
}

export class ClientLimits {
  normal: OutputLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };
  pubsub: OutputLimit = { hardBytes: 32 << 20, softBytes: 8 << 20, softSeconds: 60 };
  /** `maxmemory-clients` in bytes; 0: no limit. */
  maxMemoryBytes = 0;
  /** `timeout` in seconds; 0: never. */
  timeoutSeconds = 0;
  evictedClients = 0;
  readonly #model: RedisModel;
  readonly #log: (message: string) => void;

  constructor(model: RedisModel, log: (message: string) => void) {
    this.#model = model;
    this.#log = log;
  }

  /** Whether `connection` may hold `bytes` of output; closes it where not. */
  mayHold(connection: Connection, bytes: number): boolean {
    const session = connection.session;
    const limit = session.isSubscriber ? this.pubsub : this.normal;
    if (limit.hardBytes > 0 && bytes > limit.hardBytes) return this.#closeOver(connection, bytes);
    if (limit.softBytes > 0 && bytes > limit.softBytes) {
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

  /** Closes the largest clients while all together hold more than maxmemory-clients. Once a tick; free while there is no limit. */
  enforce(): void {
    if (this.maxMemoryBytes === 0) return;
    let total = 0;
    const sizes: [Session, number][] = [];
    for (const session of this.#model.sessions.values()) {
      const bytes = clientBytes(session);
      total += bytes;
      if (!session.isNoEvict) sizes.push([session, bytes]);
    }
    if (total <= this.maxMemoryBytes) return;
    sizes.sort((a, b) => b[1] - a[1]);
    for (const [session, bytes] of sizes) {
      if (total <= this.maxMemoryBytes) return;
      this.#log(`Evicting client: id=${session.id} addr=${session.io.address} tot-mem=${bytes}`);
      this.evictedClients++;
      total -= bytes;
      session.io.close();
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

  /** Closes idle clients and those over a soft limit for too long; about once a second. */
  sweep(): void {
    const now = this.#model.engine.now;
    for (const session of [...this.#model.sessions.values()]) {
      const connection = session.io as Connection;
      if (connection.softLimitSinceMs !== 0) this.mayHold(connection, connection.outputBytes());
      if (this.timeoutSeconds === 0 || session.parked !== undefined || session.isSubscriber)
        continue;
      if (now - session.lastMs > this.timeoutSeconds * 1000) {
        this.#log('Closing idle client');
        session.io.close();
      }
    }
  }

  #closeOver(connection: Connection, bytes: number): boolean {
    this.#log(
      `Client id=${connection.session.id} addr=${connection.address} closed for overcoming of output buffer limits (${bytes} bytes).`,
    );
    connection.close();
    return false;
  }
}
