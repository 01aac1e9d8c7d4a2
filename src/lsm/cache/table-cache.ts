/**
 * Open tables by file number. A table is opened when it is first asked for, by the name `.ldb` or, where that is not there, `.sst`. It is in use from
 * `acquire` to `release`; of those that are not, the ones used last stay open, up to a number of files.
 *
 * In the block cache a file has a number that no file of another database has, where databases share one.
 *
 * Idle tables form a ring in the order in which they were released, through their entries; the oldest is closed first.
 */
import { FileError, type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { BlockLoader } from '../format/block-loader.ts';
import { Table } from '../format/table.ts';
import { CACHE_SPACES, MAX_OPEN_TABLES } from '../limits.ts';
import { oldTableFileName, tableFileName } from '../manifest/file-names.ts';
import type { BlockCache } from './block-cache.ts';

/** Indexes and filters of these levels are held in the block cache: every lookup that gets there needs them. */
const HELD_LEVELS = 2;

export interface TableCacheOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly cache: BlockCache;
  /** A number that no other database has that uses the block cache; undefined where none does. */
  readonly space?: number | undefined;
  /** Open files at most, beyond those that are in use. Default 900. */
  readonly maxOpenTables?: number;
}

interface Entry {
  readonly number: number;
  readonly table: Table;
  readonly file: OpenFile;
  uses: number;
  /** The file is gone: closed when it is released. */
  isEvicted: boolean;
  /** Whether it is among the idle, and its neighbours there. */
  isIdle: boolean;
  older: Entry | undefined;
  newer: Entry | undefined;
}

export class TableCache {
  /** What its tables' blocks are read with. */
  readonly loader: BlockLoader;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #maxOpen: number;
  readonly #space: number | undefined;
  readonly #entries = new Map<number, Entry>();
  #oldest: Entry | undefined = undefined;
  #newest: Entry | undefined = undefined;
  #isClosed = false;

  constructor(options: TableCacheOptions) {
    this.loader = new BlockLoader(options.cache);
    this.#files = options.files;
    this.#directory = options.directory;
    this.#maxOpen = options.maxOpenTables ?? MAX_OPEN_TABLES;
    this.#space = options.space;
  }

  /** Tables that are open. */
  get openTables(): number {
    return this.#entries.size;
  }

  /**
   * The table of a file, opened where it is not, in use until `release`. `level`: where it stands in the tree; indexes and filters of levels 0 and 1 stay cached.
   * Blocks for opening. Throws LsmError CORRUPTION, IO_ERROR, UNSUPPORTED.
   */
  acquire(fileNumber: number, level: number): Table {
    const entry = this.#entries.get(fileNumber) ?? this.#open(fileNumber);
    this.#use(entry);
    entry.table.isHeld = level < HELD_LEVELS;
    return entry.table;
  }

  /** The same where the table is open already, else undefined. */
  acquireOpen(fileNumber: number): Table | undefined {
    const entry = this.#entries.get(fileNumber);
    if (entry === undefined) return undefined;
    this.#use(entry);
    return entry.table;
  }

  /** A table that is in use is once more, until another `release`. */
  retain(table: Table): void {
    const entry = this.#entries.get(this.#fileOf(table));
    if (entry?.table === table) this.#use(entry);
  }

  release(table: Table): void {
    const entry = this.#entries.get(this.#fileOf(table));
    if (entry === undefined || entry.table !== table || entry.uses === 0) {
      throw new Error('a table was released too often');
    }
    entry.uses--;
    if (entry.uses > 0) return;
    if (entry.isEvicted || this.#isClosed) {
      this.#close(entry);
      return;
    }
    entry.isIdle = true;
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#shrink();
  }

  /** The file is about to be deleted: its table is closed once nobody uses it, its blocks are forgotten. */
  evict(fileNumber: number): void {
    const entry = this.#entries.get(fileNumber);
    if (entry === undefined) {
      this.loader.cache.eraseFile(this.#cached(fileNumber));
      return;
    }
    entry.isEvicted = true;
    if (entry.uses > 0) return;
    this.#unlink(entry);
    this.#close(entry);
  }

  /** Closes all that is not in use, and the rest when it is released; forgets all blocks where others go on using the block cache. */
  close(): void {
    this.#isClosed = true;
    const space = this.#space;
    if (space !== undefined) {
      this.loader.cache.eraseFiles((file) => file % CACHE_SPACES === space);
    }
    for (const entry of this.#entries.values()) {
      if (entry.uses > 0) continue;
      this.#unlink(entry);
      this.#close(entry);
    }
  }

  #open(number: number): Entry {
    if (this.#isClosed) throw new LsmError('CLOSED', 'the tables are closed');
    const cached = this.#cached(number);
    if (!Number.isSafeInteger(cached)) {
      const expected = `at most ${Math.floor(Number.MAX_SAFE_INTEGER / CACHE_SPACES)}`;
      const path = joinPath(this.#directory, tableFileName(number));
      throw new LsmError('LIMIT', 'file numbers are too large to share a cache', {
        path,
        expected,
        found: number,
      });
    }
    const file = this.#openFile(number);
    let table: Table;
    try {
      table = Table.open(file, cached, this.loader);
      table.keeper = this;
    } catch (error) {
      file.close();
      throw error;
    }
    const entry: Entry = {
      number,
      table,
      file,
      uses: 0,
      isEvicted: false,
      isIdle: false,
      older: undefined,
      newer: undefined,
    };
    this.#entries.set(number, entry);
    this.#shrink();
    return entry;
  }

  /** The number of a file in the block cache. */
  #cached(fileNumber: number): number {
    const space = this.#space;
    return space === undefined ? fileNumber : fileNumber * CACHE_SPACES + space;
  }

  #fileOf({ fileNumber }: Table): number {
    const space = this.#space;
    return space === undefined ? fileNumber : (fileNumber - space) / CACHE_SPACES;
  }

  #openFile(number: number): OpenFile {
    const path = joinPath(this.#directory, tableFileName(number));
    try {
      return this.#files.open(path, 'read');
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== 'ENOENT') throw fromFileError(error);
      try {
        return this.#files.open(joinPath(this.#directory, oldTableFileName(number)), 'read');
      } catch {
        throw fromFileError(error);
      }
    }
  }

  #use(entry: Entry): void {
    if (entry.isIdle) this.#unlink(entry);
    entry.uses++;
  }

  /** Closes the idle ones that are too many, the oldest first. */
  #shrink(): void {
    while (this.#entries.size > this.#maxOpen && this.#oldest !== undefined) {
      const entry = this.#oldest;
      this.#unlink(entry);
      this.#close(entry);
    }
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.isIdle = false;
    entry.older = undefined;
    entry.newer = undefined;
  }

  #close(entry: Entry): void {
    this.#entries.delete(entry.number);
    entry.table.close();
    entry.file.close();
    if (entry.isEvicted) this.loader.cache.eraseFile(this.#cached(entry.number));
  }
}
