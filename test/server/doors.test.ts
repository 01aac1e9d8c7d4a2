/** Who comes in: maxclients, protected mode, and what becomes of those who do not. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { RawClient } from '../support/raw-client.ts';
import {
  MAIN,
  ServerProcess,
  freePort,
  serverInProcess,
  temporaryDirectory,
} from '../support/server.ts';

let server: RunningServer | undefined;
const clients: RawClient[] = [];

async function connect(where?: number): Promise<RawClient> {
  const client = await RawClient.connect(where ?? server!.port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop();
  server = undefined;
});

const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

describe('maxclients', () => {
  test('one more is told why it may not come in, and the others go on', async () => {
    server = await serverInProcess({ maxclients: '2' });
    const [a, b] = [await connect(), await connect()];
    expect(await a.call('PING')).toBe('PONG');
    expect(await b.call('PING')).toBe('PONG');
    const third = await connect();
    await third.closed;
    expect(third.received).toBe('-ERR max number of clients reached\r\n');
    expect(await a.call('PING')).toBe('PONG');
    b.close();
    await expect.poll(async () => String(await a.call('INFO', 'clients'))).toContain('clients:1');
    const fourth = await connect();
    expect(await fourth.call('PING')).toBe('PONG');
    expect(String(await a.call('INFO', 'stats'))).toContain('rejected_connections:1\r\n');
  });

  test('CONFIG SET counts from now on; who is in stays', async () => {
    server = await serverInProcess({ maxclients: '10' });
    const [a, b] = [await connect(), await connect()];
    expect(await a.call('CONFIG', 'SET', 'maxclients', '1')).toBe('OK');
    expect(await b.call('PING')).toBe('PONG');
    const third = await connect();
    await third.closed;
    expect(third.received).toContain('max number of clients');
  });

  test.runIf(fs.existsSync('/proc/self/fd'))(
    'who was refused costs nothing, even if it never hangs up',
    async () => {
      server = await serverInProcess({ maxclients: '1' });
      const inside = await connect();
      await inside.call('PING');
      const before = openFiles();
      const refused = await Promise.all(Array.from({ length: 50 }, () => connect()));
      for (const client of refused) client.send('PING\r\n');
      await Promise.all(refused.map((client) => client.closed));
      // Both ends are in this process: all that was opened is closed again.
      await expect.poll(openFiles).toBeLessThanOrEqual(before + 2);
    },
  );
});

describe('protected mode', () => {
  const outside = Object.values(os.networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

  test.runIf(outside !== undefined)('without a password only this machine comes in', async () => {
    server = await serverInProcess({ bind: '*' });
    const net = await import('node:net');
    const dial = async (): Promise<RawClient> => {
      const socket = net.connect(server!.port, outside);
      await new Promise((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      const client = await RawClient.connect(socket);
      clients.push(client);
      return client;
    };
    const stranger = await dial();
    await stranger.closed;
    expect(stranger.received).toMatch(/^-DENIED .*protected mode.*\r\n$/);
    const local = await connect();
    expect(await local.call('PING')).toBe('PONG');
    expect(await local.call('CONFIG', 'SET', 'requirepass', 'secret')).toBe('OK');
    const asked = await dial();
    expect(String(await asked.call('PING'))).toContain('NOAUTH');
    expect(await asked.call('AUTH', 'secret')).toBe('OK');
    expect(await asked.call('PING')).toBe('PONG');
    await local.call('AUTH', 'secret');
    await local.call('CONFIG', 'SET', 'requirepass', '');
    await local.call('CONFIG', 'SET', 'protected-mode', 'no');
    expect(await (await dial()).call('PING')).toBe('PONG');
  });
});

test('who has not said the password can do little, and send little', async () => {
  server = await serverInProcess({ requirepass: 'secret' });
  const a = await connect();
  expect(String(await a.call('GET', 'a'))).toContain('NOAUTH Authentication required.');
  a.send(`*1\r\n$20000\r\n`);
  await a.closed;
  expect(a.received).toContain('-ERR Protocol error: unauthenticated bulk length\r\n');
  const b = await connect();
  b.send('*11\r\n');
  await b.closed;
  expect(b.received).toBe('-ERR Protocol error: unauthenticated multibulk length\r\n');
});

test.runIf(process.platform !== 'win32')(
  'out of file descriptors: the server lives, and takes new clients once others have gone',
  async () => {
    const port = await freePort();
    const limited = ServerProcess.spawn(
      port,
      ['--memory'],
      ['sh', '-c', 'ulimit -n 120; exec "$@"', 'sh', process.execPath, MAIN],
    );
    await limited.isReady();
    const first = await connect(port);
    expect(await first.call('PING')).toBe('PONG');
    const many = await Promise.all(
      Array.from({ length: 200 }, () => connect(port).catch(() => undefined)),
    );
    expect(await first.call('SET', 'a', '1')).toBe('OK');
    for (const client of many) client?.close();
    await expect
      .poll(async () => {
        const late = await connect(port).catch(() => undefined);
        const reply = await Promise.race([late?.call('GET', 'a'), late?.closed]);
        late?.close();
        return reply;
      })
      .toBe('1');
    expect(await limited.kill('SIGTERM')).toBe(0);
  },
);

test('INFO and CONFIG GET of a server that is reached by a socket', async () => {
  const dir = temporaryDirectory();
  server = await serverInProcess({ dir: path.relative('.', dir) });
  const a = await connect();
  const field = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(await a.call('INFO', 'stats')))![1]);
  const [reads, writes] = [
    await field('total_reads_processed'),
    await field('total_writes_processed'),
  ];
  for (let i = 0; i < 10; i++) await a.call('PING');
  expect(await field('total_reads_processed')).toBe(reads + 12);
  expect(await field('total_writes_processed')).toBe(writes + 12);
  expect(await a.call('CONFIG', 'GET', 'dir')).toEqual(['dir', fs.realpathSync(dir)]);
});
