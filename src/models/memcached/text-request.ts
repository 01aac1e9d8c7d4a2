/**
 * One request of the text protocol as offsets into the region it arrived in: the words of its line and, behind it, a data block. A parser
 * fills it, a handler reads it; its bytes die when the handler returns.
 */
import { Region } from '../../bytes/region.ts';
import { latin1 } from '../../bytes/resp-request.ts';
import type { Unsigned64 } from '../../bytes/unsigned64.ts';
import type { TextCommand } from './text-table.ts';

/** Words that are kept of a line; memcached keeps as many. A retrieval's keys may be any number, and are found as they are needed. */
export const MAX_WORDS = 23;

/** What is there of a data block. */
export const BLOCK = {
  none: 0,
  whole: 1,
  /** CR LF does not stand behind it. */
  unterminated: 2,
  /** Longer than any item may be: it is read over. */
  tooLong: 3,
} as const;

const EMPTY: Region = Region.allocate(8);

export class TextRequest {
  region: Region = EMPTY;
  /** The command; undefined where the first word names none. */
  command: TextCommand | undefined = undefined;
  /** Where the next request begins, behind `skipBytes` more that are to be read over. */
  next = 0;
  skipBytes = 0;
  /** Words that are kept, the command's name included. */
  count = 0;
  readonly start: Int32Array = new Int32Array(MAX_WORDS);
  readonly end: Int32Array = new Int32Array(MAX_WORDS);
  /** What follows the kept words, to the end of the line, CR and LF left out. */
  rest = 0;
  lineEnd = 0;
  block: number = BLOCK.none;
  valueStart = 0;
  valueEnd = 0;
  /** The data block's length as the line says it; -1: no block follows the line. */
  blockBytes = -1;
  /** What a storage command's line says, where it says it rightly. */
  clientFlags = 0;
  exptime = 0;
  readonly cas: Unsigned64 = { high: 0, low: 0 };
  /** The word that `nextWord` found. */
  wordStart = 0;
  wordEnd = 0;

  length(i: number): number {
    return this.end[i]! - this.start[i]!;
  }

  /** Word `i` as a string of one character a byte. Allocates. */
  text(i: number): string {
    return latin1(this.region, this.start[i]!, this.end[i]!);
  }

  /** Whether word `i` is `word`, in just these letters. */
  is(i: number, word: string): boolean {
    if (i >= this.count) return false;
    const start = this.start[i]!;
    if (this.end[i]! - start !== word.length) return false;
    const { bytes } = this.region;
    for (let j = 0; j < word.length; j++) {
      if (bytes[start + j] !== word.charCodeAt(j)) return false;
    }
    return true;
  }

  /** Finds the word behind `at` in the line: `wordStart`, `wordEnd`. False where there is none. */
  nextWord(at: number): boolean {
    const { bytes } = this.region;
    const { lineEnd } = this;
    while (at < lineEnd && bytes[at] === 32) at++;
    if (at >= lineEnd) return false;
    this.wordStart = at;
    while (at < lineEnd && bytes[at] !== 32) at++;
    this.wordEnd = at;
    return true;
  }
}
