/**
 * LevelDB's options, as classic-level names them, in terms of the engine. Numbers outside what LevelDB takes are brought inside, as it does itself.
 * docs/level.md says for each option what it means here.
 */
import type { AbstractDatabaseOptions, AbstractOpenOptions } from 'abstract-level';
import type { EngineSystem, OpenOptions as EngineOptions } from '../../lsm/database/options.ts';
import type { Resources } from '../../lsm/database/resources.ts';
import { INDEX_ROOM_BYTES } from './limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Options of `KvasirLevel.open`. */
export interface OpenOptions extends AbstractOpenOptions {
  /** Compresses tables with snappy, from level 1 on. Default true. */
  readonly compression?: boolean | undefined;
  /** Bytes of uncompressed blocks that are kept in memory. To these come up to 32 MiB for indexes and filters. Default 8 MiB. */
  readonly cacheSize?: number | undefined;
  /** Bytes of writes that are kept in memory, and in the log, before they become a table; three times that while tables are written. Default 8 MiB. */
  readonly writeBufferSize?: number | undefined;
  /** Bytes of a block, uncompressed, roughly. Default 4096. */
  readonly blockSize?: number | undefined;
  /** Files that are open at a time. Default 1000. */
  readonly maxOpenFiles?: number | undefined;
  /** Entries from one whole key to the next. Default 16. */
  readonly blockRestartInterval?: number | undefined;
  /** Bytes of a table. Default 2 MiB. */
  readonly maxFileSize?: number | undefined;
  /** Accepted. A database belongs to one thread here: another one gets LEVEL_LOCKED. */
  readonly multithreading?: boolean | undefined;
  /** Kvasir's own: memory and worker threads that several databases share. Default: one worker of its own. */
  readonly resources?: Resources | undefined;
  /** Kvasir's own: also writes LevelDB's filter to tables, for a LevelDB that reads them afterwards. Default false. */
  readonly levelDbFilter?: boolean | undefined;
  /** Kvasir's own: the operating system. Tests give a simulated one. */
  readonly system?: EngineSystem | undefined;
}

/** Options of the constructor. */
export interface DatabaseOptions<K, V>
  extends AbstractDatabaseOptions<K, V>, Omit<OpenOptions, 'passive'> {}

export function engineOptions(options: OpenOptions): EngineOptions {
  const { resources, system } = options;
  const openFiles = within(options.maxOpenFiles, 1000, 74, 50_000);
  return {
    createIfMissing: options.createIfMissing !== false,
    errorIfExists: options.errorIfExists === true,
    // What LevelDB can read and write, and nothing before its keys.
    formatLevel: 1,
    keyspaced: false,
    // Level 0, which is at most a few tables and soon rewritten, is not worth the time: flushes take half as long without.
    codec: options.compression === false ? 'none' : ['none', 'snappy'],
    levelDbFilter: options.levelDbFilter === true,
    cacheBytes: within(options.cacheSize, 8 * MIB, 0, 64 * GIB) + INDEX_ROOM_BYTES,
    memtableBytes: within(options.writeBufferSize, 8 * MIB, 64 * KIB, GIB),
    blockBytes: within(options.blockSize, 4096, KIB, 4 * MIB),
    restartInterval: within(options.blockRestartInterval, 16, 1, 1024),
    fileBytes: within(options.maxFileSize, 2 * MIB, MIB, GIB),
    // LevelDB leaves ten for logs, manifests and the like.
    maxOpenTables: openFiles - 10,
    ...(resources !== undefined && { resources }),
    ...(system !== undefined && { system }),
  };
}

function within(value: number | undefined, usual: number, from: number, to: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return usual;
  return Math.min(to, Math.max(from, Math.floor(value)));
}
