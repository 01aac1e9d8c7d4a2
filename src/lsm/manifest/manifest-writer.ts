/**
 * The manifest that is being written: each version edit a record (wal/record-format.ts), the first the whole version that it begins with. An
 * edit counts once it is synced; until then nothing may be removed that the version before it needs, and nothing be promised that rests on it.
 *
 * A manifest is never continued by a later opening of the database, which begins one of its own: what a cache held of a file whose sync
 * failed is not to be trusted.
 */
import { joinPath, type FileError, type FileSystem } from '../../os/file-system.ts';
import { FileSyncs } from '../wal/file-syncs.ts';
import { RecordWriter } from '../wal/record-writer.ts';
import { manifestFileName } from './file-names.ts';
import { encodeVersionEdit } from './version-edit-codec.ts';
import type { VersionEdit } from './version-edit.ts';

export class ManifestWriter {
  readonly number: number;
  readonly path: string;
  readonly #records: RecordWriter;
  readonly #syncs: FileSyncs;

  /** Makes the file; CURRENT does not name it yet. Throws FileError. */
  constructor(files: FileSystem, directory: string, number: number) {
    this.number = number;
    this.path = joinPath(directory, manifestFileName(number));
    const file = files.open(this.path, 'replace');
    this.#records = new RecordWriter(file, 0);
    try {
      this.#syncs = new FileSyncs(files, file);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The first sync that failed: the manifest can't be used any more. */
  get failure(): FileError | undefined {
    return this.#syncs.failure;
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
      this.#syncs.changed();
    } catch (error) {
      this.#cutBack();
      throw error;
    }
  }

  /** Makes the edits durable. Blocks. Throws FileError. */
  sync(): void {
    this.#syncs.sync();
  }

  /** The same beside the event loop, for the edits that were appended when it is called. */
  syncAsync(): Promise<void> {
    return this.#syncs.syncAsync();
  }

  close(): void {
    this.#syncs.close();
    this.#records.file.close();
  }

  #cutBack(): void {
    try {
      this.#records.cutBack();
      this.#syncs.changed();
    } catch (error) {
      this.#syncs.fail(error);
    }
  }
}
