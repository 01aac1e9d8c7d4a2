/**
 * A log that somebody else writes to, read as far as it is whole. What is not may be half way to the file: it is looked at again the next time.
 */
import { joinPath, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import { BatchReader } from '../batch-reader.ts';
import { RECOVERY_SLICE_BYTES } from '../limits.ts';
import { logFileName } from '../manifest/file-names.ts';
import { END, RECORD, RecordReader } from '../wal/record-reader.ts';

/** What came of reading: all that is there, up to what is not whole, up to a batch that was not taken, or a file that was cut back behind what was read. */
export const AT_END = 0;
export const AT_TORN = 1;
export const REFUSED = 2;
export const CUT_BACK = 3;

export class LogTail {
  readonly number: number;
  readonly path: string;
  /** Where the next record begins. */
  position = 0;
  /** Entries that were taken from it. */
  entries = 0;
  readonly #file: OpenFile;
  readonly #reader: RecordReader;
  readonly #batch = new BatchReader();

  /** Throws FileError. */
  constructor(files: FileSystem, directory: string, number: number) {
    this.number = number;
    this.path = joinPath(directory, logFileName(number));
    this.#file = files.open(this.path, 'read');
    this.#reader = new RecordReader(this.#file, this.#file.size());
  }

  /** `take`: false where the batch, which stands before its first entry, does not follow. Yields now and then. Throws LsmError UNSUPPORTED, FileError. */
  *read(formatLevel: number, take: (batch: BatchReader) => boolean): Generator<void, number> {
    const reader = this.#reader;
    const batch = this.#batch;
    const sizeBytes = this.#file.size();
    if (sizeBytes < this.position) return CUT_BACK;
    reader.seek(this.position, sizeBytes);
    let yielded = this.position;
    for (let answer = reader.next(); answer !== END; answer = reader.next()) {
      if (answer !== RECORD) return AT_TORN;
      const { region, start, end } = reader;
      if (!batch.verify(region, start, end, formatLevel)) {
        const error = batch.error(this.path, reader.offset);
        if (error.code !== 'CORRUPTION') throw error;
        return AT_TORN;
      }
      batch.open(region, start, end);
      if (batch.count > 0 && !take(batch)) return REFUSED;
      this.entries += batch.count;
      this.position = reader.nextOffset;
      if (this.position - yielded < RECOVERY_SLICE_BYTES) continue;
      yielded = this.position;
      yield;
    }
    return AT_END;
  }

  close(): void {
    this.#file.close();
  }
}
