/** A file in memory for tests of log files: what an OpenFile does, with its bytes at hand, and writes that fail on demand. */
import { FileError, type OpenFile } from '../../../os/file-system.ts';

export class MemoryFile implements OpenFile {
  path = '/db/000001.log';
  bytes: Uint8Array = new Uint8Array(0);
  writes = 0;
  /** The next write leaves this many bytes behind and fails. */
  failAfterBytes: number | undefined = undefined;
  failTruncate = false;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
  }

  size(): number {
    return this.bytes.length;
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    const part = this.bytes.subarray(position, position + length);
    target.set(part, at);
    return part.length;
  }

  write(source: Uint8Array, from: number, to: number, position: number): void {
    this.writes++;
    const failing = this.failAfterBytes;
    if (failing !== undefined) to = Math.min(to, from + failing);
    const bytes = new Uint8Array(Math.max(this.bytes.length, position + to - from));
    bytes.set(this.bytes);
    bytes.set(source.subarray(from, to), position);
    this.bytes = bytes;
    if (failing === undefined) return;
    this.failAfterBytes = undefined;
    throw new FileError('write', this.path, 'ENOSPC');
  }

  truncate(length: number): void {
    if (this.failTruncate) throw new FileError('truncate', this.path, 'EIO');
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(0, length));
    this.bytes = bytes;
  }

  readAsync(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    return Promise.resolve(this.read(target, at, length, position));
  }

  writeAsync(source: Uint8Array, from: number, to: number, position: number): Promise<void> {
    this.write(source, from, to, position);
    return Promise.resolve();
  }

  sync(): void {}
  dataSync(): void {}
  syncAsync(): Promise<void> {
    return Promise.resolve();
  }
  dataSyncAsync(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
}
