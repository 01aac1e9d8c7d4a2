/**
 * The memtables of a tree: one that is written to and full ones that wait to be flushed, newest first. Each belongs to one log, whose entries it has.
 *
 * A memtable is counted against the memory budget from its making until nobody holds it: an iterator may read one that was flushed long ago. The cache makes room for it.
 */
import type { MemoryBudget } from '../cache/memory-budget.ts';
import type { CacheShare } from '../cache/shared-cache.ts';
import { Memtable } from '../memtable/memtable.ts';

export class HeldMemtable {
  readonly memtable: Memtable;
  /** The log that has its entries. */
  logNumber: number;
  /** The list itself, a flush and each reader. */
  references = 1;
  /** Of the last entry, once the memtable is full. */
  lastSequence = 0;
  /** Where the owner's log was then, of a database that has none of its own (external-position.ts). */
  position = 0;

  constructor(memtable: Memtable, logNumber: number) {
    this.memtable = memtable;
    this.logNumber = logNumber;
  }
}

export class MemtableList {
  active: HeldMemtable;
  /** Frozen, newest first. */
  full: readonly HeldMemtable[] = [];
  /** Bytes of all memtables that exist. */
  heldBytes = 0;
  readonly #sizeBytes: number;
  readonly #budget: MemoryBudget;
  readonly #cache: CacheShare;
  /** The buffer of a memtable that is done with, for the next one: its pages are there already. */
  #spare: SharedArrayBuffer | undefined = undefined;

  constructor(sizeBytes: number, budget: MemoryBudget, logNumber: number, cache: CacheShare) {
    this.#sizeBytes = sizeBytes;
    this.#budget = budget;
    this.#cache = cache;
    this.active = this.#make(sizeBytes, logNumber);
  }

  /** Whether the next memtable needs no more memory. */
  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  /** Freezes the one that is written to and begins another, for entries of a new log that take `capacityBytes` at least. */
  rotate(lastSequence: number, logNumber: number, capacityBytes: number): void {
    const next = this.#make(Math.max(this.#sizeBytes, capacityBytes), logNumber);
    this.active.memtable.freeze();
    this.active.lastSequence = lastSequence;
    this.full = [this.active, ...this.full];
    this.active = next;
  }

  /** Replaces the one that is written to, which must be empty, by one that takes more. */
  replaceEmpty(capacityBytes: number): void {
    const { active } = this;
    this.active = this.#make(Math.max(this.#sizeBytes, capacityBytes), active.logNumber);
    this.release(active);
  }

  /** Memtables that were flushed: their entries are in tables now. */
  remove(flushed: readonly HeldMemtable[]): void {
    this.full = this.full.filter((held) => !flushed.includes(held));
    for (const held of flushed) this.release(held);
  }

  /** The oldest log that will have entries which are in no table, once these memtables are flushed. */
  oldestLogWithout(flushed: readonly HeldMemtable[]): number {
    return (this.full.findLast((held) => !flushed.includes(held)) ?? this.active).logNumber;
  }

  retain(held: HeldMemtable): void {
    held.references++;
  }

  release(held: HeldMemtable): void {
    held.references--;
    if (held.references > 0) return;
    const { buffer, capacityBytes } = held.memtable;
    const isKept = this.#spare === undefined && this.#cache.makeRoom(0);
    if (capacityBytes === this.#sizeBytes && isKept) {
      this.#spare = buffer;
      return;
    }
    this.#forget(capacityBytes);
  }

  close(): void {
    for (const held of [this.active, ...this.full]) this.release(held);
    this.full = [];
    if (this.#spare === undefined) return;
    this.#spare = undefined;
    this.#forget(this.#sizeBytes);
  }

  #make(capacityBytes: number, logNumber: number): HeldMemtable {
    const spare = this.#spare;
    if (capacityBytes === this.#sizeBytes && spare !== undefined) {
      this.#spare = undefined;
      return new HeldMemtable(new Memtable(spare), logNumber);
    }
    this.#cache.makeRoom(capacityBytes);
    const memtable = Memtable.allocate(capacityBytes);
    this.heldBytes += capacityBytes;
    this.#budget.force(capacityBytes);
    return new HeldMemtable(memtable, logNumber);
  }

  #forget(capacityBytes: number): void {
    this.heldBytes -= capacityBytes;
    this.#budget.release(capacityBytes);
  }
}
