/**
 * A version edit: what changes from one version of the tree, that is, the set of its tables, to the next. A record of the manifest is one
 * edit, LevelDB's tagged fields in any order:
 *
 *   1 comparator (string)           5 compact pointer (level, internal key)
 *   2 log number                    6 deleted file (level, number)
 *   3 next file number              7 new file (level, number, size, smallest and largest internal key)
 *   4 last sequence                 9 previous log number
 *
 * and at format level 2, which LevelDB refuses:
 *
 *   64 format level                 65 facts of a new file (number, count, count x (fact, value)), behind its 7
 *
 * Tags and numbers are varints, strings and keys a varint of their length and their bytes. A tag that is not here is refused by name; a fact that
 * is not known is read over.
 */

export interface NewFile {
  readonly level: number;
  readonly number: number;
  readonly sizeBytes: number;
  /** Internal keys. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  /** Format level 2 alone stores these, in the manifest; a table's own properties have them at every level. */
  readonly facts?: FileFacts | undefined;
}

export interface FileFacts {
  readonly minSequence?: number | undefined;
  readonly maxSequence?: number | undefined;
  /** When its youngest entry was first in a table, seconds since 1970. */
  readonly youngestSeconds?: number | undefined;
  readonly entries?: number | undefined;
  readonly deletions?: number | undefined;
  readonly rangeDeletions?: number | undefined;
  /** When it was written itself, seconds since 1970. */
  readonly writtenSeconds?: number | undefined;
  /** Entries behind a newer version of the same key. */
  readonly hiddenVersions?: number | undefined;
}

export interface DeletedFile {
  readonly level: number;
  readonly number: number;
}

/** Where the next compaction of a level begins. */
export interface CompactPointer {
  readonly level: number;
  /** An internal key. */
  readonly key: Uint8Array;
}

export class VersionEdit {
  comparator: string | undefined = undefined;
  /** WALs with smaller numbers are in tables. */
  logNumber: number | undefined = undefined;
  previousLogNumber: number | undefined = undefined;
  nextFileNumber: number | undefined = undefined;
  lastSequence: number | undefined = undefined;
  formatLevel: number | undefined = undefined;
  compactPointers: CompactPointer[] = [];
  /** Taken away before `newFiles` are added: a file that changes its level is in both. */
  deletedFiles: DeletedFile[] = [];
  newFiles: NewFile[] = [];
}
