/** An open file in memory, for tests that write and read tables without a file system. */
import { FileError, type OpenFile } from '../../os/file-system.ts';

export class MemoryFile implements OpenFile {
  path: string;
  bytes: Uint8Array;
  length = 0;
  /** Bytes asked for by the largest read. */
  largestRead = 0;
  reads = 0;
  writes = 0;
  /** A code with which reads fail. */
  readFault: string | undefined = undefined;

  constructor(path = '000005.ldb', bytes: Uint8Array = new Uint8Array(0)) {
    this.path = path;
    this.bytes = bytes;
    this.length = bytes.length;
  }

  /** What was written. */
  contents(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  size(): number {
    return this.length;
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    this.reads++;
    this.largestRead = Math.max(this.largestRead, length);
    if (this.readFault !== undefined) throw new FileError('read', this.path, this.readFault);
    const count = Math.max(0, Math.min(length, this.length - position));
    target.set(this.bytes.subarray(position, position + count), at);
    return count;
  }

  async readAsync(
    target: Uint8Array,
    at: number,
    length: number,
    position: number,
  ): Promise<number> {
    await Promise.resolve();
    return this.read(target, at, length, position);
  }

  write(source: Uint8Array, from: number, to: number, position: number): void {
    this.writes++;
    const end = position + to - from;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(from, to), position);
    this.length = Math.max(this.length, end);
  }

  async writeAsync(source: Uint8Array, from: number, to: number, position: number): Promise<void> {
    await Promise.resolve();
    this.write(source, from, to, position);
  }

  sync(): void {}

  syncAsync(): Promise<void> {
    return Promise.resolve();
  }

  dataSync(): void {}

  dataSyncAsync(): Promise<void> {
    return Promise.resolve();
  }

  truncate(length: number): void {
    this.length = length;
  }

  close(): void {}
}
