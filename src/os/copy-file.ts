/** Second copies of files: by another name where the file system has hard links, else by their bytes. */
import { FileError, type FileSystem } from './file-system.ts';

/** Copies are made in pieces of this size. */
const PIECE_BYTES = 1024 * 1024;

/** Codes with which a file system says that it has no such links, or none from here to there. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EMLINK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
  'EXDEV',
]);

/**
 * Copies the first `lengthBytes` of a file to a new one and syncs it, beside the event loop. The file may be written to meanwhile, behind that
 * length. Throws FileError (`EEXIST` where `to` is there), and then `to` is not there.
 */
export async function copyFile(
  files: FileSystem,
  from: string,
  to: string,
  lengthBytes: number,
): Promise<void> {
  const source = files.open(from, 'read');
  try {
    const target = files.open(to, 'create');
    try {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, lengthBytes));
      for (let at = 0; at < lengthBytes;) {
        const count = await source.readAsync(
          piece,
          0,
          Math.min(piece.length, lengthBytes - at),
          at,
        );
        if (count === 0) throw new FileError('read', from, 'EIO');
        await target.writeAsync(piece, 0, count, at);
        at += count;
      }
      await target.syncAsync();
      target.close();
    } catch (error) {
      target.close();
      files.unlink(to);
      throw error;
    }
  } finally {
    source.close();
  }
}

/** Another name `to` for a file that nobody writes to any more, or where there are no hard links a copy. Throws FileError. */
export async function linkOrCopy(files: FileSystem, from: string, to: string): Promise<void> {
  try {
    files.link(from, to);
    return;
  } catch (error) {
    if (!(error instanceof FileError) || !NO_LINKS.has(error.code)) throw error;
  }
  await copyFile(files, from, to, files.stat(from)?.sizeBytes ?? 0);
}
