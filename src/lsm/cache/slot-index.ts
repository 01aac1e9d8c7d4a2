/**
 * Finds a slot by what it holds, (file number, offset): an open-addressing table of slot numbers, probed linearly, whose entries move back into the
 * gap that a removal leaves. Slots of one file are linked with each other, so that a deleted file is forgotten without a walk over all.
 */
const NONE = -1;
const MIN_TABLE = 64;

export class SlotIndex {
  #table: Int32Array;
  #mask: number;
  #count = 0;
  /** By slot. A slot that is not listed has file -1. */
  #file: Float64Array;
  #offset: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;
  readonly #firstOfFile = new Map<number, number>();

  constructor(slots: number) {
    this.#table = new Int32Array(Math.max(MIN_TABLE, 2 ** Math.ceil(Math.log2(slots * 2)))).fill(
      NONE,
    );
    this.#mask = this.#table.length - 1;
    this.#file = new Float64Array(slots).fill(NONE);
    this.#offset = new Float64Array(slots);
    this.#next = new Int32Array(slots);
    this.#previous = new Int32Array(slots);
  }

  /** Makes room for slots up to `slots`. */
  grow(slots: number): void {
    const file = new Float64Array(slots).fill(NONE);
    file.set(this.#file);
    this.#file = file;
    const offset = new Float64Array(slots);
    offset.set(this.#offset);
    this.#offset = offset;
    const next = new Int32Array(slots);
    next.set(this.#next);
    this.#next = next;
    const previous = new Int32Array(slots);
    previous.set(this.#previous);
    this.#previous = previous;
    if (slots * 2 <= this.#table.length) return;
    const old = this.#table;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(slots * 2))).fill(NONE);
    this.#mask = this.#table.length - 1;
    for (const slot of old) if (slot !== NONE) this.#place(slot);
  }

  /** Listed slots. */
  get count(): number {
    return this.#count;
  }

  isListed(slot: number): boolean {
    return this.#file[slot] !== NONE;
  }

  /** Whether the slot holds just this. */
  holds(slot: number, file: number, offset: number): boolean {
    return this.#file[slot] === file && this.#offset[slot] === offset;
  }

  find(file: number, offset: number): number {
    const table = this.#table;
    const mask = this.#mask;
    for (let at = hash(file, offset) & mask; ; at = (at + 1) & mask) {
      const slot = table[at]!;
      if (slot === NONE || (this.#offset[slot] === offset && this.#file[slot] === file))
        return slot;
    }
  }

  /** Lists a slot that is not listed, under a name that no other has. */
  insert(slot: number, file: number, offset: number): void {
    this.#file[slot] = file;
    this.#offset[slot] = offset;
    this.#place(slot);
    this.#count++;
    const first = this.#firstOfFile.get(file) ?? NONE;
    this.#next[slot] = first;
    this.#previous[slot] = NONE;
    if (first !== NONE) this.#previous[first] = slot;
    this.#firstOfFile.set(file, slot);
  }

  remove(slot: number): void {
    const file = this.#file[slot]!;
    this.#unplace(slot);
    this.#count--;
    this.#file[slot] = NONE;
    const next = this.#next[slot]!;
    const previous = this.#previous[slot]!;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    else if (next === NONE) this.#firstOfFile.delete(file);
    else this.#firstOfFile.set(file, next);
  }

  /** Any slot of the file, -1 where it has none. */
  anyOf(file: number): number {
    return this.#firstOfFile.get(file) ?? NONE;
  }

  /** Files that have a slot. */
  files(): number[] {
    return [...this.#firstOfFile.keys()];
  }

  #place(slot: number): void {
    let at = hash(this.#file[slot]!, this.#offset[slot]!) & this.#mask;
    while (this.#table[at] !== NONE) at = (at + 1) & this.#mask;
    this.#table[at] = slot;
  }

  #unplace(slot: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let gap = hash(this.#file[slot]!, this.#offset[slot]!) & mask;
    while (table[gap] !== slot) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; table[at] !== NONE; at = (at + 1) & mask) {
      const other = table[at]!;
      const home = hash(this.#file[other]!, this.#offset[other]!) & mask;
      // It may move back to the gap unless its home lies behind the gap.
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      table[gap] = other;
      gap = at;
    }
    table[gap] = NONE;
  }
}

function hash(file: number, offset: number): number {
  const low = Math.imul((offset | 0) ^ Math.imul(file | 0, 0x9e3779b1), 0x85ebca77);
  const high = (offset / 0x100000000) | 0;
  const mixed = Math.imul(low ^ (low >>> 15) ^ high, 0xc2b2ae3d);
  return mixed ^ (mixed >>> 16);
}
