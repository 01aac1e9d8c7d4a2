/**
 * The directory of the log, laid out as Redis 7 does (`appenddirname` under `dir`):
 *
 *   appendonly.aof.manifest            which of the files count; replaced atomically
 *   appendonly.aof.<n>.base.rdb|.aof   the data set at some moment
 *   appendonly.aof.<n>.incr.aof        what changed since
 *   temp-...                           unfinished; removed at the next start
 *   kvasir.reserve                     room for bad times (reserve-space.ts)
 */
import {
  directoryOf,
  joinPath,
  readSmallFile,
  type FileError,
  type FileSystem,
} from '../os/file-system.ts';
import { MANIFEST_BYTES } from './limits.ts';
import { CorruptLogError } from './log-error.ts';
import {
  EMPTY_MANIFEST,
  formatManifest,
  parseManifest,
  type Manifest,
  type ManifestEntry,
} from './manifest.ts';
import { HEADER_BYTES } from './batch.ts';

export class AofDirectory {
  readonly files: FileSystem;
  readonly path: string;
  /** As on disk, or what `publish` is about to make of it. */
  manifest: Manifest = EMPTY_MANIFEST;
  readonly #parent: string;
  readonly #filename: string;

  /** `dir`, `appenddirname` and `appendfilename`. */
  constructor(files: FileSystem, dir: string, dirname: string, filename: string) {
    this.files = files;
    this.path = joinPath(dir, dirname);
    this.#parent = dir;
    this.#filename = filename;
  }

  baseName(sequence: number, format: 'rdb' | 'aof'): string {
    return `${this.#filename}.${sequence}.base.${format}`;
  }

  incrementalName(sequence: number): string {
    return `${this.#filename}.${sequence}.incr.aof`;
  }

  /** Names of files that are not in use yet. */
  get temporaryBaseName(): string {
    return `temp-${this.#filename}.base`;
  }

  get temporaryIncrementalName(): string {
    return `temp-${this.#filename}.incr`;
  }

  pathOf(name: string): string {
    return joinPath(this.path, name);
  }

  get #manifestName(): string {
    return `${this.#filename}.manifest`;
  }

  /**
   * Reads the manifest, after moving the single file of a Redis before 7 into the directory as base; makes the directory where it is
   * missing and removes what an unfinished rewrite left. False where there is no log yet. Throws FileError, CorruptLogError.
   */
  open(): boolean {
    if (this.files.stat(this.path) === undefined) {
      this.files.makeDirectory(this.path);
      this.files.syncDirectory(this.#parent);
    }
    this.#removeTemporary();
    const path = this.pathOf(this.#manifestName);
    this.manifest =
      this.files.stat(path) === undefined
        ? EMPTY_MANIFEST
        : parseManifest(readSmallFile(this.files, path, MANIFEST_BYTES), path);
    this.#upgrade();
    const isThere = this.manifest.base !== undefined || this.manifest.incremental.length > 0;
    if (!isThere) this.#refuseOrphans();
    return isThere;
  }

  #removeTemporary(): void {
    for (const name of this.files.readDirectory(this.path)) {
      if (name.startsWith(`temp-${this.#filename}.`)) this.files.unlink(this.pathOf(name));
    }
  }

  /** Also finishes a move that was interrupted: the manifest is written before the file is moved. */
  #upgrade(): void {
    const old = joinPath(this.#parent, this.#filename);
    const { base, incremental } = this.manifest;
    const isBegun =
      base?.name === this.#filename && this.files.stat(this.pathOf(this.#filename)) === undefined;
    if (incremental.length > 0 || (base !== undefined && !isBegun)) return;
    const stat = this.files.stat(old);
    if (stat === undefined || stat.isDirectory) return;
    this.publishSync({
      base: { name: this.#filename, sequence: 1 },
      history: [],
      incremental: [],
    });
    this.files.rename(old, this.pathOf(this.#filename));
    this.files.syncDirectory(this.path);
    this.files.syncDirectory(this.#parent);
  }

  /** Entries without a manifest: somebody lost it. Starting empty would look like success, and overwrite them later. */
  #refuseOrphans(): void {
    for (const name of this.files.readDirectory(this.path)) {
      if (!name.startsWith(`${this.#filename}.`) || !name.endsWith('.incr.aof')) continue;
      const size = this.files.stat(this.pathOf(name))?.sizeBytes ?? 0;
      if (size <= HEADER_BYTES) continue;
      throw new CorruptLogError(
        this.pathOf(this.#manifestName),
        0,
        `the manifest is missing, but ${name} holds ${size} bytes of entries`,
        'Restore the manifest from a backup, or move the files away to start empty.',
      );
    }
  }

  /** Makes `manifest` the one that a restart reads. Throws FileError: then either may be found after a crash of the machine. */
  publishSync(manifest: Manifest): void {
    const file = this.#writeTemporary(manifest);
    file.sync();
    file.close();
    this.#switchManifest(manifest);
    this.files.syncDirectory(this.path);
  }

  /**
   * The same beside the event loop. `check` is called last before the new one takes the old one's place, and may throw to keep it
   * from doing so. After an error `manifest` tells whether it had done so already.
   */
  async publish(manifest: Manifest, check: () => void = nothing): Promise<void> {
    const file = this.#writeTemporary(manifest);
    try {
      await file.syncAsync();
      check();
    } catch (error) {
      this.#discardTemporary();
      throw error;
    } finally {
      file.close();
    }
    this.#switchManifest(manifest);
    await this.files.syncDirectoryAsync(this.path);
  }

  #writeTemporary(manifest: Manifest): ReturnType<FileSystem['open']> {
    const file = this.files.open(this.pathOf(`temp-${this.#manifestName}`), 'replace');
    try {
      const bytes = formatManifest(manifest);
      file.write(bytes, 0, bytes.length, 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  #discardTemporary(): void {
    try {
      this.files.unlink(this.pathOf(`temp-${this.#manifestName}`));
    } catch {
      // The next start removes it.
    }
  }

  #switchManifest(manifest: Manifest): void {
    const path = this.pathOf(this.#manifestName);
    this.files.rename(joinPath(directoryOf(path), `temp-${this.#manifestName}`), path);
    this.manifest = manifest;
  }

  /** Deletes the files that became history, then their lines. Failures are left to the next time; they are told to `onError`. */
  async removeHistory(onError: (error: FileError) => void): Promise<void> {
    const history = this.manifest.history;
    if (history.length === 0) return;
    try {
      // The manifest that no longer needs them may have been left un-synced by a process that was killed.
      await this.files.syncDirectoryAsync(this.path);
      for (const entry of history) await this.#removeFile(entry);
      const { base, incremental } = this.manifest;
      await this.publish({ base, history: [], incremental });
    } catch (error) {
      onError(error as FileError);
    }
  }

  async #removeFile(entry: ManifestEntry): Promise<void> {
    const path = this.pathOf(entry.name);
    if (this.files.stat(path) !== undefined) await this.files.unlinkAsync(path);
  }

  /** Bytes of the files that a load reads. */
  get sizeBytes(): number {
    let sum = this.baseBytes;
    for (const entry of this.manifest.incremental) sum += this.#size(entry);
    return sum;
  }

  get baseBytes(): number {
    return this.manifest.base === undefined ? 0 : this.#size(this.manifest.base);
  }

  #size(entry: ManifestEntry): number {
    return this.files.stat(this.pathOf(entry.name))?.sizeBytes ?? 0;
  }
}

function nothing(): void {}
