/** While the disk takes nothing: writes are refused, reads go on, and nothing changes by itself. */
import { describe, expect, test } from 'vitest';
import { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { SimulatedServer, type SimulatedClient } from './simulated-server.ts';

const MISCONF = /^-MISCONF Errors writing to the AOF file: /;

async function start(
  files: SimulatedFileSystem,
  settings: Readonly<Record<string, string>> = {},
): Promise<SimulatedServer> {
  files.makeDirectory('/data');
  const server = new SimulatedServer(files, 1, settings);
  await server.open();
  return server;
}

const newMachine = (): SimulatedFileSystem => new SimulatedFileSystem(new SimulatedLoop());

/** What a client gets within some simulated time after a request. */
async function ask(files: SimulatedFileSystem, client: SimulatedClient, request: string) {
  const before = client.received.length;
  client.send(request);
  await files.loop.run(5);
  return client.received.slice(before);
}

const logged = (files: SimulatedFileSystem): string =>
  [...files.dump()]
    .filter(([path]) => path.includes('.incr'))
    .map(([, bytes]) => Buffer.from(bytes).toString('latin1'))
    .join('');

/** Lets the next write fail for want of room, and the reserve take it. */
async function fillDisk(files: SimulatedFileSystem, client: SimulatedClient): Promise<void> {
  await files.loop.run(100);
  files.capacityBytes = files.usedBytes + 10;
  expect(await ask(files, client, 'SET filler 1')).toBe('+OK\r\n');
  expect(await ask(files, client, 'SET filler 2')).toMatch(MISCONF);
}

/** One sync fails, and what would mend it too, until `heal`. */
async function breakSync(
  files: SimulatedFileSystem,
  client: SimulatedClient,
): Promise<{ heal: () => void }> {
  await ask(files, client, 'SET filler 1');
  files.fault = (operation) =>
    operation === 'fdatasync' || operation === 'fsync' ? 'EIO' : undefined;
  await files.loop.run(2000);
  expect(await ask(files, client, 'SET filler 2')).toMatch(MISCONF);
  return {
    heal: () => {
      files.fault = undefined;
    },
  };
}

describe.each(['full', 'broken'])('keys that are due while the disk is %s', (kind) => {
  test.each([false, true])(
    'stay, hidden, until they can be logged; a crash: %s',
    async (isCrashing) => {
      const files = newMachine();
      const server = await start(files, { 'notify-keyspace-events': 'Ex' });
      const [client, listener] = [server.connect(), server.connect()];
      await ask(files, listener, 'SUBSCRIBE __keyevent@0__:expired');
      for (let i = 0; i < 20; i++) await ask(files, client, `SET k${i} v PX 5000`);
      await ask(files, client, 'SET plain v');
      let heal = (): void => {
        files.capacityBytes = Infinity;
      };
      if (kind === 'full') await fillDisk(files, client);
      else ({ heal } = await breakSync(files, client));
      const { position } = server.persistence;
      const before = server.dump();
      await files.loop.run(20_000);

      expect(await ask(files, client, 'GET k1')).toBe('$-1\r\n');
      expect(await ask(files, client, 'EXISTS k1 k2 plain')).toBe(':1\r\n');
      expect(await ask(files, client, 'TTL k3')).toBe(':-2\r\n');
      expect(await ask(files, client, 'KEYS k*')).toBe('*0\r\n');
      expect(await ask(files, client, 'SCAN 0 MATCH k* COUNT 1000')).toMatch(/\*0\r\n$/);
      expect(await ask(files, client, 'RANDOMKEY')).toMatch(/^\$/);
      expect(await ask(files, client, 'DEL k1')).toMatch(MISCONF);
      expect(server.dump()).toBe(before);
      expect(server.persistence.position).toBe(position);
      expect(listener.received).not.toContain('message');
      expect(logged(files)).not.toContain('DEL');
      if (isCrashing) {
        const restarted = await start(files.restart(undefined, new SimulatedLoop()));
        expect(restarted.dump()).toBe(before);
        return;
      }
      heal();
      await files.loop.run(90_000);
      expect(await ask(files, client, 'SET plain w')).toBe('+OK\r\n');
      await files.loop.run(100);
      expect(server.dump()).toBe('0:filler=1@-1 0:plain=w@-1');
      expect(listener.received.split('expired\r\n$2\r\nk').length).toBeGreaterThan(5);
      const restarted = await start(files.restart(undefined, new SimulatedLoop()));
      expect(restarted.dump()).toBe(server.dump());
    },
  );
});

describe.each(['everysec', 'no'])('more is pending than the reserve holds, %s', (appendfsync) => {
  test('its writer waits, everybody else is served', async () => {
    const files = newMachine();
    const server = await start(files, { appendfsync });
    const [writer, reader, listener] = [server.connect(), server.connect(), server.connect()];
    await ask(files, writer, 'SET a before');
    await ask(files, listener, 'SUBSCRIBE c');
    await files.loop.run(100);
    files.capacityBytes = files.usedBytes + 1000;
    const told = listener.received.length;
    // In one tick: 5 MB, a message and a read that show some of it.
    for (let i = 0; i < 50; i++) writer.send(`SET big${i} ${'x'.repeat(100_000)}`);
    writer.send('SET a after', 'PUBLISH c a-has-changed');
    const early = server.connect();
    early.send('GET a');
    await files.loop.run(1500);
    expect(writer.received).toBe('+OK\r\n');
    expect(early.received).toBe('');
    expect(listener.received).toHaveLength(told);

    expect(await ask(files, reader, 'GET a')).toBe('$5\r\nafter\r\n');
    expect(await ask(files, reader, 'SET a x')).toMatch(MISCONF);
    expect(await ask(files, reader, 'STRLEN big49')).toBe(':100000\r\n');
    expect(await ask(files, server.connect(), 'INFO persistence')).toContain(
      'aof_last_write_status:err',
    );
    // The order of each client's own output holds: what comes behind waits too.
    expect(await ask(files, reader, 'PUBLISH c later')).toBe(':1\r\n');
    expect(await ask(files, early, 'GET a')).toBe('');
    expect(await ask(files, writer, 'PING')).toBe('');
    expect(listener.received).toHaveLength(told);

    files.capacityBytes = Infinity;
    await files.loop.run(3000);
    expect(writer.received).toMatch(/^(\+OK\r\n){52}:1\r\n-MISCONF .*\r\n$/);
    expect(early.received).toBe('$5\r\nafter\r\n$5\r\nafter\r\n');
    expect(listener.received.slice(told)).toMatch(/a-has-changed[\s\S]*later/);
    expect(await ask(files, reader, 'SET a x')).toBe('+OK\r\n');
    await files.loop.run(10);
    expect((await start(files.restart(undefined, new SimulatedLoop()))).dump()).toBe(server.dump());
  });
});

test('always: what is pending and the reserve cannot hold ends the process', async () => {
  const files = newMachine();
  const server = await start(files, { appendfsync: 'always' });
  const writer = server.connect();
  await files.loop.run(100);
  files.capacityBytes = files.usedBytes + 1000;
  for (let i = 0; i < 50; i++) writer.send(`SET big${i} ${'x'.repeat(100_000)}`);
  await files.loop.run(10);
  expect(server.fatal).toBe(true);
  expect(writer.received).toBe('');
});

test('a file is switched on a slow disk: writes wait once much is in memory, reads go on', async () => {
  const files = newMachine();
  const server = await start(files);
  const [admin, other] = [server.connect(), server.connect()];
  await ask(files, admin, 'SET a 1');
  const { log } = server.persistence.aof;
  log.limitBytes = 1_000_000;
  admin.send('BGREWRITEAOF');
  await files.loop.runUntil(() => log.isSwitching);
  files.syncUs = 10_000_000;
  const writers = Array.from({ length: 200 }, () => server.connect());
  for (const [i, writer] of writers.entries()) {
    writer.send(`SET k${i} ${'x'.repeat(100_000)}`);
    await files.loop.run(1);
  }
  expect(log.buffer.length).toBeLessThan(1_200_000);
  expect(await ask(files, other, 'GET a')).toBe(''); // it would show what is in memory only
  expect(writers.every((writer) => writer.received === '')).toBe(true);
  files.syncUs = 100;
  await files.loop.run(30_000);
  expect(other.received).toBe('$1\r\n1\r\n');
  expect(writers.every((writer) => writer.received === '+OK\r\n')).toBe(true);
  expect((await start(files.restart(undefined, new SimulatedLoop()))).dump()).toBe(server.dump());
});
