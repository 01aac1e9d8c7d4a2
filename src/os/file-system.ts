/**
 * Files as logs and tables need them: positioned reads and writes on open files, explicit syncing of files and of
 * directories. `NodeFileSystem` is the real one; `SimulatedFileSystem` fails, tears and forgets on demand.
 *
 * Plain calls block; calls that end in `Async` run beside the event loop and settle a promise. Failures are `FileError`s.
 */

export interface FileStat {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
}

/**
 * How a file is opened: `read`, must exist; `write`, must exist, for reading and writing; `create`, must not exist;
 * `replace`, made anew, emptied where it exists.
 */
export type OpenMode = 'read' | 'write' | 'create' | 'replace';

export interface FileSystem {
  open(path: string, mode: OpenMode): OpenFile;
  /** undefined where nothing has this name. */
  stat(path: string): FileStat | undefined;
  /**
   * The same text as long as the name has the same file and nobody wrote to it: where it lies, its size and the time of its last change. Other links of the file
   * have it too. undefined where nothing has this name.
   */
  identity(path: string): string | undefined;
  /** Names in a directory, sorted. */
  readDirectory(path: string): string[];
  /** Makes a directory and those above it; no error where it exists. */
  makeDirectory(path: string): void;
  /** Replaces `to` where it exists, atomically. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Gives the file another name, which must not be there; not on all file systems (`linkOrCopy` does without). */
  link(path: string, another: string): void;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /** Permissions, as chmod takes them (0o700). */
  changeMode(path: string, mode: number): void;
  unlinkAsync(path: string): Promise<void>;
  /** Makes the entries of a directory (created, renamed, removed files) survive a crash of the machine. */
  syncDirectory(path: string): void;
  syncDirectoryAsync(path: string): Promise<void>;
  /** Bytes free for this user on the device of `path`. */
  freeBytes(path: string): number;
}

export interface OpenFile {
  /** For messages only; whoever renames an open file sets it. */
  path: string;
  size(): number;
  /** Reads `length` bytes at `position` to `target` at `at`; returns how many there were, fewer only at the end of the file. */
  read(target: Uint8Array, at: number, length: number, position: number): number;
  readAsync(target: Uint8Array, at: number, length: number, position: number): Promise<number>;
  /** Writes all of `source` in `[from, to)` at `position`. After an error any part of it may be in the file. */
  write(source: Uint8Array, from: number, to: number, position: number): void;
  writeAsync(source: Uint8Array, from: number, to: number, position: number): Promise<void>;
  /** Contents and metadata survive a crash of the machine. After an error nothing written since the last sync may be trusted to. */
  sync(): void;
  syncAsync(): Promise<void>;
  /** Contents, and what is needed to read them. */
  dataSync(): void;
  dataSyncAsync(): Promise<void>;
  truncate(length: number): void;
  /** No error where it is closed already. */
  close(): void;
}

/** An operation on a file failed. `code` is the system's (`ENOSPC`, `EIO`, `ENOENT` ...). */
export class FileError extends Error {
  readonly code: string;
  readonly operation: string;
  readonly path: string;

  constructor(operation: string, path: string, code: string, cause?: unknown) {
    super(`${operation} ${path}: ${describe(code)}`, cause === undefined ? undefined : { cause });
    this.name = 'FileError';
    this.code = code;
    this.operation = operation;
    this.path = path;
  }

  /** The system's text for the code (`No space left on device`). */
  get reason(): string {
    return describe(this.code);
  }
}

/** strerror's texts of codes that users meet; the code itself for others. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EBADF: 'Bad file descriptor',
  EBUSY: 'Device or resource busy',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFBIG: 'File too large',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOLCK: 'No locks available',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};

function describe(code: string): string {
  return REASONS[code] ?? code;
}

/** Whole contents of a file that is known to be small; throws `EFBIG` above `limitBytes`. */
export function readSmallFile(files: FileSystem, path: string, limitBytes: number): Uint8Array {
  const file = files.open(path, 'read');
  try {
    const size = file.size();
    if (size > limitBytes) throw new FileError('read', path, 'EFBIG');
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, file.read(bytes, 0, size, 0));
  } finally {
    file.close();
  }
}

/** The directory a path is in, and names put together; POSIX separators, which Node.js takes on Windows too. */
export function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
