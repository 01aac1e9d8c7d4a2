/** Clients that take too much, give too little or go in the middle of it, over real sockets: the others must not notice. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { encode, RawClient } from '../support/raw-client.ts';
import { serverInProcess } from '../support/server.ts';

const MB = 1024 * 1024;
let server: RunningServer;
/** A client that behaves. */
let good: RawClient;
const clients: RawClient[] = [];

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(server.port);
  clients.push(client);
  return client;
}

/** A client that reads nothing from now on. */
async function deaf(): Promise<RawClient> {
  const client = await connect();
  await client.call('PING');
  client.socket.pause();
  return client;
}

async function set(name: string, value: string): Promise<void> {
  expect(await good.call('CONFIG', 'SET', name, value)).toBe('OK');
}

async function info(field: string): Promise<number> {
  const text = String(await good.call('INFO', 'everything'));
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(text)![1]);
}

/** A field of CLIENT LIST, of the client that has the name. */
async function listed(name: string, field: string): Promise<number> {
  const lines = String(await good.call('CLIENT', 'LIST')).split('\n');
  const line = lines.find((l) => l.includes(` name=${name} `))!;
  return Number(new RegExp(` ${field}=(\\d+)`).exec(line)![1]);
}

/** A request whose reply has so many bytes, of values that are too short to be sent from where they lie. */
async function askFor(bytes: number): Promise<string> {
  await good.call('SET', 'part', 'v'.repeat(200_000));
  return encode('MGET', ...Array.from({ length: Math.ceil(bytes / 200_000) }, () => 'part'));
}

const connected = (): Promise<number> => info('connected_clients');
const clientsBytes = (): Promise<number> => info('mem_clients_normal');

beforeEach(async () => {
  server = await serverInProcess();
  good = await connect();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

describe('client-output-buffer-limit', () => {
  test('hard, of a subscriber that does not read: it goes, who reads gets everything', async () => {
    await set('client-output-buffer-limit', 'pubsub 8mb 0 0');
    const reader = await connect();
    await reader.call('SUBSCRIBE', 'c');
    const silent = await deaf();
    silent.send(encode('SUBSCRIBE', 'c'));
    await expect.poll(() => good.call('PUBSUB', 'NUMSUB', 'c')).toEqual(['c', 2]);
    const message = 'm'.repeat(MB);
    for (let i = 0; i < 40; i++) await good.call('PUBLISH', 'c', message);
    expect(await good.call('PUBSUB', 'NUMSUB', 'c')).toEqual(['c', 1]);
    expect(await connected()).toBe(2);
    await expect.poll(() => reader.received.length).toBeGreaterThan(40 * MB);
    expect(await clientsBytes()).toBeLessThan(MB);
  });

  test('soft, for longer than it says', async () => {
    await set('client-output-buffer-limit', 'pubsub 0 2mb 1');
    const silent = await deaf();
    silent.send(encode('SUBSCRIBE', 'c'));
    await expect.poll(() => good.call('PUBSUB', 'NUMSUB', 'c')).toEqual(['c', 1]);
    for (let i = 0; i < 20; i++) await good.call('PUBLISH', 'c', 'm'.repeat(MB));
    expect(await connected()).toBe(2); // not at once
    await expect.poll(connected, { timeout: 10_000 }).toBe(1);
  });

  test('soft, but in time again', async () => {
    await set('client-output-buffer-limit', 'pubsub 0 2mb 1');
    const slow = await deaf();
    slow.send(encode('SUBSCRIBE', 'c'));
    await expect.poll(() => good.call('PUBSUB', 'NUMSUB', 'c')).toEqual(['c', 1]);
    for (let i = 0; i < 20; i++) await good.call('PUBLISH', 'c', 'm'.repeat(MB));
    slow.socket.resume();
    await expect.poll(() => slow.received.length).toBeGreaterThan(20 * MB);
    await wait(2500);
    expect(slow.isClosed).toBe(false);
    expect(await good.call('PUBLISH', 'c', 'still here')).toBe(1);
  });

  test('hard, of a client that asks for more than it reads', async () => {
    await set('client-output-buffer-limit', 'normal 4mb 0 0');
    const silent = await deaf();
    silent.send(await askFor(20 * MB));
    await expect.poll(connected).toBe(1);
    expect(await clientsBytes()).toBeLessThan(MB);
  });

  test('without a limit its pipeline rests: memory is bounded, and all comes once it reads', async () => {
    const silent = await connect();
    await silent.call('CLIENT', 'SETNAME', 'silent');
    await good.call('SET', 'big', 'v'.repeat(4 * MB));
    silent.socket.pause();
    silent.send(encode('GET', 'big').repeat(30));
    await expect.poll(() => listed('silent', 'omem')).toBeGreaterThan(0);
    await wait(200);
    expect(await listed('silent', 'tot-mem')).toBeLessThan(12 * MB);
    expect(await good.call('PING')).toBe('PONG');
    silent.socket.resume();
    await expect.poll(() => silent.received.length, { timeout: 20_000 }).toBeGreaterThan(120 * MB);
    await expect.poll(() => listed('silent', 'tot-mem')).toBeLessThan(MB);
  });
});

describe('client-query-buffer-limit', () => {
  beforeEach(() => set('client-query-buffer-limit', '1mb'));

  test('one argument that is too long', async () => {
    const client = await connect();
    client.send('*2\r\n$3\r\nGET\r\n$5000000\r\n');
    client.send('k'.repeat(900_000));
    await expect.poll(clientsBytes).toBeGreaterThan(800_000);
    expect(client.isClosed).toBe(false);
    client.send('k'.repeat(300_000));
    await client.closed;
    expect(await connected()).toBe(1);
  });

  test('many arguments of one request', async () => {
    const client = await connect();
    client.send(`*100000\r\n${'$20\r\nxxxxxxxxxxxxxxxxxxxx\r\n'.repeat(60_000)}`);
    await client.closed;
    expect(await good.call('PING')).toBe('PONG');
  });

  test('commands that wait for EXEC', async () => {
    const client = await connect();
    expect(await client.call('MULTI')).toBe('OK');
    client.send(encode('SET', 'k', 'v'.repeat(10_000)).repeat(200));
    await client.closed;
    expect(await good.call('EXISTS', 'k')).toBe(0);
    expect(await connected()).toBe(1);
  });
});

describe('maxmemory-clients', () => {
  /** A client that has sent `bytes` of a request without end. */
  async function hoarder(bytes: number): Promise<RawClient> {
    const before = await clientsBytes();
    const client = await connect();
    client.send(`*2\r\n$3\r\nGET\r\n$400000000\r\n${'k'.repeat(bytes)}`);
    await expect.poll(clientsBytes).toBeGreaterThan(before + bytes / 2);
    return client;
  }

  test('the largest goes first, the others stay', async () => {
    const [large, middle] = [await hoarder(12 * MB), await hoarder(6 * MB)];
    await set('maxmemory-clients', '16mb');
    await large.closed;
    expect(await good.call('PING')).toBe('PONG');
    expect(middle.isClosed).toBe(false);
    expect(await info('evicted_clients')).toBe(1);
    middle.send('k'.repeat(14 * MB)); // counted as it grows, not only when the limit is set
    await middle.closed;
    expect(await info('evicted_clients')).toBe(2);
    expect(await connected()).toBe(1);
  });

  test('output that is not read counts too', async () => {
    await set('maxmemory-clients', '8mb');
    const silent = await deaf();
    silent.send(await askFor(20 * MB));
    await expect.poll(connected).toBe(1);
    expect(await info('evicted_clients')).toBe(1);
    expect(await good.call('PING')).toBe('PONG');
  });

  test('what was let go of counts no longer', async () => {
    await set('maxmemory-clients', '16mb');
    const value = 'v'.repeat(6 * MB);
    for (let i = 0; i < 8; i++) expect(await good.call('SET', `k${i}`, value)).toBe('OK');
    const other = await connect();
    for (let i = 0; i < 8; i++) expect(await other.call('GET', `k${i}`)).toHaveLength(6 * MB);
    expect(await info('evicted_clients')).toBe(0);
  });

  test('who said NO-EVICT stays; the limit is taken away again', async () => {
    const kept = await connect();
    await kept.call('CLIENT', 'NO-EVICT', 'on');
    kept.send(`*2\r\n$3\r\nGET\r\n$400000000\r\n${'k'.repeat(4 * MB)}`);
    await expect.poll(clientsBytes).toBeGreaterThan(4 * MB);
    await good.call('CLIENT', 'NO-EVICT', 'on');
    await set('maxmemory-clients', '2mb');
    const third = await RawClient.connect(server.port);
    await third.closed;
    expect(await good.call('PING')).toBe('PONG');
    expect(kept.isClosed).toBe(false);
    await set('maxmemory-clients', '0');
    expect(await (await connect()).call('PING')).toBe('PONG');
  });
});

test('timeout: who says nothing goes; a subscriber, a monitor and one that is at it stay', async () => {
  const [idle, subscriber, monitor, slow] = [
    await connect(),
    await connect(),
    await connect(),
    await connect(),
  ];
  await subscriber.call('SUBSCRIBE', 'c');
  await monitor.call('MONITOR');
  await set('timeout', '1');
  let isOver = false;
  void idle.closed.then(() => {
    isOver = true;
  });
  while (!isOver) {
    slow.send('P');
    expect(await good.call('PING')).toBe('PONG');
    await wait(50);
  }
  expect([subscriber.isClosed, monitor.isClosed, slow.isClosed]).toEqual([false, false, false]);
  expect(await connected()).toBe(4);
});

test('a hundred clients that send a byte at a time', async () => {
  const slow = await Promise.all(Array.from({ length: 100 }, () => connect()));
  const requests = slow.map((_, i) => `${encode('SET', `k${i}`, `v${i}`)}GET k${i}\r\n`);
  const longest = Math.max(...requests.map((r) => r.length));
  for (let at = 0; at < longest; at++) {
    for (const [i, client] of slow.entries()) client.send(requests[i]!.slice(at, at + 1));
    if (at % 8 === 0) expect(await good.call('PING')).toBe('PONG');
    await wait(1);
  }
  for (const [i, client] of slow.entries()) {
    const value = `v${i}`;
    await expect.poll(() => client.received).toBe(`+OK\r\n$${value.length}\r\n${value}\r\n`);
  }
});

test('clients that go in the middle of it leave nothing behind', async () => {
  const base = await clientsBytes();
  const half = encode('SET', 'half', 'v'.repeat(MB)).slice(0, 300_000);
  for (let round = 0; round < 2; round++) {
    const gone = await Promise.all(Array.from({ length: 30 }, () => connect()));
    for (const [i, client] of gone.entries()) {
      const before = [
        encode('WATCH', 'w'),
        encode('SUBSCRIBE', 'c') + encode('PSUBSCRIBE', '*'),
        encode('MONITOR'),
        encode('MULTI') + encode('SET', 'queued', 'v'),
        encode('WAIT', '1', '0'),
      ];
      client.send(before[i % before.length]! + half);
    }
    await expect.poll(connected).toBe(31);
    await wait(20);
    for (const [i, client] of gone.entries()) {
      if (i % 2 === 0) client.socket.resetAndDestroy();
      else client.close();
    }
    // Those that wait are read from seldom.
    await expect.poll(connected, { timeout: 15_000 }).toBe(1);
  }
  expect(await good.call('EXISTS', 'half', 'queued')).toBe(0);
  expect(await good.call('PUBSUB', 'CHANNELS')).toEqual([]);
  expect(await good.call('PUBSUB', 'NUMPAT')).toBe(0);
  expect(await info('blocked_clients')).toBe(0);
  expect(await clientsBytes()).toBeLessThan(base + MB);
});

test('a client that resets the connection while a large reply is on its way', async () => {
  const request = await askFor(16 * MB);
  await good.call('SET', 'big', 'v'.repeat(32 * MB));
  for (let i = 0; i < 10; i++) {
    const client = await deaf();
    client.send(i % 2 === 0 ? request.repeat(3) : encode('GET', 'big').repeat(3));
    await expect.poll(() => clientsBytes()).toBeGreaterThan(i % 2 === 0 ? 4 * MB : MB / 4);
    client.socket.resetAndDestroy();
    await expect.poll(connected).toBe(1);
  }
  expect(await clientsBytes()).toBeLessThan(MB);
  expect(server.shard.engine.loans.size).toBe(0);
});
