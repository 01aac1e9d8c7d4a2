/**
 * A file that only takes room. When the disk is full it is removed, and what was pending finds space. It holds random bytes, because a
 * file system may keep zeros without taking room for them.
 */
import { directoryOf, FileError, joinPath, type FileSystem } from '../os/file-system.ts';
import type { Randomness } from '../os/randomness.ts';

const NAME = 'kvasir.reserve';
const PIECE_BYTES = 256 * 1024;

export class ReserveSpace {
  readonly #files: FileSystem;
  readonly #randomness: Randomness;
  readonly #path: string;
  readonly #sizeBytes: number;
  #isWhole = false;
  #isFilling = false;

  constructor(files: FileSystem, randomness: Randomness, directory: string, sizeBytes: number) {
    this.#files = files;
    this.#randomness = randomness;
    this.#path = joinPath(directory, NAME);
    this.#sizeBytes = sizeBytes;
  }

  /** Gives the room back; false where there is none to give. */
  release(): boolean {
    if (!this.#isWhole) return false;
    this.#isWhole = false;
    try {
      this.#files.unlink(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  /** Takes the room (again); false where the disk has none, or while another call does. */
  async fill(): Promise<boolean> {
    if (this.#isWhole) return true;
    if (this.#isFilling) return false;
    this.#isFilling = true;
    try {
      await this.#take();
      this.#isWhole = true;
    } catch {
      this.#discard();
    } finally {
      this.#isFilling = false;
    }
    return this.#isWhole;
  }

  async #take(): Promise<void> {
    const existing = this.#files.stat(this.#path);
    if (existing !== undefined && existing.sizeBytes >= this.#sizeBytes) return;
    // Not to the last byte: what is logged meanwhile needs room, too.
    if (this.#files.freeBytes(directoryOf(this.#path)) < this.#sizeBytes * 1.25) {
      throw new FileError('write', this.#path, 'ENOSPC');
    }
    const file = this.#files.open(this.#path, 'replace');
    try {
      const piece = this.#randomness.bytes(Math.min(PIECE_BYTES, this.#sizeBytes));
      for (let at = 0; at < this.#sizeBytes; at += piece.length) {
        const length = Math.min(piece.length, this.#sizeBytes - at);
        await file.writeAsync(piece, 0, length, at);
      }
      // Only a synced file is known to have its blocks: until then they are a promise.
      await file.syncAsync();
    } finally {
      file.close();
    }
  }

  #discard(): void {
    try {
      this.#files.unlink(this.#path);
    } catch {
      // Not there, or not removable: either way there is no reserve.
    }
  }
}
