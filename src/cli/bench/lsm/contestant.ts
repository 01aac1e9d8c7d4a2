/**
 * What the bench of the disk engine asks of a store. Kvasir and every peer answer it with the fastest documented form of their interface; a form
 * that a store does not have is left out, and so are the rows that need it.
 *
 * Keys and values that are passed in may be reused by the caller once the call returned or, where it returns a promise, once that was resolved.
 */

export type Compression = 'none' | 'snappy';

/** The same for every store, as far as it has the setting. */
export interface StoreSettings {
  readonly directory: string;
  readonly compression: Compression;
  readonly cacheBytes: number;
  readonly writeBufferBytes: number;
  /** Acknowledged means on the disk, not with the operating system. */
  readonly isDurable: boolean;
}

/** What a scan met; `sum` adds up a byte of each key and value, so that nobody gets away with not reading them. */
export interface ScanTotal {
  entries: number;
  sum: number;
}

export interface Contestant {
  readonly name: string;
  /** Version of the package and of the engine in it. */
  readonly build: string;
  /** What the package's build can do. */
  readonly compressions: readonly Compression[];
  /** Its interface cannot ask for a write to be on the disk. */
  readonly isWithoutSync?: boolean;
  /** Bytes that it may hold in memory when opened with `settings`, where it has such a limit. */
  budgetBytes?(settings: StoreSettings): number;
  open(settings: StoreSettings): Promise<void>;
  close(): Promise<void>;
  /** One entry, written before the call returns. */
  putSync?(key: Buffer, value: Buffer): void;
  /** One entry, written when the promise is resolved. */
  put?(key: Buffer, value: Buffer): Promise<unknown>;
  /** The first `count` of both lists, atomically. */
  writeBatch(
    keys: readonly Buffer[],
    values: readonly Buffer[],
    count: number,
  ): void | Promise<unknown>;
  /** The value may live until the next call only. */
  getSync?(key: Buffer): Uint8Array | undefined;
  get?(key: Buffer): Promise<Uint8Array | undefined>;
  /** Everything, in order. */
  scan(): ScanTotal | Promise<ScanTotal>;
  /** The first `limit` entries from `key` on. */
  scanFrom(key: Buffer, limit: number): ScanTotal | Promise<ScanTotal>;
  /** Everything to where it is to stay. */
  compact?(): Promise<void>;
  /** Until nothing is done in the background any more, as far as the store tells. */
  settle?(): Promise<void>;
}
