/**
 * What a database's directory would have to hold to be the database of this moment: a list of files, and how much of each, taken in one step without
 * stopping anything. Until `release` none of them is removed, so there is time to copy them:
 *
 *   tables   never change: links do as well as copies
 *   logs     are written to: copied, up to the length of this moment
 *   the rest is given as bytes, or as the edit of a manifest of its own
 */
import { type FileSystem, joinPath, readSmallFile } from '../../os/file-system.ts';
import type { Engine } from '../database/engine.ts';
import { MAX_KVASIR_FILE_BYTES } from '../limits.ts';
import {
  KVASIR_FILE,
  logFileName,
  oldTableFileName,
  tableFileName,
} from '../manifest/file-names.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';

export interface CapturedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export class CapturedState {
  /** Of the last write that is in it. */
  readonly sequence: number;
  readonly formatLevel: number;
  readonly tables: readonly CapturedFile[];
  readonly logs: readonly CapturedFile[];
  /** Of KVASIR; undefined where there is none. */
  readonly description: Uint8Array | undefined;
  /** A number that no other file has, and what the manifest of that number begins and ends with. */
  readonly manifestNumber: number;
  readonly manifestEdit: VersionEdit;
  readonly #engine: Engine;

  /** As it is at the call. Of a database without a log of its own everything is flushed first. Rejects as the constructor throws. */
  static of(engine: Engine): Promise<CapturedState> | CapturedState {
    if (engine.writeFailure !== undefined) throw engine.writeFailure;
    if (engine.position === undefined) return new CapturedState(engine);
    return engine.background.flushAll().then(() => new CapturedState(engine));
  }

  /** Throws LsmError, FileError. */
  constructor(engine: Engine) {
    const { directory, files, versions, memtables, logs, position } = engine;
    if (engine.writeFailure !== undefined) throw engine.writeFailure;
    engine.writes.settle();
    this.#engine = engine;
    this.formatLevel = versions.formatLevel;
    this.description = readDescription(files, directory);
    this.tables = versions.current.levels.flat().map(({ number, sizeBytes }) => {
      const name = nameOfTable(files, directory, number);
      return { name, path: joinPath(directory, name), sizeBytes };
    });
    // What is in no table is in the memtables, and each log is of one of them.
    const firstLog = memtables.oldestLogWithout([]);
    const needed = logs.numbers.filter((number) => number >= firstLog);
    this.logs = needed.map((number) => {
      const name = logFileName(number);
      return { name, path: joinPath(directory, name), sizeBytes: logs.bytesOf(number) };
    });
    this.manifestNumber = versions.allocateFileNumbers(1);
    this.manifestEdit = versions.editFor(versions.current, firstLog);
    // Without a log what is in memory is not in it.
    this.sequence = position === undefined ? engine.lastSequence : this.manifestEdit.lastSequence!;
    engine.removals.hold();
  }

  /** Throws LsmError CLOSED: from then on nothing keeps the files. */
  check(): void {
    this.#engine.checkOpen();
  }

  /** Once. */
  release(): void {
    this.#engine.removals.letGo();
  }
}

function readDescription(files: FileSystem, directory: string): Uint8Array | undefined {
  const path = joinPath(directory, KVASIR_FILE);
  if (files.stat(path) === undefined) return undefined;
  return readSmallFile(files, path, MAX_KVASIR_FILE_BYTES);
}

function nameOfTable(files: FileSystem, directory: string, number: number): string {
  const name = tableFileName(number);
  if (files.stat(joinPath(directory, name)) !== undefined) return name;
  return oldTableFileName(number);
}
