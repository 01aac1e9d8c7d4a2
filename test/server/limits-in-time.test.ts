/** Limits of clients on the simulated machine, where time passes when the test says so. */
import { describe, expect, test } from 'vitest';
import { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { type SimulatedClient, SimulatedServer } from '../crash/simulated-server.ts';

async function start(
  settings: Readonly<Record<string, string>>,
): Promise<{ server: SimulatedServer; files: SimulatedFileSystem }> {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.makeDirectory('/data');
  const server = new SimulatedServer(files, 1, settings);
  await server.open();
  return { server, files };
}

const isConnected = (server: SimulatedServer, client: SimulatedClient): boolean =>
  [...server.shard.connections].some((c) => c.transport === (client.transport as unknown));

describe('timeout', () => {
  /** Runs `seconds`, with the sweep of each and `each` before it. */
  async function pass(server: SimulatedServer, seconds: number, each = (): void => {}) {
    for (let i = 0; i < seconds; i++) {
      await server.files.loop.run(1000);
      each();
      server.shard.sweep();
    }
  }

  test('who takes a long reply bit by bit is not idle', async () => {
    const { server } = await start({ timeout: '3', appendonly: 'no' });
    const [writer, reader] = [server.connect(), server.connect()];
    for (let i = 0; i < 10; i++) writer.send(`APPEND big ${'x'.repeat(100_000)}`);
    await server.files.loop.run(5);
    reader.transport.window = 0;
    reader.send('GET big');
    await pass(server, 20, () => reader.transport.drain(10_000));
    expect(reader.received).toHaveLength(200_000);
    expect(isConnected(server, reader)).toBe(true);
    expect(isConnected(server, writer)).toBe(false);
    await pass(server, 5);
    expect(isConnected(server, reader)).toBe(false);
  });

  test('who is held back by CLIENT PAUSE is not idle', async () => {
    const { server } = await start({ timeout: '3', appendonly: 'no' });
    const [pausing, paused] = [server.connect(), server.connect()];
    pausing.send('CLIENT PAUSE 10000');
    paused.send('SET a 1');
    await pass(server, 9);
    expect(isConnected(server, paused)).toBe(true);
    await pass(server, 2);
    expect(paused.received).toBe('+OK\r\n');
    await pass(server, 5);
    expect(isConnected(server, paused)).toBe(false);
  });
});

describe('output that waits for the disk', () => {
  test('counts as output of those it is for', async () => {
    const { server, files } = await start({
      appendfsync: 'always',
      'client-output-buffer-limit': 'pubsub 1mb 0 0',
    });
    const [writer, publisher, subscriber] = [server.connect(), server.connect(), server.connect()];
    subscriber.send('SUBSCRIBE c');
    await files.loop.run(5);
    files.syncUs = 60_000_000;
    writer.send('SET a 1');
    for (let i = 0; i < 100; i++) {
      publisher.send(`PUBLISH c ${'x'.repeat(20_000)}`);
      await files.loop.run(1);
    }
    expect(isConnected(server, subscriber)).toBe(false);
    expect(isConnected(server, publisher)).toBe(true);
    await files.loop.run(60_000);
    expect(writer.received).toBe('+OK\r\n');
    expect(publisher.received).toMatch(/^(:1\r\n)+(:0\r\n)+$/);
  });
});
