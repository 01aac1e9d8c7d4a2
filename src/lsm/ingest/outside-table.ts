/** A table file that is not a database's own, read once from its first key to its last: of each key the newest version. */
import type { FileSystem, OpenFile } from '../../os/file-system.ts';
import { equalBytes } from '../../bytes/region.ts';
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { BlockCache } from '../cache/block-cache.ts';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import { type Cursor, STREAM, VALID } from '../cursor.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { BlockLoader } from '../format/block-loader.ts';
import { BYTEWISE_COMPARATOR } from '../format/table-options.ts';
import { Table } from '../format/table.ts';
import { TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { JOB_CACHE_BYTES, JOB_CACHE_SEGMENT_BYTES } from '../limits.ts';
import { KVASIR_COMPARATOR } from '../manifest/manifest-state.ts';

export interface OutsideEnvironment {
  readonly files: FileSystem;
  readonly budget: MemoryBudget;
}

export class OutsideTable {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #cache: BlockCache;
  readonly #table: Table;
  readonly #cursor: Cursor;
  readonly #key = new GrowingBytes();
  #isBegun = false;

  /** Throws LsmError CORRUPTION, UNSUPPORTED for what a database of format level 1 can't have, IO_ERROR. */
  constructor(path: string, { files, budget }: OutsideEnvironment) {
    this.path = path;
    // For its index; data passes the cache by.
    this.#cache = new BlockCache({
      capacityBytes: JOB_CACHE_BYTES,
      segmentBytes: JOB_CACHE_SEGMENT_BYTES,
      budget,
    });
    try {
      this.#file = files.open(path, 'read');
    } catch (error) {
      this.#cache.close();
      throw fromFileError(error);
    }
    try {
      this.#table = Table.open(this.#file, 1, new BlockLoader(this.#cache));
      this.#check();
    } catch (error) {
      this.#file.close();
      this.#cache.close();
      throw error;
    }
    this.#cursor = this.#table.cursor(STREAM);
  }

  /** To the next key; false behind the last one. Throws LsmError. */
  next(): boolean {
    const cursor = this.#cursor;
    if (!this.#isBegun) {
      this.#isBegun = true;
      cursor.first();
    } else {
      this.#key.set(cursor.keyRegion, cursor.keyStart, cursor.keyEnd);
      do cursor.next();
      while (cursor.status === VALID && this.#isSame(cursor));
    }
    if (cursor.status !== VALID) return false;
    if (cursor.type === TYPE_VALUE || cursor.type === TYPE_DELETION) return true;
    throw this.#unsupported(`entries of type ${cursor.type}`);
  }

  /** The user key; valid until the next move. */
  key(): Uint8Array {
    const { keyRegion, keyStart, keyEnd } = this.#cursor;
    return keyRegion.bytes.subarray(keyStart, keyEnd);
  }

  /** undefined for a deletion; valid until the next move. */
  value(): Uint8Array | undefined {
    const { type, valueRegion, valueStart, valueEnd } = this.#cursor;
    return type === TYPE_DELETION ? undefined : valueRegion.bytes.subarray(valueStart, valueEnd);
  }

  close(): void {
    this.#cursor.close();
    this.#table.close();
    this.#file.close();
    this.#cache.close();
  }

  #isSame({ keyRegion, keyStart, keyEnd }: Cursor): boolean {
    const { region, length } = this.#key;
    return keyEnd - keyStart === length && equalBytes(keyRegion, keyStart, region, 0, length);
  }

  #check(): void {
    const comparator = this.#table.properties?.comparator ?? BYTEWISE_COMPARATOR;
    if (comparator !== BYTEWISE_COMPARATOR && comparator !== KVASIR_COMPARATOR) {
      throw this.#unsupported(`keys in the order of ${comparator}`);
    }
    if (this.#table.rangeDeletions().length > 0) throw this.#unsupported('range deletions');
  }

  #unsupported(what: string): LsmError {
    return new LsmError('UNSUPPORTED', `a table to be ingested has ${what}`, { path: this.path });
  }
}
