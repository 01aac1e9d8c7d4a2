/**
 * Where an ingested table goes: to the lowest level at which neither that level nor any above it has anything in its range, so that what it hides lies below it;
 * to level 0 where that has. The level that a compaction under way writes to is passed over if what comes of that may lie around the table.
 */
import type { Compaction } from '../compaction/compaction.ts';
import { LEVELS } from '../limits.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';

/** `running`: compactions whose outputs are not in the version yet. */
export function levelFor(
  version: Version,
  running: readonly Compaction[],
  file: Pick<NewFile, 'smallest' | 'largest'>,
): number {
  const table = new TableFile({ ...file, level: 0, number: 0, sizeBytes: 0 });
  const { keys, smallestEnd, largestStart, largestEnd } = table;
  const smallest: KeyBound = { region: keys, start: 0, end: smallestEnd };
  const largest: KeyBound = { region: keys, start: largestStart, end: largestEnd };
  let found = 0;
  for (let level = 0; level < LEVELS; level++) {
    if (version.overlapping(level, smallest, largest).length > 0) break;
    if (!running.some((compaction) => mayBeAround(compaction, level, table))) found = level;
  }
  return found;
}

/** Whether an output of the compaction at this level may begin before the table's end and end behind its beginning. */
function mayBeAround(compaction: Compaction, level: number, table: TableFile): boolean {
  if (compaction.outputLevel !== level) return false;
  const inputs = compaction.inputs.flatMap(({ files }) => files);
  const isBefore = (file: TableFile): boolean =>
    table.compareRange(file.keys, file.largestStart, file.largestEnd) < 0;
  const isBehind = (file: TableFile): boolean =>
    table.compareRange(file.keys, 0, file.smallestEnd) > 0;
  return !inputs.every(isBefore) && !inputs.every(isBehind);
}
