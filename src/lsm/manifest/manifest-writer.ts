/**
 * The manifest that is being written: each version edit a record (wal/record-format.ts), the first the whole version that it begins with. An
 * edit counts once it is synced; until then nothing may be removed that the version before it needs, and nothing be promised that rests on it.
 *
 * A manifest is never continued by a later opening of the database, which begins one of its own: what a cache held of a file whose sync
 * failed is not to be trusted.
 */
import { joinPath, type FileError, type FileSystem } from '../../os/file-system.ts';
import { RecordWriter } from '../wal/record-writer.ts';
import { manifestFileName } from './file-names.ts';
import { encodeVersionEdit } from './version-edit-codec.ts';
import type { VersionEdit } from './version-edit.ts';

export class ManifestWriter {
  readonly number: number;
  readonly path: string;
  /** The first sync that failed: the manifest can't be used any more. */
  failure: FileError | undefined = undefined;
  readonly #records: RecordWriter;

  /** Makes the file; CURRENT does not name it yet. Throws FileError. */
  constructor(files: FileSystem, directory: string, number: number) {
    this.number = number;
    this.path = joinPath(directory, manifestFileName(number));
    this.#records = new RecordWriter(files.open(this.path, 'replace'), 0);
  }

  get sizeBytes(): number {
    return this.#records.position;
  }

  /**
   * Writes the edit. Throws FileError: then the file was cut back to what it was and the edit may be tried again, unless that failed too,
   * which sets `failure`.
   */
  append(edit: VersionEdit): void {
    if (this.failure !== undefined) throw this.failure;
    const region = encodeVersionEdit(edit);
    try {
      this.#records.append(region, 0, region.bytes.length);
      this.#records.write();
    } catch (error) {
      this.#cutBack();
      throw error;
    }
  }

  /** Makes the edits durable. Throws FileError. */
  sync(): void {
    if (this.failure !== undefined) throw this.failure;
    try {
      this.#records.file.dataSync();
    } catch (error) {
      this.failure = error as FileError;
      throw error;
    }
  }

  async syncAsync(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    try {
      await this.#records.file.dataSyncAsync();
    } catch (error) {
      this.failure = error as FileError;
      throw error;
    }
  }

  close(): void {
    this.#records.file.close();
  }

  #cutBack(): void {
    try {
      this.#records.cutBack();
    } catch (error) {
      this.failure = error as FileError;
    }
  }
}
