/**
 * A cursor over a memtable. Keys and values stay where the memtable has them, so what the cursor shows is valid as long as the memtable.
 * It survives insertions: a record never moves, and its place in the tree is looked for anew after others were added.
 */
import type { Region } from '../../bytes/region.ts';
import { Cursor, END, VALID } from '../cursor.ts';
import { trailerHigh, trailerLow, TYPE_FOR_SEEK } from '../internal-key.ts';
import { COUNT, NEXT, NONE, PREVIOUS, REF, TRAILER_HIGH, TRAILER_LOW } from './layout.ts';
import type { Memtable } from './memtable.ts';

export class MemtableCursor extends Cursor {
  readonly #memtable: Memtable;
  #record: number = NONE;
  #leaf: number = NONE;
  #index = 0;
  /** Entries that the memtable had when leaf and index were right. */
  #entries = 0;

  constructor(memtable: Memtable) {
    super();
    this.#memtable = memtable;
    this.keyRegion = memtable.region;
    this.valueRegion = memtable.region;
  }

  seek(region: Region, start: number, end: number, sequence: number): void {
    this.#find(region, start, end, trailerLow(sequence, TYPE_FOR_SEEK), trailerHigh(sequence));
  }

  seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    const { tree } = this.#memtable;
    if (tree.root === NONE) {
      this.#show(NONE);
      return;
    }
    // The place behind every version of `sequence` or newer is where the search for the highest trailer below them ends.
    if (sequence === 0) tree.find(region, start, end, -1, 0);
    else
      tree.find(
        region,
        start,
        end,
        trailerLow(sequence - 1, TYPE_FOR_SEEK),
        trailerHigh(sequence - 1),
      );
    this.#take();
    this.#stepBack();
  }

  first(): void {
    const { tree } = this.#memtable;
    this.#entries = this.#memtable.entries;
    this.#leaf = tree.firstLeaf;
    this.#index = 0;
    this.#show(tree.root === NONE ? NONE : this.#memtable.words[this.#leaf + REF]!);
  }

  last(): void {
    const { tree, words } = this.#memtable;
    this.#entries = this.#memtable.entries;
    this.#leaf = tree.lastLeaf;
    this.#index = tree.root === NONE ? 0 : words[this.#leaf + COUNT]!;
    if (tree.root === NONE) this.#show(NONE);
    else this.#stepBack();
  }

  next(): void {
    if (this.#entries !== this.#memtable.entries) this.#findAgain();
    const { words } = this.#memtable;
    this.#index++;
    if (this.#index === words[this.#leaf + COUNT]!) {
      const next = words[this.#leaf + NEXT]!;
      if (next === NONE) {
        this.#show(NONE);
        return;
      }
      this.#leaf = next;
      this.#index = 0;
    }
    this.#show(words[this.#leaf + REF + this.#index]!);
  }

  previous(): void {
    if (this.#entries !== this.#memtable.entries) this.#findAgain();
    this.#stepBack();
  }

  /** A memtable never blocks. */
  resume(): void {}

  close(): void {
    this.#show(NONE);
  }

  #find(region: Region, start: number, end: number, low: number, high: number): void {
    const record = this.#memtable.tree.find(region, start, end, low, high);
    this.#take();
    this.#show(record);
  }

  /** Leaf and index of the record that the cursor stands on, after others were added. */
  #findAgain(): void {
    const { words, tree, region } = this.#memtable;
    const low = words[this.#record + TRAILER_LOW]! >>> 0;
    const high = words[this.#record + TRAILER_HIGH]! >>> 0;
    tree.find(region, this.keyStart, this.keyEnd, low, high);
    this.#take();
  }

  /** Takes over where the tree's search ended. */
  #take(): void {
    const { tree, entries } = this.#memtable;
    this.#leaf = tree.leaf;
    this.#index = tree.index;
    this.#entries = entries;
  }

  /** To the entry before leaf and index. */
  #stepBack(): void {
    const { words } = this.#memtable;
    if (this.#index === 0) {
      const previous = words[this.#leaf + PREVIOUS]!;
      if (previous === NONE) {
        this.#show(NONE);
        return;
      }
      this.#leaf = previous;
      this.#index = words[previous + COUNT]!;
    }
    this.#index--;
    this.#show(words[this.#leaf + REF + this.#index]!);
  }

  #show(record: number): void {
    this.#record = record;
    if (record === NONE) {
      this.status = END;
      return;
    }
    const memtable = this.#memtable;
    this.status = VALID;
    this.keyStart = memtable.keyStart(record);
    this.keyEnd = memtable.keyEnd(record);
    this.sequence = memtable.sequence(record);
    this.type = memtable.type(record);
    this.valueStart = this.keyEnd;
    this.valueEnd = memtable.valueEnd(record);
  }
}
