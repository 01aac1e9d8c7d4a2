/**
 * The memtable: versions in internal order, filled by one thread. Frozen, it is read by any thread that attaches its buffer. layout.ts has
 * the bytes, tree.ts the order.
 *
 * Nothing is ever removed, and no record moves, so that a reference stays valid for the memtable's life. The engine decides beforehand whether
 * a whole batch fits (`canTake`): half of it in one memtable and half in the next could not be recovered as one.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import {
  sequenceOf,
  trailerHigh,
  trailerLow,
  TYPE_DELETION,
  TYPE_FOR_SEEK,
  TYPE_RANGE_DELETION,
} from '../internal-key.ts';
import { MAX_MEMTABLE_BYTES, MIN_MEMTABLE_BYTES } from '../limits.ts';
import * as layout from './layout.ts';
import { MemtableRanges } from './memtable-ranges.ts';
import { INNER_WORDS, LEAF_WORDS, NONE, RECORD_HEAD_BYTES, RECORD_HEAD_WORDS } from './layout.ts';
import { Tree } from './tree.ts';

/** What padding, and the word before a range tombstone, add to a record at most. */
const PADDING_BYTES = 7;

export class Memtable {
  readonly region: Region;
  readonly words: Int32Array;
  readonly tree: Tree;
  /** Entries of all types, and those of them that are deletions. */
  entries = 0;
  deletions = 0;
  /** Keys and values, without overhead. */
  payloadBytes = 0;
  /** undefined while there are no range tombstones. */
  ranges: MemtableRanges | undefined = undefined;
  #lastRange: number = NONE;
  #recordsEnd: number = layout.HEADER_WORDS;

  constructor(buffer: SharedArrayBuffer) {
    const size = buffer.byteLength;
    if (!(size >= MIN_MEMTABLE_BYTES && size <= MAX_MEMTABLE_BYTES && size % 4 === 0)) {
      throw new RangeError('this is not the size of a memtable');
    }
    this.region = new Region(buffer);
    this.words = new Int32Array(buffer);
    this.tree = new Tree(this.region, this.words);
  }

  static allocate(sizeBytes: number): Memtable {
    return new Memtable(new SharedArrayBuffer(sizeBytes));
  }

  /** One that another thread has frozen. */
  static attach(buffer: SharedArrayBuffer): Memtable {
    const memtable = new Memtable(buffer);
    const { words, tree } = memtable;
    tree.root = words[layout.ROOT]!;
    tree.height = words[layout.HEIGHT]!;
    tree.firstLeaf = words[layout.FIRST_LEAF]!;
    tree.lastLeaf = words[layout.LAST_LEAF]!;
    tree.prefix = words[layout.TREE_PREFIX]!;
    tree.prefixRecord = words[layout.PREFIX_RECORD]!;
    memtable.entries = words[layout.ENTRIES]!;
    memtable.deletions = words[layout.DELETIONS]!;
    memtable.#attachRanges();
    return memtable;
  }

  /** Completes the header: nothing is added any more, other threads may attach. */
  freeze(): void {
    const { words, tree } = this;
    words[layout.ROOT] = tree.root;
    words[layout.HEIGHT] = tree.height;
    words[layout.FIRST_LEAF] = tree.firstLeaf;
    words[layout.LAST_LEAF] = tree.lastLeaf;
    words[layout.TREE_PREFIX] = tree.prefix;
    words[layout.PREFIX_RECORD] = tree.prefixRecord;
    words[layout.ENTRIES] = this.entries;
    words[layout.DELETIONS] = this.deletions;
    words[layout.LAST_RANGE] = this.#lastRange;
  }

  #attachRanges(): void {
    const { words } = this;
    const newestFirst: number[] = [];
    for (let at = words[layout.LAST_RANGE]!; at !== NONE; at = words[at - 1]!) newestFirst.push(at);
    if (newestFirst.length === 0) return;
    this.ranges = new MemtableRanges(this);
    for (const record of newestFirst.toReversed()) this.ranges.add(record);
  }

  get buffer(): SharedArrayBuffer {
    return this.region.bytes.buffer as SharedArrayBuffer;
  }

  get capacityBytes(): number {
    return this.words.length * 4;
  }

  get freeBytes(): number {
    return (this.tree.nodesStart - this.#recordsEnd) * 4;
  }

  /** Bytes of the header, records and nodes. */
  get usedBytes(): number {
    return this.capacityBytes - this.freeBytes;
  }

  /** Whether `count` entries, whose keys and values take `payloadBytes` together, are sure to fit. */
  canTake(count: number, payloadBytes: number): boolean {
    const { leaves, inners, height } = this.tree;
    const nodes = worstNodeBytes(count, leaves, inners, height);
    return recordBytes(count, payloadBytes) + nodes <= this.freeBytes;
  }

  /** The capacity of a memtable that surely takes this much. */
  static capacityFor(count: number, payloadBytes: number): number {
    const records = recordBytes(count, payloadBytes) + layout.HEADER_WORDS * 4;
    return Math.max(MIN_MEMTABLE_BYTES, (records + worstNodeBytes(count, 0, 0, 0) + 7) & ~7);
  }

  /** Adds a version that is not in here yet. False, and nothing changed, where there is no room: `canTake` tells beforehand. */
  add(
    key: Region,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    type: number,
    value: Region,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const { words, tree } = this;
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const isRange = type === TYPE_RANGE_DELETION;
    const record = isRange ? this.#recordsEnd + 1 : this.#recordsEnd;
    const recordsEnd = record + layout.recordWords(keyLength, valueLength);
    if (recordsEnd + LEAF_WORDS + (tree.height + 1) * INNER_WORDS > tree.nodesStart) return false;
    this.#recordsEnd = recordsEnd;
    words[record + layout.KEY_LENGTH] = keyLength;
    words[record + layout.VALUE_LENGTH] = valueLength;
    words[record + layout.TRAILER_LOW] = trailerLow(sequence, type);
    words[record + layout.TRAILER_HIGH] = trailerHigh(sequence);
    const start = (record + RECORD_HEAD_WORDS) * 4;
    copyBytes(this.region, start, key, keyStart, keyLength);
    copyBytes(this.region, start + keyLength, value, valueStart, valueLength);
    if (isRange) this.#addRange(record);
    else tree.insert(record);
    this.entries++;
    if (type === TYPE_DELETION) this.deletions++;
    this.payloadBytes += keyLength + valueLength;
    return true;
  }

  #addRange(record: number): void {
    this.words[record - 1] = this.#lastRange;
    this.#lastRange = record;
    this.ranges ??= new MemtableRanges(this);
    this.ranges.add(record);
  }

  /** The newest version of a key of at most `sequence`, as a reference; NONE where there is none. */
  get(region: Region, start: number, end: number, sequence: number): number {
    const low = trailerLow(sequence, TYPE_FOR_SEEK);
    const record = this.tree.find(region, start, end, low, trailerHigh(sequence));
    if (record === NONE) return NONE;
    const recordStart = this.keyStart(record);
    const recordEnd = this.keyEnd(record);
    const isSame = compareBytes(region, start, end, this.region, recordStart, recordEnd) === 0;
    return isSame ? record : NONE;
  }

  // ---- records by reference

  keyStart(record: number): number {
    return (record + RECORD_HEAD_WORDS) * 4;
  }

  /** Where the key ends and the value begins. */
  keyEnd(record: number): number {
    return (record + RECORD_HEAD_WORDS) * 4 + this.words[record + layout.KEY_LENGTH]!;
  }

  valueEnd(record: number): number {
    return this.keyEnd(record) + this.words[record + layout.VALUE_LENGTH]!;
  }

  sequence(record: number): number {
    const { words } = this;
    return sequenceOf(words[record + layout.TRAILER_LOW]!, words[record + layout.TRAILER_HIGH]!);
  }

  type(record: number): number {
    return this.words[record + layout.TRAILER_LOW]! & 255;
  }
}

function recordBytes(count: number, payloadBytes: number): number {
  return count * (RECORD_HEAD_BYTES + PADDING_BYTES) + payloadBytes;
}

/**
 * Nodes that `count` insertions can make of a tree with so many: each makes one leaf at most. In the long run a leaf has to be filled from
 * its half, or from nothing, before it splits; but those that are there may all be full, and split twice: once at its end for a run,
 * once in half. The same holds for inner nodes.
 */
function worstNodeBytes(count: number, leaves: number, inners: number, height: number): number {
  const newLeaves = Math.min(count, 2 * leaves + (count >>> 3) + 2);
  const newInners = Math.min(newLeaves, 2 * inners + (newLeaves >>> 2) + 2) + height + 1;
  return (newLeaves * LEAF_WORDS + newInners * INNER_WORDS) * 4;
}
