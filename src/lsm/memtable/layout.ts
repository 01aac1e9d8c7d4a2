/**
 * The bytes of a memtable: one SharedArrayBuffer, seen as 32-bit words, so that a flush worker reads it in place.
 *
 *   header | records, growing upwards ->  ... free ...  <- nodes, growing downwards
 *
 * A record never moves. Its reference is the index of its first word:
 *
 *   key length | value length | trailer, low word | trailer, high word | key bytes | value bytes | up to 3 bytes of padding
 *
 * Range tombstones are records too, but in no node: the word before such a record is the reference of the one that was added before it.
 *
 * A node of the B+tree (tree.ts) has up to FANOUT entries, column by column, so that a search touches few cache lines:
 *
 *   count | prefix length | previous leaf | next leaf | high hints | low hints | references | (inner nodes) children
 *
 * The keys below a node share their first `prefix length` bytes. An entry's hints (key-hint.ts) are of the eight key bytes behind them.
 */
export const FANOUT = 32;

/** Words of a node, by column. */
export const COUNT = 0;
export const PREFIX = 1;
export const PREVIOUS = 2;
export const NEXT = 3;
export const HIGH = 4;
export const LOW: number = HIGH + FANOUT;
export const REF: number = LOW + FANOUT;
export const CHILD: number = REF + FANOUT;

export const LEAF_WORDS: number = REF + FANOUT;
export const INNER_WORDS: number = CHILD + FANOUT;

/** Words of a record's head. */
export const KEY_LENGTH = 0;
export const VALUE_LENGTH = 1;
export const TRAILER_LOW = 2;
export const TRAILER_HIGH = 3;
export const RECORD_HEAD_WORDS = 4;
export const RECORD_HEAD_BYTES = 16;

/** Words of the header, which are complete once the memtable is frozen. */
export const ROOT = 0;
export const HEIGHT = 1;
export const FIRST_LEAF = 2;
export const LAST_LEAF = 3;
export const TREE_PREFIX = 4;
export const PREFIX_RECORD = 5;
export const ENTRIES = 6;
export const DELETIONS = 7;
/** The range tombstone that was added last. */
export const LAST_RANGE = 8;
export const HEADER_WORDS = 16;

/** No node, no record: the header is there. */
export const NONE = 0;

/** Words of a record with a key and a value of these lengths. */
export function recordWords(keyLength: number, valueLength: number): number {
  return RECORD_HEAD_WORDS + ((keyLength + valueLength + 3) >>> 2);
}
