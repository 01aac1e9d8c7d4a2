/**
 * LevelDB's log format, of WALs and of manifests. A file is blocks of 32 KiB; a record is cut into fragments so that none crosses a block's end:
 *
 *   masked CRC32C of type and payload (4 bytes) | payload length (2 bytes) | type (1 byte) | payload
 *
 * Types: 1 the whole record, 2 its first, 3 a middle, 4 its last fragment. What is left of a block when a header no longer fits in (under 7
 * bytes) is zeros. A header of zeros is room that was zeroed before it was needed: nothing follows it in its block.
 */

export const LOG_BLOCK_BYTES = 32768;
export const RECORD_HEADER_BYTES = 7;

export const FRAGMENT_FULL = 1;
export const FRAGMENT_FIRST = 2;
export const FRAGMENT_MIDDLE = 3;
export const FRAGMENT_LAST = 4;
