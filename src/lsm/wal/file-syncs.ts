/**
 * Syncs of one file that is appended to, blocking ones and ones beside the event loop, such that each tells the truth:
 *
 *   - The kernel reports that it could not write a page back once to each open file description, and then forgets it. Of two syncs of one
 *     description the other could be told of success. So one at most is in flight beside the event loop, the next begins behind it
 *     and is for all that waits; and blocking ones have a description of their own, opened before there was anything to sync.
 *   - What is synced already is not synced again: a sync that waited for its turn may then find the file closed and still succeed.
 *   - After a sync that failed, the pages that it was for count as clean although the disk may not have them: all later ones fail too.
 */
import { FileError, type FileSystem, type OpenFile } from '../../os/file-system.ts';

export class FileSyncs {
  /** Of the first sync that failed. */
  failure: FileError | undefined = undefined;
  readonly #file: OpenFile;
  readonly #blocking: OpenFile;
  /** Changes of the file, and how many of them are surely on the disk. */
  #changes = 0;
  #synced = 0;
  #inFlight: Promise<void> | undefined = undefined;
  #next: Promise<void> | undefined = undefined;

  /** All that was written to `file` by now is synced. Throws FileError. */
  constructor(files: FileSystem, file: OpenFile) {
    this.#file = file;
    this.#blocking = files.open(file.path, 'write');
  }

  /** The file was written to or cut. */
  changed(): void {
    this.#changes++;
  }

  /** Throws FileError. */
  sync(): void {
    this.#check();
    if (this.#synced === this.#changes) return;
    try {
      this.#blocking.dataSync();
    } catch (error) {
      throw this.fail(error);
    }
    this.#synced = this.#changes;
  }

  /** For what was written when it is called, at least. Rejects with a FileError. */
  syncAsync(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#inFlight === undefined) return this.#begin();
    this.#next = this.#inFlight.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /** The database failed in another way: no sync is to succeed any more. Gives the first failure. */
  fail(error: unknown): unknown {
    if (this.failure === undefined && error instanceof FileError) this.failure = error;
    return this.failure ?? error;
  }

  /** The file itself stays open. */
  close(): void {
    this.#blocking.close();
  }

  async #begin(): Promise<void> {
    this.#check();
    const sync = this.#run();
    this.#inFlight = sync;
    try {
      await sync;
    } finally {
      this.#inFlight = undefined;
    }
  }

  async #run(): Promise<void> {
    const changes = this.#changes;
    if (this.#synced === changes) return;
    try {
      await this.#file.dataSyncAsync();
    } catch (error) {
      throw this.fail(error);
    }
    this.#check();
    this.#synced = Math.max(this.#synced, changes);
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
