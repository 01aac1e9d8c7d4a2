/**
 * Vectors of chunks: how a key or value that does not fit a record's block is stored.
 *
 *   0   length in bytes (32 bits)
 *   4   size class of the last chunk's block (32 bits)
 *   8   references of the chunks (32 bits each); each holds 64 KiB, the last one the rest
 *
 * Chunks that are full never move while the value grows.
 */
import { copyBytes, type Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import { CHUNK_BYTES } from './limits.ts';
import { CLASS_BYTES, classOf } from './size-classes.ts';

const VECTOR_HEADER = 8;
const FULL_CLASS = classOf(CHUNK_BYTES);

/** Bytes of the vector that holds `length` bytes. */
export function vectorBytes(length: number): number {
  return VECTOR_HEADER + 4 * chunkCount(length);
}

export function chunkCount(length: number): number {
  return Math.ceil(length / CHUNK_BYTES);
}

/** Bytes in the last chunk of a vector for `length` bytes. */
export function lastChunkBytes(length: number): number {
  return length - (chunkCount(length) - 1) * CHUNK_BYTES;
}

export class Chunks {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  length(region: Region, at: number): number {
    return region.view.getUint32(at, true);
  }

  chunk(region: Region, at: number, index: number): Ref {
    return region.view.getInt32(at + VECTOR_HEADER + 4 * index, true);
  }

  setChunk(region: Region, at: number, index: number, ref: Ref): void {
    region.view.setInt32(at + VECTOR_HEADER + 4 * index, ref, true);
  }

  /**
   * Allocates chunks `from` .. of a vector for `length` bytes, contents undefined; returns their references and the last one's class. Throws
   * EngineFullError with nothing allocated.
   */
  allocate(from: number, length: number): { refs: Int32Array; lastClass: number } {
    const count = chunkCount(length) - from;
    const refs = new Int32Array(count);
    const lastClass = classOf(lastChunkBytes(length));
    try {
      for (let i = 0; i < count; i++) {
        refs[i] = this.#arena.allocateClass(i === count - 1 ? lastClass : FULL_CLASS);
      }
    } catch (error) {
      for (let i = 0; i < count && refs[i] !== NONE; i++) {
        this.#arena.free(refs[i]!, i === count - 1 ? lastClass : FULL_CLASS);
      }
      throw error;
    }
    return { refs, lastClass };
  }

  /** Writes the vector's head and the references of chunks `from` .. */
  store(
    region: Region,
    at: number,
    length: number,
    lastClass: number,
    from: number,
    refs: Int32Array,
  ): void {
    region.view.setUint32(at, length, true);
    region.view.setInt32(at + 4, lastClass, true);
    for (let i = 0; i < refs.length; i++) {
      this.setChunk(region, at, from + i, refs[i]!);
    }
  }

  lastClass(region: Region, at: number): number {
    return region.view.getInt32(at + 4, true);
  }

  /** Bytes of all blocks of the vector at `at`. */
  blockBytes(region: Region, at: number): number {
    const count = chunkCount(this.length(region, at));
    return (count - 1) * CLASS_BYTES[FULL_CLASS]! + CLASS_BYTES[this.lastClass(region, at)]!;
  }

  /** Frees chunks from the end until `keep` are left or `budget` are freed; the vector's length follows. Returns how many were freed. */
  freeFromEnd(region: Region, at: number, keep: number, budget: number): number {
    const count = chunkCount(this.length(region, at));
    let freed = 0;
    let sizeClass = this.lastClass(region, at);
    let left = count;
    while (left > keep && freed < budget) {
      left--;
      this.#arena.free(this.chunk(region, at, left), sizeClass);
      sizeClass = FULL_CLASS;
      freed++;
    }
    if (freed > 0) {
      region.view.setUint32(at, left * CHUNK_BYTES, true);
      region.view.setInt32(at + 4, FULL_CLASS, true);
    }
    return freed;
  }

  /** Copies `[start, end)` of `source` to offset `offset` of the value whose vector is at `at`. */
  write(
    region: Region,
    at: number,
    offset: number,
    source: Region,
    start: number,
    end: number,
  ): void {
    const arena = this.#arena;
    while (start < end) {
      const ref = this.chunk(region, at, Math.floor(offset / CHUNK_BYTES));
      const inChunk = offset % CHUNK_BYTES;
      const part = Math.min(end - start, CHUNK_BYTES - inChunk);
      copyBytes(arena.segment(ref), arena.offset(ref) + inChunk, source, start, part);
      start += part;
      offset += part;
    }
  }

  byte(region: Region, at: number, offset: number): number {
    const ref = this.chunk(region, at, Math.floor(offset / CHUNK_BYTES));
    return this.#arena.segment(ref).bytes[this.#arena.offset(ref) + (offset % CHUNK_BYTES)]!;
  }

  setByte(region: Region, at: number, offset: number, byte: number): void {
    const ref = this.chunk(region, at, Math.floor(offset / CHUNK_BYTES));
    this.#arena.segment(ref).bytes[this.#arena.offset(ref) + (offset % CHUNK_BYTES)] = byte;
  }

  /** Visits the spans that make up bytes `[from, to)`. */
  each(
    region: Region,
    at: number,
    from: number,
    to: number,
    visit: (region: Region, start: number, end: number) => void,
  ): void {
    const arena = this.#arena;
    while (from < to) {
      const ref = this.chunk(region, at, Math.floor(from / CHUNK_BYTES));
      const inChunk = from % CHUNK_BYTES;
      const part = Math.min(to - from, CHUNK_BYTES - inChunk);
      const start = arena.offset(ref) + inChunk;
      visit(arena.segment(ref), start, start + part);
      from += part;
    }
  }

  /** Whether the value equals `[start, end)` of `other` (of the same length). */
  equals(region: Region, at: number, other: Region, start: number): boolean {
    let isEqual = true;
    this.each(region, at, 0, this.length(region, at), (chunk, from, to) => {
      if (!isEqual) return;
      const a = chunk.bytes.subarray(from, to);
      isEqual = Buffer.compare(a, other.bytes.subarray(start, start + to - from)) === 0;
      start += to - from;
    });
    return isEqual;
  }
}
