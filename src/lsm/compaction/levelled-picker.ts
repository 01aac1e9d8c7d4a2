/**
 * Levelled compaction. A level is due when its score reaches 1, and the highest score goes first:
 *
 *   level 0         files / trigger: every file of it is one more place to look for a key
 *   level 1 to 5    bytes / limit, which is ten times as much for each level as for the one above it
 *
 * From level 0 all files go together (the oldest, where there are very many), with what they overlap in level 1. From a deeper level one file goes: of those next in turn the one that has
 * to rewrite the fewest bytes of the level below for each of its own, deletions counting as bytes that are won. Files that overlap nothing below are
 * moved. When no level is due, a file that is mostly deletions is.
 */
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';
import { compareInternalKeys } from '../internal-key.ts';
import { DELETIONS_REST_SECONDS, LEVELS } from '../limits.ts';
import { Region } from '../../bytes/region.ts';
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
import { belowOf, boundsOf, withContinued } from './overlap.ts';
import { type TargetSizes, targetBytesOf } from './target-sizes.ts';

export interface LevelledOptions extends TargetSizes {
  /** Files of level 0 from which on it is compacted. */
  readonly level0Files: number;
  /** Limit of level 1; each further level has ten times that of the level before. */
  readonly level1Bytes: number;
}

const LEVEL_FACTOR = 10;
/** Candidates that are compared: enough to find a cheap one, few enough to take no time. */
const CANDIDATES = 32;
/** An output may overlap this many target sizes of the level below, and inputs be widened up to this many. */
const OVERLAP_FACTOR = 10;
const WIDEN_FACTOR = 25;
/** A file is mostly deletions from this part on, and worth it from this many. */
const DELETIONS_PART = 0.5;
const DELETIONS_MIN = 64;
/** A compaction that a caller asked for takes at most this many target sizes at once. */
const RANGE_FACTOR = 64;

export class LevelledPicker implements CompactionPicker {
  readonly #options: LevelledOptions;

  constructor(options: LevelledOptions) {
    this.#options = options;
  }

  pick(version: Version, context: PickContext): Compaction | undefined {
    const due: { level: number; score: number }[] = [];
    for (let level = 0; level < LEVELS - 1; level++) {
      const score = this.#score(version, level);
      if (score >= 1) due.push({ level, score });
    }
    due.sort((a, b) => b.score - a.score);
    for (const { level } of due) {
      const picked =
        level === 0
          ? this.pickLevel0(version)
          : this.#pickFile(version, level, context.compactPointer(level));
      if (picked !== undefined) return picked;
    }
    return due.length === 0 ? this.#pickDeletions(version, context.nowSeconds) : undefined;
  }

  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
  ): Compaction | 'busy' | undefined {
    const deepest = version.levels.findLastIndex(
      (_, level) => version.overlapping(level, smallest, largest).length > 0,
    );
    for (let level = 0; level < Math.max(1, deepest); level++) {
      let files = version.overlapping(level, smallest, largest);
      if (files.length === 0) continue;
      if (isAnyCompacting(files)) return 'busy';
      if (level > 0) files = this.#firstOf(version, files, level);
      else files = [...oldestOf(files)];
      return this.#complete(version, level, files, 'manual') ?? 'busy';
    }
    return undefined;
  }

  dueAt(version: Version): number {
    let earliest = Infinity;
    for (let level = 0; level < LEVELS - 1; level++) {
      for (const file of version.levels[level]!) {
        if (isWorthIt(file)) earliest = Math.min(earliest, restEnd(level, file));
      }
    }
    return earliest;
  }

  debtBytes(version: Version): number {
    let debt = 0;
    const level0 = version.levels[0]!;
    if (level0.length >= this.#options.level0Files) {
      debt += version.levelBytes[0]! + version.levelBytes[1]!;
    }
    for (const level of version.usedLevels) {
      if (level === LEVELS - 1) continue;
      const excess = version.levelBytes[level]! - this.#limit(level);
      if (excess > 0) debt += excess * (LEVEL_FACTOR + 1);
    }
    return debt;
  }

  targetBytes(level: number): number {
    return targetBytesOf(level, this.#options);
  }

  maxOverlapBytes(outputLevel: number): number {
    return OVERLAP_FACTOR * this.targetBytes(outputLevel);
  }

  /** The files of level 0, whether or not that is due. */
  pickLevel0(version: Version): Compaction | undefined {
    const files = version.levels[0]!;
    // The order of sequences in level 0 is that of its files: a second compaction of it has to wait.
    if (isAnyCompacting(files)) return undefined;
    const oldest = files.at(-1)!;
    const { smallest, largest } = boundsOf([oldest]);
    const together = version.overlapping(0, smallest, largest);
    const isApart = together.length === 1;
    return this.#complete(version, 0, isApart ? together : oldestOf(files), 'level 0');
  }

  #limit(level: number): number {
    return this.#options.level1Bytes * LEVEL_FACTOR ** (level - 1);
  }

  #score(version: Version, level: number): number {
    const files = version.levels[level]!;
    if (files.length === 0) return 0;
    let bytes = version.levelBytes[level]!;
    let count = files.length;
    // What is on its way down already does not count.
    for (const file of files) {
      if (!file.isCompacting) continue;
      bytes -= file.sizeBytes;
      count--;
    }
    return level === 0 ? count / this.#options.level0Files : bytes / this.#limit(level);
  }

  #pickFile(
    version: Version,
    level: number,
    pointer: Uint8Array | undefined,
  ): Compaction | undefined {
    const files = version.levels[level]!;
    const first = pointer === undefined ? 0 : firstBehind(files, pointer);
    let best: readonly TableFile[] | undefined = undefined;
    let bestCost = Infinity;
    for (let i = 0; i < Math.min(files.length, CANDIDATES); i++) {
      const file = files[(first + i) % files.length]!;
      const together = withContinued(version, level, [file]);
      const below = belowOf(version, level, together);
      if (isAnyCompacting(together) || isAnyCompacting(below)) continue;
      const cost = bytesOf(below) / worth(file);
      if (cost >= bestCost) continue;
      best = together;
      bestCost = cost;
    }
    return best && this.#complete(version, level, best, 'level size');
  }

  #pickDeletions(version: Version, nowSeconds: number): Compaction | undefined {
    const isDue = (level: number, file: TableFile): boolean =>
      isWorthIt(file) && restEnd(level, file) <= nowSeconds;
    if (version.levels[0]!.some((file) => isDue(0, file))) {
      const picked = this.pickLevel0(version);
      if (picked !== undefined) return picked;
    }
    for (let level = 1; level < LEVELS - 1; level++) {
      for (const file of version.levels[level]!) {
        if (!isDue(level, file)) continue;
        const together = withContinued(version, level, [file]);
        const below = belowOf(version, level, together);
        if (isAnyCompacting(together) || isAnyCompacting(below)) continue;
        return this.#complete(version, level, together, 'deletions');
      }
    }
    return undefined;
  }

  /** As many of the files, from the first on, as one job should take. */
  #firstOf(version: Version, files: readonly TableFile[], level: number): TableFile[] {
    const limit = RANGE_FACTOR * this.targetBytes(level);
    let bytes = 0;
    let count = 0;
    while (count < files.length && (count === 0 || bytes < limit))
      bytes += files[count++]!.sizeBytes;
    return withContinued(version, level, files.slice(0, count));
  }

  /** Adds what has to come along from the level below, and what can for nothing from the level itself. */
  #complete(
    version: Version,
    level: number,
    files: readonly TableFile[],
    reason: CompactionReason,
  ): Compaction | undefined {
    let inputs = files;
    const below = belowOf(version, level, inputs);
    if (isAnyCompacting(below)) return undefined;
    const outputLevel = level + 1;
    if (below.length > 0 && level > 0) inputs = this.#widen(version, level, inputs, below);
    const upper: CompactionInput = { level, files: inputs };
    const isMove =
      below.length === 0 &&
      inputs.length === 1 &&
      reason !== 'manual' &&
      reason !== 'deletions' &&
      this.#overlapBelow(version, outputLevel, inputs) <= this.maxOverlapBytes(outputLevel);
    const pointer = level === 0 ? undefined : { level, key: inputs.at(-1)!.largest };
    const lower: CompactionInput[] =
      below.length === 0 ? [] : [{ level: outputLevel, files: below }];
    const kind = isMove ? 'move' : 'merge';
    return { reason, kind, inputs: [upper, ...lower], outputLevel, pointer };
  }

  #overlapBelow(version: Version, level: number, files: readonly TableFile[]): number {
    return level + 1 < LEVELS ? bytesOf(belowOf(version, level, files)) : 0;
  }

  /** More files of the level, where they lie over the same files below. */
  #widen(
    version: Version,
    level: number,
    inputs: readonly TableFile[],
    below: readonly TableFile[],
  ): readonly TableFile[] {
    const { smallest, largest } = boundsOf([...inputs, ...below]);
    const wider = withContinued(version, level, version.overlapping(level, smallest, largest));
    if (wider.length <= inputs.length || isAnyCompacting(wider)) return inputs;
    if (bytesOf(wider) + bytesOf(below) > WIDEN_FACTOR * this.targetBytes(level + 1)) return inputs;
    return belowOf(version, level, wider).length === below.length ? wider : inputs;
  }
}

/** The first file that ends behind an internal key; 0 where none does. */
function firstBehind(files: readonly TableFile[], key: Uint8Array): number {
  const wanted = Region.of(key);
  const at = files.findIndex((file) => {
    const largest = file.largestStart + file.largest.length;
    return compareInternalKeys(file.keys, file.largestStart, largest, wanted, 0, key.length) > 0;
  });
  return Math.max(0, at);
}

/** Bytes of a file, with those that its deletions will win. */
function worth(file: TableFile): number {
  const { entries = 0, deletions = 0 } = file.facts ?? {};
  const part = entries === 0 ? 0 : deletions / entries;
  return Math.max(1, file.sizeBytes) * (1 + 2 * part);
}

/** Whether a file should go down for the sake of what its deletions hide. */
function isWorthIt(file: TableFile): boolean {
  const { entries = 0, deletions = 0, rangeDeletions = 0 } = file.facts ?? {};
  // One range may hide anything.
  if (rangeDeletions > 0) return true;
  return deletions >= DELETIONS_MIN && deletions >= entries * DELETIONS_PART;
}

/** When it may go: one that is merged soon anyway is left alone. */
function restEnd(level: number, { facts }: TableFile): number {
  const isResting = level === 0 || (facts?.rangeDeletions ?? 0) > 0;
  return isResting ? (facts?.writtenSeconds ?? 0) + DELETIONS_REST_SECONDS : 0;
}
