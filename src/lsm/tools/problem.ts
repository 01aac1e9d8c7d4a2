/** What is wrong with a file of a database, and where: what checks collect instead of throwing at the first of it. */
import { FileError } from '../../os/file-system.ts';
import { fromFileError, LsmError, type LsmErrorCode } from '../errors.ts';
import { MAX_PROBLEMS_OF_A_FILE } from '../limits.ts';

export interface Problem {
  /** The file's name in the directory. */
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset?: number | undefined;
  /** CORRUPTION, UNSUPPORTED, IO_ERROR ... as an LsmError's. */
  readonly code: LsmErrorCode;
  readonly problem: string;
  readonly expected?: string | number | undefined;
  readonly found?: string | number | undefined;
}

/** Where problems go. */
export type Report = (problem: Problem) => void;

/** The problem that an error tells of; `file` is for errors that do not name one themselves. Other errors than the engine's and the file system's are thrown on. */
export function problemOf(error: unknown, file: string): Problem {
  const own = error instanceof FileError ? fromFileError(error) : error;
  if (!(own instanceof LsmError)) throw error;
  const { code, problem, path, offset, expected, found } = own;
  const named = path === undefined ? file : baseName(path);
  return { file: named, offset, code, problem, expected, found };
}

/** `000005.ldb, offset 4096: a wrong checksum (expected ..., found ...)`. */
export function problemText({ file, offset, problem, expected, found }: Problem): string {
  return new LsmError('CORRUPTION', problem, { path: file, offset, expected, found }).message;
}

/** Problems of a directory, of each file no more than people read. */
export class ProblemList {
  readonly problems: Problem[] = [];
  /** All that were reported, those that were not kept included. */
  count = 0;
  readonly #byFile = new Map<string, number>();

  add(problem: Problem): void {
    this.count++;
    const ofFile = (this.#byFile.get(problem.file) ?? 0) + 1;
    this.#byFile.set(problem.file, ofFile);
    if (ofFile <= MAX_PROBLEMS_OF_A_FILE) this.problems.push(problem);
  }

  countOf(file: string): number {
    return this.#byFile.get(file) ?? 0;
  }
}

/** Whether a file was not there. */
export function isMissing(error: unknown): error is FileError {
  return error instanceof FileError && error.code === 'ENOENT';
}

/** A file's name in its directory. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
