/**
 * The versions of a tree and the manifest that they are written to.
 *
 *   append   an edit goes to the manifest and makes the next version, which nobody sees yet
 *   sync     once the edit is durable its version is `current`, and only then are files that it no longer needs given to `onObsolete`, when no
 *            reader holds a version that has them
 *
 * There is one edit on its way at a time: of two that are not durable a crash might keep the second alone. One whose write or sync fails is not
 * installed, and `failure` is set unless the write could be taken back: what the next opening will find is not known then.
 */
import { joinPath, type FileSystem } from '../../os/file-system.ts';
import { setCurrentSync } from '../manifest/current.ts';
import { manifestFileName } from '../manifest/file-names.ts';
import { KVASIR_COMPARATOR, type ManifestState } from '../manifest/manifest-state.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import type { TableFile } from './table-file.ts';
import { applyEdit, versionOf } from './version-builder.ts';
import type { Version } from './version.ts';

interface PendingEdit {
  readonly version: Version;
  readonly onInstalled: () => void;
}

export class VersionSet {
  /** The version that reads begin with. */
  current: Version;
  nextFileNumber: number;
  /** A file that no version needs any more: it may be removed. */
  onObsolete: (file: TableFile) => void = () => {};
  readonly #files: FileSystem;
  readonly #directory: string;
  /** What all edits come to, one that is pending included. */
  #state: ManifestState;
  #manifest: ManifestWriter | undefined = undefined;
  #pending: PendingEdit | undefined = undefined;
  readonly #live = new Set<Version>();

  constructor(files: FileSystem, directory: string, state: ManifestState) {
    this.#files = files;
    this.#directory = directory;
    this.#state = state;
    this.nextFileNumber = state.nextFileNumber;
    this.current = versionOf(state.files.values(), state.path);
    this.#enter(this.current);
  }

  get formatLevel(): number {
    return this.#state.formatLevel;
  }

  /** Entries of WALs below this number are in tables; as of the last edit that was appended. */
  get logNumber(): number {
    return this.#state.logNumber;
  }

  get manifestNumber(): number {
    return this.#manifest?.number ?? 0;
  }

  get failure(): Error | undefined {
    return this.#manifest?.failure;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Where the next compaction of a level begins: an internal key. */
  compactPointer(level: number): Uint8Array | undefined {
    return this.#state.compactPointers.get(level);
  }

  /** Takes `count` file numbers that follow each other; returns the first. */
  allocateFileNumbers(count: number): number {
    const first = this.nextFileNumber;
    this.nextFileNumber += count;
    return first;
  }

  /** Begins a manifest with the whole state, and makes it the one that counts. Blocks. Throws FileError; the old one then still counts, or may. */
  beginManifest(): void {
    const number = this.allocateFileNumbers(1);
    const manifest = new ManifestWriter(this.#files, this.#directory, number);
    const state = this.#state;
    state.nextFileNumber = this.nextFileNumber;
    try {
      manifest.append(this.#stored(state.toEdit()));
      manifest.sync();
      setCurrentSync(this.#files, this.#directory, number);
    } catch (error) {
      manifest.close();
      throw error;
    }
    const before = this.#manifest;
    this.#manifest = manifest;
    if (before === undefined) return;
    before.close();
    this.#files.unlink(joinPath(this.#directory, manifestFileName(before.number)));
  }

  /**
   * From now on the directory is of format level 2, also after a crash: nothing of that level may be written before. No edit may be pending. Blocks. Throws FileError; it is not
   * known then which level it is of.
   */
  raiseFormatLevel(): void {
    const state = this.#state;
    state.formatLevel = 2;
    state.comparator = KVASIR_COMPARATOR;
    this.beginManifest();
  }

  get manifestBytes(): number {
    return this.#manifest?.sizeBytes ?? 0;
  }

  /**
   * Writes an edit, which `sync` will install; none may be pending. Throws FileError (nothing has changed unless `failure` is set), LsmError
   * CORRUPTION.
   */
  append(edit: VersionEdit, onInstalled: () => void): void {
    const manifest = this.#manifest!;
    const state = this.#state;
    edit.nextFileNumber = this.nextFileNumber;
    edit.lastSequence ??= state.lastSequence;
    const version = applyEdit(this.current, edit, manifest.path);
    const offset = manifest.sizeBytes;
    manifest.append(this.#stored(edit));
    state.apply(edit, offset);
    this.#pending = { version, onInstalled };
  }

  /** Makes the pending edit durable and installs it. Blocks. Throws FileError, and `failure` is set. */
  sync(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#manifest!.sync();
    this.#install(pending);
  }

  /** The same beside the event loop; `sync` may come before it. */
  async syncAsync(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    await this.#manifest!.syncAsync();
    if (this.#pending === pending) this.#install(pending);
  }

  close(): void {
    this.#manifest?.close();
    this.#manifest = undefined;
  }

  /** The edit with which another manifest begins that is to have the current version, whose entries but those of logs from `logNumber` on are in its tables. */
  editFor(version: Version, logNumber: number): VersionEdit {
    const state = this.#state;
    const edit = state.toEdit();
    edit.logNumber = logNumber;
    edit.previousLogNumber = undefined;
    edit.nextFileNumber = this.nextFileNumber;
    edit.newFiles = version.levels.flatMap((files, level) =>
      files.map((file) => file.toNewFile(level)),
    );
    return this.#stored(edit);
  }

  /** Facts of files are for format level 2: LevelDB refuses a manifest with them. */
  #stored(edit: VersionEdit): VersionEdit {
    if (this.#state.formatLevel > 1) return edit;
    const newFiles = edit.newFiles.map((file) => ({ ...file, facts: undefined }));
    return Object.assign(new VersionEdit(), edit, { newFiles });
  }

  /** Makes the version of a manifest that somebody else writes the current one. Throws LsmError CORRUPTION. */
  follow(state: ManifestState): void {
    const edit = new VersionEdit();
    const here = new Map<number, number>();
    for (const [level, files] of this.current.levels.entries()) {
      for (const { number } of files) {
        here.set(number, level);
        if (state.files.get(number)?.level !== level) edit.deletedFiles.push({ level, number });
      }
    }
    for (const file of state.files.values()) {
      if (here.get(file.number) !== file.level) edit.newFiles.push(file);
    }
    const version = applyEdit(this.current, edit, state.path);
    this.#state = state;
    this.#install({ version, onInstalled: () => {} });
  }

  // ---- references

  /** Keeps a version's files until `release`. */
  retain(version: Version): Version {
    version.references++;
    return version;
  }

  release(version: Version): void {
    version.references--;
    if (version.references === 0) this.#leave(version);
  }

  /** Versions that are held, the current one included. */
  get liveVersions(): number {
    return this.#live.size;
  }

  #install({ version, onInstalled }: PendingEdit): void {
    this.#pending = undefined;
    if (version !== this.current) {
      const before = this.current;
      this.current = version;
      this.#enter(version);
      this.release(before);
    }
    onInstalled();
  }

  #enter(version: Version): void {
    version.references++;
    this.#live.add(version);
    for (const files of version.levels) for (const file of files) file.references++;
  }

  #leave(version: Version): void {
    this.#live.delete(version);
    for (const files of version.levels) {
      for (const file of files) {
        file.references--;
        if (file.references === 0) this.onObsolete(file);
      }
    }
  }
}
