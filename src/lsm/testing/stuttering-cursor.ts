/** A cursor that blocks now and then, as one over tables does in CACHED mode, before it does what it was asked for. For tests. */
import { Region } from '../../bytes/region.ts';
import { BLOCKED, Cursor } from '../cursor.ts';

export class StutteringCursor extends Cursor {
  readonly #inner: Cursor;
  readonly #isBlocking: () => boolean;
  #move: () => void = () => {};

  constructor(inner: Cursor, isBlocking: () => boolean) {
    super();
    this.#inner = inner;
    this.#isBlocking = isBlocking;
  }

  seek(region: Region, start: number, end: number, sequence: number): void {
    const key = copy(region, start, end);
    this.#try(() => this.#inner.seek(key, 0, end - start, sequence));
  }

  seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    const key = copy(region, start, end);
    this.#try(() => this.#inner.seekForPrevious(key, 0, end - start, sequence));
  }

  first(): void {
    this.#try(() => this.#inner.first());
  }

  last(): void {
    this.#try(() => this.#inner.last());
  }

  next(): void {
    this.#try(() => this.#inner.next());
  }

  previous(): void {
    this.#try(() => this.#inner.previous());
  }

  resume(): void {
    this.#try(this.#move);
  }

  close(): void {
    this.#inner.close();
    this.status = this.#inner.status;
  }

  #try(move: () => void): void {
    this.#move = move;
    if (this.#isBlocking()) {
      this.status = BLOCKED;
      // What was shown before may be anything meanwhile.
      this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = 0;
      return;
    }
    move();
    const inner = this.#inner;
    this.status = inner.status;
    this.keyRegion = inner.keyRegion;
    this.keyStart = inner.keyStart;
    this.keyEnd = inner.keyEnd;
    this.sequence = inner.sequence;
    this.type = inner.type;
    this.valueRegion = inner.valueRegion;
    this.valueStart = inner.valueStart;
    this.valueEnd = inner.valueEnd;
  }
}

function copy(region: Region, start: number, end: number): Region {
  return Region.of(region.bytes.slice(start, end));
}
