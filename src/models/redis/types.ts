/** Value types and encodings as the engine's records carry them. Explicit and append-only: they are what snapshots are decided by. */
export const TYPE = { string: 0, list: 1, set: 2, zset: 3, hash: 4, stream: 5 } as const;

/** `TYPE`'s answers, by number. */
export const TYPE_NAMES: readonly string[] = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

/**
 * A string's bytes are always its text. `plain` lets OBJECT ENCODING tell int, embstr or raw from the contents, as Redis decides when a
 * value is set whole; `raw` marks a value that APPEND, SETRANGE or SETBIT changed in place, which Redis never encodes again; `text` one
 * that Redis does not try as an integer (INCRBYFLOAT's result): embstr or raw by its length.
 */
export const STRING_ENCODING = { plain: 0, raw: 1, text: 2 } as const;

/**
 * Two more bits of a string's encoding, for memcached's clients: the value is to be renewed, and somebody was told to do so. They go when the
 * value is set whole.
 */
export const STRING_MARKS = { stale: 4, won: 8, all: 12 } as const;
