/**
 * The index of a table as the cache holds it: decoded once, searched by comparing integers.
 *
 *   count | length of the prefix that all separators share | where the ends of keys begin | where the keys begin   (4 bytes each)
 *   hints    int32 a separator: the four bytes of its user key behind the prefix, as a number, zeroes behind its end, top bit flipped
 *   handles  offset (8 bytes, a double) and size (4 bytes, without the trailer) of its data block
 *   ends     where its key ends (4 bytes)
 *   keys     internal keys one behind the other
 *
 * Places are counted from the start. Hints order as keys do, and only keys with equal hints are compared whole.
 */
import { commonPrefix, compareBytes } from '../../bytes/compare.ts';
import { copyBytes, type Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import { compareInternalKeys, compareTrailers, TRAILER_BYTES } from '../internal-key.ts';
import { INDEX_EXPANSION } from '../limits.ts';
import { readHandle } from './footer.ts';

const HEADER_BYTES = 16;
const HINT_BYTES = 4;
const HANDLE_BYTES = 12;
const END_BYTES = 4;
const SIGN = 0x80000000 | 0;
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
  const size = HEADER_BYTES + count * (HINT_BYTES + HANDLE_BYTES + END_BYTES) + keyBytes;
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
  const handlesAt = at + HEADER_BYTES + count * HINT_BYTES;
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
  const first = count === 0 ? 0 : keyStartOf(target, at, 0);
  const prefix =
    count === 0
      ? 0
      : commonPrefix(
          target,
          first,
          keyEndOf(target, at, 0) - TRAILER_BYTES,
          target,
          keyStartOf(target, at, count - 1),
          keyEndOf(target, at, count - 1) - TRAILER_BYTES,
        );
  view.setUint32(at + 4, prefix, true);
  for (let i = 0; i < count; i++) {
    const from = keyStartOf(target, at, i) + prefix;
    const hint = hintOf(target, from, keyEndOf(target, at, i) - TRAILER_BYTES);
    view.setInt32(at + HEADER_BYTES + i * HINT_BYTES, hint, true);
  }
}

/** The four bytes from `at` on, zeroes behind `end`, so that they order as int32. */
function hintOf(region: Region, at: number, end: number): number {
  const { view } = region;
  if (at + 4 <= end) return view.getInt32(at) ^ SIGN;
  let hint = 0;
  for (let shift = 24; at < end; at++, shift -= 8) hint |= view.getUint8(at) << shift;
  return hint ^ SIGN;
}

/** Data blocks of the index at `at`. */
export function indexCount(index: Region, at: number): number {
  return index.view.getUint32(at, true);
}

/** Where data block `i` begins in the file. */
export function indexOffset(index: Region, at: number, i: number): number {
  const { view } = index;
  const handlesAt = at + HEADER_BYTES + view.getUint32(at, true) * HINT_BYTES;
  return view.getFloat64(handlesAt + i * HANDLE_BYTES, true);
}

/** Size of data block `i` without its trailer. */
export function indexSize(index: Region, at: number, i: number): number {
  const { view } = index;
  const handlesAt = at + HEADER_BYTES + view.getUint32(at, true) * HINT_BYTES;
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
  const { view } = index;
  const count = view.getUint32(at, true);
  if (count === 0) return 0;
  const prefix = view.getUint32(at + 4, true);
  const keysAt = at + view.getUint32(at + 12, true);
  const head = Math.min(prefix, end - start);
  if (head > 0) {
    const order = compareBytes(region, start, start + head, index, keysAt, keysAt + head);
    if (order < 0) return 0;
    if (order > 0) return count;
    // The key ends within the prefix: it is before all of them.
    if (head < prefix) return 0;
  }
  const hint = hintOf(region, start + prefix, end);
  const hintsAt = at + HEADER_BYTES;
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const other = view.getInt32(hintsAt + middle * HINT_BYTES, true);
    const isBefore =
      other === hint
        ? isSeparatorBefore(index, at, middle, region, start, end, low, high)
        : other < hint;
    if (isBefore) from = middle + 1;
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
