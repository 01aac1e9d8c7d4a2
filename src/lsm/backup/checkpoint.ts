/** A second directory that is the database of one moment, opened by itself: tables are links where the file system has them, so it takes next to no time and room. */
import { copyFile, linkOrCopy } from '../../os/copy-file.ts';
import type { Engine } from '../database/engine.ts';
import { fromFileError } from '../errors.ts';
import { KVASIR_FILE } from '../manifest/file-names.ts';
import { CapturedState } from './captured-state.ts';
import { NewDirectory } from './new-directory.ts';

export interface CheckpointInfo {
  readonly directory: string;
  /** Of the last write that is in it. */
  readonly sequence: number;
  readonly tables: number;
  readonly sizeBytes: number;
}

/** Rejects with LsmError EXISTS, CLOSED, READ_ONLY, POISONED, DISK_FULL, IO_ERROR, and then nothing is left of it. */
export async function makeCheckpoint(engine: Engine, directory: string): Promise<CheckpointInfo> {
  try {
    if (engine.writeFailure !== undefined) throw engine.writeFailure;
    const target = NewDirectory.begin(engine.files, directory);
    try {
      const captured = CapturedState.of(engine);
      const state = captured instanceof Promise ? await captured : captured;
      try {
        return await fill(engine, target, state);
      } finally {
        state.release();
      }
    } catch (error) {
      target.abandon();
      throw error;
    }
  } catch (error) {
    throw fromFileError(error);
  }
}

async function fill(
  engine: Engine,
  target: NewDirectory,
  state: CapturedState,
): Promise<CheckpointInfo> {
  const { files, turn } = engine;
  let sizeBytes = 0;
  for (const { name, path, sizeBytes: bytes } of state.tables) {
    await linkOrCopy(files, path, target.pathOf(name));
    sizeBytes += bytes;
    if (turn.isLong()) await turn.passed();
    state.check();
  }
  for (const { name, path, sizeBytes: bytes } of state.logs) {
    await copyFile(files, path, target.pathOf(name), bytes);
    sizeBytes += bytes;
    state.check();
  }
  if (state.description !== undefined) target.write(KVASIR_FILE, state.description);
  await target.writeManifest(state.manifestNumber, state.manifestEdit);
  await target.finish(state.manifestNumber);
  return {
    directory: target.path,
    sequence: state.sequence,
    tables: state.tables.length,
    sizeBytes,
  };
}
