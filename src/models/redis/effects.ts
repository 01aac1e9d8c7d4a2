/**
 * The mutations that a request made, in the deterministic form in which the log keeps them (RESP, as Redis's AOF).
 *
 * All effects of one request, one EXEC or one script are one log entry: `endEntry` wraps them in MULTI/EXEC if there is more than
 * one, and puts SELECT before the entry where the database changed. While the log is being replayed, or when nothing
 * is kept, `isEnabled` is false and every call returns at once.
 *
 * An effect of which records that carry a CAS were changed has their number in front of it (item-line.ts).
 */
import { digitCount, writeInteger } from '../../bytes/integer.ts';
import { writeHex64 } from '../../bytes/unsigned64.ts';
import type { ChunkedBytes } from '../../bytes/chunked-bytes.ts';
import { copyBytes, type Region } from '../../bytes/region.ts';
import type { Request } from '../../bytes/resp-request.ts';
import type { CasCounter } from '../../memory/index.ts';
import { ITEM_LINE_BYTES, writeFieldWords, writeItemPrefix } from './item-line.ts';

/** Where effects are written: the log's buffer of entries not handed to the kernel yet. */
export interface EffectSink {
  region: Region;
  at: number;
  /** Makes room for `sizeBytes` behind `at`; may replace `region` by a larger one with the same contents. */
  reserve(sizeBytes: number): void;
}

const MULTI: Uint8Array = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const EXEC: Uint8Array = Buffer.from('*1\r\n$4\r\nEXEC\r\n');

export class Effects {
  isEnabled = false;
  /** Entries that ended since the last look of the log's owner. */
  entries = 0;
  readonly #sink: EffectSink;
  readonly #cas: CasCounter;
  /** The database that a reader of the log is in; -1: unknown, the next entry begins with SELECT. */
  #selected = -1;
  #entryStart = -1;
  #count = 0;
  /** What the next effect says of the string that it stores. */
  #hasItem = false;
  #clientFlags = 0;
  #marks = 0;
  #hasOwnCas = false;
  #ownHigh = 0;
  #ownLow = 0;

  constructor(sink: EffectSink, cas: CasCounter) {
    this.#sink = sink;
    this.#cas = cas;
  }

  /** Forgets the selected database: a new file was begun. */
  resetSelected(): void {
    this.#selected = -1;
  }

  /** Effects of the entry that is open. */
  get pending(): number {
    return this.#count;
  }

  /** The request itself, which must be deterministic. */
  verbatim(database: number, request: Request): void {
    if (!this.isEnabled) return;
    if (request.isInline || request.large !== undefined) {
      this.begin(database, request.count);
      for (let i = 0; i < request.count; i++) this.argument(request, i);
      return;
    }
    const length = request.to - request.from;
    this.#open(database, length);
    const sink = this.#sink;
    copyBytes(sink.region, sink.at, request.region, request.from, length);
    sink.at += length;
  }

  /** The string that the next effect stores or touches, its first argument, has these client flags and marks. */
  item(clientFlags: number, marks: number): void {
    if (!this.isEnabled) return;
    this.#hasItem = true;
    this.#clientFlags = clientFlags;
    this.#marks = marks;
  }

  /** As `item`, and a CAS that a client chose. */
  itemWithCas(clientFlags: number, marks: number, high: number, low: number): void {
    this.item(clientFlags, marks);
    this.#hasOwnCas = true;
    this.#ownHigh = high;
    this.#ownLow = low;
  }

  /** Begins an effect of `count` arguments, each given by one of the calls below. */
  begin(database: number, count: number): void {
    if (!this.isEnabled) return;
    this.#open(database, 16);
    this.#header(42, count);
  }

  /** Argument `i` of `request`. */
  argument(request: Request, i: number): void {
    const large = request.large?.[i];
    if (large === undefined) this.bytes(request.region, request.start[i]!, request.end[i]!);
    else this.#chunks(large);
  }

  bytes(region: Region, start: number, end: number): void {
    if (!this.isEnabled) return;
    const length = end - start;
    this.bulkHeader(length);
    this.raw(region, start, end);
    this.crlf();
  }

  /** The head of an argument of `length` bytes that follow by `raw` and are closed by `crlf`. */
  bulkHeader(length: number): void {
    if (!this.isEnabled) return;
    this.#sink.reserve(24);
    this.#header(36, length);
  }

  raw(region: Region, start: number, end: number): void {
    if (!this.isEnabled) return;
    const sink = this.#sink;
    sink.reserve(end - start);
    copyBytes(sink.region, sink.at, region, start, end - start);
    sink.at += end - start;
  }

  crlf(): void {
    if (!this.isEnabled) return;
    const sink = this.#sink;
    sink.reserve(2);
    sink.region.bytes[sink.at++] = 13;
    sink.region.bytes[sink.at++] = 10;
  }

  /** An argument of one byte a character. */
  text(text: string): void {
    if (!this.isEnabled) return;
    this.bulkHeader(text.length);
    const sink = this.#sink;
    sink.reserve(text.length);
    const bytes = sink.region.bytes;
    for (let i = 0; i < text.length; i++) bytes[sink.at++] = text.charCodeAt(i);
    this.crlf();
  }

  /** A safe integer as an argument. */
  integer(value: number): void {
    if (!this.isEnabled) return;
    this.bulkHeader(value < 0 ? 1 + digitCount(-value) : digitCount(value));
    const sink = this.#sink;
    sink.reserve(24);
    sink.at = writeInteger(sink.region.bytes, sink.at, value);
    this.crlf();
  }

  #chunks(bytes: ChunkedBytes): void {
    if (!this.isEnabled) return;
    this.bulkHeader(bytes.length);
    this.#sink.reserve(bytes.length + 2); // once, not for each chunk
    bytes.each(0, bytes.length, (region, start, end) => this.raw(region, start, end));
    this.crlf();
  }

  /** Ends the request's entry. */
  endEntry(): void {
    if (this.#count > 0) this.#end();
    if (this.#cas.isUsed) this.#cas.settle();
  }

  #end(): void {
    const sink = this.#sink;
    if (this.#count > 1) {
      sink.reserve(MULTI.length + EXEC.length);
      const bytes = sink.region.bytes;
      bytes.copyWithin(this.#entryStart + MULTI.length, this.#entryStart, sink.at);
      bytes.set(MULTI, this.#entryStart);
      sink.at += MULTI.length;
      bytes.set(EXEC, sink.at);
      sink.at += EXEC.length;
    }
    this.#count = 0;
    this.#entryStart = -1;
    this.entries++;
  }

  #open(database: number, sizeBytes: number): void {
    const sink = this.#sink;
    sink.reserve(sizeBytes + 64 + ITEM_LINE_BYTES);
    if (this.#count === 0) {
      // SELECT stands before the entry, not inside it: a plain SET stays one command.
      if (database !== this.#selected) this.#select(database);
      this.#entryStart = sink.at;
    } else if (database !== this.#selected) {
      this.#select(database);
    }
    this.#count++;
    if (this.#cas.isUsed || this.#hasItem) this.#itemLine();
  }

  #itemLine(): void {
    const sink = this.#sink;
    const { bytes } = sink.region;
    const cas = this.#cas;
    let at = writeItemPrefix(bytes, sink.at);
    at = writeHex64(bytes, at, cas.high, cas.low);
    if (this.#hasItem) at = writeFieldWords(bytes, at, this.#clientFlags, this.#marks);
    if (this.#hasOwnCas) {
      bytes[at++] = 32;
      at = writeHex64(bytes, at, this.#ownHigh, this.#ownLow);
    }
    bytes[at++] = 13;
    bytes[at++] = 10;
    sink.at = at;
    this.#hasItem = false;
    this.#hasOwnCas = false;
    cas.settle();
  }

  #select(database: number): void {
    const digits = String(database);
    // In small letters, where a real Redis writes capitals: the loader tells by it who wrote what follows a torn command.
    const text = `*2\r\n$6\r\nselect\r\n$${digits.length}\r\n${digits}\r\n`;
    const sink = this.#sink;
    const bytes = sink.region.bytes;
    for (let i = 0; i < text.length; i++) bytes[sink.at++] = text.charCodeAt(i);
    this.#selected = database;
  }

  #header(mark: number, value: number): void {
    const sink = this.#sink;
    const bytes = sink.region.bytes;
    bytes[sink.at++] = mark;
    sink.at = writeInteger(bytes, sink.at, value);
    bytes[sink.at++] = 13;
    bytes[sink.at++] = 10;
  }
}
