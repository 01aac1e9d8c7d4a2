/** Open tables by file number: signatures. */
import type { FileSystem } from '../../os/file-system.ts';
import type { Table } from '../format/table.ts';
import type { BlockCache } from './block-cache.ts';

export interface TableCacheOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly cache: BlockCache;
  /** Open files at most, beyond those that are in use. Default 1000. */
  readonly maxOpenTables?: number;
}

export class TableCache {
  constructor(_options: TableCacheOptions) {}

  /**
   * The table of a file (`.ldb`, else `.sst`), opened where it is not, in use until `release`. `level`: where it stands in the tree; indexes and filters of levels
   * 0 and 1 stay cached. Blocks for opening. Throws LsmError.
   */
  acquire(_fileNumber: number, _level: number): Table {
    throw new Error('not there');
  }

  /** The same where the table is open already, else undefined. */
  acquireOpen(_fileNumber: number): Table | undefined {
    throw new Error('not there');
  }

  release(_table: Table): void {
    throw new Error('not there');
  }

  /** The file is about to be deleted: its table is closed once nobody uses it, its blocks are forgotten. */
  evict(_fileNumber: number): void {
    throw new Error('not there');
  }

  /** Closes all that is not in use, and the rest when it is released. */
  close(): void {
    throw new Error('not there');
  }
}
