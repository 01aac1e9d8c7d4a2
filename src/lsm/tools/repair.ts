/**
 * Repairs a database as planned (repair-plan.ts), so that whatever is interrupted, at any step, can be repaired again:
 *
 *   1. New tables are written under temporary names and synced, then get their own; nothing refers to them yet.
 *   2. What they replace gets a second name in the folder lost/ (lost-folder.ts), and a text beside it says what was found and what is lost.
 *   3. A new manifest is written and synced; CURRENT is switched to it. From here on the repaired database counts.
 *   4. What was replaced loses its first name, older manifests too.
 *
 * The lock is held meanwhile. Memory: a memtable, and of each run of tables that overlap a block, an index and a window.
 */
import { type Clock, SystemClock } from '../../os/clock.ts';
import { type DatabaseLock, lockDatabase, type LockDatabase } from '../../os/database-lock.ts';
import { DirectoryLockedError } from '../../os/directory-lock.ts';
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { parsePrefix } from '../format/filter-prefix.ts';
import type { TableWriteOptions } from '../format/table-options.ts';
import { LEVELS, REPAIRED_TABLE_BYTES } from '../limits.ts';
import { setCurrentSync } from '../manifest/current.ts';
import type { DirectoryDescription } from '../manifest/kvasir-file.ts';
import { KVASIR_COMPARATOR, LEVELDB_COMPARATOR } from '../manifest/manifest-state.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { VersionEdit, type NewFile } from '../manifest/version-edit.ts';
import type { Note, Progress } from './directory-check.ts';
import { KeyNames } from './key-names.ts';
import { compareUserKeys } from './level-check.ts';
import { convertLogs } from './log-salvage.ts';
import { lossText } from './loss-text.ts';
import { keepInLost, writeRecord } from './lost-folder.ts';
import { baseName, problemText, type Problem } from './problem.ts';
import { planRepair, type RepairPlan } from './repair-plan.ts';
import type { Loss } from './salvage-blocks.ts';
import { type MergeSource, mergeTables } from './table-merge.ts';
import { TableOutput, type WrittenTable } from './table-output.ts';
import type { TableSurvey } from './table-survey.ts';

export interface RepairOptions {
  readonly directory: string;
  /** Default the operating system's. */
  readonly files?: FileSystem | undefined;
  readonly lockDatabase?: LockDatabase | undefined;
  readonly clock?: Clock | undefined;
  /** Gives up a KVASIR that cannot be read, and with it the names and settings of keyspaces. Default false: the repair is refused then. */
  readonly dropKvasirFile?: boolean | undefined;
  /**
   * Takes writes in logs that were not synced too, wherever they check, also behind others that are damaged. Default false: recovery then ends
   * where the first write is missing, since it is not known whether the later ones make sense without.
   */
  readonly takesUnsynced?: boolean | undefined;
  /** Only tells what it would do. Default false. */
  readonly isTrial?: boolean | undefined;
  /** Told now and then how far it is with reading everything, then with writing what is new. */
  readonly onProgress?: ((progress: Progress, phase: 'read' | 'write') => void) | undefined;
  /** Tables of sorted levels are ended behind so many bytes. Default 64 MiB. */
  readonly targetBytes?: number | undefined;
}

export interface RepairReport {
  /** Nothing was wrong, and nothing was changed. */
  readonly isSound: boolean;
  /** The manifest could not be gone by: all is in one level now. */
  readonly isRebuild: boolean;
  readonly problems: readonly Problem[];
  /** All that is lost. */
  readonly losses: readonly Loss[];
  /** Damaged tables: how many entries were read of them, and how many are lost where their properties tell. */
  readonly salvaged: readonly SalvagedTable[];
  readonly notes: readonly Note[];
  readonly tablesKept: number;
  readonly tablesWritten: number;
  readonly entriesWritten: number;
  /** Logs that were made into tables, and entries of them. */
  readonly logsConverted: number;
  readonly logEntries: number;
  /** What was replaced, where it is now, and the text about it. */
  readonly kept: readonly string[];
  /** KVASIR, where there is one that can be read: names of keyspaces. */
  readonly description: DirectoryDescription | undefined;
}

export interface SalvagedTable {
  readonly file: string;
  readonly entries: number;
  readonly lostEntries: number | undefined;
}

/**
 * Repairs the database in a directory that nobody has open. Rejects with LsmError: LOCKED, NOT_FOUND, UNSUPPORTED for a comparator, format level or
 * entry that this version does not have, CORRUPTION for a KVASIR that is not to be dropped, DISK_FULL, IO_ERROR; the directory is then as
 * it was, or can be repaired again.
 */
export async function repairDirectory(options: RepairOptions): Promise<RepairReport> {
  const { directory, files = new NodeFileSystem() } = options;
  if (files.stat(directory)?.isDirectory !== true) {
    throw new LsmError('NOT_FOUND', 'there is no such directory', { path: directory });
  }
  const lock = await takeLock(options);
  try {
    return await new Repair(options, files, lock).run();
  } catch (error) {
    throw fromFileError(error);
  } finally {
    await lock.release();
  }
}

async function takeLock({
  lockDatabase: lock = lockDatabase,
  directory,
}: RepairOptions): Promise<DatabaseLock> {
  try {
    return await lock(directory);
  } catch (error) {
    if (!(error instanceof DirectoryLockedError)) throw fromFileError(error);
    throw new LsmError('LOCKED', error.message, { path: directory, cause: error });
  }
}

class Repair {
  readonly #options: RepairOptions;
  readonly #lock: DatabaseLock;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #outputs: TableOutput[] = [];
  #nextFileNumber = 0;
  #doneBytes = 0;
  #totalBytes = 0;

  constructor(options: RepairOptions, files: FileSystem, lock: DatabaseLock) {
    this.#options = options;
    this.#lock = lock;
    this.#files = files;
    this.#directory = options.directory;
    this.#clock = options.clock ?? new SystemClock();
  }

  async run(): Promise<RepairReport> {
    const plan = this.#plan();
    if (plan.isSound || this.#options.isTrial === true)
      return report(plan, [], [], plan.kept.length);
    this.#removeUnfinished(plan);
    this.#nextFileNumber = plan.nextFileNumber;
    this.#totalBytes = bytesToRead(plan);
    let written: WrittenTable[];
    let kept: NewFile[];
    try {
      [written, kept] = plan.isRebuild ? this.#rebuild(plan) : this.#mend(plan);
      for (const { temporaryPath, path } of written) this.#files.rename(temporaryPath, path);
      this.#files.syncDirectory(this.#directory);
    } catch (error) {
      for (const output of this.#outputs) output.abandon();
      throw error;
    }
    const keptNumbers = new Set(kept.map(({ number }) => number));
    const replacedTables = plan.tables.filter(({ number }) => !keptNumbers.has(number));
    const replaced = [...plan.replaced, ...replacedTables.map(({ name }) => name)];
    const manifests = plan.listed.filter(({ kind }) => kind === 'manifest').map((f) => f.name);
    const names = [...new Set([...replaced, ...manifests])];
    const inLost = await keepInLost(this.#files, this.#directory, names);
    const number = this.#nextFileNumber++;
    inLost.push(writeRecord(this.#files, this.#directory, number, recordOf(plan)));
    this.#switch(plan, number, [...kept, ...written.map(({ file }) => file)]);
    for (const name of names) this.#files.unlink(joinPath(this.#directory, name));
    this.#files.syncDirectory(this.#directory);
    return report(plan, written, inLost, kept.length);
  }

  #plan(): RepairPlan {
    const { directory, onProgress } = this.#options;
    const files = this.#files;
    const { dropKvasirFile = false, takesUnsynced = false } = this.#options;
    const steps = planRepair({ files, directory, dropKvasirFile, takesUnsynced });
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      onProgress?.(step.value, 'read');
    }
  }

  // ---- tables

  /** Rewrites first, logs behind them: within level 0 numbers follow age. */
  #mend(plan: RepairPlan): [WrittenTable[], NewFile[]] {
    for (const { level, tables } of plan.rewrites) this.#merge(plan, level, tables.map(sourceOf));
    this.#convertLogs(plan);
    return [this.#outputs.flatMap(({ written }) => written), [...plan.kept]];
  }

  /** Logs become tables like the others; then what overlaps is merged. */
  #rebuild(plan: RepairPlan): [WrittenTable[], NewFile[]] {
    this.#convertLogs(plan);
    const fromLogs = this.#outputs.flatMap(({ written }) => written);
    const level = LEVELS - 1;
    const kept: NewFile[] = [];
    const byName = new Map(plan.tables.map((survey) => [survey.name, survey]));
    const merged: TableOutput[] = [];
    for (const group of overlapping([...plan.tables.map(sourceOf), ...fromLogs.map(logSource)])) {
      const survey = group.length === 1 ? byName.get(group[0]!.name) : undefined;
      if (survey === undefined || survey.problems.length > 0) {
        merged.push(this.#merge(plan, level, group));
        continue;
      }
      const { sizeBytes, smallest, largest } = survey.contents;
      kept.push({ level, number: survey.number, sizeBytes, smallest, largest });
    }
    // What was made of logs is in the merged tables now.
    for (const { temporaryPath } of fromLogs) this.#files.unlink(temporaryPath);
    return [merged.flatMap(({ written }) => written), kept];
  }

  #convertLogs(plan: RepairPlan): void {
    for (const { group, survey } of plan.conversions) {
      const steps = convertLogs(group, survey, (ranges) =>
        this.#output(plan, 0, ranges, Infinity, this.#nowSeconds()),
      );
      this.#counted(steps);
    }
  }

  #merge(plan: RepairPlan, level: number, sources: readonly MergeSource[]): TableOutput {
    const ranges = sources.flatMap(({ rangeDeletions }) => rangeDeletions);
    const { targetBytes = REPAIRED_TABLE_BYTES } = this.#options;
    const times = sources.map(({ youngestAtSeconds }) => youngestAtSeconds);
    const youngest = times.includes(0) ? this.#nowSeconds() : Math.max(...times);
    const output = this.#output(plan, level, ranges, targetBytes, youngest);
    this.#counted(mergeTables(this.#files, this.#directory, sources, output));
    return output;
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #output(
    plan: RepairPlan,
    level: number,
    ranges: MergeSource['rangeDeletions'],
    targetBytes: number,
    youngestAtSeconds: number,
  ): TableOutput {
    const output = new TableOutput({
      files: this.#files,
      directory: this.#directory,
      level,
      table: { ...tableOptions(plan), createdAtSeconds: this.#nowSeconds(), youngestAtSeconds },
      targetBytes,
      ranges,
      allocateFileNumber: () => this.#nextFileNumber++,
    });
    this.#outputs.push(output);
    return output;
  }

  #counted(steps: Generator<number, void>): void {
    for (const bytes of steps) {
      this.#doneBytes = Math.min(this.#totalBytes, this.#doneBytes + bytes);
      const { onProgress } = this.#options;
      onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes }, 'write');
    }
  }

  // ---- directory

  /** What a repair or opening that was interrupted left. */
  #removeUnfinished({ listed }: RepairPlan): void {
    for (const { name, kind } of listed) {
      if (kind === 'temporary') this.#files.unlink(joinPath(this.#directory, name));
    }
  }

  #switch(plan: RepairPlan, number: number, files: readonly NewFile[]): void {
    const edit = new VersionEdit();
    if (plan.formatLevel > 1) edit.formatLevel = plan.formatLevel;
    edit.comparator = plan.formatLevel === 1 ? LEVELDB_COMPARATOR : KVASIR_COMPARATOR;
    edit.logNumber = plan.logNumber;
    if (plan.previousLogNumber !== 0) edit.previousLogNumber = plan.previousLogNumber;
    edit.lastSequence = plan.lastSequence;
    edit.nextFileNumber = this.#nextFileNumber;
    edit.compactPointers = [...plan.compactPointers];
    edit.newFiles = [...files];
    const manifest = new ManifestWriter(this.#files, this.#directory, number);
    try {
      manifest.append(edit);
      manifest.sync();
    } finally {
      manifest.close();
    }
    if (!this.#lock.isHeld()) {
      const problem = 'the lock was lost: somebody else may have the database open';
      throw new LsmError('LOCKED', problem, { path: this.#directory });
    }
    setCurrentSync(this.#files, this.#directory, number);
  }
}

/** For who looks into lost/ later, and for a repair that ends before it has told anybody. */
function recordOf({ problems, losses, replaced, description }: RepairPlan): string[] {
  const names = new KeyNames(description);
  return [
    'Found:',
    ...problems.map((problem) => `  ${problemText(problem)}`),
    'Lost:',
    ...(losses.length === 0 ? ['  nothing'] : losses.map((loss) => `  ${lossText(loss, names)}`)),
    'Replaced:',
    ...replaced.map((name) => `  ${name}`),
  ];
}

function sourceOf({ name, contents, rangeDeletions, properties }: TableSurvey): MergeSource {
  const { sizeBytes, smallest, largest } = contents;
  const youngestAtSeconds = properties?.youngestAtSeconds ?? 0;
  return { name, sizeBytes, smallest, largest, rangeDeletions, youngestAtSeconds };
}

/** A table that was made of logs, under its temporary name. */
function logSource({ temporaryPath, file, rangeDeletions }: WrittenTable): MergeSource {
  const { sizeBytes, smallest, largest } = file;
  const name = baseName(temporaryPath);
  return { name, sizeBytes, smallest, largest, rangeDeletions, youngestAtSeconds: 0 };
}

/** Tables by whether they have keys in common, directly or through others; those without entries are left out. */
function overlapping(sources: readonly MergeSource[]): MergeSource[][] {
  const sorted = sources
    .filter(({ smallest }) => smallest.length > 0)
    .sort((a, b) => compareUserKeys(a.smallest, b.smallest));
  const groups: MergeSource[][] = [];
  let furthest: Uint8Array | undefined;
  for (const source of sorted) {
    const isApart = furthest === undefined || compareUserKeys(furthest, source.smallest) < 0;
    if (isApart) groups.push([source]);
    else groups.at(-1)!.push(source);
    if (isApart || compareUserKeys(furthest!, source.largest) < 0) furthest = source.largest;
  }
  return groups;
}

/** As the tables were that are replaced: foreign ones are LevelDB's, which compresses by default. */
function tableOptions({ formatLevel, rewrites, tables }: RepairPlan): TableWriteOptions {
  const surveys = [...tables, ...rewrites.flatMap((rewrite) => rewrite.tables)];
  const codecs = new Set(surveys.map(({ properties }) => properties?.codec ?? 'snappy'));
  const codec = (['snappy', 'lz4', 'zstd'] as const).find((name) => codecs.has(name));
  const levelDbFilter = surveys.some(({ hasLevelDbFilter }) => hasLevelDbFilter);
  const prefixes = surveys.map(({ properties }) => parsePrefix(properties?.filterPrefix ?? ''));
  const filterPrefix = prefixes.find((prefix) => prefix !== undefined);
  return { formatLevel, levelDbFilter, codec: codec ?? 'none', filterPrefix };
}

function bytesToRead({ isRebuild, rewrites, tables, conversions, listed }: RepairPlan): number {
  const surveys = isRebuild ? tables : rewrites.flatMap((rewrite) => rewrite.tables);
  const logs = new Set(conversions.flatMap(({ group }) => group.numbers));
  let bytes = surveys.reduce((sum, { contents }) => sum + contents.sizeBytes, 0);
  for (const { kind, number, sizeBytes } of listed) {
    if (kind === 'log' && logs.has(number)) bytes += sizeBytes;
  }
  return bytes;
}

function report(
  plan: RepairPlan,
  written: readonly WrittenTable[],
  kept: readonly string[],
  tablesKept: number,
): RepairReport {
  const damaged = [...plan.tables, ...plan.rewrites.flatMap(({ tables }) => tables)].filter(
    ({ problems }) => problems.length > 0,
  );
  return {
    isSound: plan.isSound,
    isRebuild: plan.isRebuild,
    problems: plan.problems,
    losses: plan.losses,
    salvaged: damaged.map(({ name, contents, lostEntries }) => {
      return { file: name, entries: contents.entries, lostEntries };
    }),
    notes: plan.notes,
    tablesKept,
    tablesWritten: written.length,
    entriesWritten: written.reduce((sum, { entries }) => sum + entries, 0),
    logsConverted: new Set(plan.conversions.flatMap(({ group }) => group.numbers)).size,
    logEntries: plan.conversions.reduce((sum, { survey }) => sum + survey.entries, 0),
    kept,
    description: plan.description,
  };
}
