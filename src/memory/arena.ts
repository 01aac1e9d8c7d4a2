/**
 * Memory outside the JavaScript heap, in blocks.
 *
 *   segment (64 MiB, one ArrayBuffer)  =  pages (256 KiB)  =  blocks of one size class
 *
 * A reference is an int32 (a uint32's bits) that counts units of 8 bytes from the start of the first segment: segment, page and offset are
 * shifts away. 0 is no reference: the first unit of the first page is never given out.
 *
 * A page knows its class, its live blocks, how far it was ever used (`bump`) and its free blocks, which are linked through their first
 * word. Pages of a class with room form a list, the latest to get room first: such a page is nearly full, so that blocks gather in
 * few pages. An empty page serves any class again; a segment of empty pages is given back.
 *
 * Compaction (`planCompaction`) sorts that list, the fullest page first, and marks as sources the pages that the others have room for:
 * who moves blocks from sources to where `allocateClass` puts them empties the sources, moving as few blocks as can be.
 */
import { Region } from '../bytes/region.ts';
import { EngineFullError } from './errors.ts';
import { MAX_ARENA_BYTES, PAGE_BITS } from './limits.ts';
import { CLASS_BYTES, CLASS_COUNT, classOf } from './size-classes.ts';

export type Ref = number;
export const NONE = 0;

const PAGE_UNIT_BITS = PAGE_BITS - 3;
const PAGE_UNITS = 1 << PAGE_UNIT_BITS;
export const PAGE_BYTES: number = 1 << PAGE_BITS;
const NO_PAGE = -1;
/** `#class` of a page that is in no use. */
const FREE = 255;
/** Degrees of fullness by which compaction sorts pages. */
const BANDS = 256;

/** Blocks of one size: in use, pages that hold them, and how many fit one. */
export interface ClassUse {
  readonly blockBytes: number;
  readonly pages: number;
  readonly blocks: number;
  readonly blocksAPage: number;
}

const ABSENT: Region = Region.allocate(8);

export class Arena {
  /** Segments by number; one that was given back is ABSENT. */
  readonly segments: Region[] = [];
  /** ref >>> segmentShift is the segment; (ref & unitMask) << 3 the offset in it. */
  readonly segmentShift: number;
  readonly unitMask: number;
  /** Bytes of all live blocks, exact. */
  usedBytes = 0;
  /** Counts up whenever an index or an expiry heap takes memory or gives some back: who adds these up need not do so in between. */
  tableChanges = 0;
  /** Pages that hold blocks. */
  pagesInUse = 0;
  readonly #segmentBytes: number;
  readonly #pagesPerSegment: number;
  readonly #maxPages: number;
  readonly #partial: Int32Array = new Int32Array(CLASS_COUNT).fill(NO_PAGE);
  #class: Uint8Array = new Uint8Array(0);
  #live: Int32Array = new Int32Array(0);
  #bump: Int32Array = new Int32Array(0);
  #freeBlock: Int32Array = new Int32Array(0);
  #next: Int32Array = new Int32Array(0);
  #prev: Int32Array = new Int32Array(0);
  /** Empty pages of present segments, linked through `#next`. */
  #emptyPages: number = NO_PAGE;
  #emptyInSegment: Int32Array = new Int32Array(0);
  /** Per page: 1 while compaction empties it. */
  #isSource: Uint8Array = new Uint8Array(0);
  /** Per page of a present segment: 1 once it was in use, so that the system gave memory for it. */
  #isTouched: Uint8Array = new Uint8Array(0);
  #touchedPages = 0;
  readonly #bands: Int32Array = new Int32Array(BANDS);

  constructor(segmentBits: number, maxBytes: number) {
    this.#segmentBytes = 2 ** segmentBits;
    this.segmentShift = segmentBits - 3;
    this.unitMask = 2 ** this.segmentShift - 1;
    this.#pagesPerSegment = 2 ** (segmentBits - PAGE_BITS);
    this.#maxPages = Math.floor(Math.min(maxBytes, MAX_ARENA_BYTES) / PAGE_BYTES);
  }

  /** Bytes of the pages that hold blocks. */
  get reservedBytes(): number {
    return this.pagesInUse * PAGE_BYTES;
  }

  /** Bytes that the system gave for pages: those in use, and those that were and wait in present segments to be used again. */
  get residentBytes(): number {
    return this.#touchedPages * PAGE_BYTES;
  }

  segment(ref: Ref): Region {
    return this.segments[ref >>> this.segmentShift]!;
  }

  offset(ref: Ref): number {
    return (ref & this.unitMask) << 3;
  }

  /** A block for `sizeBytes`, its contents undefined. Throws EngineFullError, with nothing changed. */
  allocate(sizeBytes: number): Ref {
    return this.allocateClass(classOf(sizeBytes));
  }

  allocateClass(sizeClass: number): Ref {
    let page = this.#partial[sizeClass]!;
    if (page === NO_PAGE) page = this.#openPage(sizeClass);
    const bytes = CLASS_BYTES[sizeClass]!;
    let ref = this.#freeBlock[page]!;
    if (ref !== NONE) {
      this.#freeBlock[page] = this.segment(ref).view.getInt32(this.offset(ref), true);
    } else {
      const at = this.#bump[page]!;
      ref = ((page << PAGE_UNIT_BITS) + at) | 0;
      this.#bump[page] = at + (bytes >>> 3);
    }
    this.#live[page]!++;
    this.usedBytes += bytes;
    if (this.#freeBlock[page] === NONE && this.#bump[page]! + (bytes >>> 3) > PAGE_UNITS) {
      this.#unlink(page, sizeClass);
    }
    return ref;
  }

  free(ref: Ref, sizeClass: number): void {
    const page = ref >>> PAGE_UNIT_BITS;
    const units = CLASS_BYTES[sizeClass]! >>> 3;
    const wasFull = this.#freeBlock[page] === NONE && this.#bump[page]! + units > PAGE_UNITS;
    this.segment(ref).view.setInt32(this.offset(ref), this.#freeBlock[page]!, true);
    this.#freeBlock[page] = ref;
    this.usedBytes -= CLASS_BYTES[sizeClass]!;
    const live = this.#live[page]! - 1;
    this.#live[page] = live;
    if (wasFull) this.#link(page, sizeClass);
    if (live === 0) this.#closePage(page, sizeClass);
  }

  /**
   * Sorts the pages of the class that have room, the fullest first, and marks those at the end which the others can take in; returns how many. Its time
   * grows with their number: about 10 ns each.
   */
  planCompaction(sizeClass: number): number {
    const bands = this.#bands.fill(NO_PAGE);
    const capacity = Math.floor(PAGE_BYTES / CLASS_BYTES[sizeClass]!);
    let pages = 0;
    let live = 0;
    for (let page = this.#partial[sizeClass]!; page !== NO_PAGE; pages++) {
      const next = this.#next[page]!;
      const band = Math.floor((this.#live[page]! * (BANDS - 1)) / capacity);
      live += this.#live[page]!;
      this.#next[page] = bands[band]!;
      bands[band] = page;
      page = next;
    }
    const sources = pages - Math.ceil(live / capacity);
    this.#partial[sizeClass] = NO_PAGE;
    let linked = 0;
    for (let band = 0; band < BANDS; band++) {
      for (let page = bands[band]!; page !== NO_PAGE; linked++) {
        const next = this.#next[page]!;
        this.#isSource[page] = linked < sources ? 1 : 0;
        this.#link(page, sizeClass);
        page = next;
      }
    }
    return sources;
  }

  /** How each size class is used; its time grows with the number of pages. */
  classUses(): ClassUse[] {
    const uses = Array.from(CLASS_BYTES, (blockBytes) => ({
      blockBytes,
      pages: 0,
      blocks: 0,
      blocksAPage: Math.floor(PAGE_BYTES / blockBytes),
    }));
    for (let page = 0; page < this.#class.length; page++) {
      const use = uses[this.#class[page]!];
      if (use === undefined) continue;
      use.pages++;
      use.blocks += this.#live[page]!;
    }
    return uses;
  }

  endCompaction(): void {
    this.#isSource.fill(0);
  }

  /** Whether compaction wants the block elsewhere, and a new one would be in a page that is to stay: no new page is opened for it. */
  isMisplaced(ref: Ref, sizeClass: number): boolean {
    if (this.#isSource[ref >>> PAGE_UNIT_BITS] === 0) return false;
    const target = this.#partial[sizeClass]!;
    return target !== NO_PAGE && this.#isSource[target] === 0;
  }

  /** Throws where the lists contradict the counts. For tests. */
  checkInvariants(): void {
    let used = 0;
    let inUse = 0;
    for (let page = 0; page < this.#class.length; page++) {
      const sizeClass = this.#class[page]!;
      if (sizeClass === FREE) continue;
      inUse++;
      used += this.#live[page]! * CLASS_BYTES[sizeClass]!;
      if (this.#live[page]! <= 0) throw new Error(`page ${page} is open and empty`);
      let free = 0;
      for (let ref = this.#freeBlock[page]!; ref !== NONE; free++) {
        if (ref >>> PAGE_UNIT_BITS !== page)
          throw new Error(`free block of another page in ${page}`);
        if (free > PAGE_UNITS) throw new Error(`free blocks of page ${page} form a ring`);
        ref = this.segment(ref).view.getInt32(this.offset(ref), true);
      }
      const first = page === 0 ? 1 : 0;
      const given = (this.#bump[page]! - first) / (CLASS_BYTES[sizeClass]! >>> 3);
      if (given !== free + this.#live[page]!) throw new Error(`page ${page} lost blocks`);
    }
    if (used !== this.usedBytes) throw new Error(`used ${this.usedBytes}, counted ${used}`);
    if (inUse !== this.pagesInUse) throw new Error(`pages ${this.pagesInUse}, counted ${inUse}`);
  }

  #openPage(sizeClass: number): number {
    if (this.pagesInUse >= this.#maxPages) throw new EngineFullError(this.#maxPages * PAGE_BYTES);
    if (this.#emptyPages === NO_PAGE) this.#addSegment();
    const page = this.#emptyPages;
    this.#emptyPages = this.#next[page]!;
    if (this.#emptyPages !== NO_PAGE) this.#prev[this.#emptyPages] = NO_PAGE;
    this.#emptyInSegment[page >>> this.#pageShift()]!--;
    this.pagesInUse++;
    this.#touchedPages += 1 - this.#isTouched[page]!;
    this.#isTouched[page] = 1;
    this.#isSource[page] = 0;
    this.#class[page] = sizeClass;
    this.#live[page] = 0;
    this.#bump[page] = page === 0 ? 1 : 0;
    this.#freeBlock[page] = NONE;
    this.#link(page, sizeClass);
    return page;
  }

  #closePage(page: number, sizeClass: number): void {
    this.#unlink(page, sizeClass);
    this.#class[page] = FREE;
    this.pagesInUse--;
    this.#addEmpty(page);
    const segment = page >>> this.#pageShift();
    const empty = ++this.#emptyInSegment[segment]!;
    if (empty === this.#pagesPerSegment && this.#countEmptySegments() > 1)
      this.#dropSegment(segment);
  }

  #pageShift(): number {
    return this.segmentShift - PAGE_UNIT_BITS;
  }

  #countEmptySegments(): number {
    let count = 0;
    for (let s = 0; s < this.segments.length; s++) {
      if (this.#emptyInSegment[s] === this.#pagesPerSegment) count++;
    }
    return count;
  }

  #addEmpty(page: number): void {
    this.#next[page] = this.#emptyPages;
    this.#prev[page] = NO_PAGE;
    if (this.#emptyPages !== NO_PAGE) this.#prev[this.#emptyPages] = page;
    this.#emptyPages = page;
  }

  #addSegment(): void {
    let segment = this.segments.indexOf(ABSENT);
    const region = this.#allocateSegment();
    if (segment < 0) {
      segment = this.segments.length;
      this.segments.push(region);
      this.#growTables((segment + 1) * this.#pagesPerSegment);
    } else {
      this.segments[segment] = region;
    }
    const first = segment * this.#pagesPerSegment;
    for (let page = first + this.#pagesPerSegment - 1; page >= first; page--) this.#addEmpty(page);
    this.#emptyInSegment[segment] = this.#pagesPerSegment;
  }

  #allocateSegment(): Region {
    try {
      return Region.allocate(this.#segmentBytes);
    } catch (error) {
      throw new EngineFullError('the system has no memory for a segment', { cause: error });
    }
  }

  #dropSegment(segment: number): void {
    const first = segment * this.#pagesPerSegment;
    for (let page = first; page < first + this.#pagesPerSegment; page++) {
      const next = this.#next[page]!;
      const prev = this.#prev[page]!;
      if (prev === NO_PAGE) this.#emptyPages = next;
      else this.#next[prev] = next;
      if (next !== NO_PAGE) this.#prev[next] = prev;
      this.#touchedPages -= this.#isTouched[page]!;
      this.#isTouched[page] = 0;
    }
    this.#emptyInSegment[segment] = 0;
    this.segments[segment] = ABSENT;
  }

  #growTables(pages: number): void {
    if (pages <= this.#class.length) return;
    const size = Math.max(pages, this.#class.length * 2);
    const grown = (old: Int32Array): Int32Array => {
      const table = new Int32Array(size);
      table.set(old);
      return table;
    };
    const grownFlags = (old: Uint8Array, filler: number): Uint8Array => {
      const table = new Uint8Array(size).fill(filler);
      table.set(old);
      return table;
    };
    this.#class = grownFlags(this.#class, FREE);
    this.#isSource = grownFlags(this.#isSource, 0);
    this.#isTouched = grownFlags(this.#isTouched, 0);
    this.#live = grown(this.#live);
    this.#bump = grown(this.#bump);
    this.#freeBlock = grown(this.#freeBlock);
    this.#next = grown(this.#next);
    this.#prev = grown(this.#prev);
    const empty = new Int32Array(Math.ceil(size / this.#pagesPerSegment));
    empty.set(this.#emptyInSegment);
    this.#emptyInSegment = empty;
  }

  #link(page: number, sizeClass: number): void {
    const first = this.#partial[sizeClass]!;
    this.#next[page] = first;
    this.#prev[page] = NO_PAGE;
    if (first !== NO_PAGE) this.#prev[first] = page;
    this.#partial[sizeClass] = page;
  }

  #unlink(page: number, sizeClass: number): void {
    const next = this.#next[page]!;
    const prev = this.#prev[page]!;
    if (prev === NO_PAGE) this.#partial[sizeClass] = next;
    else this.#next[prev] = next;
    if (next !== NO_PAGE) this.#prev[next] = prev;
  }
}
