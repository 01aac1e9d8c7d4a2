/** The memcached side of a server: where it listens, who may come in, and that it is one server with Redis's. */
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { MemcachedClient } from '../support/memcached-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

let server: RunningServer | undefined;
let port = 0;
const clients: { close(): void }[] = [];

const fixture = (name: string): string =>
  path.join(fileURLToPath(new URL('../fixtures/tls', import.meta.url)), name);

async function serve(values: Readonly<Record<string, string>> = {}): Promise<void> {
  port = await freePort();
  server = await serverInProcess({ 'memcached-port': String(port), ...values });
}

async function connect(where: number | string = port): Promise<MemcachedClient> {
  const client = await MemcachedClient.connect(where);
  clients.push(client);
  return client;
}

async function connectRedis(): Promise<RawClient> {
  const client = await RawClient.connect(server!.port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop();
  server = undefined;
});

test('memcached and Redis clients share data, the list of clients, and what is counted', async () => {
  await serve();
  const memcached = await connect();
  const redis = await connectRedis();
  expect(await memcached.store('set session 7 100', 'hello')).toBe('STORED\r\n');
  expect(await redis.call('GET', 'session')).toBe('hello');
  expect(await redis.call('TTL', 'session')).toBe(100);
  expect(await redis.call('APPEND', 'session', '!')).toBe(6);
  expect(await memcached.read('get session')).toBe('VALUE session 7 6\r\nhello!\r\nEND\r\n');
  const list = String(await redis.call('CLIENT', 'LIST'))
    .trim()
    .split('\n');
  expect(list).toHaveLength(2);
  expect(list[0]).toContain(`laddr=127.0.0.1:${port} `);
  expect(list[0]).toContain('cmd=get ');
  expect(await memcached.stat('curr_connections')).toBe('1');
  expect(Number(await memcached.stat('bytes_read'))).toBeGreaterThan(50);
  const stats = String(await redis.call('INFO', 'stats'));
  expect(stats).toContain('total_connections_received:2\r\n');
  expect(await memcached.stat('[1-9]\\d*:addr', 'conns')).toMatch(/^tcp:127\.0\.0\.1:\d+$/);
  expect(await redis.call('CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(list[0]!)![1]!)).toBe(1);
  await memcached.closed;
});

test('another database may be the one', async () => {
  await serve({ 'memcached-database': '3' });
  const memcached = await connect();
  const redis = await connectRedis();
  await memcached.store('set a 0 0', 'x');
  expect(await redis.call('EXISTS', 'a')).toBe(0);
  await redis.call('SELECT', '3');
  expect(await redis.call('GET', 'a')).toBe('x');
});

describe('who may come in', () => {
  test('as many as memcached-maxclients; Redis has its own', async () => {
    await serve({ 'memcached-maxclients': '2', maxclients: '1' });
    const first = await connect();
    await connect();
    const third = await connect();
    await third.closed;
    expect(third.received).toBe('ERROR Too many open connections\r\n');
    expect(await first.stat('rejected_connections')).toBe('1');
    const redis = await connectRedis();
    expect(await redis.call('CONFIG', 'SET', 'memcached-maxclients', '3')).toBe('OK');
    expect(await (await connect()).stat('max_connections')).toBe('3');
  });

  test('who is idle goes, a watcher stays', async () => {
    await serve({ 'memcached-idle-timeout': '1' });
    const watcher = await connect();
    await watcher.ask('watch connevents\r\n');
    const idle = await connect();
    await idle.closed;
    const other = await connect();
    expect(await other.stat('idle_kicks')).toBe('1');
    expect(await watcher.ask('', /conn_close .*\n/)).toContain('reason=idle_timeout');
    expect(watcher.isClosed).toBe(false);
  });

  test('users of a file; setting it again reads it anew', async () => {
    const file = path.join(temporaryDirectory(), 'users');
    fs.writeFileSync(file, 'ann:secret\n');
    await serve({ 'memcached-auth-file': file });
    const client = await connect();
    expect(await client.ask('get a\r\n')).toBe('CLIENT_ERROR unauthenticated\r\n');
    expect(await client.store('set any 0 0', 'ann secret')).toBe('STORED\r\n');
    expect(await client.read('get a')).toBe('END\r\n');
    fs.writeFileSync(file, 'bob:other\n');
    const redis = await connectRedis();
    expect(await redis.call('CONFIG', 'SET', 'memcached-auth-file', file)).toBe('OK');
    expect(await (await connect()).store('set any 0 0', 'ann secret')).toContain('failure');
    expect(await (await connect()).store('set any 0 0', 'bob other')).toBe('STORED\r\n');
    fs.writeFileSync(file, 'nobody\n');
    expect(String(await redis.call('CONFIG', 'SET', 'memcached-auth-file', file))).toContain(
      'line 1 is not user:password',
    );
    expect(await (await connect()).store('set any 0 0', 'bob other')).toBe('STORED\r\n');
    expect(await redis.call('CONFIG', 'SET', 'memcached-auth-file', '')).toBe('OK');
    expect(await (await connect()).read('get a')).toBe('END\r\n');
  });

  test("the server's password counts, from when it is set", async () => {
    await serve();
    const redis = await connectRedis();
    const before = await connect();
    expect(await redis.call('CONFIG', 'SET', 'requirepass', 'pw')).toBe('OK');
    expect(await before.read('get a')).toBe('END\r\n');
    const after = await connect();
    expect(await after.ask('get a\r\n')).toBe('CLIENT_ERROR unauthenticated\r\n');
    expect(await after.store('set any 0 0', 'default pw')).toBe('STORED\r\n');
  });

  test.each([
    [{ 'memcached-auth-file': '/nowhere/users' }, /^memcached-auth-file: \/nowhere\/users: /],
    [{ 'memcached-database': '16' }, /^memcached-database: there is no database 16$/],
    [{ 'memcached-tls-port': '1' }, /^tls-cert-file: a server of TLS needs a certificate$/],
  ])('what can not be had stops the start: %o', async (values, message) => {
    await expect(serve(values)).rejects.toThrow(message);
  });

  test('a port in use stops the start, and nothing stays open', async () => {
    await serve();
    const other = await freePort();
    const values = { port: String(other), 'memcached-port': String(port) };
    await expect(serverInProcess(values)).rejects.toThrow('Could not listen on 127.0.0.1');
    await expect(RawClient.connect(other)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('where it listens', () => {
  test('a Unix socket, for its owner', async () => {
    const file = path.join(temporaryDirectory(), 'memcached.sock');
    await serve({ 'memcached-port': '0', 'memcached-unixsocket': file });
    const client = await connect(file);
    expect(await client.ask('version\r\n')).toBe('VERSION 1.6.18\r\n');
    expect(fs.statSync(file).mode & 0o777).toBe(0o700);
    expect(await client.stat('domain_socket', 'settings')).toBe(file);
    expect(server!.addresses).toContain(`memcached ${file}`);
    await server!.stop();
    expect(fs.existsSync(file)).toBe(false);
  });

  test('TLS, with certificates that may be exchanged', async () => {
    const directory = temporaryDirectory();
    const copy = (from: string, to: string): void =>
      fs.copyFileSync(fixture(from), path.join(directory, to));
    copy('server.crt', 'cert');
    copy('server.key', 'key');
    const tlsPort = await freePort();
    await serve({
      'memcached-tls-port': String(tlsPort),
      'tls-cert-file': path.join(directory, 'cert'),
      'tls-key-file': path.join(directory, 'key'),
      'tls-auth-clients': 'no',
    });
    const ca = fs.readFileSync(fixture('ca.crt'));
    const dial = async (): Promise<MemcachedClient> => {
      const socket = tls.connect({ host: '127.0.0.1', port: tlsPort, servername: 'localhost', ca });
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      });
      const client = await MemcachedClient.connect(socket);
      clients.push(client);
      return client;
    };
    const client = await dial();
    const value = 'v'.repeat(500_000);
    expect(await client.store('set a 0 0', value)).toBe('STORED\r\n');
    expect(await client.read('get a')).toBe(`VALUE a 0 500000\r\n${value}\r\nEND\r\n`);
    fs.writeFileSync(path.join(directory, 'key'), 'no key');
    expect(await client.ask('refresh_certs\r\n')).toMatch(/^SERVER_ERROR tls-key-file: /);
    copy('server.key', 'key');
    expect(await client.ask('refresh_certs\r\n')).toBe('OK\r\n');
    expect(await (await dial()).ask('mn\r\n')).toBe('MN\r\n');
  });

  test('nowhere, unless it is asked for', async () => {
    server = await serverInProcess();
    expect(server.memcached).toBeUndefined();
    const redis = await connectRedis();
    expect(String(await redis.call('CONFIG', 'SET', 'memcached-port', '11211'))).toContain(
      "can't set immutable config",
    );
  });
});

describe('UDP', () => {
  let socket: dgram.Socket;
  let udpPort = 0;

  async function serveUdp(values: Readonly<Record<string, string>> = {}): Promise<void> {
    udpPort = await freePort();
    await serve({ 'memcached-udp-port': String(udpPort), ...values });
    socket = dgram.createSocket('udp4');
    clients.push({ close: () => socket.close() });
  }

  /** Sends one datagram; all datagrams of its answer, put together, or '' where none came. */
  function ask(body: string, id = 7, count = 1): Promise<string> {
    const header = Buffer.from([0, id, 0, 0, 0, count, 0, 0]);
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let arrived = 0;
      const timer = setTimeout(() => resolve(''), 300);
      socket.removeAllListeners('message');
      socket.on('message', (message) => {
        expect(message.length).toBeLessThanOrEqual(1400);
        if (message.readUInt16BE(0) !== id) return; // what somebody else asked
        parts[message.readUInt16BE(2)] = message.subarray(8);
        if (++arrived < message.readUInt16BE(4)) return;
        clearTimeout(timer);
        resolve(Buffer.concat(parts).toString('latin1'));
      });
      socket.send(Buffer.concat([header, Buffer.from(body, 'latin1')]), udpPort, '127.0.0.1');
    });
  }

  test('a request is a datagram, an answer as many as it takes', async () => {
    await serveUdp();
    expect(await ask('set a 0 0 1\r\nx\r\nget a\r\n')).toBe(
      'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
    );
    const value = 'v'.repeat(20_000);
    const redis = await connectRedis();
    await redis.call('SET', 'long', value);
    expect(await ask('get long\r\n', 9)).toBe(`VALUE long 0 20000\r\n${value}\r\nEND\r\n`);
    expect(await ask('\x80\x0b' + '\0'.repeat(22))).toContain('1.6.18');
    expect(await ask('get a\r\n', 1, 2)).toContain('multi-packet request not supported');
    expect(await ask('watch\r\n')).toContain('not allowed');
    expect(await ask('lru_crawler metadump all\r\n')).toContain('not allowed');
  });

  test('what is too long, cut off or noise is not answered in full', async () => {
    await serveUdp();
    const redis = await connectRedis();
    await redis.call('SET', 'long', 'v'.repeat(60_000));
    const error = 'SERVER_ERROR the answer is too long for UDP\r\n';
    expect(await ask('get long long\r\n')).toBe(error);
    expect(await ask('get long\r\n'.repeat(2000))).toBe(error);
    await redis.call('SET', 'huge', 'v'.repeat(3_000_000));
    const before = process.memoryUsage().arrayBuffers;
    for (const line of [
      'get huge',
      'get long huge huge',
      'mg huge v',
      `get${' huge'.repeat(1000)}`,
    ]) {
      expect(await ask(`${line}\r\n`)).toBe(error);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(server!.shard.engine.loans.size).toBe(0);
    expect(await ask('get a')).toBe('');
    expect(await ask('set a 0 0 100\r\nx')).toBe('');
    socket.send('abc', udpPort, '127.0.0.1');
    socket.send(Buffer.alloc(8), udpPort, '127.0.0.1');
    expect(await ask('mn\r\n')).toBe('MN\r\n');
  });

  test('nobody can authenticate in datagrams: they are dropped', async () => {
    await serveUdp({ requirepass: 'pw' });
    expect(await ask('get a\r\n')).toBe('');
    expect(await ask('set any 0 0 10\r\ndefault pw\r\n')).toBe('');
  });

  test('the outbox holds answers until the log lets them go', async () => {
    await serveUdp({ dir: temporaryDirectory(), appendfsync: 'always' });
    expect(await ask('set a 0 0 1\r\nx\r\n')).toBe('STORED\r\n');
    await wait(1);
    expect(await ask('get a\r\n')).toContain('VALUE a');
  });
});

test('flags, expiry, CAS and marks outlive a restart; new CASs are new', async () => {
  const dir = temporaryDirectory();
  await serve({ dir });
  let client = await connect();
  await client.store('set a 7 1000', 'one');
  await client.store('set b 4294967295 0', 'two');
  await client.ask('ms c 1 T500\r\nx\r\n');
  await client.ask('md c I T300\r\n');
  const before = await client.read('gets a b');
  const redis = await connectRedis();
  await redis.call('SET', 'd', 'written by Redis');
  const casOfD = await client.read('gets d');
  await server!.stop();
  await serve({ dir });
  client = await connect();
  expect(await client.read('gets a b')).toBe(before);
  expect(await client.read('gets d')).toBe(casOfD);
  expect(await client.ask('mg a t\r\n')).toMatch(/^HD t(1000|99\d)\r\n$/);
  expect(await client.ask('mg c\r\n')).toBe('HD X W\r\n');
  await client.store('set e 0 0', 'later');
  const casOf = (text: string): bigint => BigInt(/(\d+)\r\n/.exec(text)![1]!);
  expect(casOf(await client.read('gets e'))).toBeGreaterThan(casOf(casOfD));
});

test('a server that keeps nothing gives no CAS twice', async () => {
  await serve();
  const first = await connect();
  await first.store('set a 0 0', 'x');
  const before = await first.read('gets a');
  await server!.stop();
  await wait(1100);
  await serve();
  const second = await connect();
  await second.store('set a 0 0', 'x');
  expect(await second.read('gets a')).not.toBe(before);
});

test('maxmemory evicts, and the other way cache_memlimit is maxmemory', async () => {
  await serve({
    maxmemory: '8mb',
    'maxmemory-policy': 'allkeys-lru',
    'maxmemory-scope': 'data',
  });
  const client = await connect();
  const redis = await connectRedis();
  const value = 'v'.repeat(10_000);
  for (let i = 0; i < 300; i++) {
    const line = (j: number): string => `set key:${i}:${j} 0 0 10000 noreply\r\n${value}\r\n`;
    client.send(Array.from({ length: 10 }, (_, j) => line(j)).join(''));
    await client.ask('mn\r\n', /MN\r\n/);
  }
  expect(Number(await client.stat('evictions'))).toBeGreaterThan(1000);
  expect(Number(await client.stat('bytes'))).toBeLessThan(8 << 20);
  expect(await client.stat('limit_maxbytes')).toBe(String(8 << 20));
  expect(await client.ask('cache_memlimit 64\r\n')).toBe('OK\r\n');
  expect(await redis.call('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(64 << 20)]);
});

test('shutdown ends the server, where clients may', async () => {
  await serve({ 'memcached-shutdown': 'yes' });
  const client = await connect();
  client.send('shutdown\r\n');
  await client.closed;
  expect(await server!.stopped).toBe(0);
});
