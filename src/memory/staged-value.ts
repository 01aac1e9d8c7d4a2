/**
 * A long value while it arrives: chunks that belong to no record yet. A record takes them as they are (`Keyspace.insertStaged`,
 * `replaceStaged`), so nothing of it is copied but the end of the last chunk. Whoever made it frees it if nobody took it.
 */
import type { ChunkedBytes } from '../bytes/chunked-bytes.ts';
import { copyBytes, type Region } from '../bytes/region.ts';
import type { Arena, Ref } from './arena.ts';
import { lastChunkBytes } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import { CHUNK_BYTES } from './limits.ts';
import { CLASS_BYTES, classOf } from './size-classes.ts';

const FULL_CLASS = classOf(CHUNK_BYTES);

export class StagedValue implements ChunkedBytes {
  length = 0;
  /** A record has the chunks: they can be read until it changes, and are its to free. */
  isTaken = false;
  readonly #engine: MemoryEngine;
  readonly #arena: Arena;
  #refs: Int32Array = new Int32Array(16);
  #count = 0;
  #lastClass = FULL_CLASS;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
    this.#arena = engine.arena;
  }

  /** Bytes of its blocks. */
  get bytes(): number {
    if (this.isTaken || this.#count === 0) return 0;
    return (this.#count - 1) * CLASS_BYTES[FULL_CLASS]! + CLASS_BYTES[this.#lastClass]!;
  }

  /** Adds bytes at the end. Throws EngineFullError; what was there before is there still. */
  append(region: Region, start: number, end: number): void {
    while (start < end) {
      const inChunk = this.length % CHUNK_BYTES;
      if (inChunk === 0) this.#addChunk();
      const part = Math.min(end - start, CHUNK_BYTES - inChunk);
      const ref = this.#refs[this.#count - 1]!;
      copyBytes(this.#arena.segment(ref), this.#arena.offset(ref) + inChunk, region, start, part);
      this.length += part;
      start += part;
    }
  }

  each(
    from: number,
    to: number,
    visit: (region: Region, start: number, end: number) => void,
  ): void {
    while (from < to) {
      const ref = this.#refs[Math.floor(from / CHUNK_BYTES)]!;
      const inChunk = from % CHUNK_BYTES;
      const part = Math.min(to - from, CHUNK_BYTES - inChunk);
      const start = this.#arena.offset(ref) + inChunk;
      visit(this.#arena.segment(ref), start, start + part);
      from += part;
    }
  }

  /** The chunks as a record takes them, the last one in a block of its size. Throws EngineFullError, and nothing has changed. */
  fit(): { refs: Int32Array; lastClass: number } {
    this.#fitLast();
    return { refs: this.#refs.subarray(0, this.#count), lastClass: this.#lastClass };
  }

  /** A record has taken them. */
  taken(): void {
    this.#engine.stagedBytes -= this.bytes;
    this.isTaken = true;
  }

  /** Frees the chunks, unless a record has them. */
  free(): void {
    if (this.isTaken) return;
    this.#engine.stagedBytes -= this.bytes;
    for (let i = 0; i < this.#count; i++) {
      this.#arena.free(this.#refs[i]!, i === this.#count - 1 ? this.#lastClass : FULL_CLASS);
    }
    this.#count = 0;
    this.length = 0;
    this.#lastClass = FULL_CLASS;
  }

  #addChunk(): void {
    const ref: Ref = this.#arena.allocateClass(FULL_CLASS);
    this.#engine.stagedBytes += CLASS_BYTES[FULL_CLASS]!;
    if (this.#count === this.#refs.length) {
      const refs = new Int32Array(this.#count * 2);
      refs.set(this.#refs);
      this.#refs = refs;
    }
    this.#refs[this.#count++] = ref;
  }

  #fitLast(): void {
    if (this.#count === 0) return;
    const bytes = lastChunkBytes(this.length);
    const fitting = classOf(bytes);
    if (fitting === this.#lastClass) return;
    const arena = this.#arena;
    const last = this.#refs[this.#count - 1]!;
    const fitted = arena.allocateClass(fitting);
    copyBytes(
      arena.segment(fitted),
      arena.offset(fitted),
      arena.segment(last),
      arena.offset(last),
      bytes,
    );
    const before = this.bytes;
    arena.free(last, this.#lastClass);
    this.#refs[this.#count - 1] = fitted;
    this.#lastClass = fitting;
    this.#engine.stagedBytes += this.bytes - before;
  }
}
