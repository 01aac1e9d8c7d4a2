/**
 * Data blocks of a table for who reads all of it once: through a window on the file, 256 KiB a read, past the cache. A block is valid until the next
 * one is opened.
 */
import { Region } from '../../bytes/region.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { STREAM_WINDOW_BYTES } from '../limits.ts';
import { BLOCK_RAW } from './codecs.ts';
import { BLOCK_TRAILER_BYTES } from './footer.ts';
import type { Table } from './table.ts';

export class BlockStream {
  /** The block that was opened: `[start, end)`. */
  region: Region = Region.allocate(0);
  start = 0;
  end = 0;
  #table: Table;
  #window: Region = Region.allocate(0);
  /** The window holds the file's bytes `[#from, #to)`. */
  #from = 0;
  #to = 0;
  #plain: Region = Region.allocate(0);

  constructor(table: Table) {
    this.#table = table;
  }

  moveTo(table: Table): void {
    this.#table = table;
    this.#from = 0;
    this.#to = 0;
  }

  /** Reads the block where the window does not have it, verifies and uncompresses it. Throws LsmError. */
  open(offset: number, size: number): void {
    const table = this.#table;
    const { loader } = table;
    const length = size + BLOCK_TRAILER_BYTES;
    if (offset < this.#from || offset + length > this.#to) this.#fill(offset, length);
    const at = offset - this.#from;
    const window = this.#window;
    loader.verify(table, offset, size, window, at);
    loader.blocksRead++;
    loader.bytesRead += length;
    if (window.bytes[at + size] === BLOCK_RAW) {
      this.region = window;
      this.start = at;
      this.end = at + size;
    } else {
      this.#plain = loader.uncompress(table, offset, size, window, at, this.#plain);
      this.region = this.#plain;
      this.start = 0;
      this.end = loader.plainEnd;
    }
  }

  #fill(offset: number, length: number): void {
    const table = this.#table;
    const wanted = Math.max(length, Math.min(STREAM_WINDOW_BYTES, table.blocksEnd - offset));
    if (this.#window.bytes.length < wanted) this.#window = Region.allocate(wanted);
    let count: number;
    try {
      count = table.file.read(this.#window.bytes, 0, wanted, offset);
    } catch (error) {
      throw fromFileError(error);
    }
    this.#from = offset;
    this.#to = offset + count;
    if (count >= length) return;
    throw new LsmError('CORRUPTION', 'the file ends within a block', {
      path: table.file.path,
      offset,
      expected: length,
      found: count,
    });
  }
}
