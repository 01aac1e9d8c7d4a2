/** Tables that LevelDB (classic-level) wrote are read here, and ours are read, compacted and read again by it. */
import { ClassicLevel } from 'classic-level';
import { beforeEach, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { joinPath } from '../../os/file-system.ts';
import { realDirectory, realFiles as files, tableNames } from '../../os/testing.ts';
import { BlockCache } from '../cache/block-cache.ts';
import { TableCache } from '../cache/table-cache.ts';
import { SYNC } from '../cursor.ts';
import { setCurrentSync } from '../manifest/current.ts';
import { tableFileName } from '../manifest/file-names.ts';
import { LEVELDB_COMPARATOR } from '../manifest/manifest-state.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { type NewFile, VersionEdit } from '../manifest/version-edit.ts';
import { addEntry, allOf, type Entry, inOrder, textEntry } from '../testing/table-entries.ts';
import { filterHash } from './filter.ts';
import { FOUND, Lookup } from './lookup.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { TableBuilder } from './table-builder.ts';
import type { TableWriteOptions } from './table-options.ts';
import type { Table } from './table.ts';

const root = realDirectory();
let tests = 0;
let directory = '';
beforeEach(() => {
  directory = joinPath(root, String(tests++));
  files.makeDirectory(directory);
});

async function openLevel(options: object = {}): Promise<ClassicLevel> {
  const db = new ClassicLevel(directory, options);
  await db.open();
  return db;
}

/** A scan, and lookups one by one: these go by the filter. */
async function contentsOf(db: ClassicLevel): Promise<Map<string, string>> {
  const contents = new Map(await db.iterator().all());
  for (const [key, value] of contents) expect(await db.get(key)).toBe(value);
  return contents;
}

/** Deterministic values: some compress well, some are long. */
const valueOf = (i: number, round: number): string =>
  `${round}:${i}:`.repeat(1 + (i % 7)) + (i % 50 === 0 ? String(i).repeat(2000) : '');
const keyOf = (i: number): string => (i % 3 === 0 ? `user:${i}` : `k${String(i).padStart(9, '0')}`);

function openTables(): { tables: TableCache; opened: Table[]; lookup: Lookup } {
  const cache = new BlockCache({ capacityBytes: 8 << 20 });
  const tables = new TableCache({ files, directory, cache });
  const numbers = tableNames(directory).map((name) => Number.parseInt(name, 10));
  const lookup = new Lookup(cache, new BlockRequests(tables.loader));
  return { tables, opened: numbers.map((n) => tables.acquire(n, 2)), lookup };
}

function get(table: Table, lookup: Lookup, key: string, sequence: number): string | undefined {
  const region = Region.of(Buffer.from(key));
  const end = region.bytes.length;
  const hash = filterHash(region, 0, end);
  if (table.get(region, 0, end, sequence, hash, SYNC, lookup) !== FOUND) return undefined;
  const value = Buffer.from(lookup.region.bytes.slice(lookup.start, lookup.end)).toString();
  lookup.release();
  return value;
}

for (const options of [
  { compression: true },
  { compression: false, blockRestartInterval: 1 },
  { compression: true, blockSize: 300, blockRestartInterval: 5 },
]) {
  test(`tables of classic-level are read, with its filter: ${JSON.stringify(options)}`, async () => {
    const db = await openLevel({ writeBufferSize: 100_000, ...options });
    const expected = new Map<string, string>();
    for (let i = 0; i < 3000; i++) {
      await db.put(keyOf(i), valueOf(i, 0));
      expected.set(keyOf(i), valueOf(i, 0));
    }
    // A snapshot keeps older versions in the tables, several of a key.
    const snapshots = [];
    for (let round = 1; round <= 4; round++) {
      snapshots.push(db.snapshot());
      for (let i = round; i < 3000; i += 7) {
        const isDeleted = i % 11 === 0;
        if (isDeleted) await db.del(keyOf(i));
        else await db.put(keyOf(i), valueOf(i, round));
        if (isDeleted) expected.delete(keyOf(i));
        else expected.set(keyOf(i), valueOf(i, round));
      }
    }
    for (let round = 5; round < 9; round++) {
      snapshots.push(db.snapshot());
      await db.put('user:300', `version ${round}`);
      expected.set('user:300', `version ${round}`);
    }
    await db.compactRange('', '~');
    for (const snapshot of snapshots) await snapshot.close();
    await db.close();

    const { opened, lookup, tables } = openTables();
    expect(opened.length).toBeGreaterThan(0);
    const found = new Map<string, string>();
    const seen: Entry[] = [];
    for (const table of opened) {
      expect(table.layout.levelDbFilter).toBeDefined();
      const entries = allOf(table.cursor(SYNC));
      expect(table.verify().entries).toBe(entries.length);
      seen.push(...entries);
    }
    for (const { key, type, value } of seen.sort((a, b) => a.sequence - b.sequence)) {
      const name = Buffer.from(key).toString();
      if (type === 1) found.set(name, Buffer.from(value).toString());
      else found.delete(name);
    }
    expect(found).toEqual(expected);
    const ofOne = seen.filter((e) => Buffer.from(e.key).toString() === 'user:300').reverse();
    expect(ofOne.length).toBeGreaterThan(4);
    for (const { sequence, type, value } of ofOne.filter((e) => e.type === 1)) {
      expect(type).toBe(1);
      const answers = opened.map((table) => get(table, lookup, 'user:300', sequence));
      expect(answers).toContain(Buffer.from(value).toString());
    }
    for (const [key, value] of expected) {
      expect(opened.map((table) => get(table, lookup, key, 1e9))).toContain(value);
    }
    tables.loader.filterNegatives = 0;
    tables.loader.filterFalsePositives = 0;
    for (let i = 0; i < 3000; i++) {
      for (const table of opened) expect(get(table, lookup, `${keyOf(i)}!`, 1e9)).toBeUndefined();
    }
    expect(tables.loader.filterNegatives).toBeGreaterThan(tables.loader.filterFalsePositives * 8);
    expect(tables.loader.cache.pinnedBytes()).toBe(0);
  });
}

function writeFile(number: number, level: number, entries: Entry[], o: TableWriteOptions): NewFile {
  const file = files.open(joinPath(directory, tableFileName(number)), 'create');
  const builder = new TableBuilder(file, o);
  for (const entry of entries) addEntry(builder, entry);
  const { sizeBytes, smallest, largest } = builder.finish();
  file.close();
  return { level, number, sizeBytes, smallest, largest };
}

for (const options of [
  {},
  { levelDbFilter: true, codec: 'snappy' },
  { filterBitsPerKey: 0, levelDbFilter: true, blockBytes: 200, restartInterval: 3 },
] as const) {
  test(`tables of ours are read and compacted by classic-level: ${JSON.stringify(options)}`, async () => {
    const older: Entry[] = [];
    const newer: Entry[] = [];
    const expected = new Map<string, string>();
    for (let i = 0; i < 4000; i++) {
      older.push(textEntry(keyOf(i), i + 1, 1, valueOf(i, 0)));
      expected.set(keyOf(i), valueOf(i, 0));
    }
    for (let i = 0; i < 4000; i += 5) {
      const isDeleted = i % 2 === 0;
      newer.push(textEntry(keyOf(i), 5000 + i, isDeleted ? 0 : 1, isDeleted ? '' : valueOf(i, 1)));
      if (isDeleted) expected.delete(keyOf(i));
      else expected.set(keyOf(i), valueOf(i, 1));
    }
    const edit = new VersionEdit();
    edit.comparator = LEVELDB_COMPARATOR;
    edit.logNumber = 0;
    edit.nextFileNumber = 10;
    edit.lastSequence = 10_000;
    edit.newFiles.push(writeFile(5, 2, inOrder(older), options));
    edit.newFiles.push(writeFile(6, 0, inOrder(newer), options));
    const manifest = new ManifestWriter(files, directory, 4);
    manifest.append(edit);
    manifest.close();
    setCurrentSync(files, directory, 4);

    const db = await openLevel({ createIfMissing: false });
    expect(await contentsOf(db)).toEqual(expected);
    expect(await db.get('user:0')).toBeUndefined();
    await db.put('zzz', 'theirs');
    expected.set('zzz', 'theirs');
    await db.compactRange('', '~');
    expect(await contentsOf(db)).toEqual(expected);
    await db.close();
    const { opened, lookup } = openTables();
    for (const [key, value] of expected) {
      expect(opened.map((table) => get(table, lookup, key, 1e9))).toContain(value);
    }
  });
}
