/** CURRENT: one line that names the manifest that counts. Replacing it is the one step that makes another manifest count. */
import { FileError, joinPath, readSmallFile, type FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { MAX_CURRENT_BYTES } from '../limits.ts';
import { CURRENT_FILE, manifestFileName, parseCurrent, temporaryFileName } from './file-names.ts';
import { replaceFile, replaceFileSync } from './replace-file.ts';

/** The number of the manifest that counts, undefined where there is no CURRENT. Throws FileError, LsmError CORRUPTION. */
export function readCurrent(files: FileSystem, directory: string): number | undefined {
  const path = joinPath(directory, CURRENT_FILE);
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(files, path, MAX_CURRENT_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'ENOENT') return undefined;
    if (error.code !== 'EFBIG') throw error;
    throw new LsmError('CORRUPTION', 'is larger than any CURRENT', { path, cause: error });
  }
  return parseCurrent(Buffer.from(bytes).toString('latin1'), path);
}

/** Makes the manifest `number`, which is synced, the one that counts (replace-file.ts). Throws FileError. */
export function setCurrent(files: FileSystem, directory: string, number: number): Promise<void> {
  return replaceFile(files, ...place(directory, number));
}

/** The same, blocking. */
export function setCurrentSync(files: FileSystem, directory: string, number: number): void {
  replaceFileSync(files, ...place(directory, number));
}

function place(directory: string, number: number): [string, string, Uint8Array] {
  return [
    joinPath(directory, CURRENT_FILE),
    joinPath(directory, temporaryFileName(number)),
    Buffer.from(`${manifestFileName(number)}\n`, 'latin1'),
  ];
}
