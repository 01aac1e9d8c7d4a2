/**
 * Hints (hints.ts) for the entries of a cached data block, behind it in the cache. They are made when the block was found there for the second time: what is
 * hardly ever found there, because there is much more than the cache holds, is not worth it.
 *
 *   state (2 bytes)   0: never found yet; 65534: found once; 65535: this block has none; else the number of entries
 *   room (2 bytes)    entries that there is room for
 *   prefix (2 bytes)  length of the prefix that all user keys share, 24 at most
 *   0 (2 bytes)       | the prefix (24 bytes)
 *   hints             of each entry, of the 31 bits behind the prefix (4 bytes)
 *   places            where each entry begins, from the block's start (2 bytes)
 *
 * A lookup then touches the hints, which lie together, and the entry, where a walk through the block touches a restart point or two and every entry from
 * there: half as much memory, which is what a lookup among more data than a processor's caches hold waits for.
 *
 * What hints leave open (an entry that shares more with the one before than prefix and hint cover) the walk decides.
 */
import { commonPrefix, compareBytes } from '../../bytes/compare.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import { TRAILER_BYTES } from '../internal-key.ts';
import type { BlockSearch } from './block-search.ts';
import { firstHint, HINT_BYTES, lowerBound, wordOf } from './hints.ts';

/** What a search answers: the entry, which `search` then has; that there is none in the block; that the hints do not tell. */
export const FOUND = 0;
export const ABSENT = 1;
export const OPEN = 2;

const NEW = 0;
const FOUND_ONCE = 0xfffe;
const NEVER = 0xffff;
const HEADER_BYTES = 32;
const PREFIX_AT = 8;
const MAX_PREFIX = 24;
const PLACE_BYTES = 2;
const MAX_BLOCK_BYTES = 0xffff;
/** Of an entry: a byte for each length of the key, up to four for the value's. */
const LONGEST_HEADER = 6;
/** Longer keys are not made whole here. */
const MAX_KEY_BYTES = 1024;

/** Bytes that hints for so many entries take; 0 for a block that can't have any. */
export function entryHintBytes(entries: number, blockBytes: number): number {
  if (entries < 2 || entries >= FOUND_ONCE || blockBytes > MAX_BLOCK_BYTES) return 0;
  return HEADER_BYTES + entries * (HINT_BYTES + PLACE_BYTES);
}

/** Makes room of `sizeBytes` at `at` ready. */
export function clearEntryHints(region: Region, at: number, sizeBytes: number): void {
  const room = Math.floor((sizeBytes - HEADER_BYTES) / (HINT_BYTES + PLACE_BYTES));
  region.view.setUint32(at, (NEW | (room << 16)) >>> 0, true);
}

export class EntryHints {
  /** The key that was read last, whole, and the first one. */
  readonly #key: Region = Region.allocate(MAX_KEY_BYTES);
  readonly #first: Region = Region.allocate(MAX_KEY_BYTES);

  /**
   * Looks for the newest version, not before the trailer (low, high), of a user key in the block `[start, end)` with its room for hints at `at`. `low` is
   * an int32.
   */
  find(
    search: BlockSearch,
    block: Region,
    start: number,
    end: number,
    at: number,
    region: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): number {
    const { view } = block;
    let count = view.getUint16(at, true);
    if (count >= FOUND_ONCE || count === NEW) {
      if (count === NEVER) return OPEN;
      if (count === NEW) {
        view.setUint16(at, FOUND_ONCE, true);
        return OPEN;
      }
      count = this.#make(block, start, end, at);
      if (count === NEVER) return OPEN;
    }
    const prefix = view.getUint16(at + 4, true);
    if (keyEnd - keyStart < prefix) return ABSENT;
    const prefixAt = at + PREFIX_AT;
    const order = compareBytes(
      region,
      keyStart,
      keyStart + prefix,
      block,
      prefixAt,
      prefixAt + prefix,
    );
    if (order !== 0) return ABSENT;
    const hint = firstHint(wordOf(region, keyStart + prefix, keyEnd));
    const hintsAt = at + HEADER_BYTES;
    const placesAt = hintsAt + count * HINT_BYTES;
    for (let i = lowerBound(view, hintsAt, 0, count, hint); i < count; i++) {
      if (view.getInt32(hintsAt + i * HINT_BYTES, true) !== hint) return ABSENT;
      const entryAt = start + view.getUint16(placesAt + i * PLACE_BYTES, true);
      const answer = look(search, block, entryAt, prefix + 3, region, keyStart, keyEnd, low, high);
      if (answer !== ABSENT) return answer;
    }
    return ABSENT;
  }

  /** The number of entries, or NEVER. */
  #make(block: Region, start: number, end: number, at: number): number {
    const { view } = block;
    const room = view.getUint16(at + 2, true);
    const count = this.#measure(block, start, end, at, room);
    view.setUint16(at, count, true);
    if (count === NEVER) return NEVER;
    const prefix = view.getUint16(at + 4, true);
    copyBytes(block, at + PREFIX_AT, this.#first, 0, prefix);
    const { bytes } = block;
    const key = this.#key;
    const hintsAt = at + HEADER_BYTES;
    const from = hintsAt + room * HINT_BYTES;
    const to = hintsAt + count * HINT_BYTES;
    for (let i = 0; i < count; i++) {
      const place = view.getUint16(from + i * PLACE_BYTES, true);
      const entryAt = start + place;
      const shared = bytes[entryAt]!;
      const further = bytes[entryAt + 1]!;
      copyBytes(key, shared, block, headerEnd(bytes, entryAt), further);
      const length = shared + further - TRAILER_BYTES;
      view.setInt32(hintsAt + i * HINT_BYTES, firstHint(wordOf(key, prefix, length)), true);
      view.setUint16(to + i * PLACE_BYTES, place, true);
    }
    return count;
  }

  /** Where entries begin goes behind the room for all hints, their prefix to the header; returns how many there are, or NEVER. */
  #measure(block: Region, start: number, end: number, at: number, room: number): number {
    const { bytes, view } = block;
    const entriesEnd = end - 4 - view.getUint32(end - 4, true) * 4;
    const places = at + HEADER_BYTES + room * HINT_BYTES;
    const key = this.#key;
    let count = 0;
    let userLength = 0;
    let firstLength = 0;
    for (let entryAt = start; entryAt < entriesEnd; count++) {
      const shared = bytes[entryAt]!;
      const further = bytes[entryAt + 1]!;
      // Lengths of two bytes are rare but for values; a trailer that is shared is not ours.
      if ((shared | further) >= 128 || shared > userLength) return NEVER;
      const keyAt = headerEnd(bytes, entryAt);
      const next = keyAt + further + valueLength(bytes, entryAt + 2);
      const isLong = keyAt - entryAt > LONGEST_HEADER;
      if (isLong || further < TRAILER_BYTES || next > entriesEnd || count === room) return NEVER;
      copyBytes(key, shared, block, keyAt, further);
      userLength = shared + further - TRAILER_BYTES;
      if (count === 0) {
        firstLength = userLength;
        copyBytes(this.#first, 0, key, 0, userLength);
      }
      view.setUint16(places + count * PLACE_BYTES, entryAt - start, true);
      entryAt = next;
    }
    if (count < 2) return NEVER;
    const shared = commonPrefix(this.#first, 0, firstLength, key, 0, userLength);
    view.setUint16(at + 4, Math.min(MAX_PREFIX, shared), true);
    return count;
  }
}

/** Whether the entry is the one; `known`: bytes of its key that are as in the one that is sought. */
function look(
  search: BlockSearch,
  block: Region,
  entryAt: number,
  known: number,
  region: Region,
  keyStart: number,
  keyEnd: number,
  low: number,
  high: number,
): number {
  const { bytes, view } = block;
  const shared = bytes[entryAt]!;
  if (shared > known) return OPEN;
  const keyAt = headerEnd(bytes, entryAt);
  const userEnd = keyAt + bytes[entryAt + 1]! - TRAILER_BYTES;
  if (shared + userEnd - keyAt !== keyEnd - keyStart) return ABSENT;
  if (compareBytes(block, keyAt, userEnd, region, keyStart + shared, keyEnd) !== 0) return ABSENT;
  const entryHigh = view.getInt32(userEnd + 4, true);
  const entryLow = view.getInt32(userEnd, true);
  // A version newer than asked for: an older one may be behind it.
  if (entryHigh > high || (entryHigh === high && entryLow >>> 0 > low >>> 0)) return ABSENT;
  search.low = entryLow;
  search.high = entryHigh;
  search.valueAt = userEnd + TRAILER_BYTES;
  search.valueEnd = search.valueAt + valueLength(bytes, entryAt + 2);
  return FOUND;
}

/** The varint at `at`, of a block that was read before. */
function valueLength(bytes: Uint8Array, at: number): number {
  let value = bytes[at]!;
  if (value < 128) return value;
  value &= 127;
  for (let shift = 7; shift < 28; shift += 7) {
    const byte = bytes[++at]!;
    value |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}

/** Where the key bytes of an entry begin whose first two lengths have a byte each. */
function headerEnd(bytes: Uint8Array, entryAt: number): number {
  let at = entryAt + 2;
  for (let i = 0; i < 4 && bytes[at]! >= 128; i++) at++;
  return at + 1;
}
