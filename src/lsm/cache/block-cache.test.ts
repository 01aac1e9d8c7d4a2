import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockCache, HIGH, LOW } from './block-cache.ts';
import { MemoryBudget } from './memory-budget.ts';

/** Fills the slot with what tells one block from all others. */
function fill(cache: BlockCache, slot: number, file: number, offset: number): void {
  const { bytes } = cache.region(slot);
  const start = cache.start(slot);
  bytes.fill((file * 31 + offset * 7) & 255, start, start + cache.length(slot));
}

function isWhole(cache: BlockCache, slot: number, file: number, offset: number): boolean {
  const start = cache.start(slot);
  const bytes = cache.region(slot).bytes.subarray(start, start + cache.length(slot));
  return bytes.every((b) => b === ((file * 31 + offset * 7) & 255));
}

function add(cache: BlockCache, file: number, offset: number, size: number, priority = LOW): void {
  const slot = cache.reserve(size, priority);
  fill(cache, slot, file, offset);
  cache.publish(slot, file, offset);
  cache.release(slot);
}

test('what was published is found, pinned, and forgotten with its file', () => {
  const cache = new BlockCache({ capacityBytes: 1 << 20 });
  add(cache, 1, 0, 4096);
  add(cache, 1, 4101, 4096);
  add(cache, 2, 0, 100);
  const slot = cache.acquire(1, 4101);
  expect(isWhole(cache, slot, 1, 4101)).toBe(true);
  expect(cache.acquire(3, 0)).toBe(-1);
  expect(cache.pinnedBytes()).toBe(4096);
  cache.eraseFile(1);
  expect(cache.acquire(1, 4101)).toBe(-1);
  expect(isWhole(cache, slot, 1, 4101)).toBe(true);
  cache.release(slot);
  expect(cache.usedBytes).toBe(128);
  expect([cache.hits, cache.misses]).toEqual([1, 2]);
});

test('what is used stays, what is not goes, and more so with high priority', () => {
  const cache = new BlockCache({ capacityBytes: 64 * 4096 });
  add(cache, 9, 0, 4096, HIGH);
  for (let offset = 0; offset < 40; offset++) add(cache, 1, offset, 4096);
  for (let round = 0; round < 30; round++) {
    const hot = cache.acquire(1, 3);
    expect(hot).not.toBe(-1);
    cache.release(hot);
    for (let i = 0; i < 40; i++) add(cache, 2, round * 40 + i, 4096);
    if (round < 3) expect(cache.peek(-1, 9, 0)).not.toBe(-1);
  }
  expect(cache.acquire(1, 4)).toBe(-1);
  expect(cache.usedBytes).toBeLessThanOrEqual(64 * 4096);
});

test('a pinned block is never overwritten; what finds no room lies apart', () => {
  const cache = new BlockCache({ capacityBytes: 16 * 4096 });
  const pinned: number[] = [];
  for (let i = 0; i < 20; i++) {
    const slot = cache.reserve(4096, LOW);
    fill(cache, slot, 1, i);
    cache.publish(slot, 1, i);
    pinned.push(slot);
  }
  expect(cache.overflowBytes).toBe(4 * 4096);
  expect(pinned.every((slot, i) => isWhole(cache, slot, 1, i))).toBe(true);
  for (const slot of pinned) cache.release(slot);
  expect(cache.overflowBytes).toBeLessThanOrEqual(4 * 4096);
  expect(cache.pinnedBytes()).toBe(0);
  add(cache, 2, 0, 4096);
  expect(cache.overflowBytes + cache.usedBytes).toBeLessThanOrEqual(20 * 4096);
});

test('a block larger than half a segment is kept within its share', () => {
  const cache = new BlockCache({ capacityBytes: 1 << 20, segmentBytes: 1 << 16 });
  add(cache, 1, 0, 100_000);
  expect(cache.acquire(1, 0)).not.toBe(-1);
  add(cache, 1, 1, 900_000);
  expect(cache.acquire(1, 1)).toBe(-1);
});

test('what many need and is too large for a segment stays until room is made', () => {
  const cache = new BlockCache({ capacityBytes: 1 << 16 });
  add(cache, 1, 0, 50_000, HIGH);
  for (let i = 0; i < 20; i++) add(cache, 2, i, 4096);
  const slot = cache.peek(-1, 1, 0);
  expect(isWhole(cache, slot, 1, 0)).toBe(true);
  add(cache, 1, 1, 50_000, HIGH);
  expect(cache.peek(slot, 1, 0)).toBe(-1);
  expect(cache.peek(slot, 1, 1)).toBeGreaterThanOrEqual(0);
  expect(cache.overflowBytes).toBeLessThan(60_000);
});

test('two loads of the same block: the first published one is found', () => {
  const cache = new BlockCache({ capacityBytes: 1 << 20 });
  const a = cache.reserve(10, LOW);
  const b = cache.reserve(10, LOW);
  cache.publish(a, 1, 1);
  cache.publish(b, 1, 1);
  cache.release(b);
  cache.release(a);
  expect(cache.acquire(1, 1)).toBe(a);
  expect(cache.entries).toBe(1);
  expect(cache.usedBytes).toBe(64);
});

test('memory comes from the budget, and goes back to it', () => {
  const budget = new MemoryBudget(3 << 16);
  const cache = new BlockCache({ capacityBytes: 8 << 16, segmentBytes: 1 << 16, budget });
  for (let i = 0; i < 200; i++) add(cache, 1, i, 4096);
  expect(cache.reservedBytes).toBe(3 << 16);
  expect(budget.usedBytes).toBe(3 << 16);
  cache.close();
  expect(budget.usedBytes).toBe(0);
});

test('segments are given back, but for the last and for those with something pinned', () => {
  const budget = new MemoryBudget(4 << 16);
  const cache = new BlockCache({ capacityBytes: 4 << 16, segmentBytes: 1 << 16, budget });
  for (let i = 0; i < 64; i++) add(cache, 1, i, 4096);
  const slot = cache.acquire(1, 20);
  expect(cache.shrink()).toBe(true);
  expect(cache.shrink()).toBe(true);
  expect(budget.usedBytes).toBe(2 << 16);
  for (let i = 0; i < 64; i++) add(cache, 2, i, 4096);
  expect(budget.usedBytes).toBe(4 << 16);
  while (cache.shrink()) cache.checkInvariants();
  expect(budget.usedBytes).toBe(1 << 16);
  expect(isWhole(cache, slot, 1, 20)).toBe(true);
  cache.release(slot);
  expect(cache.shrink()).toBe(false);
  cache.close();
  expect(budget.usedBytes).toBe(0);
});

test('against a model: nothing pinned changes, counts are exact, memory is bounded', () => {
  const step = fc.record({
    action: fc.nat(10),
    file: fc.nat(4),
    offset: fc.nat(30),
    size: fc.oneof(fc.nat(300), fc.nat(5000), fc.nat(20_000)),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
      const cache = new BlockCache({ capacityBytes: 65_536, segmentBytes: 16_384 });
      const pinned: { slot: number; file: number; offset: number }[] = [];
      const sizes = new Map<string, number>();
      for (const { action, file, offset, size } of steps) {
        const name = `${file}/${offset}`;
        if (action < 7) {
          let slot = cache.acquire(file, offset);
          if (slot === -1) {
            slot = cache.reserve(size, action & 1);
            fill(cache, slot, file, offset);
            cache.publish(slot, file, offset);
            sizes.set(name, size);
          }
          expect(cache.length(slot)).toBe(sizes.get(name));
          pinned.push({ slot, file, offset });
        } else if (action === 7) cache.eraseFile(file);
        else if (action === 9) cache.eraseFiles((other) => other > file);
        else if (action === 10) {
          const before = cache.reservedBytes;
          const isSmaller = cache.shrink();
          expect(before - cache.reservedBytes).toBe(isSmaller ? 16_384 : 0);
        }
        if (pinned.length > 8 || action === 8) {
          const first = pinned.shift();
          if (first !== undefined) cache.release(first.slot);
        }
        for (const p of pinned) expect(isWhole(cache, p.slot, p.file, p.offset)).toBe(true);
        expect(cache.usedBytes).toBeLessThanOrEqual(65_536);
        cache.checkInvariants();
      }
      for (const p of pinned) cache.release(p.slot);
      expect(cache.pinnedBytes()).toBe(0);
      for (let file = 0; file < 5; file++) cache.eraseFile(file);
      expect([cache.usedBytes, cache.overflowBytes, cache.entries]).toEqual([0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});
