import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { SeededRandomness } from '../os/randomness.ts';
import { NONE } from './arena.ts';
import { MemoryEngine } from './engine.ts';
import type { EvictionPolicy } from './evictor.ts';
import type { Keyspace } from './keyspace.ts';

class Cache {
  readonly random: SeededRandomness = new SeededRandomness(11);
  readonly engine: MemoryEngine;
  readonly spaces: Keyspace[];

  constructor(policy: EvictionPolicy, spaces = 2) {
    this.engine = new MemoryEngine({
      hashKey: this.random.bytes(16),
      random: () => this.random.uniform(),
      segmentBits: 20,
    });
    this.engine.useLfu = policy.endsWith('lfu');
    this.engine.now = 1_000_000;
    this.engine.evictor.policy = policy;
    this.spaces = Array.from({ length: spaces }, () => this.engine.createKeyspace());
  }

  add(name: string, space = 0, expiry = 0): void {
    const keys = this.spaces[space]!;
    const key = Region.of(name);
    const hash = keys.hash(key, 0, name.length);
    const ref = keys.insert(hash, key, 0, name.length, 0, 0, key, 0, name.length);
    if (expiry > 0) keys.setExpiry(ref, expiry);
  }

  find(name: string, space = 0): number {
    const key = Region.of(name);
    const keys = this.spaces[space]!;
    return keys.find(keys.hash(key, 0, name.length), key, 0, name.length);
  }

  /** Evicts one record; its name, '' where none may go. */
  evict(): string {
    const { evictor } = this.engine;
    const ref = evictor.choose();
    if (ref === NONE) return '';
    const name = Buffer.from(this.engine.copyKey(ref)).toString();
    this.engine.keyspaces[evictor.keyspace]!.remove(evictor.hash, ref);
    this.engine.checkInvariants();
    return name;
  }
}

test('noeviction lets nothing go', () => {
  const cache = new Cache('noeviction');
  cache.add('a', 0, 2_000_000);
  expect(cache.evict()).toBe('');
});

test('volatile-ttl: the first to expire goes, in whatever keyspace it is', () => {
  const cache = new Cache('volatile-ttl');
  cache.add('stays');
  cache.add('second', 0, 2_000_002);
  cache.add('third', 1, 2_000_003);
  cache.add('first', 1, 2_000_001);
  expect([cache.evict(), cache.evict(), cache.evict(), cache.evict()]).toEqual([
    'first',
    'second',
    'third',
    '',
  ]);
});

test.each(['volatile-lru', 'volatile-lfu', 'volatile-random'] as const)(
  '%s: keys without an expiry stay',
  (policy) => {
    const cache = new Cache(policy);
    for (let i = 0; i < 200; i++) {
      cache.add(`stays${i}`, i % 2);
      cache.add(`goes${i}`, i % 2, 2_000_000);
    }
    const gone = new Set<string>();
    for (let i = 0; i < 200; i++) gone.add(cache.evict());
    expect(gone.size).toBe(200);
    expect([...gone].every((name) => name.startsWith('goes'))).toBe(true);
    expect(cache.evict()).toBe('');
  },
);

test('allkeys-random: all keyspaces are emptied', () => {
  const cache = new Cache('allkeys-random', 3);
  for (let i = 0; i < 90; i++) cache.add(`k${i}`, i % 3);
  const gone = new Set<string>();
  for (let i = 0; i < 90; i++) gone.add(cache.evict());
  expect(gone.size).toBe(90);
  expect(cache.evict()).toBe('');
});

/** Of `total` keys that were used in turn, the part of the `count` evicted ones that is among the oldest half. */
function oldestPart(cache: Cache, total: number, count: number): number {
  let old = 0;
  for (let i = 0; i < count; i++) if (Number(cache.evict().slice(1)) < total / 2) old++;
  return old / count;
}

test('allkeys-lru: the longest unused go first, nearly', () => {
  const cache = new Cache('allkeys-lru');
  for (let i = 0; i < 2000; i++) {
    cache.engine.now += 1000;
    cache.add(`k${i}`, i % 2);
  }
  expect(oldestPart(cache, 2000, 600)).toBeGreaterThan(0.97);
});

test('allkeys-lru: what is used stays', () => {
  const cache = new Cache('allkeys-lru', 1);
  for (let i = 0; i < 1000; i++) cache.add(`k${i}`);
  for (let i = 0; i < 500; i++) {
    cache.engine.now += 10_000;
    cache.engine.touch(cache.find('k17'));
    expect(cache.evict()).not.toBe('k17');
  }
});

test('allkeys-lfu: the least used go first, nearly', () => {
  const cache = new Cache('allkeys-lfu');
  for (let i = 0; i < 1000; i++) cache.add(`k${i}`, i % 2);
  for (let round = 0; round < 40; round++) {
    for (let i = 500; i < 1000; i++) cache.engine.touch(cache.find(`k${i}`, i % 2));
  }
  expect(oldestPart(cache, 1000, 300)).toBeGreaterThan(0.97);
});

test('candidates that were removed, moved or made persistent meanwhile drop out', () => {
  const cache = new Cache('volatile-lru');
  const names = new Set<string>();
  for (let i = 0; i < 400; i++) {
    cache.engine.now += 1000;
    cache.add(`k${i}`, i % 2, 2e12);
    names.add(`k${i}`);
  }
  for (let turn = 0; names.size > 0; turn++) {
    const name = cache.evict();
    expect(names.delete(name)).toBe(true);
    const other = [...names][cache.random.below(names.size)];
    if (other === undefined) break;
    const space = cache.find(other) === NONE ? 1 : 0;
    const keys = cache.spaces[space]!;
    const ref = cache.find(other, space);
    if (turn % 4 === 0) keys.removeRef(ref);
    else if (turn % 4 === 1) keys.clearExpiry(ref);
    else if (turn % 4 === 2) keys.relocate(ref);
    else cache.engine.swap(cache.spaces[0]!, cache.spaces[1]!);
    if (turn % 4 < 2) names.delete(other);
  }
  expect(cache.evict()).toBe('');
});

test('the limit counts blocks, index and expiry structures, exactly', () => {
  const cache = new Cache('allkeys-lru', 1);
  const { engine } = cache;
  const { evictor } = engine;
  expect(evictor.isOver(1e12)).toBe(false);
  for (let i = 0; i < 100; i++) cache.add(`k${i}`, 0, 2e12);
  evictor.limitBytes = engine.usedBytes;
  expect(evictor.isOver(0)).toBe(false);
  expect(evictor.isOver(1)).toBe(true);
  const before = engine.usedBytes;
  const growth = cache.spaces[0]!.growthBytes;
  const block = engine.recordBytes(cache.find('k1'));
  cache.add('k100');
  expect(engine.usedBytes).toBe(before + growth + block);
});

test('growthBytes foretells how the index grows', () => {
  const cache = new Cache('allkeys-lru', 1);
  const keys = cache.spaces[0]!;
  for (let i = 0; i < 300; i++) {
    const slots = keys.slotCount;
    const growth = keys.growthBytes;
    cache.add(`k${i}`);
    if (growth === 0) expect(keys.slotCount).toBeLessThanOrEqual(slots);
    else expect(keys.slotCount * 8).toBeGreaterThanOrEqual(growth);
  }
});
