/** The real file system. */
import fs from 'node:fs';
import {
  FileError,
  type FileStat,
  type FileSystem,
  type OpenFile,
  type OpenMode,
} from './file-system.ts';

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  write: O_RDWR,
  create: O_RDWR | O_CREAT | O_EXCL,
  replace: O_RDWR | O_CREAT | O_TRUNC,
};
/** Files hold users' data: nobody else reads them unless the operator says so. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o755;
/** Linux moves at most 2 GiB - 4 KiB in one call, and Node.js takes at most 2^31 - 1. */
const MAX_TRANSFER_BYTES = 1 << 30;
/** Half a second of patience (see `stubbornly`). */
const RETRIES = 20;
const RETRY_MS = 25;

export class NodeFileSystem implements FileSystem {
  open(path: string, mode: OpenMode): OpenFile {
    return new NodeFile(
      path,
      attempt('open', path, () => fs.openSync(path, FLAGS[mode], FILE_MODE)),
    );
  }

  stat(path: string): FileStat | undefined {
    return attempt('stat', path, () => {
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      return stat && { sizeBytes: stat.size, isDirectory: stat.isDirectory() };
    });
  }

  identity(path: string): string | undefined {
    return attempt('stat', path, () => {
      const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat && `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
    });
  }

  readDirectory(path: string): string[] {
    return attempt('readdir', path, () => fs.readdirSync(path).sort());
  }

  makeDirectory(path: string): void {
    attempt('mkdir', path, () => fs.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE }));
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => stubbornly(() => fs.renameSync(from, to)));
  }

  unlink(path: string): void {
    attempt('unlink', path, () => stubbornly(() => fs.unlinkSync(path)));
  }

  link(path: string, another: string): void {
    attempt('link', path, () => fs.linkSync(path, another));
  }

  removeDirectory(path: string): void {
    attempt('rmdir', path, () => stubbornly(() => fs.rmdirSync(path)));
  }

  changeMode(path: string, mode: number): void {
    attempt('chmod', path, () => fs.chmodSync(path, mode));
  }

  unlinkAsync(path: string): Promise<void> {
    if (process.platform !== 'win32') {
      return promised('unlink', path, (done) => fs.unlink(path, done));
    }
    // `rm` has `stubbornly`'s patience, and does not remove directories unless told to.
    const patience = { maxRetries: RETRIES, retryDelay: RETRY_MS };
    return promised('unlink', path, (done) => fs.rm(path, patience, done));
  }

  syncDirectory(path: string): void {
    // Windows opens no directories; its file systems keep entries in order by themselves.
    if (process.platform === 'win32') return;
    const fd = attempt('open', path, () => fs.openSync(path, O_RDONLY));
    try {
      attempt('fsync', path, () => fs.fsyncSync(fd));
    } finally {
      fs.closeSync(fd);
    }
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    if (process.platform === 'win32') return;
    const fd = attempt('open', path, () => fs.openSync(path, O_RDONLY));
    try {
      await promised('fsync', path, (done) => fs.fsync(fd, done));
    } finally {
      fs.closeSync(fd);
    }
  }

  freeBytes(path: string): number {
    return attempt('statfs', path, () => {
      const stat = fs.statfsSync(path);
      return stat.bavail * stat.bsize;
    });
  }
}

class NodeFile implements OpenFile {
  path: string;
  #fd: number;
  /** Calls beside the event loop that still use the descriptor: it may not be closed under them. */
  #inFlight = 0;
  #isClosing = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  size(): number {
    return attempt('fstat', this.path, () => fs.fstatSync(this.#fd).size);
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    let total = 0;
    while (total < length) {
      const part = Math.min(length - total, MAX_TRANSFER_BYTES);
      let count: number;
      try {
        count = fs.readSync(this.#fd, target, at + total, part, position + total);
      } catch (error) {
        throw wrap('read', this.path, error);
      }
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  async readAsync(
    target: Uint8Array,
    at: number,
    length: number,
    position: number,
  ): Promise<number> {
    let total = 0;
    while (total < length) {
      const part = Math.min(length - total, MAX_TRANSFER_BYTES);
      let count = 0;
      await this.#beside('read', (done) =>
        fs.read(this.#fd, target, at + total, part, position + total, (error, n) => {
          count = n;
          done(error);
        }),
      );
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  write(source: Uint8Array, from: number, to: number, position: number): void {
    // A short count means that the disk is full or the like; asking again for the rest tells why.
    while (from < to) {
      let count: number;
      try {
        count = fs.writeSync(
          this.#fd,
          source,
          from,
          Math.min(to - from, MAX_TRANSFER_BYTES),
          position,
        );
      } catch (error) {
        throw wrap('write', this.path, error);
      }
      from += count;
      position += count;
    }
  }

  async writeAsync(source: Uint8Array, from: number, to: number, position: number): Promise<void> {
    while (from < to) {
      const part = Math.min(to - from, MAX_TRANSFER_BYTES);
      let count = 0;
      const start = from;
      const place = position;
      await this.#beside('write', (done) =>
        fs.write(this.#fd, source, start, part, place, (error, n) => {
          count = n;
          done(error);
        }),
      );
      from += count;
      position += count;
    }
  }

  sync(): void {
    attempt('fsync', this.path, () => fs.fsyncSync(this.#fd));
  }

  syncAsync(): Promise<void> {
    return this.#beside('fsync', (done) => fs.fsync(this.#fd, done));
  }

  dataSync(): void {
    attempt('fdatasync', this.path, () => fs.fdatasyncSync(this.#fd));
  }

  dataSyncAsync(): Promise<void> {
    return this.#beside('fdatasync', (done) => fs.fdatasync(this.#fd, done));
  }

  truncate(length: number): void {
    attempt('truncate', this.path, () => fs.ftruncateSync(this.#fd, length));
  }

  close(): void {
    this.#isClosing = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#inFlight > 0 || this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    attempt('close', this.path, () => fs.closeSync(fd));
  }

  #beside(operation: string, call: (done: Done) => void): Promise<void> {
    if (this.#fd < 0 || this.#isClosing) {
      return Promise.reject(new FileError(operation, this.path, 'EBADF'));
    }
    this.#inFlight++;
    return promised(operation, this.path, call).finally(() => {
      this.#inFlight--;
      if (this.#isClosing) this.#closeWhenIdle();
    });
  }
}

/**
 * On Windows a file that a virus scanner or an indexer has just opened can be neither renamed nor removed for a moment: tried again, a
 * bounded number of times.
 */
export function stubbornly(
  call: () => void,
  isWindows: boolean = process.platform === 'win32',
): void {
  for (let left = isWindows ? RETRIES : 0; ; left--) {
    try {
      call();
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (left === 0 || (code !== 'EPERM' && code !== 'EACCES' && code !== 'EBUSY')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

type Done = (error: NodeJS.ErrnoException | null) => void;

function promised(operation: string, path: string, call: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error === null ? resolve() : reject(wrap(operation, path, error))));
  });
}

function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw wrap(operation, path, error);
  }
}

function wrap(operation: string, path: string, error: unknown): FileError {
  const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
  return new FileError(operation, path, code, error);
}
