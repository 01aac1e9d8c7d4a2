/**
 * Which manifest a repair can go by, if any:
 *
 *   1. The one that CURRENT names, where all of it replays.
 *   2. Where CURRENT itself is damaged or missing, the one with the highest number, where all of it replays and every table that it has is there:
 *      then nothing was changed after it.
 *
 * In both cases a last edit that is torn must have left no trace: a table or the log that is missing means that it had counted.
 *
 * Whatever single edits of any manifest say about the directory as a whole is believed: a comparator or format level that we lack is refused by
 * name, because a directory must not become another one by being repaired.
 */
import { LsmError } from '../errors.ts';
import type { FileSystem } from '../../os/file-system.ts';
import { joinPath } from '../../os/file-system.ts';
import { readCurrent } from '../manifest/current.ts';
import { CURRENT_FILE, manifestFileName } from '../manifest/file-names.ts';
import {
  HIGHEST_FORMAT_LEVEL,
  KVASIR_COMPARATOR,
  LEVELDB_COMPARATOR,
  type ManifestState,
} from '../manifest/manifest-state.ts';
import { filesOfKind, type ListedFile } from './directory-listing.ts';
import { isLive } from './log-check.ts';
import { readRemains, replayManifest } from './manifest-replay.ts';
import { type Problem, problemOf } from './problem.ts';

export interface ManifestChoice {
  /** The state to go by; undefined where the tables alone must tell. */
  readonly state: ManifestState | undefined;
  /** What is wrong with CURRENT and the manifests. */
  readonly problems: readonly Problem[];
  /** The manifest that CURRENT named or should name: it is replaced where there are problems. */
  readonly isCurrentGood: boolean;
  readonly formatLevel: number | undefined;
  readonly comparator: string | undefined;
  /** At least. */
  readonly lastSequence: number;
  readonly nextFileNumber: number;
}

/** Throws LsmError UNSUPPORTED for what is not ours to repair, IO_ERROR. */
export function chooseManifest(
  files: FileSystem,
  directory: string,
  listed: readonly ListedFile[],
): ManifestChoice {
  const choice = new Choice(files, directory, listed);
  choice.readRemains();
  choice.choose();
  return choice;
}

class Choice implements ManifestChoice {
  state: ManifestState | undefined = undefined;
  readonly problems: Problem[] = [];
  isCurrentGood = false;
  formatLevel: number | undefined = undefined;
  comparator: string | undefined = undefined;
  lastSequence = 0;
  nextFileNumber = 1;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #listed: readonly ListedFile[];

  constructor(files: FileSystem, directory: string, listed: readonly ListedFile[]) {
    this.#files = files;
    this.#directory = directory;
    this.#listed = listed;
  }

  readRemains(): void {
    for (const { number } of filesOfKind(this.#listed, 'manifest')) {
      const remains = readRemains(this.#files, this.#directory, number);
      if (remains.unsupported !== undefined) throw remains.unsupported;
      const path = joinPath(this.#directory, remains.name);
      checkIsOurs(path, remains.comparator, remains.formatLevel);
      this.comparator = remains.comparator ?? this.comparator;
      this.lastSequence = Math.max(this.lastSequence, remains.lastSequence);
      this.nextFileNumber = Math.max(this.nextFileNumber, remains.nextFileNumber);
      if (remains.formatLevel === undefined) continue;
      this.formatLevel = Math.max(this.formatLevel ?? 1, remains.formatLevel);
    }
  }

  choose(): void {
    let current: number | undefined;
    try {
      current = readCurrent(this.#files, this.#directory);
      if (current === undefined) {
        const problem = 'there is no CURRENT';
        this.problems.push({ file: CURRENT_FILE, code: 'CORRUPTION', problem });
      }
    } catch (error) {
      this.problems.push(problemOf(error, CURRENT_FILE));
    }
    if (current !== undefined) {
      if (this.#hasManifest(current)) {
        this.state = this.#stateOf(current);
        this.isCurrentGood = this.state !== undefined;
        return;
      }
      const file = manifestFileName(current);
      const problem = 'the manifest is missing, which CURRENT names';
      this.problems.push({ file, code: 'CORRUPTION', problem });
    }
    const highest = filesOfKind(this.#listed, 'manifest').at(-1);
    if (highest === undefined) return;
    const state = this.#stateOf(highest.number);
    const missing = state === undefined ? undefined : this.#missingTable(state);
    if (missing === undefined) this.state = state;
    else {
      const problem = `the manifest does not fit the directory: it has table ${missing}, which is not there`;
      this.problems.push({ file: highest.name, code: 'CORRUPTION', problem });
    }
  }

  /** undefined where it cannot be gone by. */
  #stateOf(number: number): ManifestState | undefined {
    const { state, error, name } = replayManifest(this.#files, this.#directory, number);
    if (error !== undefined) {
      this.problems.push(problemOf(error, name));
      return undefined;
    }
    if (state.tail === undefined) return state;
    const logs = filesOfKind(this.#listed, 'log').map((log) => log.number);
    const hasLog = logs.some((log) => isLive(state, log)) && logs.includes(state.logNumber);
    if (hasLog && this.#missingTable(state) === undefined) return state;
    this.problems.push(problemOf(state.tail, name));
    return undefined;
  }

  #hasManifest(number: number): boolean {
    return filesOfKind(this.#listed, 'manifest').some((file) => file.number === number);
  }

  #missingTable(state: ManifestState): number | undefined {
    const numbers = new Set(filesOfKind(this.#listed, 'table').map(({ number }) => number));
    return [...state.files.keys()].find((number) => !numbers.has(number));
  }
}

/** Throws LsmError UNSUPPORTED by the name of a comparator or format level that we lack. */
function checkIsOurs(
  path: string,
  comparator: string | undefined,
  formatLevel: number | undefined,
): void {
  if (formatLevel !== undefined && formatLevel > HIGHEST_FORMAT_LEVEL) {
    const problem = 'the directory has another format level, and is left as it is';
    const expected = `at most ${HIGHEST_FORMAT_LEVEL}`;
    throw new LsmError('UNSUPPORTED', problem, { path, expected, found: formatLevel });
  }
  if (comparator === undefined) return;
  if (comparator === LEVELDB_COMPARATOR || comparator === KVASIR_COMPARATOR) return;
  const problem = 'the keys are in the order of another comparator, and are left as they are';
  const expected = `${LEVELDB_COMPARATOR} or ${KVASIR_COMPARATOR}`;
  throw new LsmError('UNSUPPORTED', problem, { path, expected, found: comparator });
}
