/**
 * A set of keys: index, expiry heap and all changes of records. Costs nothing while it is empty.
 *
 * The index is one table, or two while it is resized: insertions go to the new one, and every insertion and removal (and the
 * engine's background step) migrates some slots of the old one, so that no call's time grows with the number of keys.
 *
 * Every change of a record passes the snapshot's barrier first (`snapshot.ts`). A call that returns a Ref may have moved the record.
 */
import { copyBytes, equalBytes, type Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import { chunkCount, type Chunks, vectorBytes } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import { IndexTable, MOVED } from './index-table.ts';
import {
  CHUNK_BYTES,
  GROW_LOAD,
  INLINE_KEY_BYTES,
  INLINE_RECORD_BYTES,
  MAX_LENGTH_BYTES,
  MIGRATE_SLOTS,
  MIN_SLOTS,
  SHRINK_LOAD,
} from './limits.ts';
import {
  ACCESS_FIELD,
  CLASS_FIELD,
  EPOCH_SHIFT,
  HEADER_BYTES,
  HEAP_FIELD,
  KEY_CHUNKED,
  KEY_FIELD,
  OBSERVED,
  VALUE_CHUNKED,
  VALUE_FIELD,
} from './record.ts';
import { bucketStep } from './scan-cursor.ts';
import { halfSipHash } from './siphash.ts';
import { CLASS_BYTES, classOf } from './size-classes.ts';

/** What a keyspace holds: the part that `swapContents` exchanges. */
interface Contents {
  table: IndexTable;
  old: IndexTable | undefined;
  /** Slots of the old table below this one are migrated. */
  migrated: number;
  heap: ExpiryHeap;
  /** The keyspace these contents were in when the snapshot began, and how far the snapshot's walk is. */
  origin: Keyspace;
  snapshotCursor: number;
  isWalked: boolean;
}

export class Keyspace {
  readonly engine: MemoryEngine;
  readonly #arena: Arena;
  readonly #chunks: Chunks;
  readonly #k0: number;
  readonly #k1: number;
  #table: IndexTable;
  #old: IndexTable | undefined = undefined;
  #migrated = 0;
  #heap: ExpiryHeap;
  origin: Keyspace;
  snapshotCursor = 0;
  isWalked = true;

  constructor(engine: MemoryEngine) {
    this.engine = engine;
    this.#arena = engine.arena;
    this.#chunks = engine.chunks;
    this.#k0 = engine.hashKey0;
    this.#k1 = engine.hashKey1;
    this.#table = new IndexTable(0);
    this.#heap = new ExpiryHeap(engine.arena, engine.expiryPages);
    this.origin = this;
  }

  /** Keys, expired ones that were not removed yet included. */
  get size(): number {
    return this.#table.used + (this.#old === undefined ? 0 : this.#old.used);
  }

  /** Keys with an expiry. */
  get volatileCount(): number {
    return this.#heap.count;
  }

  /** Slots of the index, of both tables while it is resized. */
  get slotCount(): number {
    return this.#table.slotCount + (this.#old?.slotCount ?? 0);
  }

  get isResizing(): boolean {
    return this.#old !== undefined;
  }

  /** Bytes of index and heap. */
  get overheadBytes(): number {
    return this.#table.bytes + (this.#old?.bytes ?? 0) + this.#heap.bytes;
  }

  // ---- finding

  /** The keyed hash of a key. The calls below take it, so that it is computed once a command. */
  hash(region: Region, start: number, end: number): number {
    return halfSipHash(region, start, end, this.#k0, this.#k1);
  }

  /** The record of this key, or NONE. A record whose time has come is found too. */
  find(hash: number, region: Region, start: number, end: number): Ref {
    const ref = this.#findIn(this.#table, hash, region, start, end);
    if (ref !== NONE || this.#old === undefined) return ref;
    return this.#findIn(this.#old, hash, region, start, end);
  }

  #findIn(table: IndexTable, hash: number, region: Region, start: number, end: number): Ref {
    const slots = table.slots;
    const mask = table.mask;
    const bound = mask + 1;
    let i = hash & mask;
    // A table that is being emptied may have no empty slot left, hence the bound.
    for (let n = 0; n < bound; n++) {
      const ref = slots[i * 2]!;
      if (ref === 0) return NONE;
      if (slots[i * 2 + 1] === hash && ref !== MOVED && this.#hasKey(ref, region, start, end))
        return ref;
      i = (i + 1) & mask;
    }
    return NONE;
  }

  #hasKey(ref: Ref, region: Region, start: number, end: number): boolean {
    const arena = this.#arena;
    const segment = arena.segments[ref >>> arena.segmentShift]!;
    const at = (ref & arena.unitMask) << 3;
    const head = segment.view.getInt32(at, true);
    const length = end - start;
    if ((head & (KEY_CHUNKED << 8)) === 0) {
      return (
        head >>> 16 === length && equalBytes(segment, at + HEADER_BYTES, region, start, length)
      );
    }
    return (
      this.#chunks.length(segment, at + HEADER_BYTES) === length &&
      this.#chunks.equals(segment, at + HEADER_BYTES, region, start)
    );
  }

  // ---- changing

  /**
   * Adds a record, without expiry; the key must be absent. The regions may be the request's. Throws EngineFullError with nothing changed, RangeError
   * for a key or value of more than 1 GiB.
   */
  insert(
    hash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    type: number,
    encoding: number,
    valueRegion: Region,
    valueStart: number,
    valueEnd: number,
  ): Ref {
    const ref = this.#build(region, keyStart, keyEnd, valueEnd - valueStart);
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at] = type | (encoding << 4);
    this.#storeValue(segment, at, valueRegion, valueStart, valueEnd);
    this.#index(hash, ref);
    return ref;
  }

  /**
   * Replaces the whole value, type and encoding; expiry, access field and the observed bit stay. In place where the new value fits the block and
   * fills at least half of it.
   */
  replace(
    hash: number,
    ref: Ref,
    type: number,
    encoding: number,
    valueRegion: Region,
    valueStart: number,
    valueEnd: number,
  ): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    const arena = this.#arena;
    const segment = arena.segments[ref >>> arena.segmentShift]!;
    const at = (ref & arena.unitMask) << 3;
    const length = valueEnd - valueStart;
    const flags = segment.bytes[at + 1]!;
    const needed = HEADER_BYTES + segment.view.getUint16(at + KEY_FIELD, true) + length;
    const capacity = CLASS_BYTES[segment.bytes[at + CLASS_FIELD]!]!;
    if (
      (flags & VALUE_CHUNKED) === 0 &&
      needed <= capacity &&
      needed * 2 > capacity &&
      needed <= INLINE_RECORD_BYTES
    ) {
      segment.bytes[at] = type | (encoding << 4);
      if (segment.view.getInt32(at + VALUE_FIELD, true) !== length) {
        segment.view.setInt32(at + VALUE_FIELD, length, true);
      }
      copyBytes(segment, at + needed - length, valueRegion, valueStart, length);
      return ref;
    }
    const moved = this.#rebuild(hash, ref, length);
    const target = arena.segment(moved);
    const to = arena.offset(moved);
    target.bytes[to] = type | (encoding << 4);
    this.#storeValue(target, to, valueRegion, valueStart, valueEnd);
    return moved;
  }

  /** Makes the value `length` bytes long: cut off, or filled up with zeros. */
  resizeValue(hash: number, ref: Ref, length: number): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    const engine = this.engine;
    const arena = this.#arena;
    const before = engine.valueLength(ref);
    const segment = arena.segment(ref);
    const at = arena.offset(ref);
    if (
      !engine.isValueInline(ref) &&
      length >= before &&
      isChunkedValue(this.#keyArea(ref), length)
    ) {
      return this.#growChunks(hash, ref, before, length);
    }
    const needed = HEADER_BYTES + this.#keyArea(ref) + length;
    const capacity = CLASS_BYTES[engine.sizeClass(ref)]!;
    if (engine.isValueInline(ref) && needed <= capacity && needed <= INLINE_RECORD_BYTES) {
      segment.view.setInt32(at + VALUE_FIELD, length, true);
      if (length > before) segment.bytes.fill(0, at + needed - (length - before), at + needed);
      return ref;
    }
    // The value moves to a new block (or to chunks): build it, copy what stays, zero the rest.
    const kept = Math.min(before, length);
    const moved = this.#buildLike(ref, length);
    let to = 0;
    engine.eachValueSpan(ref, 0, kept, (from, start, end) => {
      this.writeValue(moved, to, from, start, end);
      to += end - start;
    });
    if (length > kept) this.#zero(moved, kept, length);
    this.#takePlace(hash, ref, moved);
    engine.freeRecord(ref);
    return moved;
  }

  /** Overwrites bytes inside the value's length. */
  writeValue(ref: Ref, offset: number, region: Region, start: number, end: number): void {
    this.engine.snapshot.beforeChange(this, ref);
    const segment = this.#arena.segment(ref);
    const at = this.engine.valueStart(ref);
    if (this.engine.isValueInline(ref)) copyBytes(segment, at + offset, region, start, end - start);
    else this.#chunks.write(segment, at, offset, region, start, end);
  }

  setValueByte(ref: Ref, offset: number, byte: number): void {
    this.engine.snapshot.beforeChange(this, ref);
    this.engine.eachValueSpan(ref, offset, offset + 1, (region, start) => {
      region.bytes[start] = byte;
    });
  }

  /** Adds bytes behind the value. Chunks that are full do not move. */
  append(hash: number, ref: Ref, region: Region, start: number, end: number): Ref {
    const before = this.engine.valueLength(ref);
    const moved = this.resizeValue(hash, ref, before + end - start);
    this.writeValue(moved, before, region, start, end);
    return moved;
  }

  remove(hash: number, ref: Ref): void {
    this.engine.snapshot.beforeChange(this, ref);
    this.#unindex(hash, ref);
    this.clearHeapEntry(ref);
    this.engine.freeRecord(ref);
  }

  /** Removes a record whose hash is not at hand. */
  removeRef(ref: Ref): void {
    this.remove(this.hashOf(ref), ref);
  }

  /** The hash of a record's key. */
  hashOf(ref: Ref): number {
    const engine = this.engine;
    const start = engine.keyStart(ref);
    if (engine.isKeyInline(ref))
      return this.hash(engine.segment(ref), start, start + engine.keyLength(ref));
    const key = engine.copyKey(ref);
    return this.hash(regionOver(key), 0, key.length);
  }

  /** Gives a record another key, which must be absent: all else goes along. Chunks of the value do not move. */
  rename(
    hash: number,
    ref: Ref,
    newHash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
  ): Ref {
    return this.#transfer(hash, ref, this, newHash, region, keyStart, keyEnd);
  }

  /** Moves a record to `target`, where its key must be absent. */
  moveTo(hash: number, ref: Ref, target: Keyspace): Ref {
    const engine = this.engine;
    if (engine.isKeyInline(ref)) {
      const start = engine.keyStart(ref);
      return this.#transfer(
        hash,
        ref,
        target,
        hash,
        engine.segment(ref),
        start,
        start + engine.keyLength(ref),
      );
    }
    const key = engine.copyKey(ref);
    return this.#transfer(hash, ref, target, hash, regionOver(key), 0, key.length);
  }

  /** Copies value, type, encoding and expiry of a record to a key that is absent in `target`. */
  copyTo(
    ref: Ref,
    target: Keyspace,
    newHash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
  ): Ref {
    const engine = this.engine;
    const length = engine.valueLength(ref);
    const copy = target.#build(region, keyStart, keyEnd, length);
    const arena = this.#arena;
    arena.segment(copy).bytes[arena.offset(copy)] = arena.segment(ref).bytes[arena.offset(ref)]!;
    let to = 0;
    engine.eachValueSpan(ref, 0, length, (from, start, end) => {
      target.writeValue(copy, to, from, start, end);
      to += end - start;
    });
    target.#index(newHash, copy);
    const expiry = engine.expiry(ref);
    if (expiry >= 0) target.setExpiry(copy, expiry);
    return copy;
  }

  /** A bit for the owner (WATCH, blocked keys, client-side caching); it goes when the key goes. */
  isObserved(ref: Ref): boolean {
    return (this.#arena.segment(ref).bytes[this.#arena.offset(ref) + 1]! & OBSERVED) !== 0;
  }

  setObserved(ref: Ref, on: boolean): void {
    const bytes = this.#arena.segment(ref).bytes;
    const at = this.#arena.offset(ref) + 1;
    bytes[at] = on ? bytes[at]! | OBSERVED : bytes[at]! & ~OBSERVED;
  }

  // ---- expiry

  /** `atMs`: ms since the epoch. */
  setExpiry(ref: Ref, atMs: number): void {
    this.engine.snapshot.beforeChange(this, ref);
    const field = this.engine.heapField(ref);
    if (field === 0) this.#heap.add(ref, atMs);
    else this.#heap.change(this.#heap.placeOf(field), atMs);
  }

  clearExpiry(ref: Ref): void {
    this.engine.snapshot.beforeChange(this, ref);
    this.clearHeapEntry(ref);
  }

  /** When the next record expires, in ms since the epoch; Infinity when none does. */
  get nextExpiry(): number {
    return this.#heap.firstTime;
  }

  /** The record that expires first, or NONE. */
  firstVolatile(): Ref {
    return this.#heap.count === 0 ? NONE : this.#heap.ref(1);
  }

  randomVolatile(): Ref {
    const count = this.#heap.count;
    return count === 0 ? NONE : this.#heap.ref(1 + Math.floor(this.engine.random() * count));
  }

  /** The mean remaining time to live in ms, from a sample; 0 when nothing is volatile. */
  averageTtl(): number {
    const count = this.#heap.count;
    if (count === 0) return 0;
    const samples = Math.min(count, 32);
    let sum = 0;
    for (let i = 0; i < samples; i++) {
      const place = count === samples ? i + 1 : 1 + Math.floor(this.engine.random() * count);
      sum += Math.max(0, this.#heap.time(place) - this.engine.now);
    }
    return sum / samples;
  }

  // ---- walking

  /** Some record, each about as likely as any other; NONE when there is none. */
  random(): Ref {
    const old = this.#old;
    if (this.size === 0) return NONE;
    const both = this.#table.slotCount + (old?.slotCount ?? 0);
    let i = Math.floor(this.engine.random() * both);
    for (let tries = 0; ; tries++) {
      const isOld = i >= this.#table.slotCount;
      const table = isOld ? old! : this.#table;
      const ref = table.slots[(isOld ? i - this.#table.slotCount : i) * 2]!;
      if (ref !== NONE && ref !== MOVED) return ref;
      // A table just emptied is nearly all holes: from some point on look at the neighbours instead.
      i = tries < 256 ? Math.floor(this.engine.random() * both) : (i + 1) % both;
    }
  }

  /**
   * One step of SCAN: visits the records whose home is the cursor's bucket, in both tables while resizing, and returns the next cursor, 0 at the end. A
   * key that is there from the first step to the last is visited at least once. `visit` must not change the keyspace.
   */
  scan(cursor: number, visit: (ref: Ref) => void): number {
    if (this.size === 0) return 0;
    return bucketStep(this.#table, this.#old, cursor, visit);
  }

  /** Visits every record. `visit` must not change the keyspace. */
  forEach(visit: (ref: Ref) => void): void {
    for (const table of [this.#old, this.#table]) {
      if (table === undefined) continue;
      for (let i = 0; i < table.slots.length; i += 2) {
        const ref = table.slots[i]!;
        if (ref !== NONE && ref !== MOVED) visit(ref);
      }
    }
  }

  // ---- the whole

  /** Empties the keyspace in O(1); its records are freed in the background (`MemoryEngine.step`), or at once where `sync`. */
  clear(sync = false): void {
    if (this.size > 0) {
      this.engine.detached.add(this.origin, this.#table, this.#heap);
      if (this.#old !== undefined) this.engine.detached.add(this.origin, this.#old, undefined);
    }
    this.#table = new IndexTable(0);
    this.#old = undefined;
    this.#migrated = 0;
    this.#heap = new ExpiryHeap(this.#arena, this.engine.expiryPages);
    if (sync) this.engine.detached.free(Infinity);
  }

  /** Makes the index large enough for `count` records, ahead of a load. */
  reserve(count: number): void {
    let slots = MIN_SLOTS;
    while (count > slots * GROW_LOAD) slots *= 2;
    if (slots <= this.#table.slotCount || this.#old !== undefined) return;
    this.#resize(slots);
  }

  swapContents(other: Keyspace): void {
    const mine = this.#contents();
    this.#adopt(other.#contents());
    other.#adopt(mine);
  }

  /** Migrates up to `units` slots of an index that is being resized; returns what is left of `units`. */
  migrate(units: number): number {
    const old = this.#old;
    if (old === undefined) return units;
    const slots = old.slots;
    const end = Math.min(old.slotCount, this.#migrated + units);
    for (let i = this.#migrated; i < end; i++) {
      const ref = slots[i * 2]!;
      if (ref === NONE || ref === MOVED) continue;
      this.#table.add(slots[i * 2 + 1]!, ref);
      old.vacate(i);
    }
    const done = end - this.#migrated;
    this.#migrated = end;
    if (end === old.slotCount) this.#old = undefined;
    return units - done;
  }

  /** Moves the record to a fresh block of the same size (defragmentation). */
  relocate(ref: Ref): Ref {
    const engine = this.engine;
    const sizeClass = engine.sizeClass(ref);
    engine.snapshot.beforeChange(this, ref);
    const hash = this.hashOf(ref);
    this.#arena.demote(ref, sizeClass);
    const moved = this.#arena.allocateClass(sizeClass);
    const bytes = HEADER_BYTES + this.#keyArea(ref) + this.#valueArea(ref);
    copyBytes(
      this.#arena.segment(moved),
      this.#arena.offset(moved),
      engine.segment(ref),
      this.#arena.offset(ref),
      bytes,
    );
    this.#takePlace(hash, ref, moved);
    this.#arena.free(ref, sizeClass);
    return moved;
  }

  checkInvariants(): void {
    let count = 0;
    let volatile = 0;
    for (const table of [this.#table, this.#old]) {
      if (table === undefined) continue;
      let used = 0;
      for (let i = 0; i < table.slots.length; i += 2) {
        const ref = table.slots[i]!;
        if (ref === NONE || ref === MOVED) continue;
        used++;
        const hash = table.slots[i + 1]!;
        if (hash !== this.hashOf(ref)) throw new Error('a slot holds the hash of another key');
        if (table.slotOf(hash, ref) !== i / 2) throw new Error('a probe run is cut');
        if (this.engine.isVolatile(ref)) volatile++;
        count++;
      }
      if (used !== table.used) throw new Error(`table says ${table.used} entries, has ${used}`);
    }
    if (count !== this.size) throw new Error('size');
    if (volatile !== this.volatileCount)
      throw new Error(`heap has ${this.volatileCount}, index ${volatile}`);
    this.#heap.checkInvariants();
  }

  /** Takes the record out of the heap, if it is in it. No barrier: the caller passed it. */
  clearHeapEntry(ref: Ref): void {
    const field = this.engine.heapField(ref);
    if (field === 0) return;
    this.#heap.removeAt(this.#heap.placeOf(field));
    this.#arena.segment(ref).view.setInt32(this.#arena.offset(ref) + HEAP_FIELD, 0, true);
  }

  // ---- blocks

  #keyArea(ref: Ref): number {
    return this.#arena.segment(ref).view.getUint16(this.#arena.offset(ref) + KEY_FIELD, true);
  }

  #valueArea(ref: Ref): number {
    return this.#arena.segment(ref).view.getInt32(this.#arena.offset(ref) + VALUE_FIELD, true);
  }

  /** A record for this key and a value of `length` bytes, whose contents are undefined; in no index. */
  #build(region: Region, keyStart: number, keyEnd: number, length: number): Ref {
    const keyLength = keyEnd - keyStart;
    if (keyLength > MAX_LENGTH_BYTES || length > MAX_LENGTH_BYTES) {
      throw new RangeError('a key or value may have at most 1 GiB');
    }
    const isKeyChunked = keyLength > INLINE_KEY_BYTES;
    const keyArea = isKeyChunked ? vectorBytes(keyLength) : keyLength;
    const keyChunks = isKeyChunked ? this.#chunks.allocate(0, keyLength) : undefined;
    let ref: Ref;
    try {
      ref = this.#allocateRecord(keyArea, length, isKeyChunked ? KEY_CHUNKED : 0);
    } catch (error) {
      if (keyChunks !== undefined) this.#freeRefs(keyChunks.refs, keyChunks.lastClass);
      throw error;
    }
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref) + HEADER_BYTES;
    if (keyChunks === undefined) {
      copyBytes(segment, at, region, keyStart, keyLength);
    } else {
      this.#chunks.store(segment, at, keyLength, keyChunks.lastClass, 0, keyChunks.refs);
      this.#chunks.write(segment, at, 0, region, keyStart, keyEnd);
    }
    return ref;
  }

  /** A block with a header, for a key area of `keyArea` bytes (not filled) and a value of `length` bytes (its chunks allocated). */
  #allocateRecord(keyArea: number, length: number, keyFlag: number): Ref {
    const isChunked = isChunkedValue(keyArea, length);
    const valueArea = isChunked ? vectorBytes(length) : length;
    const sizeClass = classOf(HEADER_BYTES + keyArea + valueArea);
    const ref = this.#arena.allocateClass(sizeClass);
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    if (isChunked) {
      try {
        const { refs, lastClass } = this.#chunks.allocate(0, length);
        this.#chunks.store(segment, at + HEADER_BYTES + keyArea, length, lastClass, 0, refs);
      } catch (error) {
        this.#arena.free(ref, sizeClass);
        throw error;
      }
    }
    const engine = this.engine;
    const flags =
      keyFlag | (isChunked ? VALUE_CHUNKED : 0) | (engine.snapshot.epoch << EPOCH_SHIFT);
    const view = segment.view;
    view.setInt32(at, (flags << 8) | (keyArea << 16), true);
    view.setInt32(at + VALUE_FIELD, valueArea, true);
    view.setInt32(at + ACCESS_FIELD, engine.access.initial() | (sizeClass << 24), true);
    view.setInt32(at + HEAP_FIELD, 0, true);
    return ref;
  }

  /** As `#build`, with the key, type, encoding, flags and access field of `ref`. Key chunks are handed over. */
  #buildLike(ref: Ref, length: number): Ref {
    const arena = this.#arena;
    const keyArea = this.#keyArea(ref);
    const keyFlag = this.engine.isKeyInline(ref) ? 0 : KEY_CHUNKED;
    const built = this.#allocateRecord(keyArea, length, keyFlag);
    const from = arena.segment(ref);
    const fromAt = arena.offset(ref);
    const to = arena.segment(built);
    const toAt = arena.offset(built);
    copyBytes(to, toAt + HEADER_BYTES, from, fromAt + HEADER_BYTES, keyArea);
    to.bytes[toAt] = from.bytes[fromAt]!;
    to.bytes[toAt + 1] = (to.bytes[toAt + 1]! & ~OBSERVED) | (from.bytes[fromAt + 1]! & OBSERVED);
    this.engine.setAccessField(built, this.engine.accessField(ref));
    // The chunks of the key belong to the new record now.
    from.bytes[fromAt + 1]! &= ~KEY_CHUNKED;
    return built;
  }

  /** Another block for the record, with room for a value of `length` bytes, in the old one's place; the old one is freed. */
  #rebuild(hash: number, ref: Ref, length: number): Ref {
    const built = this.#buildLike(ref, length);
    this.#takePlace(hash, ref, built);
    this.engine.freeRecord(ref);
    return built;
  }

  #storeValue(segment: Region, at: number, source: Region, start: number, end: number): void {
    const valueAt = at + HEADER_BYTES + segment.view.getUint16(at + KEY_FIELD, true);
    if ((segment.bytes[at + 1]! & VALUE_CHUNKED) === 0) {
      copyBytes(segment, valueAt, source, start, end - start);
    } else {
      this.#chunks.write(segment, valueAt, 0, source, start, end);
    }
  }

  #zero(ref: Ref, from: number, to: number): void {
    this.engine.eachValueSpan(ref, from, to, (region, start, end) => {
      region.bytes.fill(0, start, end);
    });
  }

  /** Makes a chunked value longer, filled up with zeros: only the last chunk may move. */
  #growChunks(hash: number, ref: Ref, before: number, length: number): Ref {
    if (length > MAX_LENGTH_BYTES) throw new RangeError('a key or value may have at most 1 GiB');
    const arena = this.#arena;
    const chunks = this.#chunks;
    const count = chunkCount(before);
    const whole = Math.floor(before / CHUNK_BYTES);
    const oldSegment = arena.segment(ref);
    const oldAt = this.engine.valueStart(ref);
    const oldLastClass = chunks.lastClass(oldSegment, oldAt);
    const lastBytes = Math.min(length - (count - 1) * CHUNK_BYTES, CHUNK_BYTES);
    if (chunkCount(length) === count && CLASS_BYTES[oldLastClass]! >= lastBytes) {
      oldSegment.view.setUint32(oldAt, length, true);
      this.#zero(ref, before, length);
      return ref;
    }
    // New chunks from the last one on, unless that is full.
    const added = chunks.allocate(whole, length);
    let moved = ref;
    const vector = vectorBytes(length);
    const needed = HEADER_BYTES + this.#keyArea(ref) + vector;
    if (needed > CLASS_BYTES[this.engine.sizeClass(ref)]!) {
      try {
        moved = this.#widen(ref, needed);
      } catch (error) {
        this.#freeRefs(added.refs, added.lastClass);
        throw error;
      }
    }
    const segment = arena.segment(moved);
    const at = this.engine.valueStart(moved);
    const last = whole < count ? chunks.chunk(segment, at, whole) : NONE;
    segment.view.setInt32(arena.offset(moved) + VALUE_FIELD, vector, true);
    chunks.store(segment, at, length, added.lastClass, whole, added.refs);
    if (last !== NONE) {
      chunks.write(
        segment,
        at,
        whole * CHUNK_BYTES,
        arena.segment(last),
        arena.offset(last),
        arena.offset(last) + before - whole * CHUNK_BYTES,
      );
      arena.free(last, oldLastClass);
    }
    this.#zero(moved, before, length);
    if (moved !== ref) {
      this.#takePlace(hash, ref, moved);
      arena.free(ref, this.engine.sizeClass(ref));
    }
    return moved;
  }

  /** A copy of the record's block with room for `needed` bytes; its chunks are shared until the old block is freed. */
  #widen(ref: Ref, needed: number): Ref {
    const arena = this.#arena;
    const sizeClass = classOf(needed);
    const wider = arena.allocateClass(sizeClass);
    const bytes = HEADER_BYTES + this.#keyArea(ref) + this.#valueArea(ref);
    copyBytes(
      arena.segment(wider),
      arena.offset(wider),
      arena.segment(ref),
      arena.offset(ref),
      bytes,
    );
    arena.segment(wider).bytes[arena.offset(wider) + CLASS_FIELD] = sizeClass;
    return wider;
  }

  #freeRefs(refs: Int32Array, lastClass: number): void {
    for (let i = 0; i < refs.length; i++) {
      this.#arena.free(refs[i]!, i === refs.length - 1 ? lastClass : classOf(CHUNK_BYTES));
    }
  }

  #transfer(
    hash: number,
    ref: Ref,
    target: Keyspace,
    newHash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
  ): Ref {
    const engine = this.engine;
    const arena = this.#arena;
    engine.snapshot.beforeChange(this, ref);
    const isInline = engine.isValueInline(ref);
    const length = engine.valueLength(ref);
    // A chunked value is handed over by its vector; a short one is copied.
    const moved = target.#build(region, keyStart, keyEnd, isInline ? length : 0);
    let place = moved;
    if (isInline) {
      const start = engine.valueStart(ref);
      target.writeValue(moved, 0, engine.segment(ref), start, start + length);
    } else {
      place = this.#handOver(ref, moved);
    }
    arena.segment(place).bytes[arena.offset(place)] = arena.segment(ref).bytes[arena.offset(ref)]!;
    engine.setAccessField(place, engine.accessField(ref));
    const expiry = engine.expiry(ref);
    this.#unindex(hash, ref);
    this.clearHeapEntry(ref);
    target.#index(newHash, place);
    if (expiry >= 0) target.setExpiry(place, expiry);
    if (isInline) engine.freeRecord(ref);
    else this.#freeWithoutValue(ref);
    return place;
  }

  /** Gives the value vector of `ref` to `to`, a record with an empty value; returns the block that holds it then. */
  #handOver(ref: Ref, to: Ref): Ref {
    const arena = this.#arena;
    const vector = this.#valueArea(ref);
    const needed = HEADER_BYTES + this.#keyArea(to) + vector;
    const wide = this.#widen(to, needed);
    arena.free(to, this.engine.sizeClass(to));
    const segment = arena.segment(wide);
    const at = arena.offset(wide);
    copyBytes(
      segment,
      this.engine.valueStart(wide),
      arena.segment(ref),
      this.engine.valueStart(ref),
      vector,
    );
    segment.view.setInt32(at + VALUE_FIELD, vector, true);
    segment.bytes[at + 1]! |= VALUE_CHUNKED;
    return wide;
  }

  #freeWithoutValue(ref: Ref): void {
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at + 1]! &= ~VALUE_CHUNKED;
    segment.view.setInt32(at + VALUE_FIELD, 0, true);
    this.engine.freeRecord(ref);
  }

  // ---- index

  #index(hash: number, ref: Ref): void {
    const table = this.#table;
    if (table.used + 1 > table.slotCount * GROW_LOAD) this.#grow();
    this.#table.add(hash, ref);
    if (this.#old !== undefined) this.migrate(MIGRATE_SLOTS);
  }

  #grow(): void {
    if (this.#old !== undefined) this.migrate(Infinity); // can't happen at MIGRATE_SLOTS a change; safe all the same
    this.#resize(Math.max(MIN_SLOTS, this.#table.slotCount * 2));
  }

  #resize(slots: number): void {
    const old = this.#table;
    this.#table = new IndexTable(slots);
    if (old.used === 0) return;
    this.#old = old;
    this.#migrated = 0;
  }

  #unindex(hash: number, ref: Ref): void {
    const table = this.#table;
    let slot = table.slotOf(hash, ref);
    if (slot >= 0) {
      table.removeAt(slot);
    } else {
      slot = this.#old!.slotOf(hash, ref);
      this.#old!.vacate(slot);
    }
    if (this.#old !== undefined) {
      this.migrate(MIGRATE_SLOTS);
    } else if (
      this.#table.slotCount > MIN_SLOTS &&
      this.#table.used < this.#table.slotCount * SHRINK_LOAD
    ) {
      let slots = MIN_SLOTS;
      while (this.#table.used > slots * GROW_LOAD * 0.5) slots *= 2;
      if (slots < this.#table.slotCount) this.#resize(slots);
    }
  }

  /** Puts `to` in the place of `from` in index and heap. */
  #takePlace(hash: number, from: Ref, to: Ref): void {
    let table = this.#table;
    let slot = table.slotOf(hash, from);
    if (slot < 0) {
      table = this.#old!;
      slot = table.slotOf(hash, from);
    }
    table.slots[slot * 2] = to;
    const field = this.engine.heapField(from);
    if (field === 0) return;
    this.#heap.moved(this.#heap.placeOf(field), to);
    this.#arena.segment(to).view.setInt32(this.#arena.offset(to) + HEAP_FIELD, field, true);
  }

  #contents(): Contents {
    return {
      table: this.#table,
      old: this.#old,
      migrated: this.#migrated,
      heap: this.#heap,
      origin: this.origin,
      snapshotCursor: this.snapshotCursor,
      isWalked: this.isWalked,
    };
  }

  #adopt(contents: Contents): void {
    this.#table = contents.table;
    this.#old = contents.old;
    this.#migrated = contents.migrated;
    this.#heap = contents.heap;
    this.origin = contents.origin;
    this.snapshotCursor = contents.snapshotCursor;
    this.isWalked = contents.isWalked;
  }
}

function isChunkedValue(keyArea: number, length: number): boolean {
  return HEADER_BYTES + keyArea + length > INLINE_RECORD_BYTES;
}

function regionOver(bytes: Uint8Array): Region {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
