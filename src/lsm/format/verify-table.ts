/**
 * Checks a whole table: that all of it is as a correct writer leaves it, not only where lookups happen to go. Every checksum; entries in order,
 * each where the index says and found by a search of its block; none that the filter denies; counts and sequences as the properties tell. Reads past
 * the cache.
 */
import { Region } from '../../bytes/region.ts';
import { STREAM, SYNC, VALID } from '../cursor.ts';
import { compareInternalKeys, internalKey, TRAILER_BYTES, TYPE_DELETION } from '../internal-key.ts';
import { malformed } from './block-loader.ts';
import { filterHash, isFilter, mayContain } from './filter.ts';
import { searchIndex } from './index-block.ts';
import type { Table } from './table.ts';

export interface TableCheck {
  /** Entries, range deletions not among them. */
  readonly entries: number;
  readonly deletions: number;
  readonly rangeDeletions: number;
  /** Internal keys of the first and the last entry; empty where there is none. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly minSequence: number;
  readonly maxSequence: number;
}

/** Entries from one step to the next. */
const STEP_ENTRIES = 256;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Throws LsmError CORRUPTION at the first damage; yields now and then. */
export function* verifyTable(table: Table): Generator<void, TableCheck> {
  const { layout, loader } = table;
  for (const handle of [layout.metaindex, layout.properties, layout.levelDbFilter]) {
    if (handle !== undefined) loader.readPlain(table, handle.offset, handle.size);
  }
  const filter = readFilter(table);
  const rangeDeletions = table.rangeDeletions();
  let entries = 0;
  let deletions = 0;
  let minSequence = Infinity;
  let maxSequence = 0;
  for (const { sequence } of rangeDeletions) {
    minSequence = Math.min(minSequence, sequence);
    maxSequence = Math.max(maxSequence, sequence);
  }
  let smallest = NO_BYTES;
  let previous = Region.of(NO_BYTES);
  const cursor = table.cursor(STREAM);
  for (cursor.first(); cursor.status === VALID; cursor.next()) {
    const { keyRegion, keyEnd, sequence, type } = cursor;
    const key = Region.of(internalKey(keyRegion.bytes.subarray(0, keyEnd), sequence, type));
    const length = key.bytes.length;
    const isFirst = entries === 0;
    if (isFirst) smallest = key.bytes;
    else if (compareInternalKeys(previous, 0, previous.bytes.length, key, 0, length) >= 0) {
      throw malformed(table, cursor.blockOffset, `entry ${entries} is out of order`);
    }
    if (placeInIndex(table, key) !== cursor.blockPosition || !cursor.findsItself()) {
      throw malformed(table, cursor.blockOffset, `entry ${entries} is not where it is looked for`);
    }
    const hash = filterHash(keyRegion, 0, keyEnd);
    if (filter !== undefined && !mayContain(filter, 0, filter.bytes.length, hash)) {
      throw malformed(table, layout.filter!.offset, `the filter denies entry ${entries}`);
    }
    previous = key;
    entries++;
    if (type === TYPE_DELETION) deletions++;
    minSequence = Math.min(minSequence, sequence);
    maxSequence = Math.max(maxSequence, sequence);
    if (entries % STEP_ENTRIES === 0) yield;
  }
  cursor.close();
  const largest = previous.bytes;
  if (minSequence > maxSequence) minSequence = 0;
  const counts = { entries, deletions, rangeDeletions: rangeDeletions.length };
  const check: TableCheck = { ...counts, smallest, largest, minSequence, maxSequence };
  compareWithProperties(table, check);
  return check;
}

/** The data block in which the index has a key. */
function placeInIndex(table: Table, key: Region): number {
  const slot = table.openIndex(SYNC, undefined);
  const { cache } = table.loader;
  const keyEnd = key.bytes.length - TRAILER_BYTES;
  const low = key.view.getInt32(keyEnd, true);
  const high = key.view.getUint32(keyEnd + 4, true);
  return searchIndex(cache.region(slot), cache.start(slot), key, 0, keyEnd, low, high);
}

function readFilter(table: Table): Region | undefined {
  const handle = table.layout.filter;
  if (handle === undefined) return undefined;
  const { loader } = table;
  loader.readPlain(table, handle.offset, handle.size);
  const filter = Region.of(loader.plain.bytes.subarray(loader.plainStart, loader.plainEnd));
  if (isFilter(filter, 0, filter.bytes.length)) return filter;
  throw malformed(table, handle.offset, 'the filter is malformed');
}

function compareWithProperties(table: Table, check: TableCheck): void {
  const { properties } = table;
  if (properties === undefined) return;
  const all = { ...check, entries: check.entries + check.rangeDeletions };
  const names = ['entries', 'deletions', 'rangeDeletions', 'minSequence', 'maxSequence'] as const;
  for (const name of names) {
    if (all[name] === properties[name]) continue;
    const problem = `the properties say ${name} ${properties[name]}, there are ${all[name]}`;
    throw malformed(table, table.layout.properties!.offset, problem);
  }
}
