/** Locks on directories and databases of a simulated machine. They end with the machine (a new one has a new `SimulatedLocks`), or on demand. */
import type { DatabaseLock, LockDatabase } from './database-lock.ts';
import { DirectoryLockedError, type DirectoryLock, type LockDirectory } from './directory-lock.ts';

export class SimulatedLocks {
  #held = new Map<string, object>();

  lockDirectory: LockDirectory = (directory): Promise<DirectoryLock> =>
    this.lockDatabase(directory);

  lockDatabase: LockDatabase = async (directory): Promise<DatabaseLock> => {
    await Promise.resolve();
    if (this.#held.has(directory)) throw new DirectoryLockedError(directory, 'simulated');
    const token = {};
    this.#held.set(directory, token);
    const isHeld = (): boolean => this.#held.get(directory) === token;
    return {
      isHeld,
      release: async () => {
        await Promise.resolve();
        if (isHeld()) this.#held.delete(directory);
      },
    };
  };

  /** The lock is gone without its holder having released it. */
  lose(directory: string): void {
    this.#held.delete(directory);
  }
}
