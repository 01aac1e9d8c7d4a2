/** What a connection needs of the socket under it. Real ones are in server/listeners.ts; tests use a fake. */
export interface Transport {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly fd: number;
  readonly isUnixSocket: boolean;
  readonly isTls: boolean;
  /** The client is on this machine. */
  readonly isLocal: boolean;
  /**
   * Whether bytes passed to `write` are still used after it returned although the kernel did not take them (plain sockets), or were
   * copied (TLS).
   */
  readonly borrowsBytes: boolean;
  /** Writes; afterwards `pendingBytes` says what the kernel did not take yet. */
  write(bytes: Uint8Array): void;
  /** Writes several pieces with one call to the kernel. */
  writeMany(pieces: readonly Uint8Array[]): void;
  pendingBytes(): number;
  /** Calls `fn` once all that was written has left. */
  whenDrained(fn: () => void): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  destroy(): void;
}
