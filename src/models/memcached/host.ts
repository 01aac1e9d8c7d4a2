/** What the memcached model asks of the server around it, beside what the Redis model asks (models/redis/host.ts). */
import type { MemcachedClient } from './client.ts';

export interface MemcachedHost {
  /** memcached's clients, in the order of their connecting. */
  clients(): Iterable<MemcachedClient>;
  /** Where memcached's clients are listened for: `tcp:127.0.0.1:11211`, `unix:/tmp/s`. */
  listeners(): readonly string[];
  /** Bytes to and from memcached's clients. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Memory held for clients' input. */
  readBufferBytes(): number;
  /** The server's bound of memory (`maxmemory`), in bytes; 0: none. Setting it gives an error text where it can't be. */
  memoryLimit(): number;
  setMemoryLimit(bytes: number): string | undefined;
  /** Ends the server: at once, or after clients were served. */
  shutDown(): void;
  /** Reads certificates anew; an error text where they can't be used. */
  refreshCertificates(): string | undefined;
}
