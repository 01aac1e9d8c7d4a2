/**
 * Replays the logs that the tables lack, oldest first, and decides what damage means. What is recovered is always a point in time: the first
 * entries of all that were ever written, with none missing among them.
 *
 * A place where the next batch does not follow, because bytes do not check or sequence numbers leave a gap, is one of two things:
 *
 *   - what a crash left of writes that were not synced. The kernel writes pages back in any order, so good batches may follow. Everything
 *     from there on is dropped and reported; nobody was promised that it would stay.
 *   - damage to what had been synced. This is known from what follows: a sync mark (write-ahead-log.ts) that goes beyond the place, or
 *     one beyond a batch behind it; and in a log without marks, as LevelDB writes them, any batch at all, since nothing else is known there.
 *
 * A following log that begins with the very sequence that is missing goes on as if nothing were: what failed to be written was never
 * acknowledged, and its number was used again.
 */
import { joinPath, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import { BatchReader } from '../batch-reader.ts';
import { LsmError } from '../errors.ts';
import { RECOVERY_SLICE_BYTES } from '../limits.ts';
import { logFileName } from '../manifest/file-names.ts';
import { isRecordPassedOver } from './fragment-search.ts';
import { LOG_BLOCK_BYTES } from './record-format.ts';
import { END, RECORD, RecordReader } from './record-reader.ts';

/**
 * tolerate-torn-tail: what a crash leaves is dropped, damage to synced data stops the recovery (the default)
 * point-in-time:      damage too ends what is recovered
 * absolute:           anything that does not check stops the recovery
 * skip-corrupt:       what does not check is left out and the rest applied, in whatever order it leaves: for salvage
 */
export const RECOVERY_MODES = [
  'tolerate-torn-tail',
  'point-in-time',
  'absolute',
  'skip-corrupt',
] as const;
export type RecoveryMode = (typeof RECOVERY_MODES)[number];

/** What was not applied. */
export interface LogDrop {
  readonly path: string;
  /** From here on in the file, so many bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** What did not fit, and where that was. */
  readonly error: LsmError;
}

export interface RecoveryOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Numbers of the logs, ascending. */
  readonly numbers: readonly number[];
  /** The manifest's: the logs begin with it, before it, or right behind it. */
  readonly lastSequence: number;
  readonly formatLevel: number;
  readonly mode: RecoveryMode;
  /** Takes a batch that was verified: `batch` stands before its first entry. Valid until it returns. */
  readonly apply: (batch: BatchReader, logNumber: number) => void;
  readonly report: (drop: LogDrop) => void;
}

export interface RecoveredLogs {
  /** The manifest's, where no log goes beyond. */
  readonly lastSequence: number;
  readonly batches: number;
  readonly entries: number;
}

/** Yields the bytes that were read since the last time, about a slice. Throws LsmError CORRUPTION, UNSUPPORTED; FileError. */
export function* recoverLogs(options: RecoveryOptions): Generator<number, RecoveredLogs> {
  const recovery = new Recovery(options);
  for (const number of options.numbers) yield* recovery.log(number);
  return {
    lastSequence: Math.max(options.lastSequence, (recovery.expected ?? 0) - 1),
    batches: recovery.batches,
    entries: recovery.entries,
  };
}

class Recovery {
  /** The sequence of the batch that comes next; undefined before the first. */
  expected: number | undefined = undefined;
  batches = 0;
  entries = 0;
  readonly #options: RecoveryOptions;
  readonly #batch: BatchReader = new BatchReader();
  /** Why nothing is applied any more, unless the missing batch turns up. */
  #stop: LsmError | undefined = undefined;
  /** The first batch seen since then. */
  #behind: number | undefined = undefined;
  // Of the log that is being read:
  #number = 0;
  #path = '';
  /** Whether sync marks are to be expected in it; undefined before its first record. */
  #hasMarks: boolean | undefined = undefined;
  /** Where what is not applied begins, -1 where nothing is left out, and why. */
  #dropFrom = -1;
  #dropError: LsmError | undefined = undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  *log(number: number): Generator<number, void> {
    const { files, directory } = this.#options;
    this.#number = number;
    this.#path = joinPath(directory, logFileName(number));
    this.#hasMarks = undefined;
    const file = files.open(this.#path, 'read');
    try {
      yield* this.#records(file);
    } finally {
      file.close();
    }
  }

  *#records(file: OpenFile): Generator<number, void> {
    const reader = new RecordReader(file, file.size());
    let yielded = 0;
    for (let answer = reader.next(); answer !== END; answer = reader.next()) {
      if (answer === RECORD) this.#record(reader);
      else {
        this.#trouble(reader.offset, reader.error(this.#path));
        if (this.#isEvidencePassedOver(file, reader)) this.#isSynced();
      }
      // A log of ours is synced with its first mark before it gets its name.
      this.#hasMarks ??= false;
      if (reader.nextOffset - yielded < RECOVERY_SLICE_BYTES) continue;
      yield reader.nextOffset - yielded;
      yielded = reader.nextOffset;
    }
    this.#endDrop(reader.offset);
  }

  /** Whether a damaged length hides what shows that this place had been synced. Each entry takes bytes, which bounds what can follow. */
  #isEvidencePassedOver(file: OpenFile, reader: RecordReader): boolean {
    if (this.#stop === undefined) return false;
    const low = this.expected ?? (this.#hasMarks === true ? this.#options.lastSequence + 1 : 0);
    const high = (this.expected ?? this.#options.lastSequence + 1) + LOG_BLOCK_BYTES;
    return isRecordPassedOver(file, reader, (region, start, end) => {
      if (!this.#batch.open(region, start, end)) return false;
      const { count, firstSequence } = this.#batch;
      return (
        (count === 0 || this.#hasMarks !== true) && firstSequence > low && firstSequence <= high
      );
    });
  }

  #record(reader: RecordReader): void {
    const batch = this.#batch;
    const { formatLevel, mode } = this.#options;
    if (!batch.verify(reader.region, reader.start, reader.end, formatLevel)) {
      const error = batch.error(this.#path, reader.offset);
      // Intact but unknown: it is not for us to leave it out.
      if (error.code !== 'CORRUPTION' && mode !== 'skip-corrupt') throw error;
      this.#trouble(reader.offset, error);
    } else if (batch.count === 0) this.#mark(reader.offset, batch.firstSequence);
    else this.#next(reader);
  }

  /** A batch of no entries: what was before `sequence` was on the disk when it was written. */
  #mark(offset: number, sequence: number): void {
    this.#hasMarks ??= true;
    const { lastSequence, mode } = this.#options;
    if (this.#stop === undefined) {
      const next = this.expected ?? lastSequence + 1;
      if (sequence > next && mode !== 'skip-corrupt') {
        this.#trouble(offset, this.#gap('synced entries are missing', offset, next, sequence));
        this.#isSynced();
      }
      return;
    }
    if (sequence > (this.expected ?? this.#behind ?? lastSequence + 1)) this.#isSynced();
  }

  #next(reader: RecordReader): void {
    const batch = this.#batch;
    const sequence = batch.firstSequence;
    if (this.#stop !== undefined) {
      if (sequence !== this.expected) {
        this.#behind ??= sequence;
        if (this.#hasMarks !== true) this.#isSynced();
        this.#drop(reader.offset, this.#stop);
        return;
      }
      this.#stop = undefined;
    }
    const problem = this.#misfit(sequence);
    if (problem !== '') {
      const next = this.expected ?? this.#options.lastSequence + 1;
      this.#trouble(reader.offset, this.#gap(problem, reader.offset, next, sequence));
      // Without marks this very batch shows that something is missing.
      if (this.#hasMarks !== true) this.#isSynced();
      return;
    }
    this.#endDrop(reader.offset);
    this.expected = sequence + batch.count;
    this.batches++;
    this.entries += batch.count;
    batch.open(reader.region, reader.start, reader.end);
    this.#options.apply(batch, this.#number);
  }

  /** Why a batch can't come next, '' where it can. */
  #misfit(sequence: number): string {
    const { lastSequence, mode } = this.#options;
    const highest = this.expected ?? lastSequence + 1;
    if (this.expected !== undefined && sequence < highest) return 'a batch that was there before';
    return sequence <= highest || mode === 'skip-corrupt' ? '' : 'a gap before this batch';
  }

  #gap(problem: string, offset: number, expected: number, found: number): LsmError {
    return new LsmError('CORRUPTION', problem, { path: this.#path, offset, expected, found });
  }

  /** Nothing can be applied at `offset`, for `error`. */
  #trouble(offset: number, error: LsmError): void {
    if (this.#options.mode === 'absolute') throw error;
    if (this.#options.mode !== 'skip-corrupt') this.#stop ??= error;
    this.#drop(offset, error);
  }

  /** What stopped the recovery turns out to be damage to synced data. */
  #isSynced(): void {
    if (this.#options.mode !== 'tolerate-torn-tail') return;
    const { code, problem, path, offset, expected, found } = this.#stop!;
    const place = { path, offset, expected, found, cause: this.#stop };
    throw new LsmError(code, `${problem}, and what follows had been synced`, place);
  }

  #drop(offset: number, error: LsmError): void {
    if (this.#dropFrom >= 0) return;
    this.#dropFrom = offset;
    this.#dropError = error;
  }

  #endDrop(offset: number): void {
    if (this.#dropFrom < 0) return;
    const bytes = offset - this.#dropFrom;
    const error = this.#dropError!;
    this.#options.report({ path: this.#path, offset: this.#dropFrom, bytes, error });
    this.#dropFrom = -1;
  }
}
