/** What is in a database's directory, by names alone: nothing is opened, LOCK least of all (opening and closing it would end its holder's lock). */
import { FileError, type FileSystem, joinPath } from '../../os/file-system.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { parseFileName, type FileKind } from '../manifest/file-names.ts';

export interface ListedFile {
  readonly name: string;
  /** `other`: none of a database's files, left alone by everybody. */
  readonly kind: FileKind | 'other';
  /** 0 where names of this kind have none. */
  readonly number: number;
  readonly sizeBytes: number;
}

/** In the order of names. Throws LsmError NOT_FOUND, IO_ERROR. */
export function listDirectory(files: FileSystem, directory: string): ListedFile[] {
  let names: string[];
  try {
    names = files.readDirectory(directory);
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'ENOENT') throw fromFileError(error);
    throw new LsmError('NOT_FOUND', 'there is no such directory', { path: directory });
  }
  const listed: ListedFile[] = [];
  for (const name of names) {
    const stat = files.stat(joinPath(directory, name));
    // Removed meanwhile by whoever has the database open.
    if (stat === undefined) continue;
    const file = parseFileName(name);
    const { sizeBytes, isDirectory } = stat;
    const isOther = file === undefined || (isDirectory && file.kind !== 'lock');
    const kind = isOther ? 'other' : file.kind;
    listed.push({ name, kind, number: isOther ? 0 : file.number, sizeBytes });
  }
  return listed;
}

/** Those of a kind, by number. A table that is there under both of its names is there once, under the one that is read. */
export function filesOfKind(listed: readonly ListedFile[], kind: FileKind): ListedFile[] {
  const byNumber = new Map<number, ListedFile>();
  for (const file of listed) {
    if (file.kind !== kind) continue;
    if (!byNumber.has(file.number) || file.name.endsWith('.ldb')) byNumber.set(file.number, file);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}
