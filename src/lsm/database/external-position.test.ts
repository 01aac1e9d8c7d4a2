import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { Resources } from './resources.ts';
import { openBackups } from '../backup/open-backups.ts';
import type { LsmError } from '../errors.ts';
import { bytes, Model, text } from '../testing/model.ts';
import { randomOptions } from '../testing/random-options.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { openSecondary } from '../secondary/secondary.ts';
import { checkDirectory } from '../tools/directory-check.ts';
import { problemText } from '../tools/problem.ts';
import { repairDirectory } from '../tools/repair.ts';
import { rewriteDirectory } from '../tools/rewrite.ts';
import { type Database, open } from './database.ts';
import type { OpenOptions } from './options.ts';

const SEEDS = 40 * Number(process.env['KVASIR_SOAK'] ?? 1);

interface Entry {
  readonly changes: readonly (readonly [space: string, key: string, value: string | undefined])[];
  /** Where the log is behind it. */
  readonly end: number;
}

/** A log that survives everything, the database that it is applied to, and what that should hold. */
class Owner {
  readonly random: SeededRandomness;
  readonly options: OpenOptions;
  readonly log: Entry[] = [];
  /** Entries before it are not kept any more. */
  truncated = 0;
  system = new SimulatedSystem();
  db!: Database;

  constructor(seed: number) {
    this.random = new SeededRandomness(seed);
    const { compaction, ...options } = randomOptions(this.random);
    this.options =
      compaction === 'fifo' ? options : { ...options, ...(compaction && { compaction }) };
  }

  get end(): number {
    return this.log.at(-1)?.end ?? 0;
  }

  async open(): Promise<void> {
    const options = { ...this.options, externalLog: true, system: this.system };
    this.db = await this.system.until(open('/data', options));
    expect(this.contents()).toEqual(this.modelAt(this.db.position));
    expect(this.db.flushedPosition).toBe(this.db.position);
    expect(this.db.position).toBeGreaterThanOrEqual(this.truncated);
    const rest = this.log.filter(({ end }) => end > this.db.position);
    for (const entry of rest) await this.system.until(this.apply(entry));
    expect(this.contents()).toEqual(this.modelAt(this.end));
  }

  append(): Entry {
    const { random } = this;
    const changes = Array.from({ length: 1 + random.below(8) }, () => {
      const value =
        random.below(4) === 0 ? undefined : `${random.below(1e6)}`.repeat(1 + random.below(40));
      return [['', 'a'][random.below(2)]!, `key${random.below(80)}`, value] as const;
    });
    const entry = { changes, end: this.end + 1 + random.below(300) };
    this.log.push(entry);
    return entry;
  }

  apply({ changes, end }: Entry): Promise<void> {
    const batch = this.db.batch();
    for (const [name, key, value] of changes) {
      const space = name === '' ? this.db : this.db.keyspace(name);
      if (value === undefined) batch.delete(bytes(key), space);
      else batch.put(bytes(key), bytes(value), space);
    }
    if (this.random.below(2) === 0) return batch.write({ position: end, sync: end % 2 === 0 });
    batch.writeSync({ position: end });
    return Promise.resolve();
  }

  modelAt(position: number): unknown {
    const model = new Model();
    for (const { changes, end } of this.log) {
      if (end > position) break;
      for (const [space, key, value] of changes) {
        if (value === undefined) model.delete(space, key);
        else model.put(space, key, value);
      }
    }
    return ['', 'a'].map((name) => model.range(name));
  }

  contents(db: Database = this.db): unknown {
    return ['', 'a'].map((name) => {
      const isThere = name === '' || db.keyspaceNames().includes(name);
      if (!isThere) return [];
      const space = name === '' ? db : db.keyspace(name);
      return [...space.range()].map(([key, value]) => [text(key), text(value)]);
    });
  }

  async step(): Promise<void> {
    const { random, system, db } = this;
    const choice = random.below(30);
    if (choice < 20) {
      const applied = this.apply(this.append());
      if (random.below(3) > 0) await system.until(applied);
      else applied.catch(() => {});
    } else if (choice < 22) await system.until(db.flush());
    else if (choice < 23) await system.until(db.compact());
    else if (choice < 25) {
      const position = this.end + (random.below(3) === 0 ? random.below(100) : 0);
      // What others write to the log.
      if (position > this.end) this.log.push({ changes: [], end: position });
      await system.until(db.flushUpTo(position));
      expect(db.flushedPosition).toBeGreaterThanOrEqual(position);
      this.truncated = db.flushedPosition;
    } else if (choice < 27) await system.files.loop.run(random.below(3));
    else if (choice < 28) {
      this.truncated = db.flushedPosition;
      await system.until(db.close());
      await this.open();
    } else {
      // Some of it may wait for room.
      const contents = this.contents();
      expect(contents).toEqual(this.modelAt(this.db.position));
    }
  }

  async restart(isMachine: boolean): Promise<void> {
    this.system = this.system.restart(isMachine ? this.random : undefined);
    await this.open();
  }
}

test('position and data are one, whenever the machine stops', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const owner = new Owner(seed);
    try {
      for (let round = 0; round < 5; round++) {
        const { files } = owner.system;
        files.crashAtCall = files.calls + owner.random.below(round === 0 ? 40 : 200);
        try {
          if (round === 0) await owner.open();
          for (let i = 0; i < 60; i++) await owner.step();
        } catch (error) {
          if (!owner.system.files.isDead) throw error;
        }
        await owner.restart(owner.random.below(3) > 0);
        owner.db.checkInvariants();
      }
      const names = owner.system.files.readDirectory('/data');
      expect(names.filter((name) => name.endsWith('.log'))).toEqual([]);
      await owner.system.until(owner.db.close());
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}, 3_600_000);

async function database(options: OpenOptions = {}) {
  const system = new SimulatedSystem();
  const all = { externalLog: true, system, ...options };
  return { system, db: await system.until(open('/data', all)) };
}

test('what is not flushed is gone, and the position with it', async () => {
  const { system, db } = await database();
  expect(db.position).toBe(0);
  await system.until(db.batch().put(bytes('a'), bytes('1')).write({ position: 100, sync: true }));
  expect(db.position).toBe(100);
  expect(db.flushedPosition).toBe(0);
  await system.until(db.flush());
  expect(db.flushedPosition).toBe(100);
  db.batch().put(bytes('b'), bytes('2')).writeSync({ position: 150 });
  await system.until(db.close());
  const again = await system.until(open('/data', { externalLog: true, system }));
  expect(again.position).toBe(100);
  expect([...again.range()].map(([key]) => text(key))).toEqual(['a']);
  // An idle tree keeps up with a log that others write to.
  await system.until(again.flushUpTo(1_000_000_000_000));
  expect(again.flushedPosition).toBe(1_000_000_000_000);
  await system.until(again.flushUpTo(5));
  await system.until(again.close());
  const last = await system.until(open('/data', { externalLog: true, system }));
  expect(last.position).toBe(1_000_000_000_000);
  await system.until(last.close());
});

test('positions that cannot be are refused', async () => {
  const { system, db } = await database();
  const batch = db.batch().put(bytes('a'), bytes('1'));
  batch.writeSync({ position: 10 });
  batch.writeSync({ position: 10 });
  expect(() => batch.writeSync({ position: 9 })).toThrow(RangeError);
  expect(() => batch.write({ position: 10.5 })).toThrow(RangeError);
  await expect(db.flushUpTo(Infinity)).rejects.toThrow(RangeError);
  const own = await system.until(open('/own', { system }));
  expect(() => own.batch().writeSync({ position: 1 })).toThrow(TypeError);
  await expect(own.flushUpTo(1)).rejects.toThrow(TypeError);
  expect(own.position + own.flushedPosition).toBe(0);
  await expect(open('/x', { externalLog: true, keyspaced: false, system })).rejects.toThrow(
    TypeError,
  );
  const fifo = { style: 'fifo', maxBytes: 1e6 } as const;
  await expect(open('/x', { externalLog: true, compaction: fifo, system })).rejects.toThrow(
    TypeError,
  );
});

test('a directory is of this kind for good', async () => {
  const { system, db } = await database();
  await system.until(db.flushUpTo(7));
  await system.until(db.close());
  const refused = { code: 'UNSUPPORTED' };
  await expect(system.until(open('/data', { system }))).rejects.toMatchObject(refused);
  for (const externalLog of [true, false]) {
    const readOnly = await system.until(open('/data', { system, readOnly: true, externalLog }));
    expect(readOnly.position).toBe(7);
    await system.until(readOnly.close());
  }
  // One with a log of its own becomes such, unless its keys have no prefixes.
  const raw = await system.until(open('/raw', { system }));
  raw.putSync(bytes('k'), bytes('v'));
  await system.until(raw.close());
  const opened = system.until(open('/raw', { system, externalLog: true }));
  await expect(opened).rejects.toMatchObject(refused);
  const spaced = await system.until(open('/spaced', { system, keyspaced: true }));
  spaced.putSync(bytes('k'), bytes('v'));
  await system.until(spaced.close());
  const turned = await system.until(open('/spaced', { system, externalLog: true }));
  expect(text(turned.getSync(bytes('k')))).toBe('v');
  expect(turned.position).toBe(0);
  await system.until(turned.close());
});

test('who follows the directory sees what was flushed', async () => {
  const { system, db } = await database();
  const secondary = await system.until(openSecondary('/data', { system }));
  expect(secondary.position).toBe(0);
  db.keyspace('a').putSync(bytes('k'), bytes('v'));
  await system.until(db.flushUpTo(30));
  db.batch().put(bytes('b'), bytes('2')).writeSync({ position: 40 });
  await system.until(secondary.refresh());
  expect(secondary.position).toBe(30);
  expect(text(secondary.keyspace('a').getSync(bytes('k')))).toBe('v');
  expect(secondary.getSync(bytes('b'))).toBeUndefined();
  await system.until(secondary.close());
  await system.until(db.close());
});

test('copies have the position that their data have', async () => {
  const { system, db } = await database();
  db.batch().put(bytes('a'), bytes('1')).writeSync({ position: 10 });
  await system.until(db.checkpoint('/copy'));
  const backups = openBackups('/backups', { system });
  db.batch().put(bytes('b'), bytes('1')).writeSync({ position: 20 });
  await system.until(db.backup(backups));
  await system.until(backups.restore('/restored'));
  for (const [directory, position, count] of [
    ['/copy', 10, 1],
    ['/restored', 20, 2],
  ] as const) {
    const copy = await system.until(open(directory, { system, externalLog: true }));
    expect(copy.position).toBe(position);
    expect([...copy.range()].length).toBe(count);
    await system.until(copy.close());
  }
  await system.until(db.close());
});

test('a transaction takes a position too', async () => {
  const { system, db } = await database();
  const transaction = db.transaction().put(bytes('a'), bytes('1'));
  await system.until(transaction.commit({ position: 33 }));
  expect(db.position).toBe(33);
  const ingested = db.ingest([{ entries: [[bytes('b'), bytes('2')]] }]);
  await system.until(ingested);
  expect(db.flushedPosition).toBe(33);
  expect([...db.range()].length).toBe(2);
});

test('a full disk and failing calls', async () => {
  const resources = new Resources({ workers: 0, memoryBytes: 16 * 1024 * 1024 });
  const { system, db } = await database({ memtableBytes: 4096, resources });
  const { files } = system;
  files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : undefined);
  let stored = 0;
  let refusal: unknown;
  try {
    for (let i = 1; i < 100; i++) {
      db.batch()
        .put(bytes(`k${i}`), bytes('v'.repeat(500)))
        .writeSync({ position: i });
      stored = i;
    }
  } catch (error) {
    refusal = error;
  }
  expect((refusal as LsmError).code).toBe('DISK_FULL');
  expect(stored).toBeGreaterThan(5);
  expect(db.position).toBe(stored);
  files.fault = undefined;
  await system.files.loop.run(2000);
  await system.until(db.flushUpTo(stored + 1));
  await system.until(db.close());
  const again = await system.until(open('/data', { system, externalLog: true, resources }));
  expect(again.position).toBe(stored + 1);
  expect([...again.range()].length).toBe(stored);
  await system.until(again.close());
});

test('the tools take such a directory for sound, and a repair keeps the position', async () => {
  const { system, db } = await database({ memtableBytes: 4096 });
  const space = db.keyspace('a');
  for (let i = 1; i <= 200; i++) {
    db.batch()
      .put(bytes(`k${i}`), bytes('v'.repeat(100)), space)
      .writeSync({ position: i });
  }
  await system.until(db.flushUpTo(500));
  await system.until(db.close());
  const { files, lockDatabase } = system;
  const check = (): string[] =>
    checkDirectory({ files, directory: '/data' }).problems.map(problemText);
  expect(check()).toEqual([]);
  files.unlink('/data/CURRENT');
  for (const name of files.readDirectory('/data')) {
    if (name.startsWith('MANIFEST')) files.unlink(`/data/${name}`);
  }
  const report = await system.until(repairDirectory({ files, lockDatabase, directory: '/data' }));
  expect(report.losses).toEqual([]);
  expect(check()).toEqual([]);
  const again = await system.until(open('/data', { system, externalLog: true }));
  expect(again.position).toBe(500);
  expect([...again.keyspace('a').range()].length).toBe(200);
  await system.until(again.close());
  const copied = system.until(rewriteDirectory({ from: '/data', to: '/copy', system }));
  expect((await copied).entries).toBe(200);
});
