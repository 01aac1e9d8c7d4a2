/**
 * Checks the logs that the tables lack, as opening the database would: what is left of un-synced writes is a note, damage to what had been
 * synced a problem, and then all that does not check is named, not only the first of it.
 */
import type { FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import type { ManifestState } from '../manifest/manifest-state.ts';
import { recoverLogs, type LogDrop, type RecoveryMode } from '../wal/log-recovery.ts';
import { baseName, problemOf, type Problem } from './problem.ts';

export interface LogCheck {
  /** What opening would recover; of damaged logs, what can be. */
  readonly batches: number;
  readonly entries: number;
  readonly lastSequence: number;
  /** What would not be applied. */
  readonly drops: readonly LogDrop[];
  /** What opening would refuse the logs for. */
  readonly problem: Problem | undefined;
}

export interface LogCheckOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Numbers of the logs, ascending. */
  readonly numbers: readonly number[];
  readonly state: ManifestState;
}

/** Yields bytes that were read. Throws FileError. */
export function* checkLogs(options: LogCheckOptions): Generator<number, LogCheck> {
  try {
    return yield* replay(options, 'tolerate-torn-tail', undefined);
  } catch (error) {
    if (!(error instanceof LsmError)) throw error;
    return yield* replay(options, 'skip-corrupt', problemOf(error, baseName(error.path ?? '')));
  }
}

function* replay(
  { files, directory, numbers, state }: LogCheckOptions,
  mode: RecoveryMode,
  problem: Problem | undefined,
): Generator<number, LogCheck> {
  const drops: LogDrop[] = [];
  const recovered = yield* recoverLogs({
    files,
    directory,
    numbers,
    lastSequence: state.lastSequence,
    formatLevel: state.formatLevel,
    mode,
    apply: () => {},
    report: (drop) => drops.push(drop),
  });
  return { ...recovered, drops, problem };
}

/** Logs whose entries are not all in tables. */
export function isLive(state: ManifestState, number: number): boolean {
  return number >= state.logNumber || (number !== 0 && number === state.previousLogNumber);
}
