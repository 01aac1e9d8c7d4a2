/**
 * Bytes that nobody should send, to a live server in this process: random ones, valid streams with mutations, in any fragments, with values short and
 * long, on many connections of which some read nothing, and to memcached's port as datagrams too. After each wave PING must be answered, memory must not
 * have grown without bound, and nothing may be left of clients that are gone; the engine's structures are looked at now and then.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { parseArgs } from 'node:util';
import { Settings } from '../src/models/redis/settings/settings.ts';
import { SeededRandomness } from '../src/os/randomness.ts';
import { silentLogger } from '../src/server/logger.ts';
import { type RunningServer, startServer } from '../src/server/server.ts';

/** Growth of resident memory after warm-up that counts as a leak. */
const MAX_GROWTH_BYTES = 300 * 1024 * 1024;
const CONNECTIONS = 20;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const random = new SeededRandomness(seed);

/** A stream of requests, one byte a character. */
export type Stream = (random: SeededRandomness) => string;

function stream(requests: Stream): Buffer {
  const kind = random.below(3);
  if (kind === 0) return Buffer.from(random.bytes(random.below(4000)));
  const bytes = Buffer.from(requests(random), 'latin1');
  if (kind === 1 || bytes.length === 0) return bytes;
  for (let i = 1 + random.below(5); i > 0; i--)
    bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

async function attack(port: number, requests: Stream): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    if (random.below(4) > 0) socket.on('data', () => {});
    const bytes = stream(requests);
    let at = 0;
    const send = (): void => {
      if (socket.destroyed) return;
      if (at >= bytes.length) {
        socket.destroy();
        return;
      }
      const size = 1 + random.below(random.below(2) === 0 ? 700 : 100_000);
      socket.write(bytes.subarray(at, at + size));
      at += size;
      setImmediate(send);
    };
    socket.on('connect', send);
  });
}

/** Datagrams with a frame header that is right, mostly. */
async function attackByDatagrams(port: number, requests: Stream): Promise<void> {
  const socket = dgram.createSocket('udp4');
  socket.on('message', () => {});
  for (let i = 0; i < CONNECTIONS; i++) {
    const header = Buffer.from([0, i, 0, 0, 0, random.below(10) === 0 ? 2 : 1, 0, 0]);
    const datagram = Buffer.concat([header, stream(requests)]).subarray(0, 1400);
    await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
  }
  socket.close();
}

function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString() === '+PONG\r\n');
    });
    socket.on('error', () => resolve(false));
    setTimeout(() => resolve(false), 5000).unref();
  });
}

/** What clients held goes with them. */
async function checkLeftovers(server: RunningServer, wave: number): Promise<void> {
  const { connections, engine } = server.shard;
  for (let i = 0; connections.size > 0 && i < 1000; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (connections.size > 0 || engine.loans.size > 0 || engine.stagedBytes > 0) {
    throw new Error(
      `seed ${seed}, wave ${wave}: left are ${connections.size} clients, ${engine.loans.size} loans, ${engine.stagedBytes} bytes`,
    );
  }
  if (wave % 50 === 0) engine.checkInvariants();
}

function freePort(): Promise<string> {
  return new Promise((resolve) => {
    const listener = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      listener.close(() => resolve(String(port)));
    });
  });
}

/** Attacks a server's port until the time is over, then ends the process. */
export async function attackServer(
  protocol: 'resp' | 'memcached',
  requests: Stream,
): Promise<void> {
  const isMemcached = protocol === 'memcached';
  const settings = new Settings();
  settings.initialise('port', [await freePort()]);
  const memcachedPort = await freePort();
  if (isMemcached) {
    settings.initialise('memcached-port', [memcachedPort]);
    settings.initialise('memcached-udp-port', [memcachedPort]);
  }
  const server = await startServer({ settings, logger: silentLogger(), memoryOnly: true });
  const port = isMemcached ? Number(memcachedPort) : server.port;
  const end = Date.now() + Number(values.seconds) * 1000;
  let waves = 0;
  let base = 0;
  while (Date.now() < end) {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => attack(port, requests)));
    if (isMemcached) await attackByDatagrams(port, requests);
    if (!(await ping(server.port)))
      throw new Error(`seed ${seed}, wave ${waves}: PING is not answered`);
    await checkLeftovers(server, waves);
    if (++waves === 50) base = process.memoryUsage().rss;
    if (base > 0 && process.memoryUsage().rss - base > MAX_GROWTH_BYTES) {
      throw new Error(`seed ${seed}, wave ${waves}: memory grew to ${process.memoryUsage().rss}`);
    }
    if (waves % 100 === 0) server.shard.model.databases.forEach((db) => db.keys.clear(true));
  }
  process.stdout.write(
    `${waves} waves of ${CONNECTIONS} connections, seed ${seed}: the server answers, RSS ${process.memoryUsage().rss >> 20} MiB\n`,
  );
  await server.stop();
  process.exit(0);
}
