import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { type Database, open } from '../database/database.ts';
import { LsmError } from '../errors.ts';
import { bytes, text } from '../testing/model.ts';
import { randomOptions } from '../testing/random-options.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import type { Isolation, Transaction } from './transaction.ts';

const SEEDS = 60 * Number(process.env['KVASIR_SOAK'] ?? 1);
const KEYS: readonly string[] = Array.from(
  { length: 30 },
  (_, i) => `k${String(i).padStart(2, '0')}`,
);
const ISOLATIONS: readonly Isolation[] = ['committed', 'snapshot', 'serializable'];

/** What was committed: each key's value and the number of the write that it is of. */
class World {
  clock = 0;
  readonly values = new Map<string, string>();
  readonly writes = new Map<string, number>();

  write(key: string, value: string | undefined): void {
    this.writes.set(key, this.clock);
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
  }
}

interface Range {
  from: string;
  /** The last key that counts. */
  to: string;
  readonly at: number;
}

/** A transaction, and what it should do. */
class Play {
  readonly transaction: Transaction;
  readonly own = new Map<string, string | undefined>();
  readonly tracked = new Map<string, number>();
  readonly ranges: Range[] = [];
  readonly #world: World;
  readonly #began: number;
  readonly #seen: ReadonlyMap<string, string>;

  constructor(db: Database, world: World, isolation: Isolation) {
    this.transaction = db.transaction({ isolation });
    this.#world = world;
    this.#began = world.clock;
    this.#seen = isolation === 'committed' ? world.values : new Map(world.values);
  }

  get #now(): number {
    return this.transaction.isolation === 'committed' ? this.#world.clock : this.#began;
  }

  track(key: string): void {
    if (!this.tracked.has(key)) this.tracked.set(key, this.#now);
  }

  get(key: string): string | undefined {
    return this.own.has(key) ? this.own.get(key) : this.#seen.get(key);
  }

  all(): [string, string][] {
    const map = new Map(this.#seen);
    for (const [key, value] of this.own) {
      if (value === undefined) map.delete(key);
      else map.set(key, value);
    }
    return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  readRange(from: string, to: string): Range {
    const range = { from, to, at: this.#now };
    this.ranges.push(range);
    return range;
  }

  get conflicts(): boolean {
    const { writes } = this.#world;
    for (const [key, at] of this.tracked) if ((writes.get(key) ?? 0) > at) return true;
    for (const { from, to, at } of this.ranges) {
      for (const [key, written] of writes) {
        if (key >= from && key <= to && written > at) return true;
      }
    }
    return false;
  }
}

class Run {
  readonly history: string[] = [];
  readonly #random: SeededRandomness;
  readonly #system = new SimulatedSystem();
  readonly #world = new World();
  #db!: Database;
  #plays: Play[] = [];
  outcomes = { committed: 0, conflicts: 0 };
  readonly #formatLevel: 1 | 2;
  /** Tables that are dropped whole may hold more than what they show. */
  #mayBeCautious = false;

  constructor(seed: number) {
    this.#random = new SeededRandomness(seed);
    this.#formatLevel = this.#random.below(2) === 0 ? 1 : 2;
  }

  async play(): Promise<void> {
    const formatLevel = this.#formatLevel;
    const options = { ...randomOptions(this.#random), system: this.#system, formatLevel };
    this.#db = await this.#system.until(open('/data', options));
    for (let i = 0; i < 200; i++) await this.#step();
    for (const { transaction } of this.#plays) transaction.rollback();
    expect(this.#db.stats().pins).toEqual([]);
    const found = [...this.#db.range()].map(([k, v]) => [text(k), text(v)]);
    expect(found).toEqual([...this.#world.values].sort(([a], [b]) => (a < b ? -1 : 1)));
    await this.#system.until(this.#db.close());
  }

  #key(): string {
    return KEYS[this.#random.below(KEYS.length)]!;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const choice = random.below(40);
    if (choice < 8) this.#writeOutside();
    else if (choice < 9) await this.#do('flush', this.#db.flush());
    else if (choice < 10) await this.#do('compact', this.#db.compact());
    else if (choice < 11) await this.#do('idle', this.#db.idle());
    else if (choice < 12) await this.#ingest();
    else if (choice < 13) await this.#deleteRange();
    else if (this.#plays.length < 4 && choice < 19) {
      const isolation = ISOLATIONS[random.below(3)]!;
      this.history.push(`begin ${isolation}`);
      this.#plays.push(new Play(this.#db, this.#world, isolation));
    } else if (this.#plays.length > 0) {
      const at = random.below(this.#plays.length);
      const play = this.#plays[at]!;
      if (choice < 34) await this.#use(play);
      else {
        this.#plays.splice(at, 1);
        await this.#end(play);
      }
    }
  }

  async #do(what: string, promise: Promise<unknown>): Promise<void> {
    this.history.push(what);
    await this.#system.until(promise);
  }

  #writeOutside(): void {
    const key = this.#key();
    const value = this.#random.below(3) === 0 ? undefined : `${this.#random.below(1e6)}`;
    this.#world.clock++;
    this.#world.write(key, value);
    this.history.push(`outside ${key}`);
    if (value === undefined) this.#db.deleteSync(bytes(key));
    else this.#db.putSync(bytes(key), bytes(value));
  }

  async #ingest(): Promise<void> {
    const key = this.#key();
    await this.#do(`ingest ${key}`, this.#db.ingest([{ entries: [[bytes(key), bytes('in')]] }]));
    this.#world.clock++;
    this.#world.write(key, 'in');
  }

  async #deleteRange(): Promise<void> {
    const [from, to] = [this.#key(), this.#key()].sort() as [string, string];
    const within = KEYS.filter((key) => key >= from && key < to);
    const isCover = this.#formatLevel === 2;
    const isClear = !isCover || this.#random.below(2) === 0;
    this.#world.clock++;
    for (const key of within) {
      // One tombstone covers what is not there too.
      if (isCover ? from < to : this.#world.values.has(key)) this.#world.write(key, undefined);
    }
    if (isClear) {
      this.#mayBeCautious = true;
      await this.#do('clear', this.#db.clear({ gte: bytes(from), lt: bytes(to) }));
    } else await this.#do('delete range', this.#db.deleteRange(bytes(from), bytes(to)));
  }

  async #use(play: Play): Promise<void> {
    const { transaction } = play;
    const random = this.#random;
    const key = this.#key();
    const choice = random.below(12);
    if (choice < 3) {
      if (transaction.isolation === 'serializable') play.track(key);
      const value = random.below(2) === 0 ? transaction.getSync(bytes(key)) : undefined;
      const again = await this.#system.until(transaction.get(bytes(key)));
      if (value !== undefined) expect(value).toEqual(again);
      expect(text(again)).toBe(play.get(key));
    } else if (choice < 5) {
      play.track(key);
      const value =
        random.below(2) === 0
          ? transaction.getForUpdateSync(bytes(key))
          : await this.#system.until(transaction.getForUpdate(bytes(key)));
      expect(text(value)).toBe(play.get(key));
    } else if (choice < 8) {
      const value = random.below(3) === 0 ? undefined : `tx ${random.below(1e6)}`;
      play.track(key);
      play.own.set(key, value);
      if (value === undefined) transaction.delete(bytes(key));
      else transaction.put(bytes(key), bytes(value));
    } else if (choice < 9) {
      const savepoint = transaction.savepoint();
      transaction.put(bytes(key), bytes('taken back'));
      play.track(key);
      transaction.rollbackTo(savepoint);
      expect(text(transaction.getSync(bytes(key)))).toBe(play.get(key));
      if (transaction.isolation === 'serializable') play.track(key);
    } else this.#range(play);
  }

  #range(play: Play): void {
    const { transaction } = play;
    const random = this.#random;
    const [from, to] = [this.#key(), this.#key()].sort() as [string, string];
    const reverse = random.below(2) === 0;
    const limit = random.below(2) === 0 ? random.below(4) : Infinity;
    const wanted = play.all().filter(([key]) => key >= from && key <= to);
    if (reverse) wanted.reverse();
    const tracked = transaction.isolation === 'serializable' ? play.readRange(from, to) : undefined;
    const options = { gte: bytes(from), lte: bytes(to), reverse, limit };
    const found = [...transaction.range(options)].map(([k, v]) => [text(k)!, text(v)!]);
    expect(found).toEqual(wanted.slice(0, limit));
    // What it did not get to see does not count.
    const last = found.at(-1)?.[0];
    if (tracked === undefined || found.length < limit || last === undefined) return;
    if (reverse) tracked.from = last;
    else tracked.to = last;
  }

  async #end(play: Play): Promise<void> {
    const { transaction } = play;
    if (this.#random.below(6) === 0) {
      this.history.push('rollback');
      transaction.rollback();
      return;
    }
    const isExpected = play.conflicts;
    this.history.push(`commit, ${isExpected ? 'a conflict' : 'none'}`);
    let error: unknown;
    const isSync = this.#random.below(3) === 0;
    if (isSync) {
      try {
        transaction.commitSync({ sync: this.#random.below(2) === 0 });
      } catch (caught) {
        error = caught;
      }
    } else {
      await this.#system.until(transaction.commit().catch((caught: unknown) => (error = caught)));
    }
    const found = (error as LsmError | undefined)?.code;
    if (this.#mayBeCautious && !isExpected && found === 'CONFLICT') return;
    expect(found).toBe(isExpected ? 'CONFLICT' : undefined);
    this.outcomes[isExpected ? 'conflicts' : 'committed']++;
    if (isExpected || play.own.size === 0) return;
    this.#world.clock++;
    for (const [key, value] of play.own) this.#world.write(key, value);
  }
}

test('what commits, what conflicts and what is seen, against a plain account of it', async () => {
  const sum = { committed: 0, conflicts: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Run(seed);
    try {
      await run.play();
    } catch (error) {
      throw new Error(`seed ${seed}: ${run.history.join(', ')}`, { cause: error });
    }
    sum.committed += run.outcomes.committed;
    sum.conflicts += run.outcomes.conflicts;
  }
  expect(sum.committed).toBeGreaterThan(SEEDS);
  expect(sum.conflicts).toBeGreaterThan(SEEDS);
}, 3_600_000);

async function database(): Promise<{ system: SimulatedSystem; db: Database }> {
  const system = new SimulatedSystem();
  return { system, db: await system.until(open('/data', { system })) };
}

test.each(ISOLATIONS)(
  'of two that read both and write one each, at isolation %s',
  async (isolation) => {
    const { system, db } = await database();
    db.putSync(bytes('a'), bytes('1'));
    db.putSync(bytes('b'), bytes('1'));
    const transactions = ['a', 'b'].map((key) => {
      const transaction = db.transaction({ isolation });
      for (const other of ['a', 'b']) transaction.getSync(bytes(other));
      return transaction.put(bytes(key), bytes('0'));
    });
    await system.until(transactions[0]!.commit());
    const second = system.until(transactions[1]!.commit());
    // Each was allowed to because of what the other has changed: serializable alone minds.
    if (isolation === 'serializable')
      await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
    else await second;
  },
);

test('what comes into a range that was read is a conflict, what comes behind its end is none', async () => {
  const { system, db } = await database();
  for (const key of ['a', 'c', 'e']) db.putSync(bytes(key), bytes('1'));
  const begin = () => {
    const transaction = db.transaction({ isolation: 'serializable' });
    const found = [...transaction.range({ gte: bytes('a'), limit: 2 })];
    expect(found.length).toBe(2);
    return transaction.put(bytes('count'), bytes(String(found.length)));
  };
  const first = begin();
  const second = begin();
  db.putSync(bytes('d'), bytes('behind'));
  await system.until(first.commit());
  db.putSync(bytes('b'), bytes('within'));
  await expect(system.until(second.commit())).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('tables that are dropped whole are deletions of what they had', async () => {
  const { system, db } = await database();
  for (const key of ['a', 'b', 'c']) db.putSync(bytes(key), bytes('1'));
  await system.until(db.compact());
  const byKey = db.transaction();
  byKey.getForUpdateSync(bytes('b'));
  const byRange = db.transaction({ isolation: 'serializable' });
  expect([...byRange.range({ gte: bytes('b') })].length).toBe(2);
  const elsewhere = db.transaction();
  elsewhere.getForUpdateSync(bytes('d'));
  const { entries } = db.stats().writes;
  await system.until(db.clear());
  // No key got a tombstone of its own.
  expect(db.stats().writes.entries - entries).toBeLessThan(3);
  const later = db.transaction();
  expect(later.getForUpdateSync(bytes('b'))).toBeUndefined();
  for (const lost of [byKey, byRange]) {
    lost.put(bytes('x'), bytes('1'));
    await expect(system.until(lost.commit())).rejects.toMatchObject({ code: 'CONFLICT' });
  }
  for (const kept of [elsewhere, later]) {
    kept.put(bytes(`y${kept === later}`), bytes('1'));
    await system.until(kept.commit());
  }
});

test('counters that many add to lose nothing', async () => {
  const { system, db } = await database();
  const counter = bytes('counter');
  let runs = 0;
  const add = () =>
    db.transact(
      async (transaction) => {
        runs++;
        const n = Number((await transaction.getForUpdate(counter)) ?? 0);
        await Promise.resolve();
        transaction.put(counter, bytes(String(n + 1)));
        return n;
      },
      { attempts: 100 },
    );
  const before = await system.until(Promise.all(Array.from({ length: 40 }, add)));
  expect(text(db.getSync(counter))).toBe('40');
  expect(new Set(before).size).toBe(40);
  expect(runs).toBeGreaterThan(40);
  expect(db.stats().pins).toEqual([]);
});

test('transact gives up after its attempts, and lets every other error through', async () => {
  const { system, db } = await database();
  let runs = 0;
  const never = db.transact(
    (transaction) => {
      runs++;
      transaction.put(bytes('k'), bytes('mine'));
      db.putSync(bytes('k'), bytes('another'));
    },
    { attempts: 3 },
  );
  await expect(system.until(never)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(runs).toBe(3);
  const failing = db.transact(() => {
    throw new Error('mine');
  });
  await expect(system.until(failing)).rejects.toThrow('mine');
  await expect(db.transact(() => {}, { attempts: 0 })).rejects.toThrow(RangeError);
  expect(text(db.getSync(bytes('k')))).toBe('another');
  expect(db.stats().pins).toEqual([]);
});

test('a commit that has to wait for room looks again at what was written meanwhile', async () => {
  const system = new SimulatedSystem();
  const options = { system, memtableBytes: 4096, maxFullMemtables: 1 };
  const db = await system.until(open('/data', options));
  const losing = db.transaction().put(bytes('k'), bytes('transaction'));
  const winning = db.transaction().put(bytes('other'), bytes('transaction'));
  // More than finds room, without the loop turning: the rest of it waits.
  const promises: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) promises.push(db.put(bytes(`fill ${i}`), bytes('v'.repeat(1000))));
  promises.push(db.put(bytes('k'), bytes('outside')));
  const commits = [losing.commit(), winning.commit()];
  const refused = expect(commits[0]).rejects.toMatchObject({ code: 'CONFLICT' });
  await system.until(Promise.all(promises));
  await system.until(commits[1]!);
  await system.until(commits[0]!.catch(() => {}));
  await refused;
  expect(text(db.getSync(bytes('k')))).toBe('outside');
  expect(text(db.getSync(bytes('other')))).toBe('transaction');
});

test('it ends once, and says so', async () => {
  const { system, db } = await database();
  const transaction = db.transaction();
  transaction.put(bytes('k'), bytes('v'));
  const commit = transaction.commit();
  expect(() => transaction.put(bytes('k'), bytes('w'))).toThrow(
    expect.objectContaining({ code: 'CLOSED' }),
  );
  await system.until(commit);
  transaction.rollback();
  const closed = { code: 'CLOSED' };
  await expect(transaction.commit()).rejects.toMatchObject(closed);
  expect(() => transaction.commitSync()).toThrow(expect.objectContaining(closed));
  expect(() => transaction.range()).toThrow(expect.objectContaining(closed));
  await expect(transaction.get(bytes('k'))).rejects.toMatchObject(closed);
  expect(() => db.transaction({ isolation: 'none' as Isolation })).toThrow(TypeError);
  const left = db.transaction().put(bytes('k'), bytes('lost'));
  await system.until(db.close());
  await expect(system.until(left.commit())).rejects.toMatchObject(closed);
  expect(() => db.transaction()).toThrow(expect.objectContaining(closed));
});

test('its memory is counted, bounded, and given back', async () => {
  const { system, db } = await database();
  const before = db.stats().memory.usedBytes;
  const transaction = db.transaction({ isolation: 'serializable', maxBytes: 256 * 1024 });
  const limit = { code: 'LIMIT' };
  await expect(
    (async () => {
      for (let i = 0; ; i++) await transaction.get(bytes(`key ${i}`));
    })(),
  ).rejects.toMatchObject(limit);
  expect(() => {
    for (let i = 0; ; i++)
      transaction
        .range({ gte: bytes(`key ${i}`) })
        .iterator()
        .close();
  }).toThrow(expect.objectContaining(limit));
  expect(db.stats().memory.usedBytes).toBeGreaterThan(before + 128 * 1024);
  transaction.rollback();
  expect(db.stats().memory.usedBytes).toBe(before);
  await system.until(db.close());
});

test('what fails is not committed, and the transaction has ended', async () => {
  const { system, db } = await database();
  db.putSync(bytes('k'), bytes('before'));
  const transaction = db.transaction().put(bytes('k'), bytes('after'));
  const { files } = system;
  files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : undefined);
  await expect(system.until(transaction.commit())).rejects.toMatchObject({ code: 'DISK_FULL' });
  files.fault = undefined;
  expect(text(db.getSync(bytes('k')))).toBe('before');
  expect(db.stats().pins).toEqual([]);
  expect(() => transaction.put(bytes('k'), bytes('x'))).toThrow(LsmError);
  await system.until(db.close());
});
