/**
 * Rewrites of tables that no level, and no run, asks for: for the sake of what is in them. One table at a time, and only where nothing else is due.
 *
 *   age       a table that was written long ago: entries that have expired, and those that a filter drops, are gone from the disk some time, wherever they lie
 *   hidden    a table with much that nobody sees any more: versions that a snapshot kept from being dropped, and deletions in the lowest level, which hide nothing
 *
 * A table that nothing lies below is written anew in its level; another one is brought down, as for a caller who wants its range compacted.
 */
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';
import { HIDDEN_REST_SECONDS, LEVELS } from '../limits.ts';
import {
  type Compaction,
  type CompactionPicker,
  type CompactionReason,
  isAnyCompacting,
} from './compaction.ts';
import { boundsOf, withContinued } from './overlap.ts';

export interface RewriteContext {
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** A table that was written before is due; Infinity for never. */
  readonly maxAgeSeconds: number;
  /** The lowest sequence that somebody reads at; Infinity where nobody reads an older moment. */
  readonly oldestSnapshot: number;
}

/** Much: this part of the entries, and so many at least. */
const HIDDEN_PART = 0.25;
const HIDDEN_MIN = 64;

export class RewritePicker {
  readonly #picker: CompactionPicker;
  /** Whether something would be rewritten if no snapshot were in the way. */
  awaitsSnapshots = false;

  constructor(picker: CompactionPicker) {
    this.#picker = picker;
  }

  /** undefined where nothing is due. */
  pick(version: Version, context: RewriteContext): Compaction | undefined {
    this.awaitsSnapshots = false;
    for (let level = LEVELS - 1; level >= 0; level--) {
      for (const file of version.levels[level]!) {
        const picked = this.#pickFile(version, level, file, context);
        if (picked !== undefined) return picked;
      }
    }
    return undefined;
  }

  /**
   * The next table of a range that is to be written anew in its level, which a caller wants cleared of what nobody sees: tables with numbers from `beforeNumber` on were
   * written since he asked. `isWorthIt`: whether one may have anything to be dropped. 'busy' where other work has to end first.
   */
  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
    beforeNumber: number,
    isWorthIt: (file: TableFile) => boolean,
  ): Compaction | 'busy' | undefined {
    let isBusy = false;
    for (let level = 1; level < LEVELS; level++) {
      for (const file of version.overlapping(level, smallest, largest)) {
        if (file.number >= beforeNumber || !isWorthIt(file) || !isLowest(version, level, file)) {
          continue;
        }
        const picked = rewriteOf(version, level, file, 'manual');
        if (picked !== undefined) return picked;
        isBusy = true;
      }
    }
    return isBusy ? 'busy' : undefined;
  }

  /** When something will be due, in seconds since 1970; Infinity for never. */
  dueAt(version: Version, { maxAgeSeconds, oldestSnapshot }: RewriteContext): number {
    let earliest = Infinity;
    for (const [level, files] of version.levels.entries()) {
      for (const file of files) {
        const writtenSeconds = file.facts?.writtenSeconds ?? 0;
        if (writtenSeconds === 0) continue;
        earliest = Math.min(earliest, writtenSeconds + maxAgeSeconds);
        const isHidden = level > 0 && hidesMuch(file) && !isSeen(file, oldestSnapshot);
        if (!isHidden || !isLowest(version, level, file)) continue;
        earliest = Math.min(earliest, writtenSeconds + HIDDEN_REST_SECONDS);
      }
    }
    return earliest;
  }

  #pickFile(
    version: Version,
    level: number,
    file: TableFile,
    { nowSeconds, maxAgeSeconds, oldestSnapshot }: RewriteContext,
  ): Compaction | undefined {
    const writtenSeconds = file.facts?.writtenSeconds ?? 0;
    if (writtenSeconds === 0) return undefined;
    const isOld = writtenSeconds + maxAgeSeconds <= nowSeconds;
    const hides = hidesMuch(file);
    if (!isOld && !hides) return undefined;
    if (level > 0 && isLowest(version, level, file)) {
      if (isOld) return rewriteOf(version, level, file, 'age');
      const isWaiting = isSeen(file, oldestSnapshot);
      if (isWaiting) this.awaitsSnapshots = true;
      const isDue = !isWaiting && writtenSeconds + HIDDEN_REST_SECONDS <= nowSeconds;
      return isDue ? rewriteOf(version, level, file, 'hidden') : undefined;
    }
    if (!isOld) return undefined;
    const { smallest, largest } = boundsOf([file]);
    const picked = this.#picker.pickRange(version, smallest, largest);
    return picked === 'busy' || picked === undefined ? undefined : { ...picked, reason: 'age' };
  }
}

/** Whether much of a table is hidden, or hides nothing if the table is a lowest one. */
function hidesMuch({ facts }: TableFile): boolean {
  const { entries = 0, deletions = 0, hiddenVersions = 0 } = facts ?? {};
  const hidden = hiddenVersions + deletions;
  return hidden >= HIDDEN_MIN && hidden >= entries * HIDDEN_PART;
}

/** Whether a reader of an older moment may see what is hidden. */
function isSeen({ facts }: TableFile, oldestSnapshot: number): boolean {
  return oldestSnapshot < (facts?.maxSequence ?? Infinity);
}

/** Whether nothing of its range lies below. */
function isLowest(version: Version, level: number, file: TableFile): boolean {
  const { smallest, largest } = boundsOf([file]);
  for (let below = level + 1; below < LEVELS; below++) {
    if (version.overlapping(below, smallest, largest).length > 0) return false;
  }
  return true;
}

/** The table, and neighbours that share a key with it, in their level; undefined where one of them is being compacted. */
function rewriteOf(
  version: Version,
  level: number,
  file: TableFile,
  reason: CompactionReason,
): Compaction | undefined {
  const files = withContinued(version, level, [file]);
  if (isAnyCompacting(files)) return undefined;
  return { reason, kind: 'merge', inputs: [{ level, files }], outputLevel: level };
}
