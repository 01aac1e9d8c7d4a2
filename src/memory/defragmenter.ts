/**
 * Active defragmentation: empties pages whose blocks fit into other pages of their class, so that those pages serve any size again.
 *
 *   1. Plan, class by class: the arena marks the pages to be emptied. Where it is too few to be worth a walk, that is all.
 *   2. Walk all keyspaces by SCAN's cursor and move the marked pages' blocks, records and chunks, to where new ones go.
 *
 * A bucket of which a long value's chunks exceed what is left of a step is looked at again in the next one: what was moved is in no marked
 * page any more, hence each look gets further.
 */
import { copyBytes, type Region } from '../bytes/region.ts';
import type { Ref } from './arena.ts';
import { chunkCount } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import { CHUNK_BYTES, CHUNK_MOVE_UNITS, DEFRAGMENT_ONE_PAGE_IN } from './limits.ts';
import { CLASS_COUNT, classOf } from './size-classes.ts';

const FULL_CLASS = classOf(CHUNK_BYTES);
/** Units that the plan of one class counts as, and the look at this many chunks of a vector. */
const PLAN_UNITS = 8;
const CHUNKS_A_UNIT = 64;

type Phase = 'idle' | 'plan' | 'walk';

export class Defragmenter {
  /** Blocks moved so far. */
  moved = 0;
  readonly #engine: MemoryEngine;
  #phase: Phase = 'idle';
  #sizeClass = 0;
  #marked = 0;
  #keyspace = 0;
  #cursor = 0;
  #left = 0;
  readonly #found: Ref[] = [];
  readonly #collect = (ref: Ref): void => {
    this.#found.push(ref);
  };

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  get isRunning(): boolean {
    return this.#phase !== 'idle';
  }

  start(): void {
    if (this.isRunning) return;
    this.#phase = 'plan';
    this.#sizeClass = 0;
    this.#marked = 0;
    this.#keyspace = 0;
    this.#cursor = 0;
  }

  stop(): void {
    if (this.isRunning) this.#engine.arena.endCompaction();
    this.#phase = 'idle';
  }

  /** Works for about `units` (a record looked at or moved is one); returns what is left of `units`. */
  step(units: number): number {
    this.#left = units;
    while (this.#left > 0 && this.#phase === 'plan') this.#plan();
    while (this.#left > 0 && this.#phase === 'walk') this.#walk();
    return this.#left;
  }

  #plan(): void {
    const { arena } = this.#engine;
    if (this.#sizeClass < CLASS_COUNT) {
      this.#marked += arena.planCompaction(this.#sizeClass++);
      this.#left -= PLAN_UNITS;
    } else if (this.#marked > 0 && this.#marked * DEFRAGMENT_ONE_PAGE_IN >= arena.pagesInUse) {
      this.#phase = 'walk';
    } else {
      this.stop();
    }
  }

  #walk(): void {
    const keyspace = this.#engine.keyspaces[this.#keyspace];
    if (keyspace === undefined) {
      this.stop();
      return;
    }
    const found = this.#found;
    const next = keyspace.scan(this.#cursor, this.#collect);
    this.#left -= 1 + found.length;
    let isComplete = true;
    for (const ref of found) isComplete = this.#moveRecord(keyspace, ref) && isComplete;
    found.length = 0;
    if (!isComplete) return;
    this.#cursor = next;
    if (next === 0) this.#keyspace++;
  }

  /** Moves the record and its chunks where they are misplaced; false when chunks are left for the next step. */
  #moveRecord(keyspace: Keyspace, ref: Ref): boolean {
    const engine = this.#engine;
    let place = ref;
    if (engine.arena.isMisplaced(ref, engine.sizeClass(ref))) {
      place = keyspace.relocate(ref);
      this.moved++;
    }
    const segment = engine.segment(place);
    return (
      (engine.isValueInline(place) || this.#moveChunks(segment, engine.valueStart(place))) &&
      (engine.isKeyInline(place) || this.#moveChunks(segment, engine.keyStart(place)))
    );
  }

  #moveChunks(region: Region, at: number): boolean {
    const { arena, chunks } = this.#engine;
    const length = chunks.length(region, at);
    const count = chunkCount(length);
    this.#left -= Math.ceil(count / CHUNKS_A_UNIT);
    for (let i = 0; i < count; i++) {
      const ref = chunks.chunk(region, at, i);
      const isLast = i === count - 1;
      const sizeClass = isLast ? chunks.lastClass(region, at) : FULL_CLASS;
      if (!arena.isMisplaced(ref, sizeClass)) continue;
      const moved = arena.allocateClass(sizeClass);
      const bytes = isLast ? length - i * CHUNK_BYTES : CHUNK_BYTES;
      copyBytes(
        arena.segment(moved),
        arena.offset(moved),
        arena.segment(ref),
        arena.offset(ref),
        bytes,
      );
      chunks.setChunk(region, at, i, moved);
      arena.free(ref, sizeClass);
      this.moved++;
      this.#left -= CHUNK_MOVE_UNITS;
      if (this.#left <= 0) return false;
    }
    return true;
  }
}
