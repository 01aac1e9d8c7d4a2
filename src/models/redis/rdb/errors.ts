/** An RDB file can't be loaded: `RDB_CORRUPT`, it is damaged or no RDB file; `RDB_UNSUPPORTED`, it holds what we do not know yet. */
export class RdbError extends Error {
  readonly code: 'RDB_CORRUPT' | 'RDB_UNSUPPORTED';
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;

  constructor(code: 'RDB_CORRUPT' | 'RDB_UNSUPPORTED', file: string, offset: number, text: string) {
    super(`${file}, offset ${offset}: ${text}`);
    this.name = 'RdbError';
    this.code = code;
    this.file = file;
    this.offset = offset;
  }
}
