/**
 * The index of a keyspace: from keys to records, by their keyed hash.
 *
 * One table, or two while it is resized: insertions go to the new one, and every insertion and removal (and the engine's background step)
 * migrates some slots of the old one, so that no call's time grows with the number of keys. The old table is gone before the new one has to
 * grow: it takes a change for each MIGRATE_SLOTS of its slots, and more changes than that lie between two resizes (limits.ts).
 */
import { equalBytes, type Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import type { Chunks } from './chunks.ts';
import { EngineFullError } from './errors.ts';
import { IndexTable, MOVED } from './index-table.ts';
import { GROW_LOAD, MIGRATE_SLOTS, MIN_SLOTS, SHRINK_FACTOR, SHRINK_LOAD } from './limits.ts';
import { hasInlineKey, HEADER_BYTES, keyAreaOf } from './record.ts';
import { bucketStep } from './scan-cursor.ts';

const CACHE_LINE_BYTES = 64;

export class KeyIndex {
  #table: IndexTable = new IndexTable(0);
  /** Entries at which the table is full. */
  #growAt = 0;
  #old: IndexTable | undefined = undefined;
  /** Slots of the old table below this one are migrated. */
  #migrated = 0;
  readonly #arena: Arena;
  readonly #chunks: Chunks;
  /** What `warm` read: said, so that no compiler leaves the reads out. */
  warmed = 0;

  constructor(arena: Arena, chunks: Chunks) {
    this.#arena = arena;
    this.#chunks = chunks;
  }

  get size(): number {
    return this.#table.used + (this.#old === undefined ? 0 : this.#old.used);
  }

  get slotCount(): number {
    return this.#table.slotCount + (this.#old?.slotCount ?? 0);
  }

  get isResizing(): boolean {
    return this.#old !== undefined;
  }

  get bytes(): number {
    return this.#table.bytes + (this.#old?.bytes ?? 0);
  }

  /** The tables, the one that takes insertions first. */
  get tables(): IndexTable[] {
    return this.#old === undefined ? [this.#table] : [this.#table, this.#old];
  }

  find(hash: number, region: Region, start: number, end: number): Ref {
    const ref = this.#findIn(this.#table, hash, region, start, end);
    if (ref !== NONE || this.#old === undefined) return ref;
    return this.#findIn(this.#old, hash, region, start, end);
  }

  /** Reads the first slot of each hash, then both ends of an ordinary record in it: see look-ahead.ts. */
  warm(hashes: Int32Array, refs: Int32Array, count: number): void {
    const { slots, mask } = this.#table;
    const { segments, segmentShift, unitMask } = this.#arena;
    for (let i = 0; i < count; i++) refs[i] = slots[(hashes[i]! & mask) * 2]!;
    let read = 0;
    for (let i = 0; i < count; i++) {
      const ref = refs[i]!;
      if (ref === NONE || ref === MOVED) continue;
      const { bytes } = segments[ref >>> segmentShift]!;
      const at = (ref & unitMask) << 3;
      read += bytes[at]!;
      if (at + CACHE_LINE_BYTES < bytes.length) read += bytes[at + CACHE_LINE_BYTES]!;
    }
    this.warmed = read;
  }

  holds(hash: number, ref: Ref): boolean {
    return this.#table.slotOf(hash, ref) >= 0 || (this.#old?.slotOf(hash, ref) ?? -1) >= 0;
  }

  /** Bytes of the table that the next `makeRoom` allocates, 0 where there is room. */
  get growthBytes(): number {
    if (this.#table.used < this.#growAt) return 0;
    return Math.max(MIN_SLOTS, this.#table.slotCount * 2) * 8;
  }

  /** To be called before `add`, and before anything is changed: throws EngineFullError where the index can't grow. */
  makeRoom(): void {
    if (this.#table.used >= this.#growAt) this.#grow();
  }

  add(hash: number, ref: Ref): void {
    this.#table.add(hash, ref);
    if (this.#old !== undefined) this.migrate(MIGRATE_SLOTS);
  }

  /** Removes `ref`, which must be in the index under `hash`. */
  remove(hash: number, ref: Ref): void {
    const slot = this.#table.slotOf(hash, ref);
    if (slot >= 0) this.#table.removeAt(slot);
    else this.#old!.vacate(this.#old!.slotOf(hash, ref));
    if (this.#old !== undefined) this.migrate(MIGRATE_SLOTS);
    else this.#shrinkIfSparse();
  }

  /** The record under `hash` is at `to` now. */
  replace(hash: number, from: Ref, to: Ref): void {
    let table = this.#table;
    let slot = table.slotOf(hash, from);
    if (slot < 0) {
      table = this.#old!;
      slot = table.slotOf(hash, from);
    }
    table.slots[slot * 2] = to;
  }

  /** Some record, each about as likely as any other; `random` gives numbers in [0, 1). */
  random(random: () => number): Ref {
    if (this.size === 0) return NONE;
    const first = this.#table.slotCount;
    const both = this.slotCount;
    let i = Math.floor(random() * both);
    for (let tries = 0; ; tries++) {
      const ref = i < first ? this.#table.slots[i * 2]! : this.#old!.slots[(i - first) * 2]!;
      if (ref !== NONE && ref !== MOVED) return ref;
      // A table just emptied is nearly all holes: from some point on look at the neighbours instead.
      i = tries < 256 ? Math.floor(random() * both) : (i + 1) % both;
    }
  }

  scan(cursor: number, visit: (ref: Ref) => void): number {
    if (this.size === 0) return 0;
    return bucketStep(this.#table, this.#old, cursor, visit);
  }

  forEach(visit: (ref: Ref) => void): void {
    for (const table of this.tables) {
      for (let i = 0; i < table.slots.length; i += 2) {
        const ref = table.slots[i]!;
        if (ref !== NONE && ref !== MOVED) visit(ref);
      }
    }
  }

  /** Makes the table large enough for `count` keys, ahead of a load. */
  reserve(count: number): void {
    let slots = MIN_SLOTS;
    while (count > slots * GROW_LOAD) slots *= 2;
    if (slots <= this.#table.slotCount || this.#old !== undefined) return;
    this.#resize(slots);
  }

  /** Migrates up to `units` slots; returns what is left of `units`. */
  migrate(units: number): number {
    let left = units;
    while (left > 0 && this.#old !== undefined) left -= this.#migrateFrom(this.#old, left);
    return left;
  }

  /** Throws where a probe run is cut or a count is wrong. `hashOf` gives the hash of a record's key. */
  checkInvariants(hashOf: (ref: Ref) => number): void {
    const old = this.#old;
    for (const table of this.tables) {
      table.checkInvariants();
      for (let i = 0; i < table.slots.length; i += 2) {
        const ref = table.slots[i]!;
        if (ref === NONE || ref === MOVED) continue;
        if (table.slots[i + 1] !== hashOf(ref)) throw new Error("a slot has another key's hash");
        if (table === old && i / 2 < this.#migrated) throw new Error('an entry was left behind');
      }
    }
    if (this.#table.used > this.#growAt) throw new Error('the index should have grown');
    if (old !== undefined && old.used === 0) throw new Error('an empty table is kept');
  }

  #findIn(table: IndexTable, hash: number, region: Region, start: number, end: number): Ref {
    const slots = table.slots;
    const mask = table.mask;
    let i = hash & mask;
    for (;;) {
      const ref = slots[i * 2]!;
      if (ref === NONE) return NONE;
      if (slots[i * 2 + 1] === hash && ref !== MOVED && this.#hasKey(ref, region, start, end)) {
        return ref;
      }
      i = (i + 1) & mask;
    }
  }

  #hasKey(ref: Ref, region: Region, start: number, end: number): boolean {
    const arena = this.#arena;
    const segment = arena.segments[ref >>> arena.segmentShift]!;
    const at = (ref & arena.unitMask) << 3;
    const head = segment.view.getInt32(at, true);
    const length = end - start;
    if (hasInlineKey(head)) {
      return (
        keyAreaOf(head) === length && equalBytes(segment, at + HEADER_BYTES, region, start, length)
      );
    }
    return (
      this.#chunks.length(segment, at + HEADER_BYTES) === length &&
      this.#chunks.equals(segment, at + HEADER_BYTES, region, start)
    );
  }

  #grow(): void {
    // The old table is gone by now; safe all the same.
    if (this.#old !== undefined) this.migrate(Infinity);
    this.#resize(Math.max(MIN_SLOTS, this.#table.slotCount * 2));
  }

  #shrinkIfSparse(): void {
    const { slotCount, used } = this.#table;
    if (slotCount <= MIN_SLOTS || used >= slotCount * SHRINK_LOAD) return;
    let slots = used === 0 ? MIN_SLOTS : Math.max(MIN_SLOTS, slotCount / SHRINK_FACTOR);
    while (used > slots * GROW_LOAD * 0.5) slots *= 2;
    if (slots >= slotCount) return;
    try {
      this.#resize(slots);
    } catch (error) {
      // Nothing may refuse a removal; the next one tries again.
      if (!(error instanceof EngineFullError)) throw error;
    }
  }

  #resize(slots: number): void {
    const old = this.#table;
    this.#arena.tableChanges++;
    this.#table = new IndexTable(slots);
    this.#growAt = Math.floor(slots * GROW_LOAD);
    if (old.used === 0) return;
    this.#old = old;
    this.#migrated = 0;
  }

  /** Migrates up to `units` slots of `old`; returns how many. */
  #migrateFrom(old: IndexTable, units: number): number {
    const slots = old.slots;
    const first = this.#migrated;
    const end = Math.min(old.slotCount, first + units);
    for (let i = first; i < end; i++) {
      const ref = slots[i * 2]!;
      if (ref === NONE || ref === MOVED) continue;
      this.#table.add(slots[i * 2 + 1]!, ref);
      old.vacate(i);
    }
    this.#migrated = end;
    if (old.used === 0) {
      this.#old = undefined;
      this.#arena.tableChanges++;
      // One shrink leads to the next; what was made large by `reserve` stays so.
      if (old.slotCount > this.#table.slotCount) this.#shrinkIfSparse();
    }
    return end - first;
  }
}
