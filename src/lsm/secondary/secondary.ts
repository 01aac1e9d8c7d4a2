/**
 * A database that another process writes to, Kvasir or LevelDB, read in this one: nothing is locked and nothing written. It is what it was at the last `refresh`.
 *
 * ```ts
 * const db = await openSecondary('./data');
 * await db.refresh();
 * for (const [key, value] of db.range()) ...
 * ```
 *
 * Writes are refused with LsmError READ_ONLY. Iterators go on seeing what they saw when they were made. A snapshot ends with a refresh that has changed something: reads
 * with it are refused with ABORTED.
 */
import { FileRemovals } from '../database/file-removals.ts';
import { Database } from '../database/database.ts';
import { Engine } from '../database/engine.ts';
import { Events } from '../database/events.ts';
import { LogSet } from '../database/log-set.ts';
import { discard, makeParts, NO_LOCK, type Parts } from '../database/open-engine.ts';
import { checkDirectory, type OpenOptions, resolveOptions } from '../database/options.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { InlineRunner } from '../compaction/job-runner.ts';
import { ManifestState } from '../manifest/manifest-state.ts';
import { VersionSet } from '../version/version-set.ts';
import { Follower } from './follower.ts';

export type SecondaryOptions = Pick<
  OpenOptions,
  'resources' | 'memtableBytes' | 'cacheBytes' | 'system'
>;

export interface RefreshInfo {
  /** Of the last write that reads see. */
  readonly sequence: number;
  /** Whether anything was changed since the refresh before. */
  readonly isChanged: boolean;
}

export class Secondary extends Database {
  readonly #engine: Engine;
  readonly #follower: Follower;
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(engine: Engine, follower: Follower) {
    super(engine);
    this.#engine = engine;
    this.#follower = follower;
    follower.onKeyspaces = () => this.keyspacesReplaced();
  }

  /**
   * Catches up with whoever writes to the directory. Reads that are made meanwhile see what was there before. Rejects with LsmError CORRUPTION, UNSUPPORTED, IO_ERROR,
   * CLOSED, and then everything is as it was before.
   */
  refresh(): Promise<RefreshInfo> {
    const refresh = this.#last.then(() => this.#refresh());
    this.#last = refresh.catch(() => {});
    return refresh;
  }

  override async close(): Promise<void> {
    await this.#last;
    this.#follower.close();
    await super.close();
  }

  async #refresh(): Promise<RefreshInfo> {
    try {
      const isChanged = await this.#follower.refresh();
      return { sequence: this.#engine.lastSequence, isChanged };
    } catch (error) {
      throw fromFileError(error);
    }
  }
}

/**
 * Opens the database of a directory that another process may be writing to. Rejects with LsmError NOT_FOUND, CORRUPTION, UNSUPPORTED, IO_ERROR.
 */
export async function openSecondary(
  directory: string,
  options: SecondaryOptions = {},
): Promise<Secondary> {
  const settings = resolveOptions({ ...options, readOnly: true });
  if (settings.system.files.stat(checkDirectory(directory))?.isDirectory !== true) {
    throw new LsmError('NOT_FOUND', 'there is no such directory', { path: directory });
  }
  const parts = makeParts(directory, settings);
  let engine: Engine;
  try {
    engine = engineOf(directory, parts);
  } catch (error) {
    discard(parts);
    throw error;
  }
  const secondary = new Secondary(engine, new Follower(engine));
  try {
    await secondary.refresh();
  } catch (error) {
    await secondary.close();
    throw error;
  }
  return secondary;
}

/** An engine that knows nothing yet. */
function engineOf(directory: string, parts: Parts): Engine {
  const { settings, budget, tables } = parts;
  const { files, clock, timers } = settings.system;
  const versions = new VersionSet(files, directory, new ManifestState(directory));
  const removals = new FileRemovals(files, directory);
  const allocateFileNumber = (): number => versions.allocateFileNumbers(1);
  const engine = new Engine({
    ...parts,
    directory,
    versions,
    logs: new LogSet({ files, directory, removals, allocateFileNumber, zeroBytes: 0 }),
    removals,
    runner: new InlineRunner({ files, clock, timers, budget, bytesPerSecond: Infinity }),
    events: new Events(directory),
    lastSequence: 0,
    lock: NO_LOCK,
    description: undefined,
  });
  engine.isFollowing = true;
  versions.onObsolete = ({ number }) => tables.evict(number);
  return engine;
}
