/**
 * A file of the simulated file system: what programs see (`live`), what the disk surely has (`#disk`), and the changes between the two.
 *
 * A machine's crash keeps the disk, and of the changes that were not synced whatever `survive` decides: a prefix of them, of whose bytes
 * single pages may be missing (old contents, or zeros behind the old end), the last one torn at any byte. A sync that fails leaves the
 * changes it was for in limbo, as Linux does: no later sync writes them, programs still see them, a crash may or may not lose them.
 */
import type { SeededRandomness } from './randomness.ts';

interface Change {
  readonly order: number;
  /** A write of `bytes` at `at`, or (no bytes) a truncation to `at`. */
  readonly at: number;
  readonly bytes: Uint8Array | undefined;
  isInLimbo: boolean;
}

export class SimulatedInode {
  live: Contents = new Contents();
  #disk: Contents = new Contents();
  #changes: Change[] = [];
  #order = 0;

  get size(): number {
    return this.live.length;
  }

  write(source: Uint8Array, from: number, to: number, position: number): void {
    const bytes = source.slice(from, to);
    this.live.write(bytes, position);
    this.#changes.push({ order: this.#order++, at: position, bytes, isInLimbo: false });
  }

  truncate(length: number): void {
    this.live.truncate(length);
    this.#changes.push({ order: this.#order++, at: length, bytes: undefined, isInLimbo: false });
  }

  /** What a sync that begins now is for: the changes before this mark. */
  get mark(): number {
    return this.#order;
  }

  /** The changes before `mark` reach the disk, but for those in limbo. */
  sync(mark: number): void {
    const rest: Change[] = [];
    for (const change of this.#changes) {
      if (change.order < mark && !change.isInLimbo) {
        this.#disk.apply(change);
        for (let j = rest.length - 1; j >= 0; j--) {
          if (rest[j]!.isInLimbo && overlaps(rest[j]!, change)) rest.splice(j, 1);
        }
      } else rest.push(change);
    }
    this.#changes = rest;
  }

  /** A sync of the changes before `mark` failed. */
  syncFailed(mark: number): void {
    for (const change of this.#changes) if (change.order < mark) change.isInLimbo = true;
  }

  /** Everything is on the disk (for setting a scene up). */
  settle(): void {
    this.#disk = this.live.copy();
    this.#changes = [];
  }

  /** What a crash leaves: of the machine with `random`, else only of the process. */
  survive(random: SeededRandomness | undefined, pageBytes: number): SimulatedInode {
    const survivor = new SimulatedInode();
    survivor.live = random === undefined ? this.live.copy() : this.#afterCrash(random, pageBytes);
    survivor.#order = this.#order;
    survivor.settle();
    return survivor;
  }

  #afterCrash(random: SeededRandomness, pageBytes: number): Contents {
    const contents = this.#disk.copy();
    const kept = random.below(this.#changes.length + 1);
    const isOrderly = random.below(3) === 0;
    for (let i = 0; i < kept; i++) {
      const change = this.#changes[i]!;
      if (change.isInLimbo && random.below(2) === 0) continue;
      const isLast = i === kept - 1;
      if (change.bytes === undefined || (isOrderly && !isLast)) contents.apply(change);
      else writePages(contents, change, change.bytes, random, pageBytes, isOrderly, isLast);
    }
    return contents;
  }
}

function writePages(
  contents: Contents,
  change: Change,
  bytes: Uint8Array,
  random: SeededRandomness,
  pageBytes: number,
  isOrderly: boolean,
  isLast: boolean,
): void {
  const length = isLast && random.below(2) === 0 ? random.below(bytes.length + 1) : bytes.length;
  // The file's new length may survive although its pages do not: they read as zeros.
  if (!isOrderly && random.below(2) === 0) contents.extend(change.at + bytes.length);
  for (let from = 0; from < length;) {
    const pageEnd = Math.floor((change.at + from) / pageBytes + 1) * pageBytes - change.at;
    const to = Math.min(length, pageEnd);
    if (isOrderly || random.below(4) !== 0)
      contents.write(bytes.subarray(from, to), change.at + from);
    from = to;
  }
}

function overlaps(a: Change, b: Change): boolean {
  if (a.bytes === undefined || b.bytes === undefined) return false;
  return a.at < b.at + b.bytes.length && b.at < a.at + a.bytes.length;
}

class Contents {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  write(source: Uint8Array, at: number): void {
    this.extend(at + source.length);
    this.bytes.set(source, at);
  }

  extend(length: number): void {
    if (length > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(length, this.bytes.length * 2));
      bytes.set(this.bytes.subarray(0, this.length));
      this.bytes = bytes;
    }
    if (length > this.length) this.length = length;
  }

  truncate(length: number): void {
    if (length < this.length) this.bytes.fill(0, length, this.length);
    this.extend(length);
    this.length = length;
  }

  apply(change: Change): void {
    if (change.bytes === undefined) this.truncate(change.at);
    else this.write(change.bytes, change.at);
  }

  copy(): Contents {
    const copy = new Contents();
    copy.bytes = this.bytes.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }
}
