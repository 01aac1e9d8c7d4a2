/**
 * LevelDB's own filter block, `filter.leveldb.BuiltinBloomFilter2`: a Bloom filter for each 2 KiB of the file, with the user keys of the data
 * blocks that begin there.
 *
 *   filters | their offsets, 4 bytes each | offset of the offsets, 4 bytes | 11 (log2 of 2 KiB)
 *
 * A filter is bits and, last, the number of probes. Its hash spreads decimal keys badly (11 to 14 % false positives instead of 1 %): it is
 * written for LevelDB's sake, and read where there is no better one.
 */
import { Region } from '../../bytes/region.ts';

export const LEVELDB_FILTER_NAME = 'filter.leveldb.BuiltinBloomFilter2';

const BASE_LOG = 11;
const BITS_PER_KEY = 10;
const PROBES = 6;
const MIN_BITS = 64;
/** More probes than this are reserved by LevelDB for other encodings: anything may be there. */
const MAX_PROBES = 30;
const SEED = 0xbc9f1d34 | 0;
const M = 0xc6a4a793 | 0;

/** LevelDB's hash, as an int32. */
export function levelDbHash(region: Region, start: number, end: number): number {
  const { view } = region;
  let h = SEED ^ Math.imul(end - start, M);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    h = Math.imul(h + view.getInt32(at, true), M);
    h ^= h >>> 16;
  }
  if (at < end) {
    for (let i = end - at - 1; i >= 0; i--) h = (h + (view.getUint8(at + i) << (i * 8))) | 0;
    h = Math.imul(h, M);
    h ^= h >>> 24;
  }
  return h;
}

export class LevelDbFilterBuilder {
  /** Of the keys since the last filter ended. */
  #hashes: Int32Array = new Int32Array(256);
  #keys = 0;
  #offsets: number[] = [];
  #region: Region = Region.allocate(4096);
  #end = 0;

  get sizeBytes(): number {
    return this.#end + this.#offsets.length * 4 + 9;
  }

  /** The next keys are of a data block that begins at `offset`. */
  startBlock(offset: number): void {
    const filters = Math.floor(offset / 2 ** BASE_LOG);
    while (this.#offsets.length < filters) this.#endFilter();
  }

  add(region: Region, start: number, end: number): void {
    if (this.#keys === this.#hashes.length) {
      const grown = new Int32Array(this.#keys * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#keys++] = levelDbHash(region, start, end);
  }

  /** The contents of the meta block. */
  finish(): Region {
    if (this.#keys > 0) this.#endFilter();
    this.#grow(this.#offsets.length * 4 + 5);
    const { view } = this.#region;
    let at = this.#end;
    for (const offset of this.#offsets) {
      view.setUint32(at, offset, true);
      at += 4;
    }
    view.setUint32(at, this.#end, true);
    view.setUint8(at + 4, BASE_LOG);
    const contents = Region.allocate(at + 5);
    contents.bytes.set(this.#region.bytes.subarray(0, at + 5));
    return contents;
  }

  #endFilter(): void {
    this.#offsets.push(this.#end);
    const keys = this.#keys;
    if (keys === 0) return;
    const bytes = (Math.max(MIN_BITS, keys * BITS_PER_KEY) + 7) >>> 3;
    const bits = bytes * 8;
    this.#grow(bytes + 1);
    const target = this.#region.bytes;
    const from = this.#end;
    target.fill(0, from, from + bytes);
    for (let i = 0; i < keys; i++) {
      let h = this.#hashes[i]!;
      const delta = (h >>> 17) | (h << 15);
      for (let n = 0; n < PROBES; n++) {
        const bit = (h >>> 0) % bits;
        target[from + (bit >>> 3)]! |= 1 << (bit & 7);
        h = (h + delta) | 0;
      }
    }
    target[from + bytes] = PROBES;
    this.#end = from + bytes + 1;
    this.#keys = 0;
  }

  #grow(more: number): void {
    const needed = this.#end + more;
    if (needed <= this.#region.bytes.length) return;
    const grown = Region.allocate(Math.max(needed, this.#region.bytes.length * 2));
    grown.bytes.set(this.#region.bytes.subarray(0, this.#end));
    this.#region = grown;
  }
}

/** Whether `[start, end)` is such a filter block. */
export function isLevelDbFilter(region: Region, start: number, end: number): boolean {
  if (end - start < 5) return false;
  const offsetsAt = region.view.getUint32(end - 5, true);
  return offsetsAt <= end - start - 5 && region.bytes[end - 1]! < 32;
}

/**
 * Whether a key with this hash (`levelDbHash`) may be in the data block that begins at `offset` of the file whose filter block is
 * `[start, end)`; false is certain. What cannot be read may hold anything.
 */
export function levelDbMayContain(
  region: Region,
  start: number,
  end: number,
  offset: number,
  hash: number,
): boolean {
  const { view, bytes } = region;
  const offsetsAt = start + view.getUint32(end - 5, true);
  const entry = offsetsAt + Math.floor(offset / 2 ** bytes[end - 1]!) * 4;
  // Behind the last offset stands the offset of the offsets: where the last filter ends.
  if (entry + 8 > end - 1) return true;
  const from = start + view.getUint32(entry, true);
  const to = start + view.getUint32(entry + 4, true);
  if (from === to && to <= offsetsAt) return false;
  if (from > to || to > offsetsAt || to - from < 2) return true;
  const probes = bytes[to - 1]!;
  if (probes > MAX_PROBES) return true;
  const bits = (to - 1 - from) * 8;
  const delta = (hash >>> 17) | (hash << 15);
  for (let n = 0, h = hash; n < probes; n++) {
    const bit = (h >>> 0) % bits;
    if ((bytes[from + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false;
    h = (h + delta) | 0;
  }
  return true;
}
