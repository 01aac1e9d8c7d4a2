/** Somebody sets the clock, forward and back, while a server runs. */
import { describe, expect, test } from 'vitest';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { SimulatedServer, type SimulatedClient } from './simulated-server.ts';

const HOUR = 3_600_000;

async function start(
  settings: Readonly<Record<string, string>> = {},
  files = new SimulatedFileSystem(new SimulatedLoop()),
): Promise<SimulatedServer> {
  files.makeDirectory('/data');
  const server = new SimulatedServer(files, 1, settings);
  await server.open();
  return server;
}

async function ask(server: SimulatedServer, client: SimulatedClient, request: string) {
  const before = client.received.length;
  client.send(request);
  await server.files.loop.run(5);
  return client.received.slice(before);
}

describe('expiry goes by the clock', () => {
  test('forward: what is due by it goes at once', async () => {
    const server = await start();
    const client = server.connect();
    await ask(server, client, 'SET a 1 EX 100');
    await ask(server, client, 'SET b 1 EX 7200');
    server.files.loop.shiftClock(HOUR);
    expect(await ask(server, client, 'EXISTS a b')).toBe(':1\r\n');
    expect(await ask(server, client, 'TTL b')).toBe(':3600\r\n');
    expect(await ask(server, client, 'DBSIZE')).toBe(':1\r\n');
  });

  test('back: what is due by it stays so much longer', async () => {
    const server = await start();
    const client = server.connect();
    await ask(server, client, 'SET a 1 EX 100');
    server.files.loop.shiftClock(-HOUR);
    await server.files.loop.run(200_000);
    expect(await ask(server, client, 'TTL a')).toBe(':3500\r\n');
    await server.files.loop.run(HOUR);
    expect(await ask(server, client, 'GET a')).toBe('$-1\r\n');
  });
});

describe('what waits for a while does not go by it', () => {
  test.each([-HOUR, HOUR])('a pause, WAIT, syncs: %i ms', async (jump) => {
    const server = await start();
    const { loop } = server.files;
    const [client, waiting, pausing] = [server.connect(), server.connect(), server.connect()];
    await ask(server, client, 'SET a 1');
    waiting.send('WAIT 1 3000');
    await loop.run(5);
    loop.shiftClock(jump);
    expect(await ask(server, client, 'WAITAOF 1 0 0')).toBe('');
    await loop.run(2000);
    expect(client.received).toMatch(/\*2\r\n:1\r\n:0\r\n$/); // synced within a second or so
    expect(waiting.received).toBe('');
    await loop.run(1100);
    expect(waiting.received).toBe(':0\r\n');
    pausing.send('CLIENT PAUSE 1000');
    await loop.run(5);
    loop.shiftClock(-2 * jump);
    expect(await ask(server, client, 'GET a')).toBe('');
    await loop.run(1000);
    expect(client.received).toMatch(/\$1\r\n1\r\n$/);
  });

  test('idle clients: nobody goes because the clock went back, all may when it goes forward', async () => {
    const server = await start({ timeout: '300' });
    const { loop } = server.files;
    const client = server.connect();
    await ask(server, client, 'PING');
    loop.shiftClock(-HOUR);
    server.shard.sweep();
    expect(server.shard.connections.size).toBe(1);
    expect(await ask(server, client, 'CLIENT LIST')).toMatch(/ idle=0 /);
    server.shard.sweep();
    loop.shiftClock(HOUR);
    server.shard.sweep();
    expect(server.shard.connections.size).toBe(0);
  });
});

test('jumps of any kind under all kinds of commands: nothing breaks, and the log is the state', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new SeededRandomness(seed);
    let server = await start({ appendfsync: 'always', 'maxmemory-clients': '10mb', timeout: '10' });
    let client = server.connect();
    const key = (): string => `k${random.below(20)}`;
    for (let i = 0; i < 400; i++) {
      const commands = [
        `SET ${key()} ${i} PX ${1 + random.below(100_000)}`,
        `SET ${key()} ${i}`,
        `EXPIRE ${key()} ${random.below(1000) - 10}`,
        `PERSIST ${key()}`,
        `GETEX ${key()} EX ${1 + random.below(100)}`,
        `INCR n`,
        `OBJECT IDLETIME ${key()}`,
        `TTL ${key()}`,
        'INFO everything',
        'CLIENT LIST',
        'MEMORY STATS',
        `BGREWRITEAOF`,
      ];
      client.send(commands[random.below(commands.length)]!);
      if (random.below(5) === 0) {
        const jumps = [1, 1000, HOUR, 1000 * HOUR];
        server.files.loop.shiftClock((random.below(2) * 2 - 1) * jumps[random.below(4)]!);
      }
      await server.files.loop.run(random.below(50));
      if (random.below(10) === 0) server.shard.sweep();
      if (random.below(10) === 0) server.shard.keepHouse();
      if (server.shard.connections.size === 0) client = server.connect();
    }
    await server.files.loop.run(1000);
    server.shard.engine.checkInvariants();
    const before = server.dump();
    server = await start({}, server.files.restart());
    // Whatever is due by now goes after the load; all else is there.
    const gone = server.dump().split(' ');
    expect(before.split(' ')).toEqual(expect.arrayContaining(gone.filter((line) => line !== '')));
  }
});
