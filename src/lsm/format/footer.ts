/**
 * The last 48 bytes of a table, from which everything else is found:
 *
 *   handle of the metaindex block | handle of the index block | zeroes up to byte 40 | magic (8 bytes)
 *
 * A handle is two varints: the offset of a block in the file, and its size without the trailer. A block's trailer is its type (one byte)
 * and the masked CRC-32C of contents and type (4 bytes, little endian).
 *
 * The magic tells the format level: LevelDB's own, or 'kvasirT2' for tables with what LevelDB does not know.
 */
import type { Region } from '../../bytes/region.ts';
import { readVarint, varintEnd, writeVarint } from '../../bytes/varint.ts';
import { LsmError } from '../errors.ts';
import type { FormatLevel } from './table-options.ts';

export const FOOTER_BYTES = 48;
export const BLOCK_TRAILER_BYTES = 5;

const MAGIC_AT = 40;
/** Low and high words of the magic by format level. */
const MAGIC: Readonly<Record<FormatLevel, readonly [number, number]>> = {
  1: [0x8b80fb57, 0xdb477524],
  2: [0x7361766b, 0x32547269],
};

/** Magics of tables that are none of LevelDB's: RocksDB's block-based, plain and cuckoo ones. */
const FOREIGN: readonly (readonly [number, number])[] = [
  [0x85f4cff7, 0x88e241b7],
  [0x63bf9564, 0x82422296],
  [0xc5f17873, 0x926789d0],
];

/** Where a block is. */
export interface BlockHandle {
  readonly offset: number;
  /** Without the trailer. */
  readonly size: number;
}

export interface Footer {
  readonly formatLevel: FormatLevel;
  readonly metaindex: BlockHandle;
  readonly index: BlockHandle;
}

/** Writes a handle; returns where it ends. */
export function writeHandle(bytes: Uint8Array, at: number, handle: BlockHandle): number {
  return writeVarint(bytes, writeVarint(bytes, at, handle.offset), handle.size);
}

/** The handle in `[at, end)`, undefined where that is none or it does not lie before `limit` with its trailer. */
export function readHandle(
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
): BlockHandle | undefined {
  const offset = readVarint(bytes, at, end);
  if (offset < 0) return undefined;
  const size = readVarint(bytes, varintEnd(bytes, at), end);
  if (size < 0 || offset + size + BLOCK_TRAILER_BYTES > limit) return undefined;
  return { offset, size };
}

/** Writes the footer; returns where it ends. */
export function writeFooter(region: Region, at: number, footer: Footer): number {
  const { bytes, view } = region;
  const metaEnd = writeHandle(bytes, at, footer.metaindex);
  const end = writeHandle(bytes, metaEnd, footer.index);
  bytes.fill(0, end, at + MAGIC_AT);
  const [low, high] = MAGIC[footer.formatLevel];
  view.setUint32(at + MAGIC_AT, low, true);
  view.setUint32(at + MAGIC_AT + 4, high, true);
  return at + FOOTER_BYTES;
}

/** The footer in the first 48 bytes of `region`, of a file of `fileBytes`. Throws LsmError CORRUPTION, UNSUPPORTED. */
export function readFooter(region: Region, fileBytes: number, path: string): Footer {
  const { bytes, view } = region;
  const offset = fileBytes - FOOTER_BYTES;
  const low = view.getUint32(MAGIC_AT, true);
  const high = view.getUint32(MAGIC_AT + 4, true);
  const formatLevel = ([1, 2] as const).find((l) => MAGIC[l][0] === low && MAGIC[l][1] === high);
  if (FOREIGN.some(([l, h]) => l === low && h === high)) {
    throw new LsmError('UNSUPPORTED', "a table in RocksDB's own format", {
      path,
      offset: offset + MAGIC_AT,
      found: hex([low, high]),
    });
  }
  if (formatLevel === undefined) {
    throw new LsmError('CORRUPTION', 'this is no table, or its end is missing', {
      path,
      offset: offset + MAGIC_AT,
      expected: `magic ${hex(MAGIC[1])} or ${hex(MAGIC[2])}`,
      found: hex([low, high]),
    });
  }
  const metaindex = readHandle(bytes, 0, MAGIC_AT, offset);
  const indexAt = varintEnd(bytes, varintEnd(bytes, 0));
  const index = metaindex && readHandle(bytes, indexAt, MAGIC_AT, offset);
  if (metaindex === undefined || index === undefined) {
    throw new LsmError('CORRUPTION', 'the footer names a block outside of the file', {
      path,
      offset,
      expected: `blocks before ${offset}`,
    });
  }
  return { formatLevel, metaindex, index };
}

function hex([low, high]: readonly [number, number]): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
