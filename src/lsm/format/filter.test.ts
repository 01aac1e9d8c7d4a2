import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { filterHash, FilterBuilder, isFilter, mayContain } from './filter.ts';
import {
  isLevelDbFilter,
  LevelDbFilterBuilder,
  levelDbHash,
  levelDbMayContain,
} from './leveldb-filter.ts';

const hashOf = (key: string): number => {
  const region = Region.of(key);
  return filterHash(region, 0, region.bytes.length);
};

function filterOf(keys: readonly string[], bitsPerKey: number): Region {
  const builder = new FilterBuilder(bitsPerKey);
  for (const key of keys) builder.add(hashOf(key));
  expect(builder.keys).toBe(keys.length);
  const filter = builder.finish();
  expect(builder.sizeBytes).toBe(filter.bytes.length);
  return filter;
}

const contains = (filter: Region, key: string): boolean =>
  mayContain(filter, 0, filter.bytes.length, hashOf(key));

test('no key is denied', () => {
  const options = fc.integer({ min: 1, max: 30 });
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), options, (keys, bitsPerKey) => {
      const filter = filterOf(keys, bitsPerKey);
      expect(isFilter(filter, 0, filter.bytes.length)).toBe(true);
      for (const key of keys) expect(contains(filter, key)).toBe(true);
    }),
  );
});

for (const [bitsPerKey, percent] of [
  [5, 11],
  [10, 1.2],
  [16, 0.2],
] as const) {
  test(`${bitsPerKey} bits a key: at most ${percent} % false positives, also on decimal keys`, () => {
    const keys = Array.from({ length: 50_000 }, (_, i) => String(i * 2).padStart(16, '0'));
    const filter = filterOf(keys, bitsPerKey);
    let wrong = 0;
    for (let i = 0; i < 50_000; i++) {
      if (contains(filter, String(i * 2 + 1).padStart(16, '0'))) wrong++;
    }
    expect((wrong / 50_000) * 100).toBeLessThan(percent);
    expect(filter.bytes.length).toBeLessThan((50_000 * bitsPerKey) / 8 + 100);
  });
}

test('what is no filter is seen', () => {
  const filter = filterOf(['a'], 10);
  const { length } = filter.bytes;
  expect(isFilter(filter, 0, length - 1)).toBe(false);
  expect(isFilter(filter, 0, 8)).toBe(false);
  filter.bytes[length - 3] = 9;
  expect(isFilter(filter, 0, length)).toBe(false);
});

test("LevelDB's hash, by the vectors of its own test", () => {
  const hash = (...bytes: number[]): number =>
    levelDbHash(Region.of(Uint8Array.from(bytes)), 0, bytes.length) >>> 0;
  expect(hash()).toBe(0xbc9f1d34);
  expect(hash(0x62)).toBe(0xef1345c4);
  expect(hash(0xc3, 0x97)).toBe(0x5b663814);
  expect(hash(0xe2, 0x99, 0xa5)).toBe(0x323c078f);
  expect(hash(0xe1, 0x80, 0xb9, 0x32)).toBe(0xed21633a);
});

test("LevelDB's filter block: a filter for every 2 KiB, empty ones among them", () => {
  const builder = new LevelDbFilterBuilder();
  const blocks = [
    { offset: 0, keys: ['foo', 'bar'] },
    { offset: 1500, keys: ['baz'] },
    { offset: 9000, keys: ['qux', 'quux'] },
  ];
  for (const [i, { keys }] of blocks.entries()) {
    for (const key of keys) builder.add(Region.of(key), 0, key.length);
    builder.startBlock(blocks[i + 1]?.offset ?? 13_000);
  }
  const filter = builder.finish();
  const { length } = filter.bytes;
  expect(isLevelDbFilter(filter, 0, length)).toBe(true);
  const may = (offset: number, key: string): boolean =>
    levelDbMayContain(filter, 0, length, offset, levelDbHash(Region.of(key), 0, key.length));
  for (const { offset, keys } of blocks)
    for (const key of keys) expect(may(offset, key)).toBe(true);
  expect(['foo', 'qux', 'x', 'other'].filter((key) => may(5000, key))).toEqual([]);
  expect(['x', 'y', 'other', 'qux', 'quux'].filter((key) => may(0, key))).toEqual([]);
  expect(['foo', 'x', 'y'].filter((key) => may(9000, key))).toEqual([]);
  // Behind its end it says nothing.
  expect(may(100_000, 'anything')).toBe(true);
});

test("any bytes as LevelDB's filter block: an answer, within them", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(20_000),
      fc.nat(),
      (bytes, offset, hash) => {
        const region = Region.of(bytes);
        if (!isLevelDbFilter(region, 0, bytes.length)) return;
        expect(levelDbMayContain(region, 0, bytes.length, offset, hash)).toBeTypeOf('boolean');
      },
    ),
    { numRuns: 2000 },
  );
});
