/** Removes files that nothing needs any more, beside the event loop. What can't be removed is found as rubbish by the next opening. */
import { type FileSystem, joinPath } from '../../os/file-system.ts';

export class FileRemovals {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #underWay = new Set<Promise<void>>();
  /** Whoever copies files that only their names keep: until they are done nothing is removed. */
  #holds = 0;
  #waiting: (readonly string[])[] = [];
  #isClosed = false;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** `names`: the file has one of them. */
  remove(...names: readonly string[]): void {
    if (this.#isClosed) return;
    if (this.#holds > 0) {
      this.#waiting.push(names);
      return;
    }
    const removal = this.#removeAny(names).finally(() => this.#underWay.delete(removal));
    this.#underWay.add(removal);
  }

  /** Removes nothing until as many `letGo` have come. */
  hold(): void {
    this.#holds++;
  }

  letGo(): void {
    this.#holds--;
    if (this.#holds > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const names of waiting) this.remove(...names);
  }

  /** Nothing is removed any more; settles when no removal is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
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
