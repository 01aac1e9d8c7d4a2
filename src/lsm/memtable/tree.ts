/**
 * The order of a memtable's records: a B+tree of references in the memtable's words (layout.ts).
 *
 *   search   descend by hints; only where both words tie is a key compared. Keys that do not begin with the prefix of all keys in the tree
 *            are at one of its ends
 *   insert   shift the leaf's columns; a full leaf splits in half, or at its end when the record before was put there too, so that
 *            ascending runs fill their leaves
 *
 * A node's prefix follows from its fences, the two separators between which its keys lie, so it only ever grows, when the node splits. A node
 * at the tree's left or right edge has one fence at most and uses the prefix of all keys; when that shrinks, the nodes along the two edges
 * get new hints, and no others.
 *
 * An inner node's first separator is its own lower fence, NONE at the left edge, and never looked at in a search.
 */
import { commonPrefix, compareBytes } from '../../bytes/compare.ts';
import type { Region } from '../../bytes/region.ts';
import { keyHint } from '../key-hint.ts';
import {
  CHILD,
  COUNT,
  FANOUT,
  HIGH,
  INNER_WORDS,
  KEY_LENGTH,
  LEAF_WORDS,
  LOW,
  NEXT,
  NONE,
  PREFIX,
  PREVIOUS,
  RECORD_HEAD_WORDS,
  REF,
  TRAILER_HIGH,
  TRAILER_LOW,
} from './layout.ts';

/** Levels of inner nodes, far beyond what 2^30 bytes can hold. */
const MAX_HEIGHT = 16;
/** A split leaves at least this many entries on each side, unless it continues a run. */
const HALF: number = FANOUT / 2;

export class Tree {
  readonly region: Region;
  readonly words: Int32Array;
  /** Leaves at the two ends, NONE while the tree is empty. */
  firstLeaf: number = NONE;
  lastLeaf: number = NONE;
  /** Where `find` ended: a leaf and a place in it, which may be its count. */
  leaf: number = NONE;
  index = 0;
  root: number = NONE;
  /** Levels of inner nodes. */
  height = 0;
  /** Bytes that all keys begin with, and a record that has them. */
  prefix = 0;
  prefixRecord: number = NONE;
  /** Nodes lie from here to the end of the words. */
  nodesStart: number;
  leaves = 0;
  inners = 0;
  #lastAdded: number = NONE;
  // The way to `leaf`: inner nodes from the root, and which child was taken.
  readonly #pathNode = new Int32Array(MAX_HEIGHT);
  readonly #pathIndex = new Int32Array(MAX_HEIGHT);

  constructor(region: Region, words: Int32Array) {
    this.region = region;
    this.words = words;
    this.nodesStart = words.length;
  }

  // ---- search

  /** The first record at or after the internal key, also in `leaf` and `index`; NONE behind the last. */
  find(region: Region, start: number, end: number, low: number, high: number): number {
    if (this.root === NONE) return NONE;
    const order = this.#comparePrefix(region, start, end);
    if (order < 0) {
      this.leaf = this.firstLeaf;
      this.index = 0;
    } else if (order > 0) {
      this.leaf = this.lastLeaf;
      this.index = this.words[this.lastLeaf + COUNT]!;
    } else {
      this.#descend(region, start, end, low, high);
    }
    return this.settle();
  }

  /** The record at `leaf` and `index`; where that is a leaf's end, both move to the next leaf's start. NONE at the tree's end. */
  settle(): number {
    const { words } = this;
    if (this.index === words[this.leaf + COUNT]!) {
      const next = words[this.leaf + NEXT]!;
      if (next === NONE) return NONE;
      this.leaf = next;
      this.index = 0;
    }
    return words[this.leaf + REF + this.index]!;
  }

  #descend(region: Region, start: number, end: number, low: number, high: number): void {
    const { words, height } = this;
    let node = this.root;
    for (let level = 0; level < height; level++) {
      // The child whose separator is the last one at or before the key.
      const child = this.#search(node, 1, region, start, end, low, high, 0) - 1;
      this.#pathNode[level] = node;
      this.#pathIndex[level] = child;
      node = words[node + CHILD + child]!;
    }
    this.leaf = node;
    this.index = this.#search(node, 0, region, start, end, low, high, -1);
  }

  /** The first entry of a node, from `from` on, whose order against the internal key is above `bound`: 0, behind it; -1, at it or behind. */
  #search(
    node: number,
    from: number,
    region: Region,
    start: number,
    end: number,
    low: number,
    high: number,
    bound: number,
  ): number {
    const { words } = this;
    const prefix = words[node + PREFIX]!;
    const wantedHigh = keyHint(region, start + prefix, end);
    const wantedLow = keyHint(region, start + prefix + 4, end);
    let first = from;
    let last = words[node + COUNT]!;
    while (first < last) {
      const middle = (first + last) >>> 1;
      let hint = words[node + HIGH + middle]!;
      let wanted = wantedHigh;
      if (hint === wanted) {
        hint = words[node + LOW + middle]!;
        wanted = wantedLow;
        if (hint === wanted) {
          const record = words[node + REF + middle]!;
          hint = this.#compare(record, prefix, region, start, end, low, high);
          wanted = bound + 1;
        }
      }
      if (hint < wanted) first = middle + 1;
      else last = middle;
    }
    return first;
  }

  /** -1, 0 or 1 as a record is before, at or behind an internal key; both share `shared` bytes, and tie in the hints behind them. */
  #compare(
    record: number,
    shared: number,
    region: Region,
    start: number,
    end: number,
    low: number,
    high: number,
  ): number {
    const { words } = this;
    const recordStart = (record + RECORD_HEAD_WORDS) * 4;
    const recordEnd = recordStart + words[record + KEY_LENGTH]!;
    const hinted = shared + 8;
    const skip = recordStart + hinted <= recordEnd && start + hinted <= end ? hinted : shared;
    const order = compareBytes(
      this.region,
      recordStart + skip,
      recordEnd,
      region,
      start + skip,
      end,
    );
    if (order !== 0) return order < 0 ? -1 : 1;
    const recordHigh = words[record + TRAILER_HIGH]! >>> 0;
    if (recordHigh !== high) return recordHigh > high ? -1 : 1;
    const recordLow = words[record + TRAILER_LOW]! >>> 0;
    return recordLow === low ? 0 : recordLow > low ? -1 : 1;
  }

  #comparePrefix(region: Region, start: number, end: number): number {
    const { prefix } = this;
    if (prefix === 0) return 0;
    const own = (this.prefixRecord + RECORD_HEAD_WORDS) * 4;
    const shown = Math.min(end, start + prefix);
    return compareBytes(region, start, shown, this.region, own, own + prefix);
  }

  // ---- insertion

  /** Puts a record that is not in the tree yet to its place. Takes at most one leaf and an inner node a level and one more. */
  insert(record: number): void {
    const { words } = this;
    const start = this.#keyStart(record);
    const end = this.#keyEnd(record);
    if (this.root === NONE) this.#plant(record);
    else this.#shrinkPrefix(start, end);
    const low = words[record + TRAILER_LOW]! >>> 0;
    const high = words[record + TRAILER_HIGH]! >>> 0;
    this.#descend(this.region, start, end, low, high);
    let { leaf, index } = this;
    if (words[leaf + COUNT] === FANOUT) {
      const isRun = index === FANOUT && words[leaf + REF + index - 1] === this.#lastAdded;
      const right = isRun
        ? this.#splitLeaf(leaf, FANOUT, record)
        : this.#splitLeaf(leaf, HALF, NONE);
      const left = words[leaf + COUNT]!;
      if (isRun || index > left) {
        leaf = right;
        index -= left;
      }
    }
    this.#insertEntry(leaf, index, record, LEAF_WORDS);
    this.#lastAdded = record;
  }

  #plant(record: number): void {
    this.prefix = this.#keyEnd(record) - this.#keyStart(record);
    this.prefixRecord = record;
    this.root = this.#newNode(LEAF_WORDS);
    this.words[this.root + PREFIX] = this.prefix;
    this.firstLeaf = this.root;
    this.lastLeaf = this.root;
    this.leaves = 1;
  }

  /** Afterwards all keys, this one too, begin with the tree's prefix. */
  #shrinkPrefix(start: number, end: number): void {
    const { prefix, words } = this;
    if (prefix === 0) return;
    const own = this.#keyStart(this.prefixRecord);
    const common = commonPrefix(this.region, start, end, this.region, own, own + prefix);
    if (common === prefix) return;
    this.prefix = common;
    let left = this.root;
    let right = this.root;
    for (let level = 0; ; level++) {
      this.#setPrefix(left, common);
      this.#setPrefix(right, common);
      if (level === this.height) break;
      left = words[left + CHILD]!;
      right = words[right + CHILD + words[right + COUNT]! - 1]!;
    }
  }

  /** Moves a full leaf's entries from `at` on to a new leaf behind it, which will begin with `separator` (NONE: with the first it gets). */
  #splitLeaf(leaf: number, at: number, separator: number): number {
    const { words } = this;
    const right = this.#newNode(LEAF_WORDS);
    this.leaves++;
    const next = words[leaf + NEXT]!;
    words[right + PREVIOUS] = leaf;
    words[right + NEXT] = next;
    words[leaf + NEXT] = right;
    if (next === NONE) this.lastLeaf = right;
    else words[next + PREVIOUS] = right;
    this.#moveEntries(leaf, at, right, LEAF_WORDS);
    const fence = separator === NONE ? words[right + REF]! : separator;
    this.#narrow(leaf, right, fence, this.height);
    this.#insertChild(this.height - 1, fence, leaf, right);
    return right;
  }

  /** Puts a child behind its left neighbour in the path's inner node at `level`, which splits where it is full. */
  #insertChild(level: number, separator: number, left: number, child: number): void {
    const { words } = this;
    if (level < 0) {
      this.#raise(separator, left, child);
      return;
    }
    let node = this.#pathNode[level]!;
    let index = this.#pathIndex[level]! + 1;
    if (words[node + COUNT] === FANOUT) {
      const at = index === FANOUT ? FANOUT - 1 : HALF;
      const right = this.#newNode(INNER_WORDS);
      this.inners++;
      this.#moveEntries(node, at, right, INNER_WORDS);
      const fence = words[right + REF]!;
      this.#narrow(node, right, fence, level);
      this.#insertChild(level - 1, fence, node, right);
      if (index > at) {
        node = right;
        index -= at;
      }
    }
    this.#insertEntry(node, index, separator, INNER_WORDS);
    words[node + CHILD + index] = child;
  }

  /** A new root over the old one and its right half. */
  #raise(separator: number, left: number, right: number): void {
    const { words } = this;
    const root = this.#newNode(INNER_WORDS);
    this.inners++;
    words[root + PREFIX] = this.prefix;
    words[root + COUNT] = 2;
    words[root + REF] = NONE;
    words[root + CHILD] = left;
    this.#setEntry(root, 1, separator, this.prefix);
    words[root + CHILD + 1] = right;
    this.root = root;
    this.height++;
  }

  /** The halves of a node at `level` (of leaves, the height) lie in narrower fences than the whole, and share longer prefixes. */
  #narrow(left: number, right: number, separator: number, level: number): void {
    this.#setPrefix(left, this.#prefixBetween(this.#lowerFence(level), separator));
    this.#setPrefix(right, this.#prefixBetween(separator, this.#upperFence(level)));
  }

  #lowerFence(level: number): number {
    if (level === 0) return NONE;
    return this.words[this.#pathNode[level - 1]! + REF + this.#pathIndex[level - 1]!]!;
  }

  #upperFence(level: number): number {
    for (let i = level - 1; i >= 0; i--) {
      const node = this.#pathNode[i]!;
      const next = this.#pathIndex[i]! + 1;
      if (next < this.words[node + COUNT]!) return this.words[node + REF + next]!;
    }
    return NONE;
  }

  #prefixBetween(lower: number, upper: number): number {
    if (lower === NONE || upper === NONE) return this.prefix;
    const { region } = this;
    const lowerStart = this.#keyStart(lower);
    const upperStart = this.#keyStart(upper);
    const lowerEnd = this.#keyEnd(lower);
    return commonPrefix(region, lowerStart, lowerEnd, region, upperStart, this.#keyEnd(upper));
  }

  // ---- nodes

  #newNode(sizeWords: number): number {
    this.nodesStart -= sizeWords;
    this.words.fill(0, this.nodesStart, this.nodesStart + HIGH);
    return this.nodesStart;
  }

  #setPrefix(node: number, prefix: number): void {
    const { words } = this;
    if (words[node + PREFIX] === prefix) return;
    words[node + PREFIX] = prefix;
    const count = words[node + COUNT]!;
    for (let i = 0; i < count; i++) this.#setEntry(node, i, words[node + REF + i]!, prefix);
  }

  #setEntry(node: number, index: number, record: number, prefix: number): void {
    const { words, region } = this;
    words[node + REF + index] = record;
    if (record === NONE) return;
    const at = this.#keyStart(record) + prefix;
    const end = this.#keyEnd(record);
    words[node + HIGH + index] = keyHint(region, at, end);
    words[node + LOW + index] = keyHint(region, at + 4, end);
  }

  #insertEntry(node: number, index: number, record: number, sizeWords: number): void {
    const { words } = this;
    const count = words[node + COUNT]!;
    if (index < count) {
      for (let column = HIGH; column < sizeWords; column += FANOUT) {
        const from = node + column + index;
        words.copyWithin(from + 1, from, node + column + count);
      }
    }
    words[node + COUNT] = count + 1;
    this.#setEntry(node, index, record, words[node + PREFIX]!);
  }

  #moveEntries(from: number, at: number, to: number, sizeWords: number): void {
    const { words } = this;
    const count = words[from + COUNT]!;
    for (let column = HIGH; column < sizeWords; column += FANOUT) {
      words.copyWithin(to + column, from + column + at, from + column + count);
    }
    words[to + COUNT] = count - at;
    words[to + PREFIX] = words[from + PREFIX]!;
    words[from + COUNT] = at;
  }

  #keyStart(record: number): number {
    return (record + RECORD_HEAD_WORDS) * 4;
  }

  #keyEnd(record: number): number {
    return (record + RECORD_HEAD_WORDS) * 4 + this.words[record + KEY_LENGTH]!;
  }
}
