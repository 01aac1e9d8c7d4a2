/** What a database is opened with: the defaults, and what is refused. */
import type { Clock } from '../../os/clock.ts';
import { type LockDatabase, lockDatabase } from '../../os/database-lock.ts';
import type { FileSystem } from '../../os/file-system.ts';
import { realSystem } from '../../os/system.ts';
import type { Timers } from '../../os/timers.ts';
import {
  type CompactionStyle,
  type CompactionStyleName,
  level0Limits,
  resolveStyle,
} from '../compaction/style.ts';
import {
  CODEC_NAMES,
  type CodecName,
  type FormatLevel,
  type TableWriteOptions,
} from '../format/table-options.ts';
import {
  LEVELS,
  MAX_MEMTABLE_BYTES,
  MIN_LEVEL_BYTES,
  MIN_MEMTABLE_BYTES,
  MIN_TABLE_FILE_BYTES,
} from '../limits.ts';
import { type LogDrop, RECOVERY_MODES, type RecoveryMode } from '../wal/log-recovery.ts';
import { checkKeyspaceOptions, type KeyspaceOptions } from './keyspace-options.ts';
import type { Resources } from './resources.ts';

const MIB = 1024 * 1024;

/** The operating system, as far as a database needs it. */
export interface EngineSystem {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: FileSystem;
  readonly lockDatabase: LockDatabase;
}

/** Merge operator, time to live, compaction filter and prefixes for filters are those of the default keyspace. */
export interface OpenOptions extends KeyspaceOptions {
  /** Makes the database where there is none. Default true. */
  readonly createIfMissing?: boolean;
  /** Refuses a database that is there. Default false. */
  readonly errorIfExists?: boolean;
  /** Writes nothing, takes no lock, and sees what was there when it was opened. Works while another process writes. Default false. */
  readonly readOnly?: boolean;
  /** Whether a new directory has keyspaces. Default: it becomes one that has with the first `keyspace` call, as long as nothing was written. */
  readonly keyspaced?: boolean;
  /** Memory, caches and worker threads, for several databases to share. Default: its own, of 256 MiB, with one worker. */
  readonly resources?: Resources;
  /** How durable a write is that does not say it: `sync: true` waits for the disk. Default false: survives the end of the process, not of the machine. */
  readonly sync?: boolean;
  /** Size of a memtable. Default 32 MiB. */
  readonly memtableBytes?: number;
  /** Full memtables that may wait to be flushed before writes wait. Default 2. */
  readonly maxFullMemtables?: number;
  /** Block cache. Default: what the memory of `resources` leaves beside the memtables. */
  readonly cacheBytes?: number;
  /** Of data blocks, before compression. Default 4096. */
  readonly blockBytes?: number;
  /** Keys between two whole keys of a block. Default 16. */
  readonly restartInterval?: number;
  /** Compression, of all levels or a list with one for each (the last one counts for the rest). Default `['none', 'none', 'snappy']`. */
  readonly codec?: CodecName | readonly CodecName[];
  /** Of the filter that keeps reads of missing keys from the disk; 0 for none. Default 10. */
  readonly filterBitsPerKey?: number;
  /** Also writes the filter that LevelDB reads by. Default false. */
  readonly levelDbFilter?: boolean;
  /** Files of level 0 at which it is compacted, at which writes are slowed down, and at which they stop. Default 4, 12, 20; universal compaction: 4, 32, 64; FIFO: thousands. */
  readonly level0Files?: number;
  readonly level0SlowFiles?: number;
  readonly level0StopFiles?: number;
  /** Size of level 1; each further level may have ten times that of the level above. Default four memtables. */
  readonly level1Bytes?: number;
  /** Size of tables of level 1; each further level doubles it up to 64 MiB. Default 8 MiB. */
  readonly fileBytes?: number;
  /**
   * When tables are merged. Default: what the directory was opened with last, and `levelled` at first. It may be changed at any opening.
   *
   * ```ts
   * await open('./events', { compaction: { style: 'fifo', maxBytes: 10e9, maxAgeMs: 7 * 86_400_000 } });
   * ```
   */
  readonly compaction?: CompactionStyle | CompactionStyleName;
  /** Bytes a second that flushes and compactions may read and write together. Default unlimited. */
  readonly backgroundBytesPerSecond?: number;
  /**
   * Tables are written anew so long after they were written, in milliseconds, 1000 at least: then entries that have expired, or that a filter drops, are gone from the disk wherever they lie.
   * Not with FIFO compaction. Default 30 days where a keyspace has a time to live or a compaction filter, else never.
   */
  readonly rewriteAfterMs?: number | undefined;
  /**
   * The database writes no log: its owner has one, gives each batch its position there, and replays what comes behind `position` after an opening. What is not in tables is
   * gone when the database is closed or the process ends. A directory is of this kind from its first opening on, and has keyspaces. Default false.
   */
  readonly externalLog?: boolean;
  /**
   * Whether values expire by the clock of this database. Without, they expire for readers that say what time it is (`nowMs`), and none is dropped: for a tree that is
   * one of several replicas, where only what its owner writes may change anything. Default true.
   */
  readonly expiresByClock?: boolean;
  /** What happens to a log that does not check (log-recovery.ts). Default `tolerate-torn-tail`. */
  readonly recovery?: RecoveryMode;
  /** Told of everything in the logs that was not applied. */
  readonly onDrop?: (drop: LogDrop) => void;
  /** Tables that stay open at most. Default 1000. */
  readonly maxOpenTables?: number;
  /** Format of a new directory: 2 for what LevelDB cannot read (formats.md). Default 1. */
  readonly formatLevel?: FormatLevel;
  /** Checks all invariants at every turn: for tests. Default false. */
  readonly paranoid?: boolean;
  /** The operating system; tests give a simulated one. */
  readonly system?: EngineSystem;
}

export interface Settings extends Required<
  Omit<
    OpenOptions,
    | 'resources'
    | 'keyspaced'
    | 'codec'
    | 'formatLevel'
    | 'cacheBytes'
    | 'compaction'
    | 'rewriteAfterMs'
    | keyof KeyspaceOptions
  >
> {
  readonly compaction: CompactionStyle;
  readonly rewriteAfterMs: number | undefined;
  /** Of the default keyspace. */
  readonly keyspace: KeyspaceOptions;
  readonly resources: Resources | undefined;
  readonly keyspaced: boolean | undefined;
  readonly cacheBytes: number | undefined;
  readonly formatLevel: FormatLevel | undefined;
  /** By level. */
  readonly codecs: readonly CodecName[];
}

/** Throws RangeError and TypeError for options that cannot be. */
export function resolveOptions(options: OpenOptions): Settings {
  const memtableBytes = options.memtableBytes ?? 32 * MIB;
  const level0Files = options.level0Files ?? 4;
  const compaction = resolveStyle(options.compaction ?? 'levelled');
  const limits = level0Limits(compaction, level0Files);
  const { mergeOperator, ttl, compactionFilter, filterPrefix } = options;
  const keyspace: KeyspaceOptions = { mergeOperator, ttl, compactionFilter, filterPrefix };
  checkKeyspaceOptions(keyspace);
  const level0SlowFiles = options.level0SlowFiles ?? limits.slow;
  const settings: Settings = {
    createIfMissing: options.createIfMissing ?? true,
    errorIfExists: options.errorIfExists ?? false,
    readOnly: options.readOnly ?? false,
    keyspaced: options.keyspaced ?? (options.externalLog === true ? true : undefined),
    externalLog: options.externalLog ?? false,
    resources: options.resources,
    sync: options.sync ?? false,
    memtableBytes,
    cacheBytes: options.cacheBytes,
    maxFullMemtables: options.maxFullMemtables ?? 2,
    blockBytes: options.blockBytes ?? 4096,
    restartInterval: options.restartInterval ?? 16,
    codecs: codecsOf(options.codec ?? ['none', 'none', 'snappy']),
    filterBitsPerKey: options.filterBitsPerKey ?? 10,
    levelDbFilter: options.levelDbFilter ?? false,
    level0Files,
    level0SlowFiles,
    level0StopFiles: options.level0StopFiles ?? Math.max(level0SlowFiles + 1, limits.stop),
    compaction,
    keyspace,
    level1Bytes: options.level1Bytes ?? 4 * memtableBytes,
    fileBytes: options.fileBytes ?? 8 * MIB,
    backgroundBytesPerSecond: options.backgroundBytesPerSecond ?? Infinity,
    rewriteAfterMs: options.rewriteAfterMs,
    expiresByClock: options.expiresByClock ?? true,
    recovery: options.recovery ?? 'tolerate-torn-tail',
    onDrop: options.onDrop ?? (() => {}),
    maxOpenTables: options.maxOpenTables ?? 1000,
    formatLevel: options.formatLevel,
    paranoid: options.paranoid ?? false,
    system: options.system ?? { ...realSystem(), lockDatabase },
  };
  if (settings.externalLog && settings.keyspaced === false) {
    throw new TypeError('externalLog needs a directory that has keyspaces');
  }
  if (settings.externalLog && compaction.style === 'fifo') {
    throw new TypeError('externalLog can not be with FIFO compaction, which drops the position');
  }
  checkOneOf('recovery', settings.recovery, RECOVERY_MODES);
  checkOneOf('formatLevel', settings.formatLevel ?? 1, [1, 2]);
  check('blockBytes', settings.blockBytes, 64, 4 * MIB);
  check('restartInterval', settings.restartInterval, 1, 1024);
  check('filterBitsPerKey', settings.filterBitsPerKey, 0, 100);
  check('memtableBytes', settings.memtableBytes, MIN_MEMTABLE_BYTES, MAX_MEMTABLE_BYTES);
  check('maxFullMemtables', settings.maxFullMemtables, 1, 64);
  check('level0Files', level0Files, 1, 1000);
  check('level0SlowFiles', level0SlowFiles, level0Files, 10_000);
  check('level0StopFiles', settings.level0StopFiles, level0SlowFiles, 20_000);
  check('level1Bytes', settings.level1Bytes, MIN_LEVEL_BYTES, 2 ** 40);
  check('fileBytes', settings.fileBytes, MIN_TABLE_FILE_BYTES, 2 ** 30);
  check('maxOpenTables', settings.maxOpenTables, 1, 1_000_000);
  check('backgroundBytesPerSecond', settings.backgroundBytesPerSecond, 1024, Infinity);
  return settings;
}

/** Throws TypeError for what is no path. */
export function checkDirectory(directory: string): string {
  if (typeof directory === 'string' && directory !== '') return directory;
  throw new TypeError('directory must be a path');
}

/** How tables of a level are written. */
export function tableOptions(
  settings: Settings,
  level: number,
  formatLevel: FormatLevel,
): TableWriteOptions {
  const { blockBytes, restartInterval, filterBitsPerKey, levelDbFilter } = settings;
  return {
    blockBytes,
    restartInterval,
    codec: settings.codecs[level]!,
    formatLevel,
    filterBitsPerKey,
    levelDbFilter,
    createdAtSeconds: Math.floor(settings.system.clock.now() / 1000),
  };
}

function codecsOf(codec: CodecName | readonly CodecName[]): CodecName[] {
  const list = typeof codec === 'string' ? [codec] : codec;
  if (list.length === 0) throw new RangeError('codec must name at least one');
  for (const name of list) checkOneOf('codec', name, CODEC_NAMES);
  return Array.from({ length: LEVELS }, (_, level) => list[Math.min(level, list.length - 1)]!);
}

function check(name: string, value: number, from: number, to: number): void {
  if (typeof value === 'number' && value >= from && value <= to) return;
  throw new RangeError(`${name} must be ${from} to ${to}, not ${value}`);
}

function checkOneOf<T>(name: string, value: T, known: readonly T[]): void {
  if (known.includes(value)) return;
  throw new RangeError(`${name} must be ${known.join(' or ')}, not ${String(value)}`);
}
