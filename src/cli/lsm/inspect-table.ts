/** `kvasir inspect 000005.ldb`: its parts, or with options its blocks, its entries, one block. */
import {
  blockEntries,
  type BlockInspection,
  type EntryInspection,
  findBlock,
  handleOf,
  inspectTable,
  openTable,
  tableBlocks,
  tableEntries,
  type TableInspection,
} from '../../lsm/tools/inspect-table.ts';
import { TYPE_VALUE } from '../../lsm/internal-key.ts';
import { PROPERTIES_NAME } from '../../lsm/format/properties.ts';
import { bytesText, keyParts, typeName } from '../../lsm/tools/bytes-text.ts';
import type { KeyNames, NamedValue } from '../../lsm/tools/key-names.ts';
import { problemText, type Problem } from '../../lsm/tools/problem.ts';
import type { RawTable } from '../../lsm/tools/raw-table.ts';
import type { InspectedFile } from './inspect.ts';
import { jsonProblem } from './inspect-directory.ts';
import { storedRange } from './key-range.ts';
import { columns, complain, count, jsonBytes, type Lines, size } from './output.ts';

const DEFAULT_WIDTH = 64;

export function inspectTableTo(lines: Lines, file: InspectedFile): number {
  const open = file.files.open(file.path, 'read');
  try {
    const table = openTable(open);
    const { options } = file;
    if (options.block !== undefined) return printBlock(lines, table, file, Number(options.block));
    if (options.blocks === true) return printBlocks(lines, table, file);
    const hasRange = [options.keyspace, options.from, options.to].some((x) => x !== undefined);
    if (options.entries === true || hasRange) return printEntries(lines, table, file);
    const inspection = inspectTable(table, file.name);
    if (options.json === true) lines.json(jsonOf(inspection));
    else print(lines, inspection, file.names);
    return inspection.problems.length === 0 ? 0 : 1;
  } finally {
    open.close();
  }
}

// ---- the table

function print(lines: Lines, inspection: TableInspection, names: KeyNames): void {
  const { name, sizeBytes, formatLevel, dataBlocks, dataBytes, problems } = inspection;
  const level = formatLevel === undefined ? '' : `, format level ${formatLevel}`;
  lines.write(`${name}  ${count(sizeBytes)} bytes${level}`);
  const blocks = [
    { name: `${count(dataBlocks)} data blocks`, offset: 0, size: dataBytes },
    ...[...inspection.metaBlocks].sort((a, b) => a.offset - b.offset),
    ...(inspection.metaindex === undefined ? [] : [{ name: 'metaindex', ...inspection.metaindex }]),
    ...(inspection.index === undefined ? [] : [{ name: 'index', ...inspection.index }]),
  ];
  const rows = blocks.map((block) => [block.name, `at ${block.offset}`, count(block.size)]);
  for (const row of columns([['part', 'offset', 'bytes'], ...rows], [2])) lines.write(`  ${row}`);
  const { properties } = inspection;
  if (properties !== undefined) {
    lines.write('\nproperties');
    const entries = Object.entries(properties).map(([property, value]): [string, string] => {
      if (!(value instanceof Uint8Array)) return [property, propertyText(property, value)];
      return [property, internalKeyText(value, names)];
    });
    for (const row of columns(entries)) lines.write(`  ${row}`);
  }
  for (const problem of problems) lines.write(`\n${problemText(problem)}`);
}

function propertyText(property: string, value: string | number): string {
  if (typeof value === 'string') return value === '' ? '-' : value;
  if (!property.endsWith('Seconds')) return count(value);
  return value === 0 ? 'not told' : new Date(value * 1000).toISOString();
}

function internalKeyText(internalKey: Uint8Array, names: KeyNames): string {
  const { userKey, sequence, type } = keyParts(internalKey);
  if (sequence === undefined) return bytesText(userKey);
  return `${names.text(userKey)} @ ${sequence} ${typeName(type!)}`;
}

function jsonOf({ properties, problems, ...rest }: TableInspection): object {
  const shown = properties && {
    ...properties,
    smallest: Buffer.from(properties.smallest).toString('hex'),
    largest: Buffer.from(properties.largest).toString('hex'),
  };
  return { ...rest, properties: shown, problems: problems.map(jsonProblem) };
}

// ---- blocks

function printBlocks(
  lines: Lines,
  table: RawTable,
  { name, names, options }: InspectedFile,
): number {
  let code = 0;
  for (const block of tableBlocks(table, name)) {
    if (block.problem !== undefined) code = 1;
    if (options.json === true) lines.json(jsonBlock(block, names));
    else lines.write(blockLine(block, names));
  }
  return code;
}

function blockLine(block: BlockInspection, names: KeyNames): string {
  const { offset, size: stored, codec, plainBytes, entries, firstKey, lastKey, problem } = block;
  const place = `${String(offset).padStart(10)}  ${String(stored).padStart(7)} bytes`;
  if (problem !== undefined) return `${place}  ${problemText(problem)}`;
  const packed = codec === 'none' ? '' : `  ${codec}, ${count(plainBytes)} bytes plain`;
  const keys = `${internalKeyText(firstKey!, names)} to ${internalKeyText(lastKey!, names)}`;
  return `${place}${packed}  ${count(entries)} entries  ${keys}`;
}

function jsonBlock(block: BlockInspection, names: KeyNames): object {
  const { firstKey, lastKey, separator, problem, ...rest } = block;
  return {
    ...rest,
    ...(firstKey && jsonKey('first', firstKey, names)),
    ...(lastKey && jsonKey('last', lastKey, names)),
    ...(separator && jsonKey('separator', separator, names)),
    problem: problem && jsonProblem(problem),
  };
}

function jsonKey(name: string, internalKey: Uint8Array, names: KeyNames): object {
  const { userKey, sequence } = keyParts(internalKey);
  return { ...jsonBytes(name, names.split(userKey).key), [`${name}Sequence`]: sequence };
}

/** One block, whatever it is of. */
function printBlock(lines: Lines, table: RawTable, file: InspectedFile, offset: number): number {
  const block = findBlock(table, offset);
  const { kind } = block;
  const isJson = file.options.json === true;
  if (isJson) lines.json(block);
  else lines.write(`${kind} at ${block.offset}, ${size(block.size)}`);
  if (kind.startsWith('filter.') && kind !== PROPERTIES_NAME) return 0;
  for (const entry of blockEntries(table, block, block.isPlain)) {
    const handle = kind === 'index' || kind === 'metaindex' ? handleOf(entry.value) : undefined;
    if (handle === undefined) printEntry(lines, entry, file);
    else if (isJson) lines.json({ ...jsonBytes('key', entry.key), ...handle });
    else
      lines.write(
        `  ${entryKey(entry, file.names)}  at ${handle.offset}, ${count(handle.size)} bytes`,
      );
  }
  return 0;
}

// ---- entries

function printEntries(lines: Lines, table: RawTable, file: InspectedFile): number {
  const { limit } = file.options;
  const range = storedRange(file.options, file.names);
  let code = 0;
  const onProblem = (problem: Problem): void => {
    code = 1;
    complain('inspect', problemText(problem));
  };
  let left = limit === undefined ? Infinity : Number(limit);
  if (left <= 0) return 0;
  for (const entry of tableEntries(table, file.name, range, onProblem)) {
    if (!range.contains(entry.key)) continue;
    printEntry(lines, entry, file);
    left--;
    if (left === 0) break;
  }
  return code;
}

export function printEntry(
  lines: Lines,
  entry: Omit<EntryInspection, 'blockOffset'>,
  { names, options }: InspectedFile,
): void {
  const { sequence, type } = entry;
  const { value, expiresAtMs } = namedValue(entry, names);
  if (options.json === true) {
    const { keyspace, key } = names.split(entry.key);
    const version = sequence === undefined ? {} : { sequence, type: typeName(type!) };
    const parts = { ...jsonBytes('key', key), ...version, ...jsonBytes('value', value) };
    lines.json({ keyspace, ...parts, ...jsonExpiry(expiresAtMs) });
    return;
  }
  const width = options.width === undefined ? DEFAULT_WIDTH : Number(options.width);
  const isBare = sequence !== undefined && typeName(type!) === 'deletion';
  const end =
    expiresAtMs === undefined || expiresAtMs === Infinity
      ? ''
      : `  expires ${new Date(expiresAtMs).toISOString()}`;
  const text = isBare ? '' : `  ${bytesText(value, width)}${end}`;
  lines.write(`  ${entryKey(entry, names, width)}${text}`);
}

/** What the entry's keyspace takes for its value. */
export function namedValue(
  { key, value, type }: Omit<EntryInspection, 'blockOffset'>,
  names: KeyNames,
): NamedValue {
  return type === TYPE_VALUE ? names.unwrap(key, value) : { value, expiresAtMs: undefined };
}

export function jsonExpiry(expiresAtMs: number | undefined): object {
  return expiresAtMs === undefined || expiresAtMs === Infinity ? {} : { expiresAtMs };
}

function entryKey(
  { key, sequence, type }: Pick<EntryInspection, 'key' | 'sequence' | 'type'>,
  names: KeyNames,
  width: number = DEFAULT_WIDTH,
): string {
  const text = names.text(key, width);
  return sequence === undefined ? text : `${text} @ ${sequence} ${typeName(type!)}`;
}
