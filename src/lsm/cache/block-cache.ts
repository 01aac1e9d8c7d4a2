/**
 * Blocks of tables, decoded indexes and filters in memory outside the JavaScript heap, in whole segments of up to 64 MiB.
 *
 * A segment is a row of neighbouring stretches, each an entry or a hole; a slot number names a stretch, and all slots of all segments form one
 * ring in the order of their addresses. Room is made by a clock whose hand goes round that ring:
 *
 *   1. From the hand on, a run of neighbours is gathered that are holes, or entries nobody has used since the hand last came by.
 *   2. An entry that was used loses one of its chances and stays; a pinned one stays. The run begins anew behind it.
 *   3. As soon as the run is long enough its entries are forgotten, the run becomes the new entry and, behind it, a hole. There the hand stops.
 *
 * So memory is filled one block behind the other as in a log, what is used stays where it is, nothing is ever moved, and no size class can
 * starve another. Sizes are rounded up by at most a 32nd, so that a block's stretch fits the next block.
 *
 * What is larger than half a segment, or finds everything pinned, gets a region of its own (`overflowBytes`).
 *
 * A cache belongs to one thread. Nothing here allocates in steady use.
 */
import { Region } from '../../bytes/region.ts';
import {
  CACHE_GRANULE_BYTES,
  CACHE_HELD_FRACTION,
  CACHE_OVERFLOW_FRACTION,
  CACHE_SEGMENT_BYTES,
  CHANCES_HIGH,
  CHANCES_LOW,
} from '../limits.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { SlotIndex } from './slot-index.ts';

/** Priorities: LOW for data blocks, HIGH for what many lookups need. */
export const LOW = 0;
export const HIGH = 1;

const NONE = -1;
const NOTHING: Region = Region.allocate(0);
/** Kinds of stretches. */
const FREE = 0;
const HOLE = 1;
const ENTRY = 2;
/** An entry in a region of its own, which is not part of the ring. */
const OVERFLOW = 3;

export interface BlockCacheOptions {
  readonly capacityBytes: number;
  /** Memory is taken from the system, and from the budget, in segments of this size. Default 64 MiB, or the capacity where that is less. */
  readonly segmentBytes?: number;
  readonly budget?: MemoryBudget;
}

export class BlockCache {
  readonly capacityBytes: number;
  /** Bytes of all entries in segments, as allocated. */
  usedBytes = 0;
  /** Bytes of entries in regions of their own. */
  overflowBytes = 0;
  /** Bytes of what is held. */
  heldBytes = 0;
  hits = 0;
  misses = 0;
  evictions = 0;
  readonly #segmentBytes: number;
  readonly #maxSegments: number;
  readonly #budget: MemoryBudget | undefined;
  #segments = 0;
  /** Segments, and regions of overflowing entries between them. */
  readonly #regions: Region[] = [];
  readonly #freeRegions: number[] = [];
  readonly #index: SlotIndex;
  #hand = NONE;

  // By slot.
  #kind: Uint8Array;
  #regionOf: Int32Array;
  #start: Int32Array;
  #size: Int32Array;
  #length: Int32Array;
  #extra: Int32Array;
  #pins: Int32Array;
  #chances: Uint8Array;
  #maxChances: Uint8Array;
  /** Neighbours in the ring; of a free slot number, the next free one. */
  #next: Int32Array;
  #previous: Int32Array;
  #freeSlot = NONE;

  constructor(options: BlockCacheOptions) {
    const { capacityBytes, budget } = options;
    const wanted = options.segmentBytes ?? Math.min(CACHE_SEGMENT_BYTES, capacityBytes);
    const segmentBytes = Math.floor(wanted / CACHE_GRANULE_BYTES) * CACHE_GRANULE_BYTES;
    if (!(segmentBytes >= CACHE_GRANULE_BYTES && segmentBytes <= CACHE_SEGMENT_BYTES)) {
      throw new RangeError('segmentBytes must be from 64 to 64 MiB');
    }
    if (!(capacityBytes >= segmentBytes)) throw new RangeError('capacityBytes is below a segment');
    this.capacityBytes = capacityBytes;
    this.#budget = budget;
    this.#segmentBytes = segmentBytes;
    this.#maxSegments = Math.floor(capacityBytes / segmentBytes);
    const slots = 64;
    this.#index = new SlotIndex(slots);
    this.#kind = new Uint8Array(slots);
    this.#regionOf = new Int32Array(slots);
    this.#start = new Int32Array(slots);
    this.#size = new Int32Array(slots);
    this.#length = new Int32Array(slots);
    this.#extra = new Int32Array(slots);
    this.#pins = new Int32Array(slots);
    this.#chances = new Uint8Array(slots);
    this.#maxChances = new Uint8Array(slots);
    this.#next = new Int32Array(slots);
    this.#previous = new Int32Array(slots);
    this.#chainFree(0);
  }

  /** Memory that is taken from the system. */
  get reservedBytes(): number {
    return this.#segments * this.#segmentBytes + this.overflowBytes;
  }

  /** Entries that can be found. */
  get entries(): number {
    return this.#index.count;
  }

  /** The slot of the block at `offset` of a file, pinned until `release`; -1 where it is not cached. */
  acquire(file: number, offset: number): number {
    const slot = this.#index.find(file, offset);
    if (slot === NONE) {
      this.misses++;
      return NONE;
    }
    this.hits++;
    this.#pins[slot]!++;
    this.#chances[slot] = this.#maxChances[slot]!;
    return slot;
  }

  /**
   * The same for who has found it in `hint` before, and only looks at it before anything else is asked of the cache: not pinned, no search
   * where it is still there. It stays what it is until room is made for something else.
   */
  peek(hint: number, file: number, offset: number): number {
    const slot =
      hint !== NONE && this.#index.holds(hint, file, offset)
        ? hint
        : this.#index.find(file, offset);
    if (slot === NONE) {
      this.misses++;
      return NONE;
    }
    this.hits++;
    this.#chances[slot] = this.#maxChances[slot]!;
    return slot;
  }

  /** Whether the block is there; no use of it. */
  isCached(file: number, offset: number): boolean {
    return this.#index.find(file, offset) !== NONE;
  }

  /**
   * Room for a block of `sizeBytes`, and for `extraBytes` behind it that belong to who reads it: a slot that is pinned, and that nobody finds before it is published.
   * Forgets what is used least.
   * Throws RangeError where the system has no memory.
   */
  reserve(sizeBytes: number, priority: number, extraBytes = 0): number {
    const size = roundedSize(sizeBytes + extraBytes);
    let slot = size > this.#segmentBytes >>> 1 ? NONE : this.#makeRoom(size);
    if (slot === NONE) slot = this.#reserveOverflow(size);
    else this.usedBytes += size;
    this.#length[slot] = sizeBytes;
    this.#extra[slot] = extraBytes === 0 ? 0 : this.#start[slot]! + sizeBytes;
    this.#pins[slot] = 1;
    this.#maxChances[slot] = priority === HIGH ? CHANCES_HIGH : CHANCES_LOW;
    this.#chances[slot] = priority === HIGH ? CHANCES_HIGH : 0;
    return slot;
  }

  /**
   * The bytes of a reserved slot are there: `acquire` finds it from now on. It stays pinned. Where another slot was published for the same block meanwhile,
   * that one stays the one that is found.
   */
  publish(slot: number, file: number, offset: number): void {
    if (this.#index.find(file, offset) === NONE) this.#index.insert(slot, file, offset);
  }

  /** One pin more on a pinned slot. */
  retain(slot: number): void {
    this.#pins[slot]!++;
  }

  release(slot: number): void {
    const pins = --this.#pins[slot]!;
    if (pins > 0) return;
    if (pins < 0) throw new Error('a slot of the block cache was released too often');
    // What is looked at without a pin stays until room is made for something else.
    const isLow = this.#maxChances[slot] === CHANCES_LOW;
    const isTooMuch = this.overflowBytes > this.capacityBytes * CACHE_OVERFLOW_FRACTION;
    const isSpare = this.#kind[slot] === OVERFLOW && isLow && isTooMuch;
    if (isSpare || !this.#index.isListed(slot)) this.#forget(slot);
  }

  /**
   * Pins a pinned slot once more, for long, while all that is held so takes no more than a quarter of the capacity; false where it would. Ends with
   * `unhold`.
   */
  hold(slot: number): boolean {
    const size = this.#size[slot]!;
    if (this.heldBytes + size > this.capacityBytes * CACHE_HELD_FRACTION) return false;
    this.heldBytes += size;
    this.#pins[slot]!++;
    return true;
  }

  unhold(slot: number): void {
    this.heldBytes -= this.#size[slot]!;
    this.release(slot);
  }

  /** The bytes of a pinned slot: `[start, start + length)` of its region. */
  region(slot: number): Region {
    return this.#regions[this.#regionOf[slot]!]!;
  }

  start(slot: number): number {
    return this.#start[slot]!;
  }

  length(slot: number): number {
    return this.#length[slot]!;
  }

  /** Where the extra bytes that were reserved with a pinned slot begin, 0 where there are none. */
  extra(slot: number): number {
    return this.#extra[slot]!;
  }

  /** Forgets all blocks of a file; pinned ones go when they are released. */
  eraseFile(file: number): void {
    for (let slot = this.#index.anyOf(file); slot !== NONE; slot = this.#index.anyOf(file)) {
      if (this.#pins[slot] === 0) this.#forget(slot);
      else this.#index.remove(slot);
    }
  }

  /** Bytes of pinned entries. Walks over all: for statistics. */
  pinnedBytes(): number {
    let sum = 0;
    for (let slot = 0; slot < this.#kind.length; slot++) {
      if (this.#kind[slot]! >= ENTRY && this.#pins[slot]! > 0) sum += this.#size[slot]!;
    }
    return sum;
  }

  /** The same for all files that `isMeant` is true of. */
  eraseFiles(isMeant: (file: number) => boolean): void {
    for (const file of this.#index.files()) if (isMeant(file)) this.eraseFile(file);
  }

  /** Gives one segment back, with what is in it: the next of those in which nothing is pinned. False where there is none such, or only one at all. */
  shrink(): boolean {
    if (this.#segments < 2) return false;
    let first = this.#hand;
    while (this.#start[first] !== 0) first = this.#next[first]!;
    for (let i = 0; i < this.#segments; i++) {
      let isPinned = false;
      let slot = first;
      do {
        if (this.#kind[slot] === ENTRY && this.#pins[slot]! > 0) isPinned = true;
        slot = this.#next[slot]!;
      } while (this.#start[slot] !== 0);
      if (!isPinned) {
        this.#giveBack(first, slot);
        return true;
      }
      first = slot;
    }
    return false;
  }

  /** Counts memory that others hold beside the cache, for its tables: `sizeBytes` below 0 where it is given back. */
  charge(sizeBytes: number): void {
    if (sizeBytes >= 0) this.#budget?.force(sizeBytes);
    else this.#budget?.release(-sizeBytes);
  }

  /** Gives all memory back. Nothing may be pinned, and nothing is asked of the cache afterwards. */
  close(): void {
    if (this.#budget !== undefined) {
      for (let i = 0; i < this.#segments; i++) this.#budget.release(this.#segmentBytes);
    }
    for (let slot = 0; slot < this.#kind.length; slot++) {
      if (this.#kind[slot] === OVERFLOW) this.#budget?.release(this.#size[slot]!);
    }
    this.#regions.length = 0;
    this.#segments = 0;
    this.usedBytes = 0;
    this.overflowBytes = 0;
  }

  /** Throws where ring, counts and index contradict each other. For tests. */
  checkInvariants(): void {
    let used = 0;
    let listed = 0;
    let covered = 0;
    let slot = this.#hand;
    for (let steps = 0; slot !== NONE; steps++) {
      if (steps > this.#kind.length) throw new Error('the ring does not close');
      const next = this.#next[slot]!;
      if (this.#previous[next] !== slot) throw new Error(`ring is torn at slot ${slot}`);
      if (this.#kind[slot] === ENTRY) used += this.#size[slot]!;
      else if (this.#kind[slot] !== HOLE) throw new Error(`slot ${slot} is no part of the ring`);
      if (this.#index.isListed(slot)) listed++;
      covered += this.#size[slot]!;
      const isNeighbour = this.#continues(slot, this.#size[slot]!, next);
      if (!isNeighbour && this.#start[next] !== 0) throw new Error(`gap behind slot ${slot}`);
      if (next === this.#hand) break;
      slot = next;
    }
    for (slot = 0; slot < this.#kind.length; slot++) {
      if (this.#kind[slot] === OVERFLOW && this.#index.isListed(slot)) listed++;
    }
    if (used !== this.usedBytes) throw new Error(`used ${this.usedBytes}, counted ${used}`);
    if (listed !== this.#index.count) throw new Error(`listed ${this.#index.count}, not ${listed}`);
    const taken = this.#segments * this.#segmentBytes;
    if (covered !== taken) throw new Error(`segments of ${taken} hold ${covered}`);
  }

  // ---- room

  #makeRoom(size: number): number {
    let first = NONE;
    let run = 0;
    let slot = this.#hand;
    // Each round takes a chance from every entry: after the last, all that is not pinned is taken.
    const limit = (CHANCES_HIGH + 2) * (this.#kind.length + 1);
    for (let steps = 0; slot !== NONE && steps < limit; steps++) {
      if (first !== NONE && !this.#continues(first, run, slot)) first = NONE;
      if (this.#kind[slot] === ENTRY) {
        if (this.#segments < this.#maxSegments && this.#grow()) {
          slot = this.#hand;
          first = NONE;
          continue;
        }
        if (this.#pins[slot]! > 0 || this.#chances[slot]! > 0) {
          if (this.#pins[slot] === 0) this.#chances[slot]!--;
          first = NONE;
          slot = this.#next[slot]!;
          continue;
        }
      }
      if (first === NONE) {
        first = slot;
        run = 0;
      }
      run += this.#size[slot]!;
      if (run >= size) return this.#take(first, slot, run, size);
      slot = this.#next[slot]!;
    }
    if (slot === NONE && this.#grow()) return this.#makeRoom(size);
    return NONE;
  }

  /** Whether `slot` lies behind the run of `run` bytes that begins at `first`; where segments meet and where the ring closes it does not. */
  #continues(first: number, run: number, slot: number): boolean {
    return (
      this.#regionOf[slot] === this.#regionOf[first] &&
      this.#start[slot] === this.#start[first]! + run
    );
  }

  /** Makes the stretches from `first` to `last` one entry of `size` bytes and a hole. */
  #take(first: number, last: number, run: number, size: number): number {
    for (let slot = first; ;) {
      const next = this.#next[slot]!;
      if (this.#kind[slot] === ENTRY) {
        this.#index.remove(slot);
        this.usedBytes -= this.#size[slot]!;
        this.evictions++;
      }
      if (slot !== first) this.#freeNumber(slot);
      if (slot === last) {
        this.#link(first, next);
        break;
      }
      slot = next;
    }
    this.#kind[first] = ENTRY;
    this.#size[first] = size;
    if (run > size) {
      const hole = this.#number();
      this.#kind[hole] = HOLE;
      this.#regionOf[hole] = this.#regionOf[first]!;
      this.#start[hole] = this.#start[first]! + size;
      this.#size[hole] = run - size;
      this.#link(hole, this.#next[first]!);
      this.#link(first, hole);
    }
    this.#hand = this.#next[first]!;
    return first;
  }

  /** One segment more, a hole at which the hand then stands. */
  #grow(): boolean {
    if (this.#segments >= this.#maxSegments) return false;
    if (this.#budget !== undefined && !this.#budget.reserve(this.#segmentBytes)) {
      if (this.#segments > 0) return false;
      // Without any memory a cache is none.
      this.#budget.force(this.#segmentBytes);
    }
    const hole = this.#number();
    this.#kind[hole] = HOLE;
    this.#regionOf[hole] = this.#addRegion(Region.allocate(this.#segmentBytes));
    this.#start[hole] = 0;
    this.#size[hole] = this.#segmentBytes;
    this.#segments++;
    if (this.#hand === NONE) this.#link(hole, hole);
    else {
      // Before the first stretch of some segment, so that segments stay whole in the ring.
      let at = this.#hand;
      while (this.#start[at] !== 0) at = this.#previous[at]!;
      this.#link(this.#previous[at]!, hole);
      this.#link(hole, at);
    }
    this.#hand = hole;
    return true;
  }

  /** The segment whose stretches are those from `first` to before `behind` is no more. */
  #giveBack(first: number, behind: number): void {
    const before = this.#previous[first]!;
    const region = this.#regionOf[first]!;
    for (let slot = first; slot !== behind;) {
      const next = this.#next[slot]!;
      if (this.#kind[slot] === ENTRY) {
        this.#index.remove(slot);
        this.usedBytes -= this.#size[slot]!;
        this.evictions++;
      }
      this.#freeNumber(slot);
      slot = next;
    }
    this.#link(before, behind);
    this.#hand = behind;
    this.#regions[region] = NOTHING;
    this.#freeRegions.push(region);
    this.#segments--;
    this.#budget?.release(this.#segmentBytes);
  }

  #reserveOverflow(size: number): number {
    if (this.overflowBytes + size > this.capacityBytes * CACHE_OVERFLOW_FRACTION) {
      for (let slot = 0; slot < this.#kind.length; slot++) {
        if (this.#kind[slot] === OVERFLOW && this.#pins[slot] === 0) this.#forget(slot);
      }
    }
    const slot = this.#number();
    this.#kind[slot] = OVERFLOW;
    this.#regionOf[slot] = this.#addRegion(Region.allocate(size));
    this.#start[slot] = 0;
    this.#size[slot] = size;
    this.overflowBytes += size;
    this.#budget?.force(size);
    return slot;
  }

  /** The entry, which is not pinned, is no more. */
  #forget(slot: number): void {
    if (this.#index.isListed(slot)) this.#index.remove(slot);
    const size = this.#size[slot]!;
    if (this.#kind[slot] === OVERFLOW) {
      const region = this.#regionOf[slot]!;
      this.#regions[region] = NOTHING;
      this.#freeRegions.push(region);
      this.overflowBytes -= size;
      this.#budget?.release(size);
      this.#freeNumber(slot);
    } else {
      this.#kind[slot] = HOLE;
      this.usedBytes -= size;
    }
  }

  #addRegion(region: Region): number {
    const number = this.#freeRegions.pop() ?? this.#regions.length;
    this.#regions[number] = region;
    return number;
  }

  // ---- slot numbers

  #link(slot: number, next: number): void {
    this.#next[slot] = next;
    this.#previous[next] = slot;
  }

  #number(): number {
    if (this.#freeSlot === NONE) this.#growSlots();
    const slot = this.#freeSlot;
    this.#freeSlot = this.#next[slot]!;
    return slot;
  }

  #freeNumber(slot: number): void {
    this.#kind[slot] = FREE;
    this.#next[slot] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  #chainFree(from: number): void {
    for (let slot = this.#kind.length - 1; slot >= from; slot--) this.#freeNumber(slot);
  }

  #growSlots(): void {
    const slots = this.#kind.length;
    const grown = (old: Int32Array): Int32Array => {
      const table = new Int32Array(slots * 2);
      table.set(old);
      return table;
    };
    const grownBytes = (old: Uint8Array): Uint8Array => {
      const table = new Uint8Array(slots * 2);
      table.set(old);
      return table;
    };
    this.#kind = grownBytes(this.#kind);
    this.#chances = grownBytes(this.#chances);
    this.#maxChances = grownBytes(this.#maxChances);
    this.#regionOf = grown(this.#regionOf);
    this.#start = grown(this.#start);
    this.#size = grown(this.#size);
    this.#length = grown(this.#length);
    this.#extra = grown(this.#extra);
    this.#pins = grown(this.#pins);
    this.#next = grown(this.#next);
    this.#previous = grown(this.#previous);
    this.#index.grow(slots * 2);
    this.#chainFree(slots);
  }
}

/** Rounded up to a multiple of 64 bytes, and above 2 KiB of a 32nd of the next lower power of two. */
function roundedSize(sizeBytes: number): number {
  const last = Math.max(1, sizeBytes) - 1;
  const step = Math.max(CACHE_GRANULE_BYTES, 1 << Math.max(0, 26 - Math.clz32(last)));
  return (last | (step - 1)) + 1;
}
