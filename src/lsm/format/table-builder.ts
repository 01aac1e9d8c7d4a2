/** Writes a table: signatures. */
import type { Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import type { TableMeta, TableWriteOptions } from './table-options.ts';

export class TableBuilder {
  constructor(_file: OpenFile, _options: TableWriteOptions = {}) {}

  /** Entries so far. */
  get entries(): number {
    throw new Error('not there');
  }

  /** Size of the file if it were finished now, roughly (exact but for index, filter and the block that is open). */
  get estimatedBytes(): number {
    throw new Error('not there');
  }

  /** Adds an entry behind all before it (internal order; checked). Copies its bytes. Throws FileError, and LsmError UNSUPPORTED for what the level does not hold. */
  add(
    _keyRegion: Region,
    _keyStart: number,
    _keyEnd: number,
    _low: number,
    _high: number,
    _valueRegion: Region,
    _valueStart: number,
    _valueEnd: number,
  ): void {
    throw new Error('not there');
  }

  /** Writes what is left. Neither syncs nor closes the file. Throws FileError. */
  finish(): TableMeta {
    throw new Error('not there');
  }
}
