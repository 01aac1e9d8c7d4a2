/**
 * Which backups a directory of backups has, and that it is one: a file KVASIR-BACKUPS says so, without which nothing in the directory is touched.
 */
import { directoryOf, type FileSystem, joinPath } from '../../os/file-system.ts';
import { fromFileError, LsmError } from '../errors.ts';
import {
  type BackupDescription,
  backupFileName,
  parseBackupFileName,
  readBackupFile,
} from './backup-file.ts';

const MARKER_FILE = 'KVASIR-BACKUPS';
const MARKER = 'KVASIR-BACKUPS 1\n';

/** A backup, or why its file can't be read. */
export interface FoundBackup {
  readonly id: number;
  readonly description?: BackupDescription;
  readonly error?: LsmError;
}

export class BackupIndex {
  readonly directory: string;
  readonly #files: FileSystem;

  constructor(files: FileSystem, directory: string) {
    this.directory = directory;
    this.#files = files;
  }

  /**
   * Makes the directory, with a folder in it, where it is not there or is empty; checks that it is one of backups. Throws LsmError EXISTS where it holds something
   * else, UNSUPPORTED, FileError.
   */
  prepare(folder: string): void {
    const files = this.#files;
    const { directory } = this;
    const path = joinPath(directory, MARKER_FILE);
    if (files.stat(path) === undefined) {
      if (files.stat(directory) === undefined) {
        files.makeDirectory(directory);
        files.syncDirectory(directoryOf(directory));
      }
      const ours = new Set([folder, `${MARKER_FILE}.tmp`]);
      const found = files.readDirectory(directory).find((name) => !ours.has(name));
      if (found !== undefined) {
        const expected = 'an empty directory, or one of backups';
        const place = { path: directory, expected, found };
        throw new LsmError('EXISTS', 'the directory holds something else', place);
      }
      files.makeDirectory(joinPath(directory, folder));
      files.syncDirectory(directory);
      this.#writeMarker(path);
    }
    this.#checkMarker(path);
  }

  /** All backups, the oldest first. Throws FileError. */
  read(): FoundBackup[] {
    const ids: number[] = [];
    for (const name of this.#files.readDirectory(this.directory)) {
      const id = parseBackupFileName(name);
      if (id !== undefined) ids.push(id);
    }
    ids.sort((a, b) => a - b);
    return ids.map((id) => {
      try {
        return { id, description: readBackupFile(this.#files, this.pathOf(id), id) };
      } catch (error) {
        const known = fromFileError(error);
        if (!(known instanceof LsmError)) throw known;
        return { id, error: known };
      }
    });
  }

  /** Without `id` the newest one that can be read. Throws LsmError NOT_FOUND, and what is wrong with its file. */
  find(id: number | undefined): BackupDescription {
    const backups = this.read();
    const found =
      id === undefined
        ? backups.findLast(({ description }) => description !== undefined)
        : backups.find((backup) => backup.id === id);
    if (found === undefined) throw this.notFound(id);
    if (found.error !== undefined) throw found.error;
    return found.description!;
  }

  pathOf(id: number): string {
    return joinPath(this.directory, backupFileName(id));
  }

  notFound(id: number | undefined): LsmError {
    const problem = id === undefined ? 'there is no backup' : `there is no backup ${id}`;
    return new LsmError('NOT_FOUND', problem, { path: this.directory });
  }

  #writeMarker(path: string): void {
    const file = this.#files.open(`${path}.tmp`, 'replace');
    try {
      file.write(Buffer.from(MARKER), 0, MARKER.length, 0);
      file.sync();
    } finally {
      file.close();
    }
    this.#files.rename(`${path}.tmp`, path);
    this.#files.syncDirectory(this.directory);
  }

  #checkMarker(path: string): void {
    const file = this.#files.open(path, 'read');
    try {
      const bytes = new Uint8Array(MARKER.length);
      const length = file.read(bytes, 0, bytes.length, 0);
      const found = Buffer.from(bytes.subarray(0, length)).toString('latin1');
      if (found === MARKER) return;
      const place = { path, expected: JSON.stringify(MARKER), found: JSON.stringify(found) };
      throw new LsmError('UNSUPPORTED', 'backups of another version', place);
    } finally {
      file.close();
    }
  }
}
