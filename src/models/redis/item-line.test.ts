/** CAS, client flags and marks outlive the process: in the log's lines, in a base of either format, beside what Redis knows. */
import { expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { latin1 } from '../../bytes/resp-request.ts';
import type { WindowSource } from '../../log/file-window.ts';
import { ItemWords, writeFieldWords, writeItemPrefix } from './item-line.ts';
import { EngineTarget } from './rdb/engine-target.ts';
import { readRdb } from './rdb/reader.ts';
import { CommandSnapshot, type CountingSink, RdbSnapshot } from './snapshot.ts';
import { Harness } from './testing/harness.ts';
import { STRING_MARKS } from './types.ts';

/** A sink that keeps everything in one region. */
class Whole implements CountingSink {
  region: Region = Region.allocate(1 << 20);
  at = 0;
  onPiece: (region: Region, from: number, to: number) => void = () => {};

  get length(): number {
    return this.at;
  }

  reserve(): void {}

  source(): WindowSource {
    const bytes = this.region.bytes.subarray(0, this.at);
    return {
      read(target, at, length, position) {
        const part = bytes.subarray(position, position + length);
        target.set(part, at);
        return part.length;
      },
    };
  }
}

function filled(): Harness {
  const h = new Harness({ carriesCas: true });
  h.engine.cas.set(0x123456, 7);
  h.run('SET', 'plain', '1');
  h.run('SET', 'changed', 'x', 'EX', '100');
  h.run('APPEND', 'changed', 'y'.repeat(70_000));
  h.run('SET', 'marked', 'z');
  const db = h.model.databases[0]!;
  const key = Region.of('marked');
  const hash = db.keys.hash(key, 0, 6);
  const ref = db.keys.setItemFields(hash, db.find('marked'), -2, -1, 5);
  h.engine.setEncoding(ref, STRING_MARKS.stale);
  h.run('SELECT', '3');
  h.run('SET', 'elsewhere', '1');
  h.run('SELECT', '0');
  return h;
}

const EXPECTED = {
  plain: `cas ${0x123456n * 2n ** 32n + 7n} flags 0 marks 0`,
  changed: `cas ${0x123456n * 2n ** 32n + 9n} flags 0 marks 0`,
  marked: `cas ${0xffffffffn * 2n ** 32n + 5n} flags 4294967294 marks 4`,
};

function items(h: Harness): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(h.dump()).map(([key, held]) => [key.slice(2), held.item]),
  );
}

function loaded(bytes: Whole, carriesCas: boolean): Harness {
  const h = new Harness({ carriesCas });
  const target = new EngineTarget(h.model.databases);
  const steps = readRdb(bytes.source(), bytes.length, 'a dump', target, () => {});
  while (steps.next().done !== true);
  return h;
}

const snapshotOptions = (h: Harness): ConstructorParameters<typeof RdbSnapshot>[0] => ({
  engine: h.engine,
  databases: h.model.databases,
  nowSeconds: () => 1_700_000_000,
  isCompressing: true,
  isBase: true,
});

test('through an RDB file, whether the database carries CASs or not', () => {
  const h = filled();
  const sink = new Whole();
  const snapshot = new RdbSnapshot(snapshotOptions(h));
  snapshot.start(sink, 0);
  while (!snapshot.step());
  expect(items(h)).toEqual({ ...EXPECTED, elsewhere: undefined });
  for (const carriesCas of [true, false]) {
    const other = loaded(sink, carriesCas);
    expect(other.dump()).toEqual(h.dump());
    expect([other.engine.cas.high, other.engine.cas.low]).toEqual([0x123456, 11]);
  }
});

test('through a base of commands', () => {
  const h = filled();
  const sink = new Whole();
  const snapshot = new CommandSnapshot(snapshotOptions(h));
  snapshot.start(sink);
  while (!snapshot.step());
  h.sink.region = sink.region;
  h.sink.at = sink.at;
  const text = latin1(sink.region, 0, sink.at);
  expect(text).toContain('#KVC ffffffff00000005 fffffffe 4\r\n*3\r\n$3\r\nSET\r\n$6\r\nmarked');
  expect(text.endsWith('#KVC 1234560000000b\r\n')).toBe(true);
  const other = h.replayed();
  expect(other.dump()).toEqual(h.dump());
  expect([other.engine.cas.high, other.engine.cas.low]).toEqual([0x123456, 11]);
});

test('a file of Redis: all strings have one number, the same at each load, and the next change another', () => {
  const plain = new Harness();
  plain.run('MSET', 'a', '1', 'b', '2');
  const sink = new Whole();
  const snapshot = new RdbSnapshot(snapshotOptions(plain));
  snapshot.start(sink, 0);
  while (!snapshot.step());
  // As if an older version had written it: without the counter.
  const bytes = Buffer.from(sink.region.bytes.buffer, 0, sink.at);
  bytes.fill('x', bytes.indexOf('kvasir-cas'), bytes.indexOf('kvasir-cas') + 1);
  bytes.fill(0, sink.at - 8, sink.at); // no checksum
  const [first, second] = [loaded(sink, true), loaded(sink, true)];
  expect(first.dump()).toEqual(second.dump());
  const number = 1_700_000_000n * 2n ** 22n + 1n;
  expect(items(first)).toEqual({
    a: `cas ${number} flags 0 marks 0`,
    b: `cas ${number} flags 0 marks 0`,
  });
  first.run('SETRANGE', 'a', '0', '5');
  expect(items(first)['a']).toBe(`cas ${number + 1n} flags 0 marks 0`);
});

test('effects say the number of what they changed, and nothing where nothing carries one', () => {
  const h = new Harness({ carriesCas: true });
  const text = (): string => latin1(h.sink.region, 0, h.sink.at);
  h.run('SELECT', '1');
  h.run('SET', 'a', '1');
  expect(text()).not.toContain('#');
  h.run('SELECT', '0');
  h.run('SET', 'a', '1');
  expect(text().endsWith('#KVC 1\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n')).toBe(true);
  h.run('EXPIRE', 'a', '10');
  h.run('DEL', 'a');
  expect(text().match(/#/g)).toHaveLength(1);
  h.run('MULTI');
  h.run('SET', 'a', '1');
  h.run('INCR', 'a');
  h.run('EXEC');
  expect(text()).toMatch(/MULTI\r\n#KVC 2\r\n.*\r\n#KVC 3\r\n\*2\r\n\$4\r\nINCR/s);
  expect(h.replayed().dump()).toEqual(h.dump());
});

test('commands that compute a new value from the old one leave the client flags, those that set it do not', () => {
  const h = new Harness({ carriesCas: true });
  const flagsAfter = (...args: string[]): number => {
    h.run('SET', 'a', '9');
    const db = h.model.databases[0]!;
    db.keys.setItemFields(db.keys.hash(Region.of('a'), 0, 1), db.find('a'), 77, 1, 1);
    h.run(...args);
    return h.engine.clientFlags(db.find('a'));
  };
  expect(flagsAfter('INCR', 'a')).toBe(77);
  expect(flagsAfter('INCRBYFLOAT', 'a', '0.5')).toBe(77);
  expect(flagsAfter('APPEND', 'a', 'x')).toBe(77);
  expect(flagsAfter('SETBIT', 'a', '7', '1')).toBe(77);
  expect(flagsAfter('RENAME', 'a', 'a')).toBe(77);
  expect(flagsAfter('SET', 'a', '9')).toBe(0);
  expect(flagsAfter('GETSET', 'a', '9')).toBe(0);
});

test('words: what was written is read, anything else is refused', () => {
  const words = new ItemWords();
  const parse = (text: string): boolean => words.parse(Buffer.from(text), 0, text.length);
  expect(parse('1f')).toBe(true);
  expect(words).toMatchObject({ cas: { high: 0, low: 31 }, hasFields: false });
  const bytes = new Uint8Array(80);
  const start = writeItemPrefix(bytes, 0);
  bytes[start] = 55;
  const end = writeFieldWords(bytes, start + 1, -1, 8);
  expect(words.parse(bytes, start, end)).toBe(true);
  expect(words).toMatchObject({ clientFlags: -1, marks: 8, own: { high: 0, low: 7 } });
  expect(parse('1 2 c ffffffff00000000')).toBe(true);
  expect(words.own).toEqual({ high: -1, low: 0 });
  for (const text of ['', 'x', '1 ', '1 2', '1 2 ', '1 2 3 4 5', '1 100000000 0', '-1', '1  2']) {
    expect(parse(text), text).toBe(false);
  }
});
