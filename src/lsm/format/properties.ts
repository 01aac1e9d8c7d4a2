/**
 * What is known of a table, in its meta block `filter.kvasir.properties`, and the names of its meta blocks, in the metaindex. Both are blocks of whole
 * keys (block-builder.ts) in bytewise order, names in ASCII. Numbers are varints.
 *
 * The properties are no filter, but `filter.` begins the only names that every reader takes for somebody else's: LevelDB reads over all that it does
 * not know, RocksDB's `sst_dump --command=verify` ends at other unknown names.
 *
 * Unknown names are read over, so that there may be more of them one day.
 */
import { readVarint, varintEnd, varintLength, writeVarint } from '../../bytes/varint.ts';
import type { Region } from '../../bytes/region.ts';
import { INDEX_EXPANSION } from '../limits.ts';
import type { BlockBuilder } from './block-builder.ts';
import type { TableMeta } from './table-options.ts';

export const PROPERTIES_NAME = 'filter.kvasir.properties';
export const RANGE_DELETIONS_NAME = 'kvasir.range-deletions';

/** Of tables that Kvasir wrote; all of `TableMeta` but the size. */
export interface TableProperties extends Omit<TableMeta, 'sizeBytes'> {
  readonly comparator: string;
  readonly codec: string;
  /** By which rule prefixes of keys are in the filter (filter-prefix.ts); empty where they are not. */
  readonly filterPrefix: string;
  /** Seconds since 1970, 0 where it was not told. */
  readonly createdAtSeconds: number;
  readonly youngestAtSeconds: number;
}

type PropertyName = keyof TableProperties;

/** Stored names, in their order. */
const NUMBERS: Readonly<Record<string, PropertyName>> = {
  'created-at': 'createdAtSeconds',
  'data-blocks': 'dataBlocks',
  'data-bytes': 'dataBytes',
  deletions: 'deletions',
  entries: 'entries',
  'max-sequence': 'maxSequence',
  merges: 'merges',
  'min-sequence': 'minSequence',
  'range-deletions': 'rangeDeletions',
  'raw-key-bytes': 'rawKeyBytes',
  'raw-value-bytes': 'rawValueBytes',
};
/** Left out where they are 0, or what `createdAtSeconds` is. */
const OPTIONAL: Readonly<Record<string, PropertyName>> = {
  'hidden-versions': 'hiddenVersions',
  'youngest-at': 'youngestAtSeconds',
};
const TEXTS: Readonly<Record<string, PropertyName>> = {
  codec: 'codec',
  comparator: 'comparator',
  'filter-prefix': 'filterPrefix',
};
const KEYS: Readonly<Record<string, PropertyName>> = { largest: 'largest', smallest: 'smallest' };

/** Adds all properties to an empty block of whole keys. */
export function writeProperties(block: BlockBuilder, properties: TableProperties): void {
  const names = [NUMBERS, OPTIONAL, TEXTS, KEYS].flatMap((table) => Object.entries(table));
  for (const [name, field] of names.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const value = properties[field];
    if (name in OPTIONAL && value === defaultOf(field, properties.createdAtSeconds)) continue;
    block.addPlain(Buffer.from(name), typeof value === 'number' ? varint(value) : bytesOf(value));
  }
}

function defaultOf(field: PropertyName, createdAtSeconds: number): number {
  return field === 'youngestAtSeconds' ? createdAtSeconds : 0;
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

/** The properties in a block, undefined where one is missing or malformed. */
export function readProperties(
  entries: ReadonlyMap<string, Uint8Array>,
): TableProperties | undefined {
  const properties: Partial<Record<PropertyName, number | string | Uint8Array>> = {};
  for (const [name, field] of Object.entries(NUMBERS)) {
    const bytes = entries.get(name);
    const value = bytes === undefined ? -1 : readVarint(bytes, 0, bytes.length);
    if (value < 0) return undefined;
    properties[field] = value;
  }
  for (const [name, field] of Object.entries(OPTIONAL)) {
    const bytes = entries.get(name);
    const created = properties.createdAtSeconds as number;
    const value =
      bytes === undefined ? defaultOf(field, created) : readVarint(bytes, 0, bytes.length);
    if (value < 0) return undefined;
    properties[field] = value;
  }
  for (const [name, field] of Object.entries(TEXTS)) {
    const bytes = entries.get(name);
    if (bytes === undefined) return undefined;
    properties[field] = Buffer.from(bytes).toString();
  }
  for (const [name, field] of Object.entries(KEYS)) {
    const bytes = entries.get(name);
    if (bytes === undefined) return undefined;
    properties[field] = bytes;
  }
  return properties as unknown as TableProperties;
}

/**
 * The entries of a block about the table (metaindex, properties), as copies; undefined where the block is malformed. Such blocks may come from other
 * writers, with shared prefixes.
 */
export function readPlainBlock(
  region: Region,
  start: number,
  end: number,
): Map<string, Uint8Array> | undefined {
  const { bytes, view } = region;
  if (end - start < 4) return undefined;
  const entriesEnd = end - 4 - view.getUint32(end - 4, true) * 4;
  if (entriesEnd < start) return undefined;
  const entries = new Map<string, Uint8Array>();
  let keyBytes = 0;
  let key: Uint8Array = new Uint8Array(0);
  for (let at = start; at < entriesEnd;) {
    const shared = readVarint(bytes, at, entriesEnd);
    if (shared < 0 || shared > key.length) return undefined;
    at = varintEnd(bytes, at);
    const further = readVarint(bytes, at, entriesEnd);
    if (further < 0) return undefined;
    at = varintEnd(bytes, at);
    const valueLength = readVarint(bytes, at, entriesEnd);
    if (valueLength < 0) return undefined;
    at = varintEnd(bytes, at);
    if (at + further + valueLength > entriesEnd) return undefined;
    keyBytes += shared + further;
    if (keyBytes > (end - start) * INDEX_EXPANSION) return undefined;
    const whole = new Uint8Array(shared + further);
    whole.set(key.subarray(0, shared));
    whole.set(bytes.subarray(at, at + further), shared);
    key = whole;
    at += further;
    entries.set(Buffer.from(key).toString('latin1'), bytes.slice(at, at + valueLength));
    at += valueLength;
  }
  return entries;
}
