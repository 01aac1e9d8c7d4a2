/**
 * The bytes of an RDB file, from its start to its end, through a window: numbers, lengths and strings as the format has them, and the checksum
 * of all that was read. Strings are given as (region, start, end); they are valid until the next call.
 */
import { writeInteger } from '../../../bytes/integer.ts';
import { Region } from '../../../bytes/region.ts';
import { FileWindow, type WindowSource } from '../../../log/file-window.ts';
import { Crc64 } from './crc64.ts';
import { RdbError } from './errors.ts';
import { lzfDecompress } from './lzf.ts';

const WINDOW_BYTES = 256 * 1024;
/** The longest string that is taken whole; longer ones that are not compressed are streamed. */
export const WHOLE_STRING_BYTES: number = 64 * 1024;
/** Redis's own bound on what compresses to nothing; a length above it is damage. */
const MAX_STRING_BYTES = 0xffffffff;
const SCRATCH_BYTES = 64 * 1024;

export class RdbInput {
  /** The string that `string` gave. */
  region: Region = Region.allocate(8);
  start = 0;
  end = 0;
  /** Set by `stringHead` where a string is too long to be given whole: `length` raw bytes follow. */
  isStreamed = false;
  readonly name: string;
  readonly #window: FileWindow;
  readonly #crc = new Crc64();
  #offset = 0;
  /** Bytes before this offset are in the checksum. */
  #checked = 0;
  #scratch: Region = Region.allocate(SCRATCH_BYTES);
  /** The last length was no length but the kind of an encoded string. */
  #isEncoded = false;

  constructor(source: WindowSource, sizeBytes: number, name: string) {
    this.#window = new FileWindow(source, sizeBytes, WINDOW_BYTES);
    this.name = name;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#window.size - this.#offset;
  }

  corrupt(problem: string): RdbError {
    return new RdbError('RDB_CORRUPT', this.name, this.#offset, problem);
  }

  byte(): number {
    const at = this.#take(1);
    return this.#window.region.bytes[at]!;
  }

  ascii(length: number): string {
    const at = this.#take(length);
    const { bytes } = this.#window.region;
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
  }

  uint32(): number {
    const at = this.#take(4);
    return this.#window.region.view.getUint32(at, true);
  }

  /** Signed 64 bits as the nearest double; times are far below 2^53. */
  int64(): number {
    const at = this.#take(8);
    const { view } = this.#window.region;
    return view.getInt32(at + 4, true) * 0x100000000 + view.getUint32(at, true);
  }

  length(): number {
    const value = this.#lengthOrEncoding();
    if (this.#isEncoded) throw this.corrupt('a length was expected');
    return value;
  }

  /** A string, whole, whatever its form and length: in `region` from `start` to `end`. */
  string(): void {
    this.stringHead(MAX_STRING_BYTES);
  }

  /** The same, but a plain string of more than `wholeBytes` is not read: `isStreamed`, and `end` - `start` bytes follow for `piece`. */
  stringHead(wholeBytes: number): void {
    const length = this.#lengthOrEncoding();
    this.isStreamed = false;
    if (this.#isEncoded) {
      this.#encodedString(length);
      return;
    }
    if (length > MAX_STRING_BYTES) throw this.corrupt(`a string of ${length} bytes`);
    if (length > wholeBytes) {
      this.isStreamed = true;
      this.start = 0;
      this.end = length;
      return;
    }
    const at = this.#take(length);
    this.#give(this.#window.region, at, at + length);
  }

  /** The next bytes of a streamed string, `length` of them. */
  piece(length: number): void {
    const at = this.#take(length);
    this.#give(this.#window.region, at, at + length);
  }

  /** Reads the checksum behind what was read; false where it does not match. */
  checksumMatches(): boolean {
    this.#updateChecksum();
    const at = this.#take(8);
    return this.#crc.matches(this.#window.region.bytes, at);
  }

  #give(region: Region, start: number, end: number): void {
    this.region = region;
    this.start = start;
    this.end = end;
  }

  #encodedString(kind: number): void {
    if (kind > 3) throw this.corrupt(`string encoding ${kind} is unknown`);
    if (kind === 3) {
      this.#compressedString();
      return;
    }
    const at = this.#take(1 << kind);
    const { view } = this.#window.region;
    let value: number;
    if (kind === 0) value = view.getInt8(at);
    else value = kind === 1 ? view.getInt16(at, true) : view.getInt32(at, true);
    this.#give(this.#scratch, 0, writeInteger(this.#scratch.bytes, 0, value));
  }

  #compressedString(): void {
    const size = this.length();
    const length = this.length();
    // One byte stands for at most 264 / 3 of them.
    if (length > MAX_STRING_BYTES || length > size * 88 + 32) {
      throw this.corrupt(`a string of ${length} bytes compressed to ${size}`);
    }
    if (length > this.#scratch.bytes.length) this.#scratch = Region.allocate(length);
    const at = this.#take(size);
    if (!lzfDecompress(this.#window.region, at, at + size, this.#scratch, length)) {
      throw this.corrupt('a compressed string is damaged');
    }
    this.#give(this.#scratch, 0, length);
    if (length > SCRATCH_BYTES) this.#scratch = Region.allocate(SCRATCH_BYTES);
  }

  #lengthOrEncoding(): number {
    const first = this.byte();
    this.#isEncoded = false;
    const form = first >>> 6;
    if (form === 0) return first;
    if (form === 1) return ((first & 63) << 8) | this.byte();
    if (form === 3) {
      this.#isEncoded = true;
      return first & 63;
    }
    if (first === 0x80) {
      const at = this.#take(4);
      return this.#window.region.view.getUint32(at, false);
    }
    if (first === 0x81) {
      const at = this.#take(8);
      const { view } = this.#window.region;
      return view.getUint32(at, false) * 0x100000000 + view.getUint32(at + 4, false);
    }
    throw this.corrupt(`length encoding ${first} is unknown`);
  }

  /** Moves on by `length` bytes, which lie in the window's region from the returned offset on. */
  #take(length: number): number {
    const window = this.#window;
    const held = window.at + (this.#offset - window.offset);
    if (held + length <= window.end && this.#offset >= window.offset) {
      this.#offset += length;
      return held;
    }
    this.#updateChecksum();
    if (this.#offset + length > window.size) throw this.corrupt('the file ends too early');
    if (window.fill(this.#offset, length) < length) throw this.corrupt('the file ends too early');
    this.#offset += length;
    return window.at;
  }

  /** Takes what was read since in; all of it is in the window still. */
  #updateChecksum(): void {
    const window = this.#window;
    const from = window.at + (this.#checked - window.offset);
    const to = window.at + (this.#offset - window.offset);
    if (to > from) this.#crc.update(window.region.bytes, from, to);
    this.#checked = this.#offset;
  }
}
