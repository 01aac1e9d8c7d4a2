/** Where a server listens, and that it goes over to other ports and addresses while it runs. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

let server: RunningServer | undefined;
const clients: RawClient[] = [];

async function connect(where: number | string, host = '127.0.0.1'): Promise<RawClient> {
  const socket = typeof where === 'string' ? net.connect(where) : net.connect(where, host);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const client = await RawClient.connect(socket);
  clients.push(client);
  return client;
}

async function set(client: RawClient, ...pairs: readonly string[]): Promise<string> {
  const reply = await client.call('CONFIG', 'SET', ...pairs);
  return reply instanceof Error ? reply.message : String(reply);
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop();
  server = undefined;
});

const PORT_REFUSED = /argument 'port'\) - Unable to listen on this port\. Check server logs\.$/;
const BIND_REFUSED = /argument 'bind'\) - Failed to bind to specified addresses\.$/;

describe('CONFIG SET port', () => {
  test('goes over to another; who is in stays in', async () => {
    server = await serverInProcess();
    const before = server.port;
    const inside = await connect(before);
    const after = await freePort();
    expect(await set(inside, 'port', String(after))).toBe('OK');
    expect(server.port).toBe(after);
    expect(server.addresses).toEqual([`127.0.0.1:${after}`]);
    expect(await (await connect(after)).call('PING')).toBe('PONG');
    await expect(connect(before)).rejects.toThrow('ECONNREFUSED');
    expect(String(await inside.call('INFO', 'server'))).toContain(`tcp_port:${after}\r\n`);
    expect(await inside.call('CONFIG', 'GET', 'port')).toEqual(['port', String(after)]);
  });

  test('one in use is refused, and all is as before', async () => {
    const other = net.createServer();
    const taken = await freePort();
    await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve));
    server = await serverInProcess();
    const inside = await connect(server.port);
    expect(await set(inside, 'timeout', '7', 'port', String(taken))).toMatch(PORT_REFUSED);
    expect(await inside.call('CONFIG', 'GET', 'port', 'timeout')).toEqual(
      expect.arrayContaining(['port', String(server.port), 'timeout', '0']),
    );
    expect(await (await connect(server.port)).call('PING')).toBe('PONG');
    await new Promise((resolve) => other.close(resolve));
    expect(await set(inside, 'port', String(taken))).toBe('OK');
    expect(await (await connect(taken)).call('PING')).toBe('PONG');
  });

  test('0: no TCP at all; a Unix socket leads back', async () => {
    const socket = path.join(temporaryDirectory(), 'kvasir.sock');
    server = await serverInProcess({ unixsocket: socket });
    const port = server.port;
    const inside = await connect(socket);
    expect(await set(inside, 'port', '0')).toBe('OK');
    expect(server.addresses).toEqual([socket]);
    await expect(connect(port)).rejects.toThrow('ECONNREFUSED');
    expect(await set(inside, 'unixsocket', '/tmp/other')).toContain("can't set immutable config");
    expect(await set(inside, 'port', String(port))).toBe('OK');
    expect(await (await connect(port)).call('PING')).toBe('PONG');
  });

  test('within a transaction', async () => {
    server = await serverInProcess();
    const inside = await connect(server.port);
    const after = await freePort();
    await inside.call('MULTI');
    await inside.call('CONFIG', 'SET', 'port', String(after));
    expect(await inside.call('EXEC')).toEqual(['OK']);
    expect(await (await connect(after)).call('PING')).toBe('PONG');
  });
});

describe('CONFIG SET bind', () => {
  test('to more addresses, to fewer, to all', async () => {
    server = await serverInProcess();
    const { port } = server;
    const inside = await connect(port);
    expect(await set(inside, 'bind', '127.0.0.1 127.0.0.2')).toBe('OK');
    expect(await (await connect(port, '127.0.0.2')).call('PING')).toBe('PONG');
    expect(await (await connect(port)).call('PING')).toBe('PONG');
    expect(await set(inside, 'bind', '127.0.0.2')).toBe('OK');
    await expect(connect(port)).rejects.toThrow('ECONNREFUSED');
    expect(await set(inside, 'bind', '*')).toBe('OK');
    expect(server.addresses).toEqual([`0.0.0.0:${port}`]);
    expect(await (await connect(port)).call('PING')).toBe('PONG');
    expect(await set(inside, 'bind', '')).toBe('OK');
    await expect(connect(port)).rejects.toThrow('ECONNREFUSED');
    expect(await set(inside, 'bind', '127.0.0.1')).toBe('OK');
    expect(await (await connect(port)).call('PING')).toBe('PONG');
  });

  test('an address that is not here is refused, unless a dash says that it may be missing', async () => {
    server = await serverInProcess();
    const { port } = server;
    const inside = await connect(port);
    expect(await set(inside, 'bind', '127.0.0.1 192.0.2.1')).toMatch(BIND_REFUSED);
    expect(await set(inside, 'bind', 'nowhere.invalid')).toMatch(BIND_REFUSED);
    expect(await inside.call('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(server.addresses).toEqual([`127.0.0.1:${port}`]);
    expect(await (await connect(port)).call('PING')).toBe('PONG');
    expect(await set(inside, 'bind', '127.0.0.1 -192.0.2.1')).toBe('OK');
    expect(server.addresses).toEqual([`127.0.0.1:${port}`]);
    expect(await (await connect(port)).call('PING')).toBe('PONG');
  });

  test('address and port together', async () => {
    server = await serverInProcess();
    const inside = await connect(server.port);
    const after = await freePort();
    expect(await set(inside, 'port', String(after), 'bind', '127.0.0.3')).toBe('OK');
    expect(server.addresses).toEqual([`127.0.0.3:${after}`]);
    expect(await (await connect(after, '127.0.0.3')).call('PING')).toBe('PONG');
  });
});

test('a name is looked up at the start, and is known from then on', async () => {
  server = await serverInProcess({ bind: 'localhost' });
  const inside = await connect(server.port, 'localhost');
  const after = await freePort();
  expect(await set(inside, 'port', String(after))).toBe('OK');
  expect(await (await connect(after, 'localhost')).call('PING')).toBe('PONG');
});

test('a Unix socket: its mode, and that it goes with the server', async () => {
  const socket = path.join(temporaryDirectory(), 'kvasir.sock');
  server = await serverInProcess({ unixsocket: socket, unixsocketperm: '700', port: '0' });
  expect(server.addresses).toEqual([socket]);
  expect(fs.statSync(socket).mode & 0o777).toBe(0o700);
  const inside = await connect(socket);
  expect(String(await inside.call('CLIENT', 'LIST'))).toContain(`addr=${socket}:0`);
  await server.stop();
  expect(fs.existsSync(socket)).toBe(false);
});

test.runIf(fs.existsSync('/proc/net/tcp'))('tcp-keepalive', async () => {
  /** Whether the server's end of `client` has a keep-alive timer (2 in the column of the timer). */
  const isKeptAlive = (client: RawClient): boolean => {
    const hex = (n: number): string => n.toString(16).toUpperCase().padStart(4, '0');
    const ends = `:${hex(server!.port)} 0100007F:${hex(client.socket.localPort!)}`;
    const line = fs
      .readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .find((l) => l.includes(ends));
    return line!.trim().split(/\s+/)[5]!.startsWith('02:');
  };
  server = await serverInProcess({ 'tcp-keepalive': '100' });
  const kept = await connect(server.port);
  await kept.call('PING');
  await expect.poll(() => isKeptAlive(kept)).toBe(true);
  expect(await set(kept, 'tcp-keepalive', '0')).toBe('OK');
  const other = await connect(server.port);
  await other.call('PING');
  // While a reply is not acknowledged yet another timer stands in that column.
  await expect.poll(() => [isKeptAlive(kept), isKeptAlive(other)]).toEqual([true, false]);
});
