/** How tables are written, and what is known of one that was. */

/** Names of codecs. `lz4` and `zstd` need format level 2, `zstd` also a Node.js that has it (22.15 or later). */
export type CodecName = 'none' | 'snappy' | 'lz4' | 'zstd';

/** 1: LevelDB's, readable by it. 2: with what it does not know, under another magic number. */
export type FormatLevel = 1 | 2;

export interface TableWriteOptions {
  /** A block is ended once it is this long, uncompressed. Default 4096. */
  readonly blockBytes?: number;
  /** Keys from one whole key to the next in a data block. Default 16. */
  readonly restartInterval?: number;
  /** Default `none`. */
  readonly codec?: CodecName;
  /** Default 1. */
  readonly formatLevel?: FormatLevel;
  /** Of the full-file filter; 0 for none. Default 10: 1 % false positives. */
  readonly filterBitsPerKey?: number;
  /** Also write LevelDB's filter block, 10 bits a key. Default false. */
  readonly levelDbFilter?: boolean;
  /** Name of the order of keys, kept in the properties. Default LevelDB's bytewise comparator. */
  readonly comparator?: string;
  /** When it is written, in seconds since 1970, kept in the properties. Default 0: not told. */
  readonly createdAtSeconds?: number;
}

/** What a finished table holds: for the manifest, statistics, and decisions about compaction. */
export interface TableMeta {
  readonly sizeBytes: number;
  /** Entries of all types, range deletions included. */
  readonly entries: number;
  readonly deletions: number;
  readonly merges: number;
  readonly rangeDeletions: number;
  /** Internal keys; empty where there are no entries. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly minSequence: number;
  readonly maxSequence: number;
  /** User keys and values, before compression. */
  readonly rawKeyBytes: number;
  readonly rawValueBytes: number;
  readonly dataBlocks: number;
  /** Data blocks with their trailers, as stored. */
  readonly dataBytes: number;
}
