/** How tables are written, and what is known of one that was. */
import { isCodecPresent } from './codecs.ts';
import { LsmError } from '../errors.ts';
import { checkPrefix, type FilterPrefix } from './filter-prefix.ts';

/** Names of codecs. `lz4` and `zstd` need format level 2, `zstd` also a Node.js that has it (22.15 or later). */
export const CODEC_NAMES = ['none', 'snappy', 'lz4', 'zstd'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** 1: LevelDB's, readable by it. 2: with what it does not know, under another magic number. */
export type FormatLevel = 1 | 2;

export const BYTEWISE_COMPARATOR = 'leveldb.BytewiseComparator';

export interface TableWriteOptions {
  /** A data block is ended once it is this long, uncompressed. Default 4096; 64 to 4 MiB. */
  readonly blockBytes?: number;
  /** Keys from one whole key to the next in a data block. Default 16; 1 to 1024. */
  readonly restartInterval?: number;
  /** Default `none`. */
  readonly codec?: CodecName;
  /** Default 1. */
  readonly formatLevel?: FormatLevel;
  /** Of the full-file filter; 0 for none. Default 10: 1 % false positives. At most 100. */
  readonly filterBitsPerKey?: number;
  /** Prefixes of keys that go into the full-file filter too (`Table.mayContainPrefix`). Default none. */
  readonly filterPrefix?: FilterPrefix | undefined;
  /** Also write LevelDB's filter block, 10 bits a key. Default false. */
  readonly levelDbFilter?: boolean;
  /** Name of the order of keys, kept in the properties. Default LevelDB's bytewise comparator. */
  readonly comparator?: string;
  /** When it is written, in seconds since 1970, kept in the properties. Default 0: not told. */
  readonly createdAtSeconds?: number;
  /** When the youngest of its entries was first in a table, likewise. Default `createdAtSeconds`. */
  readonly youngestAtSeconds?: number;
}

export interface ResolvedTableOptions extends Required<Omit<TableWriteOptions, 'filterPrefix'>> {
  readonly filterPrefix: FilterPrefix | undefined;
}

/** What a finished table holds: for the manifest, statistics, and decisions about compaction. */
export interface TableMeta {
  readonly sizeBytes: number;
  /** Entries of all types, range deletions included. */
  readonly entries: number;
  readonly deletions: number;
  readonly merges: number;
  readonly rangeDeletions: number;
  /** Entries behind a newer version of the same key. */
  readonly hiddenVersions: number;
  /** Internal keys, range deletions considered (the end of one is exclusive: its highest sequence); empty where there are no entries. */
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

/** Options with their defaults. Throws RangeError, and LsmError UNSUPPORTED for a codec that the level or this Node.js does not have. */
export function resolveTableOptions(options: TableWriteOptions): ResolvedTableOptions {
  const resolved: ResolvedTableOptions = {
    blockBytes: options.blockBytes ?? 4096,
    restartInterval: options.restartInterval ?? 16,
    codec: options.codec ?? 'none',
    formatLevel: options.formatLevel ?? 1,
    filterBitsPerKey: options.filterBitsPerKey ?? 10,
    filterPrefix: options.filterPrefix,
    levelDbFilter: options.levelDbFilter ?? false,
    comparator: options.comparator ?? BYTEWISE_COMPARATOR,
    createdAtSeconds: options.createdAtSeconds ?? 0,
    youngestAtSeconds: options.youngestAtSeconds ?? options.createdAtSeconds ?? 0,
  };
  const { codec } = resolved;
  check('blockBytes', resolved.blockBytes, 64, 4 * 1024 * 1024);
  check('restartInterval', resolved.restartInterval, 1, 1024);
  check('filterBitsPerKey', resolved.filterBitsPerKey, 0, 100);
  if (resolved.filterPrefix !== undefined) checkPrefix(resolved.filterPrefix);
  if (resolved.formatLevel === 1 && (codec === 'lz4' || codec === 'zstd')) {
    throw new LsmError('UNSUPPORTED', `the codec ${codec} needs format level 2`);
  }
  if (!isCodecPresent(codec)) {
    throw new LsmError('UNSUPPORTED', 'this Node.js has no zstd: it came with version 22.15');
  }
  return resolved;
}

function check(name: string, value: number, from: number, to: number): void {
  if (!(value >= from && value <= to)) throw new RangeError(`${name} must be ${from} to ${to}`);
}
