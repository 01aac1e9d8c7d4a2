/**
 * A database that is open: its parts, and what they share. Everything here belongs to one thread.
 *
 *   writes       write-path.ts       groups of writes to log and memtable
 *   memtables    memtable-list.ts    what was written and is not in tables yet
 *   logs         log-set.ts          the same, on the disk
 *   versions     version-set.ts      which tables there are
 *   background   background.ts       flushes and compactions
 *   manifest     manifest-queue.ts   edits on their way to the disk
 *   view                             what a read that begins now looks at
 */
import type { Clock } from '../../os/clock.ts';
import type { DatabaseLock } from '../../os/database-lock.ts';
import type { FileSystem } from '../../os/file-system.ts';
import type { Timers } from '../../os/timers.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import type { CacheShare } from '../cache/shared-cache.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { JobRunner } from '../compaction/job-runner.ts';
import type { CompactionInput } from '../compaction/compaction.ts';
import { pickerFor } from '../compaction/style.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { Lookup } from '../format/lookup.ts';
import { oldTableFileName, tableFileName } from '../manifest/file-names.ts';
import type { DirectoryDescription } from '../manifest/kvasir-file.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import type { TableFile } from '../version/table-file.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { WriteAheadLog } from '../wal/write-ahead-log.ts';
import { Background } from './background.ts';
import type { Events } from './events.ts';
import type { ExternalPosition } from './external-position.ts';
import type { FileRemovals } from './file-removals.ts';
import { KeyspaceList } from './keyspace-list.ts';
import type { LogSet } from './log-set.ts';
import { ManifestQueue } from './manifest-queue.ts';
import type { MemtableList } from './memtable-list.ts';
import { MissPolicy } from './miss-policy.ts';
import type { Settings } from './options.ts';
import { PointLookup } from './point-lookup.ts';
import { ReadPath } from './read-path.ts';
import { PinnedView, type ReaderViews } from './reader-views.ts';
import { RetiredBatch, RetiredTables } from './retired-tables.ts';
import { RuledReads } from './ruled-reads.ts';
import { SnapshotList } from './snapshot-list.ts';
import { Counters } from './stats.ts';
import { Turn } from './turn.ts';
import { ValueCopies } from './value-copies.ts';
import { View } from './view.ts';
import { WritePath } from './write-path.ts';
import { WriteStall } from './write-stall.ts';

const MIB = 1024 * 1024;
/** Tables of deeper levels grow no larger than this. */
const MAX_FILE_BYTES: number = 64 * MIB;

/** What the recovery of a directory hands over. */
export interface Opened {
  readonly directory: string;
  readonly settings: Settings;
  readonly budget: MemoryBudget;
  readonly cacheShare: CacheShare;
  readonly tables: TableCache;
  readonly versions: VersionSet;
  readonly memtables: MemtableList;
  readonly logs: LogSet;
  readonly removals: FileRemovals;
  readonly runner: JobRunner;
  readonly events: Events;
  readonly lastSequence: number;
  readonly lock: DatabaseLock;
  readonly description: DirectoryDescription | undefined;
}

export class Engine implements ReaderViews {
  readonly directory: string;
  readonly settings: Settings;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly turn: Turn;
  readonly events: Events;
  readonly stats: Counters = new Counters();

  readonly budget: MemoryBudget;
  readonly cache: BlockCache;
  readonly cacheShare: CacheShare;
  readonly tables: TableCache;
  readonly versions: VersionSet;
  readonly memtables: MemtableList;
  readonly logs: LogSet;
  readonly removals: FileRemovals;
  readonly snapshots: SnapshotList = new SnapshotList();
  readonly retired: RetiredTables = new RetiredTables();

  readonly manifest: ManifestQueue;
  readonly stall: WriteStall;
  readonly writes: WritePath;
  readonly keyspaces: KeyspaceList;
  readonly background: Background;

  /** What a read that begins now looks at, and the last sequence that it sees. */
  view: View;
  lastSequence: number;
  readonly points: PointLookup;
  /** Of lookups that end before anything else happens. */
  readonly lookup: Lookup;
  readonly reads: ReadPath;
  /** Of keyspaces that do more than keep values. */
  readonly ruledReads: RuledReads;
  readonly misses: MissPolicy = new MissPolicy();
  readonly copies: ValueCopies = new ValueCopies();

  /** Why nothing can be written until the database is opened again. */
  failure: LsmError | undefined = undefined;
  /** Why nothing can be written at all: poisoned, closed, opened for reading only. */
  writeFailure: LsmError | undefined = undefined;
  /** While a flush finds no room. */
  fullDisk: LsmError | undefined = undefined;
  isClosed = false;
  /** The directory is written to by another process, which this one follows (secondary/): what it drops is gone here too. */
  isFollowing = false;
  /** How far the owner's log was applied; undefined where the database has a log of its own. */
  position: ExternalPosition | undefined = undefined;
  readonly #lock: DatabaseLock;
  #jobs = 0;
  #nowMs = 0;

  constructor(opened: Opened) {
    const { settings, versions, memtables } = opened;
    const { system } = settings;
    this.directory = opened.directory;
    this.settings = settings;
    this.files = system.files;
    this.clock = system.clock;
    this.timers = system.timers;
    this.turn = new Turn(system.clock, system.timers);
    this.events = opened.events;
    this.budget = opened.budget;
    this.cache = opened.cacheShare.cache;
    this.cacheShare = opened.cacheShare;
    this.tables = opened.tables;
    this.versions = versions;
    this.memtables = memtables;
    this.logs = opened.logs;
    this.removals = opened.removals;
    this.#lock = opened.lock;
    this.lastSequence = opened.lastSequence;
    this.view = new View([memtables.active, ...memtables.full], versions.current);
    this.points = new PointLookup(opened.tables);
    this.lookup = new Lookup(this.cache, new BlockRequests(opened.tables.loader));
    this.reads = new ReadPath(this);
    this.ruledReads = new RuledReads(this);
    this.manifest = new ManifestQueue(this);
    this.stall = new WriteStall(this);
    this.writes = new WritePath(this);
    this.keyspaces = new KeyspaceList(this, opened.description);
    const { compaction, level0Files, level0SlowFiles, level1Bytes, fileBytes } = settings;
    const maxFileBytes = Math.max(fileBytes, MAX_FILE_BYTES);
    const sizes = { level0Files, level1Bytes, fileBytes, maxFileBytes };
    const picker = pickerFor(compaction, sizes, level0SlowFiles);
    this.background = new Background(this, opened.runner, picker);
    versions.onObsolete = (file) => this.#remove(file);
    this.snapshots.onRemoved = () => {
      const { retired, snapshots } = this;
      if (retired.batches.length > 0 && retired.letGo(snapshots)) this.#look();
      this.background.snapshotGone();
    };
    if (settings.readOnly) {
      this.writeFailure = new LsmError('READ_ONLY', 'the database was opened for reading only');
    }
  }

  /** Milliseconds since 1970, for values that expire; 0 where the clock has no say in it. Never before an earlier answer: what has expired for one reader has for all. */
  nowMs(): number {
    if (!this.settings.expiresByClock) return 0;
    this.#nowMs = Math.max(this.#nowMs, this.clock.now());
    return this.#nowMs;
  }

  nextJobId(): number {
    return ++this.#jobs;
  }

  /** A full memtable and its log are put aside, for entries that take `capacityBytes` at least others begin. Throws LsmError. */
  rotate(capacityBytes: number): void {
    const { logs, memtables, position } = this;
    if (position === undefined) {
      const log = this.#beginLog();
      memtables.rotate(this.lastSequence, log.number, capacityBytes);
      logs.isSynced = false;
      logs.prepare();
    } else {
      position.keepIn(memtables.active, this.lastSequence + 1);
      this.lastSequence++;
      memtables.rotate(this.lastSequence, memtables.active.logNumber, capacityBytes);
    }
    this.#look();
    this.background.schedule();
  }

  #beginLog(): WriteAheadLog {
    try {
      return this.logs.begin(this.lastSequence, this.logs.current!.durableSequence);
    } catch (error) {
      const known = fromFileError(error);
      if (known instanceof LsmError && known.code === 'DISK_FULL') throw known;
      throw this.poison('a log could not be begun', error);
    }
  }

  /** Makes the memtable, which is empty, large enough for a batch that is larger than memtables are. */
  enlarge(capacityBytes: number): void {
    this.memtables.replaceEmpty(capacityBytes);
    this.#look();
  }

  /** The sequences up to this one belong to what came to the tree past log and memtable, which both are empty. */
  skipTo(sequence: number): void {
    this.lastSequence = sequence;
    this.logs.current?.skipTo(sequence);
  }

  /** An edit was installed. */
  installed(): void {
    if (this.settings.paranoid) this.checkInvariants();
    this.#look();
    this.stall.end();
    this.background.schedule();
    this.writes.retry();
  }

  /** The view of now, whose memtables and files stay until `releaseView`. */
  retainView(): View {
    return this.view.retain(this.memtables, this.versions);
  }

  releaseView(view: View): void {
    view.release(this.memtables, this.versions);
  }

  retain(view: View): View {
    return view.retain(this.memtables, this.versions);
  }

  /** What an iterator that begins now looks at. While a compaction filter decides on entries without knowing of the iterator, it is what there is now. */
  readerViews(): ReaderViews {
    return this.isFollowing || this.background.isFiltering ? new PinnedView(this) : this;
  }

  /** Of the views that iterators of a database of one's own look at there is nothing to let go. */
  readonly letGo = (): void => {};

  /** Whoever writes to the directory has come so far, and all of it is in memtables and versions by now. */
  followed(lastSequence: number): void {
    this.lastSequence = lastSequence;
    const { memtables, version } = this.view;
    const { active, full } = this.memtables;
    const isSame =
      version === this.versions.current &&
      memtables.length === full.length + 1 &&
      memtables[0] === active;
    if (!isSame) this.#look();
  }

  /** Takes whole tables out of the tree, whose entries readers that are there already go on seeing. They must lie over nothing that stays. */
  retire(inputs: readonly CompactionInput[], onInstalled: () => void): void {
    const batch = new RetiredBatch(inputs, (file) => this.#remove(file));
    const edit = new VersionEdit();
    for (const { level, files } of inputs) {
      for (const file of files) {
        // Until the edit is installed nothing else may take it.
        file.isCompacting = true;
        edit.deletedFiles.push({ level, number: file.number });
      }
    }
    this.manifest.commit(edit, () => {
      this.retired.add(batch, this.lastSequence, this.snapshots);
      onInstalled();
    });
  }

  #look(): void {
    const { memtables, versions, retired } = this;
    this.view = new View([memtables.active, ...memtables.full], versions.current, retired.batches);
    this.snapshots.letGoOfOld();
  }

  /** What failed leaves the state on the disk unknown: nothing is written any more. Returns what callers are told. */
  poison(what: string, cause: unknown): LsmError {
    if (this.failure !== undefined) return this.failure;
    const known = fromFileError(cause);
    const error = new LsmError(
      'POISONED',
      `${what}: the database refuses writes until it is closed and opened again`,
      { path: this.directory, cause: known },
    );
    this.failure = error;
    this.writeFailure ??= error;
    this.events.publish('poisoned', { what, error });
    this.writes.fail(error);
    this.background.fail(error);
    return error;
  }

  /** Throws LsmError LOCKED where the lock was lost. */
  checkLock(): void {
    if (this.#lock.isHeld()) return;
    throw new LsmError('LOCKED', 'the lock on the directory was lost', { path: this.directory });
  }

  /** Throws LsmError UNSUPPORTED in a directory of format level 1. */
  checkLevel2(what: string): void {
    if (this.versions.formatLevel > 1) return;
    throw new LsmError('UNSUPPORTED', `${what} need format level 2`, { path: this.directory });
  }

  /**
   * Makes the directory one of format level 2, for good. The manifest says so, durably, before anything else does: what a crash in between leaves to be done, the next opening
   * does. Jobs that are under way go on at level 1, which is part of level 2. Blocks. Throws LsmError.
   */
  raiseFormatLevel(): void {
    const { manifest, versions, keyspaces } = this;
    manifest.syncNow();
    if (this.failure !== undefined) throw this.failure;
    if (versions.formatLevel === 1) {
      this.checkLock();
      try {
        versions.raiseFormatLevel();
      } catch (error) {
        throw this.poison('the format level could not be raised', error);
      }
    }
    keyspaces.raiseFormatLevel();
    this.events.publish('upgrade', { formatLevel: versions.formatLevel });
  }

  /** Throws LsmError CLOSED. */
  checkOpen(): void {
    if (this.isClosed) throw new LsmError('CLOSED', 'the database is closed');
  }

  /** Writes what is pending, ends all work and lets go of everything. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    try {
      if (this.writeFailure === undefined) await this.writes.sync();
    } finally {
      this.isClosed = true;
      const error = new LsmError('CLOSED', 'the database is closed');
      this.writeFailure = error;
      this.writes.fail(error);
      this.background.fail(error);
      await this.background.close();
      await this.logs.close();
      await this.removals.close();
      this.versions.close();
      this.tables.close();
      this.memtables.close();
      this.cacheShare.close();
      await this.#lock.release();
      this.events.publish('close', {});
    }
  }

  checkInvariants(): void {
    this.versions.current.checkInvariants();
    this.cache.checkInvariants();
  }

  #remove(file: TableFile): void {
    this.tables.evict(file.number);
    this.removals.remove(tableFileName(file.number), oldTableFileName(file.number));
  }
}
