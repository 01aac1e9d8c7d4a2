/**
 * FIFO compaction, for data that is of no use after a while: whole tables are dropped, the oldest first, when all of their entries have reached an age, or
 * when there are too many bytes. Entries are written once and never again.
 *
 *   - A table that lies over another goes after it: what is dropped must not bring back what it had replaced. In a tree that was FIFO from its beginning the
 *     lower one is the older one anyway.
 *   - Tables that overlap none of those that are older go to level 1 as they are, where a search finds the one that has a key: keys that begin with a time
 *     stay cheap to read however many tables there are.
 *   - Of the others so many may lie in level 0, each of them another place to look into. Beyond that the oldest are merged, as by levels.
 */
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';
import {
  type Compaction,
  type CompactionPicker,
  type CompactionReason,
  type PickContext,
} from './compaction.ts';
import type { LevelledPicker } from './levelled-picker.ts';
import { inputsOf, isFree, type Placed } from './free-tables.ts';
import { boundsOf } from './overlap.ts';

export interface FifoOptions {
  /** Of all tables together. */
  readonly maxBytes: number;
  readonly maxAgeSeconds: number;
  /** Tables that stay in level 0 although they could be moved. */
  readonly level0Files: number;
  /** Tables of level 0 from which on the oldest are merged. */
  readonly maxLevel0Files: number;
}

export class FifoPicker implements CompactionPicker {
  readonly #options: FifoOptions;
  /** For what a caller asks for, and for level 0 when it is full. */
  readonly #levelled: LevelledPicker;

  constructor(options: FifoOptions, levelled: LevelledPicker) {
    this.#options = options;
    this.#levelled = levelled;
  }

  pick(version: Version, context: PickContext): Compaction | undefined {
    return (
      this.#pickOld(version, context) ??
      this.#pickExcess(version) ??
      this.#pickMovable(version) ??
      this.#pickSurplus(version)
    );
  }

  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
  ): Compaction | 'busy' | undefined {
    return this.#levelled.pickRange(version, smallest, largest);
  }

  dueAt(version: Version): number {
    const { maxAgeSeconds } = this.#options;
    let oldest = Infinity;
    for (const files of version.levels) {
      for (const { facts } of files) oldest = Math.min(oldest, facts?.youngestSeconds ?? Infinity);
    }
    return oldest + maxAgeSeconds + 1;
  }

  debtBytes(_version: Version): number {
    return 0;
  }

  targetBytes(level: number): number {
    return this.#levelled.targetBytes(level);
  }

  maxOverlapBytes(level: number): number {
    return this.#levelled.maxOverlapBytes(level);
  }

  #pickOld(version: Version, { nowSeconds }: PickContext): Compaction | undefined {
    const { maxAgeSeconds } = this.#options;
    if (maxAgeSeconds === Infinity) return undefined;
    const isOld = ({ file }: Placed): boolean =>
      (file.facts?.youngestSeconds ?? nowSeconds) + maxAgeSeconds < nowSeconds;
    // From the bottom up: one may go where everything goes that it lies over.
    const dropped = new Map<TableFile, number>();
    for (const placed of bottomUp(version)) {
      if (isOld(placed) && isFree(version, placed, dropped)) dropped.set(placed.file, placed.level);
    }
    return dropOf(dropped, 'too old');
  }

  #pickExcess(version: Version): Compaction | undefined {
    let excess = version.sizeBytes - this.#options.maxBytes;
    if (excess <= 0) return undefined;
    const dropped = new Map<TableFile, number>();
    const left = bottomUp(version);
    left.sort((a, b) => ageOf(a.file) - ageOf(b.file));
    while (excess > 0) {
      const at = left.findIndex((placed) => isFree(version, placed, dropped));
      if (at < 0) break;
      const { file, level } = left.splice(at, 1)[0]!;
      dropped.set(file, level);
      excess -= file.sizeBytes;
    }
    return dropOf(dropped, 'too much');
  }

  #pickSurplus(version: Version): Compaction | undefined {
    const isFull = version.levels[0]!.length >= this.#options.maxLevel0Files;
    return isFull ? this.#levelled.pickLevel0(version) : undefined;
  }

  /** The oldest tables of level 0, as far as they overlap nothing that is older. */
  #pickMovable(version: Version): Compaction | undefined {
    const level0 = version.levels[0]!;
    const files: TableFile[] = [];
    for (let i = level0.length - 1; i >= this.#options.level0Files; i--) {
      const file = level0[i]!;
      const { smallest, largest } = boundsOf([file]);
      const lower = version.overlapping(1, smallest, largest);
      if (file.isCompacting || lower.length > 0) break;
      if (files.some((other) => other.overlaps(file))) break;
      files.push(file);
    }
    if (files.length === 0) return undefined;
    return { reason: 'level 0', kind: 'move', inputs: [{ level: 0, files }], outputLevel: 1 };
  }
}

/** The order of tables by their youngest entries. Those of which that is not known, since LevelDB wrote them, were there before ours. */
function ageOf(file: TableFile): number {
  return file.facts?.maxSequence ?? 0;
}

/** Each behind all that it may lie over. */
function bottomUp(version: Version): Placed[] {
  const all: Placed[] = [];
  for (const [level, files] of version.levels.entries()) {
    for (const file of files) all.push({ level, file });
  }
  // Level 0 is newest first.
  return all.reverse();
}

function dropOf(
  dropped: ReadonlyMap<TableFile, number>,
  reason: CompactionReason,
): Compaction | undefined {
  const inputs = inputsOf(dropped);
  const first = inputs[0];
  return first && { reason, kind: 'drop', inputs, outputLevel: first.level };
}
