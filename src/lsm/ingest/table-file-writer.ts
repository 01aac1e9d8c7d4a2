/**
 * Writes a table file outside of any database, for `Database.ingest` to take in later, or on another machine. It is a LevelDB table whose entries have the sequence 0.
 *
 * ```ts
 * const writer = new TableFileWriter('./part-1.ldb');
 * for (const [key, value] of sorted) writer.put(key, value);
 * await writer.finish();
 * ```
 */
import { Region } from '../../bytes/region.ts';
import type { FileSystem, OpenFile } from '../../os/file-system.ts';
import { realSystem } from '../../os/system.ts';
import { checkEntry } from '../database/keyspace.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { TableBuilder } from '../format/table-builder.ts';
import type { CodecName } from '../format/table-options.ts';
import { trailerHigh, trailerLow, TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { AscendingKeys } from './ascending-keys.ts';

export interface TableFileOptions {
  /** Default `snappy`. */
  readonly codec?: Extract<CodecName, 'none' | 'snappy'>;
  /** Of data blocks, before compression. Default 4096. */
  readonly blockBytes?: number;
  /** The operating system's files; tests give a simulated one. */
  readonly files?: FileSystem;
}

export interface TableFileInfo {
  readonly path: string;
  readonly entries: number;
  readonly sizeBytes: number;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class TableFileWriter {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #files: FileSystem;
  readonly #builder: TableBuilder;
  readonly #order = new AscendingKeys();
  #isFinished = false;

  /** The file must not be there. Throws LsmError EXISTS, IO_ERROR; RangeError for options that can't be. */
  constructor(path: string, options: TableFileOptions = {}) {
    const { codec = 'snappy', blockBytes = 4096, files = realSystem().files } = options;
    this.path = path;
    this.#files = files;
    if (files.stat(path) !== undefined) {
      throw new LsmError('EXISTS', 'there is a file of this name', { path });
    }
    try {
      this.#file = files.open(path, 'create');
    } catch (error) {
      throw fromFileError(error);
    }
    // A database makes its own filter.
    this.#builder = new TableBuilder(this.#file, { codec, blockBytes, filterBitsPerKey: 0 });
  }

  /** Size of the file if it were finished now, roughly: whoever has very much makes several. At most 4 GiB. */
  get estimatedBytes(): number {
    return this.#builder.estimatedBytes;
  }

  /** Keys ascend, each is there once. Throws RangeError for one out of order, LsmError LIMIT, DISK_FULL, IO_ERROR, CLOSED. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#add(TYPE_VALUE, key, value);
  }

  /** That the key is deleted. Throws as `put`. */
  delete(key: Uint8Array): void {
    this.#add(TYPE_DELETION, key, NO_BYTES);
  }

  /** Writes what is left and syncs. Rejects with LsmError DISK_FULL, IO_ERROR, CLOSED. */
  async finish(): Promise<TableFileInfo> {
    this.#check();
    this.#isFinished = true;
    try {
      const { entries, sizeBytes } = this.#builder.finish();
      await this.#file.syncAsync();
      return { path: this.path, entries, sizeBytes };
    } catch (error) {
      throw fromFileError(error);
    } finally {
      this.#file.close();
    }
  }

  /** Removes the file. */
  abandon(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#file.close();
    this.#files.unlink(this.path);
  }

  #add(type: number, key: Uint8Array, value: Uint8Array): void {
    this.#check();
    checkEntry(key, value);
    const region = Region.of(key);
    this.#order.check(region, 0, key.length);
    try {
      this.#builder.add(
        region,
        0,
        key.length,
        trailerLow(0, type),
        trailerHigh(0),
        Region.of(value),
        0,
        value.length,
      );
    } catch (error) {
      throw fromFileError(error);
    }
  }

  #check(): void {
    if (this.#isFinished) throw new LsmError('CLOSED', 'the table is finished');
  }
}
