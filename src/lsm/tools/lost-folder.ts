/**
 * The folder `lost` of a database's directory, where repairs leave what they replaced. A file gets a second name there before what takes its place
 * counts, and loses its first one afterwards: so at no moment is it nowhere.
 */
import { linkOrCopy } from '../../os/copy-file.ts';
import { type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';

export const LOST_FOLDER = 'lost';

const PIECE_BYTES = 256 * 1024;

/** Gives files of the directory second names in the folder, durably; returns these names, from the directory. Throws FileError. */
export async function keepInLost(
  files: FileSystem,
  directory: string,
  names: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const folder = joinPath(directory, LOST_FOLDER);
  files.makeDirectory(folder);
  files.syncDirectory(directory);
  const kept: string[] = [];
  for (const name of names) {
    const from = joinPath(directory, name);
    const free = freeName(files, folder, name, from);
    if (free.isNew) await linkOrCopy(files, from, joinPath(folder, free.name));
    kept.push(joinPath(LOST_FOLDER, free.name));
  }
  files.syncDirectory(folder);
  return kept;
}

/** Writes down in the folder what a repair found and what it gave up, durably; returns the file's name, from the directory. Throws FileError. */
export function writeRecord(
  files: FileSystem,
  directory: string,
  number: number,
  lines: readonly string[],
): string {
  const folder = joinPath(directory, LOST_FOLDER);
  const name = `repair-${String(number).padStart(6, '0')}.txt`;
  files.makeDirectory(folder);
  files.syncDirectory(directory);
  const text = Buffer.from(`${lines.join('\n')}\n`);
  const file = files.open(joinPath(folder, name), 'replace');
  try {
    file.write(text, 0, text.length, 0);
    file.sync();
  } finally {
    file.close();
  }
  files.syncDirectory(folder);
  return joinPath(LOST_FOLDER, name);
}

/** `name`, or with a number behind it if another file has that name there; the very file may be there from a repair that was interrupted. */
function freeName(
  files: FileSystem,
  folder: string,
  name: string,
  original: string,
): { name: string; isNew: boolean } {
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? name : `${name}.${n}`;
    const path = joinPath(folder, candidate);
    if (files.stat(path) === undefined) return { name: candidate, isNew: true };
    if (isSame(files, path, original)) return { name: candidate, isNew: false };
  }
}

function isSame(files: FileSystem, one: string, other: string): boolean {
  if (files.stat(one)?.sizeBytes !== files.stat(other)?.sizeBytes) return false;
  const a = files.open(one, 'read');
  try {
    const b = files.open(other, 'read');
    try {
      return haveSameBytes(a, b);
    } finally {
      b.close();
    }
  } finally {
    a.close();
  }
}

function haveSameBytes(a: OpenFile, b: OpenFile): boolean {
  const left = Buffer.alloc(PIECE_BYTES);
  const right = Buffer.alloc(PIECE_BYTES);
  for (let at = 0; ; at += PIECE_BYTES) {
    const count = a.read(left, 0, PIECE_BYTES, at);
    const other = b.read(right, 0, PIECE_BYTES, at);
    if (count !== other) return false;
    if (left.compare(right, 0, count, 0, count) !== 0) return false;
    if (count < PIECE_BYTES) return true;
  }
}
