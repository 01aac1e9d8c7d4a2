/**
 * An open-addressing table of (reference, hash) pairs: 8 bytes a slot, linear probing, home slot = hash & mask.
 *
 * A table that takes insertions has no tombstones: removal shifts the entries behind it back. A table that is being emptied (the old
 * one while a keyspace is resized) takes none, and removal leaves MOVED, so that probe runs stay whole.
 */
import type { Ref } from './arena.ts';
import { EngineFullError } from './errors.ts';
import { MAX_SLOTS } from './limits.ts';

/** In an old table: the entry is gone or in the new table. Never a reference (limits.ts). */
export const MOVED = -1;

/** No table: finds nothing, holds nothing, costs nothing. */
const NO_SLOTS: Int32Array = new Int32Array(2);

export class IndexTable {
  /** Pairs: slots[2i] the reference (0: empty), slots[2i + 1] the hash. */
  slots: Int32Array;
  mask: number;
  /** Entries. */
  used = 0;

  /** `slotCount`: 0 or a power of two. Throws EngineFullError. */
  constructor(slotCount: number) {
    this.slots = slotCount === 0 ? NO_SLOTS : allocateSlots(slotCount);
    this.mask = slotCount === 0 ? 0 : slotCount - 1;
  }

  get slotCount(): number {
    return this.slots === NO_SLOTS ? 0 : this.mask + 1;
  }

  get bytes(): number {
    return this.slots === NO_SLOTS ? 0 : this.slots.byteLength;
  }

  /** Adds an entry; there must be an empty slot. */
  add(hash: number, ref: Ref): void {
    const slots = this.slots;
    const mask = this.mask;
    let i = hash & mask;
    while (slots[i * 2] !== 0) i = (i + 1) & mask;
    slots[i * 2] = ref;
    slots[i * 2 + 1] = hash;
    this.used++;
  }

  /** The slot that holds `ref`, whose hash is `hash`, or -1. (There is an empty slot in every table: even a full one has a quarter of them.) */
  slotOf(hash: number, ref: Ref): number {
    const slots = this.slots;
    const mask = this.mask;
    let i = hash & mask;
    for (;;) {
      const found = slots[i * 2]!;
      if (found === ref) return i;
      if (found === 0) return -1;
      i = (i + 1) & mask;
    }
  }

  /** Empties slot `i` of a table that takes insertions: entries behind it move up, so that no probe run is cut. */
  removeAt(i: number): void {
    const slots = this.slots;
    const mask = this.mask;
    let gap = i;
    for (let j = (i + 1) & mask; slots[j * 2] !== 0; j = (j + 1) & mask) {
      const home = slots[j * 2 + 1]! & mask;
      // The entry at j may fill the gap unless its home lies cyclically in (gap, j].
      if (((j - home) & mask) < ((j - gap) & mask)) continue;
      slots[gap * 2] = slots[j * 2]!;
      slots[gap * 2 + 1] = slots[j * 2 + 1]!;
      gap = j;
    }
    slots[gap * 2] = 0;
    this.used--;
  }

  /** Empties slot `i` of a table that is being emptied. */
  vacate(i: number): void {
    this.slots[i * 2] = MOVED;
    this.used--;
  }

  /** Visits the entries whose home is slot `bucket`. */
  eachInBucket(bucket: number, visit: (ref: Ref) => void): void {
    const slots = this.slots;
    const mask = this.mask;
    for (let i = bucket; slots[i * 2] !== 0; i = (i + 1) & mask) {
      const ref = slots[i * 2]!;
      if (ref !== MOVED && (slots[i * 2 + 1]! & mask) === bucket) visit(ref);
    }
  }

  /** Throws where a count is wrong or a probe run is cut. For tests. */
  checkInvariants(): void {
    let used = 0;
    let empty = 0;
    for (let i = 0; i < this.slots.length; i += 2) {
      const ref = this.slots[i]!;
      if (ref === 0) empty++;
      if (ref === 0 || ref === MOVED) continue;
      used++;
      if (this.slotOf(this.slots[i + 1]!, ref) !== i / 2) throw new Error('a probe run is cut');
    }
    if (used !== this.used) throw new Error(`table says ${this.used} entries, has ${used}`);
    if (empty * 4 < this.slotCount) throw new Error('fewer than a quarter of the slots are empty');
  }
}

function allocateSlots(slotCount: number): Int32Array {
  if (slotCount > MAX_SLOTS) {
    throw new EngineFullError('the memory engine has reached its limit of keys in one keyspace');
  }
  try {
    return new Int32Array(slotCount * 2);
  } catch (error) {
    throw new EngineFullError('the system has no memory for a larger index', { cause: error });
  }
}
