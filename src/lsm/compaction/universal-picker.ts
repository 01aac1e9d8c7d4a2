/**
 * Universal compaction, for trees that are written more than they are read: less is rewritten than by levels, for more places to look into
 * and more room on the disk while it works.
 *
 * The tree is a list of sorted runs, newest first: each table of level 0 is one, and each deeper level. When there are too many, neighbours in that list are
 * merged to one run:
 *
 *   1. all of them, where the newer ones together have become a multiple of the oldest: that much may be overwritten
 *   2. else the newest ones that are not much smaller than the next older one
 *   3. else so many of the newest that the list is short enough afterwards
 *
 * The result goes as deep as it can, right above the next older run, and never to level 0, whose order is that of file numbers: a merge that takes part of level 0
 * takes all that is older in it, and level 1 too where that would leave no level between.
 */
import { LEVELS, MAX_MERGED_RUNS } from '../limits.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';
import {
  bytesOf,
  type Compaction,
  type CompactionInput,
  type CompactionPicker,
  type CompactionReason,
  isAnyCompacting,
  oldestOf,
  type PickContext,
} from './compaction.ts';
import { areDisjoint, boundsOf, withContinued } from './overlap.ts';
import { type TargetSizes, targetBytesOf } from './target-sizes.ts';

export interface UniversalOptions extends TargetSizes {
  /** Runs from which on some are merged. */
  readonly runs: number;
  /** A run joins the merge of newer ones while it is at most this much larger than they are together, in percent. */
  readonly sizeRatio: number;
  /** All runs are merged where the newer ones together have this much of the oldest, in percent. */
  readonly maxSpaceAmplification: number;
}

interface Run {
  readonly level: number;
  readonly files: readonly TableFile[];
  readonly bytes: number;
}

const BOTTOM: number = LEVELS - 1;
/** Files that overlap nothing are moved as they are where they are on average at least this part of what tables there should have. */
const MOVED_PART = 0.25;

export class UniversalPicker implements CompactionPicker {
  readonly #options: UniversalOptions;

  constructor(options: UniversalOptions) {
    this.#options = options;
  }

  pick(version: Version, _context: PickContext): Compaction | undefined {
    const runs = runsOf(version);
    if (runs.length < this.#options.runs || runs.some(({ files }) => isAnyCompacting(files))) {
      return undefined;
    }
    return this.#pickSpace(runs) ?? this.#pickAlike(runs) ?? this.#pickNewest(runs);
  }

  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
  ): Compaction | 'busy' | undefined {
    const inputs = closure(version, smallest, largest);
    const deepest = inputs.at(-1);
    if (deepest === undefined) return undefined;
    if (inputs.length === 1 && deepest.level > 0) return undefined;
    const all = inputs.flatMap(({ files }) => files);
    if (isAnyCompacting(all)) return 'busy';
    return {
      reason: 'manual',
      kind: 'merge',
      inputs,
      outputLevel: Math.max(1, deepest.level),
    };
  }

  dueAt(_version: Version): number {
    return Infinity;
  }

  debtBytes(version: Version): number {
    const runs = runsOf(version);
    if (runs.length < this.#options.runs) return 0;
    return runs.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  targetBytes(level: number): number {
    return targetBytesOf(level, this.#options);
  }

  /** Merges take whole runs, whatever the next older one has. */
  maxOverlapBytes(_level: number): number {
    return Infinity;
  }

  #pickSpace(runs: readonly Run[]): Compaction | undefined {
    const oldest = runs.at(-1)!;
    const newer = runs.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
    if (newer * 100 < oldest.bytes * this.#options.maxSpaceAmplification) return undefined;
    return this.#merge(runs, 0, runs.length, 'space amplification');
  }

  #pickAlike(runs: readonly Run[]): Compaction | undefined {
    for (let from = 0; from < runs.length - 1; from++) {
      let { bytes } = runs[from]!;
      let to = from + 1;
      while (to < runs.length && runs[to]!.bytes * 100 <= bytes * (100 + this.#options.sizeRatio)) {
        bytes += runs[to++]!.bytes;
      }
      if (to - from > 1) return this.#merge(runs, from, to, 'runs');
    }
    return undefined;
  }

  #pickNewest(runs: readonly Run[]): Compaction | undefined {
    return this.#merge(runs, 0, runs.length - this.#options.runs + 2, 'runs');
  }

  /** The runs `[from, to)`, with those that have to come along. */
  #merge(
    runs: readonly Run[],
    from: number,
    to: number,
    reason: CompactionReason,
  ): Compaction | undefined {
    const level0Count = runs.findIndex(({ level }) => level > 0);
    const level0End = level0Count < 0 ? runs.length : level0Count;
    let first = from;
    let end = Math.min(to, runs.length);
    if (first < level0End) {
      end = Math.max(end, level0End);
      first = Math.max(first, level0End - MAX_MERGED_RUNS);
    }
    // Right above the next older run there must be a level.
    while (end < runs.length && runs[end]!.level === 1 && runs[first]!.level === 0) end++;
    const outputLevel = end < runs.length ? runs[end]!.level - 1 : BOTTOM;
    const merged = runs.slice(first, end);
    if (merged.length === 1 && merged[0]!.level === outputLevel) return undefined;
    const files = merged.flatMap((run) => run.files);
    return {
      reason,
      kind: this.#canMove(files, outputLevel) ? 'move' : 'merge',
      inputs: inputsOf(merged),
      outputLevel,
    };
  }

  #canMove(files: readonly TableFile[], outputLevel: number): boolean {
    if (bytesOf(files) < files.length * this.targetBytes(outputLevel) * MOVED_PART) return false;
    const hasDeletions = files.some(({ facts }) => (facts?.deletions ?? 1) > 0);
    return !hasDeletions && areDisjoint(files);
  }
}

/** Newest first. */
function runsOf(version: Version): Run[] {
  const runs: Run[] = version.levels[0]!.map((file) => ({
    level: 0,
    files: [file],
    bytes: file.sizeBytes,
  }));
  for (const level of version.usedLevels) {
    runs.push({ level, files: version.levels[level]!, bytes: version.levelBytes[level]! });
  }
  return runs;
}

/** An input for each level. */
function inputsOf(runs: readonly Run[]): CompactionInput[] {
  const inputs: CompactionInput[] = [];
  const level0 = runs.filter(({ level }) => level === 0).flatMap(({ files }) => files);
  if (level0.length > 0) inputs.push({ level: 0, files: level0 });
  for (const { level, files } of runs) if (level > 0) inputs.push({ level, files });
  return inputs;
}

/**
 * Files of all levels that have any of a range, and those that lie over or under one of them: so that of the keys that are merged no level keeps an older
 * version above the result, or a newer one below it.
 */
function closure(version: Version, smallest: KeyBound, largest: KeyBound): CompactionInput[] {
  let bounds = { smallest, largest };
  for (let count = -1; ;) {
    const inputs = version.levels
      .map((_, level) => {
        const files = version.overlapping(level, bounds.smallest, bounds.largest);
        return { level, files: level > 0 ? withContinued(version, level, files) : oldestOf(files) };
      })
      .filter(({ files }) => files.length > 0);
    const all = inputs.flatMap(({ files }) => files);
    if (all.length === count || all.length === 0) return inputs;
    count = all.length;
    bounds = boundsOf(all);
  }
}
