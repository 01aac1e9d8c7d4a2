import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { TYPE } from '../../models/redis/types.ts';
import { MAX_LINE_BYTES, MAX_RETRIEVAL_LINE_BYTES } from './limits.ts';
import {
  binaryAnswers,
  binaryRequest,
  countExtras,
  OPCODE,
  storeExtras,
} from './testing/binary.ts';
import { type FakeClient, MemcacheHarness } from './testing/harness.ts';

/** A session of text and meta requests, and how it is answered. */
const SESSION = [
  'set a 0 0 5\r\nhello\r\n',
  'get a b a\r\n',
  'set a 0 0 2 noreply\r\nxy\r\n',
  'append a 0 0 1\r\nz\n\r',
  'ms c 3 T30 c k\r\nabc\r\n',
  `set long 0 0 3000\r\n${'l'.repeat(3000)}\r\n`,
  'mg c v t f\nmg c v\r\n',
  'set a 0 0 5\r\nfoo\r\n',
  'incr a 1\r\n',
  'get long a\r\n',
  'gets a\r\nmn\r\n',
  'set huge 0 0 2000000\r\n' + 'h'.repeat(2_000_000) + '\r\n',
  'no such command\r\n',
  'quit\r\n',
].join('');

function answerOf(deliver: (h: MemcacheHarness, client: FakeClient) => void): string {
  const h = new MemcacheHarness();
  deliver(h, h.client);
  const answer = h.answer();
  expect(h.client.transport.isEnded).toBe(true);
  expect(h.gone).toContain(h.client.connection);
  return answer;
}

describe('requests in pieces', () => {
  test('of text', () => {
    const whole = answerOf((h, { connection }) => h.deliver(connection, SESSION));
    expect(whole).toContain('VALUE long 0 3000\r\nlll');
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 60 }),
        (cuts) => {
          const inPieces = answerOf((h, { connection }) => {
            let at = 0;
            for (let i = 0; at < SESSION.length; i++) {
              const end = i < 3000 ? at + cuts[i % cuts.length]! : SESSION.length;
              h.deliver(connection, SESSION.slice(at, end));
              at = end;
              h.settle();
            }
          });
          expect(inPieces).toBe(whole);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('byte for byte', () => {
    const session = `${SESSION.slice(0, SESSION.indexOf('set huge'))}quit\r\n`;
    const whole = answerOf((h, { connection }) => h.deliver(connection, session));
    const inBytes = answerOf((h, { connection }) => {
      for (const byte of session) h.deliver(connection, byte);
    });
    expect(inBytes).toBe(whole);
  });

  test('of the binary protocol', () => {
    const requests = Buffer.concat([
      binaryRequest({
        opcode: OPCODE.set,
        key: 'a',
        value: 'v'.repeat(300),
        extras: storeExtras(1),
      }),
      binaryRequest({ opcode: OPCODE.getkq, key: 'a' }),
      binaryRequest({ opcode: OPCODE.increment, key: 'n', extras: countExtras(1n, 5n) }),
      binaryRequest({
        opcode: OPCODE.set,
        key: 'b',
        value: 'v'.repeat(1_500_000),
        extras: storeExtras(),
      }),
      binaryRequest({ opcode: OPCODE.quit }),
    ]);
    const whole = answerOf((h, { connection }) => h.deliver(connection, requests));
    expect(binaryAnswers(whole).map(({ status }) => status)).toEqual([0, 0, 0, 3, 0]);
    for (const step of [1, 7, 23, 24, 25, 1000]) {
      const inPieces = answerOf((h, { connection }) => {
        for (let at = 0; at < requests.length;) {
          const end = at < 3000 ? at + step : requests.length - 10;
          h.deliver(connection, requests.subarray(at, at < requests.length - 10 ? end : undefined));
          at = at < requests.length - 10 ? end : requests.length;
        }
      });
      expect(inPieces).toBe(whole);
    }
  });
});

test('whatever bytes come, they are answered or the connection closes, and the log tells what was done', () => {
  const word = fc.constantFrom(
    ...['get', 'gets', 'gat', 'set', 'add', 'cas', 'append', 'prepend', 'incr', 'decr', 'touch'],
    ...['mg', 'ms', 'md', 'ma', 'me', 'mn', 'delete', 'noreply', 'flush_all', 'stats', 'watch'],
    ...['lru_crawler', 'metadump', 'all', 'a', 'b', 'YWJj', '0', '1', '5', '-1', '4294967296'],
    ...['v', 't', 'b', 'q', 'k', 'I', 'T1', 'N1', 'C1', 'E1', 'MA', 'MX', 'F5', 'S', 'Oabc', ''],
    ...['\x80', '\r\n', '\n', '\0', 'x'.repeat(260), '\r', 'settings', 'items', 'detail'],
  );
  const separator = fc.constantFrom(' ', ' ', ' ', '\r\n', '\r\n', '  ', '');
  const text = fc
    .array(fc.tuple(word, separator), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.flat().join(''), 'latin1'));
  const binary = fc
    .record({
      opcode: fc.integer({ min: 0, max: 0x26 }),
      key: fc.constantFrom('', 'a', 'b', 'PLAIN', 'settings'),
      value: fc.constantFrom('', '1', 'x\0y\0z'),
      extras: fc
        .constantFrom(0, 4, 8, 20)
        .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
      cas: fc.constantFrom(0n, 1n, 2n ** 63n),
    })
    .map(binaryRequest);
  const mutation = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  const stream = fc
    .tuple(
      fc.oneof(
        text,
        fc.array(binary, { maxLength: 20 }).map((parts) => Buffer.concat(parts)),
        fc.uint8Array(),
      ),
      fc.array(mutation, { maxLength: 3 }),
    )
    .map(([bytes, mutations]) => {
      for (const [at, byte] of mutations) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(
      fc.array(stream, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 100 }),
      (streams, step) => {
        const h = new MemcacheHarness();
        for (const bytes of streams) {
          const client = h.connect();
          for (let at = 0; at < bytes.length; at += step) {
            h.deliver(client.connection, bytes.subarray(at, at + step));
          }
          h.settle();
        }
        h.advance(10);
        expect(h.redis('PING')).toBe('PONG');
        expect(h.replayed()).toEqual(h.data.dump());
      },
    ),
    { numRuns: 200 },
  );
});

describe('lines without an end', () => {
  const isClosed = (...pieces: string[]): boolean => {
    const h = new MemcacheHarness();
    for (const piece of pieces) h.deliver(h.client.connection, piece);
    h.settle();
    return h.client.transport.isEnded;
  };

  test('close the connection, unless a retrieval may go on', () => {
    expect(isClosed('x'.repeat(MAX_LINE_BYTES))).toBe(false);
    expect(isClosed('x'.repeat(MAX_LINE_BYTES + 1))).toBe(true);
    expect(isClosed('set '.repeat(MAX_LINE_BYTES))).toBe(true);
    expect(isClosed(' '.repeat(MAX_LINE_BYTES + 1))).toBe(true);
    expect(isClosed(`get ${'x '.repeat(MAX_LINE_BYTES)}`)).toBe(false);
    expect(isClosed(`  gets ${'x '.repeat(MAX_LINE_BYTES)}`)).toBe(false);
    expect(isClosed(`getx${'x '.repeat(MAX_LINE_BYTES)}`)).toBe(true);
    expect(isClosed(`get ${'x '.repeat(MAX_RETRIEVAL_LINE_BYTES / 2)}`)).toBe(true);
  });

  test('a long retrieval', () => {
    const h = new MemcacheHarness();
    h.text('set k7999 0 0 1\r\nx\r\n');
    const line = `get ${Array.from({ length: 8000 }, (_, i) => `k${i}`).join(' ')}`;
    for (let at = 0; at < line.length; at += 100)
      h.deliver(h.client.connection, line.slice(at, at + 100));
    expect(h.answer()).toBe('');
    expect(h.text('\r\nget k0\r\n')).toBe('VALUE k7999 0 1\r\nx\r\nEND\r\nEND\r\n');
  });
});

describe('which protocol', () => {
  const noop = binaryRequest({ opcode: OPCODE.noop }).toString('latin1');

  test('the first byte says', () => {
    const h = new MemcacheHarness();
    expect(h.text('mn\r\n')).toBe('MN\r\n');
    expect(h.text(noop, h.connect())).toHaveLength(24);
    // It stays what it is.
    h.text(noop);
    expect(h.client.transport.isEnded).toBe(false);
    const other = h.connect();
    h.text(`${noop}mn\r\n`, other);
    expect(other.transport.isEnded).toBe(true);
  });

  test('unless it is settled', () => {
    const ascii = new MemcacheHarness({ memcached: { protocol: 'ascii' } });
    const version = binaryRequest({ opcode: OPCODE.version }).toString('latin1');
    expect(ascii.text(`${version}\r\n`)).toBe('ERROR\r\n');
    const binary = new MemcacheHarness({ memcached: { protocol: 'binary' } });
    expect(binary.text('mn\r\n')).toBe('');
    expect(binary.client.transport.isEnded).toBe(true);
  });
});

describe('what waits', () => {
  test('a reply leaves when the log is durable that far', () => {
    const h = new MemcacheHarness();
    const { connection, transport } = h.client;
    h.deliver(connection, 'set a 0 0 1\r\nx\r\n');
    h.settle(99, 100);
    expect(transport.sent).toBe('');
    h.deliver(connection, 'get a\r\n');
    h.settle(100, 100);
    expect(transport.sent).toBe('STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n');
  });

  test('a pipeline waits for a reader who does not read, and goes on', () => {
    const h = new MemcacheHarness();
    const { connection, transport } = h.client;
    h.text(`set a 0 0 1000000\r\n${'x'.repeat(1_000_000)}\r\n`);
    transport.window = 0;
    h.deliver(connection, 'get a\r\n'.repeat(100));
    h.settle();
    expect(connection.outputBytes()).toBeLessThan(70_000_000);
    for (let i = 0; i < 200; i++) {
      transport.drain();
      h.settle();
    }
    expect(transport.sent.match(/END/g)).toHaveLength(100);
  });

  test('a dump of many items comes in parts, a client that reads slowly gets it slowly', () => {
    const h = new MemcacheHarness();
    for (let i = 0; i < 5000; i++) h.text(`set key:${i} 0 0 1 noreply\r\nx\r\n`);
    h.deliver(h.client.connection, 'lru_crawler metadump all\r\nmn\r\n');
    let text = '';
    for (let i = 0; i < 200 && !text.endsWith('MN\r\n'); i++) {
      h.advance(10);
      text += h.answer();
    }
    expect(text.match(/^key=key%3A\d+ /gm)).toHaveLength(5000);
    expect(text.endsWith('\nEND\r\nMN\r\n')).toBe(true);
  });

  test('nobody is answered while the data set loads, but who asks about the server', () => {
    const h = new MemcacheHarness();
    h.data.state.isLoading = true;
    const refusal = 'SERVER_ERROR LOADING the data set is being loaded\r\n';
    expect(h.text('get a\r\n')).toBe(refusal);
    expect(h.text('set a 0 0 1\r\nx\r\n')).toBe(refusal);
    expect(h.text('version\r\n')).toBe('VERSION 1.6.18\r\n');
    const binary = h.connect();
    const get = binaryRequest({ opcode: OPCODE.get, key: 'a' }).toString('latin1');
    expect(binaryAnswers(h.text(get, binary))[0]).toMatchObject({ status: 0x82 });
  });

  test('what can not be logged is not done', () => {
    const h = new MemcacheHarness();
    h.data.state.refusal = 'MISCONF the disk is full';
    expect(h.text('set a 0 0 1\r\nx\r\n')).toBe('SERVER_ERROR MISCONF the disk is full\r\n');
    expect(h.text('mg a N30\r\n')).toBe('SERVER_ERROR MISCONF the disk is full\r\n');
    expect(h.text('mg a\r\n')).toBe('EN\r\n');
    const binary = h.connect();
    const request = { opcode: OPCODE.set, key: 'a', value: 'x', extras: storeExtras() };
    expect(binaryAnswers(h.text(binaryRequest(request).toString('latin1'), binary))).toMatchObject([
      { status: 0x82, value: 'MISCONF the disk is full' },
    ]);
  });

  test('writes are held back by CLIENT PAUSE, each once', () => {
    const h = new MemcacheHarness();
    const binary = h.connect();
    h.redis('CLIENT', 'PAUSE', '1000', 'WRITE');
    expect(h.text('get a\r\nmg a v\r\nincr a 1\r\nget a\r\n')).toBe('END\r\nEN\r\n');
    expect(
      h.text(
        binaryRequest({ opcode: OPCODE.increment, key: 'n', extras: countExtras(1n, 1n) }).toString(
          'latin1',
        ),
        binary,
      ),
    ).toBe('');
    h.redis('CLIENT', 'UNPAUSE');
    h.settle();
    expect(h.answer()).toBe('NOT_FOUND\r\nEND\r\n');
    expect(binaryAnswers(h.answer(binary))).toHaveLength(1);
    expect(h.redis('GET', 'n')).toBe('1');
  });
});

test('a key that holds something else than a string is not read, and is in the way of who adds', () => {
  const h = new MemcacheHarness();
  const keys = h.data.model.databases[0]!.keys;
  const plant = (name: string): void => {
    const region = Region.of(name);
    const end = region.bytes.length;
    keys.insert(keys.hash(region, 0, end), region, 0, end, TYPE.list, 0, region, 0, end);
  };
  plant('list');
  expect(h.text('get list\r\ngat 5 list\r\n')).toBe('END\r\nEND\r\n');
  expect(h.text('touch list 5\r\nincr list 1\r\n')).toBe('NOT_FOUND\r\nNOT_FOUND\r\n');
  expect(h.text('mg list v\r\nmd list C5\r\nma list\r\n')).toBe(
    'EN\r\nEX\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n',
  );
  expect(h.text('add list 0 0 1\r\nx\r\nappend list 0 0 1\r\nx\r\n')).toBe(
    'NOT_STORED\r\nNOT_STORED\r\n',
  );
  expect(h.text('cas list 0 0 1 7\r\nx\r\n')).toBe('EXISTS\r\n');
  const binary = h.connect();
  const increment = binaryRequest({
    opcode: OPCODE.increment,
    key: 'list',
    extras: countExtras(1n),
  });
  expect(binaryAnswers(h.text(increment.toString('latin1'), binary))[0]!.status).toBe(6);
  expect(h.redis('TYPE', 'list')).toBe('list');
  expect(h.text('replace list 5 0 1\r\nx\r\nget list\r\n')).toBe(
    'STORED\r\nVALUE list 5 1\r\nx\r\nEND\r\n',
  );
  plant('other');
  expect(h.text('delete other\r\n')).toBe('DELETED\r\n');
});

test('stats conns counts the seconds that have begun since the last command', () => {
  const h = new MemcacheHarness();
  h.advance(1000 - (h.engine.now % 1000) + 500); // half past
  h.connect();
  const seconds = (): number[] =>
    [...h.text('stats conns\r\n').matchAll(/secs_since_last_cmd (\d+)/g)].map(([, n]) => Number(n));
  h.advance(499);
  expect(seconds().at(-1)).toBe(0);
  h.advance(1);
  expect(seconds().at(-1)).toBe(1);
});
