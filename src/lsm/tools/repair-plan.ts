/**
 * Decides what a repair does, having read everything and written nothing. Two ways:
 *
 *   mend      The manifest can be gone by. Levels stay as they are. A damaged table is replaced, in its level, by one of what can be read of it; if it is
 *             of level 0, where file numbers are the order of age, all of that level are merged to tables whose ranges are disjoint. What is missing
 *             is given up, and its range named.
 *   rebuild   The manifest is lost, or contradicts the tables. Nothing then says which of two tables with a key in common has the newer
 *             version, neither their numbers nor their sequences (a compaction of young keys drags old ones along): so every table that overlaps
 *             another, and every log, is merged by sequence numbers to one sorted level. What was deleted long ago may be back, where the
 *             deletion is gone and a table or log that it made obsolete is not.
 */
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import { KNOWN_FEATURES } from '../database/open-engine.ts';
import { LsmError } from '../errors.ts';
import type { FormatLevel } from '../format/table-options.ts';
import { KVASIR_FILE } from '../manifest/file-names.ts';
import { readKvasirFile, type DirectoryDescription } from '../manifest/kvasir-file.ts';
import { HIGHEST_FORMAT_LEVEL, type ManifestState } from '../manifest/manifest-state.ts';
import type { CompactPointer, NewFile } from '../manifest/version-edit.ts';
import type { Note, Progress } from './directory-check.ts';
import { filesOfKind, listDirectory, type ListedFile } from './directory-listing.ts';
import { isLive } from './log-check.ts';
import { type LogGroup, type LogSurvey, surveyLogs } from './log-salvage.ts';
import { chooseManifest, type ManifestChoice } from './manifest-choice.ts';
import { Mending } from './mending.ts';
import { type Problem, problemOf } from './problem.ts';
import type { Loss } from './salvage-blocks.ts';
import { surveyTable, type TableSurvey } from './table-survey.ts';

/** Tables that are merged to new ones of a level. */
export interface Rewrite {
  readonly level: number;
  readonly tables: readonly TableSurvey[];
}

/** Logs that are made into tables. */
export interface LogConversion {
  readonly group: LogGroup;
  readonly survey: LogSurvey;
}

export interface RepairPlan {
  readonly isRebuild: boolean;
  /** Nothing is wrong: nothing is to be done. */
  readonly isSound: boolean;
  readonly formatLevel: FormatLevel;
  readonly listed: readonly ListedFile[];
  /** Tables that stay as they are, with their levels. */
  readonly kept: readonly NewFile[];
  readonly rewrites: readonly Rewrite[];
  /** Of a rebuild: what is merged, as far as it overlaps. */
  readonly tables: readonly TableSurvey[];
  readonly conversions: readonly LogConversion[];
  /** Of logs that stay. */
  readonly logNumber: number;
  readonly previousLogNumber: number;
  readonly compactPointers: readonly CompactPointer[];
  readonly lastSequence: number;
  readonly nextFileNumber: number;
  /** Files that go to lost/ once what takes their place counts. */
  readonly replaced: readonly string[];
  readonly problems: readonly Problem[];
  readonly losses: readonly Loss[];
  readonly notes: readonly Note[];
  /** KVASIR, where there is one that can be read. */
  readonly description: DirectoryDescription | undefined;
}

export interface PlanOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Whether a KVASIR that cannot be read is given up, and with it the names and settings of keyspaces. */
  readonly dropKvasirFile: boolean;
  /** Whether writes in logs that were not synced are taken too, wherever they check. */
  readonly takesUnsynced: boolean;
}

/** Throws LsmError: NOT_FOUND, UNSUPPORTED, CORRUPTION for a KVASIR that is not given up, IO_ERROR. */
export function* planRepair(options: PlanOptions): Generator<Progress, RepairPlan> {
  return yield* new Planner(options).run();
}

class Planner {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #dropKvasirFile: boolean;
  readonly #takesUnsynced: boolean;
  #description: DirectoryDescription | undefined = undefined;
  readonly #listed: readonly ListedFile[];
  readonly #choice: ManifestChoice;
  readonly #problems: Problem[] = [];
  readonly #losses: Loss[] = [];
  readonly #notes: Note[] = [];
  readonly #replaced: string[] = [];
  readonly #surveys = new Map<number, TableSurvey>();
  #doneBytes = 0;
  readonly #totalBytes: number;

  constructor({ files, directory, dropKvasirFile, takesUnsynced }: PlanOptions) {
    this.#files = files;
    this.#directory = directory;
    this.#dropKvasirFile = dropKvasirFile;
    this.#takesUnsynced = takesUnsynced;
    this.#listed = listDirectory(files, directory);
    if (!this.#listed.some(({ kind }) => ['table', 'log', 'manifest', 'current'].includes(kind))) {
      throw new LsmError('NOT_FOUND', 'there is no database in the directory', { path: directory });
    }
    this.#choice = chooseManifest(files, directory, this.#listed);
    this.#problems.push(...this.#choice.problems);
    const data = this.#listed.filter(({ kind }) => kind === 'table' || kind === 'log');
    this.#totalBytes = data.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  *run(): Generator<Progress, RepairPlan> {
    const kvasirLevel = this.#readKvasirFile();
    const { state } = this.#choice;
    const level = Math.max(this.#choice.formatLevel ?? 1, kvasirLevel);
    if (state !== undefined && state.formatLevel >= kvasirLevel) {
      const plan = yield* this.#mend(state);
      if (plan !== undefined) return plan;
    } else if (state !== undefined) {
      const problem = `the manifest is of format level ${state.formatLevel}, KVASIR says ${kvasirLevel}: LevelDB's repair was here`;
      this.#problems.push({ file: KVASIR_FILE, code: 'CORRUPTION', problem });
    }
    return yield* this.#rebuild(level);
  }

  // ---- KVASIR

  /** The format level that it tells, 1 where there is none. */
  #readKvasirFile(): number {
    const path = joinPath(this.#directory, KVASIR_FILE);
    let level: number;
    try {
      this.#description = readKvasirFile(this.#files, this.#directory);
      level = this.#description?.formatLevel ?? 1;
    } catch (error) {
      const problem = problemOf(error, KVASIR_FILE);
      if (problem.code !== 'CORRUPTION') throw error;
      if (!this.#dropKvasirFile) {
        const advice = `${problem.problem}: put it back from a backup, or repair without it (names and settings of keyspaces are lost then)`;
        throw new LsmError('CORRUPTION', advice, { path, offset: problem.offset, cause: error });
      }
      this.#problems.push(problem);
      this.#replaced.push(KVASIR_FILE);
      const reason = 'names and settings of keyspaces: keys are seen with their prefixes now';
      this.#losses.push(wholeFile(KVASIR_FILE, this.#files.stat(path)?.sizeBytes ?? 0, reason));
      return 1;
    }
    this.#checkFeatures(path);
    if (level <= HIGHEST_FORMAT_LEVEL) return level;
    const problem = 'the directory has another format level, and is left as it is';
    const expected = `at most ${HIGHEST_FORMAT_LEVEL}`;
    throw new LsmError('UNSUPPORTED', problem, { path, expected, found: level });
  }

  /** Whoever does not know all of a directory's features must not touch it. Throws LsmError UNSUPPORTED. */
  #checkFeatures(path: string): void {
    const features = this.#description?.features ?? [];
    const found = features.filter((name) => !KNOWN_FEATURES.includes(name));
    if (found.length === 0) return;
    const problem = 'the directory has features unknown here, and is left as it is';
    throw new LsmError('UNSUPPORTED', problem, { path, found: found.join(', ') });
  }

  // ---- mend

  /** undefined where the manifest contradicts the tables. */
  *#mend(state: ManifestState): Generator<Progress, RepairPlan | undefined> {
    const mending = new Mending(state);
    const names = new Map(filesOfKind(this.#listed, 'table').map((file) => [file.number, file]));
    for (const file of state.files.values()) {
      const listed = names.get(file.number);
      const survey = listed && (yield* this.#survey(listed, state.formatLevel));
      mending.add(file, survey);
    }
    mending.finish();
    if (mending.contradiction !== undefined) {
      this.#problems.push(mending.contradiction);
      return undefined;
    }
    const conversions = yield* this.#surveyLiveLogs(state);
    this.#problems.push(...mending.problems);
    this.#losses.push(...mending.losses);
    this.#replaced.push(...mending.replaced);
    this.#noteOrphans(state);
    const convertedTo = Math.max(0, ...conversions.map(({ survey }) => survey.lastSequence));
    const isConverted = conversions.length > 0;
    const nextFileNumber = this.#nextFileNumber();
    return {
      ...this.#common(),
      isRebuild: false,
      formatLevel: formatLevelOf(state.formatLevel),
      kept: mending.kept,
      rewrites: mending.rewrites,
      tables: [],
      conversions,
      logNumber: isConverted ? nextFileNumber : state.logNumber,
      previousLogNumber: isConverted ? 0 : state.previousLogNumber,
      compactPointers: [...state.compactPointers].map(([level, key]) => ({ level, key })),
      lastSequence: Math.max(state.lastSequence, mending.maxSequence, convertedTo),
      nextFileNumber: isConverted ? nextFileNumber + 1 : nextFileNumber,
    };
  }

  /** What must be made into tables: nothing where recovery will read the logs. */
  *#surveyLiveLogs(state: ManifestState): Generator<Progress, LogConversion[]> {
    const logs = filesOfKind(this.#listed, 'log').filter(({ number }) => isLive(state, number));
    if (logs.length === 0) return [];
    const group: LogGroup = {
      files: this.#files,
      directory: this.#directory,
      numbers: logs.map(({ number }) => number),
      lastSequence: state.lastSequence,
      formatLevel: state.formatLevel,
      takesUnsynced: this.#takesUnsynced,
    };
    const survey = yield* this.#counted(surveyLogs(group));
    if (survey.problem === undefined) {
      this.#noteUnsynced(survey.losses);
      return [];
    }
    this.#problems.push(survey.problem);
    this.#losses.push(...survey.losses);
    this.#replaced.push(...logs.map(({ name }) => name));
    return [{ group, survey }];
  }

  // ---- rebuild

  *#rebuild(knownLevel: number): Generator<Progress, RepairPlan> {
    const { comparator, formatLevel } = this.#choice;
    let level = knownLevel;
    const tables: TableSurvey[] = [];
    for (const listed of filesOfKind(this.#listed, 'table')) {
      const survey = yield* this.#survey(listed, formatLevel);
      if (survey === undefined) continue;
      this.#refuseForeignOrder(survey, comparator);
      level = Math.max(level, survey.contents.formatLevel, survey.contents.merges > 0 ? 2 : 1);
      this.#problems.push(...survey.problems);
      this.#losses.push(...survey.losses);
      tables.push(survey);
    }
    const conversions: LogConversion[] = [];
    for (const { number } of filesOfKind(this.#listed, 'log')) {
      conversions.push(yield* this.#surveyLog(number, level));
    }
    this.#replaced.push(...this.#listed.filter(({ kind }) => kind === 'log').map((f) => f.name));
    if (comparator === undefined) {
      const note =
        'nothing names the comparator: keys are taken to be in the order of their bytes, as in all tables they are';
      this.#notes.push({ file: '', note });
    }
    const sequences = [
      ...tables.map(({ contents }) => contents.maxSequence),
      ...conversions.map(({ survey }) => survey.lastSequence),
    ];
    const nextFileNumber = this.#nextFileNumber();
    return {
      ...this.#common(),
      isRebuild: true,
      isSound: false,
      formatLevel: formatLevelOf(level),
      kept: [],
      rewrites: [],
      tables,
      conversions,
      logNumber: nextFileNumber,
      previousLogNumber: 0,
      compactPointers: [],
      lastSequence: Math.max(this.#choice.lastSequence, 0, ...sequences),
      nextFileNumber: nextFileNumber + 1,
    };
  }

  /** Whether a log was continued by the next one is not known: each is looked at by itself. */
  *#surveyLog(number: number, formatLevel: number): Generator<Progress, LogConversion> {
    const group: LogGroup = {
      files: this.#files,
      directory: this.#directory,
      numbers: [number],
      lastSequence: undefined,
      formatLevel,
      takesUnsynced: this.#takesUnsynced,
    };
    const survey = yield* this.#counted(surveyLogs(group));
    if (survey.problem === undefined) this.#noteUnsynced(survey.losses);
    else {
      this.#problems.push(survey.problem);
      this.#losses.push(...survey.losses);
    }
    return { group, survey };
  }

  /** Without a manifest, intact blocks in another order mean another comparator. Throws LsmError UNSUPPORTED. */
  #refuseForeignOrder(
    { name, unorderedBlocks, properties }: TableSurvey,
    comparator: string | undefined,
  ): void {
    if (unorderedBlocks === 0 || comparator !== undefined) return;
    const problem = 'the keys are in the order of another comparator, and are left as they are';
    const path = joinPath(this.#directory, name);
    throw new LsmError('UNSUPPORTED', problem, { path, found: properties?.comparator });
  }

  // ---- both

  *#survey(
    listed: ListedFile,
    formatLevel: number | undefined,
  ): Generator<Progress, TableSurvey | undefined> {
    const known = this.#surveys.get(listed.number);
    if (known !== undefined) return known;
    const before = this.#doneBytes;
    const steps = surveyTable(this.#files, this.#directory, listed, formatLevel);
    const survey = yield* this.#counted(steps);
    if (survey !== undefined) this.#surveys.set(listed.number, survey);
    // Damaged tables are read twice.
    this.#doneBytes = before + listed.sizeBytes;
    return survey;
  }

  *#counted<T>(steps: Generator<number, T>): Generator<Progress, T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      this.#doneBytes = Math.min(this.#totalBytes, this.#doneBytes + step.value);
      yield { doneBytes: this.#doneBytes, totalBytes: this.#totalBytes };
    }
  }

  #common(): CommonParts {
    const isSound = this.#problems.length === 0;
    return {
      isSound,
      listed: this.#listed,
      replaced: this.#replaced,
      problems: this.#problems,
      losses: this.#losses,
      notes: this.#notes,
      description: this.#description,
    };
  }

  /** Above every number that any file has. */
  #nextFileNumber(): number {
    const numbers = this.#listed.map(({ number }) => number + 1);
    return Math.max(this.#choice.nextFileNumber, ...numbers);
  }

  #noteUnsynced(losses: readonly Loss[]): void {
    for (const { file, offset, bytes, reason } of losses) {
      const note = `${bytes} bytes from offset ${offset} on were not synced, and do not check (${reason}): opening leaves them out`;
      this.#notes.push({ file, note });
    }
  }

  #noteOrphans(state: ManifestState): void {
    for (const { name, number } of filesOfKind(this.#listed, 'table')) {
      if (state.files.has(number)) continue;
      this.#notes.push({ file: name, note: 'nothing refers to it, and it is left as it is' });
    }
  }
}

type CommonParts = Pick<
  RepairPlan,
  'isSound' | 'listed' | 'replaced' | 'problems' | 'losses' | 'notes' | 'description'
>;

/** A file that is lost as a whole. */
function wholeFile(file: string, bytes: number, reason: string): Loss {
  return { file, offset: 0, bytes, reason, after: undefined, before: undefined };
}

function formatLevelOf(level: number): FormatLevel {
  return level === 1 ? 1 : 2;
}
