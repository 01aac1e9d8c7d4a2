/** Entries for tests of tables: made at random or by hand, written to tables, read back, and looked up in a plain array for comparison. */
import { Region } from '../../bytes/region.ts';
import { BlockCache } from '../cache/block-cache.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { type Cursor, SYNC, VALID } from '../cursor.ts';
import { BlockLoader } from '../format/block-loader.ts';
import { filterHash } from '../format/filter.ts';
import { ABSENT, DELETED, FOUND, Lookup, MERGE } from '../format/lookup.ts';
import { TableBuilder } from '../format/table-builder.ts';
import type { TableMeta, TableWriteOptions } from '../format/table-options.ts';
import { Table } from '../format/table.ts';
import { trailerHigh, trailerLow } from '../internal-key.ts';
import { MemoryFile } from './memory-file.ts';

export interface Entry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/** Internal order. */
export function compareEntries(a: Entry, b: Entry): number {
  return Buffer.compare(a.key, b.key) || b.sequence - a.sequence || b.type - a.type;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** An entry of text. */
export function textEntry(key: string, sequence: number, type: number, value: string): Entry {
  return { key: bytesOf(key), sequence, type, value: bytesOf(value) };
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** Sorted, no two with the same key and sequence, deletions without values. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  const sorted = entries.map((e) => (e.type === 0 ? { ...e, value: NO_BYTES } : e));
  sorted.sort(compareEntries);
  return sorted.filter(
    (e, i) =>
      i === 0 ||
      Buffer.compare(e.key, sorted[i - 1]!.key) !== 0 ||
      e.sequence !== sorted[i - 1]!.sequence,
  );
}

export function addEntry(builder: TableBuilder, entry: Entry): void {
  const { sequence, type } = entry;
  const key = Region.of(entry.key);
  const value = Region.of(entry.value);
  const low = trailerLow(sequence, type);
  const high = trailerHigh(sequence);
  builder.add(key, 0, entry.key.length, low, high, value, 0, entry.value.length);
}

export interface WrittenTable {
  readonly file: MemoryFile;
  readonly meta: TableMeta;
}

export function writeTable(
  entries: readonly Entry[],
  options: TableWriteOptions = {},
): WrittenTable {
  const file = new MemoryFile();
  const builder = new TableBuilder(file, options);
  for (const entry of entries) addEntry(builder, entry);
  return { file, meta: builder.finish() };
}

/** An open table with a cache of its own. */
export class Opened {
  readonly cache: BlockCache;
  readonly loader: BlockLoader;
  readonly requests: BlockRequests;
  readonly lookup: Lookup;
  readonly table: Table;

  constructor(file: MemoryFile, capacityBytes: number = 1 << 20) {
    this.cache = new BlockCache({ capacityBytes });
    this.loader = new BlockLoader(this.cache);
    this.requests = new BlockRequests(this.loader);
    this.lookup = new Lookup(this.cache, this.requests);
    this.table = Table.open(file, 5, this.loader);
  }

  /** The entry that a lookup finds. */
  get(key: Uint8Array, sequence: number, mode: number = SYNC): Entry | number {
    const region = Region.of(key);
    const hash = filterHash(region, 0, key.length);
    const { lookup } = this;
    const found = this.table.get(region, 0, key.length, sequence, hash, mode, lookup);
    if (found !== FOUND && found !== DELETED && found !== MERGE) return found;
    const value = lookup.region.bytes.slice(lookup.start, lookup.end);
    lookup.release();
    return { key, sequence: lookup.sequence, type: lookup.type, value };
  }
}

/** The same from the array. */
export function getFrom(
  entries: readonly Entry[],
  key: Uint8Array,
  sequence: number,
): Entry | number {
  return entries.find((e) => Buffer.compare(e.key, key) === 0 && e.sequence <= sequence) ?? ABSENT;
}

/** What a cursor stands on. */
export function entryAt(cursor: Cursor): Entry | undefined {
  if (cursor.status !== VALID) return undefined;
  return {
    key: cursor.keyRegion.bytes.slice(cursor.keyStart, cursor.keyEnd),
    sequence: cursor.sequence,
    type: cursor.type,
    value: cursor.valueRegion.bytes.slice(cursor.valueStart, cursor.valueEnd),
  };
}

/** All entries from the first to the last. */
export function allOf(cursor: Cursor): Entry[] {
  const entries: Entry[] = [];
  for (cursor.first(); cursor.status === VALID; cursor.next()) entries.push(entryAt(cursor)!);
  return entries;
}
