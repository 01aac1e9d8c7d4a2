/**
 * The index of a table as the cache holds it: decoded once, searched by comparing integers.
 *
 *   count | length of the prefix that all separators but the last share | where the ends of keys begin | where the keys begin   (4 bytes each)
 *   hints    for each separator the first 31 bits of its user key behind the prefix, zeroes behind its end (4 bytes)
 *   hints    for each separator the 31 bits that follow (4 bytes)
 *   handles  offset (8 bytes, a double) and size (4 bytes, without the trailer) of its data block
 *   ends     where its key ends (4 bytes)
 *   keys     internal keys one behind the other
 *
 * Places are counted from the start. Hints order as keys do: a search goes through the first hints, where several are equal through the second ones of
 * these, and compares whole keys only where both are equal. The last separator, which writers shorten without regard to the prefix, is compared by
 * itself. Numbers of 31 bits have a difference whose sign is a mask, so that the search has no branch that a processor could guess wrong. With 28 000
 * blocks of 16-digit keys a search takes 80 to 110 ns.
 */
import { commonPrefix, compareBytes } from '../../bytes/compare.ts';
import { copyBytes, type Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import { compareInternalKeys, compareTrailers, TRAILER_BYTES } from '../internal-key.ts';
import { INDEX_EXPANSION } from '../limits.ts';
import { endOfEqual, firstHint, HINT_BYTES, lowerBound, secondHint, wordOf } from './hints.ts';
import { readHandle } from './footer.ts';

const HEADER_BYTES = 16;
const HINTS_BYTES: number = 2 * HINT_BYTES;
const HANDLE_BYTES = 12;
const END_BYTES = 4;
const MAX_INDEX_BYTES = 2 ** 31 - 1;

/**
 * Bytes that the index block `[start, end)` takes when it is decoded; -1 where it is no block, or its keys take absurdly more than it has itself.
 * Leaves nothing behind.
 */
export function decodedIndexBytes(region: Region, start: number, end: number): number {
  const { bytes } = region;
  const entriesEnd = entriesEndOf(region, start, end);
  if (entriesEnd < 0) return -1;
  let count = 0;
  let keyBytes = 0;
  let keyLength = 0;
  for (let at = start; at < entriesEnd; count++) {
    const shared = readVarint(bytes, at, entriesEnd);
    if (shared < 0 || shared > keyLength) return -1;
    at = varintEnd(bytes, at);
    const further = readVarint(bytes, at, entriesEnd);
    if (further < 0 || shared + further < TRAILER_BYTES) return -1;
    at = varintEnd(bytes, at);
    const valueLength = readVarint(bytes, at, entriesEnd);
    if (valueLength < 0) return -1;
    at = varintEnd(bytes, at) + further + valueLength;
    if (at > entriesEnd) return -1;
    keyLength = shared + further;
    keyBytes += keyLength;
  }
  const size = HEADER_BYTES + count * (HINTS_BYTES + HANDLE_BYTES + END_BYTES) + keyBytes;
  if (keyBytes > (end - start) * INDEX_EXPANSION || size > MAX_INDEX_BYTES) return -1;
  return size;
}

/**
 * Decodes the index block `[start, end)`, whose `decodedIndexBytes` are known, to `target` at `at`. Returns -1, or the offset within the block of an entry that
 * cannot be: its key out of order, its data block not before `limit` in the file.
 */
export function decodeIndex(
  region: Region,
  start: number,
  end: number,
  target: Region,
  at: number,
  limit: number,
): number {
  const { bytes } = region;
  const { view } = target;
  const entriesEnd = entriesEndOf(region, start, end);
  const count = countEntries(bytes, start, entriesEnd);
  const handlesAt = at + HEADER_BYTES + count * HINTS_BYTES;
  const endsAt = handlesAt + count * HANDLE_BYTES;
  const keysAt = endsAt + count * END_BYTES;
  let keyEnd = keysAt;
  let previousStart = -1;
  for (let p = start, i = 0; p < entriesEnd; i++) {
    const entryAt = p;
    const shared = readVarint(bytes, p, entriesEnd);
    p = varintEnd(bytes, p);
    const further = readVarint(bytes, p, entriesEnd);
    p = varintEnd(bytes, p);
    const valueLength = readVarint(bytes, p, entriesEnd);
    p = varintEnd(bytes, p);
    const keyStart = keyEnd;
    copyBytes(target, keyStart, target, previousStart, shared);
    copyBytes(target, keyStart + shared, region, p, further);
    keyEnd = keyStart + shared + further;
    p += further;
    const handle = readHandle(bytes, p, p + valueLength, limit);
    p += valueLength;
    if (handle === undefined) return entryAt - start;
    if (
      i > 0 &&
      compareInternalKeys(target, previousStart, keyStart, target, keyStart, keyEnd) >= 0
    )
      return entryAt - start;
    view.setFloat64(handlesAt + i * HANDLE_BYTES, handle.offset, true);
    view.setUint32(handlesAt + i * HANDLE_BYTES + 8, handle.size, true);
    view.setUint32(endsAt + i * END_BYTES, keyEnd - at, true);
    previousStart = keyStart;
  }
  view.setUint32(at, count, true);
  view.setUint32(at + 8, endsAt - at, true);
  view.setUint32(at + 12, keysAt - at, true);
  writeHints(target, at, count);
  return -1;
}

/** Prefix and hints, from the keys. */
function writeHints(target: Region, at: number, count: number): void {
  const { view } = target;
  let prefix = 0;
  if (count > 1) {
    const start = keyStartOf(target, at, 0);
    const end = keyEndOf(target, at, 0) - TRAILER_BYTES;
    const lastStart = keyStartOf(target, at, count - 2);
    const lastEnd = keyEndOf(target, at, count - 2) - TRAILER_BYTES;
    prefix = commonPrefix(target, start, end, target, lastStart, lastEnd);
  }
  view.setUint32(at + 4, prefix, true);
  for (let i = 0; i < count - 1; i++) {
    const from = keyStartOf(target, at, i) + prefix;
    const end = keyEndOf(target, at, i) - TRAILER_BYTES;
    const word = wordOf(target, from, end);
    const hint = at + HEADER_BYTES + i * HINT_BYTES;
    view.setInt32(hint, firstHint(word), true);
    view.setInt32(hint + count * HINT_BYTES, secondHint(word, target, from, end), true);
  }
}

/** Data blocks of the index at `at`. */
export function indexCount(index: Region, at: number): number {
  return index.view.getUint32(at, true);
}

/** Where data block `i` begins in the file. */
export function indexOffset(index: Region, at: number, i: number): number {
  const { view } = index;
  const handlesAt = at + HEADER_BYTES + view.getUint32(at, true) * HINTS_BYTES;
  return view.getFloat64(handlesAt + i * HANDLE_BYTES, true);
}

/** Size of data block `i` without its trailer. */
export function indexSize(index: Region, at: number, i: number): number {
  const { view } = index;
  const handlesAt = at + HEADER_BYTES + view.getUint32(at, true) * HINTS_BYTES;
  return view.getUint32(handlesAt + i * HANDLE_BYTES + 8, true);
}

/** The first data block that can hold the internal key of `[start, end)` and (low, high): the count where all are before it. */
export function searchIndex(
  index: Region,
  at: number,
  region: Region,
  start: number,
  end: number,
  low: number,
  high: number,
): number {
  const count = index.view.getUint32(at, true);
  const last = count - 1;
  const found = last > 0 ? searchAllButLast(index, at, last, region, start, end, low, high) : 0;
  if (found < last || count === 0) return found;
  return isSeparatorBefore(index, at, last, region, start, end, low, high) ? count : last;
}

function searchAllButLast(
  index: Region,
  at: number,
  count: number,
  region: Region,
  start: number,
  end: number,
  low: number,
  high: number,
): number {
  const { view } = index;
  const prefix = view.getUint32(at + 4, true);
  const head = Math.min(prefix, end - start);
  if (head > 0) {
    const keysAt = at + view.getUint32(at + 12, true);
    const order = compareBytes(region, start, start + head, index, keysAt, keysAt + head);
    // A key that ends within the prefix is before all that have it.
    if (order < 0 || (order === 0 && head < prefix)) return 0;
    if (order > 0) return count;
  }
  const word = wordOf(region, start + prefix, end);
  const hint = firstHint(word);
  const firstAt = at + HEADER_BYTES;
  let from = lowerBound(view, firstAt, 0, count, hint);
  let to = endOfEqual(view, firstAt, from, count, hint);
  if (from === to) return from;
  const second = secondHint(word, region, start + prefix, end);
  const secondAt = firstAt + (count + 1) * HINT_BYTES;
  const limit = to;
  from = lowerBound(view, secondAt, from, limit, second);
  to = endOfEqual(view, secondAt, from, limit, second);
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isSeparatorBefore(index, at, middle, region, start, end, low, high)) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isSeparatorBefore(
  index: Region,
  at: number,
  i: number,
  region: Region,
  start: number,
  end: number,
  low: number,
  high: number,
): boolean {
  const keyEnd = keyEndOf(index, at, i) - TRAILER_BYTES;
  const order = compareBytes(index, keyStartOf(index, at, i), keyEnd, region, start, end);
  if (order !== 0) return order < 0;
  const { view } = index;
  const separatorLow = view.getUint32(keyEnd, true);
  const separatorHigh = view.getUint32(keyEnd + 4, true);
  return compareTrailers(separatorLow, separatorHigh, low, high) < 0;
}

/** Where separator `i`, an internal key, begins and ends in the region. */
export function keyStartOf(index: Region, at: number, i: number): number {
  const { view } = index;
  if (i === 0) return at + view.getUint32(at + 12, true);
  return at + view.getUint32(at + view.getUint32(at + 8, true) + (i - 1) * END_BYTES, true);
}

export function keyEndOf(index: Region, at: number, i: number): number {
  const { view } = index;
  return at + view.getUint32(at + view.getUint32(at + 8, true) + i * END_BYTES, true);
}

/** Where the entries of a block end, -1 where that cannot be. */
function entriesEndOf(region: Region, start: number, end: number): number {
  if (end - start < 4) return -1;
  const entriesEnd = end - 4 - region.view.getUint32(end - 4, true) * 4;
  return entriesEnd < start ? -1 : entriesEnd;
}

function countEntries(bytes: Uint8Array, start: number, entriesEnd: number): number {
  let count = 0;
  for (let at = start; at < entriesEnd; count++) {
    at = varintEnd(bytes, at);
    const further = readVarint(bytes, at, entriesEnd);
    at = varintEnd(bytes, at);
    const valueLength = readVarint(bytes, at, entriesEnd);
    at = varintEnd(bytes, at) + further + valueLength;
  }
  return count;
}
