import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedLoop } from '../../os/simulated-loop.ts';
import { Scene } from '../backup/testing.ts';
import { open } from '../database/database.ts';
import { bytes, type Pairs, text } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { openSecondary, type Secondary } from './secondary.ts';

const SEEDS = 25 * Number(process.env['KVASIR_SOAK'] ?? 1);

/** A database whose every state is known by its sequence, and what does things to it. */
class Primary {
  readonly scene: Scene;
  readonly states = new Map<number, Pairs[]>();
  readonly history: string[] = [];

  constructor(seed: number) {
    this.scene = new Scene(seed);
  }

  async begin(): Promise<void> {
    await this.scene.open();
    await this.scene.system.until(this.scene.write(1));
    this.#record();
  }

  #record(): void {
    this.states.set(this.scene.db.stats().sequence, this.scene.expected());
  }

  /** One change, which is there when this returns. */
  write(): void {
    const { random, model, spaces, db } = this.scene;
    const batch = db.batch();
    for (let n = 1 + random.below(random.below(4) === 0 ? 40 : 2); n > 0; n--) {
      const name = spaces[random.below(spaces.length)]!;
      const space = name === '' ? db : db.keyspace(name);
      const key = `key${random.below(120)}`;
      const value = `${random.below(1e9)}`.repeat(1 + random.below(20));
      if (random.below(4) === 0) {
        model.delete(name, key);
        batch.delete(bytes(key), space);
      } else {
        model.put(name, key, value);
        batch.put(bytes(key), bytes(value), space);
      }
    }
    batch.writeSync({ sync: random.below(3) === 0 });
    this.#record();
  }

  async step(): Promise<void> {
    const { random, system } = this.scene;
    const { db } = this.scene;
    const choice = random.below(30);
    const does = async (what: string, promise: Promise<unknown>): Promise<void> => {
      this.history.push(what);
      await system.until(promise);
    };
    if (choice < 20) {
      for (let n = 1 + random.below(8); n > 0; n--) this.write();
      this.history.push('write');
    } else if (choice < 23) await does('flush', db.flush());
    else if (choice < 24) await does('compact', db.compact());
    else if (choice < 25) await does('idle', db.idle());
    else if (choice < 26) {
      const key = `key${random.below(120)}`;
      this.scene.model.put('', key, 'ingested');
      const ingest = db.ingest([{ entries: [[bytes(key), bytes('ingested')]] }]);
      await does('ingest', ingest);
      this.#record();
    } else if (choice < 27) {
      await does('close', db.close());
      await this.scene.open();
      this.#record();
    } else await system.files.loop.run(random.below(3));
  }
}

test('a secondary is the database at the sequence that it tells of, whatever is done to it meanwhile', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const primary = new Primary(seed);
    const { scene } = primary;
    const { random, system } = scene;
    await primary.begin();
    const options = { system, memtableBytes: scene.options.memtableBytes!, cacheBytes: 65_536 };
    const secondary = await system.until(openSecondary('/data', options));
    let last = 0;
    try {
      for (let round = 0; round < 25; round++) {
        const before = system.files.calls;
        const from = scene.db.stats().sequence;
        const refresh = secondary.refresh();
        for (let n = random.below(4); n > 0; n--) await primary.step();
        const { sequence } = await system.until(refresh);
        primary.history.push(`refreshed to ${sequence}`);
        expect(sequence).toBeGreaterThanOrEqual(Math.max(from, last));
        last = sequence;
        expect(primary.states.has(sequence)).toBe(true);
        expect(scene.contents(secondary)).toEqual(primary.states.get(sequence));
        secondary.checkInvariants();
        for (let n = random.below(6); n > 0; n--) await primary.step();
        // What it saw is still there, though the primary may have removed its files.
        expect(scene.contents(secondary)).toEqual(primary.states.get(sequence));
        expect(before).toBeLessThanOrEqual(system.files.calls);
      }
      await system.until(secondary.verify());
      await system.until(secondary.close());
      await system.until(scene.db.close());
      expect(await statesOfReadOnly(scene)).toEqual(scene.expected());
    } catch (error) {
      throw new Error(`seed ${seed}: ${primary.history.join(', ')}`, { cause: error });
    }
  }
}, 3_600_000);

async function statesOfReadOnly(scene: Scene): Promise<Pairs[]> {
  const { system } = scene;
  const db = await system.until(open('/data', { system, readOnly: true }));
  const contents = scene.contents(db);
  await system.until(db.close());
  return contents;
}

interface Two {
  readonly system: SimulatedSystem;
  readonly secondary: Secondary;
  readonly put: (key: string, value: string) => void;
  readonly refresh: () => Promise<boolean>;
}

async function two(): Promise<Two & { readonly db: Awaited<ReturnType<typeof open>> }> {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  db.putSync(bytes('a'), bytes('1'));
  const secondary = await system.until(openSecondary('/data', { system }));
  return {
    system,
    db,
    secondary,
    put: (key, value) => db.putSync(bytes(key), bytes(value)),
    refresh: async () => (await system.until(secondary.refresh())).isChanged,
  };
}

test('it changes with refreshes alone, and writes nothing', async () => {
  const { system, secondary, put, refresh, db } = await two();
  const get = (key: string) => text(secondary.getSync(bytes(key)));
  expect(get('a')).toBe('1');
  put('a', '2');
  expect(get('a')).toBe('1');
  const { calls } = system.files;
  expect(await refresh()).toBe(true);
  expect(get('a')).toBe('2');
  expect(await refresh()).toBe(false);
  await system.until(db.flush());
  expect(await refresh()).toBe(true);
  const refused = { code: 'READ_ONLY' };
  await expect(secondary.put(bytes('a'), bytes('3'))).rejects.toMatchObject(refused);
  await expect(secondary.flush()).rejects.toMatchObject(refused);
  expect(() => secondary.putSync(bytes('a'), bytes('3'))).toThrow(expect.objectContaining(refused));
  expect(() => secondary.keyspace('new')).toThrow(expect.objectContaining(refused));
  await system.until(secondary.close());
  // The flush of the primary made calls; nothing did after it.
  expect(system.files.calls).toBeGreaterThan(calls);
  const after = system.files.calls;
  const again = await system.until(openSecondary('/data', { system }));
  await system.until(again.refresh());
  await system.until(again.close());
  expect(system.files.calls).toBe(after);
  await system.until(db.close());
});

test('iterators go on with what they saw; snapshots end with a refresh that changes what there is', async () => {
  const { system, secondary, put, refresh, db } = await two();
  put('b', '1');
  put('c', '1');
  await refresh();
  const iterator = secondary.range().iterator();
  const snapshot = secondary.snapshot();
  expect(iterator.next()).toBe(true);
  put('b', '2');
  put('c', '2');
  await refresh();
  // The same memtable has both, so far.
  expect(text(secondary.getSync(bytes('b'), { snapshot }))).toBe('1');
  await system.until(db.compact());
  put('d', '3');
  await refresh();
  expect(text(secondary.getSync(bytes('b')))).toBe('2');
  expect(() => secondary.getSync(bytes('b'), { snapshot })).toThrow(
    expect.objectContaining({ code: 'ABORTED' }),
  );
  const rest: string[] = [];
  while (iterator.next()) rest.push(`${text(iterator.key())}${text(iterator.value())}`);
  expect(rest).toEqual(['b1', 'c1']);
  iterator.close();
  snapshot.close();
  await system.until(secondary.close());
});

test('keyspaces that are made and dropped are seen with the next refresh', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system, keyspaced: true }));
  const secondary = await system.until(openSecondary('/data', { system }));
  expect(secondary.keyspaceNames()).toEqual([]);
  db.keyspace('a').putSync(bytes('k'), bytes('v'));
  await system.until(secondary.refresh());
  const space = secondary.keyspace('a');
  expect(text(space.getSync(bytes('k')))).toBe('v');
  await system.until(db.dropKeyspace('a'));
  db.keyspace('a').putSync(bytes('k'), bytes('another'));
  await system.until(secondary.refresh());
  expect(() => space.getSync(bytes('k'))).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  expect(text(secondary.keyspace('a').getSync(bytes('k')))).toBe('another');
  await system.until(secondary.close());
  await system.until(db.close());
});

test('a directory that had no keyspaces yet may get some', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', { system }));
  const secondary = await system.until(openSecondary('/data', { system }));
  db.keyspace('a');
  db.putSync(bytes('k'), bytes('v'));
  await system.until(secondary.refresh());
  expect(text(secondary.getSync(bytes('k')))).toBe('v');
});

test('what is half written is not there yet', async () => {
  const { system, secondary, put, refresh, db } = await two();
  const log = system.files.readDirectory('/data').findLast((name) => name.endsWith('.log'))!;
  const before = system.files.dump().get(`/data/${log}`)!;
  put('b', 'x'.repeat(50_000));
  put('c', '1');
  const whole = system.files.dump().get(`/data/${log}`)!;
  // As a reader may find it while the writer's one call is under way.
  const file = system.files.open(`/data/${log}`, 'write');
  const show = (length: number): void => {
    file.write(whole, 0, whole.length, 0);
    const rest = Math.max(0, before.length - length);
    file.write(new Uint8Array(whole.length), 0, whole.length - length, length);
    file.write(before, length, length + rest, length);
  };
  const random = new SeededRandomness(1);
  for (let length = 0; length < 51_000; length += 1 + random.below(6000)) {
    show(length);
    await refresh();
    expect(secondary.getSync(bytes('c'))).toBeUndefined();
    const value = secondary.getSync(bytes('b'));
    expect(value === undefined || value.length === 50_000).toBe(true);
  }
  file.write(whole, 0, whole.length, 0);
  await refresh();
  expect(text(secondary.getSync(bytes('c')))).toBe('1');
  expect(secondary.getSync(bytes('b'))!.length).toBe(50_000);
  await system.until(db.close());
  await system.until(secondary.close());
});

test('a log that was cut back after a write that failed is read again', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const db = await system.until(open('/data', { system }));
  db.putSync(bytes('a'), bytes('1'));
  const secondary = await system.until(openSecondary('/data', { system }));
  const log = files.readDirectory('/data').findLast((name) => name.endsWith('.log'))!;
  const before = files.dump().get(`/data/${log}`)!;
  db.putSync(bytes('b'), bytes('phantom'));
  await system.until(secondary.refresh());
  expect(text(secondary.getSync(bytes('b')))).toBe('phantom');
  // The writer takes it back and uses its sequence again.
  const other = new SimulatedSystem();
  other.files.put(`/data/${log}`, before);
  for (const [path, contents] of files.dump()) {
    if (!path.endsWith(log) && !path.endsWith('LOCK')) other.files.put(path, contents);
  }
  const again = await other.until(open('/data', { system: other }));
  again.putSync(bytes('c'), bytes('real'));
  await other.until(again.close());
  for (const name of files.readDirectory('/data')) files.unlink(`/data/${name}`);
  for (const [path, contents] of other.files.dump()) files.put(path, contents);
  await system.until(secondary.refresh());
  expect(secondary.getSync(bytes('b'))).toBeUndefined();
  expect(text(secondary.getSync(bytes('c')))).toBe('real');
});

test('damage before the end of the logs is told of, and what was there before stays', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const options = { system, memtableBytes: 4096, maxFullMemtables: 8 };
  const db = await system.until(open('/data', options));
  // Another process's loop turns; the writer's does not, so nothing is flushed.
  const loop = new SimulatedLoop();
  const apart = { clock: loop, timers: loop, files, lockDatabase: system.lockDatabase };
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    void promise.catch(() => {}).finally(() => (isSettled = true));
    await loop.runUntil(() => isSettled);
    return promise;
  };
  const secondary = await until(openSecondary('/data', { system: apart }));
  const logs = () => files.readDirectory('/data').filter((name) => name.endsWith('.log'));
  for (let i = 0; logs().length < 3; i++) db.putSync(bytes(`k${i}`), bytes('v'.repeat(100)));
  const first = `/data/${logs()[0]!}`;
  const good = files.dump().get(first)!;
  const file = files.open(first, 'write');
  const bad = good.slice();
  bad[500]! ^= 1;
  file.write(bad, 0, bad.length, 0);
  const damage = { code: 'CORRUPTION', path: '/data' };
  await expect(until(secondary.refresh())).rejects.toMatchObject(damage);
  await expect(until(openSecondary('/data', { system: apart }))).rejects.toMatchObject(damage);
  expect([...secondary.range()]).toEqual([]);
  file.write(good, 0, good.length, 0);
  await until(secondary.refresh());
  expect([...secondary.range()]).toEqual([...db.range()]);
  expect(logs().length).toBe(3);
  await until(secondary.close());
  await system.until(db.close());
});

test('where there is nothing it says so', async () => {
  const system = new SimulatedSystem();
  const gone = { code: 'NOT_FOUND' };
  await expect(system.until(openSecondary('/none', { system }))).rejects.toMatchObject(gone);
  system.files.put('/empty/x', bytes(''));
  await expect(system.until(openSecondary('/empty', { system }))).rejects.toMatchObject(gone);
  const { secondary, system: other } = await two();
  const refresh = secondary.refresh();
  await other.until(secondary.close());
  await other.until(refresh);
  await expect(secondary.refresh()).rejects.toMatchObject({ code: 'CLOSED' });
});
