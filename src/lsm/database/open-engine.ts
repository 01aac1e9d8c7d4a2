/** Puts an engine together: lock, recovery, the files that it begins with. */

import type { DatabaseLock } from '../../os/database-lock.ts';
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import { directoryOf, FileError, joinPath } from '../../os/file-system.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import { type CacheShare, ownCache } from '../cache/shared-cache.ts';
import { TableCache } from '../cache/table-cache.ts';
import type { JobRequest } from '../compaction/job.ts';
import { InlineRunner, type JobRunner } from '../compaction/job-runner.ts';
import { styleFromJson, styleToJson } from '../compaction/style.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { type FormatLevel, resolveTableOptions } from '../format/table-options.ts';
import { LOG_ZERO_BYTES, MIN_CACHE_BYTES } from '../limits.ts';
import {
  checkDescription,
  type DirectoryDescription,
  readKvasirFile,
} from '../manifest/kvasir-file.ts';
import { tableFileName } from '../manifest/file-names.ts';
import { FollowedManifest } from '../manifest/followed-manifest.ts';
import type { ManifestState } from '../manifest/manifest-state.ts';
import { VersionSet } from '../version/version-set.ts';
import { Engine } from './engine.ts';
import { Events } from './events.ts';
import { EXTERNAL, ExternalPosition, hasExternalLog } from './external-position.ts';
import { checkRules, TTL_FEATURE } from './keyspace-rules.ts';
import { FactsReader } from './facts-reader.ts';
import { FileRemovals } from './file-removals.ts';
import { LogSet } from './log-set.ts';
import { MemtableList } from './memtable-list.ts';
import { type OpenOptions, resolveOptions, type Settings } from './options.ts';
import { MISSING_LOG, MISSING_TABLE, Recovery } from './recovery.ts';
import { Resources } from './resources.ts';

/** What a directory may need that this version has. */
export const KNOWN_FEATURES: readonly string[] = [TTL_FEATURE];
/** How often a directory that somebody else writes to is read before it is given up. */
export const READ_ATTEMPTS = 10;

/** Throws LsmError; RangeError for options that cannot be. */
export async function openEngine(directory: string, options: OpenOptions): Promise<Engine> {
  const settings = resolveOptions(options);
  const lock = await takeLock(directory, settings);
  try {
    return await assemble(directory, { ...options, system: settings.system }, lock);
  } catch (error) {
    await lock.release();
    throw fromFileError(error);
  }
}

/** What recovery needs, and the engine takes over. */
export interface Parts {
  readonly settings: Settings;
  readonly resources: Resources;
  readonly budget: MemoryBudget;
  readonly cacheShare: CacheShare;
  readonly tables: TableCache;
  readonly memtables: MemtableList;
}

export function makeParts(directory: string, settings: Settings): Parts {
  const { files } = settings.system;
  const resources = settings.resources ?? new Resources();
  const { budget } = resources;
  const cacheShare = shareOfCache(settings, resources);
  const { cache, space } = cacheShare;
  // The files of a database that somebody else writes to may be removed there at any time: all of them stay open.
  const maxOpenTables = settings.readOnly ? Infinity : settings.maxOpenTables;
  const tables = new TableCache({ files, directory, cache, space, maxOpenTables });
  const memtables = new MemtableList(settings.memtableBytes, budget, 0, cacheShare);
  return { settings, resources, budget, cacheShare, tables, memtables };
}

export function discard(parts: Parts): void {
  parts.tables.close();
  parts.memtables.close();
  parts.cacheShare.close();
}

async function assemble(
  directory: string,
  options: OpenOptions,
  lock: DatabaseLock,
): Promise<Engine> {
  const followed =
    options.readOnly === true ? new FollowedManifest(options.system!.files, directory) : undefined;
  try {
    return await attempts(directory, options, lock, followed);
  } finally {
    followed?.close();
  }
}

async function attempts(
  directory: string,
  options: OpenOptions,
  lock: DatabaseLock,
  followed: FollowedManifest | undefined,
): Promise<Engine> {
  for (let attempt = 1; ; attempt++) {
    const description = readKvasirFile(options.system!.files, directory);
    const stored = styleFromJson(description?.settings['compaction'], directory);
    const externalLog = logIsExternal(description, options, directory);
    const compaction = options.compaction ?? stored;
    const settings = resolveOptions({ ...options, compaction, externalLog });
    const parts = makeParts(directory, settings);
    try {
      return await recover(directory, parts, lock, description, followed);
    } catch (error) {
      discard(parts);
      // Whoever writes to the directory has removed what it no longer needs: what it needs now can be read.
      const hasMoved = followed !== undefined && (isMissing(error) || isNewer(followed));
      if (!hasMoved || attempt === READ_ATTEMPTS) throw error;
    }
  }
}

async function recover(
  directory: string,
  parts: Parts,
  lock: DatabaseLock,
  description: DirectoryDescription | undefined,
  followed: FollowedManifest | undefined,
): Promise<Engine> {
  const { settings, memtables } = parts;
  const { files, timers } = settings.system;
  const recovery = new Recovery(directory, settings, memtables, parts.budget, followed);
  if (description !== undefined) checkDescription(description, recovery.state, KNOWN_FEATURES);
  if (settings.readOnly) openAll(parts.tables, recovery.state);
  for (const _ of recovery.replay()) await new Promise<void>((resolve) => timers.soon(resolve));

  const { state, lastSequence } = recovery;
  if (!recovery.isNew) checkLayout(directory, settings, description, recovery);
  if (!settings.readOnly) checkCodecs(settings, state.formatLevel === 1 ? 1 : 2);
  const isEmpty = lastSequence === 0 && state.files.size === 0;
  checkRules(directory, settings, description, isEmpty, state.formatLevel);
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
    zeroBytes: Math.min(LOG_ZERO_BYTES, settings.memtableBytes),
  });
  if (!settings.readOnly) {
    versions.beginManifest();
    if (!settings.externalLog) logs.begin(lastSequence, lastSequence, logNumber);
    // The manifest names the log: where a later edit is torn, a log that is missing would mean that the edit had counted.
    files.syncDirectory(directory);
    memtables.active.logNumber = logNumber;
    await recovery.removeRubbish(versions.manifestNumber, logNumber);
  }
  const events = new Events(directory);
  const runner = runnerFor(directory, parts.resources, settings, events);
  const own = {
    directory,
    versions,
    logs,
    removals,
    runner,
    events,
    lastSequence,
    lock,
    description,
  };
  const engine = new Engine({ ...parts, ...own });
  const { keyspaces } = engine;
  if (recovery.isNew) keyspaces.begin(settings.keyspaced, state.formatLevel);
  if (!settings.readOnly) {
    if (settings.keyspaced === true) keyspaces.beKeyspaced();
    keyspaces.raiseFormatLevel();
    if (settings.externalLog) keyspaces.changeSetting('log', EXTERNAL);
    keyspaces.openDefault(settings.keyspace);
    keyspaces.changeSetting('compaction', styleToJson(settings.compaction));
  }
  if (settings.externalLog || hasExternalLog(description)) {
    engine.position = ExternalPosition.read(engine);
  }
  engine.events.publish('open', { isNew: recovery.isNew, replayedEntries: recovery.entries });
  engine.background.schedule();
  if (!settings.readOnly) new FactsReader(engine).begin();
  return engine;
}

/** Throws LsmError UNSUPPORTED where the directory's log is somewhere else and nobody says that he has it. */
function logIsExternal(
  description: DirectoryDescription | undefined,
  options: OpenOptions,
  path: string,
): boolean {
  // Whoever reads alone sees what is in tables, and that is all there is.
  if (options.readOnly === true) return false;
  if (options.externalLog === true || !hasExternalLog(description)) {
    return options.externalLog === true;
  }
  const expected = 'externalLog: true';
  throw new LsmError('UNSUPPORTED', "the log of the database is its owner's", { path, expected });
}

function openAll(tables: TableCache, { files }: ManifestState): void {
  for (const { number, level } of files.values()) tables.release(tables.acquire(number, level));
}

/** Whether the manifest has gone on since it was read last. */
function isNewer(followed: FollowedManifest): boolean {
  followed.read();
  return followed.isNew;
}

export function isMissing(error: unknown): boolean {
  const cause = error instanceof LsmError ? error.cause : error;
  if (cause instanceof FileError) return cause.code === 'ENOENT';
  if (!(error instanceof LsmError)) return false;
  return error.problem === MISSING_TABLE || error.problem === MISSING_LOG;
}

/** One in which nothing was ever written may still become keyspaced: its making may have been interrupted. */
function checkLayout(
  path: string,
  { keyspaced, readOnly }: Settings,
  description: DirectoryDescription | undefined,
  { state, lastSequence }: Recovery,
): void {
  const found = description?.layout ?? 'raw';
  const expected = keyspaced === true ? 'keyspaced' : 'raw';
  if (keyspaced === undefined || found === expected) return;
  const isEmpty = lastSequence === 0 && state.files.size === 0;
  if (keyspaced && isEmpty && !readOnly) return;
  const problem = 'the layout of a directory is fixed when it is made';
  throw new LsmError('UNSUPPORTED', problem, { path, expected, found });
}

/** Throws LsmError UNSUPPORTED for compression that the format level, or this Node.js, does not have. */
function checkCodecs({ codecs }: Settings, formatLevel: FormatLevel): void {
  for (const codec of codecs) resolveTableOptions({ codec, formatLevel });
}

/** Databases share a cache where they are given resources to share, and no size. */
function shareOfCache(settings: Settings, { budget }: Resources): CacheShare {
  const { cacheBytes } = settings;
  if (cacheBytes !== undefined) return ownCache(cacheBytes, budget);
  const shared = settings.resources?.cache.open();
  if (shared !== undefined) return shared;
  const memtables = (settings.maxFullMemtables + 1) * settings.memtableBytes;
  return ownCache(Math.max(MIN_CACHE_BYTES, budget.limitBytes - memtables), budget);
}

function runnerFor(
  directory: string,
  resources: Resources,
  settings: Settings,
  events: Events,
): JobRunner {
  const { files, clock, timers } = settings.system;
  const bytesPerSecond = settings.backgroundBytesPerSecond;
  const { pool, budget } = resources;
  const inline = (): JobRunner =>
    new InlineRunner({ files, clock, timers, budget, bytesPerSecond });
  // Who reads alone has no jobs; a job thread knows the real files alone.
  if (settings.readOnly || pool === undefined || !(files instanceof NodeFileSystem))
    return inline();
  const removeOutputs = ({ firstFileNumber, maxFiles }: JobRequest): void => {
    for (let i = 0; i < maxFiles; i++) {
      const path = joinPath(directory, tableFileName(firstFileNumber + i));
      if (files.stat(path) !== undefined) files.unlink(path);
    }
  };
  const standIn = (): JobRunner => {
    events.publish('failure', { what: 'threads cannot be started: jobs run in slices' });
    return inline();
  };
  return pool.runner({ directory, bytesPerSecond, removeOutputs, standIn });
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

export const NO_LOCK: DatabaseLock = { isHeld: () => true, release: () => Promise.resolve() };
