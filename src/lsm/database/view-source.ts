/**
 * All versions that a view has within some bounds, merged in internal order, without what range tombstones delete.
 *
 * The view's runs are newest first: memtables, tables of level 0, levels, retired tables. A run is masked by its own range tombstones and those of the runs
 * before it.
 */
import type { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { Cursor } from '../cursor.ts';
import { LEVELS } from '../limits.ts';
import { MaskedCursor } from '../masked-cursor.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { RangeMask, type RunRanges, WholeRun } from '../range-mask.ts';
import { LevelCursor } from '../version/level-cursor.ts';
import { PrefixRange } from '../version/prefix-range.ts';
import { LevelRanges } from '../version/level-ranges.ts';
import type { LevelIndex } from '../version/level-index.ts';
import type { TableFile } from '../version/table-file.ts';
import type { View } from './view.ts';

export interface ViewSourceOptions {
  readonly tables: TableCache;
  readonly view: View;
  /** Of the read: it decides which range tombstones count, and which of the retired tables are seen. */
  readonly sequence: number;
  /** User keys, the first included, the second not. */
  readonly lower: GrowingBytes | undefined;
  readonly upper: GrowingBytes | undefined;
  readonly mode: number;
  readonly requests: BlockRequests | undefined;
  /** Tables of format level 1 have no range tombstones. */
  readonly formatLevel: number;
}

export function viewSource(options: ViewSourceOptions): Cursor {
  const runs = new Runs(options);
  const { view, sequence } = options;
  const { version } = view;
  for (const { memtable } of view.memtables) {
    if (memtable.entries === 0) continue;
    const ranges = memtable.ranges?.at(sequence);
    runs.add(new MemtableCursor(memtable), ranges && new WholeRun(ranges));
  }
  for (const index of version.level0Indexes) runs.addTable(index, 0);
  for (const level of version.usedLevels) {
    runs.addTables(version.indexes[level]!, level, version.withRanges[level]!);
  }
  for (const batch of view.retired) {
    if (sequence > batch.sequence) continue;
    for (const index of batch.indexes) runs.addTables(index, LEVELS, index.files);
  }
  return runs.merged();
}

class Runs {
  readonly #options: ViewSourceOptions;
  readonly #range: PrefixRange | undefined;
  readonly #cursors: Cursor[] = [];
  /** Of the runs so far. */
  #ranges: readonly RunRanges[] = [];

  constructor(options: ViewSourceOptions) {
    const { lower, upper } = options;
    this.#options = options;
    this.#range = lower && upper && new PrefixRange(lower, upper);
  }

  /** A run that is older than all before. */
  add(cursor: Cursor, ranges: RunRanges | undefined): void {
    const newer = this.#ranges.length;
    if (ranges !== undefined) this.#ranges = [...this.#ranges, ranges];
    if (this.#ranges.length === 0) this.#cursors.push(cursor);
    else {
      const mask = new RangeMask(this.#ranges, this.#options.sequence);
      this.#cursors.push(new MaskedCursor(cursor, mask, newer));
    }
  }

  /** A table that may overlap others of its level. */
  addTable(index: LevelIndex, level: number): void {
    const file = index.files[0]!;
    if (!isWithin(file, this.#options)) return;
    this.addTables(index, level, file.mayHaveRanges ? index.files : NONE);
  }

  /** `withRanges`: those that may have range tombstones. */
  addTables(index: LevelIndex, level: number, withRanges: readonly TableFile[]): void {
    const { tables, mode, requests, formatLevel } = this.#options;
    const files =
      formatLevel === 1 ? NONE : withRanges.filter((file) => isWithin(file, this.#options));
    const ranges = files.length === 0 ? undefined : new LevelRanges(files, level, tables);
    this.add(new LevelCursor(index, level, tables, mode, requests, this.#range), ranges);
  }

  merged(): Cursor {
    const cursors = this.#cursors;
    return cursors.length === 1 ? cursors[0]! : new MergingCursor(cursors);
  }
}

const NONE: readonly TableFile[] = [];

function isWithin(file: TableFile, { lower, upper }: ViewSourceOptions): boolean {
  if (lower !== undefined && file.compareRange(lower.region, 0, lower.length) > 0) return false;
  return upper === undefined || file.compareRange(upper.region, 0, upper.length) >= 0;
}
