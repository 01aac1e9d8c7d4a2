import { beforeAll, expect, test } from 'vitest';
import { MemoryFile } from '../testing/memory-file.ts';
import { inOrder, textEntry, writeTable } from '../testing/table-entries.ts';
import { bytesText, parseBytes } from './bytes-text.ts';
import { inspectDirectory } from './inspect-directory.ts';
import { logRecords } from './inspect-log.ts';
import {
  blockEntries,
  findBlock,
  handleOf,
  inspectTable,
  openTable,
  tableBlocks,
  tableEntries,
} from './inspect-table.ts';
import { KeyNames } from './key-names.ts';
import { descendingTable } from './testing/hand-made-table.ts';
import {
  copyScene,
  damageScene,
  DIRECTORY,
  filesLike,
  type Scene,
  withManifest,
  writeScene,
} from './testing/tool-scenes.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await writeScene({ writes: 1500 });
});

const ENTRIES = inOrder(
  Array.from({ length: 200 }, (_, i) =>
    textEntry(`key${String(i).padStart(4, '0')}`, i + 1, i % 9 === 0 ? 0 : 1, `value ${i}`),
  ),
);

const tableOf = (bytes: Uint8Array): ReturnType<typeof openTable> =>
  openTable(new MemoryFile('000005.ldb', bytes));
const entryText = (key: Uint8Array, sequence: number | undefined): string =>
  `${bytesText(key)} @ ${sequence}`;

test('a directory: levels in order, logs, what would be recovered, what belongs to nothing', () => {
  const system = copyScene(scene);
  system.files.put(`${DIRECTORY}/notes.txt`, new Uint8Array(3));
  const inspection = inspectDirectory(DIRECTORY, system.files);
  expect(inspection.problems).toEqual([]);
  expect(inspection.manifest!.state.formatLevel).toBe(1);
  const files = inspection.levels.flatMap((level) => level.files);
  expect(files.length).toBe(inspection.manifest!.state.files.size);
  for (const { level, files: list } of inspection.levels) {
    const sorted = [...list].sort((a, b) =>
      level === 0 ? b.number - a.number : Buffer.compare(a.smallest, b.smallest),
    );
    expect(list).toEqual(sorted);
  }
  expect(files.every(({ entries, codec }) => entries! > 0 && codec !== undefined)).toBe(true);
  expect(inspection.recovery!.entries).toBe(20);
  expect(inspection.logs.map((log) => log.isLive)).toEqual([true]);
  expect(inspection.others.map(({ name }) => name)).toContain('notes.txt');
});

test('a directory of another comparator, and damaged ones, as far as they go', () => {
  const foreign = withManifest(scene, (edit) => (edit.comparator = 'idb_cmp1'));
  const inspection = inspectDirectory(DIRECTORY, foreign.files);
  expect(inspection.problems).toEqual([]);
  expect(inspection.manifest!.state.comparator).toBe('idb_cmp1');
  const table = filesLike(scene, /ldb$/)[0]!;
  const damaged = damageScene(scene, table, () => new Uint8Array(7));
  const found = inspectDirectory(DIRECTORY, damaged.files);
  const file = found.levels.flatMap((l) => l.files).find(({ name }) => name === table)!;
  expect(file.entries).toBe(undefined);
  const none = inspectDirectory(DIRECTORY, damageScene(scene, 'CURRENT', () => undefined).files);
  expect(none.manifest).toBe(undefined);
  expect(none.others.length).toBeGreaterThan(5);
});

test('a table: its parts, its blocks, all of its entries', () => {
  const bytes = writeTable(ENTRIES, { blockBytes: 512, levelDbFilter: true }).file.contents();
  const table = tableOf(bytes);
  const inspection = inspectTable(table, '000005.ldb');
  expect(inspection.problems).toEqual([]);
  expect(inspection.properties!.entries).toBe(200);
  expect(inspection.metaBlocks.map(({ name }) => name)).toContain(
    'filter.leveldb.BuiltinBloomFilter2',
  );
  const blocks = [...tableBlocks(table, 't')];
  expect(blocks.length).toBe(inspection.dataBlocks);
  expect(blocks.reduce((sum, { entries }) => sum + entries, 0)).toBe(200);
  const all = [...tableEntries(table, 't', {}, () => {})];
  expect(all.map(({ key, sequence }) => entryText(key, sequence))).toEqual(
    ENTRIES.map(({ key, sequence }) => entryText(key, sequence)),
  );
});

test('entries in a range of keys, also where blocks are damaged or in another order', () => {
  const bytes = writeTable(ENTRIES, { blockBytes: 512 }).file.contents();
  const range = { from: parseBytes('key0100'), to: parseBytes('key0119') };
  expect([...tableEntries(tableOf(bytes), 't', range, () => {})].length).toBe(20);
  expect([...tableEntries(tableOf(bytes), 't', { from: parseBytes('x') }, () => {})]).toEqual([]);
  bytes[3]! ^= 1;
  const problems: string[] = [];
  const left = [...tableEntries(tableOf(bytes), 't', {}, ({ problem }) => problems.push(problem))];
  expect(problems.length).toBe(1);
  expect(left.length).toBeLessThan(200);
  const descending = tableOf(descendingTable());
  const found = [...tableEntries(descending, 't', { from: parseBytes('b') }, () => {})];
  expect(found.map(({ key }) => bytesText(key))).toEqual(['"c"', '"b"']);
});

test('one block by its offset, named or not', () => {
  const bytes = writeTable(ENTRIES, { blockBytes: 512 }).file.contents();
  const table = tableOf(bytes);
  expect(findBlock(table, 0).kind).toBe('data');
  const { index, metaindex } = inspectTable(table, 't');
  expect(findBlock(table, index!.offset).kind).toBe('index');
  const names = [...blockEntries(table, findBlock(table, metaindex!.offset), true)];
  expect(names.map(({ key, value }) => [bytesText(key), handleOf(value)!.size > 0])).toContainEqual(
    ['"filter.kvasir.blocked-bloom"', true],
  );
  expect(() => findBlock(table, 1)).toThrow('no block whose checksum fits');
  // Without its footer too.
  const cut = tableOf(bytes.slice(0, -10));
  expect(findBlock(cut, 0)).toEqual({ ...findBlock(table, 0), kind: 'block' });
  expect(inspectTable(cut, 't').problems.length).toBe(1);
});

test('the records of a log, marks and damage among them', () => {
  const name = filesLike(scene, /log$/)[0]!;
  const bytes = scene.system.files.dump().get(`${DIRECTORY}/${name}`)!;
  const records = [...logRecords(new MemoryFile(name, bytes), name)];
  const counts = records.filter(({ kind }) => kind === 'batch').map(({ count }) => count);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20);
  expect(records[0]!.kind).toBe('mark');
  let entries = 0;
  for (const record of logRecords(new MemoryFile(name, bytes), name)) {
    for (const { sequence } of record.entries()) {
      expect(sequence).toBeGreaterThanOrEqual(record.sequence);
      entries++;
    }
  }
  expect(entries).toBe(20);
  const damaged = bytes.slice();
  damaged[100]! ^= 1;
  const kinds = [...logRecords(new MemoryFile(name, damaged), name)].map(({ kind }) => kind);
  expect(kinds).toContain('damage');
});

test('names of keyspaces stand before their keys', () => {
  const settings = {};
  const keyspaces = [
    { id: 1, name: '', settings },
    { id: 300, name: 'users', settings },
  ];
  const common = { formatLevel: 1, features: [], settings, nextKeyspaceId: 301, keyspaces };
  const names = new KeyNames({ ...common, layout: 'keyspaced' });
  expect(names.text(Uint8Array.of(1, 97))).toBe('"a"');
  expect(names.text(Uint8Array.of(0x81, 44, 97))).toBe('users:"a"');
  expect(names.text(Uint8Array.of(7, 97))).toBe('0x0761');
  expect(new KeyNames({ ...common, keyspaces: [], layout: 'raw' }).text(Uint8Array.of(97))).toBe(
    '"a"',
  );
});
