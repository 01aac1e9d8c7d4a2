import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { SeededRandomness } from '../os/randomness.ts';
import { MemoryEngine } from './engine.ts';
import { IndexTable } from './index-table.ts';
import { halfSipHash } from './siphash.ts';

/** The 31-multiplier hash of many a hash table: what an attacker aims at. */
function weakHash(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return hash;
}

/** 2^bits keys with one and the same weak hash: 'Aa' and 'BB' collide, hence so do all strings made of them. */
function collidingKeys(bits: number): string[] {
  return Array.from({ length: 2 ** bits }, (_, i) => {
    let key = '';
    for (let b = 0; b < bits; b++) key += (i >> b) & 1 ? 'Aa' : 'BB';
    return key;
  });
}

/** Slots looked at to find each key again. */
function probes(keys: readonly string[], k0: number, k1: number): number {
  const table = new IndexTable(keys.length * 2);
  const hashes = keys.map((key) => halfSipHash(Region.of(key), 0, key.length, k0, k1));
  for (const [i, hash] of hashes.entries()) table.add(hash, i + 1);
  let total = 0;
  for (const [i, hash] of hashes.entries()) {
    total += ((table.slotOf(hash, i + 1) - (hash & table.mask)) & table.mask) + 1;
  }
  return total;
}

test('32768 keys chosen to collide under a hash without a key are spread like any others', () => {
  const keys = collidingKeys(15);
  expect(new Set(keys.map(weakHash)).size).toBe(1);
  expect(new Set(keys).size).toBe(keys.length);
  // Half-full linear probing needs 1.5 probes a hit on average; a collision attack would need 16384.
  expect(probes(keys, 0x12345678, 0x0abcdef0)).toBeLessThan(keys.length * 2);
});

test('another key gives another layout: what collides on one server does not on the next', () => {
  const keys = collidingKeys(10);
  const hash = (key: string, k0: number): number =>
    halfSipHash(Region.of(key), 0, key.length, k0, 99);
  const same = keys.filter((key) => (hash(key, 1) & 1023) === (hash(key, 2) & 1023));
  expect(same.length).toBeLessThan(20);
});

test('HalfSipHash of inputs of all lengths differs with every byte and with the length', () => {
  const seen = new Set<number>();
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
  for (let length = 0; length <= 64; length++) {
    seen.add(halfSipHash(Region.of(bytes), 0, length, 7, 8));
    for (let i = 0; i < length; i++) {
      const changed = bytes.slice(0, length);
      changed[i]! ^= 0x80;
      seen.add(halfSipHash(Region.of(changed), 0, length, 7, 8));
    }
  }
  expect(seen.size).toBeGreaterThan(65 + (64 * 65) / 2 - 3);
});

test('memory a key: 16-byte keys, 64-byte values, at the load of a million keys', () => {
  // 125 000 keys fill a table of 262 144 slots as a million fill one of 2 097 152.
  const random = new SeededRandomness(1);
  const engine = new MemoryEngine({ hashKey: random.bytes(16), random: () => random.uniform() });
  const keyspace = engine.createKeyspace();
  const count = 125_000;
  const value = Region.of('x'.repeat(64));
  for (let i = 0; i < count; i++) {
    const key = Region.of(`key:${String(i).padStart(12, '0')}`);
    keyspace.insert(keyspace.hash(key, 0, 16), key, 0, 16, 0, 0, value, 0, 64);
  }
  while (engine.step(1000));
  expect(engine.usedBytes / count).toBeLessThan(114);
  keyspace.forEach((ref) => keyspace.setExpiry(ref, 1e12));
  expect(engine.usedBytes / count).toBeLessThan(126);
  keyspace.clear(true);
  expect(engine.usedBytes).toBe(0);
});
