/**
 * `kvasir/memory`: the in-memory engine. STUB OF THE CONTRACT: replaced by the real modules.
 */
import type { Region } from '../bytes/region.ts';

/** An int32 that names a record in units of 8 bytes of the arena. Invalid after the handler returns or after any call that says it may move. */
export type Ref = number;
/** No record. */
export declare const NONE: 0;

export interface EngineOptions {
  /** 16 bytes from os/: the key of the hash function. */
  hashKey: Uint8Array;
  /** A uniform random number in [0, 1), from os/ (or a seeded one). */
  random: () => number;
  /** Upper bound of arena bytes; default and maximum 32 GiB. Exceeding throws EngineFullError. */
  maxBytes?: number;
  /** log2 of a segment's size; default 26 (64 MiB). Tests use small ones. */
  segmentBits?: number;
}

export declare class MemoryEngine {
  constructor(options: EngineOptions);
  /** The time of the current tick in ms since the epoch; the owner sets it, the engine never reads a clock. */
  now: number;
  /** true: access clocks follow LFU instead of LRU. */
  useLfu: boolean;
  lfuLogFactor: number;
  lfuDecayTimeMinutes: number;
  createKeyspace(): Keyspace;
  /** Bytes in use, exact: live blocks, indexes, expiry heaps. */
  readonly usedBytes: number;
  /** Bytes taken from the system (touched pages of segments, indexes, heaps). */
  readonly reservedBytes: number;
  /** Swaps the contents of two keyspaces in O(1) (SWAPDB). */
  swap(a: Keyspace, b: Keyspace): void;
  /** Background work in slices: index migration, freeing what was detached, (when asked) defragmentation. Does about `units` record moves or frees; true when some is left. */
  step(units: number): boolean;
  /** Records detached and not freed yet (INFO lazyfree_pending_objects). */
  readonly pendingFrees: number;
  /** Records freed in the background so far (lazyfreed_objects). */
  readonly lazyFreed: number;
  /** Active defragmentation: asked for by the owner, done inside step(). */
  defragment(start: boolean): void;

  // ---- snapshots (one at a time)
  /**
   * Starts a snapshot: from now on every record that existed at this moment is handed to `save` exactly once, with the
   * contents it has now: either by the walk (`snapshotStep`) or, before it is changed, freed or moved, by the barrier. Keyspaces are known
   * by what they were at this moment, whatever SWAPDB does.
   */
  startSnapshot(save: (keyspace: Keyspace, ref: Ref) => void): void;
  /** Walks on for about `units` records; true when the walk is done and the snapshot is over. */
  snapshotStep(units: number): boolean;
  /** Ends it early. */
  abortSnapshot(): void;
  readonly isSnapshotActive: boolean;

  // ---- records (any keyspace)
  /** The segment a record's inline bytes are in; offsets below are into it. */
  segment(ref: Ref): Region;
  type(ref: Ref): number;
  encoding(ref: Ref): number;
  setEncoding(ref: Ref, encoding: number): void;
  keyLength(ref: Ref): number;
  valueLength(ref: Ref): number;
  /** Whether key / value lie whole in the record's block (else: chunks of 64 KiB, reached by the read calls). */
  isKeyInline(ref: Ref): boolean;
  isValueInline(ref: Ref): boolean;
  keyStart(ref: Ref): number;
  valueStart(ref: Ref): number;
  /** Calls `visit` with the spans that make up `[from, to)` of the value, in order (one span where inline). */
  eachValueSpan(ref: Ref, from: number, to: number, visit: (region: Region, start: number, end: number) => void): void;
  eachKeySpan(ref: Ref, visit: (region: Region, start: number, end: number) => void): void;
  /** Copies `[from, to)` of the value to `target` at `at`. */
  readValue(ref: Ref, from: number, to: number, target: Region, at: number): void;
  /** The key in memory of its own. Allocates. */
  copyKey(ref: Ref): Uint8Array;
  copyValue(ref: Ref): Uint8Array;
  valueByte(ref: Ref, offset: number): number;
  /** Expiry in ms since the epoch, or -1. */
  expiry(ref: Ref): number;
  isVolatile(ref: Ref): boolean;
  /** Whether the expiry is at or before `engine.now`. */
  isExpired(ref: Ref): boolean;
  /** Bytes of the record's block and chunks (MEMORY USAGE). */
  recordBytes(ref: Ref): number;
  /** Seconds since last access (LRU clock), and the LFU counter after decay. */
  idleSeconds(ref: Ref): number;
  frequency(ref: Ref): number;
  /** Marks an access: LRU clock or LFU counter. Never triggers the snapshot barrier. */
  touch(ref: Ref): void;
}

export declare class Keyspace {
  readonly engine: MemoryEngine;
  readonly size: number;
  readonly volatileCount: number;
  /** Slots of the index, of both tables while it is resized. */
  readonly slotCount: number;
  readonly isResizing: boolean;

  /** The keyed hash of a key. Passed to the calls below, so that it is computed once a command. */
  hash(region: Region, start: number, end: number): number;
  /** The record of this key, or NONE; expired records are found too (the model decides). */
  find(hash: number, region: Region, start: number, end: number): Ref;
  /** Adds a record; the key must be absent. No expiry. `region`s may be the request's. May throw EngineFullError before anything changed. */
  insert(
    hash: number,
    region: Region, keyStart: number, keyEnd: number,
    type: number, encoding: number,
    valueRegion: Region, valueStart: number, valueEnd: number,
  ): Ref;
  /** Replaces the whole value (and type, encoding); the expiry stays. In place where it fits; returns the record's ref, which may be new. */
  replace(
    hash: number, ref: Ref,
    type: number, encoding: number,
    valueRegion: Region, valueStart: number, valueEnd: number,
  ): Ref;
  /** Grows (zero-filled) or shrinks the value; may move the record. */
  resizeValue(hash: number, ref: Ref, length: number): Ref;
  /** Overwrites bytes inside the value's length. */
  writeValue(ref: Ref, offset: number, region: Region, start: number, end: number): void;
  setValueByte(ref: Ref, offset: number, byte: number): void;
  /** resizeValue + writeValue at the end; chunks that are there never move. */
  append(hash: number, ref: Ref, region: Region, start: number, end: number): Ref;
  remove(hash: number, ref: Ref): void;
  /** Removes a record whose hash is not at hand. */
  removeRef(ref: Ref): void;
  /** Gives a record another key that is absent (RENAME): value, type, encoding, expiry and access clock go along; chunks do not move. */
  rename(hash: number, ref: Ref, newHash: number, region: Region, keyStart: number, keyEnd: number): Ref;
  /** Copies a record (value, type, encoding, expiry) to a key that is absent in `target`. */
  copyTo(ref: Ref, target: Keyspace, newHash: number, region: Region, keyStart: number, keyEnd: number): Ref;
  /** Moves a record to `target`, where its key is absent (MOVE). */
  moveTo(hash: number, ref: Ref, target: Keyspace): Ref;

  setExpiry(ref: Ref, atMs: number): void;
  clearExpiry(ref: Ref): void;
  /** When the next record expires (ms since the epoch); Infinity when none does. O(1). */
  readonly nextExpiry: number;
  /** The record that expires first, or NONE. O(1). */
  firstVolatile(): Ref;
  /** Mean of the remaining times to live in ms, sampled (INFO keyspace avg_ttl). 0 when none. */
  averageTtl(): number;
  randomVolatile(): Ref;
  random(): Ref;

  /** One SCAN step: visits every record whose home bucket is the cursor's; returns the next cursor, 0 at the end. `visit` must not change the keyspace. Cursors are safe integers. */
  scan(cursor: number, visit: (ref: Ref) => void): number;
  /** Visits every record, in one go. `visit` must not change the keyspace. */
  forEach(visit: (ref: Ref) => void): void;
  /** Empties it in O(1); records are freed in the background by engine.step, or at once when `sync`. */
  clear(sync?: boolean): void;
  /** Resizes the index for `count` records ahead of a load (at most doubling what memory allows). */
  reserve(count: number): void;
  /** A bit in the record for the model: WATCH, blocked keys, tracking. Lost when the key is removed. */
  isObserved(ref: Ref): boolean;
  setObserved(ref: Ref, on: boolean): void;
}
