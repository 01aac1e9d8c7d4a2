/** Puts an engine together: lock, recovery, the files that it begins with. */

import type { DatabaseLock } from '../../os/database-lock.ts';
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import { directoryOf } from '../../os/file-system.ts';
import { BlockCache } from '../cache/block-cache.ts';
import { TableCache } from '../cache/table-cache.ts';
import { InlineRunner, type JobRunner } from '../compaction/job-runner.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { MIN_CACHE_BYTES } from '../limits.ts';
import {
  checkDescription,
  type DirectoryDescription,
  readKvasirFile,
} from '../manifest/kvasir-file.ts';
import { VersionSet } from '../version/version-set.ts';
import { Engine } from './engine.ts';
import { FileRemovals } from './file-removals.ts';
import { LogSet } from './log-set.ts';
import { MemtableList } from './memtable-list.ts';
import { type OpenOptions, resolveOptions, type Settings } from './options.ts';
import { Recovery } from './recovery.ts';
import { Resources } from './resources.ts';

/** What a directory may need that this version has. */
const KNOWN_FEATURES: readonly string[] = [];

/** Throws LsmError; RangeError for options that cannot be. */
export async function openEngine(directory: string, options: OpenOptions): Promise<Engine> {
  const settings = resolveOptions(options);
  const lock = await takeLock(directory, settings);
  try {
    return await assemble(directory, settings, lock);
  } catch (error) {
    await lock.release();
    throw fromFileError(error);
  }
}

async function assemble(
  directory: string,
  settings: Settings,
  lock: DatabaseLock,
): Promise<Engine> {
  const { system } = settings;
  const { files, timers } = system;
  const resources = settings.resources ?? new Resources();
  const { budget } = resources;
  const cache = new BlockCache({ capacityBytes: cacheBytes(settings, budget.limitBytes), budget });
  const { maxOpenTables } = settings;
  const tables = new TableCache({ files, directory, cache, maxOpenTables });
  const memtables = new MemtableList(settings.memtableBytes, budget, 0);
  const recovery = new Recovery(directory, settings, memtables, cache);
  const description = readKvasirFile(files, directory);
  if (description !== undefined) checkDescription(description, recovery.state, KNOWN_FEATURES);
  for (const _ of recovery.replay()) await new Promise<void>((resolve) => timers.soon(resolve));

  const { state, lastSequence } = recovery;
  const logNumber = state.nextFileNumber++;
  state.logNumber = logNumber;
  state.previousLogNumber = 0;
  const versions = new VersionSet(files, directory, state);
  const removals = new FileRemovals(files, directory);
  const logs = new LogSet({
    files,
    directory,
    removals,
    allocateFileNumber: () => versions.allocateFileNumbers(1),
    zeroBytes: settings.memtableBytes,
  });
  if (!settings.readOnly) {
    versions.beginManifest();
    logs.begin(lastSequence, lastSequence, logNumber);
    memtables.active.logNumber = logNumber;
    await recovery.removeRubbish(versions.manifestNumber, logNumber);
  }
  const runner = runnerFor(settings, cache);
  const engine = new Engine({
    directory,
    settings,
    budget,
    cache,
    tables,
    versions,
    memtables,
    logs,
    removals,
    runner,
    lastSequence,
    lock,
    description,
  });
  if (recovery.isNew) engine.keyspaces.begin(settings.keyspaced, state.formatLevel);
  else if (settings.keyspaced !== undefined) checkLayout(directory, settings, description);
  engine.events.publish('open', { isNew: recovery.isNew, replayedEntries: recovery.entries });
  engine.background.schedule();
  return engine;
}

function checkLayout(
  directory: string,
  settings: Settings,
  description: DirectoryDescription | undefined,
): void {
  const found = description?.layout ?? 'raw';
  const expected = settings.keyspaced === true ? 'keyspaced' : 'raw';
  if (found === expected) return;
  const problem = 'the layout of a directory is fixed when it is made';
  throw new LsmError('UNSUPPORTED', problem, { path: directory, expected, found });
}

function cacheBytes(settings: Settings, limitBytes: number): number {
  if (settings.cacheBytes !== undefined) return settings.cacheBytes;
  const memtables = (settings.maxFullMemtables + 1) * settings.memtableBytes;
  return Math.max(MIN_CACHE_BYTES, limitBytes - memtables);
}

function runnerFor(settings: Settings, cache: BlockCache): JobRunner {
  const { files, clock, timers } = settings.system;
  const bytesPerSecond = settings.backgroundBytesPerSecond;
  return new InlineRunner({ files, clock, timers, cache, bytesPerSecond });
}

/** Makes the directory where it may be made. Read-only openings lock nothing. */
async function takeLock(directory: string, settings: Settings): Promise<DatabaseLock> {
  const { files, lockDatabase } = settings.system;
  try {
    if (files.stat(directory)?.isDirectory !== true) {
      if (!settings.createIfMissing || settings.readOnly) {
        throw new LsmError('NOT_FOUND', 'there is no such directory', { path: directory });
      }
      files.makeDirectory(directory);
      files.syncDirectory(directoryOf(directory));
    }
    if (settings.readOnly) return NO_LOCK;
    return await lockDatabase(directory);
  } catch (error) {
    if (!(error instanceof DirectoryLockedError)) throw fromFileError(error);
    throw new LsmError('LOCKED', error.message, { path: directory, cause: error });
  }
}

const NO_LOCK: DatabaseLock = { isHeld: () => true, release: () => Promise.resolve() };
