/** Tables that can be dropped whole, since they lie over none that stay. */
import type { TableFile } from '../version/table-file.ts';
import type { Version } from '../version/version.ts';
import type { CompactionInput } from './compaction.ts';
import { boundsOf } from './overlap.ts';

export interface Placed {
  readonly level: number;
  readonly file: TableFile;
}

/** Whether the table lies over none but those that are dropped already, and nobody works with it. */
export function isFree(
  version: Version,
  { level, file }: Placed,
  dropped: ReadonlyMap<TableFile, number>,
): boolean {
  if (file.isCompacting) return false;
  if (level === 0) {
    for (const other of version.levels[0]!) {
      if (other.number < file.number && other.overlaps(file) && !dropped.has(other)) return false;
    }
  }
  const { smallest, largest } = boundsOf([file]);
  return version.usedLevels.every(
    (deeper) =>
      deeper <= level ||
      version.overlapping(deeper, smallest, largest).every((other) => dropped.has(other)),
  );
}

/** The tables, given with their levels, as inputs of a drop. */
export function inputsOf(dropped: ReadonlyMap<TableFile, number>): CompactionInput[] {
  const byLevel = new Map<number, TableFile[]>();
  for (const [file, level] of dropped) byLevel.set(level, [...(byLevel.get(level) ?? []), file]);
  return [...byLevel].map(([level, files]): CompactionInput => ({ level, files }));
}
