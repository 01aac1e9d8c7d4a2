/** Values that are larger than a read, a region, a socket's buffer: they arrive and leave in pieces, and are whole all the same. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { encode, RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

const MB = 1024 * 1024;
let server: RunningServer;
let good: RawClient;
const clients: RawClient[] = [];

async function connect(where: number | tls.TLSSocket = server.port): Promise<RawClient> {
  const client = await RawClient.connect(where);
  clients.push(client);
  return client;
}

/** Bytes of which no two places are alike. */
function value(bytes: number, seed: number): string {
  const out = Buffer.alloc(bytes);
  let x = seed + 1;
  for (let i = 0; i + 4 <= bytes; i += 4) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    out.writeInt32LE(x, i);
  }
  return out.toString('latin1');
}

const hash = (text: string): string =>
  createHash('sha1').update(Buffer.from(text, 'latin1')).digest('hex');

/** Compares without printing megabytes. */
function expectSame(got: unknown, expected: string): void {
  expect([String(got).length, hash(String(got))]).toEqual([expected.length, hash(expected)]);
}

async function info(field: string): Promise<number> {
  const text = String(await good.call('INFO', 'everything'));
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(text)![1]);
}

async function begin(values: Readonly<Record<string, string>> = {}): Promise<void> {
  server = await serverInProcess(values);
  good = await connect();
}

beforeEach(() => begin());

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  const { engine, connections } = server.shard;
  await expect.poll(() => connections.size).toBe(0);
  expect([engine.loans.size, engine.stagedBytes]).toEqual([0, 0]);
  while (engine.step(10_000));
  engine.checkInvariants();
  await server.stop();
});

describe('a value on its way out', () => {
  const before = value(10 * MB, 1);
  let readers: RawClient[];

  /** Clients that have asked for the value, and read nothing of the reply yet. */
  beforeEach(async () => {
    await good.call('SET', 'big', before);
    readers = await Promise.all(Array.from({ length: 3 }, () => connect()));
    for (const reader of readers) {
      await reader.call('PING');
      reader.socket.pause();
      reader.received = '';
      reader.send(`${encode('GET', 'big')}PING\r\n`);
    }
    await expect.poll(() => server.shard.engine.loans.size).toBe(1);
    await wait(50);
  });

  async function expectWhole(): Promise<void> {
    for (const reader of readers) reader.socket.resume();
    const end = before.length + `$${before.length}\r\n\r\n+PONG\r\n`.length;
    for (const reader of readers) {
      await expect.poll(() => reader.received.length, { timeout: 20_000 }).toBe(end);
      expectSame(reader.received, `$${before.length}\r\n${before}\r\n+PONG\r\n`);
    }
  }

  test('takes no memory of its readers, however slow they are', async () => {
    expect(await info('mem_clients_normal')).toBeLessThan(2 * MB);
    expect(server.shard.engine.usedBytes).toBeLessThan(11 * MB);
    await expectWhole();
  });

  test.each([
    ['overwritten', ['SET', 'big', 'small']],
    ['deleted', ['DEL', 'big']],
    ['unlinked', ['UNLINK', 'big']],
    ['read and deleted', ['GETDEL', 'big']],
    ['flushed away', ['FLUSHALL']],
    ['flushed away, slowly', ['FLUSHALL', 'ASYNC']],
    ['made to expire', ['PEXPIRE', 'big', '1']],
    ['renamed', ['RENAME', 'big', 'other']],
    ['moved', ['MOVE', 'big', '1']],
    ['in another database', ['SWAPDB', '0', '1']],
    ['changed at its end', ['SETRANGE', 'big', String(10 * MB - 3), 'xyz']],
    ['changed at its beginning', ['SETBIT', 'big', '0', '0']],
    ['made longer', ['APPEND', 'big', 'and so on']],
    ['copied over', ['COPY', 'small', 'big', 'REPLACE']],
  ])('is what it was when it was asked for: %s', async (_name, command) => {
    await good.call('SET', 'small', 'x');
    await good.call(...command);
    await wait(20);
    await good.call('SET', 'filler', value(12 * MB, 2)); // what was freed is used again
    await expectWhole();
  });

  test('what only its readers have is charged to them', async () => {
    await good.call('SETRANGE', 'big', '0', 'changed');
    expect(await info('mem_clients_normal')).toBeGreaterThan(3 * 3 * MB);
    const list = String(await good.call('CLIENT', 'LIST'));
    expect(Number(/omem=(\d{7,})/.exec(list)?.[1])).toBeGreaterThan(3 * MB);
    await good.call('CLIENT', 'NO-EVICT', 'on');
    await good.call('CONFIG', 'SET', 'maxmemory-clients', '8mb');
    await expect.poll(() => info('connected_clients')).toBeLessThan(4);
    expect(await info('mem_clients_normal')).toBeLessThan(8 * MB);
  });
});

describe('large replies', () => {
  test('of one request, in order, with changes in between', async () => {
    const [a, b] = [value(MB, 1), value(2 * MB, 2)];
    await good.call('MSET', 'a', a, 'b', b, 'c', 'short');
    const many = (await good.call('MGET', 'a', 'b', 'a', 'none', 'c', 'b')) as string[];
    for (const [i, expected] of [a, b, a, 'null', 'short', b].entries()) {
      expectSame(many[i], expected);
    }
    await good.call('MULTI');
    for (const command of [
      ['GET', 'a'],
      ['SETRANGE', 'a', '1000000', 'zzz'],
      ['GET', 'a'],
      ['GETRANGE', 'b', '5', '1500000'],
      ['SET', 'b', 'new'],
      ['GET', 'b'],
      ['SET', 'a', 'x', 'GET'],
    ]) {
      await good.call(...command);
    }
    const replies = (await good.call('EXEC')) as string[];
    const changed = `${a.slice(0, 1_000_000)}zzz${a.slice(1_000_003)}`;
    const expected = [a, String(MB), changed, b.slice(5, 1_500_001), 'OK', 'new', changed];
    for (const [i, text] of expected.entries()) expectSame(replies[i], text);
  });

  test('that nobody wants to hear', async () => {
    await good.call('SET', 'a', value(MB, 1));
    const client = await connect();
    client.send(encode('CLIENT', 'REPLY', 'SKIP') + encode('GET', 'a') + encode('ECHO', 'end'));
    await expect.poll(() => client.received).toBe('$3\r\nend\r\n');
    client.send(encode('CLIENT', 'REPLY', 'OFF') + encode('GET', 'a').repeat(5));
    client.send(encode('CLIENT', 'REPLY', 'ON'));
    await expect.poll(() => client.received).toBe('$3\r\nend\r\n+OK\r\n');
  });

  test('to a client that goes', async () => {
    await good.call('SET', 'a', value(8 * MB, 1));
    for (const isPolite of [true, false]) {
      const client = await connect();
      client.socket.pause();
      client.send(encode('GET', 'a').repeat(3) + (isPolite ? encode('QUIT') : ''));
      await expect.poll(() => server.shard.engine.loans.size).toBe(1);
      await good.call('DEL', 'a');
      client.socket.resetAndDestroy();
      await expect.poll(() => server.shard.engine.loans.size).toBe(0);
      await good.call('SET', 'a', value(8 * MB, 1));
    }
  });

  test('QUIT behind one: it is sent, then the connection closes', async () => {
    const text = value(8 * MB, 1);
    await good.call('SET', 'a', text);
    const client = await connect();
    client.socket.pause();
    client.send(encode('GET', 'a') + encode('QUIT'));
    await wait(50);
    await good.call('DEL', 'a');
    client.socket.resume();
    await client.closed;
    expectSame(client.received, `$${text.length}\r\n${text}\r\n+OK\r\n`);
  });
});

describe('a value on its way in', () => {
  /** Sends `request` in pieces, with other requests of others in between. */
  async function sendSlowly(client: RawClient, request: string, pieces = 20): Promise<void> {
    const size = Math.ceil(request.length / pieces);
    for (let at = 0; at < request.length; at += size) {
      client.send(request.slice(at, at + size));
      expect(await good.call('PING')).toBe('PONG');
    }
  }

  test('goes where it will stay, and is its client’s until then', async () => {
    const text = value(20 * MB, 1);
    const client = await connect();
    const request = encode('SET', 'k', text);
    client.send(request.slice(0, 12 * MB));
    await expect.poll(() => server.shard.engine.stagedBytes).toBeGreaterThan(11 * MB);
    expect(await info('mem_clients_normal')).toBeGreaterThan(11 * MB);
    expect(await good.call('EXISTS', 'k')).toBe(0);
    client.send(request.slice(12 * MB));
    await expect.poll(() => client.received).toBe('+OK\r\n');
    expect(server.shard.engine.usedBytes).toBeLessThan(21 * MB);
    expectSame(await good.call('GET', 'k'), text);
    expect(await good.call('OBJECT', 'ENCODING', 'k')).toBe('raw');
  });

  test.each([
    ['SET', (t: string) => ['SET', 'k', t], '+OK', (t: string) => t],
    ['SET EX', (t: string) => ['SET', 'k', t, 'EX', '100'], '+OK', (t: string) => t],
    ['SET XX KEEPTTL', (t: string) => ['SET', 'k', t, 'XX', 'KEEPTTL'], '+OK', (t: string) => t],
    ['SET NX', (t: string) => ['SET', 'k', t, 'NX'], '$-1', () => 'old'],
    ['SETNX', (t: string) => ['SETNX', 'k', t], ':0', () => 'old'],
    ['SET wrong', (t: string) => ['SET', 'k', t, 'EX'], '-ERR syntax error', () => 'old'],
    ['SET GET', (t: string) => ['SET', 'k', t, 'GET'], '$3\r\nold', (t: string) => t],
    ['SETEX', (t: string) => ['SETEX', 'k', '100', t], '+OK', (t: string) => t],
    ['PSETEX', (t: string) => ['PSETEX', 'k', '100000', t], '+OK', (t: string) => t],
    ['GETSET', (t: string) => ['GETSET', 'k', t], '$3\r\nold', (t: string) => t],
    ['APPEND', (t: string) => ['APPEND', 'k', t], ':3145731', (t: string) => `old${t}`],
    ['SETRANGE', (t: string) => ['SETRANGE', 'k', '2', t], ':3145730', (t: string) => `ol${t}`],
    ['MSET', (t: string) => ['MSET', 'k', t, 'l', t], '+OK', (t: string) => t],
    ['ECHO', (t: string) => ['ECHO', t], '', () => 'old'],
    ['unknown', (t: string) => ['NOSUCH', 'k', t], '-ERR unknown command', () => 'old'],
    ['arity', (t: string) => ['SETNX', 'k', t, 'more'], '-ERR wrong number', () => 'old'],
  ])('%s', async (_name, make, reply, expected) => {
    await good.call('SET', 'k', 'old');
    const text = value(3 * MB, 5);
    const client = await connect();
    await sendSlowly(client, `${encode(...make(text))}${encode('PING')}`);
    await expect.poll(() => client.received.endsWith('+PONG\r\n'), { timeout: 10_000 }).toBe(true);
    expect(client.received.slice(0, reply.length)).toBe(reply);
    expectSame(await good.call('GET', 'k'), expected(text));
  });

  test('under a key as long as it', async () => {
    const text = value(300_000, 1);
    expect(await good.call('SET', text, text)).toBe('OK');
    expectSame(await good.call('GET', text), text);
    expect(await good.call('DEL', text)).toBe(1);
  });

  test('within a transaction, beside a monitor, through a pause', async () => {
    const text = value(MB, 3);
    const monitor = await connect();
    await monitor.call('MONITOR');
    const client = await connect();
    await sendSlowly(
      client,
      encode('MULTI') + encode('SET', 'k', text) + encode('APPEND', 'k', text) + encode('EXEC'),
    );
    await expect.poll(() => client.received).toMatch(/\*2\r\n\+OK\r\n:2097152\r\n$/);
    expectSame(await good.call('GET', 'k'), text + text);
    await expect.poll(() => monitor.received.length).toBeGreaterThan(2 * MB);
    monitor.close();

    await good.call('CLIENT', 'PAUSE', '300', 'WRITE');
    client.received = '';
    client.send(encode('SET', 'p', text) + encode('PING'));
    await wait(50);
    expect(client.received).toBe('');
    expect(await good.call('EXISTS', 'p')).toBe(0);
    await expect.poll(() => client.received).toBe('+OK\r\n+PONG\r\n');
    expectSame(await good.call('GET', 'p'), text);
  });

  test('in the slow log, cut as others are', async () => {
    await good.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    await good.call('SET', 'k', 'a'.repeat(MB));
    await good.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    const log = (await good.call('SLOWLOG', 'GET', '10')) as string[][];
    const entry = log.find((e) => e[3]![0] === 'SET')!;
    expect(entry[3]).toEqual(['SET', 'k', `${'a'.repeat(128)}... (${MB - 128} more bytes)`]);
  });

  test('whose client goes, or may not send so much', async () => {
    const text = value(4 * MB, 1);
    const gone = await connect();
    gone.send(encode('SET', 'k', text).slice(0, 3 * MB));
    await expect.poll(() => server.shard.engine.stagedBytes).toBeGreaterThan(2 * MB);
    gone.socket.resetAndDestroy();
    await expect.poll(() => server.shard.engine.stagedBytes).toBe(0);
    await good.call('CONFIG', 'SET', 'client-query-buffer-limit', '2mb');
    const greedy = await connect();
    greedy.send(encode('SET', 'k', text));
    await greedy.closed;
    expect(server.shard.engine.stagedBytes).toBe(0);
    expect(await good.call('EXISTS', 'k')).toBe(0);
  });

  test('a pipeline of large and small ones', async () => {
    const client = await connect();
    const sizes = [100, 70_000, 3, 131_072, 65_536, 65_537, 500_000, 131_060, 1];
    const texts = sizes.map((size, i) => value(size, i));
    let stream = '';
    for (let round = 0; round < 3; round++) {
      for (const [i, text] of texts.entries()) {
        stream += encode('SET', `k${i}`, text) + encode('STRLEN', `k${i}`) + encode('GET', `k${i}`);
      }
    }
    client.send(stream);
    const once = texts.map((t) => `+OK\r\n:${t.length}\r\n$${t.length}\r\n${t}\r\n`).join('');
    const all = once.repeat(3);
    await expect.poll(() => client.received.length, { timeout: 10_000 }).toBe(all.length);
    expectSame(client.received, all);
  });
});

test('what arrived in pieces is in the log as one entry', async () => {
  const dir = temporaryDirectory();
  await server.stop();
  clients.splice(0);
  await begin({ dir });
  const text = value(3 * MB, 9);
  await good.call('SET', 'a', text);
  await good.call('SET', 'b', text, 'PX', '100000');
  await good.call('APPEND', 'b', text);
  await good.call('SETRANGE', 'c', '70000', text);
  await good.call('GETSET', 'a', text + text);
  await good.call('MULTI');
  await good.call('SET', 'd', text);
  await good.call('INCR', 'n');
  await good.call('EXEC');
  good.close();
  await server.stop();
  await begin({ dir });
  expectSame(await good.call('GET', 'a'), text + text);
  expectSame(await good.call('GET', 'b'), text + text);
  expectSame(await good.call('GET', 'c'), '\0'.repeat(70_000) + text);
  expectSame(await good.call('GET', 'd'), text);
  expect(await good.call('GET', 'n')).toBe('1');
  expect(Number(await good.call('PTTL', 'b'))).toBeGreaterThan(0);
});

test('the same through TLS', async () => {
  const folder = fileURLToPath(new URL('../fixtures/tls/', import.meta.url));
  await server.stop();
  clients.splice(0);
  const tlsPort = await freePort();
  await begin({
    'tls-port': String(tlsPort),
    'tls-cert-file': path.join(folder, 'server.crt'),
    'tls-key-file': path.join(folder, 'server.key'),
    'tls-auth-clients': 'no',
  });
  const ca = fs.readFileSync(path.join(folder, 'ca.crt'));
  const socket = tls.connect({ host: '127.0.0.1', port: tlsPort, servername: 'localhost', ca });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const client = await connect(socket);
  const text = value(8 * MB, 4);
  expect(await client.call('SET', 'k', text)).toBe('OK');
  expectSame(await client.call('GET', 'k'), text);
  client.received = '';
  client.socket.pause();
  client.send(encode('GET', 'k') + encode('PING') + encode('GET', 'k'));
  await expect.poll(() => server.shard.engine.loans.size).toBe(1);
  await good.call('SETRANGE', 'k', '0', 'changed');
  client.socket.resume();
  const changed = `changed${text.slice(7)}`;
  const all = `$${text.length}\r\n${text}\r\n+PONG\r\n$${text.length}\r\n${changed}\r\n`;
  await expect.poll(() => client.received.length, { timeout: 10_000 }).toBe(all.length);
  expectSame(client.received, all);
});
