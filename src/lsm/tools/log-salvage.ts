/**
 * Logs for a repair: first looked at, then, where they must be, made into tables of what can be read of them. Memory: one memtable.
 *
 * Where all that does not check is what a crash left of un-synced writes, recovery ends there as it always does: what follows may be later writes
 * without those before. Where synced entries are damaged, or who repairs wants all there is, whatever checks is taken, also behind the
 * damage, and the sequences between are named as lost.
 */
import type { FileSystem } from '../../os/file-system.ts';
import type { BatchReader } from '../batch-reader.ts';
import { VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { SALVAGE_MEMTABLE_BYTES } from '../limits.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { Memtable } from '../memtable/memtable.ts';
import { type LogDrop, recoverLogs, type RecoveryMode } from '../wal/log-recovery.ts';
import { BATCH_HEADER_BYTES } from '../write-batch.ts';
import { logFileName } from '../manifest/file-names.ts';
import { baseName, type Problem, problemOf } from './problem.ts';
import type { Loss } from './salvage-blocks.ts';
import type { TableOutput } from './table-output.ts';

export interface LogGroup {
  readonly files: FileSystem;
  readonly directory: string;
  /** Numbers of logs that follow each other, ascending. */
  readonly numbers: readonly number[];
  /** The sequence before that of the first entry, or a later one; undefined where it is not known. */
  readonly lastSequence: number | undefined;
  readonly formatLevel: number;
  /** Whether what was not synced is taken too, wherever it checks. */
  readonly takesUnsynced: boolean;
}

export interface LogSurvey {
  /** What the logs have to be made into tables for: opening would refuse them, or leave out what is wanted. */
  readonly problem: Problem | undefined;
  readonly entries: number;
  readonly lastSequence: number;
  /** What is not recovered: because of damage, or, without a problem, because it was not synced. */
  readonly losses: readonly Loss[];
}

/** Yields bytes that were read. Throws LsmError UNSUPPORTED, FileError. */
export function* surveyLogs(group: LogGroup): Generator<number, LogSurvey> {
  try {
    const survey = yield* replay(group, 'tolerate-torn-tail', undefined, () => {});
    const [loss] = survey.losses;
    if (loss === undefined || !group.takesUnsynced) return survey;
    const { file, offset, reason } = loss;
    const problem: Problem = { file, offset, code: 'CORRUPTION', problem: reason };
    return yield* replay(group, 'skip-corrupt', problem, () => {});
  } catch (error) {
    if (!(error instanceof LsmError) || error.code !== 'CORRUPTION') throw error;
    const problem = problemOf(error, logFileName(group.numbers[0]!));
    return yield* replay(group, 'skip-corrupt', problem, () => {});
  }
}

/** Writes what `surveyLogs` found to tables, a memtable each. Yields bytes that were read. Throws FileError, LsmError. */
export function* convertLogs(
  group: LogGroup,
  survey: LogSurvey,
  begin: (ranges: readonly RangeDeletion[]) => TableOutput,
): Generator<number, void> {
  const mode = survey.problem === undefined ? 'point-in-time' : 'skip-corrupt';
  let memtable = Memtable.allocate(SALVAGE_MEMTABLE_BYTES);
  const flush = (): void => {
    if (memtable.entries === 0) return;
    const output = begin(memtable.ranges?.all() ?? []);
    const cursor = new MemtableCursor(memtable);
    for (cursor.first(); cursor.status === VALID; cursor.next()) output.add(cursor, false);
    output.finish();
  };
  yield* replay(group, mode, survey.problem, (batch) => {
    const payloadBytes = batch.sizeBytes - BATCH_HEADER_BYTES;
    if (!memtable.canTake(batch.count, payloadBytes)) {
      flush();
      const needed = Memtable.capacityFor(batch.count, payloadBytes);
      memtable = Memtable.allocate(Math.max(needed, SALVAGE_MEMTABLE_BYTES));
    }
    addBatch(memtable, batch);
  });
  flush();
}

function addBatch(memtable: Memtable, batch: BatchReader): void {
  const { region } = batch;
  while (batch.next()) {
    const { keyStart, keyEnd, sequence, type, valueStart, valueEnd } = batch;
    if (memtable.add(region, keyStart, keyEnd, sequence, type, region, valueStart, valueEnd))
      continue;
    throw new LsmError('LIMIT', 'a memtable was full although there was room');
  }
}

function* replay(
  { files, directory, numbers, lastSequence, formatLevel }: LogGroup,
  mode: RecoveryMode,
  problem: Problem | undefined,
  take: (batch: BatchReader) => void,
): Generator<number, LogSurvey> {
  const losses: Loss[] = [];
  let expected = lastSequence === undefined ? undefined : lastSequence + 1;
  let last = 0;
  const recovered = yield* recoverLogs({
    files,
    directory,
    numbers,
    // Nothing is a gap before the first entry where it is not known.
    lastSequence: lastSequence ?? Number.MAX_SAFE_INTEGER - 1,
    formatLevel,
    mode,
    apply: (batch, number) => {
      const { firstSequence, count } = batch;
      if (expected !== undefined && firstSequence > expected) {
        losses.push(gapBefore(logFileName(number), expected, firstSequence - 1));
      }
      expected = firstSequence + count;
      last = expected - 1;
      take(batch);
    },
    report: (drop) => losses.push(lossOf(drop)),
  });
  return { problem, entries: recovered.entries, lastSequence: last, losses };
}

function lossOf({ path, offset, bytes, error }: LogDrop): Loss {
  if (error.code === 'UNSUPPORTED') throw error;
  const file = baseName(path);
  return { file, offset, bytes, reason: error.problem, after: undefined, before: undefined };
}

function gapBefore(file: string, first: number, last: number): Loss {
  const reason = `entries of the sequences ${first} to ${last} are missing`;
  const around = { after: undefined, before: undefined };
  return { file, offset: 0, bytes: 0, reason, ...around, entries: last - first + 1 };
}
