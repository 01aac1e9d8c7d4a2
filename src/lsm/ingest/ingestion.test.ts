import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { realDirectory } from '../../os/testing.ts';
import { Scene } from '../backup/testing.ts';
import { Database, open } from '../database/database.ts';
import { openEngine } from '../database/open-engine.ts';
import { LsmError } from '../errors.ts';
import { bytes, type Model, type Pairs, text } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { type IngestEntry, Ingestions } from './ingestion.ts';
import { TableFileWriter } from './table-file-writer.ts';

const root = realDirectory();
const SEEDS = 15 * Number(process.env['KVASIR_SOAK'] ?? 1);

type Change = readonly [key: string, value: string | undefined];

function changes(random: SeededRandomness, count: number): Change[] {
  const keys = new Set<string>();
  const low = random.below(150);
  const span = 1 + random.below(150);
  for (let i = 0; i < count; i++) {
    keys.add(`key${String(low + random.below(span)).padStart(4, '0')}`);
  }
  return [...keys].sort().map((key) => {
    const value = random.below(6) === 0 ? undefined : `ingested ${random.below(1e6)}`;
    return [key, value?.repeat(1 + random.below(10))];
  });
}

const entriesOf = (list: readonly Change[]): IngestEntry[] =>
  list.map(([key, value]) => [bytes(key), value === undefined ? undefined : bytes(value)]);

async function* slowly(list: readonly Change[]): AsyncGenerator<IngestEntry> {
  for (const entry of entriesOf(list)) {
    await Promise.resolve();
    yield entry;
  }
}

function apply(model: Model, space: string, list: readonly Change[]): void {
  for (const [key, value] of list) {
    if (value === undefined) model.delete(space, key);
    else model.put(space, key, value);
  }
}

test('ingested entries hide what was before, snapshots do not see them, later writes win', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scene = new Scene(seed);
    const { random, system, model } = scene;
    await scene.open();
    const { db } = scene;
    for (let round = 0; round < 6; round++) {
      await system.until(scene.write(random.below(120)));
      if (random.below(4) === 0) await system.until(db.compact());
      if (random.below(4) === 0) await system.until(db.idle());
      const before = scene.expected();
      const snapshot = db.snapshot();
      const iterator = db.range().iterator();
      const spaces = scene.spaces.filter(() => random.below(3) > 0);
      const lists = spaces.map((name) => ({ name, list: changes(random, random.below(80)) }));
      const parts = lists.map(({ name, list }) => ({
        keyspace: name === '' ? db : db.keyspace(name),
        entries: random.below(2) === 0 ? entriesOf(list) : slowly(list),
      }));
      const ingested = db.ingest(parts);
      // Writes that come before its last step lose against it.
      await system.until(scene.write(random.below(30)));
      const info = await system.until(ingested);
      for (const { name, list } of lists) apply(model, name, list);
      expect(info.entries).toBe(lists.reduce((sum, { list }) => sum + list.length, 0));
      expect(scene.contents(db)).toEqual(scene.expected());
      expect(scene.contents(db, snapshot)).toEqual(before);
      expect(pairsOf(iterator)).toEqual(before[0]);
      snapshot.close();
      iterator.close();
      await system.until(scene.write(random.below(60)));
      expect(scene.contents(db)).toEqual(scene.expected());
      db.checkInvariants();
      if (random.below(3) === 0) {
        // After a crash of the process everything is there.
        if (random.below(2) === 0) await system.until(db.close());
        await scene.restart();
        expect(scene.contents(scene.db)).toEqual(scene.expected());
        break;
      }
    }
    await scene.system.until(scene.db.verify());
    await scene.system.until(scene.db.close());
  }
});

function pairsOf(iterator: ReturnType<ReturnType<Database['range']>['iterator']>): Pairs {
  const found: [string, string][] = [];
  while (iterator.next()) found.push([text(iterator.key())!, text(iterator.value())!]);
  return found;
}

const LEVELS_OF_EMPTY = [0, 0, 0, 0, 0, 0, 1];

test('a table goes to the lowest level that is free above it', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  const put = (key: string, value: string) => system.until(db.put(bytes(key), bytes(value)));
  const ingest = (from: string, to: string) =>
    system.until(
      db.ingest([
        {
          entries: [
            [bytes(from), bytes('i')],
            [bytes(to), bytes('i')],
          ],
        },
      ]),
    );
  expect((await ingest('b', 'd')).levels).toEqual(LEVELS_OF_EMPTY);
  // In the same place: above it.
  expect((await ingest('c', 'e')).levels).toEqual([0, 0, 0, 0, 0, 1, 0]);
  expect((await ingest('f', 'g')).levels).toEqual(LEVELS_OF_EMPTY);
  expect((await ingest('a', 'z')).levels).toEqual([0, 0, 0, 0, 1, 0, 0]);
  // What is in memory is flushed to level 0 first.
  await put('m', '1');
  expect((await ingest('l', 'n')).levels).toEqual([1, 0, 0, 0, 0, 0, 0]);
  await put('m', '2');
  expect(text(db.getSync(bytes('m')))).toBe('2');
  expect(text(db.getSync(bytes('n')))).toBe('i');
  await system.until(db.compact());
  expect(db.stats().levels.filter(({ files }) => files > 0).length).toBe(1);
  expect([...db.range()].length).toBe(11);
});

test('what takes longer than its sequences last is made anew with later ones', async () => {
  const system = new SimulatedSystem();
  const engine = await system.until(openEngine('/data', { system }));
  const db = new Database(engine);
  const ingestions = new Ingestions(engine, 8);
  async function* source(): AsyncGenerator<IngestEntry> {
    for (let i = 0; i < 100; i++) {
      await db.put(bytes('k050'), bytes(`written ${i}`));
      yield [bytes(`k${String(i).padStart(3, '0')}`), bytes('ingested')];
    }
  }
  const before = db.stats().sequence;
  const { sequence } = await system.until(ingestions.run([{ entries: source() }], db));
  expect(sequence).toBe(before + 100 + 8 * 64);
  expect(text(db.getSync(bytes('k050')))).toBe('ingested');
  expect([...db.range()].length).toBe(100);
  const left = system.files.readDirectory('/data').filter((name) => name.endsWith('.dbtmp'));
  expect(left.length).toBeLessThanOrEqual(1); // the next log
});

test('tables from outside are taken in, of each key the newest version', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const other = await system.until(open('/other', { system }));
  for (let round = 0; round < 3; round++) {
    for (const key of ['a', 'b', 'c']) other.putSync(bytes(key), bytes(`${key}${round}`));
  }
  other.deleteSync(bytes('b'));
  const snapshot = other.snapshot();
  other.putSync(bytes('a'), bytes('newest'));
  await system.until(other.flush());
  snapshot.close();
  const table = files.readDirectory('/other').find((name) => name.endsWith('.ldb'))!;

  files.makeDirectory('/tables');
  const writer = new TableFileWriter('/tables/1', { files });
  writer.put(bytes('x'), bytes('1'));
  expect(() => writer.put(bytes('x'), bytes('2'))).toThrow(RangeError);
  expect(() => writer.delete(bytes('w'))).toThrow(RangeError);
  writer.delete(bytes('y'));
  expect(await system.until(writer.finish())).toMatchObject({ entries: 2, path: '/tables/1' });
  await expect(writer.finish()).rejects.toMatchObject({ code: 'CLOSED' });
  expect(() => new TableFileWriter('/tables/1', { files })).toThrow(
    expect.objectContaining({ code: 'EXISTS' }),
  );
  const given_up = new TableFileWriter('/tables/2', { files });
  given_up.abandon();
  expect(files.stat('/tables/2')).toBeUndefined();

  const db = await system.until(open('/data', { system, keyspaced: true }));
  const space = db.keyspace('space');
  space.putSync(bytes('b'), bytes('old'));
  space.putSync(bytes('y'), bytes('old'));
  const tables = [`/other/${table}`, '/tables/1'];
  const info = await system.until(db.ingest([{ keyspace: space, tables }]));
  expect(info).toMatchObject({ entries: 5, tables: 2 });
  const found = [...space.range()].map(([key, value]) => [text(key), text(value)]);
  expect(found).toEqual([
    ['a', 'newest'],
    ['c', 'c2'],
    ['x', '1'],
  ]);
  expect([...db.range()]).toEqual([]);
  // They stay what they were.
  expect(files.stat('/tables/1')).toBeDefined();
  await expect(system.until(db.ingest([{ tables: ['/none'] }]))).rejects.toMatchObject({
    code: 'IO_ERROR',
  });
  files.put(
    '/damaged',
    files
      .dump()
      .get('/tables/1')!
      .map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
  );
  await expect(system.until(db.ingest([{ tables: ['/damaged'] }]))).rejects.toMatchObject({
    code: 'CORRUPTION',
    path: '/damaged',
  });
});

test('what is not in order, fails or overlaps is refused, and nothing of it is there', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system, keyspaced: true }));
  const a = db.keyspace('a');
  db.putSync(bytes('k'), bytes('v'));
  const one: IngestEntry[] = [[bytes('k'), bytes('1')]];
  const refused = (parts: Parameters<Database['ingest']>[0]) =>
    expect(system.until(db.ingest(parts))).rejects;
  const descending: IngestEntry[] = [...one, [bytes('j'), bytes('2')]];
  await refused([{ keyspace: a, entries: one }, { entries: descending }]).toThrow(RangeError);
  await refused([{ entries: [...one, ...one] }]).toThrow(RangeError);
  await refused([{ entries: one }, { entries: one }]).toThrow('in one range');
  await refused([{ entries: [[bytes('k'), 'text' as unknown as Buffer]] }]).toThrow(TypeError);
  function* failing(): Generator<IngestEntry> {
    yield* one;
    throw new Error('the source is dry');
  }
  await refused([{ entries: failing() }]).toThrow('the source is dry');
  const dropped = db.keyspace('b');
  await system.until(db.dropKeyspace('b'));
  await refused([{ keyspace: dropped, entries: one }]).toMatchObject({ code: 'CLOSED' });
  expect([...db.range()].map(([, value]) => text(value))).toEqual(['v']);
  expect([...a.range()]).toEqual([]);
  expect(await system.until(db.ingest([]))).toMatchObject({ entries: 0, tables: 0 });
  const { ingests } = db.stats();
  expect(ingests).toEqual({ count: 1, bytes: 0 });
  const names = system.files.readDirectory('/data').filter((name) => /\.(ldb|dbtmp)$/.test(name));
  expect(names.length).toBeLessThanOrEqual(2);
  await system.until(db.close());
  await refused([{ entries: one }]).toMatchObject({ code: 'CLOSED' });
  const readOnly = await system.until(open('/data', { system, readOnly: true }));
  await expect(system.until(readOnly.ingest([{ entries: one }]))).rejects.toMatchObject({
    code: 'READ_ONLY',
  });
});

test('a directory into whose first keys an ingest writes has no keyspaces', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  await system.until(db.ingest([{ entries: [[bytes('k'), bytes('v')]] }]));
  expect(() => db.keyspace('a')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});

interface Begun {
  readonly scene: Scene;
  readonly before: Pairs[];
  readonly after: Pairs[];
  readonly ingest: () => Promise<unknown>;
}

async function begun(seed: number): Promise<Begun> {
  const scene = new Scene(seed);
  await scene.open();
  await scene.system.until(scene.write(80));
  await scene.system.until(scene.db.flush());
  await scene.system.until(scene.write(15));
  await scene.system.until(scene.db.idle());
  await scene.system.until(scene.db.sync());
  const before = scene.expected();
  const lists = scene.spaces.map((name) => ({ name, list: changes(scene.random, 60) }));
  for (const { name, list } of lists) apply(scene.model, name, list);
  const parts = lists.map(({ name, list }) => ({
    keyspace: name === '' ? scene.db : scene.db.keyspace(name),
    entries: entriesOf(list),
  }));
  return { scene, before, after: scene.expected(), ingest: () => scene.db.ingest(parts) };
}

test('after a crash at any call all of an ingest is there or nothing', async () => {
  for (const seed of [5, 8]) {
    const whole = await begun(seed);
    const from = whole.scene.system.files.calls;
    await whole.scene.system.until(whole.ingest());
    const to = whole.scene.system.files.calls;
    expect(to - from).toBeGreaterThan(6);
    const seen = new Set<boolean>();
    for (let call = from + 1; call <= to; call++) {
      for (let round = 0; round < 3; round++) {
        const { scene, before, after, ingest } = await begun(seed);
        scene.system.files.crashAtCall = call;
        await expect(scene.system.until(ingest())).rejects.toBeInstanceOf(Error);
        expect(scene.system.files.isDead).toBe(true);
        await scene.restart(round === 0 ? undefined : new SeededRandomness(call * 10 + round));
        const found = scene.contents(scene.db);
        const isThere = JSON.stringify(found) === JSON.stringify(after);
        expect(found).toEqual(isThere ? after : before);
        seen.add(isThere);
        scene.db.checkInvariants();
        const names = scene.system.files.readDirectory('/data');
        const tables = names.filter((name) => name.endsWith('.ldb')).length;
        expect(tables).toBe(scene.db.stats().tables.files);
        // And it goes on.
        scene.db.putSync(bytes('key0000'), bytes('later'), { sync: true });
        await scene.restart(new SeededRandomness(call));
        expect(text(scene.db.getSync(bytes('key0000')))).toBe('later');
      }
    }
    expect(seen).toEqual(new Set([true, false]));
  }
}, 3_600_000);

test('a call that fails refuses the ingest; the database goes on, or is whole when it is opened again', async () => {
  const whole = await begun(5);
  const from = whole.scene.system.files.calls;
  await whole.scene.system.until(whole.ingest());
  const to = whole.scene.system.files.calls;
  for (let call = from + 1; call <= to; call++) {
    for (const code of ['EIO', 'ENOSPC']) {
      const { scene, before, after, ingest } = await begun(5);
      const { files } = scene.system;
      files.fault = (_, __, at) => (at === call ? code : undefined);
      let error: unknown;
      await scene.system.until(ingest().catch((e: unknown) => (error = e)));
      files.fault = undefined;
      if (error !== undefined) expect(error).toBeInstanceOf(LsmError);
      const isPoisoned = (error as LsmError | undefined)?.code === 'POISONED';
      const expected = error === undefined ? after : before;
      if (!isPoisoned) {
        expect(scene.contents(scene.db)).toEqual(expected);
        if (error !== undefined) {
          await scene.system.until(scene.db.put(bytes('key0000'), bytes('later')));
          await scene.system.until(scene.db.delete(bytes('zzz')));
        }
      }
      await scene.restart();
      const found = scene.contents(scene.db).map((pairs) => pairs.filter(([k]) => k !== 'key0000'));
      const wanted = [before, after].map((all) =>
        JSON.stringify(all.map((pairs) => pairs.filter(([k]) => k !== 'key0000'))),
      );
      const allowed = isPoisoned ? wanted : [wanted[error === undefined ? 1 : 0]!];
      expect(allowed).toContain(JSON.stringify(found));
    }
  }
}, 3_600_000);

test('LevelDB reads what was ingested, and goes on; real files', async () => {
  const directory = path.join(root, 'data');
  const db = await open(directory);
  const key = (i: number): string => String(i).padStart(6, '0');
  for (let i = 0; i < 2000; i += 2) await db.put(Buffer.from(key(i)), Buffer.from('put'));
  const table = path.join(root, 'outside.ldb');
  const writer = new TableFileWriter(table);
  for (let i = 500; i < 1500; i++) writer.put(Buffer.from(key(i)), Buffer.from('ingested'));
  await writer.finish();
  await db.ingest([{ tables: [table] }]);
  await db.put(Buffer.from(key(1000)), Buffer.from('later'));
  const expected = [...db.range()].map(([k, v]) => [k.toString(), v.toString()]);
  expect(expected.length).toBe(1500);
  await db.close();
  const level = new ClassicLevel(directory);
  await level.open({ createIfMissing: false });
  expect(await level.iterator().all()).toEqual(expected);
  await level.put(key(1), 'by LevelDB');
  await level.compactRange('', '~');
  await level.close();
  const again = await open(directory);
  expect(again.getSync(Buffer.from(key(1)))?.toString()).toBe('by LevelDB');
  expect(again.getSync(Buffer.from(key(1000)))?.toString()).toBe('later');
  expect([...again.range()].length).toBe(1501);
  await again.close();
});
