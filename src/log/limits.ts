/** Every bound of this floor, and where the number comes from. */

/** The buffer of entries starts this large, and goes back to it after a larger batch. */
export const BUFFER_BYTES: number = 1024 * 1024;
/** A tick that logs more than this should write before its end, so that the buffer stays small. */
export const BUFFER_HIGH_WATER_BYTES: number = 8 * 1024 * 1024;
/** While a file is being switched entries stay in memory; with more than this, writes wait. */
export const BUFFER_LIMIT_BYTES: number = 256 * 1024 * 1024;
/** One batch's bytes are one typed array (at most 2^32 bytes), framing included. */
export const MAX_BATCH_BYTES: number = 2 ** 32 - 65536;

/** Space kept for writing what is pending when the disk is full. */
export const RESERVE_BYTES: number = 4 * 1024 * 1024;
/** How long after a failed write it is tried again (Redis: once a second). */
export const RETRY_MS = 1000;
/** `everysec`: at most this long between a write and the start of its sync. */
export const SYNC_INTERVAL_MS = 1000;
/** A sync that takes longer is counted as delayed (Redis waits two seconds before it counts one). */
export const DELAYED_SYNC_US = 2_000_000;
/** `always`: after a sync, wait at most this part of its duration for the clients that were answered. */
export const SYNC_WAIT_FRACTION = 0.5;
/**
 * `always`: while syncs take less than this, the thread does them itself. Nothing may leave before the sync is done anyway, requests that come
 * meanwhile wait in the kernel for the next one, and a trip to another thread and back costs as much as a short sync (50 clients, syncs of
 * 0.3 ms: 40 000 SETs a second instead of 35 000, with pipelines of 16 450 000 instead of 380 000). Slower ones run beside the event loop.
 */
export const BLOCKING_SYNC_US = 1000;

/** Lines of the manifest, Redis's own bound. */
export const MANIFEST_LINE_BYTES = 1024;
/** A manifest names a base, a few incremental files, and history: more than this is not one. */
export const MANIFEST_BYTES: number = 4 * 1024 * 1024;

/** The loader's window: also roughly the work of one slice. */
export const WINDOW_BYTES: number = 256 * 1024;
/** Redis reads annotation and length lines of at most this many bytes. */
export const LINE_BYTES = 128;

/** More than this behind damage is no torn tail: un-synced data of this size has long been written back by the kernel. */
export const TORN_TAIL_BYTES: number = 1024 * 1024 * 1024;

/** A base is handed to the disk in pieces of this size ... */
export const BASE_CHUNK_BYTES: number = 1024 * 1024;
/** ... of which so many may wait for the disk before the producer pauses; what can't wait is written at once. */
export const BASE_CHUNKS_WAITING = 8;
/** Redis syncs a base each 4 MiB while it is written, so that the last sync is short. */
export const BASE_SYNC_BYTES: number = 4 * 1024 * 1024;

/** Redis's limits of automatic rewrites that keep failing: free tries, then 1, 2, 4 ... minutes up to an hour. */
export const REWRITE_FREE_FAILURES = 3;
export const REWRITE_LONGEST_DELAY_MINUTES = 60;
/** A rewrite that restores durability after a failed sync is tried again after this long, doubling ... */
export const REPAIR_DELAY_MS = 1000;
/** ... up to this. */
export const REPAIR_LONGEST_DELAY_MS = 60_000;
