/** Errors as users of abstract-level know them: an `Error` with a `code` that begins with `LEVEL_`. What the engine said is the `cause`. */
import { LsmError, type LsmErrorCode } from '../../lsm/errors.ts';

export class LevelError extends Error {
  readonly code: string;

  constructor(message: string, code: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LevelError';
    this.code = code;
  }
}

/** The first five are classic-level's and abstract-level's; for the rest classic-level has no code. */
const CODES: Readonly<Record<LsmErrorCode, string>> = {
  LOCKED: 'LEVEL_LOCKED',
  CORRUPTION: 'LEVEL_CORRUPTION',
  IO_ERROR: 'LEVEL_IO_ERROR',
  CLOSED: 'LEVEL_DATABASE_NOT_OPEN',
  ABORTED: 'LEVEL_ABORTED',
  // LevelDB tells of these as of any error of the disk.
  DISK_FULL: 'LEVEL_IO_ERROR',
  POISONED: 'LEVEL_IO_ERROR',
  NOT_FOUND: 'LEVEL_DATABASE_NOT_FOUND',
  EXISTS: 'LEVEL_DATABASE_EXISTS',
  UNSUPPORTED: 'LEVEL_NOT_SUPPORTED',
  READ_ONLY: 'LEVEL_READ_ONLY',
  LIMIT: 'LEVEL_LIMIT',
  OVERLOADED: 'LEVEL_OVERLOADED',
  CONFLICT: 'LEVEL_CONFLICT',
  OPERATOR_FAILED: 'LEVEL_OPERATOR_FAILED',
};

/** The same failure in abstract-level's words; what is no failure of the engine comes back as it is. */
export function levelError(error: unknown): unknown {
  if (!(error instanceof LsmError)) return error;
  return new LevelError(messageOf(error), CODES[error.code], error);
}

/** Of these two LevelDB's words are known to programs. */
function messageOf({ code, message, path }: LsmError): string {
  if (code === 'NOT_FOUND') return `${path}: does not exist (createIfMissing is false)`;
  if (code === 'EXISTS') return `${path}: exists (errorIfExists is true)`;
  return message;
}

/** What a read rejects with whose signal was aborted. */
export function abortError(): LevelError {
  const error = new LevelError('Operation has been aborted', 'LEVEL_ABORTED');
  error.name = 'AbortError';
  return error;
}

export function notOpenError(what: string): LevelError {
  return new LevelError(`Database is not open${what}`, 'LEVEL_DATABASE_NOT_OPEN');
}
