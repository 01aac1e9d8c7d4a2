/**
 * A directory that holds backups of databases, each whole by itself, which share what is the same in them:
 *
 *   KVASIR-BACKUPS   says that the directory is one of these
 *   objects/         contents of files (object-store.ts)
 *   000001.backup    a backup: its files, by object (backup-file.ts)
 *   LOCK, kvasir.*   held while backups are made or removed
 *
 * A backup is its file: that is made when all its objects are durable, and when it is removed that is durable before any object goes. What an interruption leaves are
 * objects that no backup has; `purge` removes them. Backups that were there before stay as they were.
 */
import type { DatabaseLock } from '../../os/database-lock.ts';
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import { joinPath } from '../../os/file-system.ts';
import type { Engine } from '../database/engine.ts';
import type { EngineSystem } from '../database/options.ts';
import { fromFileError, LsmError } from '../errors.ts';
import type { BackupDescription, BackupFile } from './backup-file.ts';
import { BackupIndex } from './backup-index.ts';
import { isLeftBehind, makeBackup } from './backup-making.ts';
import { Work, type WorkOptions } from './backup-work.ts';
import { CapturedState } from './captured-state.ts';
import { NewDirectory } from './new-directory.ts';
import { ObjectStore } from './object-store.ts';

export interface BackupInfo {
  /** Ascending; that of the newest backup may be given again once that was deleted. */
  readonly id: number;
  readonly createdAtMs: number;
  /** What was said when it was made. */
  readonly note: string;
  /** Of the last write that is in it. */
  readonly sequence: number;
  readonly formatLevel: number;
  readonly files: number;
  readonly sizeBytes: number;
}

export interface BackupOptions extends WorkOptions {
  /** For people, at most 1000 characters. */
  readonly note?: string | undefined;
}

export interface MadeBackup extends BackupInfo {
  /** Bytes that were not there before. */
  readonly addedBytes: number;
}

export interface RestoreOptions extends WorkOptions {
  /** Default: the newest backup that can be read. */
  readonly id?: number | undefined;
}

/** Why a backup can't be restored whole. */
export interface BackupProblem {
  readonly id: number;
  /** Which of its files has the problem; undefined for the backup's own. */
  readonly file: string | undefined;
  readonly error: LsmError;
}

export interface BackupCheck {
  readonly backups: number;
  readonly objects: number;
  readonly bytes: number;
  readonly problems: readonly BackupProblem[];
}

const OBJECTS = 'objects';
const MAX_NOTE_LENGTH = 1000;

export class BackupStore {
  readonly directory: string;
  readonly #system: EngineSystem;
  readonly #index: BackupIndex;
  readonly #objects: ObjectStore;

  /** @internal Throws LsmError EXISTS, UNSUPPORTED; FileError. */
  constructor(directory: string, system: EngineSystem) {
    this.directory = directory;
    this.#system = system;
    this.#index = new BackupIndex(system.files, directory);
    this.#objects = new ObjectStore(system.files, joinPath(directory, OBJECTS));
    this.#index.prepare(OBJECTS);
  }

  /** All backups that can be read, the oldest first. Throws LsmError IO_ERROR. */
  list(): BackupInfo[] {
    try {
      return this.#index
        .read()
        .flatMap(({ description }) => description ?? [])
        .map(infoOf);
    } catch (error) {
      throw fromFileError(error);
    }
  }

  /**
   * Reads every object of a backup, or of all, and compares it with its SHA-256. What is wrong is in the answer. Rejects with LsmError NOT_FOUND, ABORTED, IO_ERROR only
   * where it could not be looked at.
   */
  verify(id?: number, options: WorkOptions = {}): Promise<BackupCheck> {
    return translated(async () => {
      const backups = this.#index.read().filter((backup) => id === undefined || backup.id === id);
      if (id !== undefined && backups.length === 0) throw this.#index.notFound(id);
      const problems: BackupProblem[] = [];
      const users = new Map<string, { readonly id: number; readonly file: BackupFile }[]>();
      for (const { id, description, error } of backups) {
        if (error !== undefined) problems.push({ id, file: undefined, error });
        for (const file of description?.files ?? []) {
          const of = users.get(file.object);
          if (of === undefined) users.set(file.object, [{ id, file }]);
          else of.push({ id, file });
        }
      }
      const work = new Work(options);
      for (const of of users.values()) work.totalBytes += of[0]!.file.sizeBytes;
      for (const [object, of] of users) {
        const error = await this.#check(object, of[0]!.file.sizeBytes, work);
        if (error === undefined) continue;
        for (const { id, file } of of) problems.push({ id, file: file.name, error });
      }
      const { doneBytes: bytes } = work;
      return { backups: backups.length, objects: users.size, bytes, problems };
    });
  }

  /** @internal `Database.backup` has the contract. */
  async make(engine: Engine, options: BackupOptions = {}): Promise<MadeBackup> {
    const { note = '' } = options;
    if (note.length > MAX_NOTE_LENGTH) {
      throw new RangeError(`a note has at most ${MAX_NOTE_LENGTH} characters`);
    }
    return translated(async () => {
      const captured = CapturedState.of(engine);
      const state = captured instanceof Promise ? await captured : captured;
      try {
        return await this.#locked(async () => {
          const { files, clock } = this.#system;
          const place = { files, index: this.#index, objects: this.#objects };
          const about = { note, createdAtMs: clock.now() };
          const made = await makeBackup(place, state, about, new Work(options));
          return { ...infoOf(made.description), addedBytes: made.addedBytes };
        });
      } finally {
        state.release();
      }
    });
  }

  /** Removes a backup, and what no other one has. Rejects with LsmError NOT_FOUND, LOCKED, CORRUPTION where another backup can't be read, IO_ERROR. */
  delete(id: number): Promise<void> {
    return this.#locked(async () => {
      if (!this.#index.read().some((backup) => backup.id === id)) throw this.#index.notFound(id);
      await this.#remove([id]);
    });
  }

  /**
   * Removes all backups but the newest `keep`, and what only those had; without `keep`, only what interruptions have left. Settles with the bytes that were won. Rejects as
   * `delete`.
   */
  purge(options: { readonly keep?: number } = {}): Promise<number> {
    const { keep = Infinity } = options;
    if (!(keep >= 0)) throw new RangeError('keep must be 0 or more');
    return this.#locked(() => {
      const ids = this.#index.read().map((backup) => backup.id);
      return this.#remove(ids.slice(0, Math.max(0, ids.length - keep)));
    });
  }

  /**
   * Makes the database of a backup in a directory that is not there or is empty. Every byte is checked. Rejects with LsmError NOT_FOUND, EXISTS, CORRUPTION, ABORTED,
   * DISK_FULL, IO_ERROR, and then nothing is left of it.
   */
  restore(directory: string, options: RestoreOptions = {}): Promise<BackupInfo> {
    return translated(async () => {
      const description = this.#index.find(options.id);
      const target = NewDirectory.begin(this.#system.files, directory);
      try {
        const work = new Work(options);
        for (const { sizeBytes } of description.files) work.totalBytes += sizeBytes;
        for (const { name, sizeBytes, object } of description.files) {
          const onPiece = (bytes: number): void => work.did(bytes);
          await this.#objects.copyOut(object, sizeBytes, target.pathOf(name), onPiece);
        }
        await target.finish(description.manifestNumber);
      } catch (error) {
        target.abandon();
        throw error;
      }
      return infoOf(description);
    });
  }

  /** Removes backups, then every object that no other one has; returns the bytes of those. */
  async #remove(ids: readonly number[]): Promise<number> {
    const { files } = this.#system;
    for (const id of ids) files.unlink(this.#index.pathOf(id));
    if (ids.length > 0) await files.syncDirectoryAsync(this.directory);
    const used = new Set<string>();
    for (const { description, error } of this.#index.read()) {
      // What it has is not known, so nothing may go.
      if (error !== undefined) throw error;
      for (const { object } of description!.files) used.add(object);
    }
    for (const name of files.readDirectory(this.directory)) {
      if (isLeftBehind(name)) files.unlink(joinPath(this.directory, name));
    }
    return this.#objects.retain(used);
  }

  async #check(object: string, sizeBytes: number, work: Work): Promise<LsmError | undefined> {
    try {
      await this.#objects.verify(object, sizeBytes, (bytes) => work.did(bytes));
      return undefined;
    } catch (error) {
      const known = fromFileError(error);
      if (known instanceof LsmError && known.code !== 'ABORTED') return known;
      throw known;
    }
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return translated(async () => {
      const lock = await this.#lock();
      try {
        return await work();
      } finally {
        await lock.release();
      }
    });
  }

  async #lock(): Promise<DatabaseLock> {
    try {
      return await this.#system.lockDatabase(this.directory);
    } catch (error) {
      if (!(error instanceof DirectoryLockedError)) throw error;
      throw new LsmError('LOCKED', error.message, { path: this.directory, cause: error });
    }
  }
}

function infoOf(description: BackupDescription): BackupInfo {
  const { id, createdAtMs, note, sequence, formatLevel, files } = description;
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { id, createdAtMs, note, sequence, formatLevel, files: files.length, sizeBytes };
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromFileError(error);
  }
}
