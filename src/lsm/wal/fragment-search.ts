/**
 * Looks for the beginning of a record where headers no longer lead to it: in what a damaged length makes unreachable, which is at most
 * the rest of its block. Never to read records by, since a value may hold anything, copies of logs included; only to tell a torn end of a file
 * from damage before its end. Called only when something is wrong.
 */
import { maskedCrc32c } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import {
  FRAGMENT_FIRST,
  FRAGMENT_FULL,
  LOG_BLOCK_BYTES,
  RECORD_HEADER_BYTES,
} from './record-format.ts';
import type { RecordReader, RecordSource } from './record-reader.ts';

/** Whether a fragment's payload, `[start, end)`, can be what is looked for; asked before its checksum is computed. */
export type Accept = (region: Region, start: number, end: number) => boolean;

/**
 * Whether a record begins, and checks, among the bytes that `reader` passes over behind the damage it has just answered with. Throws
 * FileError.
 */
export function isRecordPassedOver(
  source: RecordSource,
  reader: RecordReader,
  accept: Accept,
): boolean {
  const from = reader.damage!.offset + 1;
  const blockEnd = from - 1 - ((from - 1) % LOG_BLOCK_BYTES) + LOG_BLOCK_BYTES;
  const length = Math.min(reader.nextOffset, blockEnd) - from;
  if (length < RECORD_HEADER_BYTES) return false;
  const region = Region.allocate(length);
  const end = source.read(region.bytes, 0, length, from);
  for (let at = 0; at + RECORD_HEADER_BYTES <= end; at++) {
    if (isFragment(region, at, end, accept)) return true;
  }
  return false;
}

function isFragment(region: Region, at: number, end: number, accept: Accept): boolean {
  const { view } = region;
  const type = view.getUint8(at + 6);
  if (type !== FRAGMENT_FULL && type !== FRAGMENT_FIRST) return false;
  const start = at + RECORD_HEADER_BYTES;
  const to = start + view.getUint16(at + 4, true);
  if (to > end || !accept(region, start, to)) return false;
  return view.getInt32(at, true) === maskedCrc32c(region, at + 6, to);
}
