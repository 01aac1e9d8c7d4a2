/** What a database tells of itself. */
import { bytesOf } from '../compaction/compaction.ts';
import type { JobResult } from '../compaction/job.ts';
import { LEVELS } from '../limits.ts';
import type { Engine } from './engine.ts';
import type { View } from './view.ts';

/** What flushes and compactions did that wrote to a level. */
export class LevelWork {
  readBytes = 0;
  writtenBytes = 0;
  durationUs = 0;
}

/** Counters since the opening. */
export class Counters {
  entriesWritten = 0;
  /** Keys and values, as callers gave them. */
  bytesWritten = 0;
  logBytes = 0;
  syncs = 0;
  flushes = 0;
  flushedBytes = 0;
  flushUs = 0;
  compactions = 0;
  moves = 0;
  ingests = 0;
  ingestedBytes = 0;
  compactionReadBytes = 0;
  compactionWrittenBytes = 0;
  compactionUs = 0;
  /** The same by the level that was written to. */
  readonly levels: readonly LevelWork[] = Array.from({ length: LEVELS }, () => new LevelWork());
  /** Calls of merge operators and compaction filters that failed. */
  operatorFailures = 0;
  /** Tables that were dropped whole, by age or size. */
  droppedTables = 0;
  droppedBytes = 0;
  slowdowns = 0;
  slowdownUs = 0;
  stops = 0;
  stopUs = 0;
  longestStopUs = 0;

  flushed({ bytesWritten, durationUs }: JobResult): void {
    this.flushes++;
    this.flushedBytes += bytesWritten;
    this.flushUs += durationUs;
    this.#wrote(0, 0, bytesWritten, durationUs);
  }

  compacted(level: number, { bytesRead, bytesWritten, durationUs }: JobResult): void {
    this.compactions++;
    this.compactionReadBytes += bytesRead;
    this.compactionWrittenBytes += bytesWritten;
    this.compactionUs += durationUs;
    this.#wrote(level, bytesRead, bytesWritten, durationUs);
  }

  #wrote(level: number, readBytes: number, writtenBytes: number, durationUs: number): void {
    const work = this.levels[level]!;
    work.readBytes += readBytes;
    work.writtenBytes += writtenBytes;
    work.durationUs += durationUs;
  }
}

export interface LevelStats {
  readonly level: number;
  readonly files: number;
  readonly bytes: number;
  /** What flushes and compactions that wrote to the level have read and written, and how long they took. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly ms: number;
}

/** Something that keeps old versions of entries from being dropped. */
export interface PinStats {
  readonly holder: string;
  readonly sequence: number;
  /** Writes since then, whose overwritten versions have to be kept. */
  readonly writesBehind: number;
  readonly ageMs: number;
  /** Tables and memtables that are there for it, or others like it, alone: those that it stands on and no read of now looks at. */
  readonly tables: number;
  readonly tableBytes: number;
  readonly memtables: number;
}

/** Sizes in bytes, times in milliseconds, counts since the opening unless they are of now. */
export interface Stats {
  /** Of the last write that reads see. */
  readonly sequence: number;
  readonly levels: readonly LevelStats[];
  readonly tables: { readonly files: number; readonly bytes: number; readonly open: number };
  readonly memtables: {
    readonly entries: number;
    readonly usedBytes: number;
    /** Full ones that wait to be flushed. */
    readonly full: number;
    /** Memory of all that exist, also of those that only an iterator still reads. */
    readonly heldBytes: number;
  };
  readonly logs: { readonly files: number; readonly bytes: number };
  /** The block cache: of all databases that share it. */
  readonly cache: {
    readonly capacityBytes: number;
    readonly usedBytes: number;
    readonly pinnedBytes: number;
    readonly hits: number;
    readonly misses: number;
  };
  readonly reads: { readonly blocks: number; readonly bytes: number };
  /** Lookups in a table that its filter answered, and those that it let pass in vain. */
  readonly filters: { readonly negatives: number; readonly falsePositives: number };
  readonly writes: {
    readonly entries: number;
    readonly bytes: number;
    /** Records of the log: the writes of one tick share one. */
    readonly groups: number;
    readonly syncs: number;
  };
  readonly flushes: { readonly count: number; readonly bytes: number; readonly ms: number };
  readonly compactions: {
    readonly count: number;
    /** Tables that went down a level as they were. */
    readonly moves: number;
    readonly readBytes: number;
    readonly writtenBytes: number;
    readonly ms: number;
    /** Bytes that have to be rewritten before no level is over its limit, roughly. */
    readonly debtBytes: number;
    readonly isRunning: boolean;
  };
  /** Tables that came in as they were, without log and memtable. */
  readonly ingests: { readonly count: number; readonly bytes: number };
  /** Tables that were dropped whole, by age, size or `clear`; and those of them that an older reader still sees. */
  readonly drops: {
    readonly tables: number;
    readonly bytes: number;
    readonly heldTables: number;
    readonly heldBytes: number;
  };
  /** Bytes that went to the disk for each byte that was written: log, flushes, compactions. 0 before the first write. */
  readonly writeAmplification: number;
  /** Writers that waited: a little, because level 0 has many files; and altogether. */
  readonly stalls: {
    readonly slowdowns: number;
    readonly slowdownMs: number;
    readonly stops: number;
    readonly stopMs: number;
    readonly longestStopMs: number;
  };
  /** Merge operators and compaction filters of the user's: calls that threw, or gave what they must not. */
  readonly operators: { readonly failures: number };
  /** Snapshots and iterators that are open, the oldest sequence first. */
  readonly pins: readonly PinStats[];
  /** Sets of tables that somebody reads, the newest included. */
  readonly versions: number;
  /** Of the budget, which databases may share. */
  readonly memory: { readonly limitBytes: number; readonly usedBytes: number };
}

export function statsOf(engine: Engine): Stats {
  const { versions, memtables, logs, cache, tables, stats, background, snapshots } = engine;
  const { current } = versions;
  const { loader } = tables;
  const now = engine.clock.monotonicUs();
  const written = stats.logBytes + stats.flushedBytes + stats.compactionWrittenBytes;
  const pins = snapshots.entries().map(({ holder, sequence, sinceUs, view }) => ({
    holder,
    sequence,
    writesBehind: engine.lastSequence - sequence,
    ageMs: (now - sinceUs) / 1000,
    ...heldBy(view, engine.view),
  }));
  pins.sort((a, b) => a.sequence - b.sequence);
  return {
    sequence: engine.lastSequence,
    levels: current.levels.map((files, level) => ({
      level,
      files: files.length,
      bytes: current.levelBytes[level]!,
      readBytes: stats.levels[level]!.readBytes,
      writtenBytes: stats.levels[level]!.writtenBytes,
      ms: stats.levels[level]!.durationUs / 1000,
    })),
    tables: { files: current.fileCount, bytes: current.sizeBytes, open: tables.openTables },
    memtables: {
      entries: memtables.active.memtable.entries,
      usedBytes: memtables.active.memtable.usedBytes,
      full: memtables.full.length,
      heldBytes: memtables.heldBytes,
    },
    logs: { files: logs.numbers.length, bytes: logs.sizeBytes },
    cache: {
      capacityBytes: cache.capacityBytes,
      usedBytes: cache.usedBytes,
      pinnedBytes: cache.pinnedBytes(),
      hits: cache.hits,
      misses: cache.misses,
    },
    reads: { blocks: loader.blocksRead, bytes: loader.bytesRead },
    filters: {
      negatives: loader.filterNegatives,
      falsePositives: loader.filterFalsePositives,
    },
    writes: {
      entries: stats.entriesWritten,
      bytes: stats.bytesWritten,
      groups: engine.writes.groups,
      syncs: stats.syncs,
    },
    flushes: { count: stats.flushes, bytes: stats.flushedBytes, ms: stats.flushUs / 1000 },
    compactions: {
      count: stats.compactions,
      moves: stats.moves,
      readBytes: stats.compactionReadBytes,
      writtenBytes: stats.compactionWrittenBytes,
      ms: stats.compactionUs / 1000,
      debtBytes: background.debtBytes,
      isRunning: background.compaction !== undefined,
    },
    ingests: { count: stats.ingests, bytes: stats.ingestedBytes },
    drops: {
      tables: stats.droppedTables,
      bytes: stats.droppedBytes,
      heldTables: engine.retired.fileCount,
      heldBytes: engine.retired.sizeBytes,
    },
    writeAmplification: stats.bytesWritten === 0 ? 0 : written / stats.bytesWritten,
    stalls: {
      slowdowns: stats.slowdowns,
      slowdownMs: stats.slowdownUs / 1000,
      stops: stats.stops,
      stopMs: stats.stopUs / 1000,
      longestStopMs: stats.longestStopUs / 1000,
    },
    operators: { failures: stats.operatorFailures },
    pins,
    versions: versions.liveVersions,
    memory: { limitBytes: engine.budget.limitBytes, usedBytes: engine.budget.usedBytes },
  };
}

/** What an older view has that the newest has not. */
function heldBy(
  view: View | undefined,
  newest: View,
): Pick<PinStats, 'tables' | 'tableBytes' | 'memtables'> {
  if (view === undefined || view === newest) return { tables: 0, tableBytes: 0, memtables: 0 };
  const there = new Set(newest.version.levels.flat().map(({ number }) => number));
  const gone = view.version.levels.flat().filter(({ number }) => !there.has(number));
  const memtables = view.memtables.filter((held) => !newest.memtables.includes(held));
  return { tables: gone.length, tableBytes: bytesOf(gone), memtables: memtables.length };
}
