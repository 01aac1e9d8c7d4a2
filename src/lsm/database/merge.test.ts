import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readText, realDirectory, writeText } from '../../os/testing.ts';
import { type Database, open } from './database.ts';
import { TYPE_MERGE } from '../internal-key.ts';
import { decodeCounter, encodeCounter } from '../operators/counter.ts';
import { bytes, text } from '../testing/model.ts';
import { openTable, tableEntries } from '../tools/inspect-table.ts';
import { Resources } from './resources.ts';
import { Scene } from './testing.ts';

const folder = realDirectory();

/** The largest of several texts; throws for the text `bad`. */
const module = path.join(folder, 'largest.mjs');
writeText(
  module,
  `function largest(values) {
    if (values.some((value) => Buffer.compare(value, Buffer.from('bad')) === 0)) throw new Error('a bad value');
    return values.reduce((a, b) => (Buffer.compare(a, b) < 0 ? b : a));
  }
  export const max = {
    merge: (key, existing, operands) => largest(existing === undefined ? operands : [existing, ...operands]),
    combine: (key, operands) => largest(operands),
  };
  export const slow = { merge: max.merge };
  export const nonsense = { merge: () => 5 };
  export const nothing = {};
`,
);

async function opened(options: Parameters<Scene['open']>[0] = {}): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ formatLevel: 2, mergeOperator: 'append', ...options });
  return scene;
}

const append = (db: Database, key: string, value: string): void =>
  db.mergeSync(bytes(key), bytes(value));

/** What all ways to read say of a key. */
async function read(scene: Scene, key: string, options = {}): Promise<string | undefined> {
  const { db } = scene;
  const found = scene.get(key, options);
  const got = await scene.until(db.get(bytes(key), options));
  const [many] = await scene.until(db.getMany([bytes(key)], options));
  const peeked = db.peek(bytes(key), options);
  const ranges = [false, true].map((reverse) => {
    const range = db.range({ ...options, gte: bytes(key), lte: bytes(key), reverse });
    return [...range].map(([k, v]) => [text(k), text(v)]);
  });
  const attempt = db.attempt();
  expect([text(got), text(many)]).toEqual([found, found]);
  if (typeof peeked !== 'symbol') expect(text(peeked)).toBe(found);
  expect(text(db.getManySync([bytes(key)], options)[0])).toBe(found);
  expect(db.hasSync(bytes(key), options)).toBe(found !== undefined);
  for (const range of ranges) expect(range).toEqual(found === undefined ? [] : [[key, found]]);
  attempt.close();
  return found;
}

describe('merge', () => {
  test('changes what is there, in memory, in tables, and over both', async () => {
    const scene = await opened();
    append(scene.db, 'a', '1');
    expect(await read(scene, 'a')).toBe('1');
    scene.db.putSync(bytes('a'), bytes('x'));
    append(scene.db, 'a', 'y');
    expect(await read(scene, 'a')).toBe('xy');
    await scene.until(scene.db.flush());
    append(scene.db, 'a', 'z');
    expect(await read(scene, 'a')).toBe('xyz');
    await scene.until(scene.db.flush());
    append(scene.db, 'a', '!');
    scene.db.deleteSync(bytes('b'));
    append(scene.db, 'b', 'after');
    for (const _ of [1, 2]) {
      expect(await read(scene, 'a')).toBe('xyz!');
      expect(await read(scene, 'b')).toBe('after');
      await scene.until(scene.db.compact());
    }
    scene.db.deleteRangeSync(bytes('a'), bytes('b'));
    append(scene.db, 'a', 'new');
    for (const _ of [1, 2]) {
      expect(await read(scene, 'a')).toBe('new');
      await scene.reopen();
      await scene.until(scene.db.compact());
    }
  });

  test('is seen by whoever reads at a later moment, and by nobody before', async () => {
    const scene = await opened();
    const moments = ['', 'a', 'ab', 'abc'].map((expected) => {
      if (expected !== '') append(scene.db, 'k', expected.at(-1)!);
      return { expected, snapshot: scene.db.snapshot() };
    });
    append(scene.db, 'k', 'd');
    for (const step of ['flush', 'compact', 'compact'] as const) {
      for (const { expected, snapshot } of moments) {
        expect((await read(scene, 'k', { snapshot })) ?? '').toBe(expected);
      }
      expect(await read(scene, 'k')).toBe('abcd');
      await scene.until(scene.db[step]());
    }
    moments[1]!.snapshot.close();
    await scene.until(scene.db.compact());
    expect(await read(scene, 'k', { snapshot: moments[2]!.snapshot })).toBe('ab');
    for (const { snapshot } of moments) snapshot.close();
  });

  test('is put together by flushes and compactions', async () => {
    const scene = await opened({ level0Files: 100 });
    for (let n = 0; n < 50; n++) append(scene.db, 'k', String(n % 10));
    await scene.until(scene.db.flush());
    expect(operandsIn(scene, 'k')).toBe(1);
    for (let n = 0; n < 3; n++) append(scene.db, 'k', 'x');
    await scene.until(scene.db.flush());
    expect(operandsIn(scene, 'k')).toBe(2);
    await scene.until(scene.db.compact());
    await scene.pass(100);
    expect(operandsIn(scene, 'k')).toBe(0);
    expect(await read(scene, 'k')).toBe(`${'0123456789'.repeat(5)}xxx`);
  });

  test('in batches counts in its order, in its keyspace', async () => {
    const scene = await opened({ keyspaced: true });
    const counts = scene.db.keyspace('counts', { mergeOperator: 'counter' });
    const plain = scene.db.keyspace('plain');
    const batch = scene.db.batch();
    batch.merge(bytes('k'), bytes('a')).put(bytes('k'), bytes('b')).merge(bytes('k'), bytes('c'));
    batch.merge(bytes('n'), encodeCounter(5), counts).merge(bytes('n'), encodeCounter(-7), counts);
    batch.writeSync();
    expect(await read(scene, 'k')).toBe('bc');
    expect(decodeCounter(counts.getSync(bytes('n')))).toBe(-2n);
    expect(() => batch.merge(bytes('k'), bytes('a'), plain)).toThrow('no merge operator');
    await expect(plain.merge(bytes('k'), bytes('a'))).rejects.toThrow('no merge operator');
    await scene.reopen();
    const again = scene.db.keyspace('counts');
    await scene.until(again.merge(bytes('n'), encodeCounter(1)));
    expect(decodeCounter(again.getSync(bytes('n')))).toBe(-1n);
  });
});

/** Entries of a key, in tables, that are operands. */
function operandsIn(scene: Scene, key: string): number {
  const { files } = scene.system;
  let found = 0;
  for (const name of files.readDirectory('/data').filter((one) => one.endsWith('.ldb'))) {
    const file = files.open(`/data/${name}`, 'read');
    for (const entry of tableEntries(openTable(file), name, {}, () => {})) {
      if (text(entry.key) === key && entry.type === TYPE_MERGE) found++;
    }
    file.close();
  }
  return found;
}

describe('a merge operator', () => {
  test('may be the export of a module', async () => {
    const scene = await opened({ mergeOperator: { module, export: 'max' } });
    for (const value of ['b', 'c', 'a']) append(scene.db, 'k', value);
    await scene.until(scene.db.flush());
    expect(await read(scene, 'k')).toBe('c');
    await scene.reopen();
    append(scene.db, 'k', 'd');
    await scene.until(scene.db.compact());
    expect(await read(scene, 'k')).toBe('d');
  });

  test('that cannot combine operands has all of them', async () => {
    const scene = await opened({ mergeOperator: { module, export: 'slow' }, level0Files: 100 });
    scene.db.putSync(bytes('k'), bytes('a'));
    await scene.until(scene.db.compact());
    for (const value of ['b', 'c', 'a']) append(scene.db, 'k', value);
    await scene.until(scene.db.flush());
    expect(operandsIn(scene, 'k')).toBe(3);
    expect(await read(scene, 'k')).toBe('c');
  });

  test('that fails is told to who reads, and leaves entries as they are', async () => {
    const scene = await opened({ mergeOperator: { module, export: 'max' } });
    append(scene.db, 'k', 'a');
    append(scene.db, 'k', 'bad');
    append(scene.db, 'l', 'good');
    const failure = { code: 'OPERATOR_FAILED', message: expect.stringContaining('a bad value') };
    for (const _ of [1, 2]) {
      expect(() => scene.get('k')).toThrow(expect.objectContaining(failure));
      await expect(scene.until(scene.db.get(bytes('k')))).rejects.toMatchObject(failure);
      expect(() => [...scene.db.range()]).toThrow(expect.objectContaining(failure));
      expect(() => [...scene.db.range({ reverse: true })]).toThrow(
        expect.objectContaining(failure),
      );
      expect(scene.get('l')).toBe('good');
      await scene.until(scene.db.compact());
    }
    expect(scene.db.stats().operators.failures).toBeGreaterThan(0);
    scene.db.putSync(bytes('k'), bytes('b'));
    await scene.until(scene.db.compact());
    expect(await read(scene, 'k')).toBe('b');
    const other = await opened({ mergeOperator: { module, export: 'nonsense' } });
    append(other.db, 'k', 'a');
    expect(() => other.get('k')).toThrow('no Uint8Array');
  });

  test('that is missing is refused by name, and so is another', async () => {
    const scene = await opened({ keyspaced: true });
    const there = path.join(folder, 'passing.cjs');
    writeText(path.join(folder, 'other.mjs'), readText(module));
    writeText(there, `module.exports = { own: { merge: (k, e, o) => o[0] } };`);
    const own = { module: there, export: 'own' };
    scene.db.keyspace('a', { mergeOperator: own }).mergeSync(bytes('k'), bytes('v'));
    const refused = (name: string, export_: string, problem: string): void => {
      const mergeOperator = { module: path.join(folder, name), export: export_ };
      expect(() => scene.db.keyspace('b', { mergeOperator })).toThrow(problem);
    };
    refused('absent.mjs', 'max', 'the merge operator of the keyspace b cannot be loaded');
    refused('other.mjs', 'absent', 'the merge operator of the keyspace b is not there');
    refused('other.mjs', 'nothing', 'the merge operator of the keyspace b has no merge function');
    expect(scene.db.keyspaceNames()).toEqual(['a']);
    expect(() => scene.db.keyspace('a', { mergeOperator: 'counter' })).toThrow(
      'the keyspace a has another merge operator',
    );
    writeText(there, 'module.exports = {};');
    delete createRequire(import.meta.url).cache[there];
    await expect(scene.reopen()).rejects.toThrow('the merge operator of the keyspace a is not');
  });

  test('needs format level 2', async () => {
    const scene = new Scene();
    await expect(scene.open({ mergeOperator: 'counter' })).rejects.toThrow('format level 2');
    await scene.open({ keyspaced: true });
    expect(() => scene.db.keyspace('a', { mergeOperator: 'counter' })).toThrow('format level 2');
    expect(scene.db.keyspaceNames()).toEqual([]);
  });

  test('runs in the job thread too', async () => {
    const resources = new Resources({ workers: 1 });
    const directory = path.join(folder, 'db');
    const mergeOperator = { module, export: 'max' };
    const db = await open(directory, { formatLevel: 2, mergeOperator, resources });
    for (let n = 0; n < 1000; n++) append(db, `k${n % 7}`, String(n).padStart(4, '0'));
    await db.compact();
    expect(text(db.getSync(bytes('k5')))).toBe('0999');
    expect(db.stats().operators.failures).toBe(0);
    await db.close();
  });
});
