/** Every bound of the connection layer, and what happens when it is reached. */

/** The region all plain sockets read into. One read brings at most this much. */
export const READ_BYTES: number = 128 * 1024;

/**
 * An incomplete request of at most this size is put in front of the next read in the shared region; a larger one collects in
 * memory of the client's own (charged to it, bounded by `client-query-buffer-limit`).
 */
export const CARRY_BYTES: number = 16 * 1024;

/** Replies are built in regions of this size. */
export const OUTPUT_REGION_BYTES: number = 256 * 1024;

/** Regions kept for reuse when no output needs them; more are left to the garbage collector. */
export const SPARE_REGIONS = 8;

/**
 * Pieces of output of all clients that may wait to be sent. With so many a client runs one request of its pipeline and waits until half of them
 * have left: at the end of the tick, or when the log is durable. A message to a thousand subscribers is a thousand pieces, and a read brings thousands of messages.
 */
export const MAX_SPANS: number = 64 * 1024;

/** A client with more unsent output than this runs no further request of its pipeline until the output has left. */
export const PIPELINE_PAUSE_BYTES: number = 1024 * 1024;

/** A client's own buffer of input: one typed array, of which Node.js has none above 4 GiB. */
export const MAX_PENDING_BYTES: number = 2 ** 32 - 65536;

/** From a client's own buffer at most this many bytes of requests run in one go, so that others get their turn. */
export const TURN_BYTES: number = 128 * 1024;

/**
 * An argument whose bytes have not all arrived goes straight into the engine's chunks if it is longer than this and its command takes it so. It
 * must exceed what lies in a record's block (64 KiB).
 */
export const LARGE_ARGUMENT_BYTES: number = 64 * 1024;

/** Copies of output that wait for a client are put together in chunks of this size. */
export const BACKLOG_CHUNK_BYTES: number = 16 * 1024;

/** Pieces of output for one client that are together no longer than this are put together before they are written. */
export const GATHER_BYTES: number = 32 * 1024;

/** Output that a stalled client could not take is written to it again in pieces of about this size. */
export const BACKLOG_WRITE_BYTES: number = 256 * 1024;
