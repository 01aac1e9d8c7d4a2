/** Items that are lent to who reads them: whole, as they were, in order, and free of charge while they wait. */
import { beforeEach, describe, expect, test } from 'vitest';
import { binaryAnswers, binaryRequest, OPCODE, storeExtras } from './testing/binary.ts';
import { type FakeClient, MemcacheHarness } from './testing/harness.ts';

const BYTES = 900_000;
const before = Array.from({ length: BYTES }, (_, i) => String.fromCharCode(32 + (i % 90))).join('');
const after = 'n'.repeat(1000);

let h: MemcacheHarness;
let reader: FakeClient;

beforeEach(() => {
  h = new MemcacheHarness({ memcached: { itemSizeMax: 8 * 1024 * 1024 } });
  expect(h.text(`set big 5 0 ${BYTES}\r\n${before}\r\n`)).toBe('STORED\r\n');
  expect(h.text('set small 0 0 1\r\ns\r\n')).toBe('STORED\r\n');
  reader = h.connect();
});

/** The reader's socket takes all, a piece at a time. */
function readAll(): string {
  for (let i = 0; i < 100; i++) {
    reader.transport.drain(300_000);
    h.settle();
  }
  return reader.transport.sent;
}

/** Asks before the socket takes anything. */
function ask(bytes: string | Uint8Array): void {
  reader.transport.window = 10;
  h.deliver(reader.connection, bytes);
  h.settle();
}

const text = `VALUE big 5 ${BYTES}\r\n${before}\r\n`;
const small = 'VALUE small 0 1\r\ns\r\n';

describe.each([
  ['get', 'get small big small\r\n', `${small}${text}${small}END\r\n`],
  ['gat', 'gat 100 big big small\r\n', `${text}${text}${small}END\r\n`],
  ['meta get', 'mg big v f T100\r\nmg small v\r\n', `VA ${BYTES} f5\r\n${before}\r\nVA 1\r\ns\r\n`],
])('%s', (_, request, expected) => {
  const changes = {
    nothing: '',
    'another value': `set big 0 0 ${after.length}\r\n${after}\r\n`,
    'one more byte': 'append big 0 0 1\r\n!\r\n',
    'its deletion': 'delete big\r\n',
    'the end of all': 'flush_all\r\n',
  };

  test.each(Object.entries(changes))('whatever comes: %s', (_what, change) => {
    ask(request);
    expect(h.engine.loans.size).toBe(1);
    expect(reader.connection.outputBytes()).toBeLessThan(600_000);
    h.text(change);
    while (h.engine.step(1000));
    h.engine.checkInvariants();
    expect(readAll() === expected).toBe(true);
    expect([h.engine.loans.size, reader.connection.outputBytes()]).toEqual([0, 0]);
  });

  test('who leaves takes nothing along', () => {
    ask(request);
    h.text('delete big\r\n');
    reader.connection.close();
    while (h.engine.step(1000));
    expect(h.engine.loans.size).toBe(0);
    expect(h.engine.usedBytes).toBeLessThan(20_000);
  });
});

test('the binary protocol', () => {
  const get = binaryRequest({ opcode: OPCODE.getk, key: 'big' });
  ask(Buffer.concat([get, binaryRequest({ opcode: OPCODE.noop }), get]));
  const store = { opcode: OPCODE.set, key: 'big', value: after, extras: storeExtras() };
  const writer = h.connect();
  h.deliver(writer.connection, binaryRequest(store));
  h.settle();
  const values = binaryAnswers(readAll()).map((answer) => answer.value);
  expect(values.map((value) => value.length)).toEqual([BYTES, 0, BYTES]);
  expect([values[0] === before, values[2] === before]).toEqual([true, true]);
  expect(h.engine.loans.size).toBe(0);
});

test('a retrieval of far more than there is memory costs next to nothing', () => {
  const used = process.memoryUsage().arrayBuffers;
  ask(`get${' big'.repeat(10_000)}\r\n`); // 9 GB
  expect(reader.connection.memoryBytes()).toBeLessThan(5_000_000);
  expect(process.memoryUsage().arrayBuffers - used).toBeLessThan(50_000_000);
  expect(h.engine.loans.size).toBe(1);
  reader.connection.close();
  expect(h.engine.loans.size).toBe(0);
});

test('but there is a bound', () => {
  ask(`get${' big'.repeat(100_000)}\r\n`);
  reader.transport.sent = '';
  expect(reader.connection.session.isClosing).toBe(true);
  reader.connection.close();
  expect(h.engine.loans.size).toBe(0);
});
