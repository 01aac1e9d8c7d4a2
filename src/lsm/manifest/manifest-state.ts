/**
 * What the edits of a manifest come to: the tables of each level and the counters with which the database goes on. Also the other way
 * round: the one edit that a new manifest begins with.
 */
import type { FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { ManifestReader } from './manifest-reader.ts';
import { VersionEdit, type NewFile } from './version-edit.ts';

/** LevelDB's own name for the order of bytes; at format level 2 another, so that LevelDB refuses the directory. */
export const LEVELDB_COMPARATOR = 'leveldb.BytewiseComparator';
export const KVASIR_COMPARATOR = 'kvasir.BytewiseComparator';
export const HIGHEST_FORMAT_LEVEL = 2;

export class ManifestState {
  readonly path: string;
  comparator: string = LEVELDB_COMPARATOR;
  formatLevel = 1;
  /** WALs with smaller numbers (but for the previous one, if it is not 0) are in tables. */
  logNumber = 0;
  previousLogNumber = 0;
  nextFileNumber = 0;
  lastSequence = 0;
  /** Tables by number. */
  readonly files: Map<number, NewFile> = new Map();
  /** Internal keys by level. */
  readonly compactPointers: Map<number, Uint8Array> = new Map();
  /** An edit at the end of the file that is torn (manifest-reader.ts). */
  tail: LsmError | undefined = undefined;
  /** Where the last whole edit ends. */
  sizeBytes = 0;
  #hasLogNumber = false;
  #hasNextFileNumber = false;
  #hasLastSequence = false;

  /** `path`: the manifest's, for messages. */
  constructor(path: string) {
    this.path = path;
  }

  /** Applies the edit, whose record is at `offset`. Throws LsmError CORRUPTION. */
  apply(edit: VersionEdit, offset: number): void {
    if (edit.comparator !== undefined) this.comparator = edit.comparator;
    if (edit.formatLevel !== undefined) this.formatLevel = edit.formatLevel;
    if (edit.previousLogNumber !== undefined) this.previousLogNumber = edit.previousLogNumber;
    if (edit.logNumber !== undefined) {
      this.logNumber = edit.logNumber;
      this.#hasLogNumber = true;
    }
    if (edit.nextFileNumber !== undefined) {
      this.nextFileNumber = edit.nextFileNumber;
      this.#hasNextFileNumber = true;
    }
    if (edit.lastSequence !== undefined) {
      this.lastSequence = edit.lastSequence;
      this.#hasLastSequence = true;
    }
    for (const { level, key } of edit.compactPointers) this.compactPointers.set(level, key);
    for (const { level, number } of edit.deletedFiles) {
      // LevelDB takes no offence at the removal of a file that is not there.
      if (this.files.get(number)?.level === level) this.files.delete(number);
    }
    for (const file of edit.newFiles) {
      if (this.files.has(file.number)) {
        throw this.#corrupt(offset, `file ${file.number} is added though it is there`);
      }
      this.files.set(file.number, file);
    }
  }

  /** After the last edit. Throws LsmError: CORRUPTION where no edit had what every database has, UNSUPPORTED for a format level above ours. */
  check(): void {
    if (!this.#hasNextFileNumber) throw this.#corrupt(0, 'no next file number in any edit');
    if (!this.#hasLogNumber) throw this.#corrupt(0, 'no log number in any edit');
    if (!this.#hasLastSequence) throw this.#corrupt(0, 'no last sequence in any edit');
    if (this.formatLevel < 1 || this.formatLevel > HIGHEST_FORMAT_LEVEL) {
      throw new LsmError('UNSUPPORTED', 'the directory has another format level', {
        path: this.path,
        expected: `1 to ${HIGHEST_FORMAT_LEVEL}`,
        found: this.formatLevel,
      });
    }
  }

  /** Whether keys are in the order of their bytes. Throws LsmError UNSUPPORTED by the comparator's name where they are not. */
  checkComparator(): void {
    const expected = this.formatLevel === 1 ? LEVELDB_COMPARATOR : KVASIR_COMPARATOR;
    if (this.comparator === expected) return;
    throw new LsmError('UNSUPPORTED', 'the keys are in the order of another comparator', {
      path: this.path,
      expected,
      found: this.comparator,
    });
  }

  /** The whole state as the first edit of another manifest. */
  toEdit(): VersionEdit {
    const edit = new VersionEdit();
    edit.comparator = this.comparator;
    if (this.formatLevel > 1) edit.formatLevel = this.formatLevel;
    edit.logNumber = this.logNumber;
    if (this.previousLogNumber !== 0) edit.previousLogNumber = this.previousLogNumber;
    edit.nextFileNumber = this.nextFileNumber;
    edit.lastSequence = this.lastSequence;
    for (const [level, key] of this.compactPointers) edit.compactPointers.push({ level, key });
    edit.newFiles = [...this.files.values()];
    return edit;
  }

  #corrupt(offset: number, problem: string): LsmError {
    return new LsmError('CORRUPTION', problem, { path: this.path, offset });
  }
}

/** The state that the manifest `number` ends in, checked. Throws FileError; LsmError CORRUPTION, UNSUPPORTED. */
export function readManifest(files: FileSystem, directory: string, number: number): ManifestState {
  const reader = new ManifestReader(files, directory, number);
  try {
    const state = new ManifestState(reader.path);
    for (let edit = reader.next(); edit !== undefined; edit = reader.next()) {
      state.apply(edit, reader.offset);
    }
    state.tail = reader.tail;
    state.sizeBytes = reader.nextOffset;
    state.check();
    return state;
  } finally {
    reader.close();
  }
}
