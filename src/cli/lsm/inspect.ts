/** `kvasir inspect DIR|FILE`: a directory of the disk engine or LevelDB, or one of its files, in words or as JSON. */
import path from 'node:path';
import { LsmError } from '../../lsm/errors.ts';
import { parseFileName, type FileKind } from '../../lsm/manifest/file-names.ts';
import { type DirectoryDescription, readKvasirFile } from '../../lsm/manifest/kvasir-file.ts';
import { KeyNames } from '../../lsm/tools/key-names.ts';
import type { FileSystem } from '../../os/file-system.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { inspectDirectoryTo } from './inspect-directory.ts';
import { inspectLogTo } from './inspect-log.ts';
import { inspectManifestTo } from './inspect-manifest.ts';
import { inspectTableTo } from './inspect-table.ts';
import { run } from './output.ts';

export interface InspectOptions {
  readonly json?: boolean;
  /** Of a table: its data blocks. */
  readonly blocks?: boolean;
  /** Of a table or log: its entries, within a range of keys, so many at most. */
  readonly entries?: boolean;
  readonly keyspace?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  /** Of a table: the block at this offset. */
  readonly block?: string;
  /** Bytes of a key or value that are shown. */
  readonly width?: string;
  readonly as?: string;
}

const KINDS: Readonly<Record<string, FileKind>> = {
  table: 'table',
  log: 'log',
  manifest: 'manifest',
};

export function inspect(target: string, options: InspectOptions): Promise<number> {
  return run('inspect', (lines) => {
    const files = new NodeFileSystem();
    const stat = files.stat(target);
    if (stat === undefined) {
      throw new LsmError('NOT_FOUND', 'there is no such file or directory', { path: target });
    }
    if (stat.isDirectory) return inspectDirectoryTo(lines, files, target, options);
    const names = new KeyNames(descriptionBeside(files, target));
    const kind = options.as === undefined ? kindOf(target) : KINDS[options.as];
    const file = { files, path: target, name: path.basename(target), names, options };
    if (kind === 'log') return inspectLogTo(lines, file);
    if (kind === 'manifest') return inspectManifestTo(lines, file);
    if (kind === 'table') return inspectTableTo(lines, file);
    const problem = 'what this file is its name does not tell: say --as table, log or manifest';
    throw new LsmError('UNSUPPORTED', problem, { path: target });
  });
}

/** A file that is looked into. */
export interface InspectedFile {
  readonly files: FileSystem;
  readonly path: string;
  readonly name: string;
  readonly names: KeyNames;
  readonly options: InspectOptions;
}

function kindOf(target: string): FileKind | undefined {
  // A repair adds numbers: `lost/000005.ldb.1`.
  return parseFileName(path.basename(target).replace(/(?<=\.(?:ldb|sst|log))\.\d+$/, ''))?.kind;
}

/** Names of keyspaces, where the file lies in a directory that has them. */
function descriptionBeside(files: FileSystem, target: string): DirectoryDescription | undefined {
  try {
    return readKvasirFile(files, path.dirname(target));
  } catch {
    return undefined;
  }
}
