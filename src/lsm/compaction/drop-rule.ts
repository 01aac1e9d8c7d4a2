/**
 * Which versions a merge leaves out. It is asked for every version, in internal order.
 *
 *   - Snapshots cut the sequences into stripes; readers see of a key only the newest version of each stripe. The others are dropped. A merge operand is seen
 *     together with what is below it, down to a value or deletion.
 *   - A deletion that every reader sees (it is in the lowest stripe) is dropped where no level below has the key: what it hides of the
 *     merge's own inputs is in the same stripe and goes with it.
 *
 *   - What lies in a dead range, of a keyspace that was dropped, is dropped whatever it is.
 *
 * For the second the merge must have all versions of its keys that are in the levels down to the one it writes, which the pickers see to.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { equalBytes, Region } from '../../bytes/region.ts';
import { TYPE_DELETION, TYPE_MERGE } from '../internal-key.ts';
import type { DeadRange, JobRequest, KeyRange } from './job.ts';
import { stripeOf } from './stripes.ts';

export class DropRule {
  /** Whether the version that was asked for last is of another user key than the one before it. */
  isNewKey = true;
  readonly #snapshots: readonly number[];
  /** Deletions above it stay. */
  readonly #lowestSnapshot: number;
  readonly #keepsDeletions: boolean;
  readonly #below: readonly BelowLevel[];
  readonly #dead: DeadRanges | undefined;
  readonly #key = new GrowingBytes();
  #hasKey = false;
  /** Stripe of the version before, of the same key. */
  #stripe = 0;
  /** Whether it was an operand, to which the next one belongs. */
  #isOperand = false;

  constructor(request: Pick<JobRequest, 'snapshots' | 'below' | 'keepsDeletions' | 'deadRanges'>) {
    this.#snapshots = request.snapshots;
    this.#keepsDeletions = request.keepsDeletions;
    // No deletion is below the lowest of all sequences.
    this.#lowestSnapshot = request.keepsDeletions ? -1 : (request.snapshots[0] ?? Infinity);
    const { deadRanges } = request;
    this.#dead = deadRanges.length === 0 ? undefined : new DeadRanges(deadRanges);
    this.#below = request.below
      .filter((ranges) => ranges.length > 0)
      .map((ranges) => new BelowLevel(ranges));
  }

  drops(region: Region, start: number, end: number, sequence: number, type: number): boolean {
    if (this.#dead !== undefined && this.#dead.has(region, start, end)) return true;
    const key = this.#key;
    const isSame =
      this.#hasKey &&
      end - start === key.length &&
      equalBytes(region, start, key.region, 0, key.length);
    this.isNewKey = !isSame;
    const stripe = stripeOf(this.#snapshots, sequence);
    if (isSame) {
      const isHidden = stripe === this.#stripe && !this.#isOperand;
      this.#stripe = stripe;
      if (isHidden) return true;
    } else {
      key.set(region, start, end);
      this.#hasKey = true;
      this.#stripe = stripe;
    }
    this.#isOperand = type === TYPE_MERGE;
    return type === TYPE_DELETION && this.dropsDeletion(region, start, end, sequence);
  }

  /** Whether a deletion hides nothing but what goes with it. */
  dropsDeletion(region: Region, start: number, end: number, sequence: number): boolean {
    return sequence <= this.#lowestSnapshot && !this.#isBelow(region, start, end);
  }

  /** Whether there are no versions of the key but the merge's inputs. */
  isLast(region: Region, start: number, end: number): boolean {
    return !this.#keepsDeletions && !this.#isBelow(region, start, end);
  }

  /** What the last operand is merged with is known: the versions below it in its stripe are seen no more. */
  closeOperand(): void {
    this.#isOperand = false;
  }

  #isBelow(region: Region, start: number, end: number): boolean {
    for (const level of this.#below) if (level.mayHave(region, start, end)) return true;
    return false;
  }
}

/** The ranges of one level, gone through once, since keys come in order. */
class BelowLevel {
  readonly #ranges: readonly KeyRange[];
  readonly #smallest: readonly Region[];
  readonly #largest: readonly Region[];
  #at = 0;

  constructor(ranges: readonly KeyRange[]) {
    this.#ranges = ranges;
    this.#smallest = ranges.map((range) => Region.of(range.smallest));
    this.#largest = ranges.map((range) => Region.of(range.largest));
  }

  mayHave(region: Region, start: number, end: number): boolean {
    for (; this.#at < this.#ranges.length; this.#at++) {
      const largest = this.#largest[this.#at]!;
      if (compareBytes(region, start, end, largest, 0, largest.bytes.length) > 0) continue;
      const smallest = this.#smallest[this.#at]!;
      return compareBytes(region, start, end, smallest, 0, smallest.bytes.length) >= 0;
    }
    return false;
  }
}

/** Ranges that nobody reads, gone through once. */
class DeadRanges {
  readonly #ranges: readonly { readonly from: Region; readonly to: Region | undefined }[];
  #at = 0;

  constructor(ranges: readonly DeadRange[]) {
    this.#ranges = ranges.map(({ from, to }) => ({
      from: Region.of(from),
      to: to && Region.of(to),
    }));
  }

  has(region: Region, start: number, end: number): boolean {
    for (; this.#at < this.#ranges.length; this.#at++) {
      const { from, to } = this.#ranges[this.#at]!;
      if (to !== undefined && compareBytes(region, start, end, to, 0, to.bytes.length) >= 0)
        continue;
      return compareBytes(region, start, end, from, 0, from.bytes.length) >= 0;
    }
    return false;
  }
}
