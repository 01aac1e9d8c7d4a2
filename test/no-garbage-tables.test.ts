/**
 * The guard of the disk engine's read path, as no-garbage.test.ts is of the memory engine's: lookups that hit and that miss, seeks and scans of
 * tables, a million each with all blocks cached, cause no garbage collection.
 */
import { expect, test } from 'vitest';
import { Region } from '../src/bytes/region.ts';
import { SYNC, VALID } from '../src/lsm/cursor.ts';
import { filterHash } from '../src/lsm/format/filter.ts';
import { ABSENT, FOUND } from '../src/lsm/format/lookup.ts';
import { Opened, writeTable } from '../src/lsm/testing/table-entries.ts';
import { collectionsDuring } from './support/garbage.ts';

const KEYS = 20_000;
const KEY_BYTES = 16;
const NEWEST = 2 ** 53 - 1;

/** Keys one behind the other. */
function keysOf(number: (i: number) => number): Region {
  const text = Array.from({ length: KEYS }, (_, i) => String(number(i)).padStart(KEY_BYTES, '0'));
  return Region.of(text.join(''));
}

test('a million lookups, misses, seeks and moves each collect no garbage', async () => {
  const keys = keysOf((i) => i * 2);
  const missing = keysOf((i) => i * 2 + 1);
  const value = new Uint8Array(100);
  const entries = Array.from({ length: KEYS }, (_, i) => ({
    key: keys.bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES),
    sequence: i + 1,
    type: 1,
    value,
  }));
  const { table, lookup, cache } = new Opened(writeTable(entries).file, 16 << 20);
  const cursor = table.cursor(SYNC);

  const get = (region: Region, rounds: number, answer: number): void => {
    let wrong = 0;
    for (let n = 0; n < rounds; n++) {
      for (let at = 0; at < KEYS * KEY_BYTES; at += KEY_BYTES) {
        const hash = filterHash(region, at, at + KEY_BYTES);
        const found = table.get(region, at, at + KEY_BYTES, NEWEST, hash, SYNC, lookup);
        if (found !== answer) wrong++;
        lookup.release();
      }
    }
    expect(wrong).toBe(0);
  };
  const seek = (rounds: number): void => {
    for (let n = 0; n < rounds; n++) {
      for (let i = 0; i < KEYS; i++) {
        const at = ((i * 7919) % KEYS) * KEY_BYTES;
        cursor.seek(keys, at, at + KEY_BYTES, NEWEST);
        if (cursor.status !== VALID) throw new Error('not found');
      }
    }
  };
  const scan = (rounds: number): void => {
    let count = 0;
    for (let n = 0; n < rounds; n++) {
      for (cursor.first(); cursor.status === VALID; cursor.next()) count++;
      for (cursor.last(); cursor.status === VALID; cursor.previous()) count++;
    }
    expect(count).toBe(rounds * KEYS * 2);
  };
  // Lets the compiler see the code, and fills the cache.
  get(keys, 20, FOUND);
  get(missing, 20, ABSENT);
  seek(20);
  scan(20);
  expect(await collectionsDuring(() => get(keys, 50, FOUND))).toBe(0);
  expect(await collectionsDuring(() => get(missing, 50, ABSENT))).toBe(0);
  expect(await collectionsDuring(() => seek(50))).toBe(0);
  expect(await collectionsDuring(() => scan(50))).toBe(0);
  cursor.close();
  expect(cache.pinnedBytes()).toBe(0);
});
