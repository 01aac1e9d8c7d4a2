/** A database's operating system in simulated time, and how to wait in it. For tests. */
import type { LockDatabase } from '../../os/database-lock.ts';
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import type { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../os/simulated-loop.ts';
import type { EngineSystem } from '../database/options.ts';

export class SimulatedSystem implements EngineSystem {
  readonly files: SimulatedFileSystem;
  readonly #locked = new Set<string>();

  constructor(files: SimulatedFileSystem = new SimulatedFileSystem(new SimulatedLoop())) {
    this.files = files;
  }

  get clock(): SimulatedLoop {
    return this.files.loop;
  }

  get timers(): SimulatedLoop {
    return this.files.loop;
  }

  readonly lockDatabase: LockDatabase = (directory) => {
    if (this.#locked.has(directory)) {
      return Promise.reject(new DirectoryLockedError(directory, 'this process'));
    }
    this.#locked.add(directory);
    return Promise.resolve({
      isHeld: () => this.#locked.has(directory),
      release: () => {
        this.#locked.delete(directory);
        return Promise.resolve();
      },
    });
  };

  /** What a program that starts afterwards finds: after a crash of the machine with `random`, else after the end of the process. */
  restart(random?: SeededRandomness): SimulatedSystem {
    return new SimulatedSystem(this.files.restart(random, new SimulatedLoop()));
  }

  /** Runs the world until the promise is settled. Throws SimulatedCrash where the machine stops meanwhile. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    await this.files.loop.runUntil(() => isSettled || this.files.isDead);
    if (!isSettled) throw new SimulatedCrash();
    return promise;
  }
}
