import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes, equalBytes, Region } from './region.ts';

test('copies of all lengths at all alignments are the bytes that were there', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(9), fc.nat(9), (data, from, to) => {
      const source = Region.allocate(from + data.length + 8);
      source.bytes.set(data, from);
      const target = Region.allocate(to + data.length + 8);
      target.bytes.fill(0xaa);
      copyBytes(target, to, source, from, data.length);
      expect(target.bytes.slice(to, to + data.length)).toEqual(data);
      expect(target.bytes.slice(0, to).every((b) => b === 0xaa)).toBe(true);
      expect(target.bytes.slice(to + data.length).every((b) => b === 0xaa)).toBe(true);
      expect(equalBytes(source, from, target, to, data.length)).toBe(true);
    }),
  );
});

test('one differing byte anywhere is seen', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (data, place) => {
      const other = data.slice();
      other[place % data.length]! ^= 1;
      expect(equalBytes(Region.of(data), 0, Region.of(other), 0, data.length)).toBe(false);
    }),
  );
});
