/** SCAN's promise: what is there from the first step to the last is visited, whatever else comes, goes and moves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { SeededRandomness } from '../os/randomness.ts';
import { MemoryEngine } from './engine.ts';

test('keys that stay are visited, through growing, shrinking and moving', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), (seed, staying) => {
      const random = new SeededRandomness(seed);
      const engine = new MemoryEngine({
        hashKey: random.bytes(16),
        random: () => random.uniform(),
        segmentBits: 18,
      });
      const space = engine.createKeyspace();
      const add = (name: string): void => {
        const key = Region.of(name);
        space.insert(
          space.hash(key, 0, name.length),
          key,
          0,
          name.length,
          0,
          0,
          key,
          0,
          name.length,
        );
      };
      const remove = (name: string): void => {
        const key = Region.of(name);
        const hash = space.hash(key, 0, name.length);
        space.remove(hash, space.find(hash, key, 0, name.length));
      };
      for (let i = 0; i < staying; i++) add(`stay${i}`);
      const others: string[] = [];
      const seen = new Set<string>();
      let cursor = 0;
      let next = 0;
      do {
        cursor = space.scan(cursor, (ref) => seen.add(Buffer.from(engine.copyKey(ref)).toString()));
        // Waves of other keys make the index grow and shrink between the steps.
        const isGrowing = others.length < 1500 && random.uniform() < 0.5;
        for (let i = random.below(200); i > 0; i--) {
          if (isGrowing) {
            others.push(`other${next++}`);
            add(others.at(-1)!);
          } else if (others.length > 0) {
            remove(others.pop()!);
          }
        }
        if (random.uniform() < 0.1) engine.step(random.below(300));
      } while (cursor !== 0);
      for (let i = 0; i < staying; i++) expect(seen.has(`stay${i}`)).toBe(true);
      engine.checkInvariants();
    }),
    { numRuns: 12 },
  );
});
