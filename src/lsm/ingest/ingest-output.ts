/**
 * The tables of an ingest: entries in order, all with one sequence, each table under a temporary name until the ingest is part of the database. A table is ended
 * once it is as large as those of the lowest level.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { type FileSystem, joinPath, type OpenFile } from '../../os/file-system.ts';
import { envelopeBytes, NO_ENVELOPE, writeEnvelope } from '../expiry.ts';
import { TableBuilder } from '../format/table-builder.ts';
import type { TableMeta, TableWriteOptions } from '../format/table-options.ts';
import { trailerHigh, trailerLow, TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { temporaryFileName } from '../manifest/file-names.ts';
import { AscendingKeys } from './ascending-keys.ts';

export interface IngestTable {
  /** Of its temporary name. */
  readonly temporaryPath: string;
  readonly meta: TableMeta;
}

export interface IngestOutputOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly allocateFileNumber: () => number;
  readonly table: TableWriteOptions;
  readonly targetBytes: number;
  readonly sequence: number;
}

export class IngestOutput {
  /** Synced. */
  readonly tables: IngestTable[] = [];
  readonly #options: IngestOutputOptions;
  readonly #low: number;
  readonly #lowDeletion: number;
  readonly #high: number;
  /** The entry that is added: its key, put together, and its value. */
  readonly #key = new GrowingBytes();
  readonly #value = new GrowingBytes();
  readonly #order = new AscendingKeys();
  #file: OpenFile | undefined = undefined;
  #builder: TableBuilder | undefined = undefined;

  constructor(options: IngestOutputOptions) {
    const { sequence } = options;
    this.#options = options;
    this.#low = trailerLow(sequence, TYPE_VALUE);
    this.#lowDeletion = trailerLow(sequence, TYPE_DELETION);
    this.#high = trailerHigh(sequence);
  }

  get sequence(): number {
    return this.#options.sequence;
  }

  /** Whether the table that is open should be ended before more is added. */
  get isFull(): boolean {
    const builder = this.#builder;
    return builder !== undefined && builder.estimatedBytes >= this.#options.targetBytes;
  }

  /** The next entries need not be behind those so far. Settles once what there is is synced. Rejects with a FileError. */
  async endRun(): Promise<void> {
    await this.endTable();
    this.#order.reset();
  }

  /**
   * `value` undefined: a deletion. `expiresAtMs`: for an envelope around it (expiry.ts), NO_ENVELOPE for none. Throws RangeError for a key that is not behind the last
   * one, LsmError, FileError.
   */
  add(
    prefix: Uint8Array,
    key: Uint8Array,
    value: Uint8Array | undefined,
    expiresAtMs: number = NO_ENVELOPE,
  ): void {
    const whole = this.#key;
    const end = prefix.length + key.length;
    whole.reserve(end);
    whole.region.bytes.set(prefix);
    whole.region.bytes.set(key, prefix.length);
    whole.length = end;
    this.#order.check(whole.region, 0, end);
    const head = expiresAtMs === NO_ENVELOPE ? 0 : envelopeBytes(expiresAtMs);
    const valueLength = value === undefined ? 0 : head + value.length;
    this.#value.reserve(valueLength);
    if (value !== undefined) {
      if (head > 0) writeEnvelope(this.#value.region, 0, expiresAtMs);
      this.#value.region.bytes.set(value, head);
    }
    const builder = (this.#builder ??= this.#begin());
    const low = value === undefined ? this.#lowDeletion : this.#low;
    const { region } = this.#value;
    builder.add(whole.region, 0, end, low, this.#high, region, 0, valueLength);
  }

  /** Rejects with a FileError. */
  async endTable(): Promise<void> {
    const file = this.#file;
    const builder = this.#builder;
    if (file === undefined || builder === undefined) return;
    const meta = builder.finish();
    this.tables.push({ temporaryPath: file.path, meta });
    await file.syncAsync();
    file.close();
    this.#file = undefined;
    this.#builder = undefined;
  }

  /** Removes everything. What can't be removed has a temporary name, and goes with the next opening. */
  abandon(): void {
    const { files } = this.#options;
    const paths = this.tables.map(({ temporaryPath }) => temporaryPath);
    if (this.#file !== undefined) {
      this.#file.close();
      if (!paths.includes(this.#file.path)) paths.push(this.#file.path);
      this.#file = undefined;
      this.#builder = undefined;
    }
    for (const path of paths) {
      try {
        files.unlink(path);
      } catch {
        // It has a temporary name.
      }
    }
  }

  #begin(): TableBuilder {
    const { files, directory, allocateFileNumber, table } = this.#options;
    const path = joinPath(directory, temporaryFileName(allocateFileNumber()));
    this.#file = files.open(path, 'replace');
    return new TableBuilder(this.#file, table);
  }
}
