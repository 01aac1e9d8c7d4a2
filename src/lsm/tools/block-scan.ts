/**
 * Finds the blocks of a table whose index is lost. Blocks lie one behind the other, but nothing says where one ends:
 *
 *   1. Where a block begins is known (the start of the file, the end of the block before). The checksum of what follows is computed byte by byte,
 *      and wherever a type and a checksum stand that fit, the block ends. A checksum fits by chance once in four thousand million places, and who
 *      reads the block then sees whether it is one.
 *   2. Where no end fits within a megabyte, the block is damaged or larger. Each place behind that looks like the beginning of a data block (its first
 *      entry has a whole key and a trailer that can be) is tried as in step 1.
 *   3. If what lies before the place that was found is a block of its own, a large one, it comes first.
 *
 * Step 1 costs some nanoseconds a byte. What was tried in vain is bounded by a budget a table; what is left when that is used up is not looked
 * through.
 */
import { crc32c, maskCrc } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';
import { fromFileError } from '../errors.ts';
import { BLOCK_DEFLATE } from '../format/codecs.ts';
import { BLOCK_TRAILER_BYTES, type BlockHandle } from '../format/footer.ts';
import { MAX_TRAILER_HIGH, MAX_TYPE, TRAILER_BYTES } from '../internal-key.ts';
import { MAX_SCAN_BYTES, MAX_SCANNED_BLOCK_BYTES, STREAM_WINDOW_BYTES } from '../limits.ts';
import type { RawTable } from './raw-table.ts';

/** What a beginning is judged by, where the file has so much. */
const HEAD_BYTES = 512;
/** A longer first key than this is no sign of a beginning. */
const MAX_KEY_BYTES: number = 1 << 20;
/** The smallest block with an entry: three lengths, a trailer, a restart point and their number. */
const MIN_BLOCK_BYTES = 3 + TRAILER_BYTES + 8;
const NOT_FOUND = -1;

export class BlockScan {
  /** Where the next block is looked for. */
  position = 0;
  /** Whether the budget is used up. */
  isExhausted = false;
  readonly #table: RawTable;
  readonly #end: number;
  #budget: number = MAX_SCAN_BYTES;
  #window: Region = Region.allocate(0);
  /** The window holds `[#from, #to)` of the file. */
  #from = 0;
  #to = 0;

  /** Looks at the file up to `end`. */
  constructor(table: RawTable, end: number) {
    this.#table = table;
    this.#end = end;
  }

  /** The next block whose checksum fits; undefined where there is none. Throws LsmError IO_ERROR. */
  next(): BlockHandle | undefined {
    const start = this.position;
    let offset = start;
    let size = this.#sizeAt(start, start + MAX_SCANNED_BLOCK_BYTES);
    while (size === NOT_FOUND) {
      offset = this.#nextBeginning(offset + 1);
      if (offset === NOT_FOUND) break;
      size = this.#sizeAt(offset, offset + MAX_SCANNED_BLOCK_BYTES);
    }
    const before = offset === NOT_FOUND ? this.#end : offset;
    if (before - start > MAX_SCANNED_BLOCK_BYTES) {
      const large = this.#sizeAt(start, before);
      if (large !== NOT_FOUND) {
        offset = start;
        size = large;
      }
    }
    if (size === NOT_FOUND) {
      this.position = this.#end;
      return undefined;
    }
    this.position = offset + size + BLOCK_TRAILER_BYTES;
    return { offset, size };
  }

  /** The size of the block that begins at `start` and ends, with its trailer, before `limit`. */
  #sizeAt(start: number, limit: number): number {
    const end = Math.min(limit, this.#end);
    let crc = 0;
    let at = start;
    while (at + BLOCK_TRAILER_BYTES <= end && this.#load(at, BLOCK_TRAILER_BYTES)) {
      const { bytes, view } = this.#window;
      const last = Math.min(end, this.#to) - BLOCK_TRAILER_BYTES;
      for (let i = at - this.#from; at <= last; i++, at++) {
        const withType = crc32c(this.#window, i, i + 1, crc);
        if (bytes[i]! <= BLOCK_DEFLATE && maskCrc(withType) === view.getUint32(i + 1, true)) {
          return at - start;
        }
        crc = withType;
      }
    }
    this.#budget -= at - start;
    return NOT_FOUND;
  }

  /** The next place from `at` on that looks like the beginning of a data block. */
  #nextBeginning(at: number): number {
    for (; at + MIN_BLOCK_BYTES + BLOCK_TRAILER_BYTES <= this.#end; at++) {
      if (this.#budget < 0) {
        this.isExhausted = true;
        return NOT_FOUND;
      }
      const length = Math.min(HEAD_BYTES, this.#end - at);
      if (!this.#load(at, length)) return NOT_FOUND;
      const head = at - this.#from;
      if (isBeginning(this.#window, head, head + length)) return at;
    }
    return NOT_FOUND;
  }

  /** Brings `length` bytes from `at` on to the window; false where the file ends before. */
  #load(at: number, length: number): boolean {
    if (at >= this.#from && at + length <= this.#to) return true;
    const wanted = Math.min(STREAM_WINDOW_BYTES, this.#end - at);
    if (this.#window.bytes.length < wanted) this.#window = Region.allocate(STREAM_WINDOW_BYTES);
    try {
      this.#from = at;
      this.#to = at + this.#table.file.read(this.#window.bytes, 0, wanted, at);
    } catch (error) {
      throw fromFileError(error);
    }
    return at + length <= this.#to;
  }
}

/** Whether a data block may begin at `at`, as it is or compressed, as far as the bytes up to `end` tell. */
function isBeginning(region: Region, at: number, end: number): boolean {
  const { bytes } = region;
  if (isFirstEntry(region, at, end)) return true;
  // zstd's magic; zlib's first byte, with the usual second ones.
  if (bytes[at] === 0x28) return bytes[at + 1] === 0xb5 && bytes[at + 2] === 0x2f;
  if (bytes[at] === 0x78) return [0x01, 0x5e, 0x9c, 0xda].includes(bytes[at + 1]!);
  // snappy and LZ4: the length, then a literal, in which the first entry begins.
  const length = readVarint(bytes, at, end);
  if (length < MIN_BLOCK_BYTES || length > 2 ** 30) return false;
  const tagAt = varintEnd(bytes, at);
  return isSnappy(region, tagAt, end) || isLz4(region, tagAt, end);
}

function isSnappy(region: Region, at: number, end: number): boolean {
  const { bytes } = region;
  const tag = bytes[at]!;
  if ((tag & 3) !== 0) return false;
  let length = tag >>> 2;
  const more = Math.max(0, length - 59);
  if (more > 2) return false;
  if (more > 0) length = more === 1 ? bytes[at + 1]! : bytes[at + 1]! | (bytes[at + 2]! << 8);
  const literalAt = at + 1 + more;
  return isFirstEntry(region, literalAt, Math.min(end, literalAt + length + 1));
}

function isLz4(region: Region, at: number, end: number): boolean {
  const { bytes } = region;
  let length = bytes[at++]! >>> 4;
  if (length === 15) {
    for (let more = 255; more === 255 && at < end; at++) {
      more = bytes[at]!;
      length += more;
    }
  }
  return isFirstEntry(region, at, Math.min(end, at + length));
}

/** The first entry of a block shares nothing, and its key has a trailer, of which as much is looked at as there is before `end`. */
function isFirstEntry({ bytes }: Region, at: number, end: number): boolean {
  if (at >= end || bytes[at] !== 0) return false;
  const keyLength = readVarint(bytes, at + 1, end);
  if (keyLength < TRAILER_BYTES || keyLength > MAX_KEY_BYTES) return false;
  const valueLengthAt = varintEnd(bytes, at + 1);
  if (readVarint(bytes, valueLengthAt, end) < 0) return false;
  const typeAt = varintEnd(bytes, valueLengthAt) + keyLength - TRAILER_BYTES;
  if (typeAt < end && bytes[typeAt]! > MAX_TYPE) return false;
  const highest = typeAt + TRAILER_BYTES - 1;
  return highest >= end || bytes[highest]! <= MAX_TRAILER_HIGH >>> 24;
}
