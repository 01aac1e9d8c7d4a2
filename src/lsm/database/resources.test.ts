import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { bytes, text } from '../testing/model.ts';
import { randomOptions } from '../testing/random-options.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { type Database, open } from './database.ts';
import type { OpenOptions } from './options.ts';
import { Resources } from './resources.ts';

const SEEDS = 25 * Number(process.env['KVASIR_SOAK'] ?? 1);
const MIB = 1024 * 1024;
const OPTIONS: OpenOptions = { memtableBytes: 128 * 1024, codec: 'none' };

const key = (i: number): Uint8Array => bytes(`key${String(i).padStart(6, '0')}`);

/** Writes entries of about a kilobyte, whose values tell whose they are. */
async function fill(system: SimulatedSystem, db: Database, count: number): Promise<void> {
  for (let i = 0; i < count; i++) db.putSync(key(i), bytes(valueOf(db, i)));
  await system.until(db.flush());
  await system.until(db.idle());
}

const valueOf = (db: Database, i: number): string => `${db.directory} ${i} `.padEnd(1000, '.');

function expectAll(db: Database, count: number): void {
  for (let i = 0; i < count; i++) expect(text(db.getSync(key(i)))).toBe(valueOf(db, i));
}

function openAll(
  system: SimulatedSystem,
  resources: Resources,
  count: number,
): Promise<Database[]> {
  const opened = Array.from({ length: count }, (_, i) =>
    open(`/data${i}`, { ...OPTIONS, resources, system }),
  );
  return system.until(Promise.all(opened));
}

test('databases share one cache, each with files of its own, and memtables come before it', async () => {
  const system = new SimulatedSystem();
  const resources = new Resources({ workers: 0, memoryBytes: 4 * MIB });
  const { budget } = resources;
  const [first, second] = (await openAll(system, resources, 2)) as [Database, Database];
  for (const db of [first, second]) await fill(system, db, 1000);
  expectAll(first, 1000);
  const { cache } = first.stats();
  expect(cache.capacityBytes).toBe(4 * MIB);
  expect(cache.usedBytes).toBeGreaterThan(MIB);
  // The same file numbers and offsets, and other bytes.
  expectAll(second, 1000);
  expect(second.stats().cache.usedBytes).toBeGreaterThan(2 * MIB);
  expect(budget.usedBytes).toBeGreaterThan(2.5 * MIB);
  expect(budget.usedBytes).toBeLessThanOrEqual(4 * MIB);
  const { misses, usedBytes: before } = second.stats().cache;
  expectAll(first, 1000);
  expectAll(second, 1000);
  expect(second.stats().cache.misses - misses).toBeLessThan(50);

  // Others come, with memtables of their own: the cache makes room.
  const more = await system.until(
    Promise.all(
      ['/x', '/y', '/z'].map((directory) =>
        open(directory, { ...OPTIONS, memtableBytes: 512 * 1024, resources, system }),
      ),
    ),
  );
  expect(budget.usedBytes).toBeLessThanOrEqual(4 * MIB);
  expect(first.stats().cache.usedBytes).toBeLessThan(before);
  expectAll(first, 1000);
  for (const db of more) await system.until(db.close());

  // What a closed one had is not there for the others to fall over.
  await system.until(second.close());
  await fill(system, first, 1000);
  expectAll(first, 1000);
  const again = await system.until(open('/data1', { ...OPTIONS, resources, system }));
  expectAll(again, 1000);
  await system.until(again.close());
  await system.until(first.close());
  expect(budget.usedBytes).toBe(0);
}, 600_000);

test('memory stays within the budget while several databases are written and read', async () => {
  const system = new SimulatedSystem();
  const resources = new Resources({ workers: 0, memoryBytes: 4 * MIB });
  const { budget } = resources;
  const databases = await openAll(system, resources, 6);
  let highest = 0;
  for (let i = 0; i < 900; i++) {
    for (const db of databases) {
      db.putSync(key(i), bytes(valueOf(db, i)));
      const j = (i * 7919) % (i + 1);
      expect(text(db.getSync(key(j)))).toBe(valueOf(db, j));
      highest = Math.max(highest, budget.usedBytes);
    }
    if (i % 100 === 0) await system.files.loop.run(5);
  }
  // Jobs have buffers for what they do at the moment.
  expect(highest).toBeLessThanOrEqual(4 * MIB + MIB);
  expect(databases[0]!.stats().flushes.count).toBeGreaterThan(5);
  for (const db of databases) {
    expectAll(db, 900);
    await system.until(db.close());
  }
  expect(budget.usedBytes).toBe(0);
}, 600_000);

test('a database that finds no memory waits for its own flush, and goes on', async () => {
  const system = new SimulatedSystem();
  const resources = new Resources({ workers: 0, memoryBytes: 300 * 1024 });
  const [db] = (await openAll(system, resources, 1)) as [Database];
  for (let i = 0; i < 2000; i++) db.putSync(key(i), bytes(valueOf(db, i)));
  const { stalls, memtables } = db.stats();
  expect(stalls.stops).toBeGreaterThan(3);
  expect(memtables.heldBytes).toBeLessThanOrEqual(3 * 128 * 1024);
  expectAll(db, 2000);
  await system.until(db.close());
  expect(resources.budget.usedBytes).toBe(0);
});

test('a cache of its own for who asks for one', async () => {
  const system = new SimulatedSystem();
  const resources = new Resources({ workers: 0, memoryBytes: 4 * MIB });
  const options = { ...OPTIONS, cacheBytes: 256 * 1024, resources, system };
  const db = await system.until(open('/data', options));
  await fill(system, db, 1000);
  expectAll(db, 1000);
  expect(db.stats().cache.capacityBytes).toBe(256 * 1024);
  expect(resources.budget.usedBytes).toBeLessThan(MIB);
  await system.until(db.close());
  expect(resources.budget.usedBytes).toBe(0);
});

test('who reads alone ends no jobs of who writes', async () => {
  const system = new SimulatedSystem();
  const resources = new Resources({ workers: 0 });
  const [db] = (await openAll(system, resources, 1)) as [Database];
  await fill(system, db, 100);
  const reader = await system.until(
    open('/data0', { ...OPTIONS, readOnly: true, resources, system }),
  );
  expect(text(reader.getSync(key(7)))).toBe(valueOf(db, 7));
  const compacted = db.compact();
  await system.until(reader.close());
  await system.until(compacted);
  expectAll(db, 100);
  await system.until(db.close());
});

test('several databases against models, opened and closed while others read', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandomness(seed);
    const system = new SimulatedSystem();
    const memoryBytes = [128 * 1024, MIB, 16 * MIB][random.below(3)]!;
    const resources = new Resources({ workers: 0, memoryBytes });
    const opened = async (i: number): Promise<Database> => {
      const { cacheBytes: _cacheBytes, ...options } = randomOptions(random);
      return system.until(open(`/data${i}`, { ...options, resources, system }));
    };
    const models = [0, 1, 2].map(() => new Map<string, string>());
    const databases = [await opened(0), await opened(1), await opened(2)];
    for (let i = 0; i < 600; i++) {
      const n = random.below(3);
      const db = databases[n]!;
      const model = models[n]!;
      const k = text(key(random.below(150)))!;
      const choice = random.below(100);
      if (choice < 55) {
        const value = `${n} ${i} `.repeat(1 + random.below(60));
        db.putSync(bytes(k), bytes(value));
        model.set(k, value);
      } else if (choice < 65) {
        db.deleteSync(bytes(k));
        model.delete(k);
      } else if (choice < 90) expect(text(db.getSync(bytes(k)))).toBe(model.get(k));
      else if (choice < 94) {
        const found = [...db.range()].map(([a, b]) => [text(a), text(b)]);
        expect(found).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
      } else if (choice < 96) await system.until(db.flush());
      else if (choice < 97) await system.until(db.compact());
      else if (choice < 99) {
        await system.until(db.close());
        databases[n] = await opened(n);
      } else {
        const other = databases[(n + 1) % 3]!;
        const iterator = db.range().iterator();
        iterator.next();
        for (const _ of other.range());
        while (iterator.next());
        iterator.close();
      }
      databases[n]!.checkInvariants();
    }
    for (const db of databases) await system.until(db.close());
    expect(resources.budget.usedBytes).toBe(0);
  }
}, 3_600_000);
