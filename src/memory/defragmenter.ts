/**
 * Active defragmentation: walks all keyspaces by SCAN's cursor and moves records and chunks out of pages that are less than half full, so
 * that such pages become empty and serve any size again.
 */
import type { Ref } from './arena.ts';
import { copyBytes, type Region } from '../bytes/region.ts';
import { chunkCount } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import { CHUNK_BYTES } from './limits.ts';
import { classOf } from './size-classes.ts';

const FULL_CLASS = classOf(CHUNK_BYTES);
const VECTOR_HEADER = 8;

export class Defragmenter {
  /** Blocks moved so far. */
  moved = 0;
  readonly #engine: MemoryEngine;
  #keyspace = -1;
  #cursor = 0;
  readonly #found: Ref[] = [];
  readonly #collect = (ref: Ref): void => {
    this.#found.push(ref);
  };

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  get isRunning(): boolean {
    return this.#keyspace >= 0;
  }

  start(): void {
    if (this.isRunning) return;
    this.#keyspace = 0;
    this.#cursor = 0;
  }

  stop(): void {
    this.#keyspace = -1;
  }

  /** Looks at about `units` records; returns what is left of `units`. */
  step(units: number): number {
    let left = units;
    while (left > 0 && this.isRunning) {
      const keyspace = this.#engine.keyspaces[this.#keyspace];
      if (keyspace === undefined) {
        this.stop();
        return left;
      }
      this.#cursor = keyspace.scan(this.#cursor, this.#collect);
      for (const ref of this.#found) this.#defragment(keyspace, ref);
      left -= 1 + this.#found.length;
      this.#found.length = 0;
      if (this.#cursor === 0) this.#keyspace++;
    }
    return left;
  }

  #defragment(keyspace: Keyspace, ref: Ref): void {
    const engine = this.#engine;
    let place = ref;
    if (engine.arena.isSparse(ref, engine.sizeClass(ref))) {
      place = keyspace.relocate(ref);
      this.moved++;
    }
    if (!engine.isValueInline(place))
      this.#moveChunks(engine.segment(place), engine.valueStart(place));
    if (!engine.isKeyInline(place)) this.#moveChunks(engine.segment(place), engine.keyStart(place));
  }

  #moveChunks(region: Region, at: number): void {
    const { arena, chunks } = this.#engine;
    const count = chunkCount(chunks.length(region, at));
    for (let i = 0; i < count; i++) {
      const ref = chunks.chunk(region, at, i);
      const sizeClass = i === count - 1 ? chunks.lastClass(region, at) : FULL_CLASS;
      if (!arena.isSparse(ref, sizeClass)) continue;
      arena.demote(ref, sizeClass);
      const moved = arena.allocateClass(sizeClass);
      const bytes = Math.min(CHUNK_BYTES, chunks.length(region, at) - i * CHUNK_BYTES);
      copyBytes(
        arena.segment(moved),
        arena.offset(moved),
        arena.segment(ref),
        arena.offset(ref),
        bytes,
      );
      region.view.setInt32(at + VECTOR_HEADER + 4 * i, moved, true);
      arena.free(ref, sizeClass);
      this.moved++;
    }
  }
}
