import { beforeEach, describe, expect, test } from 'vitest';
import {
  binaryAnswers,
  type BinaryAnswer,
  type BinaryParts,
  binaryRequest,
  countExtras,
  numbers,
  OPCODE,
  storeExtras,
} from './testing/binary.ts';
import {
  type FakeClient,
  MemcacheHarness,
  type MemcacheHarnessOptions,
} from './testing/harness.ts';

let h: MemcacheHarness;

beforeEach(() => {
  h = new MemcacheHarness();
});

function sendTo(client: FakeClient, ...requests: BinaryParts[]): BinaryAnswer[] {
  h.deliver(client.connection, Buffer.concat(requests.map(binaryRequest)));
  return binaryAnswers(h.answer(client));
}

const send = (...requests: BinaryParts[]): BinaryAnswer[] => sendTo(h.client, ...requests);

/** The one answer's status, and its value where there is one. */
function ask(parts: BinaryParts): [number, string] {
  const answers = send(parts);
  expect(answers).toHaveLength(1);
  return [answers[0]!.status, answers[0]!.value];
}

const set = (key: string, value: string, flags = 0, exptime = 0, cas = 0n): BinaryParts => ({
  opcode: OPCODE.set,
  key,
  value,
  extras: storeExtras(flags, exptime),
  cas,
});

const get = (key: string): BinaryParts => ({ opcode: OPCODE.get, key });

describe('items', () => {
  test('an item with its flags and its CAS', () => {
    expect(send({ ...set('a', 'hello', 0xdeadbeef), opaque: 77 })).toEqual([
      { opcode: 1, status: 0, opaque: 77, cas: 1n, extras: '', key: '', value: '' },
    ]);
    expect(send({ ...get('a'), opaque: 0xffffffff })).toEqual([
      {
        opcode: 0,
        status: 0,
        opaque: 0xffffffff,
        cas: 1n,
        extras: 'deadbeef',
        key: '',
        value: 'hello',
      },
    ]);
    expect(send({ opcode: OPCODE.getk, key: 'a' })[0]).toMatchObject({ key: 'a', value: 'hello' });
    expect(h.redis('GET', 'a')).toBe('hello');
    expect(h.text('get a\r\n', h.connect())).toBe('VALUE a 3735928559 5\r\nhello\r\nEND\r\n');
  });

  test('what is missing', () => {
    expect(ask(get('a'))).toEqual([1, 'Not found']);
    expect(send({ opcode: OPCODE.getk, key: 'a' })[0]).toMatchObject({
      status: 1,
      key: 'a',
      value: '',
    });
    expect(send({ opcode: OPCODE.getq, key: 'a' }, { opcode: OPCODE.getkq, key: 'a' })).toEqual([]);
    expect(ask({ opcode: OPCODE.delete, key: 'a' })).toEqual([1, 'Not found']);
    expect(ask({ opcode: OPCODE.touch, key: 'a', extras: numbers(5) })).toEqual([1, 'Not found']);
    expect(ask({ opcode: OPCODE.replace, key: 'a', extras: storeExtras() })).toEqual([
      1,
      'Not found',
    ]);
    expect(ask({ opcode: OPCODE.append, key: 'a', value: 'x' })).toEqual([5, 'Not stored.']);
    expect(ask(set('a', 'x', 0, 0, 5n))).toEqual([1, 'Not found']);
  });

  test('add, replace, append, prepend', () => {
    const add: BinaryParts = { opcode: OPCODE.add, key: 'a', value: 'b', extras: storeExtras(3) };
    expect(ask(add)).toEqual([0, '']);
    expect(ask(add)).toEqual([2, 'Data exists for key.']);
    expect(ask({ ...add, opcode: OPCODE.replace, value: 'c' })).toEqual([0, '']);
    expect(ask({ opcode: OPCODE.append, key: 'a', value: '>' })).toEqual([0, '']);
    expect(ask({ opcode: OPCODE.prepend, key: 'a', value: '<' })).toEqual([0, '']);
    expect(send(get('a'))[0]).toMatchObject({ value: '<c>', extras: '00000003', cas: 4n });
  });

  test('a CAS that must match', () => {
    send(set('a', '1'));
    expect(send(set('a', '2', 0, 0, 1n))[0]).toMatchObject({ status: 0, cas: 2n });
    expect(ask(set('a', '3', 0, 0, 1n))).toEqual([2, 'Data exists for key.']);
    expect(ask({ opcode: OPCODE.append, key: 'a', value: 'x', cas: 1n })).toEqual([
      2,
      'Data exists for key.',
    ]);
    expect(ask({ opcode: OPCODE.delete, key: 'a', cas: 1n })).toEqual([2, 'Data exists for key.']);
    expect(ask({ opcode: OPCODE.delete, key: 'a', cas: 2n })).toEqual([0, '']);
    expect(h.redis('EXISTS', 'a')).toBe(0);
  });

  test('numbers', () => {
    const count = (opcode: number, extras: Uint8Array, cas = 0n): BinaryAnswer =>
      send({ opcode, key: 'n', extras, cas })[0]!;
    const value = (answer: BinaryAnswer): bigint =>
      Buffer.from(answer.value, 'latin1').readBigUInt64BE();
    expect(count(OPCODE.increment, countExtras(1n, 0n, 0xffffffff)).status).toBe(1);
    const first = count(OPCODE.increment, countExtras(1n, 10n, 100));
    expect([value(first), first.cas]).toEqual([10n, 1n]);
    expect(h.redis('TTL', 'n')).toBe(100);
    expect(value(count(OPCODE.increment, countExtras(5n)))).toBe(15n);
    expect(value(count(OPCODE.decrement, countExtras(6n)))).toBe(9n);
    expect(value(count(OPCODE.decrement, countExtras(60n)))).toBe(0n);
    expect(value(count(OPCODE.increment, countExtras(2n ** 64n - 1n)))).toBe(2n ** 64n - 1n);
    expect(value(count(OPCODE.increment, countExtras(2n)))).toBe(1n);
    expect(count(OPCODE.increment, countExtras(1n), 99n).status).toBe(2);
    expect(h.redis('GET', 'n')).toBe('1');
    send(set('n', 'abc'));
    expect(count(OPCODE.increment, countExtras(1n))).toMatchObject({
      status: 6,
      value: 'Non-numeric server-side value for incr or decr',
    });
  });

  test('touch, get and touch', () => {
    send(set('a', 'x', 9, 10));
    expect(send({ opcode: OPCODE.touch, key: 'a', extras: numbers(50) })[0]).toMatchObject({
      status: 0,
      extras: '00000009',
      value: '',
    });
    expect(h.redis('TTL', 'a')).toBe(50);
    expect(send({ opcode: OPCODE.gat, key: 'a', extras: numbers(60) })[0]).toMatchObject({
      extras: '00000009',
      value: 'x',
    });
    expect(h.redis('TTL', 'a')).toBe(60);
    expect(send({ opcode: OPCODE.gatk, key: 'a', extras: numbers(0) })[0]!.key).toBe('a');
    expect(h.redis('TTL', 'a')).toBe(-1);
    expect(send({ opcode: OPCODE.gatkq, key: 'b', extras: numbers(0) })).toEqual([]);
  });

  test('flush, at once and later', () => {
    send(set('a', 'x'));
    expect(ask({ opcode: OPCODE.flush })).toEqual([0, '']);
    expect(h.redis('DBSIZE')).toBe(0);
    send(set('a', 'x'), { opcode: OPCODE.flush, extras: numbers(5) });
    expect(h.redis('DBSIZE')).toBe(1);
    h.advance(5000);
    expect(h.redis('DBSIZE')).toBe(0);
  });
});

test('quiet requests answer only what went wrong, NOOP what was before it', () => {
  const answers = send(
    { ...set('a', '1'), opcode: OPCODE.setq },
    { opcode: OPCODE.addq, key: 'a', extras: storeExtras(), opaque: 5 },
    { opcode: OPCODE.getkq, key: 'a' },
    { opcode: OPCODE.getkq, key: 'b' },
    { opcode: OPCODE.incrementq, key: 'a', extras: countExtras(1n) },
    { opcode: OPCODE.appendq, key: 'a', value: '0' },
    { opcode: OPCODE.getq, key: 'a' },
    { opcode: OPCODE.deleteq, key: 'a' },
    { opcode: OPCODE.deleteq, key: 'a', opaque: 6 },
    { opcode: OPCODE.flushq },
    { opcode: OPCODE.noop, opaque: 7 },
  );
  expect(
    answers.map(({ opcode, status, opaque, value }) => [opcode, status, opaque, value]),
  ).toEqual([
    [OPCODE.addq, 2, 5, 'Data exists for key.'],
    [OPCODE.getkq, 0, 0, '1'],
    [OPCODE.getq, 0, 0, '20'],
    [OPCODE.deleteq, 1, 6, 'Not found'],
    [OPCODE.noop, 0, 7, ''],
  ]);
});

describe('the server', () => {
  test('version, stat, quit', () => {
    expect(ask({ opcode: OPCODE.version })).toEqual([0, '1.6.18']);
    const stats = send({ opcode: OPCODE.stat });
    expect(stats.find(({ key }) => key === 'version')?.value).toBe('1.6.18');
    expect(stats.at(-1)).toMatchObject({ key: '', value: '' });
    expect(send({ opcode: OPCODE.stat, key: 'settings' }).length).toBeGreaterThan(10);
    expect(ask({ opcode: OPCODE.stat, key: 'nothing' })).toEqual([1, 'Not found']);
    expect(ask({ opcode: OPCODE.quit })).toEqual([0, '']);
    expect(h.client.transport.isEnded).toBe(true);
    const other = h.connect();
    expect(sendTo(other, { opcode: OPCODE.quitq })).toEqual([]);
    expect(other.transport.isEnded).toBe(true);
  });

  test('what is not known is answered, and the connection goes on', () => {
    expect(ask({ opcode: 0x77, key: 'a', value: 'b' })).toEqual([0x81, 'Unknown command']);
    expect(ask({ opcode: OPCODE.noop })).toEqual([0, '']);
  });

  test.each<[string, BinaryParts]>([
    ['a get with extras', { opcode: OPCODE.get, key: 'a', extras: numbers(1) }],
    ['a get with a value', { opcode: OPCODE.get, key: 'a', value: 'x' }],
    ['a get without a key', { opcode: OPCODE.get }],
    ['a set without extras', { opcode: OPCODE.set, key: 'a', value: 'x' }],
    ['a noop with a key', { opcode: OPCODE.noop, key: 'a' }],
    ['a key that is too long', { opcode: OPCODE.get, key: 'k'.repeat(251) }],
  ])('%s is refused, and the connection closes', (_name, parts) => {
    expect(ask(parts)).toEqual([4, 'Invalid arguments']);
    expect(h.client.transport.isEnded).toBe(true);
  });

  test('lengths that contradict each other close the connection', () => {
    const request = binaryRequest(get('abc'));
    request.writeUInt32BE(2, 8);
    h.deliver(h.client.connection, request);
    expect(binaryAnswers(h.answer())[0]!.status).toBe(0x81);
    expect(h.client.transport.isEnded).toBe(true);
  });

  test('a value that is too long is read over; what it should have replaced is gone', () => {
    h = new MemcacheHarness({ memcached: { itemSizeMax: 1024 } });
    send(set('a', 'x'));
    const answers = send(set('a', 'x'.repeat(200_000)), { opcode: OPCODE.noop }, get('a'));
    expect(answers.map(({ status, value }) => [status, value])).toEqual([
      [3, 'Too large.'],
      [0, ''],
      [1, 'Not found'],
    ]);
  });
});

describe('SASL', () => {
  const authenticated = (options: MemcacheHarnessOptions = {}): void => {
    h = new MemcacheHarness({ users: 'ann:secret\n', ...options });
  };
  const plain = (text: string, opcode: number = OPCODE.saslAuth): BinaryParts => ({
    opcode,
    key: 'PLAIN',
    value: text,
  });

  test('is unknown where nobody has to authenticate', () => {
    expect(ask({ opcode: OPCODE.saslList })).toEqual([0x81, 'Unknown command']);
    expect(ask(plain('\0ann\0secret'))).toEqual([0x81, 'Unknown command']);
  });

  test('PLAIN in one step, in two', () => {
    authenticated();
    expect(ask({ opcode: OPCODE.saslList })).toEqual([0, 'PLAIN']);
    expect(ask({ opcode: OPCODE.version })).toEqual([0, '1.6.18']);
    expect(ask(plain('\0ann\0secret'))).toEqual([0, 'Authenticated']);
    expect(ask(get('a'))).toEqual([1, 'Not found']);
    authenticated();
    expect(ask(plain(''))[0]).toBe(0x21);
    expect(ask(plain('\0ann\0secret', OPCODE.saslStep))).toEqual([0, 'Authenticated']);
  });

  test('who is wrong stays outside', () => {
    authenticated();
    for (const text of ['\0ann\0wrong', '\0bob\0secret', 'ann\0secret', '\0ann\0secret\0', 'x']) {
      expect(ask(plain(text))).toEqual([0x20, 'Auth failure.']);
    }
    expect(ask({ opcode: OPCODE.saslAuth, key: 'CRAM-MD5', value: 'x' })).toEqual([
      0x20,
      'Auth failure.',
    ]);
    expect(ask(get('a'))).toEqual([0x20, 'Auth failure.']);
    expect(h.client.transport.isEnded).toBe(true);
  });

  test('the password of the server is that of the user default', () => {
    h.model.credentials.serverPassword = 'pass wörd';
    const client = h.connect();
    const word = Buffer.from('pass wörd', 'utf8').toString('latin1');
    expect(sendTo(client, plain(`\0default\0${word}`))[0]!.status).toBe(0);
    expect(sendTo(h.connect(), plain('\0default\0pass'))[0]!.status).toBe(0x20);
    expect(sendTo(h.connect(), plain('\0default\0'))[0]!.status).toBe(0x20);
  });
});
