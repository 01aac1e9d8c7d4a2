/** How many bytes of tables a range of keys takes, without reading the range: files within it count whole, those at its ends as far as their index says. */
import { compareBytes } from '../../bytes/compare.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound } from '../version/version.ts';
import type { Engine } from './engine.ts';

/** From `smallest` on and before `largest`, undefined for no bound. May read indexes, and blocks then. Throws LsmError. */
export function approximateBytes(engine: Engine, smallest: KeyBound, largest: KeyBound): number {
  const { current } = engine.versions;
  let sum = 0;
  for (const [level, files] of current.levels.entries()) {
    for (const file of files) {
      if (smallest !== undefined && orderOfLargest(file, smallest) < 0) continue;
      if (largest !== undefined && orderOfSmallest(file, largest) >= 0) continue;
      sum += bytesWithin(engine, level, file, smallest, largest);
    }
  }
  return sum;
}

function bytesWithin(
  engine: Engine,
  level: number,
  file: TableFile,
  smallest: KeyBound,
  largest: KeyBound,
): number {
  const isWholeBelow = smallest === undefined || orderOfSmallest(file, smallest) >= 0;
  const isWholeAbove = largest === undefined || orderOfLargest(file, largest) < 0;
  if (isWholeBelow && isWholeAbove) return file.sizeBytes;
  const { tables } = engine;
  const table = tables.acquire(file.number, level);
  try {
    const offsetOf = (bound: NonNullable<KeyBound>): number =>
      table.approximateOffsetOf(bound.region, bound.start, bound.end);
    const from = isWholeBelow ? 0 : offsetOf(smallest);
    const to = isWholeAbove ? file.sizeBytes : offsetOf(largest);
    return Math.max(0, to - from);
  } finally {
    tables.release(table);
  }
}

function orderOfSmallest(file: TableFile, bound: NonNullable<KeyBound>): number {
  const { keys, smallestEnd } = file;
  return compareBytes(keys, 0, smallestEnd, bound.region, bound.start, bound.end);
}

function orderOfLargest(file: TableFile, bound: NonNullable<KeyBound>): number {
  const { keys, largestStart, largestEnd } = file;
  return compareBytes(keys, largestStart, largestEnd, bound.region, bound.start, bound.end);
}
