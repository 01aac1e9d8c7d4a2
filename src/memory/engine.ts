/**
 * The engine: one arena, its keyspaces, and what goes on in the background. Reads of records are here, changes in keyspace.ts. The engine never looks
 * at a clock: its owner sets `now`.
 */
import { copyBytes, type Region } from '../bytes/region.ts';
import { AccessClock } from './access-clock.ts';
import { Arena, type Ref } from './arena.ts';
import { CasCounter } from './cas-counter.ts';
import { chunkCount, Chunks } from './chunks.ts';
import { Evictor } from './evictor.ts';
import { ExpiryPages } from './expiry-heap.ts';
import { Keyspace } from './keyspace.ts';
import { Loans } from './loans.ts';
import {
  CHUNK_BYTES,
  FREE_AT_ONCE_CHUNKS,
  INLINE_RECORD_BYTES,
  MAX_ARENA_BYTES,
  MAX_BLOCK_BYTES,
  SEGMENT_BITS,
} from './limits.ts';
import {
  ACCESS_FIELD,
  CAS_FROM_END,
  CLASS_FIELD,
  clientFlagsFromEnd,
  FETCHED,
  HAS_CAS,
  HAS_CLIENT_FLAGS,
  HEADER_BYTES,
  HEAP_FIELD,
  KEY_CHUNKED,
  KEY_FIELD,
  TAIL_MASK,
  tailBytes,
  VALUE_CHUNKED,
  VALUE_FIELD,
} from './record.ts';
import { RecordStore } from './record-store.ts';
import { CLASS_BYTES, classOf } from './size-classes.ts';
import { Defragmenter } from './defragmenter.ts';
import { DetachedTables } from './detached-tables.ts';
import { Snapshot } from './snapshot.ts';

export interface EngineOptions {
  /** At least 8 bytes that nobody outside can know: the key of the hash function. */
  hashKey: Uint8Array;
  /** A uniform random number in [0, 1): for sampling, not for secrets. */
  random: () => number;
  /** Upper bound of the arena's bytes; at most (and by default) 32 GiB less one page. Beyond it insertions throw EngineFullError. */
  maxBytes?: number;
  /** log2 of a segment's size, 18 to 26; default 26 (64 MiB). Tests use small ones. */
  segmentBits?: number;
}

export class MemoryEngine {
  readonly arena: Arena;
  readonly chunks: Chunks;
  readonly records: RecordStore;
  readonly access: AccessClock;
  readonly snapshot: Snapshot;
  readonly detached: DetachedTables;
  readonly loans: Loans;
  /** Bytes of blocks that long values take while they arrive (staged-value.ts). */
  stagedBytes = 0;
  readonly expiryPages: ExpiryPages = new ExpiryPages();
  /** Whoever changes records that carry a CAS calls `settle` once the effect of what it did is whole. */
  readonly cas: CasCounter = new CasCounter();
  /** The limit of memory in use, and what goes when it is reached. The engine itself evicts nothing. */
  readonly evictor: Evictor;
  readonly random: () => number;
  readonly hashKey0: number;
  readonly hashKey1: number;
  readonly keyspaces: Keyspace[] = [];
  #now = 0;
  readonly #defragmenter: Defragmenter;
  /** Records with many chunks that are being freed. */
  readonly #dying: Ref[] = [];
  #lazyFreed = 0;
  /** Bytes of indexes and expiry heaps, as of `arena.tableChanges`. */
  #tableBytes = 0;
  #tableChanges = -1;

  constructor(options: EngineOptions) {
    const bits = options.segmentBits ?? SEGMENT_BITS;
    if (!(bits >= 18 && bits <= SEGMENT_BITS)) throw new TypeError('segmentBits must be 18 to 26');
    if (options.hashKey.length < 8) throw new TypeError('hashKey must have at least 8 bytes');
    this.arena = new Arena(bits, options.maxBytes ?? MAX_ARENA_BYTES);
    this.chunks = new Chunks(this.arena);
    this.records = new RecordStore(this);
    this.random = options.random;
    this.access = new AccessClock(options.random);
    const key = new DataView(options.hashKey.buffer, options.hashKey.byteOffset);
    this.hashKey0 = key.getInt32(0, true);
    this.hashKey1 = key.getInt32(4, true);
    this.snapshot = new Snapshot(this);
    this.detached = new DetachedTables(this);
    this.loans = new Loans(this);
    this.evictor = new Evictor(this);
    this.#defragmenter = new Defragmenter(this);
  }

  /** Time of the current tick in ms since the epoch. Expiry and access clocks go by it. */
  get now(): number {
    return this.#now;
  }
  set now(nowMs: number) {
    this.#now = nowMs;
    this.access.tick(nowMs);
  }

  /** Whether access fields follow LFU instead of LRU. */
  get useLfu(): boolean {
    return this.access.useLfu;
  }
  set useLfu(on: boolean) {
    this.access.useLfu = on;
  }

  get lfuLogFactor(): number {
    return this.access.lfuLogFactor;
  }
  set lfuLogFactor(factor: number) {
    this.access.lfuLogFactor = factor;
  }

  get lfuDecayTimeMinutes(): number {
    return this.access.lfuDecayTimeMinutes;
  }
  set lfuDecayTimeMinutes(minutes: number) {
    this.access.lfuDecayTimeMinutes = minutes;
  }

  createKeyspace(): Keyspace {
    const keyspace = new Keyspace(this);
    this.keyspaces.push(keyspace);
    return keyspace;
  }

  /** Swaps the contents of two keyspaces in O(1). */
  swap(a: Keyspace, b: Keyspace): void {
    a.swapContents(b);
  }

  // ---- accounting

  /** Bytes in use, exact: live blocks, indexes, expiry heaps. */
  get usedBytes(): number {
    if (this.arena.tableChanges !== this.#tableChanges) this.#addUpTables();
    return this.arena.usedBytes + this.detached.bytes + this.#tableBytes;
  }

  #addUpTables(): void {
    this.#tableChanges = this.arena.tableChanges;
    this.#tableBytes = 0;
    for (const keyspace of this.keyspaces) this.#tableBytes += keyspace.overheadBytes;
  }

  /** Bytes of pages that hold blocks, of indexes and heaps: what the blocks' pages leave unused is fragmentation. */
  get reservedBytes(): number {
    return this.usedBytes - this.arena.usedBytes + this.arena.reservedBytes;
  }

  /** Records of cleared keyspaces that are not freed yet. */
  get pendingFrees(): number {
    return this.detached.records + this.#dying.length;
  }

  /** Records freed in the background so far. */
  get lazyFreed(): number {
    return this.#lazyFreed;
  }

  // ---- background

  /** Background work of about `units` record moves or frees; true when some is left. */
  step(units: number): boolean {
    let left = this.freeInBackground(units);
    for (let i = 0; i < this.keyspaces.length && left > 0; i++)
      left = this.keyspaces[i]!.migrate(left);
    left = this.snapshot.normalise(left);
    left = this.#defragmenter.step(left);
    return left <= 0;
  }

  /** Starts (or stops) moving records out of sparse pages, inside `step`, once through all keyspaces. */
  defragment(start: boolean): void {
    if (start) this.#defragmenter.start();
    else this.#defragmenter.stop();
  }

  get isDefragmenting(): boolean {
    return this.#defragmenter.isRunning;
  }

  // ---- snapshots

  /**
   * Starts a snapshot: every record that exists now is handed to `save` exactly once, with the contents it has now: by the walk
   * (`snapshotStep`) or, before it is changed, freed or moved, by the barrier. `keyspace` is the one that held it at this moment, whatever
   * `swap` did since. `save` must not change the engine.
   */
  startSnapshot(save: (keyspace: Keyspace, ref: Ref) => void): void {
    this.snapshot.start(save);
  }

  /** Walks on for about `units` records; true when the snapshot is complete, and over. */
  snapshotStep(units: number): boolean {
    return this.snapshot.step(units);
  }

  abortSnapshot(): void {
    this.snapshot.abort();
  }

  get isSnapshotActive(): boolean {
    return this.snapshot.isActive;
  }

  // ---- records

  /** The segment that a record's block is in; the offsets below are into it. */
  segment(ref: Ref): Region {
    return this.arena.segment(ref);
  }

  type(ref: Ref): number {
    return this.arena.segment(ref).bytes[this.arena.offset(ref)]! & 15;
  }

  encoding(ref: Ref): number {
    return this.arena.segment(ref).bytes[this.arena.offset(ref)]! >>> 4;
  }

  /** Changes the encoding alone: no change of contents, so the snapshot is not asked. */
  setEncoding(ref: Ref, encoding: number): void {
    const at = this.arena.offset(ref);
    const bytes = this.arena.segment(ref).bytes;
    bytes[at] = (bytes[at]! & 15) | (encoding << 4);
  }

  isKeyInline(ref: Ref): boolean {
    return (this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! & KEY_CHUNKED) === 0;
  }

  isValueInline(ref: Ref): boolean {
    return (this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! & VALUE_CHUNKED) === 0;
  }

  keyLength(ref: Ref): number {
    const region = this.arena.segment(ref);
    const at = this.arena.offset(ref);
    const inline = region.view.getUint16(at + KEY_FIELD, true);
    return (region.bytes[at + 1]! & KEY_CHUNKED) === 0
      ? inline
      : this.chunks.length(region, at + HEADER_BYTES);
  }

  valueLength(ref: Ref): number {
    const region = this.arena.segment(ref);
    const at = this.arena.offset(ref);
    if ((region.bytes[at + 1]! & VALUE_CHUNKED) === 0)
      return region.view.getInt32(at + VALUE_FIELD, true);
    return this.chunks.length(region, this.valueStart(ref));
  }

  /** Where the key lies in the segment (of a chunked key: its vector). */
  keyStart(ref: Ref): number {
    return this.arena.offset(ref) + HEADER_BYTES;
  }

  /** Where the value lies in the segment (of a chunked value: its vector). */
  valueStart(ref: Ref): number {
    const at = this.arena.offset(ref);
    return at + HEADER_BYTES + this.arena.segment(ref).view.getUint16(at + KEY_FIELD, true);
  }

  /** Calls `visit` with the spans that make up bytes `[from, to)` of the value, in order; one where it is inline. */
  eachValueSpan(
    ref: Ref,
    from: number,
    to: number,
    visit: (region: Region, start: number, end: number) => void,
  ): void {
    if (from >= to) return;
    const region = this.arena.segment(ref);
    const start = this.valueStart(ref);
    if (this.isValueInline(ref)) visit(region, start + from, start + to);
    else this.chunks.each(region, start, from, to, visit);
  }

  /** Calls `visit` with the spans that make up the key. */
  eachKeySpan(ref: Ref, visit: (region: Region, start: number, end: number) => void): void {
    const region = this.arena.segment(ref);
    const start = this.keyStart(ref);
    const length = this.keyLength(ref);
    if (length === 0) return;
    if (this.isKeyInline(ref)) visit(region, start, start + length);
    else this.chunks.each(region, start, 0, length, visit);
  }

  /** Copies bytes `[from, to)` of the value to `target` at `at`. */
  readValue(ref: Ref, from: number, to: number, target: Region, at: number): void {
    if (this.isValueInline(ref)) {
      copyBytes(target, at, this.arena.segment(ref), this.valueStart(ref) + from, to - from);
      return;
    }
    this.eachValueSpan(ref, from, to, (region, start, end) => {
      copyBytes(target, at, region, start, end - start);
      at += end - start;
    });
  }

  /** The key in memory of its own. */
  copyKey(ref: Ref): Uint8Array {
    const copy = new Uint8Array(this.keyLength(ref));
    let at = 0;
    this.eachKeySpan(ref, (region, start, end) => {
      copy.set(region.bytes.subarray(start, end), at);
      at += end - start;
    });
    return copy;
  }

  /** The value in memory of its own. */
  copyValue(ref: Ref): Uint8Array {
    const length = this.valueLength(ref);
    const copy = new Uint8Array(length);
    let at = 0;
    this.eachValueSpan(ref, 0, length, (region, start, end) => {
      copy.set(region.bytes.subarray(start, end), at);
      at += end - start;
    });
    return copy;
  }

  /** Byte `offset` of the value, which must be inside its length. */
  valueByte(ref: Ref, offset: number): number {
    const region = this.arena.segment(ref);
    const start = this.valueStart(ref);
    if (this.isValueInline(ref)) return region.bytes[start + offset]!;
    return this.chunks.byte(region, start, offset);
  }

  isVolatile(ref: Ref): boolean {
    return this.heapField(ref) !== 0;
  }

  /** When the record expires, in ms since the epoch; -1: never. */
  expiry(ref: Ref): number {
    const field = this.heapField(ref);
    return field === 0 ? -1 : this.expiryPages.time(field);
  }

  /** Whether its time is past. */
  isExpired(ref: Ref): boolean {
    const field = this.heapField(ref);
    return field !== 0 && this.expiryPages.time(field) < this.now;
  }

  /** Where the record's entry in its keyspace's expiry heap is; 0: it has none. */
  heapField(ref: Ref): number {
    return this.arena.segment(ref).view.getInt32(this.arena.offset(ref) + HEAP_FIELD, true);
  }

  /** Bytes of the record's block and its chunks. */
  recordBytes(ref: Ref): number {
    const region = this.arena.segment(ref);
    let bytes = CLASS_BYTES[this.sizeClass(ref)]!;
    if (!this.isKeyInline(ref)) bytes += this.chunks.blockBytes(region, this.keyStart(ref));
    if (!this.isValueInline(ref)) bytes += this.chunks.blockBytes(region, this.valueStart(ref));
    return bytes;
  }

  /** Bytes that a record with a CAS and client flags takes at most. */
  recordBytesFor(keyBytes: number, valueBytes: number): number {
    const inline = HEADER_BYTES + keyBytes + valueBytes + tailBytes(TAIL_MASK);
    if (inline <= INLINE_RECORD_BYTES) return CLASS_BYTES[classOf(inline)]!;
    return MAX_BLOCK_BYTES + chunkCount(keyBytes + valueBytes) * CLASS_BYTES[classOf(CHUNK_BYTES)]!;
  }

  sizeClass(ref: Ref): number {
    return this.arena.segment(ref).bytes[this.arena.offset(ref) + CLASS_FIELD]!;
  }

  accessField(ref: Ref): number {
    return (
      this.arena.segment(ref).view.getInt32(this.arena.offset(ref) + ACCESS_FIELD, true) & 0xffffff
    );
  }

  setAccessField(ref: Ref, field: number): void {
    const view = this.arena.segment(ref).view;
    const at = this.arena.offset(ref) + ACCESS_FIELD;
    view.setInt32(at, (view.getInt32(at, true) & ~0xffffff) | field, true);
  }

  /** Notes a use of the record. No change to a snapshot. */
  touch(ref: Ref): void {
    const view = this.arena.segment(ref).view;
    const at = this.arena.offset(ref) + ACCESS_FIELD;
    const word = view.getInt32(at, true);
    const touched = (word & ~0xffffff) | this.access.touched(word & 0xffffff);
    // Within one second nothing changes: the record's cache line stays clean.
    if (touched !== word) view.setInt32(at, touched, true);
  }

  idleSeconds(ref: Ref): number {
    return this.access.idleSeconds(this.accessField(ref));
  }

  /** The LFU counter, decayed to now. */
  frequency(ref: Ref): number {
    return this.access.frequency(this.accessField(ref));
  }

  /** The 32 bits that a client stored with the value, as an int32; 0 where it stored none. */
  clientFlags(ref: Ref): number {
    const region = this.arena.segment(ref);
    const at = this.arena.offset(ref);
    const flags = region.bytes[at + 1]!;
    if ((flags & HAS_CLIENT_FLAGS) === 0) return 0;
    return region.view.getInt32(
      at + CLASS_BYTES[region.bytes[at + CLASS_FIELD]!]! - clientFlagsFromEnd(flags),
      true,
    );
  }

  /** Whether the record has a CAS of its own (cas-counter.ts). */
  hasCas(ref: Ref): boolean {
    return (this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! & HAS_CAS) !== 0;
  }

  /** Where in its segment the CAS of a record that has one lies: the low half, then the high half. */
  casStart(ref: Ref): number {
    return this.arena.offset(ref) + CLASS_BYTES[this.sizeClass(ref)]! - CAS_FROM_END;
  }

  /** A bit for the owner, that goes when the value is replaced or the record moves to another key: the value was read. Kept in no snapshot. */
  isFetched(ref: Ref): boolean {
    return (this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! & FETCHED) !== 0;
  }

  markFetched(ref: Ref): void {
    this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! |= FETCHED;
  }

  clearFetched(ref: Ref): void {
    this.arena.segment(ref).bytes[this.arena.offset(ref) + 1]! &= ~FETCHED;
  }

  /** Frees about `units` records and chunks of what waits to be freed; returns what is left of `units`. */
  freeInBackground(units: number): number {
    const pending = this.pendingFrees;
    const left = this.detached.free(this.#freeDying(units));
    this.#lazyFreed += pending - this.pendingFrees;
    return left;
  }

  /** Frees all that waits to be freed, in one go. */
  freeAll(): void {
    this.detached.free(Infinity);
    this.#freeDying(Infinity);
  }

  /** Frees a record that no index holds any more; one with many chunks bit by bit. */
  freeRecord(ref: Ref): void {
    if (this.loans.size !== 0 && this.loans.keeps(ref)) return;
    const region = this.arena.segment(ref);
    let chunks = 0;
    if (!this.isKeyInline(ref))
      chunks += chunkCount(this.chunks.length(region, this.keyStart(ref)));
    if (!this.isValueInline(ref))
      chunks += chunkCount(this.chunks.length(region, this.valueStart(ref)));
    if (chunks > FREE_AT_ONCE_CHUNKS) {
      this.#dying.push(ref);
      return;
    }
    if (chunks > 0) this.#freeChunks(ref, chunks);
    this.arena.free(ref, this.sizeClass(ref));
  }

  /** Throws where any structure contradicts itself or another one; looks at every record. For tests. */
  checkInvariants(): void {
    this.arena.checkInvariants();
    this.detached.checkInvariants();
    this.snapshot.checkInvariants();
    let bytes = 0;
    const count = (ref: Ref): void => {
      bytes += this.recordBytes(ref);
    };
    for (const keyspace of this.keyspaces) {
      keyspace.checkInvariants();
      keyspace.forEach(count);
    }
    this.detached.forEach(count);
    this.#dying.forEach(count);
    const beforeOrphans = bytes;
    this.loans.forEachOrphan(count);
    if (bytes - beforeOrphans !== this.loans.orphanBytes) {
      throw new Error(
        `lent records have ${bytes - beforeOrphans} bytes, not ${this.loans.orphanBytes}`,
      );
    }
    bytes += this.stagedBytes;
    const before = this.usedBytes;
    this.#addUpTables();
    if (before !== this.usedBytes) throw new Error(`${before} bytes are not ${this.usedBytes}`);
    if (bytes !== this.arena.usedBytes) {
      throw new Error(`records have ${bytes} bytes, the arena ${this.arena.usedBytes}`);
    }
  }

  #freeChunks(ref: Ref, budget: number): number {
    const region = this.arena.segment(ref);
    let freed = 0;
    if (!this.isValueInline(ref)) {
      freed += this.chunks.freeFromEnd(region, this.valueStart(ref), 0, budget);
    }
    if (!this.isKeyInline(ref)) {
      freed += this.chunks.freeFromEnd(region, this.keyStart(ref), 0, budget - freed);
    }
    return freed;
  }

  #freeDying(units: number): number {
    let left = units;
    while (left > 0 && this.#dying.length > 0) {
      const ref = this.#dying[this.#dying.length - 1]!;
      const freed = this.#freeChunks(ref, left);
      left -= Math.max(1, freed);
      if (freed === 0) {
        this.#dying.pop();
        this.arena.free(ref, this.sizeClass(ref));
      }
    }
    return left;
  }
}
