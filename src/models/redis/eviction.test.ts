import { expect, test } from 'vitest';
import { FULL, makeRoom, ROOM, RUNNING } from './eviction.ts';
import { Harness } from './testing/harness.ts';

const OOM = { error: "OOM command not allowed when used memory > 'maxmemory'." };

/** A model whose limit leaves `bytes` for the engine. */
function limited(policy: string, bytes: number): Harness {
  const h = new Harness({ settings: { 'maxmemory-policy': policy, maxmemory: '1gb' } });
  h.engine.evictor.limitBytes = bytes;
  return h;
}

function fill(h: Harness, count: number, value = 'x'.repeat(100)): void {
  for (let i = 0; i < count; i++) h.run('SET', `key:${i}`, value);
}

test('noeviction: commands that take memory are refused, others are not', () => {
  const h = limited('noeviction', 20_000);
  let stored = 0;
  while (h.run('SET', `key:${stored}`, 'x'.repeat(100)) === 'OK') stored++;
  expect(stored).toBeGreaterThan(50);
  expect(h.run('SET', 'a', '1')).toEqual(OOM);
  expect(h.run('APPEND', 'key:1', '1')).toEqual(OOM);
  expect(h.run('GET', 'key:1')).toBe('x'.repeat(100));
  expect(h.run('EXPIRE', 'key:1', '10')).toBe(1);
  expect(h.run('DEL', 'key:1', 'key:2', 'key:3')).toBe(3);
  expect(h.run('SET', 'a', '1')).toBe('OK');
  expect(h.model.stats.evictedKeys).toBe(0);
});

test('noeviction: within MULTI nothing is queued, and EXEC does not run what takes memory', () => {
  const h = limited('noeviction', 0);
  fill(h, 20);
  h.run('MULTI');
  h.run('SET', 'a', '1');
  h.engine.evictor.limitBytes = 1000;
  expect(h.run('EXEC')).toEqual({
    error: `EXECABORT Transaction discarded because of: ${OOM.error}`,
  });
  h.run('MULTI');
  expect(h.run('GET', 'key:1')).toEqual(OOM);
  expect(h.run('DISCARD')).toBe('OK');
  h.engine.evictor.limitBytes = 0;
  h.run('MULTI');
  h.run('GET', 'key:1');
  h.engine.evictor.limitBytes = 1000;
  expect(h.run('EXEC')).toEqual(['x'.repeat(100)]);
});

test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl', 'volatile-random'])(
  '%s: the limit is kept, and what went is in the log before what needed the room',
  (policy) => {
    const h = limited(policy, 30_000);
    for (let i = 0; i < 1000; i++) {
      expect(h.run('SET', `key:${i}`, 'x'.repeat(100), 'EX', 100 + i)).toBe('OK');
      const room = makeRoom(h.model, 0);
      expect(room).toBe(ROOM);
      expect(h.engine.usedBytes).toBeLessThanOrEqual(30_000);
    }
    expect(h.model.stats.evictedKeys).toBe(1000 - h.model.databases[0]!.keys.size);
    const commands = h.effectsOnly();
    expect(commands.filter(([name]) => name === 'DEL')).toHaveLength(h.model.stats.evictedKeys);
    expect(commands.some(([name]) => name === 'MULTI')).toBe(false);
    expect(h.replayed().dump()).toEqual(h.dump());
  },
);

test('volatile policies let nothing else go', () => {
  const h = limited('volatile-lru', 10_000);
  fill(h, 100);
  expect(makeRoom(h.model, 0)).toBe(FULL);
  expect(h.run('SET', 'a', '1')).toEqual(OOM);
});

test('a batch is bounded; the next goes on', () => {
  const h = limited('allkeys-random', 0);
  fill(h, 1000);
  h.engine.evictor.limitBytes = 20_000;
  expect(makeRoom(h.model, 0)).toBe(RUNNING);
  expect(h.model.databases[0]!.keys.size).toBe(1000 - 64);
  h.set('maxmemory-eviction-tenacity', '100');
  expect(makeRoom(h.model, 0)).toBe(ROOM);
});

test('evicted keys are told of and fail a transaction that watches them', () => {
  const h = limited('allkeys-lru', 0);
  h.watchEvents();
  h.run('SET', 'a', '1');
  h.run('WATCH', 'a');
  h.events();
  h.engine.evictor.limitBytes = 1;
  makeRoom(h.model, 0);
  expect(h.events()).toEqual(['evicted a']);
  h.engine.evictor.limitBytes = 0;
  h.run('MULTI');
  expect(h.run('EXEC')).toBe(null);
});

test('what is being freed is freed before anything more goes', () => {
  const h = limited('allkeys-lru', 0);
  fill(h, 10);
  h.run('SELECT', '1');
  fill(h, 500);
  h.run('FLUSHDB', 'ASYNC');
  h.engine.evictor.limitBytes = 20_000;
  while (makeRoom(h.model, 0) === RUNNING);
  expect(h.model.stats.evictedKeys).toBe(0);
});

test("a value that somebody still reads goes once, and is its reader's from then on", () => {
  const h = limited('allkeys-random', 0);
  h.run('SET', 'long', 'v'.repeat(500_000));
  const { engine } = h;
  const [keys] = engine.keyspaces;
  const loan = engine.loans.lend(keys!.random(), 0, 500_000);
  h.run('SELECT', '1');
  fill(h, 100);
  h.run('SELECT', '0');
  engine.evictor.limitBytes = engine.usedBytes - 400_000;
  while (makeRoom(h.model, 0) === RUNNING);
  expect(keys!.size).toBe(0);
  expect(loan.isOwn).toBe(true);
  expect(engine.usedBytes).toBeGreaterThan(500_000);
  const { evictedKeys } = h.model.stats;
  expect(makeRoom(h.model, 0)).toBe(ROOM);
  expect(h.model.stats.evictedKeys).toBe(evictedKeys);
  loan.release();
  while (engine.step(1000));
  expect(engine.usedBytes).toBeLessThan(100_000);
  engine.checkInvariants();
});

test('nothing is evicted while writes are paused or a log is replayed', () => {
  const h = limited('allkeys-lru', 0);
  fill(h, 10);
  h.run('CLIENT', 'PAUSE', '1000', 'WRITE');
  h.engine.evictor.limitBytes = 1;
  expect(makeRoom(h.model, 0)).toBe(ROOM);
  h.run('CLIENT', 'UNPAUSE');
  h.model.isReplaying = true;
  expect(makeRoom(h.model, 0)).toBe(ROOM);
  expect(h.model.databases[0]!.keys.size).toBe(10);
});

test('the setting: the fixed part and clients count, 0 is no limit', () => {
  const h = new Harness();
  h.set('maxmemory', '100mb');
  const limit = h.engine.evictor.limitBytes;
  expect(limit).toBeGreaterThan(50 << 20);
  expect(limit).toBeLessThan(100 << 20);
  h.set('maxmemory', '1');
  expect(h.engine.evictor.limitBytes).toBe(1);
  h.set('maxmemory', '0');
  expect(h.engine.evictor.isOver(1e15)).toBe(false);
});
