/**
 * A version: the tables of each level at one moment. It never changes; a flush or compaction makes a new one. Who reads tables holds a reference
 * on a version, so that its files stay.
 *
 *   level 0      newest first, by file number, which follows the order of sequences; ranges overlap
 *   levels 1-6   ascending, ranges of internal keys disjoint; what level n has of a key is newer than what level n + 1 has
 */
import { compareBytes } from '../../bytes/compare.ts';
import type { Region } from '../../bytes/region.ts';
import { LEVELS } from '../limits.ts';
import { LevelIndex } from './level-index.ts';
import { compareSmallest, compareSmallestToLargest, type TableFile } from './table-file.ts';

export class Version {
  readonly levels: readonly (readonly TableFile[])[];
  /** By level; that of level 0 is empty. */
  readonly indexes: readonly LevelIndex[];
  /** One for each file of level 0, newest first. */
  readonly level0Indexes: readonly LevelIndex[];
  /** Bytes of each level's files. */
  readonly levelBytes: readonly number[];
  /** Levels that have files, level 0 apart, ascending. */
  readonly usedLevels: readonly number[];
  references = 0;
  #withRanges: readonly (readonly TableFile[])[] | undefined = undefined;

  /** `levels`: as many as LEVELS, in the order that the class tells. */
  constructor(levels: readonly (readonly TableFile[])[]) {
    this.levels = levels;
    this.indexes = levels.map((files, level) => new LevelIndex(level === 0 ? [] : files));
    this.level0Indexes = levels[0]!.map((file) => new LevelIndex([file]));
    this.levelBytes = levels.map(bytesOf);
    this.usedLevels = levels.flatMap((files, level) =>
      level > 0 && files.length > 0 ? [level] : [],
    );
  }

  static empty(): Version {
    return new Version(Array.from({ length: LEVELS }, () => []));
  }

  get fileCount(): number {
    return this.levels.reduce((sum, files) => sum + files.length, 0);
  }

  get sizeBytes(): number {
    return this.levelBytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** By level, the files that have range tombstones, or may have some. */
  get withRanges(): readonly (readonly TableFile[])[] {
    this.#withRanges ??= this.levels.map((files) => files.filter((file) => file.mayHaveRanges));
    return this.#withRanges;
  }

  /**
   * Files of a level whose user keys lie in `[smallest, largest]`, both inclusive, undefined for no bound; with neighbours that continue the
   * same user key, so that all versions of a key are among them or none is.
   */
  overlapping(level: number, smallest: KeyBound, largest: KeyBound): TableFile[] {
    if (level === 0) return this.#overlappingLevel0(smallest, largest);
    const files = this.levels[level]!;
    const index = this.indexes[level]!;
    let from =
      smallest === undefined ? 0 : index.find(smallest.region, smallest.start, smallest.end);
    while (from > 0 && index.isContinued(from - 1)) from--;
    let to = from;
    while (to < files.length && !isBehind(files[to]!, largest)) to++;
    while (to > from && to < files.length && index.isContinued(to - 1)) to++;
    return files.slice(from, to);
  }

  /** In level 0 a file that overlaps one of those found must come too, until none does. */
  #overlappingLevel0(smallest: KeyBound, largest: KeyBound): TableFile[] {
    const found = new Set<TableFile>();
    for (const file of this.levels[0]!) {
      if (!isBehind(file, largest) && !isBefore(file, smallest)) found.add(file);
    }
    for (let size = -1; size !== found.size;) {
      size = found.size;
      for (const file of this.levels[0]!) {
        if (!found.has(file) && [...found].some((other) => other.overlaps(file))) found.add(file);
      }
    }
    return this.levels[0]!.filter((file) => found.has(file));
  }

  /** Throws where order or ranges are not as the class tells. */
  checkInvariants(): void {
    const numbers = new Set<number>();
    for (const [level, files] of this.levels.entries()) {
      for (const [i, file] of files.entries()) {
        const where = `file ${file.number} of level ${level}`;
        if (numbers.has(file.number)) throw new Error(`${where} is there twice`);
        numbers.add(file.number);
        if (compareSmallestToLargest(file, file) > 0)
          throw new Error(`${where} ends before it begins`);
        const before = files[i - 1];
        if (before === undefined) continue;
        if (level === 0 && before.number <= file.number)
          throw new Error(`${where} is out of order`);
        if (level > 0 && compareSmallest(before, file) >= 0)
          throw new Error(`${where} is out of order`);
        if (level > 0 && compareSmallestToLargest(file, before) < 0)
          throw new Error(`${where} overlaps`);
      }
    }
  }
}

/** A user key that bounds a range, or no bound. */
export type KeyBound =
  | {
      readonly region: Region;
      readonly start: number;
      readonly end: number;
      /** Of an upper bound: the range ends before it. */
      readonly isExclusive?: boolean;
    }
  | undefined;

function isBefore(file: TableFile, smallest: KeyBound): boolean {
  if (smallest === undefined) return false;
  return file.compareRange(smallest.region, smallest.start, smallest.end) > 0;
}

function isBehind(file: TableFile, largest: KeyBound): boolean {
  if (largest === undefined) return false;
  const { region, start, end, isExclusive = false } = largest;
  const order = compareBytes(file.keys, 0, file.smallestEnd, region, start, end);
  return order > 0 || (order === 0 && isExclusive);
}

function bytesOf(files: readonly TableFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}
