/**
 * Several cursors as one, in internal order: a binary heap of those that stand on an entry, the next one on top.
 *
 * Going on after a turn: the others are placed on the far side of the entry that the top stands on, then the top moves. A cursor that blocks
 * leaves the whole BLOCKED; `resume` lets it finish, then goes on with the step that was under way.
 */
import { compareBytes } from '../bytes/compare.ts';
import type { Region } from '../bytes/region.ts';
import { BLOCKED, Cursor, END, VALID } from './cursor.ts';

const FORWARD = 1;
const BACKWARD = -1;

/** What remains to be done once no child is blocked. */
const GATHER = 0;
const MOVE_TOP = 1;

export class MergingCursor extends Cursor {
  readonly #children: readonly Cursor[];
  /** Children that stand on an entry, as a heap; the first `#size` count. */
  readonly #heap: Cursor[];
  #size = 0;
  #direction: number = FORWARD;
  #step: number = GATHER;

  constructor(children: readonly Cursor[]) {
    super();
    this.#children = children;
    this.#heap = [...children];
  }

  seek(region: Region, start: number, end: number, sequence: number): void {
    this.#direction = FORWARD;
    for (const child of this.#children) child.seek(region, start, end, sequence);
    this.#gather();
  }

  seekForPrevious(region: Region, start: number, end: number, sequence: number): void {
    this.#direction = BACKWARD;
    for (const child of this.#children) child.seekForPrevious(region, start, end, sequence);
    this.#gather();
  }

  first(): void {
    this.#direction = FORWARD;
    for (const child of this.#children) child.first();
    this.#gather();
  }

  last(): void {
    this.#direction = BACKWARD;
    for (const child of this.#children) child.last();
    this.#gather();
  }

  next(): void {
    if (this.#direction === BACKWARD) {
      this.#turn(FORWARD);
      return;
    }
    const top = this.#heap[0]!;
    top.next();
    this.#settleTop(top);
  }

  previous(): void {
    if (this.#direction === FORWARD) {
      this.#turn(BACKWARD);
      return;
    }
    const top = this.#heap[0]!;
    top.previous();
    this.#settleTop(top);
  }

  resume(): void {
    for (const child of this.#children) if (child.status === BLOCKED) child.resume();
    if (this.#isBlocked()) return;
    if (this.#step === MOVE_TOP) this.#moveTop();
    else this.#gather();
  }

  close(): void {
    for (const child of this.#children) child.close();
    this.#size = 0;
    this.status = END;
  }

  /** The others go to the entry behind (before) the top's, in the new direction; no two children have the same version. */
  #turn(direction: number): void {
    this.#direction = direction;
    const top = this.#heap[0]!;
    const { keyRegion, keyStart, keyEnd, sequence } = top;
    for (const child of this.#children) {
      if (child === top) continue;
      if (direction === FORWARD) child.seek(keyRegion, keyStart, keyEnd, sequence);
      else child.seekForPrevious(keyRegion, keyStart, keyEnd, sequence);
    }
    // The top moves last: what the others look for is its key.
    this.#step = MOVE_TOP;
    if (!this.#isBlocked()) this.#moveTop();
  }

  #moveTop(): void {
    this.#step = GATHER;
    const top = this.#heap[0]!;
    if (this.#direction === FORWARD) top.next();
    else top.previous();
    this.#gather();
  }

  #isBlocked(): boolean {
    for (const child of this.#children) {
      if (child.status === BLOCKED) {
        this.status = BLOCKED;
        return true;
      }
    }
    return false;
  }

  /** Builds the heap of children that all have moved. */
  #gather(): void {
    this.#step = GATHER;
    if (this.#isBlocked()) return;
    const heap = this.#heap;
    let size = 0;
    for (const child of this.#children) if (child.status === VALID) heap[size++] = child;
    this.#size = size;
    for (let i = (size >>> 1) - 1; i >= 0; i--) this.#siftDown(i);
    this.#show();
  }

  /** The top alone has moved. */
  #settleTop(top: Cursor): void {
    if (top.status === VALID) {
      this.#siftDown(0);
    } else if (top.status === END) {
      this.#heap[0] = this.#heap[--this.#size]!;
      this.#siftDown(0);
    } else {
      this.#step = GATHER;
      this.status = BLOCKED;
      return;
    }
    this.#show();
  }

  #siftDown(at: number): void {
    const heap = this.#heap;
    const size = this.#size;
    if (at >= size) return;
    const moved = heap[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#isBefore(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }

  #isBefore(a: Cursor, b: Cursor): boolean {
    const order = compareBytes(
      a.keyRegion,
      a.keyStart,
      a.keyEnd,
      b.keyRegion,
      b.keyStart,
      b.keyEnd,
    );
    if (order !== 0) return order < 0 === (this.#direction === FORWARD);
    return a.sequence > b.sequence === (this.#direction === FORWARD);
  }

  #show(): void {
    if (this.#size === 0) {
      this.status = END;
      return;
    }
    const top = this.#heap[0]!;
    this.status = VALID;
    this.keyRegion = top.keyRegion;
    this.keyStart = top.keyStart;
    this.keyEnd = top.keyEnd;
    this.sequence = top.sequence;
    this.type = top.type;
    this.valueRegion = top.valueRegion;
    this.valueStart = top.valueStart;
    this.valueEnd = top.valueEnd;
  }
}
