/**
 * Tables that a repair writes, one after the other, under temporary names until all of them are whole: each is ended between two user keys once it
 * is large enough. Range deletions are cut to the tables' bounds (range-fragments.ts).
 */
import { type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';
import { Region } from '../../bytes/region.ts';
import type { Cursor } from '../cursor.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { TableBuilder } from '../format/table-builder.ts';
import type { TableMeta, TableWriteOptions } from '../format/table-options.ts';
import { trailerHigh, trailerLow, TYPE_RANGE_DELETION } from '../internal-key.ts';
import { tableFileName, temporaryFileName } from '../manifest/file-names.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { fragmentsWithin } from './range-fragments.ts';

export interface TableOutputOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly level: number;
  readonly table: TableWriteOptions;
  /** A table is ended behind this many bytes. */
  readonly targetBytes: number;
  /** Of all that is merged; the entries added are others. */
  readonly ranges: readonly RangeDeletion[];
  readonly allocateFileNumber: () => number;
}

/** A whole, synced table under its temporary name. */
export interface WrittenTable {
  readonly temporaryPath: string;
  readonly path: string;
  readonly file: NewFile;
  readonly entries: number;
  /** All that it has. */
  readonly rangeDeletions: readonly RangeDeletion[];
}

export class TableOutput {
  readonly written: WrittenTable[] = [];
  readonly #options: TableOutputOptions;
  #number = 0;
  #file: OpenFile | undefined = undefined;
  #builder: TableBuilder | undefined = undefined;
  /** Where the keys of the table that is being written begin: its ranges reach back to here. */
  #from: Uint8Array | undefined = undefined;

  constructor(options: TableOutputOptions) {
    this.#options = options;
  }

  /** Adds the entry that the cursor stands on. `isNewKey`: its user key is another than that of the entry before. Throws FileError. */
  add(cursor: Cursor, isNewKey: boolean): void {
    const { keyRegion, keyStart, keyEnd, sequence, type } = cursor;
    if (isNewKey && this.#isFull()) this.#end(keyRegion.bytes.slice(keyStart, keyEnd));
    const builder = (this.#builder ??= this.#begin());
    builder.add(
      keyRegion,
      keyStart,
      keyEnd,
      trailerLow(sequence, type),
      trailerHigh(sequence),
      cursor.valueRegion,
      cursor.valueStart,
      cursor.valueEnd,
    );
  }

  /** Ends the last table. Throws FileError. */
  finish(): void {
    const left = fragmentsWithin(this.#options.ranges, this.#from, undefined);
    if (this.#builder === undefined && left.length > 0) this.#builder = this.#begin();
    this.#end(undefined);
  }

  /** Closes and removes everything, after a failure. */
  abandon(): void {
    const { files, directory } = this.#options;
    const paths = this.written.map(({ temporaryPath }) => temporaryPath);
    if (this.#file !== undefined) paths.push(joinPath(directory, temporaryFileName(this.#number)));
    this.#file?.close();
    for (const path of paths) {
      try {
        files.unlink(path);
      } catch {
        // The next opening removes what has a temporary name.
      }
    }
  }

  #begin(): TableBuilder {
    const { files, directory, table, allocateFileNumber } = this.#options;
    this.#number = allocateFileNumber();
    this.#file = files.open(joinPath(directory, temporaryFileName(this.#number)), 'replace');
    return new TableBuilder(this.#file, table);
  }

  /** `to`: the first user key that is not in the table. */
  #end(to: Uint8Array | undefined): void {
    const builder = this.#builder;
    const file = this.#file;
    if (builder === undefined || file === undefined) return;
    const fragments = fragmentsWithin(this.#options.ranges, this.#from, to);
    for (const { begin, end, sequence } of fragments) {
      const low = trailerLow(sequence, TYPE_RANGE_DELETION);
      const high = trailerHigh(sequence);
      const key = Region.of(begin);
      builder.add(key, 0, begin.length, low, high, Region.of(end), 0, end.length);
    }
    const meta = builder.finish();
    file.sync();
    file.close();
    this.#file = undefined;
    this.#builder = undefined;
    this.#from = to;
    const { directory, level, table } = this.#options;
    this.written.push({
      temporaryPath: joinPath(directory, temporaryFileName(this.#number)),
      path: joinPath(directory, tableFileName(this.#number)),
      file: newFile(level, this.#number, meta, table),
      entries: meta.entries,
      rangeDeletions: fragments,
    });
  }

  #isFull(): boolean {
    return (this.#builder?.estimatedBytes ?? 0) >= this.#options.targetBytes;
  }
}

function newFile(
  level: number,
  number: number,
  meta: TableMeta,
  { formatLevel, youngestAtSeconds = 0 }: TableWriteOptions,
): NewFile {
  const { sizeBytes, smallest, largest } = meta;
  const { minSequence, maxSequence, entries, deletions, rangeDeletions } = meta;
  const youngestSeconds = youngestAtSeconds === 0 ? undefined : youngestAtSeconds;
  const facts = { minSequence, maxSequence, entries, deletions, rangeDeletions, youngestSeconds };
  const isTold = formatLevel === 2;
  return { level, number, sizeBytes, smallest, largest, facts: isTold ? facts : undefined };
}
