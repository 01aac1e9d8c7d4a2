/**
 * Finds requests in received bytes, as Redis 7.2 does: multibulk requests (`*2\r\n$3\r\nGET\r\n$1\r\na\r\n`) and inline ones
 * (`GET a\r\n`, arguments quoted as in a shell). Nothing is copied: a request is offsets into the region.
 *
 *   parse(region, from, to, request)
 *     -> COMPLETE    `request` is filled; the next one begins at `parser.next`
 *     -> INCOMPLETE  fewer than `parser.needBytes` bytes behind `from` can't complete it
 *     -> SKIPPED     an empty request (a blank line, `*0`): nothing to run; go on at `parser.next`
 *     -> FAILED      a protocol error: `parser.error` is the text that goes behind `-ERR Protocol error: `
 *
 * A request that arrives in many pieces is not scanned again from its start: `progress` keeps what was parsed of it.
 */
import { parseInteger } from './integer.ts';
import type { Region } from './region.ts';
import type { Request } from './resp-request.ts';
import { splitInline } from './inline-arguments.ts';

export const COMPLETE = 0;
export const INCOMPLETE = 1;
export const SKIPPED = 2;
export const FAILED = 3;

/** Redis's PROTO_INLINE_MAX_SIZE: an inline request or a length line may not be longer. */
export const INLINE_MAX_BYTES: number = 64 * 1024;
/** A client that has not authenticated may send at most this many arguments (Redis 7.2) ... */
export const UNAUTHENTICATED_MAX_ARGUMENTS = 10;
/** ... of at most this many bytes each. */
export const UNAUTHENTICATED_MAX_BULK_BYTES = 16384;
const INT32_MAX = 0x7fffffff;

/** What is known of a request whose end has not arrived; offsets count from the request's first byte. */
export interface Progress {
  expected: number;
  parsed: number;
  /** Where the next argument's `$` stands. */
  at: number;
  /** Where its bytes begin and how many it has, if they are what is missing; 0: they are not. */
  bulkAt: number;
  bulkBytes: number;
}

export class RespParser {
  next = 0;
  needBytes = 0;
  error = '';
  /** `proto-max-bulk-len`: the longest argument, in bytes. */
  maxBulkBytes: number = 512 * 1024 * 1024;
  /** Where the last INCOMPLETE multibulk request stands; `resume` takes it up. */
  readonly progress: Progress = { expected: 0, parsed: 0, at: 0, bulkAt: 0, bulkBytes: 0 };
  #line = 0;

  parse(
    region: Region,
    from: number,
    to: number,
    request: Request,
    isAuthenticated: boolean,
  ): number {
    this.progress.expected = 0;
    if (from >= to) {
      this.needBytes = 1;
      return INCOMPLETE;
    }
    if (region.bytes[from] !== 42) return this.#parseInline(region, from, to, request);

    // The common case by hand: `*`, one digit, CRLF.
    const digit = region.bytes[from + 1]! - 48;
    if (digit > 0 && digit <= 9 && from + 4 <= to && region.bytes[from + 2] === 13) {
      return this.#arguments(region, from, from + 4, to, digit, 0, request, isAuthenticated);
    }
    const count = this.#length(region, from + 1, to, 'too big mbulk count string');
    if (count === INCOMPLETE_LENGTH) {
      this.needBytes = to - from + 1;
      return INCOMPLETE;
    }
    if (count === FAILED_LENGTH) return FAILED;
    if (!(count <= INT32_MAX)) return this.#fail('invalid multibulk length');
    if (count > UNAUTHENTICATED_MAX_ARGUMENTS && !isAuthenticated) {
      return this.#fail('unauthenticated multibulk length');
    }
    if (count <= 0) {
      this.next = this.#line;
      return SKIPPED;
    }
    return this.#arguments(region, from, this.#line, to, count, 0, request, isAuthenticated);
  }

  /**
   * Goes on with the request at `from` of which an earlier call left `saved`; `request` must hold the offsets found then,
   * moved to where the bytes are now.
   */
  resume(
    region: Region,
    from: number,
    to: number,
    request: Request,
    isAuthenticated: boolean,
    saved: Progress,
  ): number {
    return this.#arguments(
      region,
      from,
      from + saved.at,
      to,
      saved.expected,
      saved.parsed,
      request,
      isAuthenticated,
    );
  }

  #arguments(
    region: Region,
    from: number,
    at: number,
    to: number,
    expected: number,
    parsed: number,
    request: Request,
    isAuthenticated: boolean,
  ): number {
    const bytes = region.bytes;
    let start = request.start;
    let end = request.end;
    for (; parsed < expected; parsed++) {
      if (at >= to) return this.#suspend(from, at, to - from + 1, expected, parsed);
      if (bytes[at] !== 36) return this.#expectedBulk(bytes[at]!);

      // The common case by hand: `$`, one to four digits, CRLF.
      let p = at + 1;
      let length = 0;
      let c = p < to ? bytes[p]! - 48 : -1;
      while (c >= 0 && c <= 9 && p - at < 5) {
        length = length * 10 + c;
        p++;
        c = p < to ? bytes[p]! - 48 : -1;
      }
      if (p > at + 1 && p + 1 < to && bytes[p] === 13 && (bytes[at + 1] !== 48 || p === at + 2)) {
        p += 2;
      } else {
        length = this.#length(region, at + 1, to, 'too big bulk count string');
        if (length === INCOMPLETE_LENGTH)
          return this.#suspend(from, at, to - from + 1, expected, parsed);
        if (length === FAILED_LENGTH) return FAILED;
        if (!(length >= 0 && length <= this.maxBulkBytes)) return this.#fail('invalid bulk length');
        p = this.#line;
      }
      if (length > UNAUTHENTICATED_MAX_BULK_BYTES && !isAuthenticated) {
        return this.#fail('unauthenticated bulk length');
      }
      if (length > this.maxBulkBytes) return this.#fail('invalid bulk length');
      if (p + length + 2 > to) {
        this.#suspend(from, at, p + length + 2 - from, expected, parsed);
        this.progress.bulkAt = p - from;
        this.progress.bulkBytes = length;
        return INCOMPLETE;
      }

      if (parsed === start.length) {
        request.reserve(parsed + 1);
        start = request.start;
        end = request.end;
      }
      start[parsed] = p;
      p += length;
      end[parsed] = p;
      at = p + 2;
    }
    request.region = region;
    request.count = expected;
    request.from = from;
    request.to = at;
    request.isInline = false;
    this.next = at;
    return COMPLETE;
  }

  #suspend(from: number, at: number, needBytes: number, expected: number, parsed: number): number {
    const progress = this.progress;
    progress.expected = expected;
    progress.parsed = parsed;
    progress.at = at - from;
    progress.bulkBytes = 0;
    this.needBytes = needBytes;
    return INCOMPLETE;
  }

  /** The integer between `at` and CRLF; `#line` is set to the offset behind it. */
  #length(region: Region, at: number, to: number, tooBig: string): number {
    const bytes = region.bytes;
    const bound = Math.min(to, at + INLINE_MAX_BYTES + 1);
    let p = at;
    while (p < bound && bytes[p] !== 13) p++;
    if (p === bound || p + 1 >= to) {
      if (to - at > INLINE_MAX_BYTES) {
        this.#fail(tooBig);
        return FAILED_LENGTH;
      }
      return INCOMPLETE_LENGTH;
    }
    this.#line = p + 2;
    return parseInteger(bytes, at, p);
  }

  #parseInline(region: Region, from: number, to: number, request: Request): number {
    const bytes = region.bytes;
    const bound = Math.min(to, from + INLINE_MAX_BYTES + 1);
    let newline = from;
    while (newline < bound && bytes[newline] !== 10) newline++;
    if (newline === bound) {
      if (to - from > INLINE_MAX_BYTES) return this.#fail('too big inline request');
      this.needBytes = to - from + 1;
      return INCOMPLETE;
    }
    this.next = newline + 1;
    const lineEnd = newline > from && bytes[newline - 1] === 13 ? newline - 1 : newline;
    const count = splitInline(region, from, lineEnd, request);
    if (count < 0) return this.#fail('unbalanced quotes in request');
    if (count === 0) return SKIPPED;
    request.from = from;
    request.to = newline + 1;
    request.isInline = true;
    return COMPLETE;
  }

  #expectedBulk(got: number): number {
    return this.#fail(`expected '$', got '${String.fromCharCode(got)}'`);
  }

  #fail(error: string): number {
    this.error = error;
    return FAILED;
  }
}

const INCOMPLETE_LENGTH = -Infinity;
const FAILED_LENGTH = Infinity;
