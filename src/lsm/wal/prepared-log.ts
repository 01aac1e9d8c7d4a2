/**
 * A log's file before it has a log's name: its first sync mark (write-ahead-log.ts) and, if asked for, zeros behind it, written under a
 * temporary name and synced, so that beginning a log is one rename. Syncs of bytes that were there before cost two thirds of those that make
 * a file longer.
 *
 * Whatever a crash leaves, a log's first record is therefore whole: one that is not was damaged.
 */
import { joinPath, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import { LOG_BUFFER_BYTES } from '../limits.ts';
import { temporaryFileName } from '../manifest/file-names.ts';
import { WriteBatch } from '../write-batch.ts';
import { RecordWriter } from './record-writer.ts';

export interface PreparedLog {
  readonly file: OpenFile;
  /** Where the first batch goes. */
  readonly position: number;
  /** What its first mark says is durable. */
  readonly markedSequence: number;
  /** Of the file, zeros included. */
  readonly sizeBytes: number;
}

export interface PrepareOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Of its temporary name; the log may have another. */
  readonly number: number;
  readonly durableSequence: number;
  /** The file's size; 0 for no zeros. */
  readonly zeroBytes: number;
}

/** Beside the event loop. Throws FileError, and then there is no file. */
export async function prepareLog(options: PrepareOptions): Promise<PreparedLog> {
  const { files, directory, number, zeroBytes } = options;
  const file = files.open(joinPath(directory, temporaryFileName(number)), 'replace');
  try {
    const zeros = new Uint8Array(Math.min(zeroBytes, LOG_BUFFER_BYTES));
    for (let at = 0; at < zeroBytes; at += zeros.length) {
      await file.writeAsync(zeros, 0, Math.min(zeros.length, zeroBytes - at), at);
    }
    const prepared = mark(file, options);
    await file.syncAsync();
    return prepared;
  } catch (error) {
    abandon(files, file);
    throw error;
  }
}

/** The same, blocking. */
export function prepareLogSync(options: PrepareOptions): PreparedLog {
  const { files, directory, number, zeroBytes } = options;
  const file = files.open(joinPath(directory, temporaryFileName(number)), 'replace');
  try {
    const zeros = new Uint8Array(Math.min(zeroBytes, LOG_BUFFER_BYTES));
    for (let at = 0; at < zeroBytes; at += zeros.length) {
      file.write(zeros, 0, Math.min(zeros.length, zeroBytes - at), at);
    }
    const prepared = mark(file, options);
    file.sync();
    return prepared;
  } catch (error) {
    abandon(files, file);
    throw error;
  }
}

/** Removes a prepared file that is not needed. Throws FileError. */
export function discardLog(files: FileSystem, prepared: PreparedLog): void {
  prepared.file.close();
  files.unlink(prepared.file.path);
}

function mark(file: OpenFile, { durableSequence, zeroBytes }: PrepareOptions): PreparedLog {
  const batch = new WriteBatch(0);
  batch.seal(durableSequence + 1);
  const records = new RecordWriter(file, 0);
  records.append(batch.region, 0, batch.sizeBytes);
  records.write();
  const { position } = records;
  const sizeBytes = Math.max(zeroBytes, position);
  return { file, position, markedSequence: durableSequence, sizeBytes };
}

function abandon(files: FileSystem, file: OpenFile): void {
  file.close();
  try {
    files.unlink(file.path);
  } catch {
    // The next open removes what has a temporary name.
  }
}
