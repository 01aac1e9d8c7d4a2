/** What becomes of each table of a version whose manifest can be gone by (repair-plan.ts). */
import { LEVELS } from '../limits.ts';
import { tableFileName } from '../manifest/file-names.ts';
import type { ManifestState } from '../manifest/manifest-state.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { checkLevels, compareWithManifest } from './level-check.ts';
import type { Problem } from './problem.ts';
import type { Rewrite } from './repair-plan.ts';
import type { Loss } from './salvage-blocks.ts';
import type { TableSurvey } from './table-survey.ts';

/** A table of the version that is there, as it is. */
interface Found {
  readonly file: NewFile;
  readonly survey: TableSurvey;
}

export class Mending {
  readonly problems: Problem[] = [];
  readonly losses: Loss[] = [];
  readonly kept: NewFile[] = [];
  readonly rewrites: Rewrite[] = [];
  /** Names of tables that are no longer needed. */
  readonly replaced: string[] = [];
  maxSequence = 0;
  /** Why the manifest cannot be gone by after all. */
  contradiction: Problem | undefined = undefined;
  readonly #state: ManifestState;
  readonly #found: Found[] = [];

  constructor(state: ManifestState) {
    this.#state = state;
  }

  /** A table of the version; without a survey it is missing. */
  add(file: NewFile, survey: TableSurvey | undefined): void {
    if (survey === undefined) {
      this.#missing(file);
      return;
    }
    const { name, contents, problems, losses } = survey;
    this.problems.push(...problems);
    this.losses.push(...losses);
    this.maxSequence = Math.max(this.maxSequence, contents.maxSequence);
    if (contents.formatLevel > this.#state.formatLevel) {
      const problem = `a table of format level ${contents.formatLevel} in a directory of a lower one`;
      this.contradiction = { file: name, code: 'CORRUPTION', problem };
    }
    const lies: Problem[] = [];
    const report = (problem: Problem): void => void lies.push(problem);
    if (problems.length === 0) compareWithManifest({ file, name, contents }, this.#state, report);
    this.problems.push(...lies);
    if (contents.entries === 0) this.replaced.push(name);
    else if (problems.length + lies.length === 0) this.#found.push({ file, survey });
    else {
      const { sizeBytes, smallest, largest } = contents;
      const asItIs = { ...file, sizeBytes, smallest, largest, facts: undefined };
      this.#found.push({ file: asItIs, survey });
    }
  }

  /** After the last table. */
  finish(): void {
    const checked = this.#found.map(({ file, survey }) => {
      return { file, name: survey.name, contents: survey.contents };
    });
    const level0: Problem[] = [];
    checkLevels(checked, (problem) => {
      const isLevel0 = checked.find(({ name }) => name === problem.file)?.file.level === 0;
      if (isLevel0) level0.push(problem);
      else this.contradiction ??= problem;
    });
    this.problems.push(...level0);
    for (let level = 0; level < LEVELS; level++) {
      const found = this.#found.filter(({ file }) => file.level === level);
      const damaged = found.filter(({ survey }) => survey.problems.length > 0);
      if (level === 0 && (damaged.length > 0 || level0.length > 0)) {
        this.#rewrite(level, found);
        continue;
      }
      for (const { file } of found.filter((one) => !damaged.includes(one))) this.kept.push(file);
      for (const one of damaged) this.#rewrite(level, [one]);
    }
  }

  #rewrite(level: number, found: readonly Found[]): void {
    const tables = found.map(({ survey }) => survey);
    this.rewrites.push({ level, tables });
    this.replaced.push(...tables.map(({ name }) => name));
  }

  #missing({ number, level, sizeBytes, smallest, largest }: NewFile): void {
    const file = tableFileName(number);
    const problem = `the table is missing, which the manifest has in level ${level}`;
    this.problems.push({ file, code: 'CORRUPTION', problem });
    const range = { smallest, largest };
    this.losses.push({
      file,
      offset: 0,
      bytes: sizeBytes,
      reason: 'the table is missing',
      ...AROUND,
      range,
    });
  }
}

const AROUND = { after: undefined, before: undefined };
