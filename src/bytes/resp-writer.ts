/**
 * Writes RESP2 and RESP3 replies into regions. The specification is at https://redis.io/docs/latest/develop/reference/protocol-spec/.
 *
 * The writer appends at `at` of the current region; when a region is full it asks its `RegionSource` for the next one.
 * A reply therefore may span regions, and a value of any size streams through regions of a fixed size.
 */
import { digitCount, writeInteger } from './integer.ts';
import { copyBytes, type Region } from './region.ts';

/** Gives a writer its next region. */
export interface RegionSource {
  /**
   * The current region is full at `writer.at`. Must call `writer.use` with a region that has at least `sizeBytes` free
   * (`sizeBytes` is at most MIN_REGION_BYTES).
   */
  turn(writer: RespWriter, sizeBytes: number): void;
}

/** Every region given to a writer must have room for at least this many bytes. */
export const MIN_REGION_BYTES: number = 64 * 1024;

const CRLF = 0x0a0d; // '\r\n' as a little-endian word
/** What a bulk string takes beside its bytes, at most. */
const BULK_FRAME_BYTES = 32;

export class RespWriter {
  region: Region;
  at = 0;
  limit = 0;
  /** Protocol version of the client being answered: decides how null, maps, doubles and pushes look. */
  resp: 2 | 3 = 2;
  /** Errors written so far and the text of the last one; the dispatcher compares before and after a handler. */
  errorCount = 0;
  lastError = '';
  readonly #source: RegionSource;

  constructor(source: RegionSource, region: Region) {
    this.#source = source;
    this.region = region;
    this.limit = region.bytes.length;
  }

  /** Continues in `region` at `at`. */
  use(region: Region, at: number): void {
    this.region = region;
    this.at = at;
    this.limit = region.bytes.length;
  }

  /** Makes sure that `sizeBytes` (at most MIN_REGION_BYTES) fit without a turn. */
  reserve(sizeBytes: number): void {
    if (this.limit - this.at < sizeBytes) this.#source.turn(this, sizeBytes);
  }

  ok(): void {
    this.reserve(8);
    const view = this.region.view;
    view.setUint32(this.at, 0x0d4b4f2b, true); // "+OK\r"
    view.setUint8(this.at + 4, 10);
    this.at += 5;
  }

  /** A simple string; `text` is ASCII without CR or LF. */
  simple(text: string): void {
    this.reserve(text.length + 3);
    this.region.bytes[this.at++] = 43;
    this.#ascii(text);
    this.#crlf();
  }

  /**
   * An error reply. `text` begins with the code (`ERR ...`, `WRONGTYPE ...`), without the '-'; it is written one byte a
   * character, so that bytes echoed from `Request.text` stay what they were. CR and LF become blanks.
   */
  error(text: string): void {
    this.errorCount++;
    this.lastError = text;
    const clean = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text;
    this.#line(45, clean);
  }

  /** A safe integer. */
  integer(value: number): void {
    this.reserve(24);
    const bytes = this.region.bytes;
    bytes[this.at++] = 58;
    if (value >= 0 && value < 10) bytes[this.at++] = 48 + value;
    else this.at = writeInteger(bytes, this.at, value);
    this.#crlf();
  }

  /** A 64-bit integer beyond 2^53. */
  bigInteger(value: bigint): void {
    this.#line(58, value.toString());
  }

  /** Null: a null bulk string in RESP2. */
  nil(): void {
    this.reserve(8);
    this.#ascii(this.resp === 3 ? '_\r\n' : '$-1\r\n');
  }

  /** Null where RESP2 says a null array. */
  nilArray(): void {
    this.reserve(8);
    this.#ascii(this.resp === 3 ? '_\r\n' : '*-1\r\n');
  }

  /** A bulk string of `length` bytes of `source` at `from`. */
  bulk(source: Region, from: number, length: number): void {
    if (this.limit - this.at < length + BULK_FRAME_BYTES) {
      this.bulkHeader(length);
      this.raw(source, from, length);
      this.crlf();
      return;
    }
    const { bytes, view } = this.region;
    let at = this.at;
    bytes[at++] = 36;
    if (length < 10) bytes[at++] = 48 + length;
    else at = writeInteger(bytes, at, length);
    view.setUint16(at, CRLF, true);
    copyBytes(this.region, at + 2, source, from, length);
    at += 2 + length;
    view.setUint16(at, CRLF, true);
    this.at = at + 2;
  }

  /** The head of a bulk string whose `length` bytes follow by `raw` calls and which `crlf` closes. */
  bulkHeader(length: number): void {
    this.reserve(32);
    const bytes = this.region.bytes;
    bytes[this.at++] = 36;
    this.at = writeInteger(bytes, this.at, length);
    this.#crlf();
  }

  /** Bytes as they are, through as many regions as it takes. */
  raw(source: Region, from: number, length: number): void {
    while (length > 0) {
      if (this.at === this.limit) this.reserve(Math.min(length, MIN_REGION_BYTES));
      const part = Math.min(length, this.limit - this.at);
      copyBytes(this.region, this.at, source, from, part);
      this.at += part;
      from += part;
      length -= part;
    }
  }

  crlf(): void {
    this.reserve(2);
    this.#crlf();
  }

  /** A bulk string of text: one byte a character up to U+00FF (so that `Request.text` round-trips). */
  bulkText(text: string): void {
    this.bulkHeader(text.length);
    this.rawText(text);
    this.crlf();
  }

  /** A bulk string of `text` in UTF-8. */
  bulkUtf8(text: string): void {
    this.bulkBytes(Buffer.from(text, 'utf8'));
  }

  bulkBytes(source: Uint8Array): void {
    this.bulkHeader(source.length);
    this.rawBytes(source);
    this.crlf();
  }

  /** An integer as a bulk string. */
  bulkInteger(value: number): void {
    const length = value < 0 ? 1 + digitCount(-value) : digitCount(value);
    this.bulkHeader(length);
    this.reserve(32);
    this.at = writeInteger(this.region.bytes, this.at, value);
    this.#crlf();
  }

  /** Text as it is, one byte a character. */
  rawText(text: string): void {
    for (let from = 0; from < text.length; from += 16384) {
      const part = text.length <= 16384 ? text : text.slice(from, from + 16384);
      this.reserve(part.length);
      this.#ascii(part);
    }
  }

  rawBytes(source: Uint8Array): void {
    let from = 0;
    while (from < source.length) {
      if (this.at === this.limit) this.reserve(Math.min(source.length - from, MIN_REGION_BYTES));
      const part = Math.min(source.length - from, this.limit - this.at);
      this.region.bytes.set(source.subarray(from, from + part), this.at);
      this.at += part;
      from += part;
    }
  }

  array(count: number): void {
    this.#header(42, count);
  }

  /** A map of `pairs` pairs: in RESP2 an array of twice as many. */
  map(pairs: number): void {
    if (this.resp === 3) this.#header(37, pairs);
    else this.#header(42, pairs * 2);
  }

  set(count: number): void {
    this.#header(this.resp === 3 ? 126 : 42, count);
  }

  /** An out-of-band message: in RESP2 an array. */
  push(count: number): void {
    this.#header(this.resp === 3 ? 62 : 42, count);
  }

  /** An attribute of `pairs` pairs (RESP3 only; the caller leaves it out in RESP2). */
  attribute(pairs: number): void {
    this.#header(124, pairs);
  }

  boolean(value: boolean): void {
    this.reserve(8);
    if (this.resp === 3) this.#ascii(value ? '#t\r\n' : '#f\r\n');
    else this.integer(value ? 1 : 0);
  }

  /** `text` is the number as Redis prints it; in RESP2 a bulk string. */
  double(text: string): void {
    if (this.resp === 3) this.#line(44, text);
    else this.bulkText(text);
  }

  /** Text with a three-letter format (`txt`, `mkd`); in RESP2 a bulk string. */
  verbatim(format: string, text: string): void {
    const body = Buffer.from(text, 'utf8');
    if (this.resp === 2) {
      this.bulkBytes(body);
      return;
    }
    this.#header(61, body.length + 4);
    this.rawText(`${format}:`);
    this.rawBytes(body);
    this.crlf();
  }

  bigNumber(text: string): void {
    if (this.resp === 3) this.#line(40, text);
    else this.bulkText(text);
  }

  #line(mark: number, text: string): void {
    this.reserve(1);
    this.region.bytes[this.at++] = mark;
    this.rawText(text);
    this.crlf();
  }

  #header(mark: number, count: number): void {
    this.reserve(24);
    const bytes = this.region.bytes;
    bytes[this.at++] = mark;
    this.at = writeInteger(bytes, this.at, count);
    this.#crlf();
  }

  #crlf(): void {
    this.region.view.setUint16(this.at, CRLF, true);
    this.at += 2;
  }

  #ascii(text: string): void {
    const bytes = this.region.bytes;
    let at = this.at;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.at = at;
  }
}
