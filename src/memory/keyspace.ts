/**
 * A set of keys: index, expiry heap and all changes of records. Costs nothing while it is empty.
 *
 * Every change of a record passes the snapshot's barrier first (snapshot.ts). A call that returns a Ref may have moved the record.
 */
import { copyBytes, Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import type { Chunks } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import { KeyIndex } from './key-index.ts';
import { INLINE_RECORD_BYTES } from './limits.ts';
import {
  CLASS_FIELD,
  FETCHED,
  HAS_CAS,
  HAS_CLIENT_FLAGS,
  hasInlineValue,
  HEADER_BYTES,
  HEAP_FIELD,
  keyAreaOf,
  OBSERVED,
  TAIL_MASK,
  tailBytes,
  VALUE_FIELD,
} from './record.ts';
import type { RecordStore } from './record-store.ts';
import { copyRecord, moveRecord, transferRecord } from './record-moves.ts';
import type { StagedValue } from './staged-value.ts';
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
  baseCasHigh: number;
  baseCasLow: number;
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
  /** The CAS of records that have none of their own, in two halves. */
  baseCasHigh = 0;
  baseCasLow = 0;
  /** Fields that every record made here has: HAS_CAS or none. */
  #tail = 0;

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

  /**
   * Whether every record that is made or changed here carries a CAS (8 bytes). Records elsewhere have one where it was given to them, and then it is
   * renewed as well.
   */
  get carriesCas(): boolean {
    return this.#tail !== 0;
  }
  set carriesCas(on: boolean) {
    this.#tail = on ? HAS_CAS : 0;
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

  /** Reads slots and records of `count` hashes ahead of their lookups (look-ahead.ts); `refs` is room to work in. */
  warm(hashes: Int32Array, refs: Int32Array, count: number): void {
    this.#index.warm(hashes, refs, count);
  }

  /** Whether the record under `hash` is at `ref`: a reference that was kept too long is found out. */
  holds(hash: number, ref: Ref): boolean {
    return this.#index.holds(hash, ref);
  }

  /** Bytes that the next insertion adds to the index: 0 unless it has to grow. */
  get growthBytes(): number {
    return this.#index.growthBytes;
  }

  // ---- changing

  /**
   * Adds a record, without expiry; the key must be absent. The regions may be the request's. `clientFlags`: an int32 kept with the value, 0 costs
   * nothing. Throws EngineFullError with nothing changed, RangeError for a key or value of more than 1023 MiB.
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
    clientFlags = 0,
  ): Ref {
    this.#index.makeRoom();
    const tail = this.#tail | (clientFlags === 0 ? 0 : HAS_CLIENT_FLAGS);
    const ref = this.#records.build(region, keyStart, keyEnd, valueEnd - valueStart, tail);
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at] = type | (encoding << 4);
    this.#records.storeValue(segment, at, valueRegion, valueStart, valueEnd);
    if (tail !== 0) this.#records.fillTail(segment, at, clientFlags);
    this.#index.add(hash, ref);
    return ref;
  }

  /**
   * Replaces the whole value, type, encoding and client flags; expiry, access field and the observed bit stay. In place where the new value fits the
   * block and fills at least half of it.
   */
  replace(
    hash: number,
    ref: Ref,
    type: number,
    encoding: number,
    valueRegion: Region,
    valueStart: number,
    valueEnd: number,
    clientFlags = 0,
  ): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    const arena = this.#arena;
    const segment = arena.segments[ref >>> arena.segmentShift]!;
    const at = (ref & arena.unitMask) << 3;
    const { bytes, view } = segment;
    const length = valueEnd - valueStart;
    const head = view.getInt32(at, true);
    const flags = head >>> 8;
    const tail = (flags & HAS_CAS) | this.#tail | (clientFlags === 0 ? 0 : HAS_CLIENT_FLAGS);
    const before = HEADER_BYTES + keyAreaOf(head);
    const needed = before + length + tailBytes(tail);
    const capacity = CLASS_BYTES[bytes[at + CLASS_FIELD]!]!;
    if (
      hasInlineValue(head) &&
      needed <= capacity &&
      needed * 2 > capacity &&
      needed <= INLINE_RECORD_BYTES
    ) {
      bytes[at] = type | (encoding << 4);
      view.setInt32(at + VALUE_FIELD, length, true);
      copyBytes(segment, at + before, valueRegion, valueStart, length);
      if (((flags & (TAIL_MASK | FETCHED)) | tail) !== 0) {
        bytes[at + 1] = (flags & ~(TAIL_MASK | FETCHED)) | tail;
        this.#records.fillTail(segment, at, clientFlags);
      }
      return ref;
    }
    const moved = this.#records.buildLike(ref, length, tail);
    this.#takePlace(hash, ref, moved);
    this.engine.freeRecord(ref);
    const target = arena.segment(moved);
    const to = arena.offset(moved);
    target.bytes[to] = type | (encoding << 4);
    this.#records.storeValue(target, to, valueRegion, valueStart, valueEnd);
    if (tail !== 0) this.#records.fillTail(target, to, clientFlags);
    return moved;
  }

  /** As `insert`, with a value too long for a block that has arrived in chunks: the record takes them. */
  insertStaged(
    hash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    type: number,
    encoding: number,
    value: StagedValue,
  ): Ref {
    this.#index.makeRoom();
    const ref = this.#records.build(region, keyStart, keyEnd, value.length, this.#tail, value);
    this.#describe(ref, type, encoding);
    this.#index.add(hash, ref);
    return ref;
  }

  /** As `replace`, with such a value. */
  replaceStaged(hash: number, ref: Ref, type: number, encoding: number, value: StagedValue): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    const tail = (this.#records.tail(ref) & HAS_CAS) | this.#tail;
    const moved = this.#records.buildLike(ref, value.length, tail, value);
    this.#takePlace(hash, ref, moved);
    this.engine.freeRecord(ref);
    this.#describe(moved, type, encoding);
    return moved;
  }

  #describe(ref: Ref, type: number, encoding: number): void {
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at] = type | (encoding << 4);
    this.#records.fillTail(segment, at, 0);
  }

  /** Makes the value `length` bytes long: cut off, or filled up with zeros. */
  resizeValue(hash: number, ref: Ref, length: number): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    if (this.engine.loans.size !== 0) this.engine.loans.recall(ref);
    const place = this.#records.resize(ref, length, this.#tail);
    if (place !== ref) {
      this.#takePlace(hash, ref, place);
      this.engine.freeRecord(ref);
    }
    this.#stamp(place);
    return place;
  }

  /** Overwrites bytes inside the value's length. */
  writeValue(ref: Ref, offset: number, region: Region, start: number, end: number): void {
    this.engine.snapshot.beforeChange(this, ref);
    if (this.engine.loans.size !== 0) this.engine.loans.recall(ref);
    this.#stamp(ref);
    const segment = this.#arena.segment(ref);
    const at = this.engine.valueStart(ref);
    if (this.engine.isValueInline(ref)) copyBytes(segment, at + offset, region, start, end - start);
    else this.#chunks.write(segment, at, offset, region, start, end);
  }

  setValueByte(ref: Ref, offset: number, byte: number): void {
    const { engine } = this;
    engine.snapshot.beforeChange(this, ref);
    if (engine.loans.size !== 0) engine.loans.recall(ref);
    this.#stamp(ref);
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
    return this.hash(new Region(key.buffer, key.byteOffset, key.length), 0, key.length);
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
    return transferRecord(this, hash, ref, this, newHash, region, keyStart, keyEnd);
  }

  /** Moves a record to `target`, where its key must be absent. */
  moveTo(hash: number, ref: Ref, target: Keyspace): Ref {
    return moveRecord(this, hash, ref, target);
  }

  /** Copies value, type, encoding, client flags and expiry of a record to a key that is absent in `target`. */
  copyTo(
    ref: Ref,
    target: Keyspace,
    newHash: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
  ): Ref {
    return copyRecord(this, ref, target, newHash, region, keyStart, keyEnd);
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

  // ---- compare and swap

  /** The record's CAS, in two halves. */
  casHigh(ref: Ref): number {
    if (!this.engine.hasCas(ref)) return this.baseCasHigh;
    return this.#arena.segment(ref).view.getInt32(this.engine.casStart(ref) + 4, true);
  }

  casLow(ref: Ref): number {
    if (!this.engine.hasCas(ref)) return this.baseCasLow;
    return this.#arena.segment(ref).view.getInt32(this.engine.casStart(ref), true);
  }

  /** Gives the record these client flags and this CAS, whatever the counter says: as they were recorded, or as a client wants them. */
  setItemFields(hash: number, ref: Ref, clientFlags: number, high: number, low: number): Ref {
    this.engine.snapshot.beforeChange(this, ref);
    const tail = HAS_CAS | (clientFlags === 0 ? 0 : HAS_CLIENT_FLAGS);
    const place = this.#records.withTail(ref, tail);
    if (place !== ref) {
      this.#takePlace(hash, ref, place);
      if (this.engine.loans.size !== 0) this.engine.loans.moved(ref, place);
      this.engine.freeRecord(ref);
    }
    this.#records.setTail(place, clientFlags, high, low);
    return place;
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
    return this.#heap.averageTtl(this.engine.now, this.engine.random);
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
    this.#arena.tableChanges++;
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
    this.#takeBase();
    other.#takeBase();
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
    this.#records.copyTail(ref, moved);
    this.#takePlace(hash, ref, moved);
    if (engine.loans.size !== 0) engine.loans.moved(ref, moved);
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

  /** The record changed where it lies. Where it should carry a CAS and has no room for one, all such records have changed. */
  #stamp(ref: Ref): void {
    const engine = this.engine;
    if (engine.hasCas(ref)) engine.cas.stamp(engine.segment(ref).view, engine.casStart(ref));
    else this.#takeBase();
  }

  #takeBase(): void {
    if (this.#tail === 0) return;
    const { cas } = this.engine;
    this.baseCasHigh = cas.high;
    this.baseCasLow = cas.low;
    cas.isUsed = true;
  }

  // ---- for record-moves.ts

  /** @internal Fields of a record that is made here for one with the fields `tail`. */
  tailFor(tail: number): number {
    return this.#tail | tail;
  }

  /** @internal Room in the index for one more, so that `attach` fails in nothing. */
  makeRoom(): void {
    this.#index.makeRoom();
  }

  /** @internal */
  attach(hash: number, ref: Ref): void {
    this.#index.add(hash, ref);
  }

  /** @internal */
  detach(hash: number, ref: Ref): void {
    this.#index.remove(hash, ref);
  }

  /** @internal The expiry of the record at `from` is that of the one at `to` from now on. */
  takeHeapEntry(from: Ref, to: Ref): void {
    const field = this.engine.heapField(from);
    if (field === 0) return;
    this.#heap.moved(this.#heap.placeOf(field), to);
    this.#arena.segment(to).view.setInt32(this.#arena.offset(to) + HEAP_FIELD, field, true);
  }

  /** Puts `to` in the place of `from` in index and heap. */
  #takePlace(hash: number, from: Ref, to: Ref): void {
    this.#index.replace(hash, from, to);
    this.takeHeapEntry(from, to);
  }

  #contents(): Contents {
    return {
      index: this.#index,
      heap: this.#heap,
      origin: this.origin,
      snapshotCursor: this.snapshotCursor,
      isWalked: this.isWalked,
      baseCasHigh: this.baseCasHigh,
      baseCasLow: this.baseCasLow,
    };
  }

  #adopt(contents: Contents): void {
    this.#index = contents.index;
    this.#heap = contents.heap;
    this.origin = contents.origin;
    this.snapshotCursor = contents.snapshotCursor;
    this.isWalked = contents.isWalked;
    this.baseCasHigh = contents.baseCasHigh;
    this.baseCasLow = contents.baseCasLow;
  }
}
