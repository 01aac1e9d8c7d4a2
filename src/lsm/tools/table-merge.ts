/**
 * Merges tables, damaged or not, into new ones. What cannot be read of them was told when they were surveyed; here it is passed over.
 *
 * Tables whose ranges of keys are disjoint are read one behind the other, as one run, so that only as many are open at a time as overlap at some key.
 * Every version is kept: what it hides may be all that is left of its key elsewhere. Versions that several tables have (inputs and outputs of a
 * compaction, a log and the table made of it) are written once.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import { type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';
import { Cursor, END, VALID } from '../cursor.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { compareUserKeys } from './level-check.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import { SalvageCursor } from './salvage-cursor.ts';
import type { TableOutput } from './table-output.ts';

/** A table to be merged. */
export interface MergeSource {
  /** The file's name in the directory. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Internal keys of what can be read of it; empty where there are no entries. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly rangeDeletions: readonly RangeDeletion[];
  /** When its youngest entry was first in a table; 0 where that is not known. */
  readonly youngestAtSeconds: number;
}

/** Entries from one step to the next. */
const STEP_ENTRIES = 1024;

/** Yields the bytes of tables that were read since the last time. Throws FileError, LsmError. */
export function* mergeTables(
  files: FileSystem,
  directory: string,
  sources: readonly MergeSource[],
  output: TableOutput,
): Generator<number, void> {
  const counter = { bytes: 0 };
  const runs = runsOf(sources).map((run) => new RunCursor(files, directory, run, counter));
  const cursor = new MergingCursor(runs);
  try {
    let seen = 0;
    let entries = 0;
    let key = Region.allocate(256);
    let keyLength = -1;
    let sequence = -1;
    for (cursor.first(); cursor.status === VALID; cursor.next()) {
      const { keyRegion, keyStart, keyEnd } = cursor;
      const isNewKey =
        keyLength < 0 || compareBytes(keyRegion, keyStart, keyEnd, key, 0, keyLength) !== 0;
      if (isNewKey || cursor.sequence !== sequence) {
        output.add(cursor, isNewKey);
        sequence = cursor.sequence;
      }
      if (isNewKey) {
        keyLength = keyEnd - keyStart;
        if (key.bytes.length < keyLength) key = Region.allocate(keyLength * 2);
        key.bytes.set(keyRegion.bytes.subarray(keyStart, keyEnd));
      }
      if (++entries % STEP_ENTRIES !== 0) continue;
      yield counter.bytes - seen;
      seen = counter.bytes;
    }
    output.finish();
    yield counter.bytes - seen;
  } finally {
    cursor.close();
  }
}

/** As few lists as possible, in each of which ranges of user keys ascend and are disjoint. */
export function runsOf(sources: readonly MergeSource[]): MergeSource[][] {
  const sorted = sources
    .filter(({ smallest }) => smallest.length > 0)
    .sort((a, b) => compareUserKeys(a.smallest, b.smallest));
  const runs: MergeSource[][] = [];
  for (const source of sorted) {
    const run = runs.find((r) => compareUserKeys(r.at(-1)!.largest, source.smallest) < 0);
    if (run === undefined) runs.push([source]);
    else run.push(source);
  }
  return runs;
}

/** Tables of a run one behind the other, forward only. */
class RunCursor extends Cursor {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #sources: readonly MergeSource[];
  readonly #counter: { bytes: number };
  #at = -1;
  #file: OpenFile | undefined = undefined;
  #cursor: SalvageCursor | undefined = undefined;

  constructor(
    files: FileSystem,
    directory: string,
    sources: readonly MergeSource[],
    counter: { bytes: number },
  ) {
    super();
    this.#files = files;
    this.#directory = directory;
    this.#sources = sources;
    this.#counter = counter;
  }

  override first(): void {
    this.#advance();
  }

  override next(): void {
    this.#cursor!.next();
    if (this.#cursor!.status === VALID) this.#show();
    else this.#advance();
  }

  override close(): void {
    this.#cursor?.close();
    this.#file?.close();
    this.#cursor = undefined;
    this.#file = undefined;
    this.status = END;
  }

  override seek(): void {
    throw forwardOnly();
  }

  override seekForPrevious(): void {
    throw forwardOnly();
  }

  override last(): void {
    throw forwardOnly();
  }

  override previous(): void {
    throw forwardOnly();
  }

  override resume(): void {
    throw forwardOnly();
  }

  /** To the first entry of the next table that has one. */
  #advance(): void {
    for (;;) {
      if (this.#at >= 0 && this.#cursor !== undefined) {
        this.#counter.bytes += this.#sources[this.#at]!.sizeBytes;
      }
      this.close();
      this.#at++;
      const source = this.#sources[this.#at];
      if (source === undefined) return;
      const file = this.#files.open(joinPath(this.#directory, source.name), 'read');
      this.#file = file;
      this.#cursor = new SalvageCursor(new RawTable(file, 0, uncachedLoader()), source.name);
      this.#cursor.first();
      if (this.#cursor.status === VALID) break;
    }
    this.#show();
  }

  #show(): void {
    const cursor = this.#cursor!;
    this.keyRegion = cursor.keyRegion;
    this.keyStart = cursor.keyStart;
    this.keyEnd = cursor.keyEnd;
    this.sequence = cursor.sequence;
    this.type = cursor.type;
    this.valueRegion = cursor.valueRegion;
    this.valueStart = cursor.valueStart;
    this.valueEnd = cursor.valueEnd;
    this.status = VALID;
  }
}

function forwardOnly(): Error {
  return new TypeError('tables are merged once, forward');
}
