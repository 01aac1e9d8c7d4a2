/** Removes a database, and its directory where nothing else is in it. */
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import type { EngineSystem } from '../../lsm/database/options.ts';
import { fromFileError, LsmError } from '../../lsm/errors.ts';
import { CURRENT_FILE, LOCK_FILE, parseFileName } from '../../lsm/manifest/file-names.ts';

/** No error where there is none. Rejects with LsmError LOCKED, IO_ERROR. */
export async function destroyDatabase(directory: string, system: EngineSystem): Promise<void> {
  const { files, lockDatabase } = system;
  try {
    if (files.stat(directory)?.isDirectory !== true) return;
    const names = files.readDirectory(directory).filter((name) => parseFileName(name));
    if (names.length === 0) return;
    const lock = await lockDatabase(directory);
    try {
      removeAll(files, directory, names);
    } finally {
      await lock.release();
    }
    files.unlink(joinPath(directory, LOCK_FILE));
    if (files.readDirectory(directory).length === 0) files.removeDirectory(directory);
  } catch (error) {
    if (!(error instanceof DirectoryLockedError)) throw fromFileError(error);
    throw new LsmError('LOCKED', error.message, { path: directory, cause: error });
  }
}

/** CURRENT goes first: what a crash leaves is no database any more. */
function removeAll(files: FileSystem, directory: string, names: readonly string[]): void {
  const rest = names.filter((name) => name !== CURRENT_FILE && name !== LOCK_FILE);
  const current = names.includes(CURRENT_FILE) ? [CURRENT_FILE] : [];
  for (const name of [...current, ...rest]) files.unlink(joinPath(directory, name));
}
