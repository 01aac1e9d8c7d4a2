import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonPrefix, compareBytes } from './compare.ts';
import { Region } from './region.ts';

/** Two strings that are alike for long, at odd places of their regions. */
const pairs = fc
  .record({
    common: fc.uint8Array({ maxLength: 20 }),
    a: fc.array(fc.constantFrom(0, 1, 127, 128, 255), { maxLength: 6 }),
    b: fc.array(fc.constantFrom(0, 1, 127, 128, 255), { maxLength: 6 }),
    aFront: fc.nat(5),
    bFront: fc.nat(5),
  })
  .map(({ common, a, b, aFront, bFront }) => ({
    a: Uint8Array.from([...common, ...a]),
    b: Uint8Array.from([...common, ...b]),
    aFront,
    bFront,
  }));

function placed(bytes: Uint8Array, front: number): Region {
  const region = Region.allocate(front + bytes.length + 3);
  region.bytes.fill(7);
  region.bytes.set(bytes, front);
  return region;
}

test('order and common prefix, against a loop over bytes', () => {
  fc.assert(
    fc.property(pairs, ({ a, b, aFront, bFront }) => {
      const ra = placed(a, aFront);
      const rb = placed(b, bFront);
      const aEnd = aFront + a.length;
      const bEnd = bFront + b.length;
      const order = compareBytes(ra, aFront, aEnd, rb, bFront, bEnd);
      expect(Math.sign(order)).toBe(Buffer.compare(a, b));
      let common = 0;
      while (common < Math.min(a.length, b.length) && a[common] === b[common]) common++;
      expect(commonPrefix(ra, aFront, aEnd, rb, bFront, bEnd)).toBe(common);
    }),
    { numRuns: 2000 },
  );
});
