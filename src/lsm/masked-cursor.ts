/**
 * A cursor over one run of a view without the entries that range tombstones delete: its own run's, and those of newer ones.
 *
 * Where a newer run's range covers a key, it hides all that this run has up to the range's end, so after a few entries the rest is passed over by a seek. Of the
 * run's own entries some may be newer than its range: those are looked at one by one.
 */
import type { Region } from '../bytes/region.ts';
import { Cursor, VALID } from './cursor.ts';
import { MAX_SEQUENCE } from './internal-key.ts';
import { SKIPS_BEFORE_SEEK } from './limits.ts';
import type { RangeMask } from './range-mask.ts';

const FORWARD = 1;
const BACKWARD = -1;

export class MaskedCursor extends Cursor {
  readonly #source: Cursor;
  readonly #mask: RangeMask;
  /** Of the mask's runs those before this one are newer than the source. */
  readonly #newerRuns: number;
  #direction: number = FORWARD;
  #skips = 0;

  constructor(source: Cursor, mask: RangeMask, newerRuns: number) {
    super();
    this.#source = source;
    this.#mask = mask;
    this.#newerRuns = newerRuns;
  }

  seek(region: Region, start: number, end: number, sequence: number): void {
    this.#begin(FORWARD);
    this.#source.seek(region, start, end, sequence);
    this.#settle();
  }

  seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    this.#begin(BACKWARD);
    this.#source.seekForPrevious(region, start, end, sequence);
    this.#settle();
  }

  first(): void {
    this.#begin(FORWARD);
    this.#source.first();
    this.#settle();
  }

  last(): void {
    this.#begin(BACKWARD);
    this.#source.last();
    this.#settle();
  }

  next(): void {
    this.#begin(FORWARD);
    this.#source.next();
    this.#settle();
  }

  previous(): void {
    this.#begin(BACKWARD);
    this.#source.previous();
    this.#settle();
  }

  resume(): void {
    this.#source.resume();
    this.#settle();
  }

  close(): void {
    this.#source.close();
    this.status = this.#source.status;
  }

  #begin(direction: number): void {
    this.#direction = direction;
    this.#skips = 0;
  }

  /** From where the source stands to an entry that is not hidden. */
  #settle(): void {
    const source = this.#source;
    while (source.status === VALID) {
      const { keyRegion, keyStart, keyEnd } = source;
      if (this.#mask.covering(keyRegion, keyStart, keyEnd) <= source.sequence) {
        this.#show(source);
        return;
      }
      this.#pass(source);
    }
    this.status = source.status;
  }

  #pass(source: Cursor): void {
    const mask = this.#mask;
    this.#skips++;
    const isForward = this.#direction === FORWARD;
    const bound = isForward ? mask.to : mask.from;
    if (this.#skips < SKIPS_BEFORE_SEEK || mask.run >= this.#newerRuns || !bound.isSet) {
      if (isForward) source.next();
      else source.previous();
      return;
    }
    this.#skips = 0;
    const { region, start, end } = bound;
    if (isForward) source.seek(region, start, end, MAX_SEQUENCE);
    else source.seekForPrevious(region, start, end, MAX_SEQUENCE);
  }

  #show(source: Cursor): void {
    this.status = VALID;
    this.keyRegion = source.keyRegion;
    this.keyStart = source.keyStart;
    this.keyEnd = source.keyEnd;
    this.sequence = source.sequence;
    this.type = source.type;
    this.valueRegion = source.valueRegion;
    this.valueStart = source.valueStart;
    this.valueEnd = source.valueEnd;
  }
}
