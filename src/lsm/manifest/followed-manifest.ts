/** The manifest of a directory that somebody else writes to: what its edits have come to so far. Each reading goes on where the one before it ended. */
import { FileError, type FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { readCurrent } from './current.ts';
import { ManifestReader } from './manifest-reader.ts';
import { ManifestState } from './manifest-state.ts';

export class FollowedManifest {
  readonly #files: FileSystem;
  readonly #directory: string;
  #reader: ManifestReader | undefined = undefined;
  #state: ManifestState | undefined = undefined;
  /** Whether the last `read` found anything that was not there before. */
  isNew = false;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /**
   * The state as it is now; `isNew` tells whether it is another one than the time before. Throws FileError (ENOENT where the manifest was replaced meanwhile: again then),
   * LsmError NOT_FOUND, CORRUPTION, UNSUPPORTED.
   */
  read(): ManifestState {
    const number = readCurrent(this.#files, this.#directory);
    if (number === undefined) {
      const place = { path: this.#directory };
      throw new LsmError('NOT_FOUND', 'there is no database in the directory', place);
    }
    if (this.#reader?.number !== number || this.#state === undefined) {
      this.close();
      this.#reader = new ManifestReader(this.#files, this.#directory, number);
      this.#state = new ManifestState(this.#reader.path);
    } else this.#reader.follow();
    const reader = this.#reader;
    const state = this.#state;
    let edits = 0;
    try {
      for (let edit = reader.next(); edit !== undefined; edit = reader.next(), edits++) {
        state.apply(edit, reader.offset);
      }
      state.check();
      state.checkComparator();
    } catch (error) {
      // What was applied of it is not known: from the start the next time.
      this.close();
      throw error;
    }
    state.tail = reader.tail;
    this.isNew = edits > 0;
    return state;
  }

  close(): void {
    try {
      this.#reader?.close();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
    this.#reader = undefined;
    this.#state = undefined;
  }
}
