import { expect, test } from 'vitest';
import { bytes } from '../testing/model.ts';
import type { Database } from './database.ts';
import type { Keyspace } from './keyspace.ts';
import { Scene } from './testing.ts';

test.each([
  ['the keyspace of another database', (other: Database): unknown => other.keyspace('users')],
  ['another database', (other: Database): unknown => other],
  ['a name', (): unknown => 'users'],
])('a batch does not take %s for one of its keyspaces', async (_name, wrong) => {
  const [scene, elsewhere] = [new Scene(), new Scene()];
  await scene.open({ keyspaced: true, formatLevel: 2 });
  await elsewhere.open({ keyspaced: true, formatLevel: 2 });
  const keyspace = wrong(elsewhere.db) as Keyspace;
  const batch = scene.db.batch();
  const message = 'keyspace must be one of the same database';
  expect(() => batch.put(bytes('a'), bytes('1'), keyspace)).toThrow(message);
  expect(() => batch.delete(bytes('a'), keyspace)).toThrow(message);
  expect(() => batch.merge(bytes('a'), bytes('1'), keyspace)).toThrow(message);
  expect(() => batch.deleteRange(bytes('a'), bytes('b'), keyspace)).toThrow(message);
  const ingest = scene.db.ingest([{ keyspace, entries: [[bytes('a'), bytes('1')]] }]);
  await expect(scene.until(ingest)).rejects.toThrow(message);
  expect(batch.count).toBe(0);
});
