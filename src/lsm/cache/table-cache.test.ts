import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../os/simulated-loop.ts';
import { allOf, textEntry, writeTable } from '../testing/table-entries.ts';
import { SYNC } from '../cursor.ts';
import { BlockCache } from './block-cache.ts';
import { TableCache } from './table-cache.ts';

function directory(names: readonly string[]): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  for (const name of names) {
    const { file } = writeTable([textEntry(name, 1, 1, name)]);
    files.put(`/db/${name}`, file.contents());
  }
  return files;
}

function cacheOf(files: SimulatedFileSystem, maxOpenTables: number): TableCache {
  const cache = new BlockCache({ capacityBytes: 1 << 20 });
  return new TableCache({ files, directory: '/db', cache, maxOpenTables });
}

test('tables are opened once, by either name, and the idle ones used last stay open', () => {
  const names = ['000001.ldb', '000002.sst', '000003.ldb', '000004.ldb'];
  const tables = cacheOf(directory(names), 2);
  const first = tables.acquire(1, 0);
  const second = tables.acquire(2, 2);
  expect(allOf(second.cursor(SYNC)).map((e) => Buffer.from(e.value).toString())).toEqual([
    names[1],
  ]);
  expect(tables.acquire(1, 0)).toBe(first);
  expect([first.isHeld, second.isHeld]).toEqual([true, false]);
  const third = tables.acquire(3, 2);
  expect(tables.openTables).toBe(3);
  tables.release(second);
  expect(tables.openTables).toBe(2);
  expect(tables.acquireOpen(2)).toBeUndefined();
  tables.release(third);
  tables.release(first);
  tables.release(first);
  tables.release(tables.acquire(3, 2));
  tables.release(tables.acquire(4, 2));
  expect(tables.acquireOpen(1)).toBeUndefined();
  expect(tables.acquireOpen(3)).toBe(third);
  expect(() => tables.release(first)).toThrow(/too often/);
});

test('an evicted table works until it is released; then its blocks are gone', () => {
  const tables = cacheOf(directory(['000001.ldb']), 10);
  const table = tables.acquire(1, 0);
  expect(allOf(table.cursor(SYNC))).toHaveLength(1);
  tables.evict(1);
  expect(allOf(table.cursor(SYNC))).toHaveLength(1);
  tables.release(table);
  expect([tables.openTables, tables.loader.cache.entries]).toEqual([0, 0]);
  expect(tables.loader.cache.usedBytes).toBe(0);
});

test('closing waits for those in use, and opens none', () => {
  const tables = cacheOf(directory(['000001.ldb', '000002.ldb']), 10);
  const table = tables.acquire(1, 0);
  tables.release(tables.acquire(2, 0));
  tables.close();
  expect(tables.openTables).toBe(1);
  expect(allOf(table.cursor(SYNC))).toHaveLength(1);
  tables.release(table);
  expect(tables.openTables).toBe(0);
  expect(() => tables.acquire(1, 0)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
});

test('a missing file and one that is no table are errors that name it', () => {
  const files = directory([]);
  files.put('/db/000007.ldb', new SeededRandomness(1).bytes(100));
  const tables = cacheOf(files, 10);
  const path = '/db/000007.ldb';
  expect(() => tables.acquire(7, 0)).toThrow(expect.objectContaining({ code: 'CORRUPTION', path }));
  expect(() => tables.acquire(8, 0)).toThrow(
    expect.objectContaining({ code: 'IO_ERROR', path: '/db/000008.ldb' }),
  );
});
