/** Tells jobs what they need to know of the tree. */
import { bytesOf, type Compaction, type CompactionPicker } from '../compaction/compaction.ts';
import type { JobRequest, JobSource, KeyRange } from '../compaction/job.ts';
import type { TableFile } from '../version/table-file.ts';
import type { Version } from '../version/version.ts';
import type { Engine } from './engine.ts';
import type { HeldMemtable } from './memtable-list.ts';
import { tableOptions } from './options.ts';

/** An input that was compressed may be this many times as large when it is written. */
const EXPANSION = 4;

/** All of them become one table of level 0. */
export function flushRequest(
  engine: Engine,
  picker: CompactionPicker,
  flushing: readonly HeldMemtable[],
): JobRequest {
  const sources = flushing.map(({ memtable }): JobSource => ({
    kind: 'memtable',
    buffer: memtable.buffer,
  }));
  return {
    ...common(engine, picker, 0, 1),
    kind: 'flush',
    sources,
    below: [],
    keepsDeletions: true,
  };
}

export function compactionRequest(
  engine: Engine,
  picker: CompactionPicker,
  compaction: Compaction,
): JobRequest {
  const { inputs, outputLevel } = compaction;
  const sources: JobSource[] = [];
  let bytes = 0;
  for (const { level, files } of inputs) {
    bytes += bytesOf(files);
    const run = files.map((file) => file.toNewFile(level));
    if (level > 0) sources.push({ kind: 'tables', level, files: run });
    else for (const file of run) sources.push({ kind: 'tables', level, files: [file] });
  }
  const below = rangesBelow(engine.versions.current, outputLevel);
  const overlaps = below[0]!.length;
  // Readers of an older moment look below everything into tables that were dropped whole: what hides something there has to stay.
  for (const { indexes } of engine.retired.batches) {
    for (const { files } of indexes) below.push(files.map(rangeOf));
  }
  const maxFiles = Math.ceil((EXPANSION * bytes) / picker.targetBytes(outputLevel)) + overlaps + 1;
  const request = common(engine, picker, outputLevel, maxFiles);
  return {
    ...request,
    kind: 'compaction',
    sources,
    below,
    keepsDeletions: false,
    table: { ...request.table, youngestAtSeconds: youngestOf(compaction, request) },
  };
}

function common(
  engine: Engine,
  picker: CompactionPicker,
  outputLevel: number,
  maxFiles: number,
): Omit<JobRequest, 'kind' | 'sources' | 'below' | 'keepsDeletions'> {
  const { versions, snapshots, directory, settings } = engine;
  return {
    id: engine.nextJobId(),
    directory,
    outputLevel,
    firstFileNumber: versions.allocateFileNumbers(maxFiles),
    maxFiles,
    targetBytes: picker.targetBytes(outputLevel),
    snapshots: snapshots.sequences(),
    deadRanges: engine.keyspaces.deadRanges(),
    rules: engine.keyspaces.jobRules(),
    nowMs: engine.nowMs(),
    maxOverlapBytes: picker.maxOverlapBytes(outputLevel),
    table: {
      ...tableOptions(settings, outputLevel, versions.formatLevel === 1 ? 1 : 2),
      filterPrefix: engine.keyspaces.filterPrefix(),
    },
  };
}

/** Of entries of tables that LevelDB wrote it is not known: they may be of now. */
function youngestOf({ inputs }: Compaction, { table }: Pick<JobRequest, 'table'>): number {
  const now = table.createdAtSeconds ?? 0;
  const times = inputs.flatMap(({ files }) =>
    files.map(({ facts }) => facts?.youngestSeconds ?? now),
  );
  return Math.min(now, Math.max(...times));
}

/** The level below the output level comes first, with nothing in it where there is none. */
function rangesBelow(version: Version, outputLevel: number): KeyRange[][] {
  const levels = version.levels.slice(outputLevel + 1);
  return levels.length === 0 ? [[]] : levels.map((files) => files.map(rangeOf));
}

function rangeOf({ keys, smallestEnd, largestStart, largestEnd, sizeBytes }: TableFile): KeyRange {
  return {
    smallest: keys.bytes.slice(0, smallestEnd),
    largest: keys.bytes.slice(largestStart, largestEnd),
    sizeBytes,
  };
}
