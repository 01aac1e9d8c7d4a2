/**
 * Appends blocks with their trailers to a file that is written once, front to back: contents, type (1 byte), masked CRC-32C of both (4 bytes). What
 * is appended gathers in one buffer and is handed to the system in pieces of 128 KiB or more.
 */
import { maskedCrc32c } from '../../bytes/crc32c.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import { TABLE_WRITE_BYTES } from '../limits.ts';
import { BLOCK_RAW, type BlockCompressor } from './codecs.ts';
import { BLOCK_TRAILER_BYTES } from './footer.ts';

/** A compressed block must save one byte in eight, or it is stored as it is: uncompressing costs time at every reading. */
const SAVING_SHIFT = 3;

export class BlockWriter {
  /** Where the last block begins in the file, and its size without the trailer. */
  offset = 0;
  size = 0;
  readonly #file: OpenFile;
  #out: Region = Region.allocate(TABLE_WRITE_BYTES * 2);
  /** `[0, #end)` of the buffer are the file's bytes from `#written` on. */
  #end = 0;
  #written = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** Bytes appended so far. */
  get position(): number {
    return this.#written + this.#end;
  }

  /** Appends a block, compressed where that pays. Throws FileError. */
  append(source: Region, start: number, end: number, compressor?: BlockCompressor): void {
    const length = end - start;
    this.#makeRoom(length + BLOCK_TRAILER_BYTES);
    const from = this.#end;
    let type = BLOCK_RAW;
    let to = -1;
    if (compressor !== undefined && compressor.type !== BLOCK_RAW) {
      const limit = from + length - (length >>> SAVING_SHIFT);
      to = compressor.compress(source, start, end, this.#out, from, limit);
      if (to >= 0) type = compressor.type;
    }
    if (to < 0) {
      copyBytes(this.#out, from, source, start, length);
      to = from + length;
    }
    const { view } = this.#out;
    view.setUint8(to, type);
    view.setInt32(to + 1, maskedCrc32c(this.#out, from, to + 1), true);
    this.offset = this.#written + from;
    this.size = to - from;
    this.#end = to + BLOCK_TRAILER_BYTES;
    if (this.#end >= TABLE_WRITE_BYTES) this.flush();
  }

  /** Appends bytes that are no block. */
  appendBytes(source: Region, start: number, end: number): void {
    this.#makeRoom(end - start);
    copyBytes(this.#out, this.#end, source, start, end - start);
    this.#end += end - start;
  }

  /** Hands everything to the system. Throws FileError. */
  flush(): void {
    if (this.#end === 0) return;
    this.#file.write(this.#out.bytes, 0, this.#end, this.#written);
    this.#written += this.#end;
    this.#end = 0;
  }

  #makeRoom(more: number): void {
    if (this.#end + more <= this.#out.bytes.length) return;
    this.flush();
    if (more > this.#out.bytes.length) this.#out = Region.allocate(more);
  }
}
