/**
 * Opens what is in a directory:
 *
 *   1. CURRENT names the manifest, whose edits give the version. Every table that it names must be there, as long as it says.
 *   2. The logs that are not in tables are replayed into a memtable, and that is flushed whenever it is full and at the end: nothing that only an old log
 *      has, of which a cache may hold more than the disk, is relied on.
 *   3. A new manifest begins with the state that results; CURRENT names it; a new log begins.
 *   4. Files that nothing names are removed.
 *
 * A crash in between leaves the old manifest and logs, and the next opening begins anew. Read-only, step 2 keeps its memtables and the rest is left out.
 */
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import type { BatchReader } from '../batch-reader.ts';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import { JobRun } from '../compaction/job-run.ts';
import { LsmError } from '../errors.ts';
import type { FollowedManifest } from '../manifest/followed-manifest.ts';
import { readCurrent } from '../manifest/current.ts';
import {
  type FileName,
  oldTableFileName,
  parseFileName,
  tableFileName,
} from '../manifest/file-names.ts';
import {
  KVASIR_COMPARATOR,
  LEVELDB_COMPARATOR,
  ManifestState,
  readManifest,
} from '../manifest/manifest-state.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import { Memtable } from '../memtable/memtable.ts';
import { type LogDrop, recoverLogs } from '../wal/log-recovery.ts';
import { BATCH_HEADER_BYTES } from '../write-batch.ts';
import type { MemtableList } from './memtable-list.ts';
import { type Settings, tableOptions } from './options.ts';

export const MISSING_TABLE = 'a table is missing';
export const MISSING_LOG = 'a log is missing';

export class Recovery {
  readonly state: ManifestState;
  readonly isNew: boolean;
  lastSequence = 0;
  /** Entries that were replayed from logs. */
  entries = 0;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #settings: Settings;
  readonly #memtables: MemtableList;
  readonly #budget: MemoryBudget;
  readonly #followed: FollowedManifest | undefined;
  #names: readonly { name: string; file: FileName }[];

  /** Reads the manifest: of a directory that somebody else may be writing to as `followed` has it. Throws LsmError. */
  constructor(
    directory: string,
    settings: Settings,
    memtables: MemtableList,
    budget: MemoryBudget,
    followed?: FollowedManifest,
  ) {
    this.#files = settings.system.files;
    this.#directory = directory;
    this.#settings = settings;
    this.#memtables = memtables;
    this.#budget = budget;
    this.#followed = followed;
    this.#names = this.#list();
    const current = readCurrent(this.#files, directory);
    this.isNew = current === undefined;
    if (current === undefined) this.state = this.#create();
    else this.state = followed?.read() ?? readManifest(this.#files, directory, current);
    if (current !== undefined && settings.errorIfExists) {
      throw new LsmError('EXISTS', 'there is a database in the directory', { path: directory });
    }
    this.state.checkComparator();
    this.#checkTables();
    for (const { file } of this.#names) {
      this.state.nextFileNumber = Math.max(this.state.nextFileNumber, file.number + 1);
    }
  }

  #list(): { name: string; file: FileName }[] {
    const found: { name: string; file: FileName }[] = [];
    for (const name of this.#files.readDirectory(this.#directory)) {
      const file = parseFileName(name);
      if (file !== undefined) found.push({ name, file });
    }
    return found;
  }

  #create(): ManifestState {
    const path = this.#directory;
    // Without CURRENT nothing says which of these count; taking them for rubbish would remove somebody's data.
    const left = this.#names.find(({ file }) => file.kind === 'table' || file.kind === 'log');
    if (left !== undefined) {
      const expected = 'a directory without tables and logs, or `kvasir repair`';
      throw new LsmError('CORRUPTION', 'CURRENT is missing', { path, expected, found: left.name });
    }
    if (!this.#settings.createIfMissing || this.#settings.readOnly) {
      throw new LsmError('NOT_FOUND', 'there is no database in the directory', { path });
    }
    const state = new ManifestState(path);
    state.formatLevel = this.#settings.formatLevel ?? 1;
    state.comparator = state.formatLevel === 1 ? LEVELDB_COMPARATOR : KVASIR_COMPARATOR;
    state.nextFileNumber = 1;
    return state;
  }

  #checkTables(): void {
    for (const { number, sizeBytes } of this.state.files.values()) {
      const path = joinPath(this.#directory, tableFileName(number));
      const stat =
        this.#files.stat(path) ??
        this.#files.stat(joinPath(this.#directory, oldTableFileName(number)));
      if (stat?.sizeBytes === sizeBytes) continue;
      const problem = stat === undefined ? MISSING_TABLE : 'a table is not as long as it was';
      const cause = this.state.tail;
      const found = stat?.sizeBytes;
      throw new LsmError('CORRUPTION', problem, { path, expected: sizeBytes, found, cause });
    }
  }

  /** Replays the logs; yields now and then. Throws LsmError, FileError. */
  *replay(): Generator<void, void> {
    const { state } = this;
    // Whoever writes to the directory may have begun logs since, of which the manifest tells.
    if (this.#settings.readOnly) this.#names = this.#list();
    const numbers = this.#names
      .filter(({ file }) => file.kind === 'log')
      .map(({ file }) => file.number)
      .filter((n) => n >= state.logNumber || (n !== 0 && n === state.previousLogNumber))
      .sort((a, b) => a - b);
    const hasLog = !this.#settings.externalLog;
    if (hasLog && state.tail !== undefined && !numbers.includes(state.logNumber)) {
      // The edit that is torn had counted: it took this log away.
      throw state.tail;
    }
    if (!numbers.includes(state.logNumber)) this.#checkThatNothingMoved();
    const drops: LogDrop[] = [];
    const recovery = recoverLogs({
      files: this.#files,
      directory: this.#directory,
      numbers,
      lastSequence: state.lastSequence,
      formatLevel: state.formatLevel,
      mode: this.#settings.recovery,
      apply: (batch) => this.#apply(batch),
      report: this.#followed === undefined ? this.#settings.onDrop : (drop) => drops.push(drop),
    });
    for (;;) {
      const step = recovery.next();
      if (step.done === true) {
        this.lastSequence = step.value.lastSequence;
        this.entries = step.value.entries;
        break;
      }
      yield;
    }
    if (drops.some(isGap)) this.#checkThatNothingMoved();
    for (const drop of drops) this.#settings.onDrop(drop);
    if (!this.#settings.readOnly) this.#flush();
    state.lastSequence = this.lastSequence;
  }

  /** Throws where somebody else has gone on with the directory: a log that is missing is in tables of a newer version, then. */
  #checkThatNothingMoved(): void {
    const followed = this.#followed;
    if (followed === undefined) return;
    followed.read();
    if (!followed.isNew) return;
    throw new LsmError('CORRUPTION', MISSING_LOG, { path: this.#directory });
  }

  /** Removes what nothing names any more. `logNumber`: of the log that was begun. */
  async removeRubbish(manifestNumber: number, logNumber: number): Promise<void> {
    const rubbish = this.#names.filter(({ file: { kind, number } }) => {
      if (kind === 'table') return !this.state.files.has(number);
      if (kind === 'log') return number !== logNumber;
      if (kind === 'manifest') return number !== manifestNumber;
      return kind === 'temporary';
    });
    const removals = rubbish.map(({ name }) =>
      this.#files.unlinkAsync(joinPath(this.#directory, name)),
    );
    // What can't be removed now is rubbish the next time too.
    await Promise.allSettled(removals);
  }

  #apply(batch: BatchReader): void {
    const { region, count } = batch;
    const payloadBytes = batch.sizeBytes - BATCH_HEADER_BYTES;
    this.#makeRoom(count, payloadBytes);
    const { memtable } = this.#memtables.active;
    while (batch.next()) {
      const { keyStart, keyEnd, sequence, type, valueStart, valueEnd } = batch;
      if (memtable.add(region, keyStart, keyEnd, sequence, type, region, valueStart, valueEnd))
        continue;
      throw new LsmError('LIMIT', 'a memtable was full although there was room');
    }
  }

  #makeRoom(count: number, payloadBytes: number): void {
    const memtables = this.#memtables;
    if (memtables.active.memtable.canTake(count, payloadBytes)) return;
    const capacity = Memtable.capacityFor(count, payloadBytes);
    if (memtables.active.memtable.entries === 0) memtables.replaceEmpty(capacity);
    else {
      memtables.rotate(0, 0, capacity);
      if (!this.#settings.readOnly) this.#flushFull();
    }
  }

  #flush(): void {
    if (this.#memtables.active.memtable.entries === 0) return;
    this.#memtables.rotate(0, 0, 0);
    this.#flushFull();
  }

  /** Makes a table of what is full, here and now. */
  #flushFull(): void {
    const { full } = this.#memtables;
    const { state } = this;
    const settings = this.#settings;
    const run = new JobRun(
      {
        id: 0,
        kind: 'flush',
        directory: this.#directory,
        sources: full.map(({ memtable }) => ({ kind: 'memtable', buffer: memtable.buffer })),
        outputLevel: 0,
        firstFileNumber: state.nextFileNumber++,
        maxFiles: 1,
        targetBytes: Infinity,
        snapshots: [],
        deadRanges: [],
        rules: [],
        nowMs: 0,
        keepsDeletions: true,
        below: [],
        maxOverlapBytes: Infinity,
        table: tableOptions(settings, 0, state.formatLevel === 1 ? 1 : 2),
      },
      { files: this.#files, clock: settings.system.clock, budget: this.#budget },
    );
    while (!run.step());
    const { result, failure } = run.reply!;
    if (result === undefined) throw new LsmError(failure!.code, failure!.message);
    const edit = new VersionEdit();
    edit.newFiles.push(...result.outputs);
    state.apply(edit, state.sizeBytes);
    this.#memtables.remove(full);
  }
}

/** Whether it was left out because sequences before it were missing. */
function isGap({ error }: LogDrop): boolean {
  return typeof error.expected === 'number' && typeof error.found === 'number';
}
