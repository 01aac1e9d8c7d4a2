/**
 * A record: one block of the arena.
 *
 *   0   type (4 bits), encoding (4 bits)
 *   1   flags: key chunked 1, value chunked 2, observed 4, snapshot epoch 8 + 16
 *   2   bytes of the key area (16 bits)
 *   4   bytes of the value area (32 bits)
 *   8   access: LRU clock, or LFU minutes and counter (24 bits); size class of the block (8 bits)
 *   12  place in the expiry heap, 0: not volatile (32 bits)
 *   16  key area, then value area
 *
 * The key area is the key; the value area the value. One that is too long is a vector of chunks instead (chunks.ts) and its flag is set.
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
