/**
 * A database's directory that is being put together from copies. Whatever a crash leaves of it is either whole or known to be unfinished:
 *
 *   1. the directory gets a file UNFINISHED, durable before anything else
 *   2. tables, logs, manifest and KVASIR come in, each synced
 *   3. CURRENT is made, durable behind all of them: from here on it is a database
 *   4. UNFINISHED is removed
 *
 * A directory with UNFINISHED and without CURRENT is begun anew by the next one who wants it. LevelDB leaves the file alone.
 */
import { directoryOf, type FileSystem, joinPath } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { setCurrent } from '../manifest/current.ts';
import { CURRENT_FILE, parseFileName } from '../manifest/file-names.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';

const UNFINISHED_FILE = 'UNFINISHED';
const NOTE = 'This directory is a copy of a database that was not finished. It can be removed.\n';

export class NewDirectory {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #wasThere: boolean;
  #isFinished = false;

  private constructor(files: FileSystem, path: string, wasThere: boolean) {
    this.#files = files;
    this.path = path;
    this.#wasThere = wasThere;
  }

  /** In a directory that is not there, is empty, or was left unfinished. Blocks for some syncs. Throws LsmError EXISTS, FileError. */
  static begin(files: FileSystem, path: string): NewDirectory {
    const wasThere = files.stat(path) !== undefined;
    if (wasThere) clear(files, path);
    else {
      files.makeDirectory(path);
      files.syncDirectory(directoryOf(path));
    }
    writeSync(files, joinPath(path, UNFINISHED_FILE), Buffer.from(NOTE));
    files.syncDirectory(path);
    return new NewDirectory(files, path, wasThere);
  }

  /** Where a file of this name belongs. */
  pathOf(name: string): string {
    return joinPath(this.path, name);
  }

  /** Adds a small file, synced. Blocks. Throws FileError. */
  write(name: string, contents: Uint8Array): void {
    writeSync(this.#files, this.pathOf(name), contents);
  }

  /** Adds a manifest that has this edit alone, synced. Rejects with a FileError. */
  async writeManifest(number: number, edit: VersionEdit): Promise<void> {
    const manifest = new ManifestWriter(this.#files, this.path, number);
    try {
      manifest.append(edit);
      await manifest.syncAsync();
    } finally {
      manifest.close();
    }
  }

  /** Everything is there: makes the manifest `number` the one that counts. Rejects with a FileError. */
  async finish(number: number): Promise<void> {
    const files = this.#files;
    await setCurrent(files, this.path, number);
    this.#isFinished = true;
    files.unlink(this.pathOf(UNFINISHED_FILE));
    await files.syncDirectoryAsync(this.path);
  }

  /** Removes what is there so far, where it can be removed. Nothing happens once it is a database. */
  abandon(): void {
    if (this.#isFinished) return;
    try {
      for (const name of this.#files.readDirectory(this.path)) {
        if (name !== UNFINISHED_FILE) this.#files.unlink(this.pathOf(name));
      }
      this.#files.unlink(this.pathOf(UNFINISHED_FILE));
      if (!this.#wasThere) this.#files.removeDirectory(this.path);
    } catch {
      // Whoever comes next finds it unfinished.
    }
  }
}

/** Leaves nothing but UNFINISHED, if that is all there may be. */
function clear(files: FileSystem, path: string): void {
  const names = files.readDirectory(path);
  const isUnfinished = names.includes(UNFINISHED_FILE) && !names.includes(CURRENT_FILE);
  const isForeign = (name: string): boolean =>
    name !== UNFINISHED_FILE && (!isUnfinished || parseFileName(name) === undefined);
  const foreign = names.find(isForeign);
  if (foreign !== undefined) {
    const expected = 'no directory, or an empty one';
    throw new LsmError('EXISTS', 'there is something already', { path, expected, found: foreign });
  }
  for (const name of names) {
    if (name !== UNFINISHED_FILE) files.unlink(joinPath(path, name));
  }
}

function writeSync(files: FileSystem, path: string, contents: Uint8Array): void {
  const file = files.open(path, 'replace');
  try {
    file.write(contents, 0, contents.length, 0);
    file.sync();
  } finally {
    file.close();
  }
}
