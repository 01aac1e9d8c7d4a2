/**
 * Values that are read bit by bit while the world goes on: a loan is the value as it was when it was lent, whatever becomes of the record.
 *
 *   - while nothing happens to the record, a loan reads from it, and costs nothing
 *   - a record that is removed or replaced is freed only when its last loan has ended
 *   - before a record's contents change in place, each of its loans copies what it has not read
 *
 * In the last two cases the bytes are there for the loan alone: it is told so, once (`onOwn`).
 */
import { copyBytes, Region } from '../bytes/region.ts';
import type { Ref } from './arena.ts';
import type { MemoryEngine } from './engine.ts';

export class Loan {
  /** The bytes that are left exist for this loan alone from now on. */
  onOwn: () => void = nothing;
  isOwn = false;
  readonly #engine: MemoryEngine;
  #ref: Ref;
  #from: number;
  readonly #end: number;
  /** What was left when the contents changed: byte `#copyFrom` and what follows. */
  #copy: Region | undefined = undefined;
  #copyFrom = 0;
  #isOver = false;

  constructor(engine: MemoryEngine, ref: Ref, from: number, to: number) {
    this.#engine = engine;
    this.#ref = ref;
    this.#from = from;
    this.#end = to;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#from;
  }

  /** Reads the next `length` bytes (at most `left`) to `target` at `at`. */
  read(target: Region, at: number, length: number): void {
    if (this.#copy === undefined) {
      this.#engine.readValue(this.#ref, this.#from, this.#from + length, target, at);
    } else {
      copyBytes(target, at, this.#copy, this.#from - this.#copyFrom, length);
    }
    this.#from += length;
  }

  /** It is over, read or not. Harmless when it is. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#copy === undefined) this.#engine.loans.ended(this, this.#ref);
    this.#copy = undefined;
  }

  /** For Loans: the record is another block now. */
  moved(to: Ref): void {
    this.#ref = to;
  }

  /** For Loans: the contents change after this. */
  detach(): void {
    const copy = Region.allocate(this.left);
    this.#engine.readValue(this.#ref, this.#from, this.#end, copy, 0);
    this.#copy = copy;
    this.#copyFrom = this.#from;
    this.own();
  }

  /** For Loans: nobody else has these bytes. */
  own(): void {
    if (this.isOwn) return;
    this.isOwn = true;
    this.onOwn();
  }
}

export class Loans {
  /** Records that are lent. */
  size = 0;
  readonly #engine: MemoryEngine;
  readonly #loans: Map<Ref, Loan[]> = new Map();
  /** Lent records that no index holds any more. */
  readonly #orphans: Set<Ref> = new Set();

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  /** Lends bytes `[from, to)` of a value. The loan must be released. */
  lend(ref: Ref, from: number, to: number): Loan {
    const loan = new Loan(this.#engine, ref, from, to);
    const loans = this.#loans.get(ref);
    if (loans === undefined) this.#loans.set(ref, [loan]);
    else loans.push(loan);
    this.size = this.#loans.size;
    return loan;
  }

  /** To be called, while `size` is not 0, before the contents of `ref` change in place. */
  recall(ref: Ref): void {
    const loans = this.#loans.get(ref);
    if (loans === undefined) return;
    // The last first: should there be no memory for a copy, the others are as they were.
    for (let loan = loans.at(-1); loan !== undefined; loan = loans.at(-1)) {
      loan.detach();
      loans.pop();
    }
    this.#forget(ref);
  }

  /** To be called, while `size` is not 0, when `to` has the value of `from`. */
  moved(from: Ref, to: Ref): void {
    const loans = this.#loans.get(from);
    if (loans === undefined) return;
    this.#loans.delete(from);
    this.#loans.set(to, loans);
    for (const loan of loans) loan.moved(to);
  }

  /** To be called, while `size` is not 0, before a record is freed: true, it is kept and freed later. */
  keeps(ref: Ref): boolean {
    const loans = this.#loans.get(ref);
    if (loans === undefined) return false;
    this.#orphans.add(ref);
    for (const loan of loans) loan.own();
    return true;
  }

  /** For loans. */
  ended(loan: Loan, ref: Ref): void {
    const loans = this.#loans.get(ref);
    const place = loans?.indexOf(loan) ?? -1;
    if (loans === undefined || place < 0) return;
    loans.splice(place, 1);
    if (loans.length > 0) return;
    this.#forget(ref);
    if (this.#orphans.delete(ref)) this.#engine.freeRecord(ref);
  }

  /** Visits lent records that no index holds. For tests. */
  forEachOrphan(visit: (ref: Ref) => void): void {
    this.#orphans.forEach(visit);
  }

  #forget(ref: Ref): void {
    this.#loans.delete(ref);
    this.size = this.#loans.size;
  }
}

function nothing(): void {}
