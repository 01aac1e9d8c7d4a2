import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { BlockBuilder } from '../format/block-builder.ts';
import { BlockWalk } from './block-walk.ts';

const keys = ['apple', 'apply', 'banana', 'band', 'bandana'];

function block(interval: number): BlockBuilder {
  const builder = new BlockBuilder(interval);
  let before = '';
  for (const text of keys) {
    let prefix = 0;
    while (prefix < before.length && before[prefix] === text[prefix]) prefix++;
    builder.add(Region.of(text), 0, text.length, prefix, 0x101, 0, Region.of('v'), 0, 1);
    before = text;
  }
  builder.finish();
  return builder;
}

test('all entries of a block, whole', () => {
  for (const interval of [1, 2, 3, 16]) {
    const { region, end } = block(interval);
    const walk = new BlockWalk();
    expect(walk.open(region, 0, end)).toBe(true);
    const found: string[] = [];
    while (walk.next()) {
      found.push(Buffer.from(walk.keyBytes().subarray(0, -8)).toString());
      expect(walk.valueEnd - walk.valueStart).toBe(1);
    }
    expect(walk.problem).toBe('');
    expect(found).toEqual(keys);
    expect(walk.restarts).toBe(Math.ceil(keys.length / interval));
  }
});

test('an empty block has no entries and no problem', () => {
  const builder = new BlockBuilder(16);
  builder.finish();
  const walk = new BlockWalk();
  walk.open(builder.region, 0, builder.end);
  expect(walk.next()).toBe(false);
  expect(walk.problem).toBe('');
});

test('what does not fit is named, with its place', () => {
  const walkOf = (change: (bytes: Uint8Array, end: number) => void): string => {
    const { region, end } = block(2);
    const copy = Region.of(region.bytes.slice(0, end));
    change(copy.bytes, end);
    const walk = new BlockWalk();
    walk.open(copy, 0, end);
    while (walk.next());
    return `${walk.problemAt}: ${walk.problem}`;
  };
  expect(walkOf((bytes) => (bytes[0] = 1))).toBe(
    '0: a key that shares more than the key before has',
  );
  expect(walkOf((bytes) => (bytes[1] = 200))).toContain('an entry');
  expect(walkOf((bytes, end) => (bytes[end - 4] = 0))).toContain('0 restart points');
  expect(walkOf((bytes, end) => (bytes[end - 12]! += 1))).toContain('a restart point');
  expect(walkOf((bytes, end) => (bytes[end - 16] = 1))).toContain('the first restart point');
});

test('any bytes end, within their bounds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const region = Region.of(bytes);
      const walk = new BlockWalk();
      walk.open(region, 0, bytes.length);
      let entries = 0;
      while (walk.next()) {
        entries++;
        expect(walk.valueEnd).toBeLessThanOrEqual(bytes.length);
      }
      expect(entries).toBeLessThanOrEqual(bytes.length / 3);
      expect(walk.next()).toBe(false);
    }),
  );
});
