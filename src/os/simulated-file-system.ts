/**
 * A file system in memory that does what disks do on bad days, on demand and repeatably:
 *
 *   - `crashAtCall`: the machine or the process stops before the n-th call that changes or syncs anything; `restart` gives what is
 *     found afterwards. Names too are lost until their directory is synced: of the un-synced creations, renames and removals
 *     a prefix survives, or any of them by itself.
 *   - `fault`: a call fails with the code it returns (EIO, ENOSPC ...); a sync that fails loses what it was for (simulated-inode.ts).
 *   - `capacityBytes`: the disk is full above it; a write then leaves a part of itself behind.
 *
 * Calls beside the event loop take simulated time, and have their effect when that is over.
 */
import { directoryOf, FileError, type FileStat, type FileSystem } from './file-system.ts';
import type { OpenFile, OpenMode } from './file-system.ts';
import type { SeededRandomness } from './randomness.ts';
import { SimulatedInode } from './simulated-inode.ts';
import type { SimulatedLoop } from './simulated-loop.ts';

/** Thrown by every call once the simulated machine has stopped: the program under test is no more. */
export class SimulatedCrash extends Error {
  constructor() {
    super('the simulated machine has stopped');
    this.name = 'SimulatedCrash';
  }
}

export type SimulatedOperation =
  | 'open'
  | 'mkdir'
  | 'rename'
  | 'unlink'
  | 'link'
  | 'rmdir'
  | 'write'
  | 'truncate'
  | 'fsync'
  | 'fdatasync'
  | 'fsync directory';

type NameChange = { readonly order: number; readonly path: string } & (
  | { readonly kind: 'link'; readonly inode: SimulatedInode }
  | { readonly kind: 'unlink' }
  | { readonly kind: 'rename'; readonly from: string }
);

const ASYNC_WRITE_US = 200;
const SYNC_US = 600;
const DEFAULT_PAGE_BYTES = 4096;

export class SimulatedFileSystem implements FileSystem {
  /** Calls that change or sync something, so far. */
  calls = 0;
  crashAtCall: number = Infinity;
  fault:
    | ((operation: SimulatedOperation, path: string, call: number) => string | undefined)
    | undefined = undefined;
  capacityBytes: number = Infinity;
  /** The size in which a crash loses data; small ones lose more interestingly. */
  pageBytes: number = DEFAULT_PAGE_BYTES;
  /** How long a sync takes, blocking or not. */
  syncUs: number = SYNC_US;
  isDead = false;
  readonly loop: SimulatedLoop;
  #names = new Map<string, SimulatedInode>();
  #directories = new Set<string>(['/', '.']);
  /** Names as the disk has them, and changes it has not. */
  #namesOnDisk = new Map<string, SimulatedInode>();
  #nameChanges: NameChange[] = [];
  #order = 0;
  /** Numbers of files, as far as somebody asked. */
  readonly #inodeNumbers = new WeakMap<SimulatedInode, number>();
  #inodes = 0;

  constructor(loop: SimulatedLoop) {
    this.loop = loop;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const inode of new Set(this.#names.values())) sum += inode.size;
    return sum;
  }

  /** The machine stops now. */
  stop(): void {
    this.isDead = true;
  }

  /**
   * What a program that starts after the crash finds: with `random`, of the machine; without, of the process alone, so that everything
   * the kernel was given is there. The one that crashed stays dead.
   */
  restart(random?: SeededRandomness, loop: SimulatedLoop = this.loop): SimulatedFileSystem {
    this.isDead = true;
    const next = new SimulatedFileSystem(loop);
    next.pageBytes = this.pageBytes;
    next.syncUs = this.syncUs;
    next.#inodes = this.#inodes;
    next.#directories = new Set(this.#directories);
    const names = random === undefined ? this.#names : this.#namesAfterCrash(random);
    const copies = new Map<SimulatedInode, SimulatedInode>();
    for (const [path, inode] of names) {
      let copy = copies.get(inode);
      if (copy === undefined) {
        copy = inode.survive(random, this.pageBytes);
        copies.set(inode, copy);
        const number = this.#inodeNumbers.get(inode);
        if (number !== undefined) next.#inodeNumbers.set(copy, number);
      }
      next.#names.set(path, copy);
      next.#namesOnDisk.set(path, copy);
    }
    return next;
  }

  /** Every file and its contents, for looking at. */
  dump(): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const [path, inode] of this.#names) {
      files.set(path, inode.live.bytes.slice(0, inode.live.length));
    }
    return files;
  }

  /** Puts a file there, synced. */
  put(path: string, bytes: Uint8Array): void {
    this.#directories.add(directoryOf(path));
    const inode = new SimulatedInode();
    inode.write(bytes, 0, bytes.length, 0);
    inode.settle();
    this.#names.set(path, inode);
    this.#namesOnDisk.set(path, inode);
  }

  // ---- FileSystem

  open(path: string, mode: OpenMode): OpenFile {
    let inode = this.#names.get(path);
    if (mode === 'read' || mode === 'write') {
      this.#alive();
      if (inode === undefined) throw new FileError('open', path, 'ENOENT');
      return new SimulatedFile(this, path, inode);
    }
    this.call('open', path);
    if (!this.#directories.has(directoryOf(path))) throw new FileError('open', path, 'ENOENT');
    if (inode === undefined) {
      inode = new SimulatedInode();
      this.#names.set(path, inode);
      this.#nameChanges.push({ order: this.#order++, kind: 'link', path, inode });
    } else if (mode === 'create') throw new FileError('open', path, 'EEXIST');
    else inode.truncate(0);
    return new SimulatedFile(this, path, inode);
  }

  stat(path: string): FileStat | undefined {
    this.#alive();
    const inode = this.#names.get(path);
    if (inode !== undefined) return { sizeBytes: inode.size, isDirectory: false };
    return this.#directories.has(path) ? { sizeBytes: 0, isDirectory: true } : undefined;
  }

  identity(path: string): string | undefined {
    this.#alive();
    const inode = this.#names.get(path);
    if (inode === undefined) return undefined;
    let number = this.#inodeNumbers.get(inode);
    if (number === undefined) {
      number = ++this.#inodes;
      this.#inodeNumbers.set(inode, number);
    }
    return `${number}:${inode.size}:${inode.mark}`;
  }

  readDirectory(path: string): string[] {
    this.#alive();
    if (!this.#directories.has(path)) throw new FileError('readdir', path, 'ENOENT');
    const all = [...this.#names.keys(), ...this.#directories];
    const inside = all.filter((p) => p !== path && directoryOf(p) === path);
    return inside.map((p) => p.slice(path.length + 1)).sort();
  }

  makeDirectory(path: string): void {
    this.call('mkdir', path);
    for (let p = path; !this.#directories.has(p); p = directoryOf(p)) this.#directories.add(p);
  }

  rename(from: string, to: string): void {
    this.call('rename', from);
    const inode = this.#names.get(from);
    if (inode === undefined) throw new FileError('rename', from, 'ENOENT');
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#nameChanges.push({ order: this.#order++, kind: 'rename', from, path: to });
  }

  unlink(path: string): void {
    this.call('unlink', path);
    if (!this.#names.delete(path)) throw new FileError('unlink', path, 'ENOENT');
    this.#nameChanges.push({ order: this.#order++, kind: 'unlink', path });
  }

  link(path: string, another: string): void {
    this.call('link', path);
    const inode = this.#names.get(path);
    if (inode === undefined) throw new FileError('link', path, 'ENOENT');
    if (this.#names.has(another)) throw new FileError('link', path, 'EEXIST');
    if (!this.#directories.has(directoryOf(another))) throw new FileError('link', path, 'ENOENT');
    this.#names.set(another, inode);
    this.#nameChanges.push({ order: this.#order++, kind: 'link', path: another, inode });
  }

  removeDirectory(path: string): void {
    this.call('rmdir', path);
    if (this.readDirectory(path).length > 0) throw new FileError('rmdir', path, 'ENOTEMPTY');
    this.#directories.delete(path);
  }

  /** There are no permissions here. */
  changeMode(path: string): void {
    if (!this.#names.has(path)) throw new FileError('chmod', path, 'ENOENT');
  }

  unlinkAsync(path: string): Promise<void> {
    return this.beside(ASYNC_WRITE_US, () => this.unlink(path));
  }

  syncDirectory(path: string): void {
    this.block();
    this.call('fsync directory', path);
    this.#namesReachDisk(path, this.#order);
  }

  syncDirectoryAsync(path: string): Promise<void> {
    this.#alive();
    const mark = this.#order;
    return this.beside(this.syncUs, () => {
      this.call('fsync directory', path);
      this.#namesReachDisk(path, mark);
    });
  }

  freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  // ---- for files

  /** Counts a call, and lets it crash or fail. */
  call(operation: SimulatedOperation, path: string): void {
    this.#alive();
    this.calls++;
    if (this.calls >= this.crashAtCall) {
      this.isDead = true;
      throw new SimulatedCrash();
    }
    const code = this.fault?.(operation, path, this.calls);
    if (code !== undefined) throw new FileError(operation, path, code);
  }

  /** Does `call` after `us` of simulated time and settles with what it gives; never once the machine has stopped. */
  beside<T>(us: number, call: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.loop.afterUs(us, () => {
        if (this.isDead) return;
        try {
          resolve(call());
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) reject(error);
        }
      });
    });
  }

  /** Time passes while the program waits for a sync. */
  block(): void {
    this.#alive();
    this.loop.sleepSync(this.syncUs / 1000);
  }

  #alive(): void {
    if (this.isDead) throw new SimulatedCrash();
  }

  #namesReachDisk(directory: string, mark: number): void {
    const rest: NameChange[] = [];
    for (const change of this.#nameChanges) {
      const isMeant = change.order < mark && directoryOf(change.path) === directory;
      if (isMeant) apply(this.#namesOnDisk, change);
      else rest.push(change);
    }
    this.#nameChanges = rest;
  }

  #namesAfterCrash(random: SeededRandomness): Map<string, SimulatedInode> {
    const names = new Map(this.#namesOnDisk);
    const isPrefix = random.below(2) === 0;
    const kept = isPrefix ? random.below(this.#nameChanges.length + 1) : this.#nameChanges.length;
    for (const change of this.#nameChanges.slice(0, kept)) {
      if (isPrefix || random.below(2) === 0) apply(names, change);
    }
    return names;
  }
}

function apply(names: Map<string, SimulatedInode>, change: NameChange): void {
  if (change.kind === 'link') names.set(change.path, change.inode);
  else if (change.kind === 'unlink') names.delete(change.path);
  else {
    const inode = names.get(change.from);
    if (inode === undefined) return;
    names.delete(change.from);
    names.set(change.path, inode);
  }
}

class SimulatedFile implements OpenFile {
  path: string;
  readonly #files: SimulatedFileSystem;
  readonly #inode: SimulatedInode;
  #isClosed = false;

  constructor(files: SimulatedFileSystem, path: string, inode: SimulatedInode) {
    this.path = path;
    this.#files = files;
    this.#inode = inode;
  }

  size(): number {
    return this.#inode.size;
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    this.#open('read');
    const live = this.#inode.live;
    const end = Math.min(live.length, position + length);
    if (end <= position) return 0;
    target.set(live.bytes.subarray(position, end), at);
    return end - position;
  }

  readAsync(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    return this.#files.beside(ASYNC_WRITE_US, () => this.read(target, at, length, position));
  }

  write(source: Uint8Array, from: number, to: number, position: number): void {
    this.#open('write');
    let code: string | undefined;
    try {
      this.#files.call('write', this.path);
    } catch (error) {
      if (!(error instanceof FileError)) {
        // The machine stops within this write: any part of it may have got there.
        this.#inode.write(source, from, to, position);
        throw error;
      }
      code = error.code;
    }
    const growth = Math.max(0, position + (to - from) - this.#inode.size);
    const room = this.#files.capacityBytes - this.#files.usedBytes;
    if (growth > room) {
      code = 'ENOSPC';
      to = Math.max(from, to - (growth - Math.max(0, room)));
    } else if (code !== undefined) to = from + Math.floor((to - from) / 2);
    if (to > from) this.#inode.write(source, from, to, position);
    if (code !== undefined) throw new FileError('write', this.path, code);
  }

  writeAsync(source: Uint8Array, from: number, to: number, position: number): Promise<void> {
    return this.#files.beside(ASYNC_WRITE_US, () => this.write(source, from, to, position));
  }

  sync(): void {
    this.#files.block();
    this.#sync('fsync', this.#inode.mark);
  }

  dataSync(): void {
    this.#files.block();
    this.#sync('fdatasync', this.#inode.mark);
  }

  syncAsync(): Promise<void> {
    return this.#syncLater('fsync');
  }

  dataSyncAsync(): Promise<void> {
    return this.#syncLater('fdatasync');
  }

  truncate(length: number): void {
    this.#open('truncate');
    this.#files.call('truncate', this.path);
    this.#inode.truncate(length);
  }

  close(): void {
    this.#isClosed = true;
  }

  #syncLater(operation: 'fsync' | 'fdatasync'): Promise<void> {
    if (this.#isClosed) return Promise.reject(new FileError(operation, this.path, 'EBADF'));
    const mark = this.#inode.mark;
    return this.#files.beside(this.#files.syncUs, () => this.#sync(operation, mark));
  }

  #sync(operation: 'fsync' | 'fdatasync', mark: number): void {
    try {
      this.#files.call(operation, this.path);
    } catch (error) {
      if (error instanceof FileError) this.#inode.syncFailed(mark);
      throw error;
    }
    this.#inode.sync(mark);
  }

  #open(operation: string): void {
    if (this.#files.isDead) throw new SimulatedCrash();
    if (this.#isClosed) throw new FileError(operation, this.path, 'EBADF');
  }
}
