/**
 * Locks on ranges of a file (POSIX record locks), of which the kernel frees those of a process however it ends. LevelDB holds one on
 * its file LOCK. Node.js has no call for them, but SQLite, which it has inside from version 22.13 on, takes one on the file of a database; one
 * that is held exclusively and never written to stays empty.
 *
 * They belong to the process, not to a descriptor: a process is not refused by its own, and loses it when it closes any descriptor of the
 * file, whoever opened that. So nothing else may open the file meanwhile, and `isListed` looks whether the lock is still there.
 */
import fs from 'node:fs';

export interface RecordLock {
  release(): void;
}

/** What is used of node:sqlite, which the types of Node.js 20 do not have. */
interface Sqlite {
  readonly DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void };
}

/** SQLITE_BUSY. */
const BUSY = 5;

/** Whether this Node.js can take one. */
export function hasRecordLocks(): boolean {
  return loadSqlite() !== undefined;
}

/** Locks the file, which is made where it is missing; undefined while another process has it. Throws what SQLite does. */
export function lockRecords(path: string): RecordLock | undefined {
  const database = new (loadSqlite()!.DatabaseSync)(path);
  try {
    database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

function loadSqlite(): Sqlite | undefined {
  // Where node:sqlite is still called experimental, loading it warns. That is for who programs with it.
  const warn = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.('node:sqlite') as unknown as Sqlite | undefined;
  } finally {
    process.emitWarning = warn;
  }
}

/**
 * Numbers of the processes that hold record locks on the file, this one's included, as far as Linux lists them (those of other containers
 * it does not); undefined where there is no such list, none where there is no file.
 */
export function recordLockHolders(path: string): number[] | undefined {
  const list = readLocks();
  if (list === undefined) return undefined;
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? [] : holdersIn(list, stat.dev, stat.ino);
}

/** The holders of locks on the file of this device and inode number that `list`, the contents of /proc/locks, names. */
export function holdersIn(list: string, device: bigint, inode: bigint): number[] {
  // 1: POSIX  ADVISORY  WRITE 21046 fe:00:11714954 1073741824 1073742335
  const name = `${twoHex(major(device))}:${twoHex(minor(device))}:${inode}`;
  const holders: number[] = [];
  for (const line of list.split('\n')) {
    const words = line.trim().split(/\s+/);
    const isWaiting = words[1] === '->';
    if (!isWaiting && words[5] === name) holders.push(Number(words[4]));
  }
  return holders;
}

function readLocks(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return fs.readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
}

/** A device number's halves, as the C library packs them. */
function major(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
}

function minor(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & ~0xffn);
}

function twoHex(n: bigint): string {
  return n.toString(16).padStart(2, '0');
}
