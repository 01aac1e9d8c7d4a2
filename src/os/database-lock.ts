/**
 * The lock on a database's directory that LevelDB honours, and that the kernel frees however its holder ends.
 *
 *   1. The lock among ourselves is directory-lock.ts: whoever has it knows that nobody else of us is here, in any process, container or
 *      version, this process included.
 *   2. Against LevelDB, which locks the records of a file LOCK:
 *      - on Linux the list of locks tells whether somebody has them, this process too (an addon in it would not be refused by its own lock)
 *      - with Node.js 22.13 or later we lock them ourselves
 *      - before, LOCK becomes a directory, which LevelDB fails to open, with a file in it that says so. After `kill -9` it stays, and is taken
 *        over by the next of us. This is weaker: LevelDB that was there before is noticed on Linux alone, and not in another container.
 *
 * Whoever opens LOCK and closes it again within this process ends the lock without a word: nothing may, and `isHeld` looks.
 */
import fs from 'node:fs';
import { DirectoryLockedError, lockDirectory } from './directory-lock.ts';
import { FileError, joinPath } from './file-system.ts';
import { hasRecordLocks, lockRecords, recordLockHolders, type RecordLock } from './record-locks.ts';

export interface DatabaseLock {
  /** False once LOCK was replaced, or the lock on it was lost. Costs some ten microseconds: once a commit, not once a write. */
  isHeld(): boolean;
  /** Leaves an empty file LOCK, as LevelDB does. */
  release(): Promise<void>;
}

/** Locks the database in an existing directory; throws DirectoryLockedError while another has it. */
export type LockDatabase = (directory: string) => Promise<DatabaseLock>;

const LOCK_FILE = 'LOCK';
const NOTE_FILE = 'README';
const NOTE =
  'This directory stands where LevelDB expects a file, so that LevelDB leaves the database alone while Kvasir has it\n' +
  'open. If no process of Kvasir has it open, the directory LOCK can be removed.\n';

/** The lock of the real operating system. */
export const lockDatabase: LockDatabase = (directory) => lockWith(directory, hasRecordLocks());

/** `canLockRecords`: false makes do without record locks, as old versions of Node.js must. */
export async function lockWith(directory: string, canLockRecords: boolean): Promise<DatabaseLock> {
  const ours = await lockDirectory(directory);
  try {
    const path = joinPath(fs.realpathSync(directory), LOCK_FILE);
    const theirs = canLockRecords ? lockFile(directory, path) : standInFor(directory, path);
    return {
      isHeld: () => theirs.isHeld(),
      release: async () => {
        theirs.release();
        await ours.release();
      },
    };
  } catch (error) {
    await ours.release();
    throw error;
  }
}

interface Held {
  isHeld(): boolean;
  release(): void;
}

function lockFile(directory: string, path: string): Held {
  // A stand-in that nobody of us holds was left by one that was killed.
  if (isDirectory(path)) fs.rmSync(path, { recursive: true });
  refuseHolders(directory, path);
  const lock = attempt(path);
  if (lock === undefined) throw new DirectoryLockedError(directory, describe(path));
  const inode = inodeOf(path);
  const isListed = (): boolean => recordLockHolders(path)?.includes(process.pid) ?? false;
  // Some file systems have other device numbers in the list than everywhere else.
  const canLook = isListed();
  return {
    isHeld: () => inodeOf(path) === inode && (!canLook || isListed()),
    release: () => lock.release(),
  };
}

function attempt(path: string): RecordLock | undefined {
  try {
    return lockRecords(path);
  } catch (error) {
    throw new FileError('lock', path, 'ENOLCK', error);
  }
}

function standInFor(directory: string, path: string): Held {
  if (!isDirectory(path)) replaceByDirectory(directory, path);
  fs.writeFileSync(joinPath(path, NOTE_FILE), NOTE);
  const inode = inodeOf(path);
  return {
    isHeld: () => inodeOf(path) === inode,
    release: () => {
      fs.rmSync(path, { recursive: true });
      makeFile(path);
    },
  };
}

/** LOCK goes aside, so that LevelDB, should it come at this very moment, is noticed by the lock that it holds on it. */
function replaceByDirectory(directory: string, path: string): void {
  refuseHolders(directory, path);
  const aside = `${path}.aside`;
  fs.rmSync(aside, { force: true });
  const hadFile = fs.existsSync(path);
  if (hadFile) fs.renameSync(path, aside);
  try {
    fs.mkdirSync(path);
  } catch (error) {
    // LevelDB came and made another.
    if (hadFile) fs.unlinkSync(aside);
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new DirectoryLockedError(directory, describe(path));
  }
  if (!hadFile) return;
  if (recordLockHolders(aside)?.length) {
    fs.rmdirSync(path);
    fs.renameSync(aside, path);
    throw new DirectoryLockedError(directory, describe(path));
  }
  fs.unlinkSync(aside);
}

/** Without opening one that is there. */
function makeFile(path: string): void {
  try {
    fs.closeSync(fs.openSync(path, 'wx'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function refuseHolders(directory: string, path: string): void {
  if (recordLockHolders(path)?.length) throw new DirectoryLockedError(directory, describe(path));
}

function describe(path: string): string {
  const holders = recordLockHolders(path) ?? [];
  return holders.length === 0
    ? 'LevelDB'
    : `LevelDB, in process ${[...new Set(holders)].join(', ')}`;
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function inodeOf(path: string): bigint | undefined {
  return fs.statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
