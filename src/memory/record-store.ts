/**
 * Records as blocks: how they are built, how they grow, how their chunks are handed over. Knows no index and no snapshot; whoever calls it
 * (keyspace.ts) has passed the barrier and puts the record in its place.
 */
import { copyBytes, type Region } from '../bytes/region.ts';
import { type Arena, NONE, type Ref } from './arena.ts';
import { chunkCount, type Chunks, lastChunkBytes, vectorBytes } from './chunks.ts';
import type { MemoryEngine } from './engine.ts';
import { CHUNK_BYTES, INLINE_KEY_BYTES, INLINE_RECORD_BYTES, MAX_LENGTH_BYTES } from './limits.ts';
import {
  ACCESS_FIELD,
  CAS_FROM_END,
  CLASS_FIELD,
  clientFlagsFromEnd,
  EPOCH_SHIFT,
  HAS_CAS,
  HAS_CLIENT_FLAGS,
  HEADER_BYTES,
  HEAP_FIELD,
  KEY_CHUNKED,
  KEY_FIELD,
  OBSERVED,
  TAIL_MASK,
  tailBytes,
  VALUE_CHUNKED,
  VALUE_FIELD,
} from './record.ts';
import type { StagedValue } from './staged-value.ts';
import { CLASS_BYTES, classOf } from './size-classes.ts';

/** Whether a value of this length lies in chunks, beside `otherBytes` of key area and tail. */
function isChunkedValue(otherBytes: number, length: number): boolean {
  return HEADER_BYTES + otherBytes + length > INLINE_RECORD_BYTES;
}

function checkLength(length: number): void {
  if (length > MAX_LENGTH_BYTES) throw new RangeError('a key or value may have at most 1023 MiB');
}

export class RecordStore {
  readonly #engine: MemoryEngine;
  readonly #arena: Arena;
  readonly #chunks: Chunks;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
    this.#arena = engine.arena;
    this.#chunks = engine.chunks;
  }

  /** Bytes of the key in the block: the key, or its vector. */
  keyArea(ref: Ref): number {
    return this.#arena.segment(ref).view.getUint16(this.#arena.offset(ref) + KEY_FIELD, true);
  }

  /** Bytes of the value in the block: the value, or its vector. */
  valueArea(ref: Ref): number {
    return this.#arena.segment(ref).view.getInt32(this.#arena.offset(ref) + VALUE_FIELD, true);
  }

  /**
   * A record for this key and a value of `length` bytes, whose contents are undefined (or those of `staged`, which has this length) as those of
   * the fields that `tail` names; in no index. This call and the others that take a length throw EngineFullError or RangeError with nothing changed.
   */
  build(
    region: Region,
    keyStart: number,
    keyEnd: number,
    length: number,
    tail: number,
    staged?: StagedValue,
  ): Ref {
    const keyLength = keyEnd - keyStart;
    checkLength(keyLength);
    checkLength(length);
    const isKeyChunked = keyLength > INLINE_KEY_BYTES;
    const keyArea = isKeyChunked ? vectorBytes(keyLength) : keyLength;
    const keyChunks = isKeyChunked ? this.#chunks.allocate(0, keyLength) : undefined;
    let ref: Ref;
    try {
      const given = isKeyChunked ? KEY_CHUNKED | tail : tail;
      ref = this.#allocateRecord(keyArea, length, given, staged);
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

  /**
   * A block with a header, for a key area of `keyArea` bytes (not filled), a value of `length` bytes (its chunks allocated, or taken from `staged`) and
   * the fields that `given` names (not filled).
   */
  #allocateRecord(
    keyArea: number,
    length: number,
    given: number,
    staged: StagedValue | undefined,
  ): Ref {
    const otherBytes = keyArea + tailBytes(given);
    const isChunked = isChunkedValue(otherBytes, length);
    if (staged !== undefined && !isChunked) {
      throw new TypeError('a staged value must be a long one');
    }
    const chunks = staged?.fit();
    const valueArea = isChunked ? vectorBytes(length) : length;
    const sizeClass = classOf(HEADER_BYTES + otherBytes + valueArea);
    const ref = this.#arena.allocateClass(sizeClass);
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    if (isChunked) {
      try {
        const { refs, lastClass } = chunks ?? this.#chunks.allocate(0, length);
        this.#chunks.store(segment, at + HEADER_BYTES + keyArea, length, lastClass, 0, refs);
        staged?.taken();
      } catch (error) {
        this.#arena.free(ref, sizeClass);
        throw error;
      }
    }
    const engine = this.#engine;
    const flags = given | (isChunked ? VALUE_CHUNKED : 0) | (engine.snapshot.epoch << EPOCH_SHIFT);
    const view = segment.view;
    view.setInt32(at, (flags << 8) | (keyArea << 16), true);
    view.setInt32(at + VALUE_FIELD, valueArea, true);
    view.setInt32(at + ACCESS_FIELD, engine.access.initial() | (sizeClass << 24), true);
    view.setInt32(at + HEAP_FIELD, 0, true);
    return ref;
  }

  /** As `build`, with the key, type, encoding, observed bit and access field of `ref`. Key chunks are handed over. */
  buildLike(ref: Ref, length: number, tail: number, staged?: StagedValue): Ref {
    checkLength(length);
    const arena = this.#arena;
    const keyArea = this.keyArea(ref);
    const keyFlag = this.#engine.isKeyInline(ref) ? 0 : KEY_CHUNKED;
    const built = this.#allocateRecord(keyArea, length, keyFlag | tail, staged);
    const from = arena.segment(ref);
    const fromAt = arena.offset(ref);
    const to = arena.segment(built);
    const toAt = arena.offset(built);
    copyBytes(to, toAt + HEADER_BYTES, from, fromAt + HEADER_BYTES, keyArea);
    to.bytes[toAt] = from.bytes[fromAt]!;
    to.bytes[toAt + 1] = (to.bytes[toAt + 1]! & ~OBSERVED) | (from.bytes[fromAt + 1]! & OBSERVED);
    this.#engine.setAccessField(built, this.#engine.accessField(ref));
    // The chunks of the key belong to the new record now.
    from.bytes[fromAt + 1]! &= ~KEY_CHUNKED;
    return built;
  }

  /** Fills the value of the record at `at` of `segment`, which has just the length of `[start, end)`. */
  storeValue(segment: Region, at: number, source: Region, start: number, end: number): void {
    const valueAt = at + HEADER_BYTES + segment.view.getUint16(at + KEY_FIELD, true);
    if ((segment.bytes[at + 1]! & VALUE_CHUNKED) === 0) {
      copyBytes(segment, valueAt, source, start, end - start);
    } else {
      this.#chunks.write(segment, valueAt, 0, source, start, end);
    }
  }

  /** Which fields the record's block ends with. */
  tail(ref: Ref): number {
    return this.#arena.segment(ref).bytes[this.#arena.offset(ref) + 1]! & TAIL_MASK;
  }

  /**
   * Fills the fields that the record at `at` of `segment` has: client flags as given (they are 0 where there is no such field), and the
   * counter's number.
   */
  fillTail(segment: Region, at: number, clientFlags: number): void {
    const flags = segment.bytes[at + 1]!;
    const end = at + CLASS_BYTES[segment.bytes[at + CLASS_FIELD]!]!;
    const { view } = segment;
    if ((flags & HAS_CLIENT_FLAGS) !== 0) {
      view.setInt32(end - clientFlagsFromEnd(flags), clientFlags, true);
    }
    if ((flags & HAS_CAS) !== 0) this.#engine.cas.stamp(view, end - CAS_FROM_END);
  }

  /**
   * The record with the fields that `tail` names, not filled: where it is, or a copy of its block with room for them, to which its chunks belong then.
   */
  withTail(ref: Ref, tail: number): Ref {
    const arena = this.#arena;
    const needed = HEADER_BYTES + this.keyArea(ref) + this.valueArea(ref) + tailBytes(tail);
    const place =
      needed <= CLASS_BYTES[this.#engine.sizeClass(ref)]! ? ref : this.#copyBlock(ref, needed);
    const { bytes } = arena.segment(place);
    const at = arena.offset(place) + 1;
    bytes[at] = (bytes[at]! & ~TAIL_MASK) | tail;
    return place;
  }

  /** Fills the fields of a record that has a CAS. */
  setTail(ref: Ref, clientFlags: number, casHigh: number, casLow: number): void {
    const { view, bytes } = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    const flags = bytes[at + 1]!;
    const end = at + CLASS_BYTES[bytes[at + CLASS_FIELD]!]!;
    if ((flags & HAS_CLIENT_FLAGS) !== 0) {
      view.setInt32(end - clientFlagsFromEnd(flags), clientFlags, true);
    }
    view.setInt32(end - CAS_FROM_END, casLow, true);
    view.setInt32(end - CAS_FROM_END + 4, casHigh, true);
  }

  /** Sets bytes `[from, to)` of a value to zero. */
  #zero(ref: Ref, from: number, to: number): void {
    this.#engine.eachValueSpan(ref, from, to, (region, start, end) => {
      region.bytes.fill(0, start, end);
    });
  }

  /**
   * Makes the value `length` bytes long: cut off, or filled up with zeros. Returns the record's block, which has the fields that `wantedTail` names where it
   * is another one; then the old one is the caller's to free, with what is left in it.
   */
  resize(ref: Ref, length: number, wantedTail: number): Ref {
    checkLength(length);
    const engine = this.#engine;
    const before = engine.valueLength(ref);
    const had = this.tail(ref);
    const tail = had | wantedTail;
    const head = HEADER_BYTES + this.keyArea(ref);
    const needed = head + length + tailBytes(tail);
    if (!engine.isValueInline(ref) && needed > INLINE_RECORD_BYTES) {
      if (length >= before) return this.#growChunks(ref, before, length);
      this.#shrinkChunks(ref, length);
      return ref;
    }
    const fits = needed <= CLASS_BYTES[engine.sizeClass(ref)]! && needed <= INLINE_RECORD_BYTES;
    if (engine.isValueInline(ref) && fits && tail === had) {
      const segment = engine.segment(ref);
      const at = this.#arena.offset(ref);
      segment.view.setInt32(at + VALUE_FIELD, length, true);
      if (length > before) segment.bytes.fill(0, at + head + before, at + head + length);
      return ref;
    }
    // The value moves to a new block (or to chunks): build it, copy what stays, zero the rest.
    const kept = Math.min(before, length);
    const moved = this.buildLike(ref, length, tail);
    const segment = engine.segment(moved);
    this.fillTail(segment, this.#arena.offset(moved), engine.clientFlags(ref));
    const valueAt = engine.valueStart(moved);
    let to = 0;
    engine.eachValueSpan(ref, 0, kept, (from, start, end) => {
      if (engine.isValueInline(moved)) copyBytes(segment, valueAt + to, from, start, end - start);
      else this.#chunks.write(segment, valueAt, to, from, start, end);
      to += end - start;
    });
    if (length > kept) this.#zero(moved, kept, length);
    return moved;
  }

  /**
   * Makes a chunked value longer, filled up with zeros: only the last chunk may move. Returns the record's block, which is another one where the
   * vector did not fit the old; the old one then holds no chunks.
   */
  #growChunks(ref: Ref, before: number, length: number): Ref {
    const arena = this.#arena;
    const chunks = this.#chunks;
    const count = chunkCount(before);
    const whole = Math.floor(before / CHUNK_BYTES);
    const oldSegment = arena.segment(ref);
    const oldAt = this.#engine.valueStart(ref);
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
    const needed = HEADER_BYTES + this.keyArea(ref) + vector + tailBytes(this.tail(ref));
    if (needed > CLASS_BYTES[this.#engine.sizeClass(ref)]!) {
      try {
        moved = this.#widen(ref, needed);
      } catch (error) {
        this.#freeRefs(added.refs, added.lastClass);
        throw error;
      }
    }
    const segment = arena.segment(moved);
    const at = this.#engine.valueStart(moved);
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
    return moved;
  }

  /** Makes a chunked value shorter, still chunked: chunks behind the end are freed, the one that is the last then is fitted to its bytes. */
  #shrinkChunks(ref: Ref, length: number): void {
    const arena = this.#arena;
    const chunks = this.#chunks;
    const segment = arena.segment(ref);
    const at = this.#engine.valueStart(ref);
    const count = chunkCount(length);
    const bytes = lastChunkBytes(length);
    const isLastAlready = chunkCount(chunks.length(segment, at)) === count;
    const sizeClass = isLastAlready ? chunks.lastClass(segment, at) : classOf(CHUNK_BYTES);
    const fittingClass = classOf(bytes);
    let last = chunks.chunk(segment, at, count - 1);
    let kept = count;
    if (fittingClass !== sizeClass) {
      const fitted = arena.allocateClass(fittingClass);
      copyBytes(
        arena.segment(fitted),
        arena.offset(fitted),
        arena.segment(last),
        arena.offset(last),
        bytes,
      );
      last = fitted;
      kept = count - 1;
    }
    chunks.freeFromEnd(segment, at, kept, Infinity);
    chunks.store(segment, at, length, fittingClass, count - 1, Int32Array.of(last));
    segment.view.setInt32(arena.offset(ref) + VALUE_FIELD, vectorBytes(length), true);
  }

  /** A copy of the record's block with room for `needed` bytes, to which the chunks belong then. */
  #widen(ref: Ref, needed: number): Ref {
    const wider = this.#copyBlock(ref, needed);
    this.copyTail(ref, wider);
    return wider;
  }

  /** As `#widen`, without the fields at the block's end. */
  #copyBlock(ref: Ref, needed: number): Ref {
    const arena = this.#arena;
    const sizeClass = classOf(needed);
    const wider = arena.allocateClass(sizeClass);
    const bytes = HEADER_BYTES + this.keyArea(ref) + this.valueArea(ref);
    copyBytes(
      arena.segment(wider),
      arena.offset(wider),
      arena.segment(ref),
      arena.offset(ref),
      bytes,
    );
    arena.segment(wider).bytes[arena.offset(wider) + CLASS_FIELD] = sizeClass;
    arena.segment(ref).bytes[arena.offset(ref) + 1]! &= ~(KEY_CHUNKED | VALUE_CHUNKED);
    return wider;
  }

  /** Copies the fields at the end of `from`'s block to that of `to`, which has the same ones. */
  copyTail(from: Ref, to: Ref): void {
    const arena = this.#arena;
    const bytes = tailBytes(this.tail(from));
    copyBytes(
      arena.segment(to),
      arena.offset(to) + CLASS_BYTES[this.#engine.sizeClass(to)]! - bytes,
      arena.segment(from),
      arena.offset(from) + CLASS_BYTES[this.#engine.sizeClass(from)]! - bytes,
      bytes,
    );
  }

  #freeRefs(refs: Int32Array, lastClass: number): void {
    for (let i = 0; i < refs.length; i++) {
      this.#arena.free(refs[i]!, i === refs.length - 1 ? lastClass : classOf(CHUNK_BYTES));
    }
  }

  /** Gives the value vector of `ref` to `to`, a record with an empty value; returns the block that holds it then. */
  handOver(ref: Ref, to: Ref): Ref {
    const arena = this.#arena;
    const vector = this.valueArea(ref);
    const needed = HEADER_BYTES + this.keyArea(to) + vector + tailBytes(this.tail(to));
    let wide: Ref;
    try {
      wide = this.#widen(to, needed);
    } catch (error) {
      this.#engine.freeRecord(to);
      throw error;
    }
    arena.free(to, this.#engine.sizeClass(to));
    const segment = arena.segment(wide);
    const at = arena.offset(wide);
    copyBytes(
      segment,
      this.#engine.valueStart(wide),
      arena.segment(ref),
      this.#engine.valueStart(ref),
      vector,
    );
    segment.view.setInt32(at + VALUE_FIELD, vector, true);
    segment.bytes[at + 1]! |= VALUE_CHUNKED;
    return wide;
  }

  /** Frees a record whose value was handed over. */
  freeWithoutValue(ref: Ref): void {
    const segment = this.#arena.segment(ref);
    const at = this.#arena.offset(ref);
    segment.bytes[at + 1]! &= ~VALUE_CHUNKED;
    segment.view.setInt32(at + VALUE_FIELD, 0, true);
    this.#engine.freeRecord(ref);
  }
}
