import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { CasCounter } from './cas-counter.ts';
import { MemoryEngine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';

const KEY = Region.of('key');

function engineWith(): { engine: MemoryEngine; keys: Keyspace; other: Keyspace; hash: number } {
  const engine = new MemoryEngine({
    hashKey: new Uint8Array(16).fill(3),
    random: () => 0.5,
    segmentBits: 20,
  });
  const keys = engine.createKeyspace();
  const other = engine.createKeyspace();
  keys.carriesCas = true;
  return { engine, keys, other, hash: keys.hash(KEY, 0, 3) };
}

function insert(keys: Keyspace, hash: number, clientFlags = 0): number {
  return keys.insert(hash, KEY, 0, 3, 0, 0, Region.of('0123456789'), 0, 10, clientFlags);
}

const casOf = (keys: Keyspace, ref: number): string => `${keys.casHigh(ref)} ${keys.casLow(ref)}`;

test('the number goes on once it was used, over the end of its low half', () => {
  const counter = new CasCounter();
  counter.set(1, -1);
  counter.settle();
  expect([counter.high, counter.low]).toEqual([1, -1]);
  const region = Region.allocate(8);
  counter.stamp(region.view, 0);
  expect(region.view.getBigUint64(0, true)).toBe(0x1ffffffffn);
  counter.settle();
  counter.settle();
  expect([counter.high, counter.low]).toEqual([2, 0]);
});

test('changes of one effect share a number, the next effect has the next', () => {
  const { engine, keys, hash } = engineWith();
  let ref = insert(keys, hash, 9);
  expect(casOf(keys, ref)).toBe('0 1');
  engine.cas.settle();
  ref = keys.append(hash, ref, Region.of('xyz'), 0, 3);
  keys.setValueByte(ref, 0, 65);
  expect(casOf(keys, ref)).toBe('0 2');
  engine.cas.settle();
  keys.setExpiry(ref, 77);
  engine.cas.settle();
  expect(casOf(keys, ref)).toBe('0 2');
  expect(engine.clientFlags(ref)).toBe(9);
  ref = keys.replace(hash, ref, 0, 0, KEY, 0, 3);
  expect(casOf(keys, ref)).toBe('0 3');
  expect(engine.clientFlags(ref)).toBe(0);
});

test('a keyspace that carries none costs nothing; one that was given stays and is renewed', () => {
  const { engine, keys, other, hash } = engineWith();
  let ref = insert(other, hash);
  const plain = engine.recordBytes(ref);
  expect(engine.hasCas(ref)).toBe(false);
  expect(engine.recordBytes(insert(keys, hash))).toBe(plain + 8);
  engine.cas.settle();
  ref = other.setItemFields(hash, ref, -1, 5, 6);
  expect([casOf(other, ref), engine.clientFlags(ref)]).toEqual(['5 6', -1]);
  other.writeValue(ref, 2, KEY, 0, 3);
  expect(casOf(other, ref)).toBe('0 2');
  expect(Buffer.from(engine.copyValue(ref)).toString()).toBe('01key56789');
  engine.checkInvariants();
});

test('records that came by a swap have the number of the swap until they change', () => {
  const { engine, keys, other, hash } = engineWith();
  insert(other, hash);
  engine.swap(keys, other);
  const ref = keys.find(hash, KEY, 0, 3);
  expect([engine.hasCas(ref), casOf(keys, ref)]).toEqual([false, '0 1']);
  engine.cas.settle();
  keys.setExpiry(ref, 5);
  expect(casOf(keys, ref)).toBe('0 1');
  keys.setValueByte(ref, 0, 65); // no room for a number of its own: all of its kind have changed
  expect(casOf(keys, ref)).toBe('0 2');
  engine.cas.settle();
  const replaced = keys.replace(hash, ref, 0, 0, KEY, 0, 3);
  expect([engine.hasCas(replaced), casOf(keys, replaced)]).toEqual([true, '0 3']);
});

test('the fetched bit stays with the value', () => {
  const { engine, keys, hash } = engineWith();
  const ref = insert(keys, hash);
  expect(engine.isFetched(ref)).toBe(false);
  engine.markFetched(ref);
  expect(engine.isFetched(keys.relocate(ref))).toBe(true);
  const replaced = keys.replace(hash, keys.find(hash, KEY, 0, 3), 0, 0, KEY, 0, 3);
  expect(engine.isFetched(replaced)).toBe(false);
});
