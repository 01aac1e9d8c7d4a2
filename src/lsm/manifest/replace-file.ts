/**
 * Small files that are replaced as a whole, CURRENT and KVASIR. A crash at any point leaves the old contents or the new:
 *
 *   1. the new contents go to a temporary file, which is synced
 *   2. the directory is synced: the temporary name, and those of files that the contents name, are on the disk before the next step can be
 *   3. the temporary file is renamed over the old one
 *   4. the directory is synced
 *
 * When a step fails the temporary file is removed and the old contents stay, but for the last: then either may be found after a crash, and
 * what the new contents promise must not be relied on, nor what they replace removed.
 */
import { directoryOf, type FileSystem, type OpenFile } from '../../os/file-system.ts';

/** Throws FileError. */
export function replaceFileSync(
  files: FileSystem,
  path: string,
  temporaryPath: string,
  contents: Uint8Array,
): void {
  const directory = directoryOf(path);
  const file = files.open(temporaryPath, 'replace');
  try {
    file.write(contents, 0, contents.length, 0);
    file.sync();
    file.close();
    files.syncDirectory(directory);
    files.rename(temporaryPath, path);
  } catch (error) {
    abandon(files, file);
    throw error;
  }
  files.syncDirectory(directory);
}

/** The same, syncing beside the event loop. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  temporaryPath: string,
  contents: Uint8Array,
): Promise<void> {
  const directory = directoryOf(path);
  const file = files.open(temporaryPath, 'replace');
  try {
    file.write(contents, 0, contents.length, 0);
    await file.syncAsync();
    file.close();
    await files.syncDirectoryAsync(directory);
    files.rename(temporaryPath, path);
  } catch (error) {
    abandon(files, file);
    throw error;
  }
  await files.syncDirectoryAsync(directory);
}

function abandon(files: FileSystem, file: OpenFile): void {
  try {
    file.close();
    files.unlink(file.path);
  } catch {
    // The next open removes what has a temporary name.
  }
}
