/** Removes files that nothing needs any more, beside the event loop. What can't be removed is found as rubbish by the next opening. */
import { type FileSystem, joinPath } from '../../os/file-system.ts';

export class FileRemovals {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #underWay = new Set<Promise<void>>();

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** `names`: the file has one of them. */
  remove(...names: readonly string[]): void {
    const removal = this.#removeAny(names).finally(() => this.#underWay.delete(removal));
    this.#underWay.add(removal);
  }

  /** Settles when no removal is under way. */
  async done(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #removeAny(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        await this.#files.unlinkAsync(joinPath(this.#directory, name));
        return;
      } catch {
        // Perhaps it has the other name.
      }
    }
  }
}
