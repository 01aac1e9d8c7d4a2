/** Every bound of the memory engine, and where it comes from. */

/** log2 of a segment's size: 64 MiB, of which the kernel commits only the pages that are touched. */
export const SEGMENT_BITS = 26;

/** References count units of 8 bytes in 32 bits: 32 GiB. The last page is left out, so that -1 is no reference. */
export const MAX_ARENA_BYTES: number = 2 ** 35 - 2 ** 18;

/** log2 of a page's size: 256 KiB of blocks of one size class. */
export const PAGE_BITS = 18;

/** A chunk of a value or key that is too long to lie in its record's block. */
export const CHUNK_BYTES: number = 64 * 1024;

/** Keys up to this length lie in the record's block; longer ones are chunked. */
export const INLINE_KEY_BYTES: number = 16 * 1024;

/** A record whose block would be larger has its value chunked. */
export const INLINE_RECORD_BYTES: number = 64 * 1024;

/** The largest block: a header and two vectors of chunks that hold 512 MiB each fit. */
export const MAX_BLOCK_BYTES: number = 128 * 1024;

/**
 * The longest value or key, 1023 MiB: its vector (chunks.ts) takes less than 64 KiB, what the 16 bits of a record's key field can say, and those
 * of a key and a value together fit the largest block.
 */
export const MAX_LENGTH_BYTES: number = 1023 * 1024 * 1024;

/** Slots of the smallest index. */
export const MIN_SLOTS = 16;

/** Slots of the largest index, for 402 million keys: Node.js 20 has no view of more than 4 GiB. */
export const MAX_SLOTS: number = 2 ** 29;

/** An index grows above three quarters full ... */
export const GROW_LOAD = 0.75;
/** ... and shrinks below a tenth, to a fifth or more. */
export const SHRINK_LOAD = 0.1;
/** It shrinks by no more than this at once: then the old one, of which each change migrates a part, is empty before the new one is full. */
export const SHRINK_FACTOR = 4;

/** Slots of the old table that every insertion and removal migrates: the old one is empty long before the new one is full. */
export const MIGRATE_SLOTS = 16;

/** A value of more chunks is freed in the background. */
export const FREE_AT_ONCE_CHUNKS = 64;

/** Units of background work that the move of one chunk counts as: about 64 KiB against about 100 bytes, and memory runs fast in a row. */
export const CHUNK_MOVE_UNITS = 32;

/** Defragmentation walks the keyspaces only if it would empty at least one page in this many. */
export const DEFRAGMENT_ONE_PAGE_IN = 64;

/** Candidates for eviction that are remembered from one choice to the next, and records looked at for each (Redis's EVPOOL_SIZE, maxmemory-samples). */
export const EVICTION_POOL = 16;
export const EVICTION_SAMPLES = 5;

/** Keys that are looked at ahead: as many loads of memory as a core keeps under way (10 to 16), and a bit more. */
export const LOOK_AHEAD_KEYS = 32;
