/** The operating system as the floors above see it. A server is given one of these; tests give parts of a simulated one. */
import { SystemClock, type Clock } from './clock.ts';
import { lockDatabase, type LockDatabase } from './database-lock.ts';
import { lockDirectory, type LockDirectory } from './directory-lock.ts';
import type { FileSystem } from './file-system.ts';
import { NodeFileSystem } from './node-file-system.ts';
import { SystemRandomness, type Randomness } from './randomness.ts';
import { SystemTimers, type Timers } from './timers.ts';

export interface System {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly files: FileSystem;
  readonly lockDirectory: LockDirectory;
  readonly lockDatabase: LockDatabase;
}

export function realSystem(): System {
  return {
    clock: new SystemClock(),
    timers: new SystemTimers(),
    randomness: new SystemRandomness(),
    files: new NodeFileSystem(),
    lockDirectory,
    lockDatabase,
  };
}
