/** A cursor over a sorted level: one file after the other, of which one is open at a time. */
import { compareBytes } from '../../bytes/compare.ts';
import type { Region } from '../../bytes/region.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import type { TableCache } from '../cache/table-cache.ts';
import { BLOCKED, Cursor, END, VALID } from '../cursor.ts';
import type { Table } from '../format/table.ts';
import type { LevelIndex } from './level-index.ts';
import { IN_RANGE, type PrefixRange } from './prefix-range.ts';

const FORWARD = 1;
const BACKWARD = -1;
const NOWHERE = -1;

export class LevelCursor extends Cursor {
  readonly #index: LevelIndex;
  readonly #level: number;
  readonly #tables: TableCache;
  readonly #mode: number;
  readonly #requests: BlockRequests | undefined;
  /** What lies outside of it is not looked for. */
  readonly #range: PrefixRange | undefined;
  /** The file that is open, its table and cursor. */
  #at: number = NOWHERE;
  #table: Table | undefined = undefined;
  #cursor: Cursor | undefined = undefined;
  /** Which way the move goes on where a file has nothing (more). */
  #direction: number = FORWARD;

  constructor(
    index: LevelIndex,
    level: number,
    tables: TableCache,
    mode: number,
    requests?: BlockRequests,
    range?: PrefixRange,
  ) {
    super();
    this.#index = index;
    this.#level = level;
    this.#tables = tables;
    this.#mode = mode;
    this.#requests = requests;
    this.#range = range;
  }

  seek(region: Region, start: number, end: number, sequence: number): void {
    const file = this.#index.find(region, start, end);
    this.#direction = FORWARD;
    if (!this.#open(file)) return;
    this.#cursor!.seek(region, start, end, sequence);
    this.#settle();
  }

  seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    const { files } = this.#index;
    let file = this.#index.find(region, start, end);
    // Older versions of the key may go on in the next file: the search begins in the last one that has the key.
    while (
      file < files.length &&
      this.#index.isContinued(file) &&
      this.#endsWith(file, region, start, end)
    ) {
      file++;
    }
    this.#direction = BACKWARD;
    if (file === files.length) {
      this.last();
      return;
    }
    if (!this.#open(file)) return;
    this.#cursor!.seekForPrevious(region, start, end, sequence);
    this.#settle();
  }

  first(): void {
    this.#direction = FORWARD;
    if (!this.#open(0)) return;
    this.#cursor!.first();
    this.#settle();
  }

  last(): void {
    this.#direction = BACKWARD;
    if (!this.#open(this.#index.files.length - 1)) return;
    this.#cursor!.last();
    this.#settle();
  }

  next(): void {
    this.#direction = FORWARD;
    this.#cursor!.next();
    this.#settle();
  }

  previous(): void {
    this.#direction = BACKWARD;
    this.#cursor!.previous();
    this.#settle();
  }

  resume(): void {
    this.#cursor!.resume();
    this.#settle();
  }

  close(): void {
    this.#leave();
    this.status = END;
  }

  /** Takes over where the file's cursor stands; at the file's end goes on in the next one. */
  #settle(): void {
    let cursor = this.#cursor!;
    while (cursor.status === END) {
      if (!this.#open(this.#at + this.#direction)) return;
      cursor = this.#cursor!;
      if (this.#direction === FORWARD) cursor.first();
      else cursor.last();
    }
    this.status = cursor.status;
    if (cursor.status === BLOCKED) return;
    this.keyRegion = cursor.keyRegion;
    this.keyStart = cursor.keyStart;
    this.keyEnd = cursor.keyEnd;
    this.sequence = cursor.sequence;
    this.type = cursor.type;
    this.valueRegion = cursor.valueRegion;
    this.valueStart = cursor.valueStart;
    this.valueEnd = cursor.valueEnd;
    this.status = VALID;
  }

  /** Opens file `at` where it is not open, or the next one in this direction that may have what is looked for; false, and the END, where there is none. */
  #open(at: number): boolean {
    const range = this.#range;
    for (let i = at; ; i += this.#direction) {
      const file = this.#index.files[i];
      const place = file === undefined || range === undefined ? IN_RANGE : range.placeOf(file);
      if (file === undefined || place === this.#direction) {
        this.#leave();
        this.status = END;
        return false;
      }
      if (i === this.#at) return true;
      if (place !== IN_RANGE) continue;
      this.#leave();
      this.#table = this.#tables.acquire(file.number, this.#level);
      if (range !== undefined && !range.mayBeIn(this.#table, this.#mode, this.#requests)) continue;
      this.#cursor = this.#table.cursor(this.#mode, this.#requests);
      this.#at = i;
      return true;
    }
  }

  #leave(): void {
    this.#cursor?.close();
    if (this.#table !== undefined) this.#tables.release(this.#table);
    this.#table = undefined;
    this.#cursor = undefined;
    this.#at = NOWHERE;
  }

  #endsWith(file: number, region: Region, start: number, end: number): boolean {
    const { keys, largestStart, largestEnd } = this.#index.files[file]!;
    return compareBytes(keys, largestStart, largestEnd, region, start, end) === 0;
  }
}
