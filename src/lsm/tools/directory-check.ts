/**
 * Checks a whole database and names all that is wrong:
 *
 *   1. CURRENT names a manifest, whose edits replay.
 *   2. Every table of the version is there, as long as recorded, sound (table-check.ts), and as the manifest describes it.
 *   3. Levels from 1 on are sorted and disjoint; within level 0 newer tables have newer entries.
 *   4. The logs that are not in tables can be recovered.
 *   5. KVASIR, where there is one, agrees with the manifest.
 *   6. What nothing refers to is named, as a note.
 *
 * Takes no lock, writes nothing, and works while the database is open elsewhere: a table that a compaction took away meanwhile is no problem.
 * Keys of a comparator that we lack are checked but for their order. Memory: a block, the index and filters of one table, and what the
 * manifest says of all.
 */
import { FileError, type FileSystem, joinPath } from '../../os/file-system.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { LsmError } from '../errors.ts';
import type { BlockLoader } from '../format/block-loader.ts';
import { CURRENT_FILE, KVASIR_FILE, logFileName, tableFileName } from '../manifest/file-names.ts';
import { checkDescription, readKvasirFile } from '../manifest/kvasir-file.ts';
import { LOOK_ATTEMPTS } from '../limits.ts';
import {
  KVASIR_COMPARATOR,
  LEVELDB_COMPARATOR,
  type ManifestState,
} from '../manifest/manifest-state.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { filesOfKind, listDirectory, type ListedFile } from './directory-listing.ts';
import { KeyNames } from './key-names.ts';
import { type CheckedFile, checkLevels, compareWithManifest } from './level-check.ts';
import { checkLogs, isLive, type LogCheck } from './log-check.ts';
import { type ManifestReplay, replayCurrent } from './manifest-replay.ts';
import {
  baseName,
  isMissing,
  ProblemList,
  problemOf,
  type Problem,
  type Report,
} from './problem.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import { checkTable } from './table-check.ts';
import type { TableContents } from './table-contents.ts';

/** Something worth knowing that is not wrong. */
export interface Note {
  readonly file: string;
  readonly note: string;
}

export interface CheckReport {
  readonly problems: readonly Problem[];
  /** More than there are in `problems` where one file has many. */
  readonly problemCount: number;
  readonly notes: readonly Note[];
  readonly comparator: string | undefined;
  readonly formatLevel: number | undefined;
  readonly tables: number;
  /** In tables, and in logs that they lack. */
  readonly entries: number;
  readonly logEntries: number;
  /** Of tables and logs. */
  readonly bytes: number;
}

export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CheckOptions {
  readonly directory: string;
  /** Default the operating system's. */
  readonly files?: FileSystem | undefined;
}

/** A step is about a block. Throws LsmError NOT_FOUND where there is no such directory, IO_ERROR where it cannot be listed. */
export function* checkSteps(options: CheckOptions): Generator<Progress, CheckReport> {
  const check = new DirectoryCheck(options);
  yield* check.run();
  return check.report();
}

/** The same in one go; `onProgress` is called in between. */
export function checkDirectory(
  options: CheckOptions,
  onProgress: (progress: Progress) => void = () => {},
): CheckReport {
  const steps = checkSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onProgress(step.value);
  }
}

class DirectoryCheck {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #loader: BlockLoader = uncachedLoader();
  readonly #problems: ProblemList = new ProblemList();
  readonly #notes: Note[] = [];
  readonly #report: Report = (problem) => this.#problems.add(problem);
  #listed: readonly ListedFile[] = [];
  #replay: ManifestReplay | undefined = undefined;
  #isBytewise = true;
  #names: KeyNames | undefined = undefined;
  #tables = 0;
  #entries = 0;
  #logEntries = 0;
  #doneBytes = 0;
  #totalBytes = 0;

  constructor({ files = new NodeFileSystem(), directory }: CheckOptions) {
    this.#files = files;
    this.#directory = directory;
  }

  *run(): Generator<Progress, void> {
    this.#listed = listDirectory(this.#files, this.#directory);
    this.#readManifest();
    this.#readNames();
    const state = this.#state;
    const names = new Map(filesOfKind(this.#listed, 'table').map((f) => [f.number, f.name]));
    const logs = this.#logs(state);
    const tables = this.#tablesToCheck();
    for (const { sizeBytes } of [...tables, ...logs]) this.#totalBytes += sizeBytes;
    const checked: CheckedFile[] = [];
    for (const file of tables) {
      const name = names.get(file.number) ?? tableFileName(file.number);
      const contents = yield* this.#checkTable(file, name);
      checked.push({ file, name, contents });
    }
    if (state !== undefined) {
      for (const one of checked) compareWithManifest(one, state, this.#report);
      if (this.#isBytewise) checkLevels(checked, this.#report);
    }
    yield* this.#checkLogs();
    this.#checkKvasirFile();
    this.#noteOrphans();
    this.#doneBytes = this.#totalBytes;
    yield this.#progress();
  }

  report(): CheckReport {
    const state = this.#replay?.state;
    return {
      problems: this.#problems.problems,
      problemCount: this.#problems.count,
      notes: this.#notes,
      comparator: state?.comparator,
      formatLevel: state?.formatLevel,
      tables: this.#tables,
      entries: this.#entries,
      logEntries: this.#logEntries,
      bytes: this.#doneBytes,
    };
  }

  // ---- manifest

  #readManifest(): void {
    try {
      this.#replay = replayCurrent(this.#files, this.#directory);
    } catch (error) {
      this.#caught(error, CURRENT_FILE);
      return;
    }
    const replay = this.#replay;
    if (replay === undefined) {
      const problem = 'there is no CURRENT: no database, or one that cannot be opened';
      this.#report({ file: CURRENT_FILE, code: 'NOT_FOUND', problem });
      return;
    }
    const { state, error, name } = replay;
    if (error !== undefined) this.#caught(error, name);
    if (state.tail !== undefined) {
      const { offset, problem } = state.tail;
      this.#note(name, `the last edit, at offset ${offset}, is not whole: ${problem}`);
    }
    this.#isBytewise = [LEVELDB_COMPARATOR, KVASIR_COMPARATOR].includes(state.comparator);
    if (this.#isBytewise) return;
    const note = `the comparator ${state.comparator} is not known here: order was not checked`;
    this.#note(name, note);
  }

  /** The state, where all of the manifest could be read. */
  get #state(): ManifestState | undefined {
    return this.#replay?.error === undefined ? this.#replay?.state : undefined;
  }

  /** A KVASIR that cannot be read is told of later. */
  #readNames(): void {
    try {
      const description = readKvasirFile(this.#files, this.#directory);
      if (description !== undefined) this.#names = new KeyNames(description);
    } catch (error) {
      if (!(error instanceof LsmError) && !(error instanceof FileError)) throw error;
    }
  }

  // ---- tables

  /** The version's tables; where the version is not known, all that are there. */
  #tablesToCheck(): NewFile[] {
    const state = this.#state;
    if (state !== undefined) return [...state.files.values()].sort((a, b) => a.number - b.number);
    const none = new Uint8Array(0);
    return filesOfKind(this.#listed, 'table').map(({ number, sizeBytes }) => {
      return { level: 0, number, sizeBytes, smallest: none, largest: none };
    });
  }

  *#checkTable(file: NewFile, name: string): Generator<Progress, TableContents | undefined> {
    const before = this.#doneBytes;
    let contents: TableContents | undefined;
    try {
      const open = this.#files.open(joinPath(this.#directory, name), 'read');
      try {
        const table = new RawTable(open, file.number, this.#loader);
        const report = this.#report;
        const options = { name, isBytewise: this.#isBytewise, report, names: this.#names };
        contents = yield* this.#counted(checkTable(table, options));
        this.#tables++;
        this.#entries += contents.entries;
      } finally {
        open.close();
      }
    } catch (error) {
      if (!isMissing(error)) this.#caught(error, name);
      else if (!this.#isGoneMeanwhile(file.number)) this.#missing(name, file);
    }
    this.#doneBytes = before + file.sizeBytes;
    yield this.#progress();
    return contents;
  }

  /** A compaction of whoever has the database open may have replaced it. */
  #isGoneMeanwhile(number: number): boolean {
    return this.#readAgain()?.files.has(number) === false;
  }

  /** The state by now, undefined where it cannot be read. */
  #readAgain(): ManifestState | undefined {
    try {
      const replay = replayCurrent(this.#files, this.#directory);
      return replay?.error === undefined ? replay?.state : undefined;
    } catch {
      return undefined;
    }
  }

  #missing(name: string, { level, sizeBytes }: NewFile): void {
    const problem = `the table is missing, which the manifest has in level ${level}`;
    this.#report({ file: name, code: 'CORRUPTION', problem, expected: `${sizeBytes} bytes` });
  }

  // ---- logs and the rest

  *#checkLogs(): Generator<Progress, void> {
    let state = this.#replay?.state;
    for (let attempt = 1; state !== undefined; attempt++) {
      try {
        const numbers = this.#logs(state).map(({ number }) => number);
        const options = { files: this.#files, directory: this.#directory, numbers, state };
        this.#reportLogs(yield* this.#counted(checkLogs(options)));
        this.#checkFirstLog(numbers, state);
        return;
      } catch (error) {
        if (!isMissing(error) || attempt === LOOK_ATTEMPTS) {
          this.#caught(error, 'the logs');
          return;
        }
        // Its entries are in a table by now, and the manifest says so: the database is open elsewhere.
        state = this.#readAgain() ?? state;
        this.#listed = listDirectory(this.#files, this.#directory);
      }
    }
  }

  /** Logs that the tables lack; without a state all that there are. */
  #logs(state: ManifestState | undefined): ListedFile[] {
    return filesOfKind(this.#listed, 'log').filter(
      ({ number }) => state === undefined || isLive(state, number),
    );
  }

  #checkFirstLog(numbers: readonly number[], state: ManifestState): void {
    const { logNumber, tail } = state;
    if (logNumber === 0 || numbers.includes(logNumber)) return;
    const file = logFileName(logNumber);
    if (tail === undefined) {
      this.#note(file, 'there is no such log, with which recovery would begin');
      return;
    }
    const problem = "the log is missing, and the manifest's last edit is damaged";
    this.#report({ file, code: 'CORRUPTION', problem });
  }

  #reportLogs({ entries, drops, problem }: LogCheck): void {
    this.#logEntries = entries;
    if (problem !== undefined) this.#report(problem);
    for (const { path, offset, bytes, error } of drops) {
      const file = baseName(path);
      const isThat = problem?.file === file && problem.offset === error.offset;
      if (problem !== undefined && !isThat) this.#caught(error, file);
      const what = `${bytes} bytes from offset ${offset} on would not be recovered`;
      this.#note(file, `${what}: ${error.problem}`);
    }
  }

  #checkKvasirFile(): void {
    const state = this.#state;
    try {
      const description = readKvasirFile(this.#files, this.#directory);
      if (description === undefined || state === undefined) return;
      checkDescription(description, state, description.features);
    } catch (error) {
      this.#caught(error, KVASIR_FILE);
    }
  }

  #noteOrphans(): void {
    const replay = this.#replay;
    if (replay === undefined) return;
    const state = this.#state;
    for (const { name, kind, number, sizeBytes } of this.#listed) {
      let isOrphan = kind === 'manifest' && number !== replay.number;
      if (kind === 'temporary') isOrphan = true;
      else if (kind === 'table') isOrphan = state?.files.has(number) === false;
      else if (kind === 'log') isOrphan = state !== undefined && !isLive(state, number);
      if (!isOrphan) continue;
      const what = kind === 'temporary' ? 'not finished' : 'nothing refers to it';
      this.#note(name, `${what} (${sizeBytes} bytes): the next opening removes it`);
    }
  }

  // ---- progress and reports

  *#counted<T>(steps: Generator<number, T>): Generator<Progress, T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      this.#doneBytes += step.value;
      yield this.#progress();
    }
  }

  #progress(): Progress {
    return { doneBytes: this.#doneBytes, totalBytes: Math.max(this.#totalBytes, this.#doneBytes) };
  }

  #caught(error: unknown, file: string): void {
    this.#report(problemOf(error, file));
  }

  #note(file: string, note: string): void {
    this.#notes.push({ file, note });
  }
}
