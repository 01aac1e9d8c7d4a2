/** Manifests read as far as they go, for who wants to know what can still be known. */
import { FileError, joinPath, type FileSystem } from '../../os/file-system.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { readCurrent } from '../manifest/current.ts';
import { manifestFileName } from '../manifest/file-names.ts';
import { ManifestReader } from '../manifest/manifest-reader.ts';
import { ManifestState } from '../manifest/manifest-state.ts';
import { decodeVersionEdit } from '../manifest/version-edit-codec.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { END, RECORD, RecordReader } from '../wal/record-reader.ts';

export interface ManifestReplay {
  readonly number: number;
  readonly name: string;
  /** What the edits come to, up to `error` where there is one. */
  readonly state: ManifestState;
  readonly edits: number;
  /** What kept the rest from being read; a torn edit at the end, which is none, is the state's `tail`. */
  readonly error: LsmError | undefined;
}

/** Replays the manifest `number`. `onEdit` is told of each edit and where it is. Throws LsmError IO_ERROR. */
export function replayManifest(
  files: FileSystem,
  directory: string,
  number: number,
  onEdit: (edit: VersionEdit, offset: number) => void = () => {},
): ManifestReplay {
  const name = manifestFileName(number);
  const state = new ManifestState(joinPath(directory, name));
  let edits = 0;
  let error: LsmError | undefined;
  let reader: ManifestReader | undefined;
  try {
    reader = new ManifestReader(files, directory, number);
    for (let edit = reader.next(); edit !== undefined; edit = reader.next()) {
      onEdit(edit, reader.offset);
      state.apply(edit, reader.offset);
      edits++;
    }
    state.tail = reader.tail;
    state.check();
  } catch (caught) {
    error = asLsmError(caught);
    if (error.code === 'IO_ERROR') throw error;
  } finally {
    state.sizeBytes = reader?.nextOffset ?? 0;
    reader?.close();
  }
  return { number, name, state, edits, error };
}

/** The manifest that counts, read again where another one took its place meanwhile. undefined without CURRENT. Throws LsmError. */
export function replayCurrent(files: FileSystem, directory: string): ManifestReplay | undefined {
  let number = current(files, directory);
  for (;;) {
    if (number === undefined) return undefined;
    try {
      return replayManifest(files, directory, number);
    } catch (error) {
      // Numbers only rise, so this ends.
      const next = current(files, directory);
      if (next === number) throw isMissing(error) ? missing(directory, number) : error;
      number = next;
    }
  }
}

function current(files: FileSystem, directory: string): number | undefined {
  try {
    return readCurrent(files, directory);
  } catch (error) {
    throw asLsmError(error);
  }
}

/** What single edits of a manifest say, damage passed over. */
export interface ManifestRemains {
  readonly name: string;
  /** The last that was named. */
  readonly comparator: string | undefined;
  /** The highest that was named. */
  readonly formatLevel: number | undefined;
  readonly lastSequence: number;
  readonly nextFileNumber: number;
  /** An edit that is intact and has what this version does not know. */
  readonly unsupported: LsmError | undefined;
}

/** Throws LsmError IO_ERROR. */
export function readRemains(files: FileSystem, directory: string, number: number): ManifestRemains {
  const name = manifestFileName(number);
  const path = joinPath(directory, name);
  let comparator: string | undefined;
  let formatLevel: number | undefined;
  let lastSequence = 0;
  let nextFileNumber = 0;
  let unsupported: LsmError | undefined;
  try {
    const file = files.open(path, 'read');
    try {
      const records = new RecordReader(file, file.size());
      for (let answer = records.next(); answer !== END; answer = records.next()) {
        if (answer !== RECORD) continue;
        try {
          const { region, start, end, offset } = records;
          const edit = decodeVersionEdit(region, start, end, path, offset);
          comparator = edit.comparator ?? comparator;
          formatLevel = Math.max(formatLevel ?? 0, edit.formatLevel ?? 1);
          lastSequence = Math.max(lastSequence, edit.lastSequence ?? 0);
          nextFileNumber = Math.max(nextFileNumber, edit.nextFileNumber ?? 0);
        } catch (error) {
          if (!(error instanceof LsmError)) throw error;
          if (error.code === 'UNSUPPORTED') unsupported ??= error;
        }
      }
    } finally {
      file.close();
    }
  } catch (error) {
    throw fromFileError(error);
  }
  return { name, comparator, formatLevel, lastSequence, nextFileNumber, unsupported };
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof LsmError ? error.cause : undefined;
  return cause instanceof FileError && cause.code === 'ENOENT';
}

function missing(directory: string, number: number): LsmError {
  const path = joinPath(directory, manifestFileName(number));
  return new LsmError('CORRUPTION', 'the manifest is missing, which CURRENT names', { path });
}

function asLsmError(error: unknown): LsmError {
  const own = fromFileError(error);
  if (own instanceof LsmError) return own;
  throw own;
}
