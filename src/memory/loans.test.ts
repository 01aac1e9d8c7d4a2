import { describe, expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { MemoryEngine } from './engine.ts';
import { EngineFullError } from './errors.ts';
import type { Keyspace } from './keyspace.ts';
import { StagedValue } from './staged-value.ts';

const VALUE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));

class Fixture {
  readonly engine: MemoryEngine;
  readonly a: Keyspace;
  readonly b: Keyspace;
  ref = 0;
  readonly hash: number;
  readonly key: Region = Region.of('key');

  constructor(maxBytes?: number) {
    this.engine = new MemoryEngine({
      hashKey: new Uint8Array(16),
      random: () => 0.5,
      segmentBits: 20,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
    this.a = this.engine.createKeyspace();
    this.b = this.engine.createKeyspace();
    this.hash = this.a.hash(this.key, 0, 3);
  }

  insert(): void {
    const value = Region.of(VALUE);
    this.ref = this.a.insert(this.hash, this.key, 0, 3, 0, 0, value, 0, VALUE.length);
  }
}

const CHANGES: Readonly<Record<string, (f: Fixture) => void>> = {
  nothing: () => {},
  setValueByte: (f) => f.a.setValueByte(f.ref, 250_000, 0),
  writeValue: (f) => f.a.writeValue(f.ref, 200_000, Region.of(Buffer.alloc(90_000)), 0, 90_000),
  append: (f) => void f.a.append(f.hash, f.ref, Region.of(Buffer.alloc(90_000)), 0, 90_000),
  shorter: (f) => void f.a.resizeValue(f.hash, f.ref, 150_000),
  'short enough for a block': (f) => void f.a.resizeValue(f.hash, f.ref, 10),
  replace: (f) => void f.a.replace(f.hash, f.ref, 0, 0, Region.of('short'), 0, 5),
  remove: (f) => f.a.remove(f.hash, f.ref),
  'remove and reuse': (f) => {
    f.a.remove(f.hash, f.ref);
    f.insert();
    f.a.writeValue(f.ref, 0, Region.of(Buffer.alloc(300_000)), 0, 300_000);
  },
  rename: (f) => {
    const other = Region.of('other');
    f.ref = f.a.rename(f.hash, f.ref, f.a.hash(other, 0, 5), other, 0, 5);
    f.a.setValueByte(f.ref, 250_000, 0);
  },
  'moveTo, and removed there': (f) => f.b.remove(f.hash, f.a.moveTo(f.hash, f.ref, f.b)),
  relocate: (f) => {
    f.ref = f.a.relocate(f.ref);
    f.a.setValueByte(f.ref, 250_000, 0);
  },
  setExpiry: (f) => f.a.setExpiry(f.ref, 5),
  clear: (f) => f.a.clear(true),
  swap: (f) => {
    f.engine.swap(f.a, f.b);
    f.b.remove(f.hash, f.ref);
  },
};

describe('a loan reads what was lent', () => {
  test.each(Object.keys(CHANGES))('%s', (name) => {
    const f = new Fixture();
    f.insert();
    const loans = [f.engine.loans.lend(f.ref, 0, 300_000), f.engine.loans.lend(f.ref, 7, 260_000)];
    let own = 0;
    for (const loan of loans) loan.onOwn = () => own++;
    const target = Region.allocate(300_000);
    loans[0]!.read(target, 0, 100_000);
    CHANGES[name]!(f);
    while (f.engine.step(100));
    f.engine.checkInvariants();
    while (loans[0]!.left > 0) {
      loans[0]!.read(target, 300_000 - loans[0]!.left, Math.min(50_001, loans[0]!.left));
    }
    expect(Buffer.compare(target.bytes, VALUE)).toBe(0);
    loans[1]!.read(target, 0, 259_993);
    expect(Buffer.compare(target.bytes.subarray(0, 259_993), VALUE.subarray(7, 260_000))).toBe(0);
    const isLeftAlone = ['nothing', 'setExpiry'].includes(name);
    expect([own, loans[0]!.isOwn]).toEqual(isLeftAlone ? [0, false] : [2, true]);
    for (const loan of loans) loan.release();
    loans[0]!.release();
    f.a.clear(true);
    f.b.clear(true);
    while (f.engine.step(100));
    expect([f.engine.usedBytes, f.engine.loans.size]).toEqual([0, 0]);
    f.engine.checkInvariants();
  });
});

describe('a staged value', () => {
  test('is counted while it arrives, then is the record and nobody else', () => {
    const f = new Fixture();
    const staged = new StagedValue(f.engine);
    staged.append(Region.of(VALUE), 0, 200_000);
    expect([staged.length, staged.bytes]).toEqual([200_000, 4 * 65_536]);
    staged.append(Region.of(VALUE), 200_000, 300_000);
    f.engine.checkInvariants();
    const ref = f.a.insertStaged(f.hash, f.key, 0, 3, 1, 2, staged);
    expect([f.engine.stagedBytes, staged.bytes, staged.isTaken]).toEqual([0, 0, true]);
    expect([f.engine.type(ref), f.engine.encoding(ref)]).toEqual([1, 2]);
    expect(Buffer.compare(f.engine.copyValue(ref), VALUE)).toBe(0);
    const read = Buffer.alloc(staged.length);
    let at = 0;
    staged.each(0, staged.length, (region, start, end) => {
      read.set(region.bytes.subarray(start, end), at);
      at += end - start;
    });
    expect(Buffer.compare(read, VALUE)).toBe(0);
    staged.free(); // is the record's
    f.engine.checkInvariants();
    expect(Buffer.compare(f.engine.copyValue(ref), VALUE)).toBe(0);
  });

  test('that does not fit the engine leaves it as it was', () => {
    const f = new Fixture(8 * 262_144);
    f.insert();
    const staged = new StagedValue(f.engine);
    const fill = (): void => {
      for (;;) staged.append(Region.of(VALUE), 0, VALUE.length);
    };
    expect(fill).toThrow(EngineFullError);
    f.engine.checkInvariants();
    expect(() => f.a.replaceStaged(f.hash, f.ref, 0, 0, staged)).toThrow(EngineFullError);
    expect(Buffer.compare(f.engine.copyValue(f.ref), VALUE)).toBe(0);
    staged.free();
    f.engine.checkInvariants();
    expect(f.engine.stagedBytes).toBe(0);
  });

  test('that is short is refused', () => {
    const f = new Fixture();
    const staged = new StagedValue(f.engine);
    staged.append(Region.of(VALUE), 0, 1000);
    expect(() => f.a.insertStaged(f.hash, f.key, 0, 3, 0, 0, staged)).toThrow(TypeError);
    staged.free();
    f.engine.checkInvariants();
  });
});

test('loans of a record that changes share what they have not read', () => {
  const f = new Fixture();
  f.insert();
  const before = process.memoryUsage().arrayBuffers;
  const loans = Array.from({ length: 1000 }, (_, i) => {
    const loan = f.engine.loans.lend(f.ref, i * 100, 300_000 - i);
    loan.read(Region.allocate(i), 0, i);
    return loan;
  });
  const told: number[] = [];
  for (const [i, loan] of loans.entries()) loan.onOwn = () => told.push(i);
  f.a.setValueByte(f.ref, 299_999, 0);
  f.a.setValueByte(f.ref, 0, 0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  expect(told).toHaveLength(1000);
  for (const [i, loan] of loans.entries()) {
    const target = Region.allocate(loan.left);
    loan.read(target, 0, loan.left);
    expect(Buffer.compare(target.bytes, VALUE.subarray(i * 101, 300_000 - i))).toBe(0);
    loan.release();
  }
  expect(f.engine.loans.size).toBe(0);
});
