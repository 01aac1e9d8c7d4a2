/** node-redis in both protocol versions, and the ways in: password, Unix socket, restart. */
import fs from 'node:fs';
import path from 'node:path';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

describe.each([2, 3] as const)('RESP%i', (RESP) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await serverInProcess();
  });
  afterAll(() => server.stop());

  const connect = (): ReturnType<typeof createClient> =>
    createClient({ RESP, socket: { port: server.port } });

  test('commands', async () => {
    const client = await connect().connect();
    await client.flushAll();
    expect(await client.set('a', '1', { expiration: { type: 'EX', value: 50 } })).toBe('OK');
    expect(await client.incrBy('a', 41)).toBe(42);
    expect(await client.get('nothing')).toBe(null);
    expect(await client.getEx('a', { type: 'PERSIST' })).toBe('42');
    expect(await client.ttl('a')).toBe(-1);
    expect(await client.configGet('maxclients')).toEqual({ maxclients: '10000' });
    expect(await client.sendCommand(['OBJECT', 'ENCODING', 'a'])).toBe('int');
    await expect(client.sendCommand(['NOSUCH', 'x'])).rejects.toThrow(
      "ERR unknown command 'NOSUCH', with args beginning with: 'x' ",
    );
    client.destroy();
  });

  test('many commands at once are pipelined and answered in order', async () => {
    const client = await connect().connect();
    const replies = await Promise.all(
      Array.from({ length: 5000 }, (_, i) => client.set(`k${i}`, String(i))),
    );
    expect(new Set(replies)).toEqual(new Set(['OK']));
    expect(await client.mGet(['k0', 'k4999'])).toEqual(['0', '4999']);
    client.destroy();
  });

  test('transactions', async () => {
    const client = await connect().connect();
    expect(await client.multi().set('t', '5').incr('t').exec()).toEqual(['OK', 6]);
    await client.watch('t');
    const other = await connect().connect();
    await other.set('t', '0');
    await expect(client.multi().incr('t').exec()).rejects.toThrow();
    client.destroy();
    other.destroy();
  });

  test('publish and subscribe, also to shard channels', async () => {
    const subscriber = await connect().connect();
    const publisher = await connect().connect();
    const got: string[] = [];
    await subscriber.subscribe('c', (message) => got.push(`c ${message}`));
    await subscriber.pSubscribe('c*', (message) => got.push(`p ${message}`));
    await subscriber.sSubscribe('s', (message) => got.push(`s ${message}`));
    expect(await publisher.publish('c', 'one')).toBe(2);
    expect(await publisher.sPublish('s', 'two')).toBe(1);
    await expect.poll(() => got).toEqual(['c one', 'p one', 's two']);
    await subscriber.unsubscribe('c');
    expect(await publisher.publish('c', 'three')).toBe(1);
    subscriber.destroy();
    publisher.destroy();
  });
});

test('a password is asked for, and a wrong one refused', async () => {
  const server = await serverInProcess({ requirepass: 'secret' });
  const right = await createClient({ password: 'secret', socket: { port: server.port } }).connect();
  expect(await right.ping()).toBe('PONG');
  right.destroy();
  const wrong = createClient({
    password: 'guess',
    socket: { port: server.port, reconnectStrategy: false },
  });
  wrong.on('error', () => {});
  await expect(wrong.connect()).rejects.toThrow('WRONGPASS');
  await server.stop();
});

test('a Unix socket', async () => {
  const socket = path.join(temporaryDirectory(), 'kvasir.sock');
  const server = await serverInProcess({ port: '0', unixsocket: socket, unixsocketperm: '700' });
  expect(fs.statSync(socket).mode & 0o777).toBe(0o700);
  const client = await createClient({ socket: { path: socket, tls: false } }).connect();
  await client.set('a', '1');
  expect(await client.get('a')).toBe('1');
  client.destroy();
  await server.stop();
  expect(fs.existsSync(socket)).toBe(false);
});

test('a client that reconnects finds its data after the server was restarted', async () => {
  const dir = temporaryDirectory();
  const port = String(await freePort());
  let server = await serverInProcess({ port, dir });
  const client = createClient({ socket: { port: Number(port), reconnectStrategy: 20 } });
  client.on('error', () => {});
  await client.connect();
  await client.set('kept', 'yes');
  await client.incr('n');
  const isBack = new Promise((resolve) => client.once('ready', resolve));
  await server.stop();
  server = await serverInProcess({ port, dir });
  await isBack;
  expect(await client.get('kept')).toBe('yes');
  expect(await client.incr('n')).toBe(2);
  client.destroy();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});
