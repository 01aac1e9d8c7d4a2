/**
 * A place among internal keys in their order: of a memtable, a table, a level, or several of them merged.
 *
 * A cursor is placed by `seek`, `seekForPrevious`, `first` or `last`, then moved; `status` tells whether it stands on an entry. All fields
 * are made by this class's constructor, so that every cursor has one shape; at most four classes are ever merged.
 *
 * Reads have a mode. SYNC reads a block that is not cached, and waits for it. CACHED notes it in a `BlockRequests` list and leaves the cursor
 * BLOCKED; once the list was loaded, `resume` finishes the move that was under way. STREAM is SYNC for who reads a whole table once
 * (compaction): through a window of the cursor's own, past the cache.
 */
import { Region } from '../bytes/region.ts';

/** `status`: on an entry; before the first or behind the last; or waiting for blocks. */
export const VALID = 0;
export const END = 1;
export const BLOCKED = 2;

/** Read modes. */
export const SYNC = 0;
export const CACHED = 1;
export const STREAM = 2;

const NOTHING: Region = Region.allocate(0);

export abstract class Cursor {
  status: number = END;
  /** The USER key, without trailer: `[keyStart, keyEnd)`, valid until the cursor moves or is closed. */
  keyRegion: Region = NOTHING;
  keyStart = 0;
  keyEnd = 0;
  /** The version: its sequence number and value type. */
  sequence = 0;
  type = 0;
  /** The value, valid until the cursor moves or is closed. */
  valueRegion: Region = NOTHING;
  valueStart = 0;
  valueEnd = 0;

  /** To the first entry at or after (key, sequence): versions of the key newer than `sequence` are passed over. */
  abstract seek(region: Region, start: number, end: number, sequence: number): void;
  /** To the last entry at or before (key, sequence): versions of the key older than `sequence` are passed over. */
  abstract seekForPrevious(region: Region, start: number, end: number, sequence: number): void;
  abstract first(): void;
  abstract last(): void;
  /** From a VALID entry to the one behind it, END if there is none. */
  abstract next(): void;
  /** From a VALID entry to the one before it, END if there is none. */
  abstract previous(): void;
  /** After BLOCKED, and once its blocks were loaded: finishes the move. */
  abstract resume(): void;
  /** Lets go of what it holds. The object may be placed again afterwards. */
  abstract close(): void;
}
