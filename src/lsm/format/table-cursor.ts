/**
 * A cursor over a table: the index names the data block, and within it entries are read one behind the other.
 *
 * The key is made whole in a region of the cursor's own, since an entry has only what differs from the key before. The value stays in its block,
 * which is pinned while the cursor stands in it (in STREAM mode it lies in the cursor's own window on the file). Going back means reading on from the restart
 * point before. A scan forward whose blocks are not cached reads more and more of them at once.
 *
 * Own key bytes are copied in steps of 8 and may take up to 7 bytes more along, which are never looked at: behind any entry of a block are at least 8 bytes of
 * restart points, and the key's region is larger than the key.
 */
import { Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import { BLOCKED, CACHED, Cursor, END, STREAM, VALID } from '../cursor.ts';
import {
  MAX_TRAILER_HIGH,
  sequenceOf,
  TRAILER_BYTES,
  trailerHigh,
  trailerLow,
  TYPE_DELETION,
  TYPE_FOR_SEEK,
  typeOf,
} from '../internal-key.ts';
import { FIRST_READ_AHEAD_BYTES, MAX_READ_AHEAD_BYTES } from '../limits.ts';
import { DATA, malformed } from './block-loader.ts';
import type { BlockRun } from './block-run.ts';
import { BEHIND, EXACT, MALFORMED, type BlockSearch } from './block-search.ts';
import { BlockStream } from './block-stream.ts';
import { indexCount, indexOffset, indexSize, searchIndex } from './index-block.ts';
import type { Table } from './table.ts';

const NO_SLOT = -1;
const FIRST_KEY_BYTES = 256;
/** Copies overshoot by less than this. */
const SLACK_BYTES = 8;

/** The move that `resume` finishes. */
const NO_MOVE = 0;
const SEEK = 1;
const SEEK_FOR_PREVIOUS = 2;
const FIRST = 3;
const LAST = 4;
/** Into the block at `#position`, at its first or last entry. */
const FORWARD = 5;
const BACKWARD = 6;

export class TableCursor extends Cursor {
  #table: Table;
  readonly #mode: number;
  readonly #requests: BlockRequests | undefined;
  #search: BlockSearch;
  readonly #stream: BlockStream | undefined;
  /** The data block, by its place in the index. */
  #position = 0;
  #slot: number = NO_SLOT;
  #block: Region;
  #start = 0;
  #entriesEnd = 0;
  #restarts = 0;
  /** Offset of the block in the file, for messages. */
  #offset = 0;
  /** The entry, and the one behind it. */
  #entryAt = 0;
  #next = 0;
  /** The internal key is `[0, #keyLength)` of `keyRegion`. */
  #keyLength = 0;
  #move: number = NO_MOVE;
  /** Blocks that were not cached, of those entered one behind the other. */
  #missed = 0;
  /** What a blocked seek looks for. */
  #sought: Region;
  #soughtEnd = 0;
  #soughtSequence = 0;
  /** What the header of an entry says. */
  #shared = 0;
  #further = 0;
  #valueLength = 0;

  constructor(table: Table, mode: number, requests: BlockRequests | undefined) {
    super();
    if (mode === CACHED && requests === undefined) {
      throw new TypeError('a cursor in CACHED mode needs a list for what it misses');
    }
    this.#table = table;
    this.#mode = mode;
    this.#requests = requests;
    this.#search = table.loader.search;
    this.#stream = mode === STREAM ? new BlockStream(table) : undefined;
    this.keyRegion = Region.allocate(FIRST_KEY_BYTES);
    this.#block = this.keyRegion;
    this.#sought = this.keyRegion;
  }

  /** Closes it and makes it a cursor over another table: its regions are used again. */
  moveTo(table: Table): void {
    this.close();
    this.#table = table;
    this.#search = table.loader.search;
    this.#stream?.moveTo(table);
  }

  override seek(region: Region, start: number, end: number, sequence: number): void {
    this.#move = SEEK;
    this.#seek(region, start, end, sequence);
  }

  override seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    this.#move = SEEK_FOR_PREVIOUS;
    this.#seek(region, start, end, sequence);
  }

  override first(): void {
    this.#move = FIRST;
    this.#enter(0);
  }

  override last(): void {
    this.#move = LAST;
    this.#enterBackward(Infinity);
  }

  override next(): void {
    if (this.#next < this.#entriesEnd) this.#readEntry(this.#next);
    else {
      this.#move = FORWARD;
      this.#enter(this.#position + 1);
    }
  }

  override previous(): void {
    if (this.#entryAt > this.#start) this.#readUpTo(this.#entryAt);
    else {
      this.#move = BACKWARD;
      this.#enterBackward(this.#position - 1);
    }
  }

  override resume(): void {
    if (this.status !== BLOCKED) throw new TypeError('resume is for cursors that are blocked');
    if (this.#move === FIRST) this.first();
    else if (this.#move === LAST) this.last();
    else if (this.#move === FORWARD) this.#enter(this.#position);
    else if (this.#move === BACKWARD) this.#enterBackward(this.#position);
    else this.#seek(this.#sought, 0, this.#soughtEnd, this.#soughtSequence);
  }

  override close(): void {
    this.#leave();
    this.status = END;
    this.#move = NO_MOVE;
  }

  // ---- for checks

  /** Where the data block that it stands in begins in the file, and which one it is. */
  get blockOffset(): number {
    return this.#offset;
  }

  get blockPosition(): number {
    return this.#position;
  }

  /** Whether a search of the block for the entry it stands on finds that entry. */
  findsItself(): boolean {
    const { view } = this.keyRegion;
    const { keyEnd } = this;
    const low = view.getInt32(keyEnd, true);
    const high = view.getInt32(keyEnd + 4, true);
    const end = this.#entriesEnd + this.#restarts * 4 + 4;
    const search = this.#search;
    const found = search.find(this.#block, this.#start, end, this.keyRegion, 0, keyEnd, low, high);
    return found === EXACT && search.entryAt === this.#entryAt;
  }

  // ---- moves between blocks

  #seek(region: Region, start: number, end: number, sequence: number): void {
    const table = this.#table;
    const isForPrevious = this.#move === SEEK_FOR_PREVIOUS;
    const slot = table.openIndex(this.#mode, this.#requests);
    if (slot < 0) return this.#blockSeek(region, start, end, sequence);
    const { cache } = table.loader;
    const low = trailerLow(sequence, isForPrevious ? TYPE_DELETION : TYPE_FOR_SEEK) | 0;
    const high = trailerHigh(sequence);
    const index = cache.region(slot);
    const at = cache.start(slot);
    const i = searchIndex(index, at, region, start, end, low, high);
    if (i === indexCount(index, at)) {
      if (isForPrevious) this.last();
      else this.#end();
      return;
    }
    if (!this.#open(i, index, at)) return this.#blockSeek(region, start, end, sequence);
    const search = this.#search;
    const blockEnd = this.#entriesEnd + this.#restarts * 4 + 4;
    const found = search.find(this.#block, this.#start, blockEnd, region, start, end, low, high);
    if (found === MALFORMED) throw this.#malformed();
    if (found === EXACT || found === BEHIND) {
      this.#take(region, start);
      if (isForPrevious && (found === BEHIND || search.low !== low || search.high !== high)) {
        this.previous();
      }
    } else if (isForPrevious) {
      this.#move = BACKWARD;
      this.#enterBackward(i);
    } else {
      this.#move = FORWARD;
      this.#enter(i + 1);
    }
  }

  /** To the first entry of the block at `i`, or of the first one behind it that has entries. */
  #enter(i: number): void {
    for (; ; i++) {
      const table = this.#table;
      this.#position = i;
      const slot = table.openIndex(this.#mode, this.#requests);
      if (slot < 0) return this.#wait();
      const index = table.loader.cache.region(slot);
      const at = table.loader.cache.start(slot);
      if (i >= indexCount(index, at)) return this.#end();
      if (!this.#open(i, index, at)) return this.#wait();
      if (this.#start < this.#entriesEnd) return this.#readEntry(this.#start);
    }
  }

  /** To the last entry of the block at `i`, or of the last one before it that has entries. */
  #enterBackward(i: number): void {
    for (; ; i--) {
      const table = this.#table;
      this.#position = i;
      const slot = table.openIndex(this.#mode, this.#requests);
      if (slot < 0) return this.#wait();
      const index = table.loader.cache.region(slot);
      const at = table.loader.cache.start(slot);
      i = Math.min(i, indexCount(index, at) - 1);
      if (i < 0) return this.#end();
      if (!this.#open(i, index, at)) return this.#wait();
      if (this.#start < this.#entriesEnd) return this.#readUpTo(this.#entriesEnd);
    }
  }

  /** Makes the block at `i` the cursor's; false where it is not cached and may not be read. The index is not to be used afterwards. */
  #open(i: number, index: Region, at: number): boolean {
    const table = this.#table;
    const { cache } = table.loader;
    const offset = indexOffset(index, at, i);
    const size = indexSize(index, at, i);
    this.#leave();
    this.status = END;
    this.#position = i;
    this.#offset = offset;
    let blockEnd: number;
    if (this.#stream !== undefined) {
      this.#stream.open(offset, size);
      this.#block = this.#stream.region;
      this.#start = this.#stream.start;
      blockEnd = this.#stream.end;
    } else {
      let slot = cache.acquire(table.fileNumber, offset);
      if (slot < 0) {
        const run = this.#runFrom(i, index, at);
        if (this.#mode === CACHED) {
          for (let n = 0; n < run.count; n++) {
            this.#requests!.add(table, DATA, run.offset(n), run.size(n));
          }
          return false;
        }
        slot = table.loader.loadRun(table);
      }
      this.#slot = slot;
      this.#block = cache.region(slot);
      this.#start = cache.start(slot);
      blockEnd = this.#start + cache.length(slot);
    }
    const length = blockEnd - this.#start;
    if (length < 8) throw this.#malformed();
    this.#restarts = this.#block.view.getUint32(blockEnd - 4, true);
    this.#entriesEnd = blockEnd - 4 - this.#restarts * 4;
    if (this.#restarts === 0 || this.#entriesEnd < this.#start) throw this.#malformed();
    this.valueRegion = this.#block;
    return true;
  }

  /** The block at `i` and, where blocks are entered one behind the other and two were not cached, some behind it. */
  #runFrom(i: number, index: Region, at: number): BlockRun {
    const { run } = this.#table.loader;
    this.#missed = this.#move === FORWARD ? this.#missed + 1 : 0;
    const ahead = FIRST_READ_AHEAD_BYTES * 2 ** Math.min(this.#missed, 10);
    const limit = this.#missed < 2 ? 0 : Math.min(ahead, MAX_READ_AHEAD_BYTES);
    const count = indexCount(index, at);
    run.clear();
    while (i < count && run.add(indexOffset(index, at, i), indexSize(index, at, i), limit)) i++;
    return run;
  }

  #leave(): void {
    if (this.#slot < 0) return;
    this.#table.loader.cache.release(this.#slot);
    this.#slot = NO_SLOT;
    this.#next = 0;
    this.#entriesEnd = 0;
  }

  #end(): void {
    this.#leave();
    this.#move = NO_MOVE;
    this.status = END;
  }

  #wait(): void {
    this.#leave();
    this.status = BLOCKED;
  }

  #blockSeek(region: Region, start: number, end: number, sequence: number): void {
    if (region !== this.#sought) {
      const length = end - start;
      if (this.#sought === this.keyRegion || this.#sought.bytes.length < length) {
        this.#sought = Region.allocate(Math.max(FIRST_KEY_BYTES, length));
      }
      this.#sought.bytes.set(region.bytes.subarray(start, end));
      this.#soughtEnd = length;
    }
    this.#soughtSequence = sequence;
    this.#wait();
  }

  // ---- entries

  /** The entry that a search found becomes the cursor's. */
  #take(region: Region, start: number): void {
    const search = this.#search;
    const length = search.keyLength;
    if (length + TRAILER_BYTES + SLACK_BYTES > this.keyRegion.bytes.length) this.#growKey(length);
    const key = this.keyRegion;
    if (search.isWhole) {
      key.bytes.set(search.key.bytes.subarray(0, length + TRAILER_BYTES));
    } else {
      const { shared } = search;
      // A key may be sought that lies in this very region.
      if (region !== key || start !== 0) copyOver(key, 0, region, start, shared);
      copyOver(key, shared, this.#block, search.keyAt, length - shared + TRAILER_BYTES);
    }
    this.#entryAt = search.entryAt;
    this.#next = search.valueEnd;
    this.#keyLength = length + TRAILER_BYTES;
    this.valueStart = search.valueAt;
    this.valueEnd = search.valueEnd;
    this.#stand(length);
  }

  /** The entry at `at`, which follows the cursor's key or is a restart point, becomes the cursor's. */
  #readEntry(at: number): void {
    const valueAt = this.#readKey(at);
    this.#entryAt = at;
    this.valueStart = valueAt;
    this.valueEnd = this.#next;
    this.#stand(this.#keyLength - TRAILER_BYTES);
  }

  /** The entry that ends at `end` becomes the cursor's. */
  #readUpTo(end: number): void {
    let at = this.#restartBefore(end);
    this.#keyLength = 0;
    for (;;) {
      const valueAt = this.#readKey(at);
      if (this.#next === end) {
        this.#entryAt = at;
        this.valueStart = valueAt;
        this.valueEnd = end;
        this.#stand(this.#keyLength - TRAILER_BYTES);
        return;
      }
      if (this.#next > end) throw this.#malformed();
      at = this.#next;
    }
  }

  /** Makes the key of the entry at `at` whole and finds where the next entry is; returns where its value begins. */
  #readKey(at: number): number {
    const block = this.#block;
    const { bytes } = block;
    let shared = bytes[at]!;
    let further = bytes[at + 1]!;
    let valueLength = bytes[at + 2]!;
    let keyAt = at + 3;
    if ((shared | further | valueLength) >= 128) {
      keyAt = this.#readHeader(at);
      shared = this.#shared;
      further = this.#further;
      valueLength = this.#valueLength;
    }
    const valueAt = keyAt + further;
    const next = valueAt + valueLength;
    const length = shared + further;
    // At the start of a block and at a restart point the whole key is in the entry, elsewhere as much is shared as there was.
    const known = at === this.#start ? 0 : this.#keyLength;
    if (next > this.#entriesEnd || length < TRAILER_BYTES || shared > known)
      throw this.#malformed();
    if (length + SLACK_BYTES > this.keyRegion.bytes.length) this.#growKey(length);
    const source = block.view;
    const target = this.keyRegion.view;
    for (let from = keyAt, to = shared; from < valueAt; from += 8, to += 8) {
      target.setInt32(to, source.getInt32(from, true), true);
      target.setInt32(to + 4, source.getInt32(from + 4, true), true);
    }
    this.#keyLength = length;
    this.#next = next;
    return valueAt;
  }

  #stand(keyEnd: number): void {
    const { view } = this.keyRegion;
    const low = view.getUint32(keyEnd, true);
    const high = view.getUint32(keyEnd + 4, true);
    const type = typeOf(low);
    if (type > this.#table.maxType || high > MAX_TRAILER_HIGH) {
      throw this.#table.unsupportedEntry(this.#offset, low, high);
    }
    this.keyEnd = keyEnd;
    this.sequence = sequenceOf(low, high);
    this.type = type;
    this.status = VALID;
  }

  /** Where the last restart point before `end` is. */
  #restartBefore(end: number): number {
    const { view } = this.#block;
    let left = 0;
    let right = this.#restarts - 1;
    while (left < right) {
      const middle = (left + right + 1) >>> 1;
      const at = this.#start + view.getUint32(this.#entriesEnd + middle * 4, true);
      if (at < end) left = middle;
      else right = middle - 1;
    }
    const at = this.#start + view.getUint32(this.#entriesEnd + left * 4, true);
    if (at >= end) throw this.#malformed();
    return at;
  }

  #readHeader(at: number): number {
    const { bytes } = this.#block;
    const end = this.#entriesEnd;
    this.#shared = readVarint(bytes, at, end);
    if (this.#shared < 0) throw this.#malformed();
    at = varintEnd(bytes, at);
    this.#further = readVarint(bytes, at, end);
    if (this.#further < 0) throw this.#malformed();
    at = varintEnd(bytes, at);
    this.#valueLength = readVarint(bytes, at, end);
    if (this.#valueLength < 0) throw this.#malformed();
    return varintEnd(bytes, at);
  }

  #growKey(length: number): void {
    const grown = Region.allocate((length + TRAILER_BYTES + SLACK_BYTES) * 2);
    grown.bytes.set(this.keyRegion.bytes);
    this.keyRegion = grown;
  }

  #malformed(): Error {
    const offset = this.#offset;
    this.close();
    return malformed(this.#table, offset, 'the data block is malformed');
  }
}

/** Copies in steps of 8, up to 7 bytes more than asked for. */
function copyOver(target: Region, to: number, source: Region, from: number, length: number): void {
  const sv = source.view;
  const tv = target.view;
  const end = to + length;
  for (; to + 8 <= end; to += 8, from += 8) {
    tv.setInt32(to, sv.getInt32(from, true), true);
    tv.setInt32(to + 4, sv.getInt32(from + 4, true), true);
  }
  for (; to < end; to++, from++) tv.setUint8(to, sv.getUint8(from));
}
