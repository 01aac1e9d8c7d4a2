/**
 * Writes an RDB file into a sink that hands pieces on as it fills. Calls must follow the format's order (format.ts): `header`, `aux`,
 * databases with their entries, `end`.
 */
import { digitCount, parseInteger } from '../../../bytes/integer.ts';
import { copyBytes, Region } from '../../../bytes/region.ts';
import { Crc64 } from './crc64.ts';
import { AUX_ITEM, COMPRESS_FROM_BYTES, INTEGER_MAX_CHARS, OPCODE, RDB_VERSION } from './format.ts';
import { LzfCompressor } from './lzf.ts';

/** Where bytes go: a region that is handed on when it is full. log/base-writer.ts is one. */
export interface RdbSink {
  region: Region;
  at: number;
  /** Makes room for `sizeBytes` (at most 256 KiB) behind `at`; may begin another region. */
  reserve(sizeBytes: number): void;
  /** Called with every piece before it is handed on. */
  onPiece: (region: Region, from: number, to: number) => void;
}

/** Strings longer than this are written as they are: what is compressed must lie in one piece. */
const COMPRESS_TO_BYTES = 64 * 1024;
const COPY_BYTES = 64 * 1024;
const ITEM_NAME: Region = Region.of(AUX_ITEM);
const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;

export class RdbWriter {
  readonly #sink: RdbSink;
  readonly #crc = new Crc64();
  readonly #compressor: LzfCompressor | undefined;
  readonly #compressed: Region = Region.allocate(COMPRESS_TO_BYTES);
  /** In the current region: from here on bytes are not in the checksum yet. */
  #unchecked: number;

  constructor(sink: RdbSink, isCompressing: boolean) {
    this.#sink = sink;
    this.#unchecked = sink.at;
    this.#compressor = isCompressing ? new LzfCompressor() : undefined;
    sink.onPiece = (region, _from, to) => {
      this.#crc.update(region.bytes, this.#unchecked, to);
      this.#unchecked = 0;
    };
  }

  header(): void {
    this.#ascii(`REDIS${String(RDB_VERSION).padStart(4, '0')}`);
  }

  /** A field about the file; readers skip those they do not know. ASCII. */
  aux(name: string, value: string): void {
    this.#byte(OPCODE.aux);
    for (const text of [name, value]) {
      const region = Region.of(text);
      this.string(region, 0, text.length);
    }
  }

  /** The field in front of a string's entry; `[start, end)` are its words (item-line.ts). */
  item(region: Region, start: number, end: number): void {
    this.#byte(OPCODE.aux);
    this.string(ITEM_NAME, 0, AUX_ITEM.length);
    this.length(end - start);
    this.raw(region, start, end);
  }

  /** Entries that follow are of this database, which has about `keys` keys, `volatile` of them with an expiry. */
  database(id: number, keys: number, volatile: number): void {
    this.#byte(OPCODE.selectDb);
    this.length(id);
    this.#byte(OPCODE.resizeDb);
    this.length(keys);
    this.length(volatile);
  }

  selectAgain(id: number): void {
    this.#byte(OPCODE.selectDb);
    this.length(id);
  }

  /** The expiry of the entry that follows, in ms since the epoch. */
  expiry(atMs: number): void {
    this.#sink.reserve(9);
    const { region, at } = this.#sink;
    region.bytes[at] = OPCODE.expiryMs;
    const high = Math.floor(atMs / 0x100000000);
    region.view.setUint32(at + 1, atMs - high * 0x100000000, true);
    region.view.setInt32(at + 5, high, true);
    this.#sink.at = at + 9;
  }

  /** The type of the entry whose key and value follow. */
  type(type: number): void {
    this.#byte(type);
  }

  /** A string that lies in one piece: as an integer or compressed where that is shorter. */
  string(region: Region, start: number, end: number): void {
    const length = end - start;
    if (length <= INTEGER_MAX_CHARS && this.#integer(region.bytes, start, end)) return;
    if (length >= COMPRESS_FROM_BYTES && length <= COMPRESS_TO_BYTES) {
      if (this.#compressedString(region, start, end)) return;
    }
    this.length(length);
    this.raw(region, start, end);
  }

  /** Bytes of a string whose `length` was written before. */
  raw(region: Region, start: number, end: number): void {
    const sink = this.#sink;
    while (start < end) {
      const part = Math.min(COPY_BYTES, end - start);
      sink.reserve(part);
      copyBytes(sink.region, sink.at, region, start, part);
      sink.at += part;
      start += part;
    }
  }

  length(value: number): void {
    const sink = this.#sink;
    sink.reserve(9);
    const { region } = sink;
    const at = sink.at;
    if (value < 0x40) {
      region.bytes[at] = value;
      sink.at = at + 1;
    } else if (value < 0x4000) {
      region.bytes[at] = 0x40 | (value >>> 8);
      region.bytes[at + 1] = value & 255;
      sink.at = at + 2;
    } else if (value <= 0xffffffff) {
      region.bytes[at] = 0x80;
      region.view.setUint32(at + 1, value, false);
      sink.at = at + 5;
    } else {
      region.bytes[at] = 0x81;
      region.view.setUint32(at + 1, Math.floor(value / 0x100000000), false);
      region.view.setUint32(at + 5, value >>> 0, false);
      sink.at = at + 9;
    }
  }

  /** Closes the file with its checksum. */
  end(): void {
    const sink = this.#sink;
    sink.reserve(9);
    sink.region.bytes[sink.at++] = OPCODE.end;
    this.#crc.update(sink.region.bytes, this.#unchecked, sink.at);
    this.#crc.write(sink.region.bytes, sink.at);
    sink.at += 8;
    this.#unchecked = sink.at;
  }

  #integer(bytes: Uint8Array, start: number, end: number): boolean {
    const value = parseInteger(bytes, start, end);
    if (!(value >= INT32_MIN && value <= INT32_MAX)) return false;
    if (digitCount(Math.abs(value)) + (value < 0 ? 1 : 0) !== end - start) return false;
    const sink = this.#sink;
    sink.reserve(5);
    const { region } = sink;
    const at = sink.at;
    if (value >= -128 && value <= 127) {
      region.bytes[at] = 0xc0;
      region.view.setInt8(at + 1, value);
      sink.at = at + 2;
    } else if (value >= -32768 && value <= 32767) {
      region.bytes[at] = 0xc1;
      region.view.setInt16(at + 1, value, true);
      sink.at = at + 3;
    } else {
      region.bytes[at] = 0xc2;
      region.view.setInt32(at + 1, value, true);
      sink.at = at + 5;
    }
    return true;
  }

  #compressedString(region: Region, start: number, end: number): boolean {
    if (this.#compressor === undefined) return false;
    const length = end - start;
    const target = this.#compressed;
    const size = this.#compressor.compress(region.bytes, start, end, target.bytes, 0, length - 4);
    if (size === 0) return false;
    this.#byte(0xc3);
    this.length(size);
    this.length(length);
    this.raw(target, 0, size);
    return true;
  }

  #byte(value: number): void {
    this.#sink.reserve(1);
    this.#sink.region.bytes[this.#sink.at++] = value;
  }

  #ascii(text: string): void {
    this.#sink.reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      this.#sink.region.bytes[this.#sink.at++] = text.charCodeAt(i);
    }
  }
}
