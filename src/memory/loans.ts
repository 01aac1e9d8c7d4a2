/**
 * Values that are read bit by bit while the world goes on: a loan is the value as it was when it was lent, whatever becomes of the record.
 *
 *   - while nothing happens to the record, a loan reads from it, and costs nothing
 *   - a record that is removed or replaced is freed only when its last loan has ended
 *   - before a record's contents change in place, what its loans have not read is copied, once for all of them
 *
 * In the last two cases the bytes are there for loans alone: each is told so, once (`onOwn`).
 */
import { copyBytes, Region } from '../bytes/region.ts';
import type { Ref } from './arena.ts';
import type { MemoryEngine } from './engine.ts';

export class Loan {
  /** The bytes that are left exist for loans alone from now on. */
  onOwn: () => void = nothing;
  isOwn = false;
  readonly #engine: MemoryEngine;
  #ref: Ref;
  #from: number;
  readonly #end: number;
  /** The contents before they changed, from byte `#copyFrom` on. */
  #copy: Region | undefined = undefined;
  #copyFrom = 0;
  #isOver = false;

  constructor(engine: MemoryEngine, ref: Ref, from: number, to: number) {
    this.#engine = engine;
    this.#ref = ref;
    this.#from = from;
    this.#end = to;
  }

  /** What was not read yet: `[from, end)` of the value. */
  get from(): number {
    return this.#from;
  }
  get end(): number {
    return this.#end;
  }
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

  /** For Loans: the contents change after this; `copy` has them from byte `copyFrom` on. */
  detach(copy: Region, copyFrom: number): void {
    this.#copy = copy;
    this.#copyFrom = copyFrom;
    this.own();
  }

  /** For Loans: no record has these bytes. */
  own(): void {
    if (this.isOwn) return;
    this.isOwn = true;
    this.onOwn();
  }
}

export class Loans {
  /** Records that are lent. */
  size = 0;
  /** Bytes of lent records that no index holds any more. */
  orphanBytes = 0;
  readonly #engine: MemoryEngine;
  readonly #loans: Map<Ref, Set<Loan>> = new Map();
  readonly #orphans: Set<Ref> = new Set();

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  /** Lends bytes `[from, to)` of a value. The loan must be released. */
  lend(ref: Ref, from: number, to: number): Loan {
    const loan = new Loan(this.#engine, ref, from, to);
    const loans = this.#loans.get(ref);
    if (loans === undefined) this.#loans.set(ref, new Set([loan]));
    else loans.add(loan);
    this.size = this.#loans.size;
    return loan;
  }

  /** To be called, while `size` is not 0, before the contents of `ref` change in place. Throws RangeError where there is no memory for a copy. */
  recall(ref: Ref): void {
    const loans = this.#loans.get(ref);
    if (loans === undefined) return;
    let from = Infinity;
    let end = 0;
    for (const loan of loans) {
      from = Math.min(from, loan.from);
      end = Math.max(end, loan.end);
    }
    const copy = Region.allocate(end - from);
    this.#engine.readValue(ref, from, end, copy, 0);
    for (const loan of loans) loan.detach(copy, from);
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
    this.orphanBytes += this.#engine.recordBytes(ref);
    for (const loan of loans) loan.own();
    return true;
  }

  /** For loans. */
  ended(loan: Loan, ref: Ref): void {
    const loans = this.#loans.get(ref);
    if (loans === undefined || !loans.delete(loan) || loans.size > 0) return;
    this.#forget(ref);
    if (!this.#orphans.delete(ref)) return;
    this.orphanBytes -= this.#engine.recordBytes(ref);
    this.#engine.freeRecord(ref);
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
