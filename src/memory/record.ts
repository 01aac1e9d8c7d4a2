/**
 * A record: one block of the arena.
 *
 *   0   type (4 bits), encoding (4 bits)
 *   1   flags: key chunked 1, value chunked 2, observed 4, snapshot epoch 8 + 16, CAS 32, client flags 64, fetched 128
 *   2   bytes of the key area (16 bits)
 *   4   bytes of the value area (32 bits)
 *   8   access: LRU clock, or LFU minutes and counter (24 bits); size class of the block (8 bits)
 *   12  place in the expiry heap, 0: not volatile (32 bits)
 *   16  key area, then value area
 *
 *   end of the block: [client flags (32 bits)] [CAS (64 bits, low half first)]
 *
 * The key area is the key; the value area the value. One that is too long is a vector of chunks instead (chunks.ts) and its flag is set.
 *
 * The fields at the block's end are there where their flags say so. They lie behind whatever room the value has, so that a record without
 * them costs nothing and finding a key or a value needs not know of them.
 */
export const HEADER_BYTES = 16;

export const KEY_FIELD = 2;
export const VALUE_FIELD = 4;
export const ACCESS_FIELD = 8;
export const CLASS_FIELD = 11;
export const HEAP_FIELD = 12;

export const KEY_CHUNKED = 1;
export const VALUE_CHUNKED = 2;
export const OBSERVED = 4;
export const EPOCH_SHIFT = 3;
export const EPOCH_MASK = 24;
export const HAS_CAS = 32;
export const HAS_CLIENT_FLAGS = 64;
/** Read since it was stored, as far as the owner notes it. */
export const FETCHED = 128;

/** The flags of the fields at the block's end. */
export const TAIL_MASK: number = HAS_CAS | HAS_CLIENT_FLAGS;
const CAS_BYTES = 8;
const CLIENT_FLAGS_BYTES = 4;
const TAIL_BYTES = Uint8Array.of(0, CAS_BYTES, CLIENT_FLAGS_BYTES, CAS_BYTES + CLIENT_FLAGS_BYTES);

/** The first word of a record (offsets 0 to 3), read once, says all of the following. */
export function typeOf(head: number): number {
  return head & 15;
}

export function hasInlineKey(head: number): boolean {
  return (head & (KEY_CHUNKED << 8)) === 0;
}

export function hasInlineValue(head: number): boolean {
  return (head & (VALUE_CHUNKED << 8)) === 0;
}

export function keyAreaOf(head: number): number {
  return head >>> 16;
}

/** Where the value area of the record at `at` begins. */
export function valueAreaStart(head: number, at: number): number {
  return at + HEADER_BYTES + (head >>> 16);
}

/** Bytes of the value area of the record at `at`: of an inline value, its length. */
export function valueAreaBytes(view: DataView, at: number): number {
  return view.getInt32(at + VALUE_FIELD, true);
}

/** Bytes of the fields at the block's end of a record with these flags. */
export function tailBytes(flags: number): number {
  return TAIL_BYTES[(flags & TAIL_MASK) >>> 5]!;
}

/** How far in front of the block's end a field begins: the CAS ... */
export const CAS_FROM_END: number = CAS_BYTES;

/** ... and the client flags. */
export function clientFlagsFromEnd(flags: number): number {
  return (flags & HAS_CAS) === 0 ? CLIENT_FLAGS_BYTES : CLIENT_FLAGS_BYTES + CAS_BYTES;
}
