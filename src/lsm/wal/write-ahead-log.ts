/**
 * One file of the write-ahead log: a record a batch (write-batch.ts), in the order of their sequences, each batch beginning where the one before
 * it ended. What LevelDB reads, with one thing more to be read out of it:
 *
 *   A _sync mark_ is a batch of no entries. Its sequence is the first that was not known to be on the disk when the mark was written. Each
 *   log begins with one, and one precedes the first batch behind each sync. LevelDB applies it and changes nothing.
 *
 * So recovery can tell what a crash left of un-synced writes, of which the kernel writes back any pages in any order, from damage to what was
 * acknowledged as synced: only then does a mark behind the damage go beyond it (log-recovery.ts).
 *
 * A log is begun from a file that was prepared with its first mark (prepared-log.ts).
 *
 * A log knows the one before it until that is durable too: `sync` makes everything up to its last written batch durable, the older logs
 * and all names included, so that no synced write survives a crash that those before it do not.
 */
import type { Region } from '../../bytes/region.ts';
import { FileError, joinPath, type FileSystem } from '../../os/file-system.ts';
import { LOG_ZERO_LEFT_BYTES, LOG_ZERO_SYNCS } from '../limits.ts';
import { logFileName } from '../manifest/file-names.ts';
import { WriteBatch } from '../write-batch.ts';
import { FileSyncs } from './file-syncs.ts';
import type { PreparedLog } from './prepared-log.ts';
import { RecordWriter } from './record-writer.ts';

const TWO_32 = 0x100000000;

export interface LogOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly number: number;
  readonly prepared: PreparedLog;
  /** What `zeroAhead` zeroes at a time. Default 0: nothing. */
  readonly zeroBytes?: number;
  /** The log that this one continues, if it may hold what is not durable. It belongs to this one from now on. */
  readonly previous?: WriteAheadLog | undefined;
  /** The sequence before that of the first batch, and the last that is durable. */
  readonly lastSequence: number;
  readonly durableSequence: number;
}

export class WriteAheadLog {
  readonly number: number;
  readonly path: string;
  /** Sequences of the last entry: of those appended, given to the file, and surely on the disk (logs before this one included). */
  lastSequence: number;
  writtenSequence: number;
  durableSequence: number;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #records: RecordWriter;
  /** The file was given zeros up to here (Infinity: it gets no more), and where its records ended when that was last looked at. */
  #zeroedEnd: number;
  #lastAhead: number;
  readonly #zeroBytes: number;
  readonly #syncs: FileSyncs;
  #previous: WriteAheadLog | undefined;
  #isNameDurable = false;
  /** What the last mark says. */
  #markedSequence: number;
  readonly #mark: WriteBatch = new WriteBatch(0);

  /** Gives the prepared file its name. Throws FileError, and then the prepared file is as it was. */
  constructor(options: LogOptions) {
    const { files, directory, number, prepared } = options;
    this.number = number;
    this.path = joinPath(directory, logFileName(number));
    this.lastSequence = options.lastSequence;
    this.writtenSequence = options.lastSequence;
    this.durableSequence = options.durableSequence;
    this.#markedSequence = prepared.markedSequence;
    this.#files = files;
    this.#directory = directory;
    this.#previous = options.previous;
    this.#records = new RecordWriter(prepared.file, prepared.position);
    this.#zeroedEnd = prepared.sizeBytes;
    this.#lastAhead = prepared.position;
    this.#zeroBytes = options.zeroBytes ?? 0;
    this.#syncs = new FileSyncs(files, prepared.file);
    try {
      files.rename(prepared.file.path, this.path);
    } catch (error) {
      this.#syncs.close();
      throw error;
    }
    prepared.file.path = this.path;
  }

  /** The first sync that failed: the disk may lack what later ones would claim, so they all fail. */
  get failure(): FileError | undefined {
    return this.#syncs.failure;
  }

  /** Bytes of the file that are records, those that wait included. */
  get sizeBytes(): number {
    return this.#records.position;
  }

  /** Bytes appended that no `write` has given to the file. */
  get pendingBytes(): number {
    return this.#records.pendingBytes;
  }

  /**
   * Appends a sealed batch, whose sequence must be the one behind `lastSequence`. Throws FileError only where the batch is larger than the
   * buffer and the file does not take it; `cutBack` then.
   */
  append(region: Region, start: number, end: number): void {
    const { view } = region;
    const sequence = view.getUint32(start + 4, true) * TWO_32 + view.getUint32(start, true);
    if (sequence !== this.lastSequence + 1) throw new RangeError('a gap between batches of a log');
    if (this.durableSequence > this.#markedSequence) this.#addMark();
    this.#records.append(region, start, end);
    this.lastSequence += view.getUint32(start + 8, true);
  }

  /** Gives the file all that waits, in one call. From then on it survives the end of the process. Throws FileError; `cutBack` then. */
  write(): void {
    this.#records.write();
    this.#syncs.changed();
    this.writtenSequence = this.lastSequence;
  }

  /**
   * Keeps room behind the records zeroed, for who is about to sync them: worth it where few came since the last time, so that more syncs will meet
   * the room. Nothing may be pending. That there is none does no harm: where the disk has no room for zeros there will be none.
   */
  zeroAhead(): void {
    const { written } = this.#records;
    const sinceLast = written - this.#lastAhead;
    this.#lastAhead = written;
    if (sinceLast > this.#zeroBytes / LOG_ZERO_SYNCS) return;
    const left = Math.min(LOG_ZERO_LEFT_BYTES, this.#zeroBytes / 2);
    if (written + left <= this.#zeroedEnd) return;
    this.#zeroedEnd = written + this.#zeroBytes;
    try {
      this.#records.zero(this.#zeroedEnd);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.giveRoomBack();
    }
  }

  /** Gives back what was zeroed and is not used. From now on nothing is zeroed ahead. Nothing may be pending. */
  giveRoomBack(): void {
    if (this.#zeroedEnd === Infinity) return;
    this.#zeroedEnd = Infinity;
    this.#cutZeros();
  }

  /**
   * After an `append` or `write` that failed: what was not written before is gone, from the disk too, and its sequences can be used again, in
   * this log or another. Blocks. Throws FileError; the file then may hold any part of what failed, and the database can't go on.
   */
  cutBack(): void {
    this.lastSequence = this.writtenSequence;
    // A mark may be among what is gone.
    this.#markedSequence = -1;
    this.#zeroedEnd = Infinity;
    try {
      this.#records.cutBack();
    } catch (error) {
      throw this.#syncs.fail(error);
    }
    this.#syncs.changed();
    // Without a sync a crash could bring back batches whose numbers others have by then.
    this.#syncs.sync();
  }

  /** Makes what was written durable, older logs and names included. Blocks. Throws FileError. */
  sync(): void {
    const sequence = this.writtenSequence;
    try {
      this.#previous?.sync();
      if (!this.#isNameDurable) this.#files.syncDirectory(this.#directory);
    } catch (error) {
      throw this.#syncs.fail(error);
    }
    this.#syncs.sync();
    this.#synced(sequence);
  }

  /** The same beside the event loop, for what was written when it is called. Several may be under way. */
  async syncAsync(): Promise<void> {
    const sequence = this.writtenSequence;
    try {
      await Promise.all([
        this.#previous?.syncAsync(),
        this.#isNameDurable ? undefined : this.#syncName(),
        this.#syncs.syncAsync(),
      ]);
    } catch (error) {
      throw this.#syncs.fail(error);
    }
    if (this.failure !== undefined) throw this.failure;
    this.#synced(sequence);
  }

  /** The entries of the logs up to `number`, before this one, are in durable tables: those logs are closed and need no sync. */
  releaseUpTo(number: number): void {
    const previous = this.#previous;
    if (previous === undefined) return;
    previous.releaseUpTo(number);
    if (previous.number > number) return;
    this.durableSequence = Math.max(this.durableSequence, previous.lastSequence);
    this.#dropPrevious();
  }

  /** The next batch begins behind this sequence. No batch may have been appended yet, and all before it must be in durable tables. */
  skipTo(sequence: number): void {
    this.lastSequence = sequence;
    this.writtenSequence = sequence;
    this.durableSequence = sequence;
  }

  /** Closes the file, and those of the logs before it. What waits is not written. Room that was zeroed and not used is given back. */
  close(): void {
    this.#dropPrevious();
    try {
      if (this.failure === undefined && this.pendingBytes === 0) this.#cutZeros();
    } finally {
      this.#syncs.close();
      this.#records.file.close();
    }
  }

  #cutZeros(): void {
    const { file, written } = this.#records;
    try {
      if (file.size() > written) file.truncate(written);
    } catch (error) {
      // It would only have saved room.
      if (!(error instanceof FileError)) throw error;
    }
  }

  async #syncName(): Promise<void> {
    await this.#files.syncDirectoryAsync(this.#directory);
  }

  #addMark(): void {
    const mark = this.#mark;
    mark.seal(this.durableSequence + 1);
    this.#records.append(mark.region, 0, mark.sizeBytes);
    this.#markedSequence = this.durableSequence;
  }

  #synced(sequence: number): void {
    this.#isNameDurable = true;
    this.#dropPrevious();
    this.durableSequence = Math.max(this.durableSequence, sequence);
  }

  #dropPrevious(): void {
    const previous = this.#previous;
    this.#previous = undefined;
    previous?.close();
  }
}
