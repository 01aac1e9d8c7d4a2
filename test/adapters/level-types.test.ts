/** What a program in TypeScript that changes its import line relies on: classic-level's types are accepted, and what it tells of itself is the same. */
import type * as classic from 'classic-level';
import { ClassicLevel } from 'classic-level';
import fs from 'node:fs';
import path from 'node:path';
import { expect, expectTypeOf, test } from 'vitest';
import type * as kvasir from '../../src/adapters/level/index.ts';
import { KvasirLevel } from '../../src/adapters/level/index.ts';
import { temporaryDirectory } from '../support/server.ts';

test('the same features', async () => {
  const root = temporaryDirectory();
  const location = path.join(root, 'db');
  const ours = new KvasirLevel(location);
  const theirs = new ClassicLevel(location);
  expect(ours.supports).toEqual(theirs.supports);
  await Promise.all([ours.close(), theirs.close()]);
  fs.rmSync(root, { recursive: true });
  const names = (prototype: object): string[] =>
    Object.getOwnPropertyNames(prototype).filter((name) => !name.startsWith('_'));
  expect(names(KvasirLevel.prototype)).toEqual(
    expect.arrayContaining(names(ClassicLevel.prototype)),
  );
  expect(Object.keys(Object.getOwnPropertyDescriptors(KvasirLevel))).toEqual(
    expect.arrayContaining(['destroy', 'repair']),
  );
});

test('options of classic-level are options of ours', () => {
  type Db = classic.DatabaseOptions<string, string>;
  expectTypeOf<Db>().toExtend<kvasir.DatabaseOptions<string, string>>();
  expectTypeOf<classic.OpenOptions>().toExtend<kvasir.OpenOptions>();
  expectTypeOf<classic.GetOptions<string, string>>().toEqualTypeOf<
    kvasir.GetOptions<string, string>
  >();
  expectTypeOf<classic.GetManyOptions<string, string>>().toEqualTypeOf<
    kvasir.GetManyOptions<string, string>
  >();
  expectTypeOf<classic.HasOptions<string>>().toEqualTypeOf<kvasir.HasOptions<string>>();
  expectTypeOf<classic.HasManyOptions<string>>().toEqualTypeOf<kvasir.HasManyOptions<string>>();
  expectTypeOf<classic.PutOptions<string, string>>().toEqualTypeOf<
    kvasir.PutOptions<string, string>
  >();
  expectTypeOf<classic.DelOptions<string>>().toEqualTypeOf<kvasir.DelOptions<string>>();
  expectTypeOf<classic.BatchOptions<string, string>>().toEqualTypeOf<
    kvasir.BatchOptions<string, string>
  >();
  expectTypeOf<classic.ChainedBatchWriteOptions>().toEqualTypeOf<kvasir.ChainedBatchWriteOptions>();
  expectTypeOf<classic.IteratorOptions<string, string>>().toEqualTypeOf<
    kvasir.IteratorOptions<string, string>
  >();
  expectTypeOf<classic.KeyIteratorOptions<string>>().toEqualTypeOf<
    kvasir.KeyIteratorOptions<string>
  >();
  expectTypeOf<classic.StartEndOptions<string>>().toEqualTypeOf<kvasir.StartEndOptions<string>>();
  expectTypeOf<classic.Snapshot>().toEqualTypeOf<kvasir.Snapshot>();
});

test('methods have the same types', () => {
  type Ours = KvasirLevel<string, number>;
  type Theirs = ClassicLevel<string, number>;
  expectTypeOf<Ours['get']>().toEqualTypeOf<Theirs['get']>();
  expectTypeOf<Ours['getSync']>().toEqualTypeOf<Theirs['getSync']>();
  expectTypeOf<Ours['getMany']>().toEqualTypeOf<Theirs['getMany']>();
  expectTypeOf<Ours['has']>().toEqualTypeOf<Theirs['has']>();
  expectTypeOf<Ours['hasMany']>().toEqualTypeOf<Theirs['hasMany']>();
  expectTypeOf<Ours['put']>().toEqualTypeOf<Theirs['put']>();
  expectTypeOf<Ours['del']>().toEqualTypeOf<Theirs['del']>();
  expectTypeOf<Ours['clear']>().toEqualTypeOf<Theirs['clear']>();
  expectTypeOf<Ours['getProperty']>().toEqualTypeOf<Theirs['getProperty']>();
  expectTypeOf<Ours['location']>().toEqualTypeOf<Theirs['location']>();
  expectTypeOf<typeof KvasirLevel.destroy>().toEqualTypeOf<typeof ClassicLevel.destroy>();
  expectTypeOf<typeof KvasirLevel.repair>().toEqualTypeOf<typeof ClassicLevel.repair>();
});
