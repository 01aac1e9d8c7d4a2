/**
 * Bytes that several parts, databases and threads share: memtables, block caches, indexes, filters, buffers of iterators. A part reserves before
 * it allocates and releases afterwards; the sum of all reservations never exceeds the limit, except by what `force` takes because
 * going on without it is worse than exceeding it (it is counted all the same).
 *
 * The counter is one word of shared memory that counts units of 1 KiB, so that a budget given to a worker is the same budget.
 */
export const BUDGET_UNIT_BYTES = 1024;

export class MemoryBudget {
  readonly limitBytes: number;
  /** For `MemoryBudget.attach` in another thread. */
  readonly shared: SharedArrayBuffer;
  readonly #units: Int32Array;
  readonly #limitUnits: number;

  /** `limitBytes` at most 2 TiB. `shared`: of the same budget in another thread. */
  constructor(limitBytes: number, shared: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    const units = Math.floor(limitBytes / BUDGET_UNIT_BYTES);
    if (!(units >= 1 && units < 2 ** 31)) {
      throw new RangeError(`memoryBytes must be ${BUDGET_UNIT_BYTES} to 2 TiB, not ${limitBytes}`);
    }
    this.limitBytes = limitBytes;
    this.shared = shared;
    this.#units = new Int32Array(shared);
    this.#limitUnits = units;
  }

  /** Bytes reserved by all, in whole units. */
  get usedBytes(): number {
    return Atomics.load(this.#units, 0) * BUDGET_UNIT_BYTES;
  }

  /** Takes `sizeBytes`, or nothing and answers false where that would exceed the limit. */
  reserve(sizeBytes: number): boolean {
    const units = unitsOf(sizeBytes);
    const before = Atomics.add(this.#units, 0, units);
    if (before + units <= this.#limitUnits) return true;
    Atomics.sub(this.#units, 0, units);
    return false;
  }

  /** Takes `sizeBytes` whatever the limit. */
  force(sizeBytes: number): void {
    Atomics.add(this.#units, 0, unitsOf(sizeBytes));
  }

  /** Gives back what `reserve` or `force` took, by the same size. */
  release(sizeBytes: number): void {
    Atomics.sub(this.#units, 0, unitsOf(sizeBytes));
  }
}

function unitsOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BUDGET_UNIT_BYTES);
}
