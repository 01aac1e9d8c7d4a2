/**
 * A consistent view of all records while they go on changing, without a copy of memory.
 *
 * Every record carries the number (2 bits) of the last snapshot that has it. Starting a snapshot takes the next number; a record with
 * another one is not saved yet. It is saved by the walk or, before it is changed, by the barrier `beforeChange`, whichever comes first.
 * Records made later carry the new number from birth.
 *
 * A finished snapshot leaves one number everywhere. One that is aborted leaves two; before a third could come round, `normalise` (in the
 * background) or `start` (at once, if need be) finishes the walk without saving.
 */
import type { Ref } from './arena.ts';
import type { MemoryEngine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import { EPOCH_MASK, EPOCH_SHIFT } from './record.ts';

type Save = (keyspace: Keyspace, ref: Ref) => void;

/** Aborted snapshots in a row that the two bits allow for. */
const MAX_ABORTED = 2;

export class Snapshot {
  epoch = 0;
  readonly #engine: MemoryEngine;
  #save: Save | undefined = undefined;
  /** Walking without saving, after an abort. */
  #isNormalising = false;
  #aborted = 0;
  #serial = 0;
  /** The contents that the walk is in came from this keyspace. */
  #walkOrigin: Keyspace | undefined = undefined;
  #walked = 0;
  readonly #walkVisit = (ref: Ref): void => {
    this.#walked++;
    this.visit(this.#walkOrigin!, ref);
  };

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  /** The number of the snapshot under way, counted from 1; 0: none. */
  get activeSerial(): number {
    return this.#save === undefined ? 0 : this.#serial;
  }

  get isActive(): boolean {
    return this.#save !== undefined;
  }

  start(save: Save): void {
    if (this.isActive) throw new Error('a snapshot is under way');
    if (this.#isNormalising && this.#aborted >= MAX_ABORTED) this.normalise(Infinity);
    this.#save = save;
    this.#serial++;
    this.#isNormalising = false;
    this.#begin();
  }

  /** To be called before `ref` of `keyspace` is changed, freed or moved. */
  beforeChange(keyspace: Keyspace, ref: Ref): void {
    if (this.#save !== undefined) this.visit(keyspace.origin, ref);
  }

  /** Saves `ref`, which was in `origin` when the snapshot began, unless that was done. */
  visit(origin: Keyspace, ref: Ref): void {
    const arena = this.#engine.arena;
    const bytes = arena.segment(ref).bytes;
    const at = arena.offset(ref) + 1;
    const flags = bytes[at]!;
    if ((flags & EPOCH_MASK) >>> EPOCH_SHIFT === this.epoch) return;
    bytes[at] = (flags & ~EPOCH_MASK) | (this.epoch << EPOCH_SHIFT);
    this.#save?.(origin, ref);
  }

  /** Walks on for about `units` records; true when the snapshot is complete. */
  step(units: number): boolean {
    if (!this.isActive) return true;
    const left = this.#walk(units);
    if (left <= 0 || this.#engine.detached.holdsSnapshot) {
      // Records of cleared keyspaces are saved when they are freed.
      this.#engine.freeInBackground(Math.max(left, 0));
      return false;
    }
    this.#save = undefined;
    this.#aborted = 0;
    return true;
  }

  abort(): void {
    if (!this.isActive) return;
    this.#save = undefined;
    this.#aborted++;
    this.#isNormalising = true;
    for (const keyspace of this.#engine.keyspaces) {
      keyspace.isWalked = false;
      keyspace.snapshotCursor = 0;
    }
  }

  /** Gives all records the current number, after an abort, `units` records at a time; returns what is left of `units`. */
  normalise(units: number): number {
    if (!this.#isNormalising) return units;
    const left = this.#walk(units);
    if (left > 0) {
      this.#isNormalising = false;
      this.#aborted = 0;
    }
    return left;
  }

  /** Throws where a record has a number that it can't have. For tests. */
  checkInvariants(): void {
    if (this.isActive || this.#isNormalising) return;
    const { arena, keyspaces } = this.#engine;
    for (const keyspace of keyspaces) {
      keyspace.forEach((ref) => {
        const flags = arena.segment(ref).bytes[arena.offset(ref) + 1]!;
        if ((flags & EPOCH_MASK) >>> EPOCH_SHIFT !== this.epoch) {
          throw new Error('a record has the number of an older snapshot');
        }
      });
    }
  }

  #begin(): void {
    this.epoch = (this.epoch + 1) & 3;
    for (const keyspace of this.#engine.keyspaces) {
      keyspace.origin = keyspace;
      keyspace.snapshotCursor = 0;
      keyspace.isWalked = false;
    }
  }

  /** Visits records for `units`; what is left is positive only when all were visited. */
  #walk(units: number): number {
    let left = units;
    for (const keyspace of this.#engine.keyspaces) {
      while (!keyspace.isWalked) {
        if (left <= 0) return 0;
        this.#walkOrigin = keyspace.origin;
        this.#walked = 0;
        keyspace.snapshotCursor = keyspace.scan(keyspace.snapshotCursor, this.#walkVisit);
        left -= 1 + this.#walked;
        if (keyspace.snapshotCursor === 0) keyspace.isWalked = true;
      }
    }
    return Math.max(left, 1);
  }
}
