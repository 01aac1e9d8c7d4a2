/** What was found in a table, counted by who reads all of it (table-check.ts, salvage-cursor.ts), or told by its properties. */
import type { Region } from '../../bytes/region.ts';
import {
  sequenceOf,
  TRAILER_BYTES,
  TYPE_DELETION,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  typeOf,
} from '../internal-key.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class TableContents {
  sizeBytes = 0;
  formatLevel = 1;
  /** Entries of all types, range deletions included. */
  entries = 0;
  deletions = 0;
  merges = 0;
  rangeDeletions = 0;
  /** Entries behind a newer version of their key; counted by a check alone. */
  hiddenVersions = 0;
  dataBlocks = 0;
  /** Data blocks with their trailers, as stored. */
  dataBytes = 0;
  rawKeyBytes = 0;
  rawValueBytes = 0;
  /** Infinity and 0 while there are no entries. */
  minSequence: number = Infinity;
  maxSequence = 0;
  /** Internal keys, range deletions considered; empty where there are no entries. */
  smallest: Uint8Array = NO_BYTES;
  largest: Uint8Array = NO_BYTES;
  /** Whether nothing kept its reader from seeing all of it. */
  isWhole = true;

  /** Counts an entry whose internal key is `[0, keyLength)`, of 8 bytes at least. */
  count(key: Region, keyLength: number, valueLength: number): void {
    const keyEnd = keyLength - TRAILER_BYTES;
    const low = key.view.getUint32(keyEnd, true);
    const sequence = sequenceOf(low, key.view.getUint32(keyEnd + 4, true));
    const type = typeOf(low);
    this.entries++;
    this.rawKeyBytes += keyEnd;
    this.rawValueBytes += valueLength;
    if (type === TYPE_DELETION) this.deletions++;
    else if (type === TYPE_MERGE) this.merges++;
    else if (type === TYPE_RANGE_DELETION) this.rangeDeletions++;
    if (sequence < this.minSequence) this.minSequence = sequence;
    if (sequence > this.maxSequence) this.maxSequence = sequence;
  }
}
