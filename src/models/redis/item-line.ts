/**
 * What Redis's files have no place for: a string's CAS, the client flags and the marks that memcached's clients know. It travels in words,
 * in the log as a line that Redis skips, in RDB files as a field (AUX) that it reads over (docs/formats.md):
 *
 *   #KVC <cas>                          the changes of the command that follows have this number, those after it the next
 *   #KVC <cas> <flags> <marks>          so, and the key it stores (its first argument) has these client flags and marks
 *   #KVC <cas> <flags> <marks> <own>    so, and that key's CAS is not the counter's number but `own`
 *
 * Numbers are hexadecimal, in small letters, without leading zeros.
 */
import { parseHex64, type Unsigned64, writeHex64 } from '../../bytes/unsigned64.ts';
import type { Region } from '../../bytes/region.ts';
import type { Request } from '../../bytes/resp-request.ts';
import type { Database } from './database.ts';
import type { RedisModel } from './model.ts';
import type { Session } from './session.ts';
import { STRING_MARKS, TYPE } from './types.ts';

/** The line's beginning; log/entry-reader.ts knows it too. */
const PREFIX = '#KVC ';
/** Four numbers of at most 16 digits, and what is around them. */
export const ITEM_LINE_BYTES = 80;

export class ItemWords {
  cas: Unsigned64 = { high: 0, low: 0 };
  /** Flags and marks are there. */
  hasFields = false;
  clientFlags = 0;
  marks = 0;
  /** The key's own CAS: `cas` where none was said. */
  own: Unsigned64 = { high: 0, low: 0 };
  readonly #scratch: Unsigned64 = { high: 0, low: 0 };

  /** Reads the words in `[start, end)`; false where they are no such words. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    const afterCas = wordEnd(bytes, start, end);
    if (!parseHex64(bytes, start, afterCas, this.cas)) return false;
    this.own.high = this.cas.high;
    this.own.low = this.cas.low;
    this.hasFields = afterCas < end;
    this.clientFlags = 0;
    this.marks = 0;
    if (!this.hasFields) return true;
    const afterFlags = wordEnd(bytes, afterCas + 1, end);
    const afterMarks = wordEnd(bytes, afterFlags + 1, end);
    const flags = this.#scratch;
    if (!parseHex64(bytes, afterCas + 1, afterFlags, flags) || flags.high !== 0) return false;
    this.clientFlags = flags.low;
    if (!parseHex64(bytes, afterFlags + 1, afterMarks, flags) || flags.high !== 0) return false;
    this.marks = flags.low & STRING_MARKS.all;
    return afterMarks === end || parseHex64(bytes, afterMarks + 1, end, this.own);
  }
}

function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 32) at++;
  return at;
}

/** Writes client flags and marks behind the CAS. */
export function writeFieldWords(
  bytes: Uint8Array,
  at: number,
  clientFlags: number,
  marks: number,
): number {
  bytes[at++] = 32;
  at = writeHex64(bytes, at, 0, clientFlags);
  bytes[at++] = 32;
  return writeHex64(bytes, at, 0, marks);
}

/** Writes the beginning of a line. */
export function writeItemPrefix(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < PREFIX.length; i++) bytes[at++] = PREFIX.charCodeAt(i);
  return at;
}

/** Applies lines and the commands that they stand in front of, while a log is replayed. */
export class ItemReplay {
  readonly #words: ItemWords = new ItemWords();
  readonly #model: RedisModel;
  #isPending = false;

  constructor(model: RedisModel) {
    this.#model = model;
  }

  /** A line that begins as ours do, `[start, end)` with its end; one that says nothing is skipped. */
  line(region: Region, start: number, end: number): void {
    let last = end;
    while (last > start && region.bytes[last - 1]! <= 32) last--;
    if (!this.#words.parse(region.bytes, start + PREFIX.length, last)) return;
    this.#model.engine.cas.set(this.#words.cas.high, this.#words.cas.low);
    this.#isPending = this.#words.hasFields;
  }

  /** To be called when a command was applied. */
  applied(session: Session, request: Request): void {
    const { engine, databases } = this.#model;
    if (this.#isPending && request.count > 1) {
      restoreItem(databases[session.database]!, request, this.#words);
    }
    this.#isPending = false;
    engine.cas.settle();
  }
}

/** Gives the string in argument 1 what `words` say. */
function restoreItem(db: Database, request: Request, words: ItemWords): void {
  const { keys } = db;
  const start = request.start[1]!;
  const end = request.end[1]!;
  const hash = keys.hash(request.region, start, end);
  const ref = keys.find(hash, request.region, start, end);
  const { engine } = keys;
  if (ref === 0 || engine.type(ref) !== TYPE.string) return;
  const { clientFlags, own, marks } = words;
  const place = keys.setItemFields(hash, ref, clientFlags, own.high, own.low);
  engine.setEncoding(place, (engine.encoding(place) & ~STRING_MARKS.all) | marks);
}
