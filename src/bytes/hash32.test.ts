import { expect, test } from 'vitest';
import { hash32 } from './hash32.ts';
import { Region } from './region.ts';

const hashOf = (text: string): number => {
  const region = Region.of(text);
  return hash32(region, 0, region.bytes.length);
};

test('the hash is what files hold: it never changes', () => {
  expect(
    ['', 'a', 'abc', 'abcd', 'abcdefg', 'abcdefgh', 'abcdefghijk', 'key:0000000042'].map(hashOf),
  ).toMatchInlineSnapshot(`
    [
      -774302683,
      1628749470,
      273201712,
      -1429799465,
      2100169389,
      -1299346714,
      -1588232588,
      -2147360907,
    ]
  `);
});

test('where the bytes lie does not matter', () => {
  const region = Region.of('...key:12345...');
  expect(hash32(region, 3, 12)).toBe(hashOf('key:12345'));
});

/** Keys that people have, 200 000 of each kind. */
const KINDS: Readonly<Record<string, (i: number) => string>> = {
  decimal: (i) => String(i).padStart(16, '0'),
  short: (i) => String(i),
  prefixed: (i) => `user:${i}:profile`,
  binary: (i) => String.fromCharCode(i & 255, (i >>> 8) & 255, (i >>> 16) & 255, 0, 0, 0, 0, 0),
  stepped: (i) => String(i * 4096).padStart(12, '0'),
};

for (const [kind, key] of Object.entries(KINDS)) {
  test(`${kind} keys: few collisions, every bit even, no matter which`, () => {
    const count = 200_000;
    const seen = new Set<number>();
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < count; i++) {
      const hash = hashOf(key(i));
      seen.add(hash);
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (hash >>> bit) & 1;
    }
    // n^2 / 2^33 = 4.7 are expected of chance.
    expect(count - seen.size).toBeLessThan(20);
    for (const n of ones) expect(Math.abs(n / count - 0.5)).toBeLessThan(0.01);
  });
}
