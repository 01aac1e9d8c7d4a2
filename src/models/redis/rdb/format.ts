/**
 * The RDB file format's numbers (facts from Redis's rdb.h): opcodes, the types of values, and what people call them.
 *
 *   "REDIS" version(4 digits) | AUX* | per database: SELECTDB, RESIZEDB, entries | EOF | CRC-64 of all before
 *   entry: [EXPIRETIME_MS ms] [FREQ n | IDLE n] type key value
 *
 * Lengths: 00nnnnnn; 01nnnnnn n; 80 n(4 bytes, big endian); 81 n(8 bytes, big endian); C0, C1, C2: an integer of 1, 2, 4 bytes (little
 * endian) instead of a string; C3: a compressed string (its length, the length it had, LZF).
 */

/** What we write: loads in every Redis since 7.0 and every Valkey. */
export const RDB_VERSION = 10;
/** What we read. Later versions give types other numbers than Valkey does. */
export const RDB_OLDEST_VERSION = 6;
export const RDB_NEWEST_VERSION = 12;

export const OPCODE = {
  slotInfo: 244,
  function: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resizeDb: 251,
  expiryMs: 252,
  expirySeconds: 253,
  selectDb: 254,
  end: 255,
} as const;

export const RDB_TYPE = { string: 0 } as const;

/** What a value of this type is, in words. */
export const RDB_TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'string',
  1: 'list',
  2: 'set',
  3: 'sorted set',
  4: 'hash',
  5: 'sorted set',
  6: 'module value',
  7: 'module value',
  9: 'hash',
  10: 'list',
  11: 'set',
  12: 'sorted set',
  13: 'hash',
  14: 'list',
  15: 'stream',
  16: 'hash',
  17: 'sorted set',
  18: 'list',
  19: 'stream',
  20: 'set',
  21: 'stream',
  22: 'hash',
  23: 'hash',
  24: 'hash',
  25: 'hash',
};

/** Strings shorter than this are never compressed (Redis's rule), integers are looked for in strings up to the other. */
export const COMPRESS_FROM_BYTES = 21;
export const INTEGER_MAX_CHARS = 11;

/** AUX field of our own: the log position that a base stands for, in decimal. */
export const AUX_POSITION = 'kvasir-position';
/** Of our own: the number that the next change of a record with a CAS gets, in hexadecimal. */
export const AUX_CAS = 'kvasir-cas';
/** Of our own, in front of a string's entry: CAS, client flags and marks, in the words of item-line.ts. Short, as there may be one a key. */
export const AUX_ITEM = 'kvc';
