/**
 * Contents of files under the names of their SHA-256: what is there already is not stored twice, whichever database it comes from, and whether an object is
 * still what it was can be told from its name.
 *
 * An object is written under a temporary name, synced and renamed, so that what has a whole name is whole. The names are durable after `sync`.
 */
import { createHash } from 'node:crypto';
import { FileError, type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { COPY_PIECE_BYTES } from '../limits.ts';

const NAME = /^[0-9a-f]{64}$/;
const TEMPORARY = /^\d+\.tmp$/;

export function isObjectName(name: string): boolean {
  return NAME.test(name);
}

/** Told of every piece; throws where it is to end. */
export type OnPiece = (bytes: number) => void;

export class ObjectStore {
  readonly path: string;
  readonly #files: FileSystem;
  #temporaries = 0;

  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.path = path;
  }

  pathOf(name: string): string {
    return joinPath(this.path, name);
  }

  /** Objects that there are, with their sizes. Throws FileError. */
  list(): Map<string, number> {
    const found = new Map<string, number>();
    for (const name of this.#files.readDirectory(this.path)) {
      if (!isObjectName(name)) continue;
      const stat = this.#files.stat(this.pathOf(name));
      if (stat !== undefined) found.set(name, stat.sizeBytes);
    }
    return found;
  }

  /** Whether there is such an object, of this size. */
  has(name: string, sizeBytes: number): boolean {
    return this.#files.stat(this.pathOf(name))?.sizeBytes === sizeBytes;
  }

  /** Stores the first `sizeBytes` of a file; returns the object's name. Rejects with a FileError. */
  async add(from: string, sizeBytes: number, onPiece: OnPiece): Promise<string> {
    const files = this.#files;
    const source = files.open(from, 'read');
    const temporary = this.pathOf(`${++this.#temporaries}.tmp`);
    try {
      const target = files.open(temporary, 'replace');
      try {
        const name = await hashOf(source, sizeBytes, async (piece, count, at) => {
          await target.writeAsync(piece, 0, count, at);
          onPiece(count);
        });
        if (this.has(name, sizeBytes)) files.unlink(temporary);
        else {
          await target.syncAsync();
          files.rename(temporary, this.pathOf(name));
        }
        return name;
      } finally {
        target.close();
      }
    } catch (error) {
      if (error instanceof FileError || error instanceof LsmError) this.#forget(temporary);
      throw error;
    } finally {
      source.close();
    }
  }

  /** Copies an object to a new file, synced, and checks it. Rejects with LsmError CORRUPTION, FileError. */
  async copyOut(name: string, sizeBytes: number, to: string, onPiece: OnPiece): Promise<void> {
    const target = this.#files.open(to, 'create');
    try {
      await this.#read(name, sizeBytes, async (piece, count, at) => {
        await target.writeAsync(piece, 0, count, at);
        onPiece(count);
      });
      await target.syncAsync();
    } finally {
      target.close();
    }
  }

  /** Reads an object and checks it. Rejects with LsmError CORRUPTION, FileError. */
  async verify(name: string, sizeBytes: number, onPiece: OnPiece): Promise<void> {
    await this.#read(name, sizeBytes, (_, count) => onPiece(count));
  }

  /** Makes the names of all objects durable. Rejects with a FileError. */
  sync(): Promise<void> {
    return this.#files.syncDirectoryAsync(this.path);
  }

  /** Removes all objects but those of these names, and what was never finished; returns the bytes of the former. Throws FileError. */
  retain(names: ReadonlySet<string>): number {
    let bytes = 0;
    for (const name of this.#files.readDirectory(this.path)) {
      const isObject = isObjectName(name);
      if (isObject ? names.has(name) : !TEMPORARY.test(name)) continue;
      if (isObject) bytes += this.#files.stat(this.pathOf(name))?.sizeBytes ?? 0;
      this.#files.unlink(this.pathOf(name));
    }
    return bytes;
  }

  async #read(name: string, sizeBytes: number, take: TakePiece): Promise<void> {
    const path = this.pathOf(name);
    const source = this.#files.open(path, 'read');
    try {
      const found = source.size();
      if (found !== sizeBytes) {
        const problem = 'an object is not as long as it was';
        throw new LsmError('CORRUPTION', problem, { path, expected: sizeBytes, found });
      }
      const hash = await hashOf(source, sizeBytes, take);
      if (hash !== name) {
        const problem = 'an object has changed: its SHA-256 is another';
        throw new LsmError('CORRUPTION', problem, { path, expected: name, found: hash });
      }
    } finally {
      source.close();
    }
  }

  #forget(temporary: string): void {
    try {
      this.#files.unlink(temporary);
    } catch {
      // `retain` removes it.
    }
  }
}

type TakePiece = (piece: Uint8Array, count: number, at: number) => Promise<void> | void;

async function hashOf(source: OpenFile, sizeBytes: number, take: TakePiece): Promise<string> {
  const hash = createHash('sha256');
  const piece = new Uint8Array(Math.min(COPY_PIECE_BYTES, sizeBytes));
  for (let at = 0; at < sizeBytes;) {
    const count = await source.readAsync(piece, 0, Math.min(piece.length, sizeBytes - at), at);
    if (count === 0) throw new FileError('read', source.path, 'EIO');
    hash.update(piece.subarray(0, count));
    await take(piece, count, at);
    at += count;
  }
  return hash.digest('hex');
}
