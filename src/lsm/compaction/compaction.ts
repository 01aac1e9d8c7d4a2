/** What a picker decides: which files are merged into which level. */
import { MAX_MERGED_RUNS } from '../limits.ts';
import type { CompactPointer } from '../manifest/version-edit.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';

export type CompactionReason =
  | 'level 0'
  | 'level size'
  | 'runs'
  | 'space amplification'
  | 'deletions'
  | 'manual'
  | 'age'
  | 'hidden'
  | 'too old'
  | 'too much';

export interface CompactionInput {
  readonly level: number;
  readonly files: readonly TableFile[];
}

export interface Compaction {
  readonly reason: CompactionReason;
  /** `merge`: the files are rewritten. `move`: they stay as they are, in another level. `drop`: they go, with all that is in them. */
  readonly kind: 'merge' | 'move' | 'drop';
  readonly inputs: readonly CompactionInput[];
  /** Of a drop: that of its first input. */
  readonly outputLevel: number;
  /** Where the next compaction of the input level begins. */
  readonly pointer?: CompactPointer | undefined;
}

/** What a picker goes by besides the tables. */
export interface PickContext {
  readonly compactPointer: (level: number) => Uint8Array | undefined;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

/** When to compact what: by levels (levelled-picker.ts), by runs (universal-picker.ts), or not at all (fifo-picker.ts). */
export interface CompactionPicker {
  /** The most urgent work that does not touch files that are being compacted; undefined where nothing is due. */
  pick(version: Version, context: PickContext): Compaction | undefined;
  /**
   * The next piece of work that brings a range one level down; 'busy' where other work has to end first; undefined where it is done. A caller asks again
   * after each.
   */
  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
  ): Compaction | 'busy' | undefined;
  /** When something will be due only because time has passed, in seconds since 1970; Infinity for never. */
  dueAt(version: Version): number;
  /** Bytes that have to be rewritten before nothing is due any more, roughly. */
  debtBytes(version: Version): number;
  /** An output of this level is ended behind so many bytes, ... */
  targetBytes(level: number): number;
  /** ... or where it overlaps more than so many of the level below. */
  maxOverlapBytes(level: number): number;
}

export function bytesOf(files: readonly TableFile[]): number {
  let sum = 0;
  for (const file of files) sum += file.sizeBytes;
  return sum;
}

export function isAnyCompacting(files: readonly TableFile[]): boolean {
  return files.some((file) => file.isCompacting);
}

/** As many files of level 0 as one merge takes, the oldest: what is merged must be older than what stays. */
export function oldestOf(level0: readonly TableFile[]): readonly TableFile[] {
  return level0.slice(-MAX_MERGED_RUNS);
}
