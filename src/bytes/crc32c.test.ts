import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, maskCrc, unmaskCrc } from './crc32c.ts';
import { Region } from './region.ts';

const crcOf = (bytes: Uint8Array): number => crc32c(Region.of(bytes), 0, bytes.length);

test('the vectors of RFC 3720', () => {
  expect(crcOf(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crcOf(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crcOf(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crcOf(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crcOf(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
});

test('any bytes, in one piece and in two, against bit by bit', () => {
  const slow = (bytes: Uint8Array): number => {
    let c = 0xffffffff;
    for (const byte of bytes) {
      c ^= byte;
      for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    }
    return ~c >>> 0;
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const region = Region.of(bytes);
      const middle = Math.min(at, bytes.length);
      expect(crcOf(bytes)).toBe(slow(bytes));
      const first = crc32c(region, 0, middle);
      expect(crc32c(region, middle, bytes.length, first)).toBe(slow(bytes));
    }),
    { numRuns: 1000 },
  );
});

test('long stretches, which WebAssembly sums, are summed as their short pieces are', () => {
  const bytes = Uint8Array.from({ length: 400_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const region = Region.of(bytes);
  for (const [start, end] of [
    [0, 320],
    [1, 322],
    [3, 4096 + 5],
    [0, 2047],
    [0, 2048],
    [5, 2048 + 5],
    [0, 2064],
    [16, 2624],
    [0, 2640],
    [1, 4096 - 15],
    [0, 114_688],
    [7, 114_704],
    [100, 400_000],
  ] as const) {
    let crc = 0;
    for (let at = start; at < end; at += 100)
      crc = crc32c(region, at, Math.min(end, at + 100), crc);
    expect(crc32c(region, start, end)).toBe(crc);
    const middle = start + 301;
    expect(crc32c(region, middle, end, crc32c(region, start, middle))).toBe(crc);
  }
});

test('a masked checksum is another one, and comes back', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (crc) => {
      expect(maskCrc(crc)).not.toBe(crc);
      expect(unmaskCrc(maskCrc(crc))).toBe(crc);
    }),
  );
  expect(maskCrc(crcOf(Buffer.from('foo')))).toBe(0xfebe8a61);
});
