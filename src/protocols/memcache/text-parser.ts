/**
 * Finds requests of the text and meta protocols in received bytes: a line of words, and a data block behind it where the command has one. Nothing is
 * copied: a request is offsets into the region.
 *
 *   parse(region, from, to, request, isAuthenticated)
 *     -> COMPLETE    `request` is filled; it says where the next one begins
 *     -> INCOMPLETE  fewer than `parser.needBytes` bytes behind `from` can't complete it
 *     -> FAILED      no line, by far: the connection is to be closed
 *
 * What is wrong within a line is the command's to say. Only how long a data block follows has to be known here; each command that has one reads that
 * from its line (`readLine`).
 */
import type { Region } from '../../bytes/region.ts';
import { COMPLETE, FAILED, INCOMPLETE } from '../../bytes/resp-parser.ts';
import { BLOCK, MAX_WORDS, type TextRequest } from '../../models/memcached/text-request.ts';
import type { TextTable } from '../../models/memcached/text-table.ts';
import {
  MAX_LEADING_BLANKS,
  MAX_LINE_BYTES,
  MAX_RETRIEVAL_LINE_BYTES,
  UNAUTHENTICATED_BLOCK_BYTES,
} from './limits.ts';

const LF = 10;
const CR = 13;
const BLANK = 32;
const CRLF = 0x0a0d; // as a little-endian word

/** A line's end is looked for byte by byte so far, natively beyond. */
const SHORT_LINE_BYTES = 64;

export class TextParser {
  needBytes = 0;
  /** How much of the next request has been looked through for its line's end: none of it, unless the caller says so. */
  scannedBytes = 0;
  /** The longest data block that is waited for: no item is larger. */
  maxBlockBytes: number = 1024 * 1024;
  readonly #table: TextTable;

  constructor(table: TextTable) {
    this.#table = table;
  }

  parse(
    region: Region,
    from: number,
    to: number,
    request: TextRequest,
    isAuthenticated: boolean,
  ): number {
    const newline = findNewline(region.bytes, from + this.scannedBytes, to);
    if (newline < 0) {
      this.scannedBytes = to - from;
      if (isTooLong(region.bytes, from, to)) return FAILED;
      this.needBytes = to - from + 1;
      return INCOMPLETE;
    }
    this.scannedBytes = 0;
    this.#readWords(region, from, newline, request);
    request.next = newline + 1;
    request.skipBytes = 0;
    request.block = BLOCK.none;
    request.blockBytes = -1;
    const readLine = request.command?.readLine;
    if (readLine === undefined) return COMPLETE;
    const length = readLine(request);
    return length < 0 ? COMPLETE : this.#readBlock(from, to, request, length, isAuthenticated);
  }

  /** The words of the line `[from, newline)`, as many as its command keeps. */
  #readWords(region: Region, from: number, newline: number, request: TextRequest): void {
    const { bytes } = region;
    const { start, end } = request;
    const lineEnd = newline - from > 1 && bytes[newline - 1] === CR ? newline - 1 : newline;
    request.region = region;
    request.lineEnd = lineEnd;
    let at = from;
    while (at < lineEnd && bytes[at] === BLANK) at++;
    start[0] = at;
    while (at < lineEnd && bytes[at] !== BLANK) at++;
    end[0] = at;
    const command = this.#table.lookup(bytes, start[0], at);
    request.command = command;
    const kept = command === undefined ? MAX_WORDS : command.keptWords;
    let count = at > start[0] ? 1 : 0;
    while (count < kept) {
      while (at < lineEnd && bytes[at] === BLANK) at++;
      if (at >= lineEnd) break;
      start[count] = at;
      while (at < lineEnd && bytes[at] !== BLANK) at++;
      end[count++] = at;
    }
    request.count = count;
    while (at < lineEnd && bytes[at] === BLANK) at++;
    request.rest = at;
  }

  /** The data block of `length` bytes behind the line, which CR LF closes. */
  #readBlock(
    from: number,
    to: number,
    request: TextRequest,
    length: number,
    isAuthenticated: boolean,
  ): number {
    request.blockBytes = length;
    const max = isAuthenticated ? this.maxBlockBytes : UNAUTHENTICATED_BLOCK_BYTES;
    if (length > max) {
      request.block = BLOCK.tooLong;
      request.skipBytes = length + 2;
      return COMPLETE;
    }
    const start = request.next;
    const end = start + length;
    if (end + 2 > to) {
      this.needBytes = end + 2 - from;
      return INCOMPLETE;
    }
    const isClosed = request.region.view.getUint16(end, true) === CRLF;
    request.block = isClosed ? BLOCK.whole : BLOCK.unterminated;
    request.valueStart = start;
    request.valueEnd = end;
    request.next = end + 2;
    return COMPLETE;
  }
}

/** Where the next LF in `[from, to)` stands; -1: nowhere. */
function findNewline(bytes: Uint8Array, from: number, to: number): number {
  const near = Math.min(to, from + SHORT_LINE_BYTES);
  for (let at = from; at < near; at++) if (bytes[at] === LF) return at;
  if (near === to) return -1;
  const found = bytes.indexOf(LF, near);
  return found < to ? found : -1;
}

/** Whether what has no end yet can't become a line. */
function isTooLong(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from <= MAX_LINE_BYTES) return false;
  if (to - from > MAX_RETRIEVAL_LINE_BYTES) return true;
  let at = from;
  while (bytes[at] === BLANK && at - from <= MAX_LEADING_BLANKS) at++;
  if (at - from > MAX_LEADING_BLANKS) return true;
  const isGet = bytes[at] === 103 && bytes[at + 1] === 101 && bytes[at + 2] === 116;
  if (!isGet) return true;
  return bytes[at + 3] !== BLANK && !(bytes[at + 3] === 115 && bytes[at + 4] === BLANK);
}
