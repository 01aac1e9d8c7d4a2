/** Checks tables against what the manifest says of them, and against each other. */
import { Region } from '../../bytes/region.ts';
import { compareBytes } from '../../bytes/compare.ts';
import { TRAILER_BYTES } from '../internal-key.ts';
import type { ManifestState } from '../manifest/manifest-state.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { internalKeyText } from './bytes-text.ts';
import { compareKeys } from './table-meta-check.ts';
import type { Report } from './problem.ts';
import type { TableContents } from './table-contents.ts';

/** A table of the version, and what was found in it; undefined where it could not be read at all. */
export interface CheckedFile {
  readonly file: NewFile;
  readonly name: string;
  readonly contents: TableContents | undefined;
}

/** What a table's entries tell. */
const FACTS = ['minSequence', 'maxSequence', 'entries', 'deletions', 'rangeDeletions'] as const;

/** Whether the manifest tells the truth about a table. */
export function compareWithManifest(
  { file, name, contents }: CheckedFile,
  state: ManifestState,
  report: Report,
): void {
  if (contents === undefined) return;
  const problem = (text: string, expected: string | number, found: string | number): void =>
    report({ file: name, code: 'CORRUPTION', problem: text, expected, found });
  if (contents.sizeBytes !== file.sizeBytes) {
    problem('the table is not as long as the manifest says', file.sizeBytes, contents.sizeBytes);
  }
  if (contents.formatLevel > state.formatLevel) {
    problem("a table above the directory's format level", state.formatLevel, contents.formatLevel);
  }
  if (contents.maxSequence > state.lastSequence) {
    const text = "a sequence beyond the manifest's last: new writes would take it again";
    problem(text, `at most ${state.lastSequence}`, contents.maxSequence);
  }
  if (!contents.isWhole) return;
  for (const end of ['smallest', 'largest'] as const) {
    if (Buffer.compare(file[end], contents[end]) === 0) continue;
    const text = `the manifest is wrong about the table's ${end} key`;
    problem(text, internalKeyText(contents[end]), internalKeyText(file[end]));
  }
  for (const fact of FACTS) {
    const value = file.facts?.[fact];
    if (value !== undefined && value !== contents[fact]) {
      problem(`the manifest is wrong about the table's ${fact}`, contents[fact], value);
    }
  }
}

/** Sorted levels are sorted and disjoint; newer files of level 0 have newer entries, since reads end at the first that has a key. */
export function checkLevels(checked: readonly CheckedFile[], report: Report): void {
  const levels = new Map<number, CheckedFile[]>();
  for (const one of checked) {
    const { file, name } = one;
    if (compareKeys(file.smallest, file.largest) > 0) {
      const problem = 'the manifest has a range of keys that ends before it begins';
      const found = `${internalKeyText(file.smallest)} to ${internalKeyText(file.largest)}`;
      report({ file: name, code: 'CORRUPTION', problem, found });
    }
    levels.set(file.level, [...(levels.get(file.level) ?? []), one]);
  }
  for (const [level, files] of levels) {
    if (level === 0) checkLevel0(files, report);
    else checkSortedLevel(level, files, report);
  }
}

function checkSortedLevel(level: number, files: CheckedFile[], report: Report): void {
  files.sort((a, b) => compareKeys(a.file.smallest, b.file.smallest));
  // A wide file may overlap several that follow.
  let furthest = files[0]!;
  for (const next of files.slice(1)) {
    if (compareKeys(furthest.file.largest, next.file.smallest) >= 0) {
      const problem = `the table overlaps ${furthest.name} in level ${level}`;
      const expected = `from behind ${internalKeyText(furthest.file.largest)} on`;
      const found = internalKeyText(next.file.smallest);
      report({ file: next.name, code: 'CORRUPTION', problem, expected, found });
    }
    if (compareKeys(furthest.file.largest, next.file.largest) < 0) furthest = next;
  }
}

function checkLevel0(files: CheckedFile[], report: Report): void {
  files.sort((a, b) => a.file.number - b.file.number);
  for (const [i, newer] of files.entries()) {
    for (const older of files.slice(0, i)) {
      if (newer.contents === undefined || older.contents === undefined) continue;
      if (newer.contents.minSequence > older.contents.maxSequence) continue;
      if (newer.contents.entries === 0 || older.contents.entries === 0) continue;
      if (!userKeysOverlap(newer.file, older.file)) continue;
      const problem = `the table has entries older than those of ${older.name}, whose number is lower: reads may find the wrong version`;
      const expected = `sequences above ${older.contents.maxSequence}`;
      const found = newer.contents.minSequence;
      report({ file: newer.name, code: 'CORRUPTION', problem, expected, found });
    }
  }
}

/** Whether two tables may have a user key in common. */
export function userKeysOverlap(
  a: Pick<NewFile, 'smallest' | 'largest'>,
  b: Pick<NewFile, 'smallest' | 'largest'>,
): boolean {
  return compareUserKeys(a.smallest, b.largest) <= 0 && compareUserKeys(b.smallest, a.largest) <= 0;
}

/** The order of the user keys of two internal keys. */
export function compareUserKeys(a: Uint8Array, b: Uint8Array): number {
  const aEnd = a.length - TRAILER_BYTES;
  const bEnd = b.length - TRAILER_BYTES;
  return compareBytes(Region.of(a), 0, aEnd, Region.of(b), 0, bEnd);
}
