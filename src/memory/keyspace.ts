/**
 * A set of keys: index, expiry heap and all changes of records. Costs nothing while it is empty.
 *
 * Every change of a record passes the snapshot's barrier first (snapshot.ts). A call that returns a Ref may have moved the record.
 */
import { copyBytes, type Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import type { Chunks } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import { KeyIndex } from './key-index.ts';
import { INLINE_RECORD_BYTES } from './limits.ts';
import {
  CLASS_FIELD,
  hasInlineValue,
  HEADER_BYTES,
  HEAP_FIELD,
  keyAreaOf,
  OBSERVED,
  VALUE_FIELD,
} from './record.ts';
import { isChunkedValue, type RecordStore } from './record-store.ts';
import { halfSipHash } from './siphash.ts';
import { CLASS_BYTES } from './size-classes.ts';

/** What a keyspace holds: the part that `swapContents` exchanges. */
interface Contents {
  index: KeyIndex;
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
  readonly #records: RecordStore;
  #index: KeyIndex;
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
    this.#records = engine.records;
    this.#index = new KeyIndex(engine.arena, engine.chunks);
    this.#heap = new ExpiryHeap(engine.arena, engine.expiryPages);
    this.origin = this;
  }

  /** Keys, expired ones that were not removed yet included. */
  get size(): number {
    return this.#index.size;
  }

  /** Keys with an expiry. */
  get volatileCount(): number {
    return this.#heap.count;
  }

  /** Slots of the index, of both tables while it is resized. */
  get slotCount(): number {
    return this.#index.slotCount;
  }

  get isResizing(): boolean {
    return this.#index.isResizing;
  }

  /** Bytes of index and heap. */
  get overheadBytes(): number {
    return this.#index.bytes + this.#heap.bytes;
  }

  // ---- finding

  /** The keyed hash of a key. The calls below take it, so that it is computed once a command. */
  hash(region: Region, start: number, end: number): number {
    return halfSipHash(region, start, end, this.#k0, this.#k1);
  }

  /** The record of this key, or NONE. A record whose time has come is found too. */
  find(hash: number, region: Region, start: number, end: number): Ref {
    return this.#index.find(hash, region, start, end);
  }

  // ---- changing

  /**
   * Adds a record, without expiry; the key must be absent. The regions may be the request's. Throws EngineFullError with nothing changed, RangeError
   * for a key or value of more than 1023 MiB.
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
    this.#index.makeRoom();
    const ref = this.#records.build(region, keyStart, keyEnd, valueEnd - valueStart);
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at] = type | (encoding << 4);
    this.#records.storeValue(segment, at, valueRegion, valueStart, valueEnd);
    this.#index.add(hash, ref);
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
    const { bytes, view } = segment;
    const length = valueEnd - valueStart;
    const head = view.getInt32(at, true);
    const needed = HEADER_BYTES + keyAreaOf(head) + length;
    const capacity = CLASS_BYTES[bytes[at + CLASS_FIELD]!]!;
    if (
      hasInlineValue(head) &&
      needed <= capacity &&
      needed * 2 > capacity &&
      needed <= INLINE_RECORD_BYTES
    ) {
      bytes[at] = type | (encoding << 4);
      view.setInt32(at + VALUE_FIELD, length, true);
      copyBytes(segment, at + needed - length, valueRegion, valueStart, length);
      return ref;
    }
    const moved = this.#records.buildLike(ref, length);
    this.#takePlace(hash, ref, moved);
    this.engine.freeRecord(ref);
    const target = arena.segment(moved);
    const to = arena.offset(moved);
    target.bytes[to] = type | (encoding << 4);
    this.#records.storeValue(target, to, valueRegion, valueStart, valueEnd);
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
    if (!engine.isValueInline(ref) && isChunkedValue(this.#records.keyArea(ref), length)) {
      if (length < before) {
        this.#records.shrinkChunks(ref, length);
        return ref;
      }
      const grown = this.#records.growChunks(ref, before, length);
      if (grown !== ref) {
        this.#takePlace(hash, ref, grown);
        arena.free(ref, engine.sizeClass(ref)); // its chunks are the new block's
      }
      return grown;
    }
    const needed = HEADER_BYTES + this.#records.keyArea(ref) + length;
    const capacity = CLASS_BYTES[engine.sizeClass(ref)]!;
    if (engine.isValueInline(ref) && needed <= capacity && needed <= INLINE_RECORD_BYTES) {
      segment.view.setInt32(at + VALUE_FIELD, length, true);
      if (length > before) segment.bytes.fill(0, at + needed - (length - before), at + needed);
      return ref;
    }
    // The value moves to a new block (or to chunks): build it, copy what stays, zero the rest.
    const kept = Math.min(before, length);
    const moved = this.#records.buildLike(ref, length);
    let to = 0;
    engine.eachValueSpan(ref, 0, kept, (from, start, end) => {
      this.writeValue(moved, to, from, start, end);
      to += end - start;
    });
    if (length > kept) this.#records.zero(moved, kept, length);
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
    const { engine } = this;
    engine.snapshot.beforeChange(this, ref);
    const at = engine.valueStart(ref);
    if (engine.isValueInline(ref)) this.#arena.segment(ref).bytes[at + offset] = byte;
    else this.#chunks.setByte(engine.segment(ref), at, offset, byte);
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
    this.#index.remove(hash, ref);
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
    target.#index.makeRoom();
    const copy = this.#records.build(region, keyStart, keyEnd, length);
    const arena = this.#arena;
    arena.segment(copy).bytes[arena.offset(copy)] = arena.segment(ref).bytes[arena.offset(ref)]!;
    let to = 0;
    engine.eachValueSpan(ref, 0, length, (from, start, end) => {
      target.writeValue(copy, to, from, start, end);
      to += end - start;
    });
    target.#index.add(newHash, copy);
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
    return this.#index.random(this.engine.random);
  }

  /**
   * One step of SCAN: visits the records whose home is the cursor's bucket, in both tables while resizing, and returns the next cursor, 0 at the end. A
   * key that is there from the first step to the last is visited at least once. `visit` must not change the keyspace.
   */
  scan(cursor: number, visit: (ref: Ref) => void): number {
    return this.#index.scan(cursor, visit);
  }

  /** Visits every record. `visit` must not change the keyspace. */
  forEach(visit: (ref: Ref) => void): void {
    this.#index.forEach(visit);
  }

  // ---- the whole

  /** Empties the keyspace in O(1); its records are freed in the background (`MemoryEngine.step`), or at once where `sync`. */
  clear(sync = false): void {
    if (this.size > 0) {
      this.engine.detached.add(this.origin, this.#index.tables, this.#heap);
    }
    this.#index = new KeyIndex(this.#arena, this.#chunks);
    this.#heap = new ExpiryHeap(this.#arena, this.engine.expiryPages);
    if (sync) this.engine.freeAll();
  }

  /** Makes the index large enough for `count` records, ahead of a load. */
  reserve(count: number): void {
    this.#index.reserve(count);
  }

  swapContents(other: Keyspace): void {
    const mine = this.#contents();
    this.#adopt(other.#contents());
    other.#adopt(mine);
  }

  /** Migrates up to `units` slots of an index that is being resized; returns what is left of `units`. */
  migrate(units: number): number {
    return this.#index.migrate(units);
  }

  /** Moves the record to a fresh block of the same size (defragmentation). */
  relocate(ref: Ref): Ref {
    const engine = this.engine;
    const sizeClass = engine.sizeClass(ref);
    engine.snapshot.beforeChange(this, ref);
    const hash = this.hashOf(ref);
    const moved = this.#arena.allocateClass(sizeClass);
    const bytes = HEADER_BYTES + this.#records.keyArea(ref) + this.#records.valueArea(ref);
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
    this.#index.checkInvariants((ref) => this.hashOf(ref));
    let volatile = 0;
    this.#index.forEach((ref) => {
      if (this.engine.isVolatile(ref)) volatile++;
    });
    if (volatile !== this.volatileCount) {
      throw new Error(`heap has ${this.volatileCount}, index ${volatile}`);
    }
    this.#heap.checkInvariants();
  }

  /** Takes the record out of the heap, if it is in it. No barrier: the caller passed it. */
  clearHeapEntry(ref: Ref): void {
    const field = this.engine.heapField(ref);
    if (field === 0) return;
    this.#heap.removeAt(this.#heap.placeOf(field));
    this.#arena.segment(ref).view.setInt32(this.#arena.offset(ref) + HEAP_FIELD, 0, true);
  }

  // ---- moving

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
    target.#index.makeRoom();
    // A chunked value is handed over by its vector; a short one is copied.
    const moved = this.#records.build(region, keyStart, keyEnd, isInline ? length : 0);
    let place = moved;
    if (isInline) {
      const start = engine.valueStart(ref);
      target.writeValue(moved, 0, engine.segment(ref), start, start + length);
    } else {
      place = this.#records.handOver(ref, moved);
    }
    arena.segment(place).bytes[arena.offset(place)] = arena.segment(ref).bytes[arena.offset(ref)]!;
    engine.setAccessField(place, engine.accessField(ref));
    if (target === this) {
      this.#takeHeapEntry(ref, place);
    } else if (engine.isVolatile(ref)) {
      target.setExpiry(place, engine.expiry(ref));
      this.clearHeapEntry(ref);
    }
    this.#index.remove(hash, ref);
    target.#index.add(newHash, place);
    if (isInline) engine.freeRecord(ref);
    else this.#records.freeWithoutValue(ref);
    return place;
  }

  /** Puts `to` in the place of `from` in index and heap. */
  #takePlace(hash: number, from: Ref, to: Ref): void {
    this.#index.replace(hash, from, to);
    this.#takeHeapEntry(from, to);
  }

  #takeHeapEntry(from: Ref, to: Ref): void {
    const field = this.engine.heapField(from);
    if (field === 0) return;
    this.#heap.moved(this.#heap.placeOf(field), to);
    this.#arena.segment(to).view.setInt32(this.#arena.offset(to) + HEAP_FIELD, field, true);
  }

  #contents(): Contents {
    return {
      index: this.#index,
      heap: this.#heap,
      origin: this.origin,
      snapshotCursor: this.snapshotCursor,
      isWalked: this.isWalked,
    };
  }

  #adopt(contents: Contents): void {
    this.#index = contents.index;
    this.#heap = contents.heap;
    this.origin = contents.origin;
    this.snapshotCursor = contents.snapshotCursor;
    this.isWalked = contents.isWalked;
  }
}

function regionOver(bytes: Uint8Array): Region {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
