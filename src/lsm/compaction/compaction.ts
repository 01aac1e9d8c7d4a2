/** What a picker decides: which files are merged into which level. */
import type { CompactPointer } from '../manifest/version-edit.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';

export type CompactionReason = 'level 0' | 'level size' | 'deletions' | 'manual';

export interface CompactionInput {
  readonly level: number;
  readonly files: readonly TableFile[];
}

export interface Compaction {
  readonly reason: CompactionReason;
  readonly inputs: readonly CompactionInput[];
  readonly outputLevel: number;
  /** The files can stay as they are: the edit alone moves them. */
  readonly isMove: boolean;
  /** Where the next compaction of the input level begins. */
  readonly pointer?: CompactPointer | undefined;
}

/** When to compact what: by levels, or (later) universal or FIFO. */
export interface CompactionPicker {
  /** The most urgent work that does not touch files that are being compacted; undefined where nothing is due. */
  pick(
    version: Version,
    compactPointer: (level: number) => Uint8Array | undefined,
  ): Compaction | undefined;
  /**
   * The next piece of work that brings a range one level down; 'busy' where other work has to end first; undefined where it is done. A caller asks again
   * after each.
   */
  pickRange(
    version: Version,
    smallest: KeyBound,
    largest: KeyBound,
  ): Compaction | 'busy' | undefined;
  /** Bytes that have to be rewritten before nothing is due any more, roughly. */
  debtBytes(version: Version): number;
  /** An output of this level is ended behind so many bytes. */
  targetBytes(level: number): number;
}

export function bytesOf(files: readonly TableFile[]): number {
  let sum = 0;
  for (const file of files) sum += file.sizeBytes;
  return sum;
}

export function isAnyCompacting(files: readonly TableFile[]): boolean {
  return files.some((file) => file.isCompacting);
}
