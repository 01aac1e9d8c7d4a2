/**
 * Reads the edits of a manifest one after the other.
 *
 * What does not check at the end of the file, with no edit behind it, is an edit that was being written when the process or machine stopped:
 * nothing rested on it. It is reported as `tail`. Whoever opens the database then looks for what a lost edit would have left behind: a
 * table or log of the version that is missing means that the edit had counted and was damaged since. Anything else is corruption.
 */
import type { Region } from '../../bytes/region.ts';
import { joinPath, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import type { LsmError } from '../errors.ts';
import { isRecordPassedOver } from '../wal/fragment-search.ts';
import { END, RECORD, RecordReader } from '../wal/record-reader.ts';
import { manifestFileName } from './file-names.ts';
import { decodeVersionEdit } from './version-edit-codec.ts';
import type { VersionEdit } from './version-edit.ts';

/** No edit is empty. */
const isAnything = (_region: Region, start: number, end: number): boolean => end > start;

export class ManifestReader {
  readonly number: number;
  readonly path: string;
  /** Where the last edit begins, and where the next one does. */
  offset = 0;
  nextOffset = 0;
  /** Set once `next` came to an edit that is torn: what is wrong with it. */
  tail: LsmError | undefined = undefined;
  readonly #file: OpenFile;
  readonly #records: RecordReader;

  /** Throws FileError. */
  constructor(files: FileSystem, directory: string, number: number) {
    this.number = number;
    this.path = joinPath(directory, manifestFileName(number));
    this.#file = files.open(this.path, 'read');
    this.#records = new RecordReader(this.#file, this.#file.size());
  }

  /** undefined behind the last whole edit. Throws FileError; LsmError CORRUPTION, UNSUPPORTED. */
  next(): VersionEdit | undefined {
    const records = this.#records;
    const answer = records.next();
    if (answer === RECORD) {
      this.offset = records.offset;
      this.nextOffset = records.nextOffset;
      const { region, start, end, offset } = records;
      return decodeVersionEdit(region, start, end, this.path, offset);
    }
    if (answer === END) return undefined;
    const error = records.error(this.path);
    if (error.code === 'UNSUPPORTED') throw error;
    if (isRecordPassedOver(this.#file, records, isAnything)) throw error;
    for (let behind = records.next(); behind !== END; behind = records.next()) {
      if (behind === RECORD) throw error;
      if (isRecordPassedOver(this.#file, records, isAnything)) throw error;
    }
    this.tail = error;
    return undefined;
  }

  /** The file may have grown: `next` goes on behind the last whole edit. For who follows a database that is open elsewhere. Throws FileError. */
  follow(): void {
    this.tail = undefined;
    this.#records.seek(this.nextOffset, this.#file.size());
  }

  close(): void {
    this.#file.close();
  }
}
