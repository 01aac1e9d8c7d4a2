/**
 * LZ4's block format (lz4/lz4, lz4_Block_format.md), within regions, without allocating. A block is sequences:
 *
 *   token: literal length (high 4 bits), match length - 4 (low 4 bits); 15 means that bytes follow to be added, up to one below 255
 *   [literal length...] literals | offset (2 bytes) [match length...]
 *
 * The last sequence ends behind its literals. The last five bytes are literals, and no match begins in the last twelve.
 */
import { copyBytes, type Region } from '../../bytes/region.ts';

const TABLE_BITS = 12;
const MAX_OFFSET = 65_535;
const LAST_LITERALS = 5;
const MATCH_FREE_TAIL = 12;
const MIN_MATCH = 4;
/** Each byte of length adds at most 255. */
const MAX_RATIO = 255;
/** Places restart long before they leave 31 bits. */
const MAX_PLACE = 2 ** 30;

/** Whether compressed bytes can be as long as they claim. */
export function isLz4Length(claimed: number, compressed: number): boolean {
  return claimed >= 0 && claimed <= compressed * MAX_RATIO + 64;
}

/** Uncompresses to `target` at `at` exactly `length` bytes; whether it could. Writes nowhere else. */
export function lz4Uncompress(
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
  let p = start;
  while (p < end) {
    const token = bytes[p++]!;
    let count = token >>> 4;
    if (count === 15) {
      let byte = 255;
      while (byte === 255) {
        if (p >= end) return false;
        byte = bytes[p++]!;
        count += byte;
      }
    }
    if (p + count > end || at + count > to) return false;
    copyBytes(target, at, source, p, count);
    p += count;
    at += count;
    if (p === end) return at === to;
    if (p + 2 > end) return false;
    const offset = view.getUint16(p, true);
    p += 2;
    count = token & 15;
    if (count === 15) {
      let byte = 255;
      while (byte === 255) {
        if (p >= end) return false;
        byte = bytes[p++]!;
        count += byte;
      }
    }
    count += MIN_MATCH;
    if (offset === 0 || offset > at - from || at + count > to) return false;
    copyWithin(target, at, at - offset, count, to);
    at += count;
  }
  return false;
}

/** Copies forward, bytes that were just written included; may write garbage up to `limit` behind what it copies. */
function copyWithin(target: Region, to: number, from: number, count: number, limit: number): void {
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

export class Lz4Compressor {
  readonly #table: Int32Array = new Int32Array(1 << TABLE_BITS);
  /** Place of the block's first byte: places count on from block to block, so that the table needs no clearing. */
  #base = 1;

  /** Compresses `[start, end)` to `target` at `at`, within `limit`; returns where it ends, -1 where it does not fit. */
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
    const last = end - MATCH_FREE_TAIL;
    let literal = start;
    let p = start;
    let skip = 64;
    while (p < last) {
      const word = view.getInt32(p, true);
      const h = Math.imul(word, 0x9e3779b1) >>> (32 - TABLE_BITS);
      const candidate = table[h]! - base + start;
      table[h] = p - start + base;
      if (
        candidate < start ||
        p - candidate > MAX_OFFSET ||
        view.getInt32(candidate, true) !== word
      ) {
        p += skip++ >>> 6;
        continue;
      }
      const matched = p + 4 + matchLength(source, candidate + 4, p + 4, end - LAST_LITERALS);
      if (at + 12 + (p - literal) * 1.01 + (matched - p) / 255 > limit) return -1;
      at = writeSequence(target, at, source, literal, p, matched - p, p - candidate);
      p = matched;
      literal = matched;
      skip = 64;
    }
    if (at + 12 + (end - literal) * 1.01 > limit) return -1;
    return writeSequence(target, at, source, literal, end, 0, 0);
  }
}

/** Literals `[start, end)` and a match; `matched` 0 for the last sequence, which has none. */
function writeSequence(
  target: Region,
  at: number,
  source: Region,
  start: number,
  end: number,
  matched: number,
  offset: number,
): number {
  const { bytes } = target;
  const literals = end - start;
  const rest = matched === 0 ? 0 : matched - MIN_MATCH;
  bytes[at++] = (Math.min(15, literals) << 4) | Math.min(15, rest);
  if (literals >= 15) at = writeLength(bytes, at, literals - 15);
  copyBytes(target, at, source, start, literals);
  at += literals;
  if (matched === 0) return at;
  bytes[at++] = offset & 255;
  bytes[at++] = offset >>> 8;
  return rest >= 15 ? writeLength(bytes, at, rest - 15) : at;
}

function writeLength(bytes: Uint8Array, at: number, rest: number): number {
  for (; rest >= 255; rest -= 255) bytes[at++] = 255;
  bytes[at++] = rest;
  return at;
}

/** How far the bytes at `a` and `b` > `a` go on alike, before `end`. */
function matchLength(source: Region, a: number, b: number, end: number): number {
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
