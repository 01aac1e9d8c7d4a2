/**
 * An internal key is what tables and memtables order: a user key and one version of it.
 *
 *   user key | trailer: (sequence << 8 | type), 8 bytes, little endian
 *
 * Sequence numbers are doubles of at most 2^53 - 1. A trailer is handled as two uint32 words, the low one (24 bits of the sequence and the
 * type) and the high one; no BigInt.
 *
 * Order: user keys bytewise ascending, then trailers descending, so that a key's newest version comes first. The place from which on versions
 * of at most `sequence` are found is (key, sequence, TYPE_FOR_SEEK).
 */
import { compareBytes } from '../bytes/compare.ts';
import type { Region } from '../bytes/region.ts';

export const TRAILER_BYTES = 8;

export const TYPE_DELETION = 0;
export const TYPE_VALUE = 1;
/** Format level 2: an operand for the merge operator. */
export const TYPE_MERGE = 2;
/** Format level 2: the key is the first that is deleted, the value the first behind it that is not. */
export const TYPE_RANGE_DELETION = 3;
/** The highest type that is stored. */
export const MAX_TYPE = 3;
/** Orders before every stored version of the same sequence. Never stored. */
export const TYPE_FOR_SEEK = 0xff;

/** LevelDB's sequences have 56 bits; one above this is refused by name. */
export const MAX_SEQUENCE: number = Number.MAX_SAFE_INTEGER;
/** The high word of a trailer of MAX_SEQUENCE. */
export const MAX_TRAILER_HIGH: number = 2 ** 29 - 1;

/** LevelDB ends shortened keys of index blocks in its highest sequence and type, which stand before every version of the key. */
export const SEPARATOR_TRAILER_LOW = 0xffffff01;
export const SEPARATOR_TRAILER_HIGH = 0xffffffff;

const TWO_24 = 2 ** 24;

/** The low word of a trailer, a uint32. (A remainder of doubles is a call of 30 ns; this is not.) */
export function trailerLow(sequence: number, type: number): number {
  return (sequence - Math.floor(sequence / TWO_24) * TWO_24) * 256 + type;
}

/** The high word of a trailer, a uint32. */
export function trailerHigh(sequence: number): number {
  return Math.floor(sequence / TWO_24);
}

export function sequenceOf(low: number, high: number): number {
  return high * TWO_24 + (low >>> 8);
}

export function typeOf(low: number): number {
  return low & 255;
}

/**
 * Negative where the trailer (aLow, aHigh) comes first in the order of versions, that is, is the newer one. High words are uint32, low words either that or the
 * int32 of the same bits: as an argument of a call an int32 is never a number on the heap.
 */
export function compareTrailers(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  return aHigh === bHigh ? (bLow >>> 0) - (aLow >>> 0) : bHigh - aHigh;
}

/** Writes the trailer at `at`; returns where it ends. */
export function writeTrailer(region: Region, at: number, low: number, high: number): number {
  region.view.setUint32(at, low, true);
  region.view.setUint32(at + 4, high, true);
  return at + TRAILER_BYTES;
}

/** The order of two internal keys, each of at least 8 bytes. */
export function compareInternalKeys(
  a: Region,
  aStart: number,
  aEnd: number,
  b: Region,
  bStart: number,
  bEnd: number,
): number {
  const aKeyEnd = aEnd - TRAILER_BYTES;
  const bKeyEnd = bEnd - TRAILER_BYTES;
  const order = compareBytes(a, aStart, aKeyEnd, b, bStart, bKeyEnd);
  if (order !== 0) return order;
  return compareTrailers(
    a.view.getUint32(aKeyEnd, true),
    a.view.getUint32(aKeyEnd + 4, true),
    b.view.getUint32(bKeyEnd, true),
    b.view.getUint32(bKeyEnd + 4, true),
  );
}

/** The internal key of `userKey` as bytes of its own, for the control plane (file metadata, tests). */
export function internalKey(userKey: Uint8Array, sequence: number, type: number): Uint8Array {
  const key = new Uint8Array(userKey.length + TRAILER_BYTES);
  key.set(userKey);
  const view = new DataView(key.buffer);
  view.setUint32(userKey.length, trailerLow(sequence, type), true);
  view.setUint32(userKey.length + 4, trailerHigh(sequence), true);
  return key;
}
