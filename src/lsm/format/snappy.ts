/**
 * Snappy's raw format (google/snappy, format_description.txt), within regions, without allocating: the length as a varint, then
 *
 *   00 literal   length - 1 in the upper six bits, or 60..63: in 1..4 bytes that follow; then the bytes
 *   01 copy      length 4..11, offset of 11 bits
 *   10 copy      length 1..64, offset of 16 bits
 *   11 copy      length 1..64, offset of 32 bits
 *
 * The compressor is greedy: a table of the last place of each four-byte word, wider steps the longer nothing matched. Places count on from block to block, so
 * that the table needs no clearing.
 */
import { copyBytes, type Region } from '../../bytes/region.ts';
import { readVarint, varintEnd, varintLength, writeVarint } from '../../bytes/varint.ts';

const TABLE_BITS = 12;
const MAX_OFFSET = 65_535;
/** No word begins in the last bytes, so that a word can be read anywhere before them. */
const TAIL_BYTES = 4;
/** A copy of 3 bytes makes 64. */
const MAX_RATIO = 22;
/** Places restart long before they leave 31 bits. */
const MAX_PLACE = 2 ** 30;

/** The length that compressed bytes claim to have when they are uncompressed; -1 where that cannot be. */
export function snappyLength(source: Region, start: number, end: number): number {
  const length = readVarint(source.bytes, start, end);
  return length > (end - start) * MAX_RATIO ? -1 : length;
}

/** Uncompresses to `target` at `at` exactly `length` bytes, the length they claim; whether it could. Writes nowhere else. */
export function snappyUncompress(
  source: Region,
  start: number,
  end: number,
  target: Region,
  at: number,
  length: number,
): boolean {
  const { bytes, view } = source;
  const from = at;
  const to = at + length;
  let p = varintEnd(bytes, start);
  while (p < end) {
    const tag = bytes[p++]!;
    if ((tag & 3) === 0) {
      let count = (tag >>> 2) + 1;
      if (count > 60) {
        const lengthBytes = count - 60;
        if (p + lengthBytes > end) return false;
        count = 1;
        for (let i = lengthBytes - 1, n = 0; i >= 0; i--) {
          n = n * 256 + bytes[p + i]!;
          count = n + 1;
        }
        p += lengthBytes;
      }
      if (p + count > end || at + count > to) return false;
      copyBytes(target, at, source, p, count);
      p += count;
      at += count;
      continue;
    }
    let count = (tag >>> 2) + 1;
    let offset: number;
    if ((tag & 3) === 1) {
      if (p >= end) return false;
      count = 4 + ((tag >>> 2) & 7);
      offset = ((tag >>> 5) << 8) | bytes[p++]!;
    } else if ((tag & 3) === 2) {
      if (p + 2 > end) return false;
      offset = view.getUint16(p, true);
      p += 2;
    } else {
      if (p + 4 > end) return false;
      offset = view.getUint32(p, true);
      p += 4;
    }
    if (offset === 0 || offset > at - from || at + count > to) return false;
    copyWithin(target, at, at - offset, count, to);
    at += count;
  }
  return at === to;
}

/** Copies forward, bytes that were just written included; may write garbage up to `limit` behind what it copies. */
export function copyWithin(
  target: Region,
  to: number,
  from: number,
  count: number,
  limit: number,
): void {
  const { view, bytes } = target;
  const end = to + count;
  if (to - from >= 8 && end + 8 <= limit) {
    for (; to < end; to += 8, from += 8) {
      view.setInt32(to, view.getInt32(from, true), true);
      view.setInt32(to + 4, view.getInt32(from + 4, true), true);
    }
    return;
  }
  while (to < end) bytes[to++] = bytes[from++]!;
}

export class SnappyCompressor {
  readonly #table: Int32Array = new Int32Array(1 << TABLE_BITS);
  /** Place of the block's first byte; what the table has from before is below it. */
  #base = 1;

  /**
   * Compresses `[start, end)` to `target` at `at`, within `limit`; returns where it ends, -1 where it does not fit.
   */
  compress(
    source: Region,
    start: number,
    end: number,
    target: Region,
    at: number,
    limit: number,
  ): number {
    const { view } = source;
    const table = this.#table;
    if (this.#base + (end - start) > MAX_PLACE) {
      table.fill(0);
      this.#base = 1;
    }
    const base = this.#base;
    this.#base += end - start;
    const last = end - TAIL_BYTES;
    if (at + varintLength(end - start) > limit) return -1;
    at = writeVarint(target.bytes, at, end - start);
    let literal = start;
    let p = start;
    let skip = 32;
    while (p < last) {
      const word = view.getInt32(p, true);
      const h = Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);
      const candidate = table[h]! - base + start;
      table[h] = p - start + base;
      if (
        candidate < start ||
        p - candidate > MAX_OFFSET ||
        view.getInt32(candidate, true) !== word
      ) {
        p += skip++ >>> 5;
        continue;
      }
      const matched = p + 4 + matchLength(source, candidate + 4, p + 4, end);
      // Tag and length of the literal, its bytes, and the copies of the match.
      if (at + 5 + (p - literal) + 3 * (((matched - p) >>> 6) + 2) > limit) return -1;
      if (p > literal) at = writeLiteral(target, at, source, literal, p);
      at = writeCopies(target.bytes, at, p - candidate, matched - p);
      p = matched;
      literal = matched;
      skip = 32;
      if (p < last) {
        const w = view.getInt32(p - 1, true);
        table[Math.imul(w, 0x1e35a7bd) >>> (32 - TABLE_BITS)] = p - 1 - start + base;
      }
    }
    if (at + 5 + (end - literal) > limit) return -1;
    return literal < end ? writeLiteral(target, at, source, literal, end) : at;
  }
}

/** How far the bytes at `a` and `b` > `a` go on alike, before `end`. */
export function matchLength(source: Region, a: number, b: number, end: number): number {
  const { view } = source;
  const from = b;
  for (; b + 4 <= end; a += 4, b += 4) {
    const differing = view.getInt32(a, true) ^ view.getInt32(b, true);
    if (differing !== 0) return b - from + ((31 - Math.clz32(differing & -differing)) >> 3);
  }
  while (b < end && view.getUint8(a) === view.getUint8(b)) {
    a++;
    b++;
  }
  return b - from;
}

function writeLiteral(
  target: Region,
  at: number,
  source: Region,
  start: number,
  end: number,
): number {
  const { bytes } = target;
  const n = end - start - 1;
  if (n < 60) bytes[at++] = n << 2;
  else if (n < 256) {
    bytes[at++] = 60 << 2;
    bytes[at++] = n;
  } else if (n < 65_536) {
    bytes[at++] = 61 << 2;
    bytes[at++] = n & 255;
    bytes[at++] = n >>> 8;
  } else {
    bytes[at++] = 63 << 2;
    target.view.setUint32(at, n, true);
    at += 4;
  }
  copyBytes(target, at, source, start, end - start);
  return at + end - start;
}

function writeCopies(bytes: Uint8Array, at: number, offset: number, count: number): number {
  // Long ones in copies of 64, but so that none of less than 4 is left.
  while (count >= 68) {
    at = writeCopy(bytes, at, offset, 64);
    count -= 64;
  }
  if (count > 64) {
    at = writeCopy(bytes, at, offset, 60);
    count -= 60;
  }
  if (count < 12 && offset < 2048) {
    bytes[at++] = 1 | ((count - 4) << 2) | ((offset >>> 8) << 5);
    bytes[at++] = offset & 255;
    return at;
  }
  return writeCopy(bytes, at, offset, count);
}

function writeCopy(bytes: Uint8Array, at: number, offset: number, count: number): number {
  bytes[at++] = 2 | ((count - 1) << 2);
  bytes[at++] = offset & 255;
  bytes[at++] = offset >>> 8;
  return at;
}
