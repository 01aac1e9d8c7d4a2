/** Which files have to come along in a merge: every version of a key that one of them has, in the levels that are merged. */
import { compareBytes } from '../../bytes/compare.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';

/** The smallest and the largest user key of files, of which there must be one. */
export function boundsOf(files: readonly TableFile[]): { smallest: KeyBound; largest: KeyBound } {
  let low = files[0]!;
  let high = files[0]!;
  for (const file of files) {
    if (compareBytes(file.keys, 0, file.smallestEnd, low.keys, 0, low.smallestEnd) < 0) low = file;
    const order = compareLargest(file, high);
    if (order > 0 || (order === 0 && high.isLargestExclusive)) high = file;
  }
  return {
    smallest: { region: low.keys, start: 0, end: low.smallestEnd },
    largest: {
      region: high.keys,
      start: high.largestStart,
      end: high.largestEnd,
      isExclusive: high.isLargestExclusive,
    },
  };
}

function compareLargest(a: TableFile, b: TableFile): number {
  return compareBytes(a.keys, a.largestStart, a.largestEnd, b.keys, b.largestStart, b.largestEnd);
}

/** With neighbours that have further versions of the same user keys, in either direction. */
export function withContinued(
  version: Version,
  level: number,
  files: readonly TableFile[],
): TableFile[] {
  if (level === 0 || files.length === 0) return [...files];
  const { smallest, largest } = boundsOf(files);
  let found = version.overlapping(level, smallest, largest);
  for (let count = files.length; found.length > count;) {
    count = found.length;
    const wider = boundsOf(found);
    found = version.overlapping(level, wider.smallest, wider.largest);
  }
  return found;
}

/** Files of the next level that the files of a level overlap. */
export function belowOf(
  version: Version,
  level: number,
  files: readonly TableFile[],
): readonly TableFile[] {
  const { smallest, largest } = boundsOf(files);
  return withContinued(version, level + 1, version.overlapping(level + 1, smallest, largest));
}

/** Whether no two of the files have a key in common. */
export function areDisjoint(files: readonly TableFile[]): boolean {
  const sorted = [...files].sort((a, b) =>
    compareBytes(a.keys, 0, a.smallestEnd, b.keys, 0, b.smallestEnd),
  );
  return sorted.every((file, i) => i === 0 || !file.overlaps(sorted[i - 1]!));
}
