/**
 * The logs of a tree: the one that is written to, older ones whose entries are not all in tables yet, and one that is prepared for the next switch.
 * Numbers ascend in the order of their entries.
 */
import type { FileSystem } from '../../os/file-system.ts';
import { logFileName } from '../manifest/file-names.ts';
import { discardLog, prepareLog, type PreparedLog, prepareLogSync } from '../wal/prepared-log.ts';
import { WriteAheadLog } from '../wal/write-ahead-log.ts';
import type { FileRemovals } from './file-removals.ts';

export interface LogSetOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly removals: FileRemovals;
  readonly allocateFileNumber: () => number;
  /** Room that is zeroed at a time behind the records of a log whose writes are synced. */
  readonly zeroBytes: number;
}

export class LogSet {
  /** The log that is written to; undefined before the first `begin`. */
  current: WriteAheadLog | undefined = undefined;
  /** Whether writes to the current log were synced: the next one is worth zeroing then. */
  isSynced = false;
  readonly #options: LogSetOptions;
  /** Numbers of logs on the disk, ascending. */
  #numbers: number[] = [];
  /** Bytes of records in those that are not written to any more. */
  readonly #endedBytes = new Map<number, number>();
  #prepared: PreparedLog | undefined = undefined;
  #preparing: Promise<void> | undefined = undefined;
  #isClosed = false;

  constructor(options: LogSetOptions) {
    this.#options = options;
  }

  get numbers(): readonly number[] {
    return this.#numbers;
  }

  /** Bytes of records in all logs that are not removed. */
  get sizeBytes(): number {
    let sum = 0;
    for (const number of this.#numbers) sum += this.bytesOf(number);
    return sum;
  }

  /** Bytes of records in one of them; behind these its file may have zeros. */
  bytesOf(number: number): number {
    const { current } = this;
    if (current?.number === number) return current.sizeBytes;
    return this.#endedBytes.get(number) ?? 0;
  }

  /** Begins a log; what the one before it holds may not be durable yet. Blocks. Throws FileError, and then everything is as it was. */
  begin(
    lastSequence: number,
    durableSequence: number,
    number: number = this.#options.allocateFileNumber(),
  ): WriteAheadLog {
    const { files, directory } = this.#options;
    this.#prepared ??= prepareLogSync({ files, directory, number, durableSequence, zeroBytes: 0 });
    const log = new WriteAheadLog({
      files,
      directory,
      number,
      prepared: this.#prepared,
      zeroBytes: this.#options.zeroBytes,
      previous: this.current,
      lastSequence,
      durableSequence,
    });
    this.#prepared = undefined;
    if (this.current !== undefined) {
      this.current.giveRoomBack();
      this.#endedBytes.set(this.current.number, this.current.sizeBytes);
    }
    this.current = log;
    this.#numbers.push(number);
    return log;
  }

  /** Prepares the next log beside the event loop. A failure is met again when the log is begun. */
  prepare(): void {
    if (this.#prepared !== undefined || this.#preparing !== undefined || this.#isClosed) return;
    const { files, directory, allocateFileNumber } = this.#options;
    const zeroBytes = this.isSynced ? this.#options.zeroBytes : 0;
    const durableSequence = this.current?.durableSequence ?? 0;
    const number = allocateFileNumber();
    const options = { files, directory, number, durableSequence, zeroBytes };
    this.#preparing = prepareLog(options).then(
      (prepared) => {
        this.#preparing = undefined;
        if (this.#isClosed || this.#prepared !== undefined) this.#discard(prepared);
        else this.#prepared = prepared;
      },
      () => {
        this.#preparing = undefined;
      },
    );
  }

  /** Logs below `number` have all their entries in durable tables: they are closed and removed. */
  removeBelow(number: number): void {
    this.current?.releaseUpTo(number - 1);
    const { removals } = this.#options;
    for (const old of this.#numbers) {
      if (old >= number) continue;
      removals.remove(logFileName(old));
      this.#endedBytes.delete(old);
    }
    this.#numbers = this.#numbers.filter((n) => n >= number);
  }

  /** The disk is full: who makes room there by writing tables first must not fail for zeros. */
  giveRoomBack(): void {
    this.isSynced = false;
    this.current?.giveRoomBack();
    if (this.#prepared !== undefined) this.#discard(this.#prepared);
    this.#prepared = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparing;
    if (this.#prepared !== undefined) this.#discard(this.#prepared);
    this.#prepared = undefined;
    this.current?.close();
    this.current = undefined;
  }

  #discard(prepared: PreparedLog): void {
    try {
      discardLog(this.#options.files, prepared);
    } catch {
      // The next opening removes what has a temporary name.
    }
  }
}
