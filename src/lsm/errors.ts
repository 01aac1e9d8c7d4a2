/**
 * The one error of the disk engine. `code` is stable and what programs decide by; the message is for people and says where the damage
 * is, what was expected there and what was found. Expected outcomes (a missing key, a block that is not cached) are values, not errors,
 * and misuse is a TypeError or RangeError.
 */
import { FileError } from '../os/file-system.ts';

export type LsmErrorCode =
  /** Bytes on disk are not what was written there. Restore, or `kvasir repair`. */
  | 'CORRUPTION'
  /** Intact, but of a format, comparator, codec or operator that this program does not have. */
  | 'UNSUPPORTED'
  /** Another process, or another opening of this one, has the directory. */
  | 'LOCKED'
  /** There is no database in the directory (`createIfMissing: false`). */
  | 'NOT_FOUND'
  /** There is one already (`errorIfExists: true`), or a name is taken. */
  | 'EXISTS'
  /** The operating system refused a read, write, sync or rename; `cause` has its code. */
  | 'IO_ERROR'
  /** No room for writes; reads go on, and writes too once there is room. */
  | 'DISK_FULL'
  /** A write or sync failed so that the state on disk is not known: refuses writes until closed and opened again. */
  | 'POISONED'
  /** The database, snapshot, iterator or batch was closed. */
  | 'CLOSED'
  /** Opened for reading only. */
  | 'READ_ONLY'
  /** A key, value, batch, sequence number or queue is beyond a documented limit. */
  | 'LIMIT'
  /** More writes wait than are allowed to: the caller does not await them. */
  | 'OVERLOADED'
  /** A merge operator or compaction filter of the caller's threw, or gave what it must not. */
  | 'OPERATOR_FAILED'
  /** A transaction's reads were overtaken by another's writes. */
  | 'CONFLICT'
  /** The caller's signal, or closing, ended it. */
  | 'ABORTED';

/** Where an error is, and what was there instead of what. */
export interface ErrorPlace {
  readonly path?: string | undefined;
  /** Byte offset in the file. */
  readonly offset?: number | undefined;
  readonly expected?: string | number | undefined;
  readonly found?: string | number | undefined;
  readonly cause?: unknown;
}

export class LsmError extends Error {
  readonly code: LsmErrorCode;
  /** The message without its place. */
  readonly problem: string;
  readonly path: string | undefined;
  readonly offset: number | undefined;
  readonly expected: string | number | undefined;
  readonly found: string | number | undefined;

  constructor(code: LsmErrorCode, problem: string, place: ErrorPlace = {}) {
    super(describe(problem, place), place.cause === undefined ? undefined : { cause: place.cause });
    this.name = 'LsmError';
    this.code = code;
    this.problem = problem;
    this.path = place.path;
    this.offset = place.offset;
    this.expected = place.expected;
    this.found = place.found;
  }
}

function describe(problem: string, place: ErrorPlace): string {
  const where = place.path ?? '';
  const at = place.offset === undefined ? '' : `${where === '' ? '' : ', '}offset ${place.offset}`;
  const head = where + at === '' ? '' : `${where}${at}: `;
  const notes: string[] = [];
  if (place.expected !== undefined) notes.push(`expected ${place.expected}`);
  if (place.found !== undefined) notes.push(`found ${place.found}`);
  return head + problem + (notes.length === 0 ? '' : ` (${notes.join(', ')})`);
}

/** The same failure as one of the engine: `DISK_FULL` where there was no room, else `IO_ERROR`. Others than FileErrors come back as they are. */
export function fromFileError(error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new LsmError(isFull ? 'DISK_FULL' : 'IO_ERROR', `${error.operation}: ${error.reason}`, {
    path: error.path,
    cause: error,
  });
}
