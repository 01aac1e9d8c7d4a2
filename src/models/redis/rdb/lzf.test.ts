import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../../../bytes/region.ts';
import { LzfCompressor, lzfDecompress } from './lzf.ts';

function roundTrip(compressor: LzfCompressor, input: Uint8Array): number {
  const target = Region.allocate(input.length + 100);
  const padded = Region.allocate(input.length + 7);
  padded.bytes.set(input, 7);
  const limit = input.length + 50;
  const size = compressor.compress(padded.bytes, 7, 7 + input.length, target.bytes, 3, limit);
  if (size === 0) return 0;
  const output = Region.allocate(input.length + 1);
  expect(lzfDecompress(target, 3, 3 + size, output, input.length)).toBe(true);
  expect(Buffer.from(output.bytes.subarray(0, input.length)).equals(input)).toBe(true);
  return size;
}

test('what was compressed comes back, one compressor after the other', () => {
  const compressor = new LzfCompressor();
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.nat(400)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(60))
        .map(([unit, n]) => Buffer.concat(Array.from({ length: n }, () => unit))),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const input = Buffer.concat(parts);
      if (input.length > 0) expect(roundTrip(compressor, input)).toBeGreaterThan(0);
    }),
    { numRuns: 400 },
  );
});

test('repeats shrink, also far back, but not beyond 8 KiB', () => {
  const compressor = new LzfCompressor();
  expect(roundTrip(compressor, new Uint8Array(65536).fill(97))).toBeLessThan(800);
  const noise = Uint8Array.from({ length: 300 }, (_, i) => (i * 167 + (i >> 3) * 31) & 255);
  const near = Buffer.concat([noise, new Uint8Array(7800), noise]);
  const far = Buffer.concat([noise, new Uint8Array(8300), noise]);
  expect(roundTrip(compressor, near)).toBeLessThan(roundTrip(compressor, far) - 200);
});

test('gives up at the limit', () => {
  const compressor = new LzfCompressor();
  const input = Uint8Array.from({ length: 200 }, (_, i) => (i * i * 31 + i * 7) & 255);
  const target = new Uint8Array(300).fill(170);
  expect(compressor.compress(input, 0, 200, target, 0, 100)).toBe(0);
  expect(target.subarray(101).every((byte) => byte === 170)).toBe(true);
});

test('damaged input is refused, never read or written beyond', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(300), (bytes, length) => {
      const source = Region.of(bytes);
      const target = Region.allocate(length + 8);
      target.bytes.fill(7);
      const isWhole = lzfDecompress(source, 0, bytes.length, target, length);
      expect(typeof isWhole).toBe('boolean');
      expect(target.bytes.subarray(length).every((byte) => byte === 7)).toBe(true);
    }),
    { numRuns: 1000 },
  );
  const one = Region.of(new Uint8Array([0x20, 0]));
  expect(lzfDecompress(one, 0, 2, Region.allocate(8), 3)).toBe(false);
});
