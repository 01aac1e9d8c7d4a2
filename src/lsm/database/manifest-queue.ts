/**
 * Edits on their way to the disk, one at a time: written, synced beside the event loop, installed, and then the next. Who can't wait for the event loop
 * syncs what waits at once.
 *
 * An edit that fails poisons the database: it is not known what the next opening will find.
 */
import { MAX_MANIFEST_BYTES } from '../limits.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import type { Engine } from './engine.ts';

interface WaitingEdit {
  readonly edit: VersionEdit;
  readonly onInstalled: () => void;
}

export class ManifestQueue {
  readonly #engine: Engine;
  readonly #waiting: WaitingEdit[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && !this.#engine.versions.isPending;
  }

  /** `onInstalled` is called when the edit's version is the current one. */
  commit(edit: VersionEdit, onInstalled: () => void): void {
    this.#waiting.push({ edit, onInstalled });
    if (!this.#engine.versions.isPending) this.#next();
  }

  /** Blocks until nothing waits. */
  syncNow(): void {
    const { versions } = this.#engine;
    while (!this.isIdle && this.#engine.failure === undefined) {
      if (!versions.isPending && !this.#write()) return;
      try {
        versions.sync();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #next(): void {
    if (this.#waiting.length === 0 || !this.#write()) return;
    const { versions } = this.#engine;
    versions.syncAsync().then(
      () => {
        if (!versions.isPending) this.#next();
      },
      (error: unknown) => this.#failed(error),
    );
  }

  /** Gives the manifest the first edit that waits. False where that poisoned the database. */
  #write(): boolean {
    const engine = this.#engine;
    if (engine.failure !== undefined) return false;
    const { edit, onInstalled } = this.#waiting.shift()!;
    try {
      engine.checkLock();
      engine.versions.append(edit, () => {
        onInstalled();
        this.#installed();
      });
    } catch (error) {
      engine.poison('an edit could not be written to the manifest', error);
      return false;
    }
    return true;
  }

  #failed(error: unknown): void {
    this.#engine.poison('the manifest could not be synced', error);
  }

  #installed(): void {
    const engine = this.#engine;
    const { versions } = engine;
    if (versions.manifestBytes > MAX_MANIFEST_BYTES) {
      try {
        versions.beginManifest();
      } catch (error) {
        engine.poison('a new manifest could not be begun', error);
        return;
      }
    }
    engine.installed();
  }
}
