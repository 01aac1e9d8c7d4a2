/** A machine with a directory, and edits for its manifests. */
import { SimulatedFileSystem } from '../../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../../os/simulated-loop.ts';
import { internalKey } from '../../internal-key.ts';
import { LEVELDB_COMPARATOR } from '../manifest-state.ts';
import { VersionEdit, type NewFile } from '../version-edit.ts';

export const DIRECTORY = '/db';

export function machine(): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.makeDirectory(DIRECTORY);
  return files;
}

export function file(number: number, level = 0): NewFile {
  return {
    level,
    number,
    sizeBytes: 1000 + number,
    smallest: internalKey(Buffer.from(`a${number}`), number, 1),
    largest: internalKey(Buffer.from(`b${number}`), number + 1, 0),
  };
}

export function firstEdit(): VersionEdit {
  const edit = new VersionEdit();
  edit.comparator = LEVELDB_COMPARATOR;
  edit.logNumber = 3;
  edit.nextFileNumber = 4;
  edit.lastSequence = 0;
  return edit;
}

/** An edit that adds the file and moves the counters with it. */
export function adding(number: number): VersionEdit {
  const edit = new VersionEdit();
  edit.newFiles.push(file(number));
  edit.nextFileNumber = number + 1;
  edit.lastSequence = number * 10;
  edit.logNumber = number;
  return edit;
}
