/**
 * Edits on their way to the disk: appended at once, synced beside the event loop, one sync for all that came meanwhile, and then installed. Who can't wait
 * for the event loop syncs them at once.
 *
 * An edit that fails poisons the database: it is not known what the next opening will find.
 */
import { MAX_MANIFEST_BYTES } from '../limits.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import type { Engine } from './engine.ts';

export class ManifestQueue {
  readonly #engine: Engine;
  #isSyncing = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** `onInstalled` is called when the edit's version is the current one. */
  commit(edit: VersionEdit, onInstalled: () => void): void {
    const engine = this.#engine;
    try {
      engine.checkLock();
      engine.versions.append(edit, engine.lastSequence, () => {
        onInstalled();
        this.#installed();
      });
    } catch (error) {
      engine.poison('an edit could not be written to the manifest', error);
      return;
    }
    this.#sync();
  }

  /** Blocks. */
  syncNow(): void {
    const { versions } = this.#engine;
    if (!versions.isPending) return;
    try {
      versions.sync();
    } catch (error) {
      this.#failed(error);
    }
  }

  #sync(): void {
    if (this.#isSyncing) return;
    const { versions } = this.#engine;
    this.#isSyncing = true;
    versions.syncAsync().then(
      () => {
        this.#isSyncing = false;
        if (versions.isPending) this.#sync();
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    this.#engine.poison('the manifest could not be synced', error);
  }

  #installed(): void {
    const engine = this.#engine;
    const { versions } = engine;
    if (versions.manifestBytes > MAX_MANIFEST_BYTES && !versions.isPending) {
      try {
        versions.beginManifest(engine.lastSequence);
      } catch (error) {
        engine.poison('a new manifest could not be begun', error);
        return;
      }
    }
    engine.installed();
  }
}
