/** Tables of keyspaces that were cleared, whose records are freed bit by bit; records that a snapshot misses are saved first. */
import { NONE, type Ref } from './arena.ts';
import type { MemoryEngine } from './engine.ts';
import type { ExpiryHeap } from './expiry-heap.ts';
import { type IndexTable, MOVED } from './index-table.ts';
import type { Keyspace } from './keyspace.ts';

interface Detached {
  origin: Keyspace;
  table: IndexTable;
  /** Kept until the records are gone, since what is saved of a record includes its expiry. */
  heap: ExpiryHeap | undefined;
  slot: number;
  /** The snapshot that was under way when the keyspace was cleared; 0: none. */
  snapshot: number;
}

export class DetachedTables {
  /** Records that wait to be freed. */
  records = 0;
  /** Bytes of the tables and heaps that wait. */
  bytes = 0;
  readonly #engine: MemoryEngine;
  readonly #queue: Detached[] = [];

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  /** Takes the tables of a keyspace and the heap of its records. */
  add(origin: Keyspace, tables: readonly IndexTable[], heap: ExpiryHeap): void {
    const snapshot = this.#engine.snapshot.activeSerial;
    for (const [i, table] of tables.entries()) {
      const isLast = i === tables.length - 1;
      this.records += table.used;
      this.bytes += table.bytes + (isLast ? heap.bytes : 0);
      this.#queue.push({ origin, table, heap: isLast ? heap : undefined, slot: 0, snapshot });
    }
  }

  /** Whether records wait that belong to the snapshot under way. */
  get holdsSnapshot(): boolean {
    const serial = this.#engine.snapshot.activeSerial;
    return serial !== 0 && this.#queue.some((detached) => detached.snapshot === serial);
  }

  /** Visits the records that wait. For tests. */
  forEach(visit: (ref: Ref) => void): void {
    for (const { table, slot } of this.#queue) {
      for (let i = slot; i < table.slotCount; i++) {
        const ref = table.slots[i * 2]!;
        if (ref !== NONE && ref !== MOVED) visit(ref);
      }
    }
  }

  /** Throws where a count is wrong. For tests. */
  checkInvariants(): void {
    let records = 0;
    let bytes = 0;
    this.forEach(() => records++);
    for (const { table, heap } of this.#queue) bytes += table.bytes + (heap?.bytes ?? 0);
    if (records !== this.records)
      throw new Error(`${this.records} records wait, counted ${records}`);
    if (bytes !== this.bytes) throw new Error(`${this.bytes} bytes wait, counted ${bytes}`);
  }

  /** Looks at up to `units` slots and frees what is in them; returns what is left of `units`. */
  free(units: number): number {
    let left = units;
    while (left > 0 && this.#queue.length > 0) {
      const first = this.#queue[0]!;
      const { table } = first;
      const serial = this.#engine.snapshot.activeSerial;
      const isInSnapshot = serial !== 0 && first.snapshot === serial;
      const end = Math.min(table.slotCount, first.slot + left);
      for (let i = first.slot; i < end; i++) {
        const ref = table.slots[i * 2]!;
        if (ref === NONE || ref === MOVED) continue;
        if (isInSnapshot) this.#engine.snapshot.visit(first.origin, ref);
        this.#engine.freeRecord(ref);
        this.records--;
      }
      left -= end - first.slot;
      first.slot = end;
      if (end === table.slotCount) {
        this.bytes -= table.bytes + (first.heap?.bytes ?? 0);
        first.heap?.release();
        this.#queue.shift();
      }
    }
    return left;
  }
}
