/** An incremental file that is open for appending batches. */
import type { FileSystem, OpenFile } from '../os/file-system.ts';
import type { Randomness } from '../os/randomness.ts';
import { batchSeed, formatHeader, formatNonce } from './batch.ts';

export class IncrementalFile {
  readonly file: OpenFile;
  /** What the checksums of its batches continue from. */
  readonly seed: number;
  /** End of the last whole batch: where the next one goes. */
  sizeBytes: number;
  readonly #nonce: string;

  private constructor(file: OpenFile, nonce: string, seed: number, sizeBytes: number) {
    this.file = file;
    this.#nonce = nonce;
    this.seed = seed;
    this.sizeBytes = sizeBytes;
  }

  /** Makes an empty file; a leftover of the same name, which no manifest names, is replaced. Throws FileError. */
  static create(files: FileSystem, randomness: Randomness, path: string): IncrementalFile {
    const nonce = formatNonce(randomness.bytes(8));
    return new IncrementalFile(files.open(path, 'replace'), nonce, batchSeed(nonce), 0);
  }

  /** Goes on with a file of which the loader has verified `sizeBytes`. Throws FileError. */
  static resume(files: FileSystem, path: string, seed: number, sizeBytes: number): IncrementalFile {
    return new IncrementalFile(files.open(path, 'write'), '', seed, sizeBytes);
  }

  /** Writes the first line of a new file, whose first batch will begin at `position`. Throws FileError. */
  writeHeader(position: number): void {
    const header = formatHeader(this.#nonce, position);
    this.file.write(header, 0, header.length, 0);
    this.sizeBytes = header.length;
  }
}
