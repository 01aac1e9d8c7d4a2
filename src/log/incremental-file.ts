/** An incremental file that is open for appending batches. */
import type { Randomness } from '../os/randomness.ts';
import type { FileSystem, OpenFile } from '../os/file-system.ts';
import { batchSeed, formatHeader, formatNonce } from './batch.ts';

export class IncrementalFile {
  readonly name: string;
  readonly file: OpenFile;
  /** What the checksums of its batches continue from. */
  readonly seed: number;
  /** End of the last whole batch: where the next one goes. */
  sizeBytes: number;

  constructor(name: string, file: OpenFile, seed: number, sizeBytes: number) {
    this.name = name;
    this.file = file;
    this.seed = seed;
    this.sizeBytes = sizeBytes;
  }

  /**
   * Makes a new file whose first batch will begin at `position`, with its header written and not synced. A leftover of the same name,
   * which no manifest names, is replaced. Throws FileError.
   */
  static create(
    files: FileSystem,
    randomness: Randomness,
    path: string,
    name: string,
    position: number,
  ): IncrementalFile {
    const nonce = formatNonce(randomness.bytes(8));
    const header = formatHeader(nonce, position);
    const file = files.open(path, 'replace');
    try {
      file.write(header, 0, header.length, 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return new IncrementalFile(name, file, batchSeed(nonce), header.length);
  }
}
