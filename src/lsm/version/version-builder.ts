/** Makes the next version of the one before it and an edit. */
import { LsmError } from '../errors.ts';
import { LEVELS } from '../limits.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { compareSmallest, TableFile } from './table-file.ts';
import { Version } from './version.ts';

/** `path`: of the manifest, for messages. Throws LsmError CORRUPTION where files of a sorted level overlap. */
export function applyEdit(version: Version, edit: VersionEdit, path: string): Version {
  if (edit.newFiles.length === 0 && edit.deletedFiles.length === 0) return version;
  const levels = version.levels.map((files) => [...files]);
  const removed = new Map<number, TableFile>();
  for (const { level, number } of edit.deletedFiles) {
    const files = levels[level]!;
    const at = files.findIndex((file) => file.number === number);
    if (at < 0) continue;
    removed.set(number, files[at]!);
    files.splice(at, 1);
  }
  const changed = new Set<number>();
  for (const added of edit.newFiles) {
    levels[added.level]!.push(removed.get(added.number) ?? new TableFile(added));
    changed.add(added.level);
  }
  for (const level of changed) sortLevel(levels[level]!, level);
  return checked(new Version(levels), path);
}

/** The version that a manifest ended in. */
export function versionOf(files: Iterable<VersionEdit['newFiles'][number]>, path: string): Version {
  const levels: TableFile[][] = Array.from({ length: LEVELS }, () => []);
  for (const file of files) levels[file.level]!.push(new TableFile(file));
  for (const [level, list] of levels.entries()) sortLevel(list, level);
  return checked(new Version(levels), path);
}

function sortLevel(files: TableFile[], level: number): void {
  if (level === 0) files.sort((a, b) => b.number - a.number);
  else files.sort(compareSmallest);
}

function checked(version: Version, path: string): Version {
  try {
    version.checkInvariants();
  } catch (error) {
    throw new LsmError('CORRUPTION', (error as Error).message, { path });
  }
  return version;
}
