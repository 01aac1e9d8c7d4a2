/** What callers in JavaScript get wrong is refused by name; nothing is taken for something else. */
import { expect, test } from 'vitest';
import { encodeCounter } from '../operators/counter.ts';
import { bytes } from '../testing/model.ts';
import { openBackups } from '../backup/open-backups.ts';
import { type Database, open } from './database.ts';
import type { OpenOptions } from './options.ts';
import { Resources } from './resources.ts';
import { Scene } from './testing.ts';

const as = (value: unknown): never => value as never;

test.each<[OpenOptions, string]>([
  [{ codec: as('zip') }, 'codec must be none or snappy or lz4 or zstd, not zip'],
  [{ codec: ['none', as(5)] }, 'codec must be none or snappy or lz4 or zstd, not 5'],
  [{ formatLevel: as(9) }, 'formatLevel must be 1 or 2, not 9'],
  [{ recovery: as('hope') }, 'recovery must be tolerate-torn-tail or'],
  [{ blockBytes: 0 }, 'blockBytes must be 64 to 4194304, not 0'],
  [{ blockBytes: as('4096') }, 'blockBytes must be 64 to 4194304, not 4096'],
  [{ restartInterval: NaN }, 'restartInterval must be 1 to 1024, not NaN'],
  [{ filterBitsPerKey: -1 }, 'filterBitsPerKey must be 0 to 100, not -1'],
  [{ compaction: as('lazy') }, 'no compaction style: lazy'],
  [{ mergeOperator: as('max') }, 'a merge operator is counter, append or { module, export }'],
  [{ ttl: as(5) }, 'ttl must be { defaultMs }, true or false'],
  [{ ttl: { defaultMs: as('5') } }, 'defaultMs must be a time in milliseconds'],
])('open refuses %o', async (options, message) => {
  await expect(new Scene().open(options)).rejects.toThrow(message);
});

test.each([5, '', undefined, null])('open refuses %o in place of a path', async (directory) => {
  await expect(open(as(directory))).rejects.toThrow('directory must be a path');
});

test.each([-1, 0.5, 65, 1e9, NaN, '1'])('there are no %o workers', (workers) => {
  expect(() => new Resources({ workers: as(workers) })).toThrow('workers must be 0 to 64');
});

test('memory is a number of bytes', () => {
  expect(() => new Resources({ memoryBytes: -1 })).toThrow('memoryBytes must be 1024 to 2 TiB');
});

const calls: Record<string, [(db: Database) => unknown, string]> = {
  'seek to text': [(db) => db.range().iterator().seek(as('abc')), 'key must be a Uint8Array'],
  'seek to nothing': [(db) => db.range().iterator().seek(as(undefined)), 'key must be'],
  'no number of entries': [(db) => [...db.range({ limit: NaN })], 'limit must be 0 or more'],
  'text for a number': [(db) => [...db.range({ limit: as('3') })], 'limit must be 0 or more'],
  'less than none': [(db) => [...db.transaction().range({ limit: -1 })], 'limit must be 0 or more'],
  'no snapshot': [(db) => db.getSync(bytes('a'), { snapshot: as({}) }), 'must be a Snapshot'],
  'no snapshot of a range': [(db) => [...db.range({ snapshot: as({}) })], 'must be a Snapshot'],
  'no keys': [(db) => db.getManySync(as(5)), 'keys must be an array'],
  'no name': [(db) => db.keyspace(as(5)), 'the name of a keyspace must be a string'],
  'text for a time': [
    (db) => db.keyspace('t').putSync(bytes('a'), bytes('1'), { ttlMs: as('5') }),
    'ttlMs must be a number',
  ],
  'text for a moment': [
    (db) => db.keyspace('t').putSync(bytes('a'), bytes('1'), { expiresAtMs: as('5') }),
    '5 is no time at which a value can expire',
  ],
  'no end of a range': [(db) => db.deleteRangeSync(bytes('b'), as(5)), 'key must be a Uint8Array'],
  'no backups': [(db) => db.backup(as({})), 'backups must come from openBackups'],
  'no path of a copy': [(db) => db.checkpoint(as(undefined)), 'directory must be a path'],
  'no counter': [() => encodeCounter(as('1')), 'a counter is an integer'],
  'half a counter': [() => encodeCounter(1.5), 'a counter is an integer'],
};

test.each(Object.entries(calls))('%s is refused', async (_name, [call, message]) => {
  const scene = new Scene();
  await scene.open({ keyspaced: true, formatLevel: 2 });
  scene.db.keyspace('t', { ttl: true });
  expect(() => call(scene.db)).toThrow(message);
});

test('backups are made of what openBackups returns', () => {
  expect(() => openBackups(as(5))).toThrow('directory must be a path');
});
