/** Reads a table: signatures. */
import type { Region } from '../../bytes/region.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import type { Cursor } from '../cursor.ts';
import type { Lookup } from './lookup.ts';

export class Table {
  readonly fileNumber: number = 0;
  readonly sizeBytes: number = 0;

  /**
   * The newest version of a user key of at most `sequence`: ABSENT, FOUND, DELETED, MERGE or, in CACHED mode, NOT_CACHED. `filterHash`: of the user key
   * (`filterHash` of filter-hash.ts). Throws LsmError CORRUPTION, IO_ERROR.
   */
  get(
    _region: Region,
    _start: number,
    _end: number,
    _sequence: number,
    _filterHash: number,
    _mode: number,
    _lookup: Lookup,
  ): number {
    throw new Error('not there');
  }

  /** A cursor that is nowhere yet. `requests`: for CACHED mode. */
  cursor(_mode: number, _requests?: BlockRequests): Cursor {
    throw new Error('not there');
  }

  /** Offset in the file at which the entries of a user key are, or would be. May read the index. */
  approximateOffsetOf(_region: Region, _start: number, _end: number): number {
    throw new Error('not there');
  }

  /** Reads everything and checks checksums, structure and order. Throws LsmError CORRUPTION at the first damage. */
  verify(): void {
    throw new Error('not there');
  }
}
