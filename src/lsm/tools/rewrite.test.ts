import { expect, test } from 'vitest';
import { type Database, open } from '../database/database.ts';
import { readKvasirFile } from '../manifest/kvasir-file.ts';
import { bytes, text } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { checkDirectory } from './directory-check.ts';
import { rewriteDirectory } from './rewrite.ts';

function contents(db: Database): string[] {
  const names = db.isKeyspaced ? ['', ...db.keyspaceNames()] : [''];
  return names.flatMap((name) =>
    [...(name === '' ? db : db.keyspace(name)).range()].map(
      ([key, value]) => `${name}:${text(key)}=${text(value)}`,
    ),
  );
}

test.each([true, false])('level 2 goes back to level 1, keyspaced: %s', async (keyspaced) => {
  const system = new SimulatedSystem();
  const options = { system, keyspaced, formatLevel: 2, codec: 'lz4' } as const;
  const db = await system.until(open('/new', options));
  const spaces = keyspaced ? [db, db.keyspace('b'), db.keyspace('a')] : [db];
  for (const space of spaces) {
    for (let i = 0; i < 3000; i++) space.putSync(bytes(`k${i}`), bytes(`${space.name} ${i}`));
    await system.until(space.clear({ gte: bytes('k2'), lt: bytes('k4') }));
  }
  await system.until(db.flush());
  db.putSync(bytes('in the log'), bytes('1'));
  const progress: number[] = [];
  const onProgress = (entries: number): number => progress.push(entries);
  const report = await system.until(
    rewriteDirectory({ from: '/new', to: '/old', system, onProgress }),
  );
  const expected = contents(db);
  expect(report.entries).toBe(expected.length);
  expect(report.keyspaces).toEqual(keyspaced ? ['', 'b', 'a'] : undefined);
  expect(progress.length).toBeGreaterThan(0);
  await system.until(db.close());
  const copy = await system.until(open('/old', { system }));
  expect(copy.formatLevel).toBe(1);
  expect(copy.isKeyspaced).toBe(keyspaced);
  expect(contents(copy)).toEqual(expected);
  await system.until(copy.close());
  expect(readKvasirFile(system.files, '/old')?.formatLevel ?? 1).toBe(1);
  expect(checkDirectory({ files: system.files, directory: '/old' }).problems).toEqual([]);
  const again = system.until(rewriteDirectory({ from: '/new', to: '/old', system }));
  await expect(again).rejects.toMatchObject({ code: 'EXISTS' });
  const back = await system.until(
    rewriteDirectory({ from: '/old', to: '/again', formatLevel: 2, system }),
  );
  expect(back.entries).toBe(expected.length);
});

test('what is not there is no database', async () => {
  const system = new SimulatedSystem();
  const rewrite = system.until(rewriteDirectory({ from: '/none', to: '/copy', system }));
  await expect(rewrite).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(system.files.stat('/copy')).toBeUndefined();
});
