/** Looking ahead changes nothing of what is found: not while the index is resized, and not when keys come and go in between. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { SeededRandomness } from '../os/randomness.ts';
import { MemoryEngine } from './engine.ts';
import { LOOK_AHEAD_KEYS } from './limits.ts';
import { LookAhead } from './look-ahead.ts';

const KEY_BYTES = 4;

function nameOf(key: number): string {
  return `k${String(key).padStart(KEY_BYTES - 1, '0')}`;
}

test('a key that was looked at ahead is found as any other', () => {
  const keysOf = fc.array(fc.nat(400), { minLength: 1, maxLength: LOOK_AHEAD_KEYS });
  fc.assert(
    fc.property(fc.nat(), fc.array(keysOf, { maxLength: 60 }), (seed, rounds) => {
      const random = new SeededRandomness(seed);
      const engine = new MemoryEngine({
        hashKey: random.bytes(16),
        random: () => random.uniform(),
        segmentBits: 18,
      });
      const space = engine.createKeyspace();
      const ahead = new LookAhead(space);
      const model = new Set<number>();
      for (const keys of rounds) {
        const region = Region.of(keys.map(nameOf).join(''));
        ahead.begin(region);
        // Some are left out: they are hashed when they are asked for.
        keys.forEach((_key, i) => {
          if (random.uniform() < 0.9) ahead.add(i * KEY_BYTES, (i + 1) * KEY_BYTES);
        });
        ahead.warm();
        keys.forEach((key, i) => {
          const start = i * KEY_BYTES;
          const end = start + KEY_BYTES;
          const hash = ahead.hash(region, start, end);
          expect(hash).toBe(space.hash(region, start, end));
          const ref = space.find(hash, region, start, end);
          expect(ref !== 0).toBe(model.has(key));
          if (ref === 0) {
            space.insert(hash, region, start, end, 0, 0, region, start, end);
            model.add(key);
          } else if (random.uniform() < 0.3) {
            space.remove(hash, ref);
            model.delete(key);
          }
        });
        engine.checkInvariants();
      }
    }),
    { numRuns: 100 },
  );
});

test('what was looked at ahead says nothing of other bytes', () => {
  const engine = new MemoryEngine({ hashKey: new Uint8Array(16), random: () => 0.5 });
  const space = engine.createKeyspace();
  const ahead = new LookAhead(space);
  const region = Region.of('abcdefgh');
  ahead.warm();
  ahead.begin(region);
  ahead.add(0, 4);
  ahead.add(4, 8);
  const other = Region.of('efghabcd');
  expect(ahead.hash(other, 0, 4)).toBe(space.hash(region, 4, 8));
  expect(ahead.hash(region, 0, 3)).toBe(space.hash(region, 0, 3));
  expect(ahead.hash(region, 0, 4)).toBe(space.hash(region, 0, 4));
  ahead.end();
  region.bytes.set(Buffer.from('ijklmnop'));
  expect(ahead.hash(region, 4, 8)).toBe(space.hash(Region.of('mnop'), 0, 4));
});

test('it says when it takes no more', () => {
  const engine = new MemoryEngine({ hashKey: new Uint8Array(16), random: () => 0.5 });
  const ahead = new LookAhead(engine.createKeyspace());
  ahead.begin(Region.of('key'));
  for (let i = 0; i < LOOK_AHEAD_KEYS; i++) {
    expect(ahead.isFull).toBe(false);
    ahead.add(0, 3);
  }
  expect(ahead.isFull).toBe(true);
});
