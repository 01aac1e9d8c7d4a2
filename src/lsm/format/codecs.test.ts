import fc from 'fast-check';
import { compressBlock, decompressBlock } from 'lz4js';
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { Lz4Compressor, lz4Uncompress } from './lz4.ts';
import {
  BLOCK_SNAPPY,
  BlockCompressor,
  MALFORMED,
  plainLength,
  uncompressBlock,
} from './codecs.ts';

/** Bytes as blocks have them: repetitions near and far, runs, and noise. */
const contents: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.nat(400)).map(([b, n]) => new Uint8Array(n).fill(b)),
      fc.constantFrom('key:0000', '{"name":"', 'abc', 'abcdabcd').map((s) => Buffer.from(s)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

const GUARD = 0xa5;
const FRONT = 7;

/** A region with guards around `size` bytes. */
function guarded(size: number): Region {
  const region = Region.allocate(FRONT + size + 64);
  region.bytes.fill(GUARD);
  return region;
}

function isUntouchedAround(region: Region, size: number): boolean {
  const { bytes } = region;
  return (
    bytes.subarray(0, FRONT).every((b) => b === GUARD) &&
    bytes.subarray(FRONT + size).every((b) => b === GUARD)
  );
}

interface Codec {
  readonly name: string;
  compress(source: Region, start: number, end: number, target: Region, limit: number): number;
  uncompress(source: Region, end: number, target: Region, length: number): boolean;
  /** A library's, both ways, where the codec is ours. */
  theirCompress?(bytes: Uint8Array): Uint8Array;
  theirUncompress?(bytes: Uint8Array, length: number): Uint8Array;
}

const snappy = new BlockCompressor('snappy');
const lz4 = new Lz4Compressor();
const CODECS: readonly Codec[] = [
  {
    name: 'snappy',
    compress: (s, start, end, t, limit) => snappy.compress(s, start, end, t, FRONT, limit),
    uncompress: (s, end, t, length) =>
      plainLength(BLOCK_SNAPPY, s, FRONT, end) === length &&
      uncompressBlock(BLOCK_SNAPPY, s, FRONT, end, t, FRONT, length),
  },
  {
    name: 'lz4',
    compress: (s, start, end, t, limit) => lz4.compress(s, start, end, t, FRONT, limit),
    uncompress: (s, end, t, length) => lz4Uncompress(s, FRONT, end, t, FRONT, length),
    theirCompress: (bytes) => {
      const target = new Uint8Array(bytes.length * 2 + 64);
      const n = compressBlock(bytes, target, 0, bytes.length, new Uint32Array(65_536));
      return target.slice(0, n);
    },
    theirUncompress: (bytes, length) => {
      const target = new Uint8Array(length);
      return target.subarray(0, decompressBlock(bytes, target, 0, bytes.length, 0));
    },
  },
];

const lz4Codec = CODECS[1]!;

for (const codec of CODECS) {
  test(`${codec.name}: what was compressed comes back, here and in the library`, () => {
    fc.assert(
      fc.property(contents, fc.nat(20), (bytes, front) => {
        const source = Region.allocate(front + bytes.length + 8);
        source.bytes.set(bytes, front);
        const room = bytes.length * 2 + 64;
        const packed = guarded(room);
        const end = codec.compress(source, front, front + bytes.length, packed, FRONT + room);
        expect(end).toBeGreaterThan(0);
        expect(isUntouchedAround(packed, room)).toBe(true);
        const back = guarded(bytes.length);
        expect(codec.uncompress(packed, end, back, bytes.length)).toBe(true);
        expect(isUntouchedAround(back, bytes.length)).toBe(true);
        expect(back.bytes.subarray(FRONT, FRONT + bytes.length)).toEqual(bytes);
        const theirs = codec.theirUncompress?.(packed.bytes.slice(FRONT, end), bytes.length);
        if (theirs !== undefined) expect(new Uint8Array(theirs)).toEqual(bytes);
      }),
      { numRuns: 400 },
    );
  });

  test(`${codec.name}: compressing never leaves its limit`, () => {
    fc.assert(
      fc.property(contents, fc.nat(300), (bytes, room) => {
        const source = Region.of(bytes);
        const packed = guarded(room);
        const end = codec.compress(source, 0, bytes.length, packed, FRONT + room);
        expect(end).toBeLessThanOrEqual(FRONT + room);
        expect(isUntouchedAround(packed, room)).toBe(true);
      }),
    );
  });

  test(`${codec.name}: any bytes are uncompressed or refused, within the target`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(500), (bytes, length) => {
        const source = guarded(bytes.length);
        source.bytes.set(bytes, FRONT);
        const back = guarded(length);
        codec.uncompress(source, FRONT + bytes.length, back, length);
        expect(isUntouchedAround(back, length)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test(`${codec.name}: one flipped byte is refused or gives as many bytes`, () => {
    const bytes = Buffer.from('the quick brown fox, the quick brown dog, the lazy dog'.repeat(9));
    const source = Region.of(bytes);
    const packed = guarded(2000);
    const end = codec.compress(source, 0, bytes.length, packed, FRONT + 2000);
    let refused = 0;
    for (let at = FRONT; at < end; at++) {
      for (let bit = 0; bit < 8; bit++) {
        packed.bytes[at]! ^= 1 << bit;
        const back = guarded(bytes.length);
        if (!codec.uncompress(packed, end, back, bytes.length)) refused++;
        expect(isUntouchedAround(back, bytes.length)).toBe(true);
        packed.bytes[at]! ^= 1 << bit;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
}

test('lz4: what a library compressed comes back here', () => {
  fc.assert(
    fc.property(contents, (bytes) => {
      const packed = lz4Codec.theirCompress!(bytes);
      // The library makes nothing of what is too short to compress.
      if (packed.length === 0) return;
      const source = guarded(packed.length);
      source.bytes.set(packed, FRONT);
      const back = guarded(bytes.length);
      expect(lz4Codec.uncompress(source, FRONT + packed.length, back, bytes.length)).toBe(true);
      expect(back.bytes.subarray(FRONT, FRONT + bytes.length)).toEqual(bytes);
    }),
    { numRuns: 200 },
  );
});

test('snappy: a length that no input of this size can have is refused', () => {
  const claim = Region.of(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0));
  expect(plainLength(BLOCK_SNAPPY, claim, 0, 6)).toBe(MALFORMED);
  expect(plainLength(BLOCK_SNAPPY, Region.of(Uint8Array.of(5, 0)), 0, 2)).toBe(5);
});

test('long literals and matches: lengths of one to four bytes', () => {
  const noise = new Uint8Array(300_000).map((_, i) => (Math.imul(i, 0x9e3779b1) >>> 13) & 255);
  const bytes = new Uint8Array(noise.length + 200_000);
  bytes.set(noise);
  bytes.fill(7, noise.length);
  const source = Region.of(bytes);
  for (const codec of CODECS) {
    const packed = guarded(bytes.length * 2);
    const end = codec.compress(source, 0, bytes.length, packed, FRONT + bytes.length * 2);
    const back = guarded(bytes.length);
    expect(codec.uncompress(packed, end, back, bytes.length)).toBe(true);
    expect(Buffer.compare(back.bytes.subarray(FRONT, FRONT + bytes.length), bytes)).toBe(0);
  }
});
