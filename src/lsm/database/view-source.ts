/** All versions that a view has within some bounds, merged in internal order. */
import type { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { Cursor } from '../cursor.ts';
import { LEVELS } from '../limits.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { LevelCursor } from '../version/level-cursor.ts';
import type { TableFile } from '../version/table-file.ts';
import type { View } from './view.ts';

export interface ViewSourceOptions {
  readonly tables: TableCache;
  readonly view: View;
  /** Of the read: it decides which of the retired tables are seen. */
  readonly sequence: number;
  /** User keys, the first included, the second not. */
  readonly lower: GrowingBytes | undefined;
  readonly upper: GrowingBytes | undefined;
  readonly mode: number;
  readonly requests: BlockRequests | undefined;
}

export function viewSource(options: ViewSourceOptions): Cursor {
  const { tables, view, sequence, mode, requests } = options;
  const { version } = view;
  const cursors: Cursor[] = [];
  for (const { memtable } of view.memtables) {
    if (memtable.entries > 0) cursors.push(new MemtableCursor(memtable));
  }
  for (const index of version.level0Indexes) {
    if (!isWithin(index.files[0]!, options)) continue;
    cursors.push(new LevelCursor(index, 0, tables, mode, requests));
  }
  for (const level of version.usedLevels) {
    cursors.push(new LevelCursor(version.indexes[level]!, level, tables, mode, requests));
  }
  for (const batch of view.retired) {
    if (sequence > batch.sequence) continue;
    for (const index of batch.indexes) {
      cursors.push(new LevelCursor(index, LEVELS, tables, mode, requests));
    }
  }
  return cursors.length === 1 ? cursors[0]! : new MergingCursor(cursors);
}

function isWithin(file: TableFile, { lower, upper }: ViewSourceOptions): boolean {
  if (lower !== undefined && file.compareRange(lower.region, 0, lower.length) > 0) return false;
  return upper === undefined || file.compareRange(upper.region, 0, upper.length) >= 0;
}
