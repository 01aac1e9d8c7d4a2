/**
 * A lock on a directory: at most one server works in it. The kernel frees it however its holder ends, and a process
 * number that was given out again can't be mistaken for the holder, because no process number is looked at.
 *
 * The lock is a Unix socket that listens:
 *   1. Linux: an abstract socket, its name made from the directory's device and inode number. Binding one is atomic and leaves no file.
 *      Abstract names belong to a network namespace, therefore also:
 *   2. a socket file `kvasir.lock` in the directory, which servers in other containers of this machine see. A file that nobody
 *      listens on (connection refused) was left by a server that was killed and is replaced.
 * Where there are no abstract sockets (macOS, the BSDs) the file alone is the lock; two servers that start in the same
 * millisecond after a crash could then both take it. On Windows a named pipe stands for the abstract socket. Machines that share a
 * directory over a network are not kept apart.
 *
 * `kvasir.owner` says who holds it, for people: it is never evidence.
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { joinPath } from './file-system.ts';

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Takes the lock of an existing directory; throws DirectoryLockedError while another holds it. */
export type LockDirectory = (directory: string) => Promise<DirectoryLock>;

/** Somebody works in the directory: another process, or this one. */
export class DirectoryLockedError extends Error {
  readonly code = 'DIRECTORY_LOCKED';
  readonly directory: string;

  /** `owner`: who holds it, in words, as far as is known. */
  constructor(directory: string, owner: string) {
    super(`directory ${directory} is in use${owner === '' ? '' : ` (${owner})`}`);
    this.name = 'DirectoryLockedError';
    this.directory = directory;
  }
}

const LOCK_FILE = 'kvasir.lock';
const OWNER_FILE = 'kvasir.owner';
/** What the lock keeps in a directory. */
export const DIRECTORY_LOCK_FILES: readonly string[] = [LOCK_FILE, OWNER_FILE];

/** The lock of the real operating system. */
export const lockDirectory: LockDirectory = async (directory) => {
  const stat = fs.statSync(directory, { bigint: true });
  const name = `kvasir-directory-lock-${stat.dev.toString(16)}-${stat.ino.toString(16)}`;
  const held: Held[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(held.map((lock) => lock.release()));
  };

  const kernelName = kernelSocketName(name);
  if (kernelName !== undefined) {
    const server = await listen(kernelName);
    if (server === undefined) throw new DirectoryLockedError(directory, readOwner(directory));
    held.push({ release: () => close(server) });
  }
  if (process.platform !== 'win32') {
    try {
      const lock = await listenInDirectory(directory);
      if (lock !== undefined) held.push(lock);
      else if (kernelName === undefined) throw new Error('this file system has no sockets');
    } catch (error) {
      await release();
      throw error;
    }
  }
  writeOwner(directory);
  return {
    release: async () => {
      fs.rmSync(joinPath(directory, OWNER_FILE), { force: true });
      await release();
    },
  };
};

interface Held {
  release(): Promise<void>;
}

function kernelSocketName(name: string): string | undefined {
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return undefined;
}

/** A server that listens there, or undefined where somebody does already. */
function listen(path: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    // Whoever connects only wants to know that we live.
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** undefined where the file system knows no sockets. */
async function listenInDirectory(directory: string): Promise<Held | undefined> {
  // A socket's path may have 107 bytes; through the descriptor of its directory it is always short. The descriptor
  // stays open as long as the socket: closing a socket removes its file by that very path.
  const viaProc = process.platform === 'linux' && fs.existsSync('/proc/self/fd');
  const fd = viaProc ? fs.openSync(directory, fs.constants.O_RDONLY) : -1;
  const path = joinPath(viaProc ? `/proc/self/fd/${fd}` : directory, LOCK_FILE);
  const closeDirectory = (): void => {
    if (fd >= 0) fs.closeSync(fd);
  };
  try {
    if (await isAnswering(path)) throw new DirectoryLockedError(directory, readOwner(directory));
    fs.rmSync(joinPath(directory, LOCK_FILE), { force: true });
    const server = await listen(path);
    if (server === undefined) throw new DirectoryLockedError(directory, readOwner(directory));
    return { release: () => close(server).then(closeDirectory) };
  } catch (error) {
    closeDirectory();
    if (error instanceof DirectoryLockedError) throw error;
    return undefined;
  }
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // EAGAIN: its queue of connections is full, so it lives.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
  });
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function writeOwner(directory: string): void {
  const text = `process ${process.pid} on ${os.hostname()}, since ${new Date().toISOString()}\n`;
  try {
    fs.writeFileSync(joinPath(directory, OWNER_FILE), text);
  } catch {
    // It is only for people; a full disk must not stop the start.
  }
}

function readOwner(directory: string): string {
  try {
    return fs.readFileSync(joinPath(directory, OWNER_FILE), 'utf8').slice(0, 200).trim();
  } catch {
    return '';
  }
}
