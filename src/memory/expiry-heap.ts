/**
 * The volatile keys of a keyspace, the one that expires first on top: a 4-ary min-heap of (time, reference) in pages of typed arrays, 12 bytes
 * a key. Comparisons touch the heap alone; the record stores where its entry is, so that giving a volatile key another time moves one
 * entry and a key's time is one look away.
 *
 * What the record stores is (page number, slot), the page's number being the engine's: hence its time is found without knowing
 * the keyspace. Page numbers begin at 1, so that 0 means 'not volatile'.
 */
import type { Arena, Ref } from './arena.ts';
import { HEAP_FIELD } from './record.ts';

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;
const PAGE_MASK = PAGE - 1;
const PAGE_BYTES = PAGE * 12;
const AVERAGE_SAMPLES = 32;

/** The heap pages of all keyspaces of an engine. */
export class ExpiryPages {
  readonly times: (Float64Array | undefined)[] = [undefined];
  readonly refs: (Int32Array | undefined)[] = [undefined];
  /** Which page of its heap each page is. */
  readonly ordinal: number[] = [0];
  readonly #free: number[] = [];

  /** The time of the entry that a record's heap field names. */
  time(field: number): number {
    return this.times[field >>> PAGE_BITS]![field & PAGE_MASK]!;
  }

  take(ordinal: number): number {
    const page = this.#free.pop() ?? this.times.length;
    this.times[page] = new Float64Array(PAGE);
    this.refs[page] = new Int32Array(PAGE);
    this.ordinal[page] = ordinal;
    return page;
  }

  giveBack(page: number): void {
    this.times[page] = undefined;
    this.refs[page] = undefined;
    this.#free.push(page);
  }
}

export class ExpiryHeap {
  readonly #arena: Arena;
  readonly #pages: ExpiryPages;
  /** This heap's pages, in order: their numbers and their arrays. */
  readonly #numbers: number[] = [];
  readonly #times: Float64Array[] = [];
  readonly #refs: Int32Array[] = [];
  /** Entries; they are at places 1 .. count. */
  count = 0;

  constructor(arena: Arena, pages: ExpiryPages) {
    this.#arena = arena;
    this.#pages = pages;
  }

  get bytes(): number {
    return this.#times.length * PAGE_BYTES;
  }

  /** The earliest time; Infinity when empty. */
  get firstTime(): number {
    return this.count === 0 ? Infinity : this.#times[0]![1]!;
  }

  time(place: number): number {
    return this.#times[place >>> PAGE_BITS]![place & PAGE_MASK]!;
  }

  ref(place: number): Ref {
    return this.#refs[place >>> PAGE_BITS]![place & PAGE_MASK]!;
  }

  /** The mean remaining time in ms, from a sample; 0 when empty. */
  averageTtl(nowMs: number, random: () => number): number {
    const { count } = this;
    if (count === 0) return 0;
    const samples = Math.min(count, AVERAGE_SAMPLES);
    let sum = 0;
    for (let i = 0; i < samples; i++) {
      const place = count === samples ? i + 1 : 1 + Math.floor(random() * count);
      sum += Math.max(0, this.time(place) - nowMs);
    }
    return sum / samples;
  }

  /** Adds `ref`, which must not be in the heap. */
  add(ref: Ref, timeMs: number): void {
    const place = this.count + 1;
    if (place >>> PAGE_BITS === this.#times.length) {
      const page = this.#pages.take(this.#times.length);
      this.#arena.tableChanges++;
      this.#numbers.push(page);
      this.#times.push(this.#pages.times[page]!);
      this.#refs.push(this.#pages.refs[page]!);
    }
    this.count = place;
    this.#siftUp(place, ref, timeMs);
  }

  /** Gives the entry at `place` another time. */
  change(place: number, timeMs: number): void {
    const ref = this.ref(place);
    if (timeMs < this.time(place)) this.#siftUp(place, ref, timeMs);
    else this.#siftDown(place, ref, timeMs);
  }

  /** Removes the entry at `place`; the record's own field is the caller's. */
  removeAt(place: number): void {
    const last = this.count;
    const ref = this.ref(last);
    const time = this.time(last);
    this.count = last - 1;
    if (place !== last) {
      if (time < this.time(place)) this.#siftUp(place, ref, time);
      else this.#siftDown(place, ref, time);
    }
    // One spare page stays, so that a count around a page's edge does not allocate each time.
    while (
      this.#times.length > (this.count >>> PAGE_BITS) + 2 ||
      (this.count === 0 && this.#times.length > 0)
    ) {
      this.#dropPage();
    }
  }

  /** The place of the entry that a record's heap field names. */
  placeOf(field: number): number {
    return (this.#pages.ordinal[field >>> PAGE_BITS]! << PAGE_BITS) | (field & PAGE_MASK);
  }

  /** Gives all pages back: the heap's records are gone. */
  release(): void {
    this.count = 0;
    while (this.#times.length > 0) this.#dropPage();
  }

  #dropPage(): void {
    this.#arena.tableChanges++;
    this.#times.pop();
    this.#refs.pop();
    this.#pages.giveBack(this.#numbers.pop()!);
  }

  /** The record at `place` moved to `ref`. */
  moved(place: number, ref: Ref): void {
    this.#refs[place >>> PAGE_BITS]![place & PAGE_MASK] = ref;
  }

  checkInvariants(): void {
    for (let place = 1; place <= this.count; place++) {
      const parent = (place + 2) >>> 2;
      if (place > 1 && this.time(parent) > this.time(place))
        throw new Error(`heap order at ${place}`);
      const ref = this.ref(place);
      const view = this.#arena.segment(ref).view;
      if (this.placeOf(view.getInt32(this.#arena.offset(ref) + HEAP_FIELD, true)) !== place) {
        throw new Error(`record of heap place ${place} says otherwise`);
      }
    }
  }

  // Children of place p: 4p - 2 .. 4p + 1; parent: (p + 2) >>> 2.

  #siftUp(place: number, ref: Ref, time: number): void {
    while (place > 1) {
      const parent = (place + 2) >>> 2;
      const parentTime = this.time(parent);
      if (parentTime <= time) break;
      this.#put(place, this.ref(parent), parentTime);
      place = parent;
    }
    this.#put(place, ref, time);
  }

  #siftDown(place: number, ref: Ref, time: number): void {
    const count = this.count;
    for (;;) {
      const first = 4 * place - 2;
      if (first > count) break;
      let least = first;
      let leastTime = this.time(first);
      const end = Math.min(first + 3, count);
      for (let child = first + 1; child <= end; child++) {
        const childTime = this.time(child);
        if (childTime < leastTime) {
          least = child;
          leastTime = childTime;
        }
      }
      if (leastTime >= time) break;
      this.#put(place, this.ref(least), leastTime);
      place = least;
    }
    this.#put(place, ref, time);
  }

  #put(place: number, ref: Ref, time: number): void {
    const page = place >>> PAGE_BITS;
    const at = place & PAGE_MASK;
    this.#times[page]![at] = time;
    this.#refs[page]![at] = ref;
    const arena = this.#arena;
    const field = (this.#numbers[page]! << PAGE_BITS) | at;
    arena.segment(ref).view.setInt32(arena.offset(ref) + HEAP_FIELD, field, true);
  }
}
