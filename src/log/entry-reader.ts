/**
 * Applies the entries in a stretch of a file that is known to be whole. Brackets (MULTI, EXEC) and annotation lines are read over:
 * whoever calls has made sure that no transaction is cut.
 */
import { COMPLETE, RespParser } from '../bytes/resp-parser.ts';
import { Request } from '../bytes/resp-request.ts';
import type { Region } from '../bytes/region.ts';
import { LINE_BYTES } from './limits.ts';

/** Executes one command of the log; an error text where that can't be. The request's bytes die with the call. */
export interface Apply {
  (request: Request): string | undefined;
  /** A line, `[start, end)` with its end, that the model put in front of the command that comes next. */
  line?(region: Region, start: number, end: number): void;
}

/** A command of the file can't be executed or isn't one. */
export interface EntryProblem {
  /** Offset in the region. */
  readonly at: number;
  readonly problem: string;
}

export class EntryReader {
  readonly request: Request = new Request();
  readonly parser: RespParser = new RespParser();
  readonly #apply: Apply;
  /** Commands applied so far. */
  applied = 0;

  constructor(apply: Apply) {
    this.#apply = apply;
    // What is in the file was accepted once; `proto-max-bulk-len` may have been lowered since.
    this.parser.maxBulkBytes = 2 ** 32;
  }

  /** Applies the commands in `[at, to)`, all of them; a problem where one can't be. */
  applyAll(region: Region, at: number, to: number): EntryProblem | undefined {
    const { request, parser } = this;
    const bytes = region.bytes;
    while (at < to) {
      if (bytes[at] === 35) {
        const end = lineEnd(bytes, at, to);
        if (isModelLine(bytes, at, end)) this.#apply.line?.(region, at, end);
        at = end;
        continue;
      }
      if (bytes[at] !== 42 || parser.parse(region, at, to, request, true) !== COMPLETE) {
        return { at, problem: 'a whole command was expected' };
      }
      if (request.count > 1 || !isBracket(request)) {
        const problem = this.#apply(request);
        if (problem !== undefined) return { at, problem };
        this.applied++;
      }
      at = parser.next;
    }
    return undefined;
  }
}

/** Whether a request of one argument opens or closes a transaction. */
export function isBracket(request: Request): boolean {
  return request.is(0, 'MULTI') || request.is(0, 'EXEC');
}

/** What begins a line that belongs to the model (models/redis/item-line.ts). */
const MODEL_LINE = Buffer.from('#KVC ');

/** Whether the line at `at` is for the model. */
export function isModelLine(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < MODEL_LINE.length) return false;
  for (let i = 0; i < MODEL_LINE.length; i++) if (bytes[at + i] !== MODEL_LINE[i]) return false;
  return true;
}

/** The offset behind the line at `at`, or `to` where it has no end. */
export function lineEnd(bytes: Uint8Array, at: number, to: number): number {
  const newline = bytes.indexOf(10, at);
  return newline < 0 || newline >= to ? to : newline + 1;
}

/** Whether a whole annotation line that is not one of ours (batch.ts), and not a torn one, stands at `at`. */
export function isForeignAnnotation(bytes: Uint8Array, at: number, to: number): boolean {
  if (to - at < 4 || bytes[at] !== 35) return false;
  if (bytes[at + 1] === 75 && bytes[at + 2] === 86) return false;
  const bound = Math.min(to, at + LINE_BYTES);
  let end = at;
  while (end < bound && bytes[end]! >= 32) end++;
  if (end < bound && bytes[end] === 13) end++;
  return end < bound && bytes[end] === 10;
}

/** What a real Redis appends first, after a restart: SELECT, or a timestamp. */
const REDIS_BEGINS: readonly string[] = ['*2\r\n$6\r\nSELECT\r\n', '#TS:'];

/** The length of a part of one of our lines at `at` with what a real Redis appended right behind it; 0 where there is none. */
export function tornLineBytes(bytes: Uint8Array, at: number, to: number): number {
  const text = latin1(bytes, at, Math.min(to, at + LINE_BYTES));
  const part = /^#(?:K(?:V(?:[BCE][ 0-9a-f]*\r?)?)?)?/.exec(text)?.[0].length ?? 0;
  if (part === 0) return 0;
  return REDIS_BEGINS.some((begin) => text.startsWith(begin, part)) ? part : 0;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
