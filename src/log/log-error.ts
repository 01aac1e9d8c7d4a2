/** The log on disk can't be used as it is. The message names file, offset, what is wrong and what to do. */
export class CorruptLogError extends Error {
  readonly code = 'CORRUPT_LOG';
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;
  readonly advice: string;

  constructor(file: string, offset: number, problem: string, advice: string) {
    super(`${file}, offset ${offset}: ${problem}. ${advice}`);
    this.name = 'CorruptLogError';
    this.file = file;
    this.offset = offset;
    this.advice = advice;
  }
}
