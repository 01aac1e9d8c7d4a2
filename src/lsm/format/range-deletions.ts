/**
 * Range deletions of a table (format level 2), in its meta block `kvasir.range-deletions`: a block whose keys are internal keys, the first user key
 * that is deleted and a trailer of type 3, and whose values are the first user key behind that is not.
 */
import {
  MAX_TRAILER_HIGH,
  sequenceOf,
  TRAILER_BYTES,
  TYPE_RANGE_DELETION,
  typeOf,
} from '../internal-key.ts';
import { malformed } from './block-loader.ts';
import type { BlockHandle } from './footer.ts';
import { readPlainBlock } from './properties.ts';
import type { Table } from './table.ts';

/** Versions of `sequence` or older of the keys from `begin` on, up to and without `end`, are deleted. */
export interface RangeDeletion {
  readonly begin: Uint8Array;
  readonly end: Uint8Array;
  readonly sequence: number;
}

/** Reads and checks them. Throws LsmError. */
export function readRangeDeletions(table: Table, handle: BlockHandle): RangeDeletion[] {
  const { loader } = table;
  loader.readPlain(table, handle.offset, handle.size);
  const entries = readPlainBlock(loader.plain, loader.plainStart, loader.plainEnd);
  if (entries === undefined) {
    throw malformed(table, handle.offset, 'the block of range deletions is malformed');
  }
  return Array.from(entries, ([key, end]) => {
    const bytes = Buffer.from(key, 'latin1');
    const keyEnd = bytes.length - TRAILER_BYTES;
    const low = keyEnd < 0 ? 0 : bytes.readUInt32LE(keyEnd);
    const high = keyEnd < 0 ? 0 : bytes.readUInt32LE(keyEnd + 4);
    if (typeOf(low) !== TYPE_RANGE_DELETION || high > MAX_TRAILER_HIGH) {
      throw malformed(table, handle.offset, 'an entry that is no range deletion');
    }
    return {
      begin: new Uint8Array(bytes.subarray(0, keyEnd)),
      end,
      sequence: sequenceOf(low, high),
    };
  });
}
