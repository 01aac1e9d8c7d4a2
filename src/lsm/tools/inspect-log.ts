/** The records of a WAL one by one, as they are in the file: batches, sync marks, what does not check. */
import type { OpenFile } from '../../os/file-system.ts';
import { BatchReader } from '../batch-reader.ts';
import { END, RECORD, RecordReader } from '../wal/record-reader.ts';
import { BATCH_HEADER_BYTES } from '../write-batch.ts';
import { type Problem, problemOf } from './problem.ts';

export interface LogRecord {
  readonly offset: number;
  /** As stored, headers of fragments included. */
  readonly bytes: number;
  /** A mark is a batch of nothing: what was before its sequence was on the disk when it was written. */
  readonly kind: 'batch' | 'mark' | 'damage';
  /** Of a batch's first entry; 0 of damage. */
  readonly sequence: number;
  readonly count: number;
  /** Of keys and values together, with their lengths. */
  readonly payloadBytes: number;
  /** What is wrong with it. */
  readonly problem: Problem | undefined;
  /** Entries of a batch, one by one; only until the next record is asked for. */
  entries(): Generator<LogEntry, void>;
}

export interface LogEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly sequence: number;
  readonly type: number;
}

/** Up to the end of the file, or of what was written of it by now. Throws FileError. */
export function* logRecords(file: OpenFile, name: string): Generator<LogRecord, void> {
  const reader = new RecordReader(file, file.size());
  const batch = new BatchReader();
  for (let answer = reader.next(); answer !== END; answer = reader.next()) {
    const { offset, nextOffset } = reader;
    const place = { offset, bytes: nextOffset - offset };
    if (answer !== RECORD) {
      const problem = problemOf(reader.error(file.path), name);
      yield { ...place, kind: 'damage', ...NOTHING, problem };
      continue;
    }
    const { region, start, end } = reader;
    // Level 2: what each entry is, is told; whether the directory may have it, a check tells.
    const isGood = batch.verify(region, start, end, 2);
    const problem = isGood ? undefined : problemOf(batch.error(file.path, offset), name);
    const { firstSequence: sequence, count } = batch;
    const kind = count === 0 && isGood ? 'mark' : 'batch';
    const entries = (): Generator<LogEntry, void> => {
      batch.open(region, start, end);
      return entriesOf(batch);
    };
    yield {
      ...place,
      kind,
      sequence,
      count,
      payloadBytes: end - start - BATCH_HEADER_BYTES,
      problem,
      entries,
    };
  }
}

function* entriesOf(batch: BatchReader): Generator<LogEntry, void> {
  while (batch.next()) {
    const { bytes } = batch.region;
    yield {
      key: bytes.slice(batch.keyStart, batch.keyEnd),
      value: bytes.slice(batch.valueStart, batch.valueEnd),
      sequence: batch.sequence,
      type: batch.type,
    };
  }
}

const NOTHING = {
  sequence: 0,
  count: 0,
  payloadBytes: 0,
  // eslint-disable-next-line no-empty-function
  *entries(): Generator<LogEntry, void> {},
};
