/**
 * Where a base is written while the server goes on: pieces of a fixed size, handed to the disk beside the event loop, a bounded number
 * at a time. A producer writes at `at` of `region` after `reserve`, and pauses while `isBehind`. What can't wait (records that are about to
 * change) goes on: beyond the bound a piece is written at once.
 *
 * Errors never reach the producer, which may be in the middle of a client's command: they are kept, what comes after them is thrown
 * away, and `finish` rejects.
 */
import { Region } from '../bytes/region.ts';
import type { FileError, OpenFile } from '../os/file-system.ts';
import { BASE_CHUNK_BYTES, BASE_CHUNKS_WAITING, BASE_SYNC_BYTES } from './limits.ts';

export class BaseWriter {
  region: Region;
  at = 0;
  /** Sees every piece before it leaves (checksums). */
  onPiece: (region: Region, from: number, to: number) => void = nothing;
  readonly #file: OpenFile;
  readonly #chunkBytes: number;
  /** Offset in the file of the region's first byte. */
  #position = 0;
  #waiting = 0;
  #free: Region[] = [];
  #error: FileError | undefined = undefined;
  #unsynced = 0;
  #isSyncing = false;
  #wake: (() => void) | undefined = undefined;

  constructor(file: OpenFile, chunkBytes: number = BASE_CHUNK_BYTES) {
    this.#file = file;
    this.#chunkBytes = chunkBytes;
    this.region = Region.allocate(chunkBytes);
  }

  /** Bytes produced so far. */
  get length(): number {
    return this.#position + this.at;
  }

  get error(): FileError | undefined {
    return this.#error;
  }

  /** Whether the disk has enough to do: the producer should pause until `caughtUp`. */
  get isBehind(): boolean {
    return this.#waiting >= BASE_CHUNKS_WAITING / 2;
  }

  /** Makes room for `sizeBytes` (at most a quarter of a piece) behind `at`; may begin another piece, at 0. */
  reserve(sizeBytes: number): void {
    if (this.at + sizeBytes <= this.region.bytes.length) return;
    if (sizeBytes > this.#chunkBytes) throw new RangeError('a reservation larger than a piece');
    this.#turn();
  }

  /** Settles when less is waiting, or after an error. */
  async caughtUp(): Promise<void> {
    while (this.isBehind && this.#error === undefined) await this.#change();
  }

  /** Settles when everything is written and synced. Rejects with a FileError. */
  async finish(): Promise<void> {
    if (this.at > 0) this.#turn();
    while (this.#waiting > 0 || this.#isSyncing) await this.#change();
    if (this.#error !== undefined) throw this.#error;
    await this.#file.syncAsync();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #turn(): void {
    const region = this.region;
    const length = this.at;
    const position = this.#position;
    this.onPiece(region, 0, length);
    this.#position += length;
    this.at = 0;
    if (this.#error !== undefined) return;
    if (this.#waiting >= BASE_CHUNKS_WAITING) {
      try {
        this.#file.write(region.bytes, 0, length, position);
        this.#unsynced += length;
      } catch (error) {
        this.#error = error as FileError;
      }
      return;
    }
    this.#waiting++;
    this.region = this.#free.pop() ?? Region.allocate(this.#chunkBytes);
    this.#file.writeAsync(region.bytes, 0, length, position).then(
      () => this.#wrote(region, length, undefined),
      (error: unknown) => this.#wrote(region, length, error as FileError),
    );
  }

  #wrote(region: Region, length: number, error: FileError | undefined): void {
    this.#waiting--;
    this.#free.push(region);
    this.#error ??= error;
    this.#unsynced += length;
    if (this.#unsynced >= BASE_SYNC_BYTES && !this.#isSyncing) this.#startSync();
    this.#wake?.();
  }

  /** One sync of gigabytes at the end would hold up those of the log. */
  #startSync(): void {
    this.#unsynced = 0;
    this.#isSyncing = true;
    const done = (error?: unknown): void => {
      this.#isSyncing = false;
      this.#error ??= error as FileError | undefined;
      this.#wake?.();
    };
    this.#file.dataSyncAsync().then(() => done(), done);
  }
}

function nothing(): void {}
