/**
 * `npm run fuzz -- [--seconds 60] [--seed N]`: bytes that nobody should send, to a live server in this process: random ones, valid streams with
 * mutations, in any fragments, on many connections. After each wave PING must be answered, and memory must not have grown without bound.
 */
import net from 'node:net';
import { parseArgs } from 'node:util';
import { Settings } from '../src/models/redis/settings/settings.ts';
import { SeededRandomness } from '../src/os/randomness.ts';
import { silentLogger } from '../src/server/logger.ts';
import { startServer } from '../src/server/server.ts';

/** Growth of resident memory after warm-up that counts as a leak. */
const MAX_GROWTH_BYTES = 300 * 1024 * 1024;
const CONNECTIONS = 20;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const random = new SeededRandomness(seed);

const WORDS = [
  'SET',
  'GET',
  'a',
  'b',
  '1',
  '-1',
  'EX',
  'MULTI',
  'EXEC',
  'SUBSCRIBE',
  'MONITOR',
  'CLIENT',
  'REPLY',
  'OFF',
  'SKIP',
  'SETRANGE',
  '100',
  'APPEND',
  'HELLO',
  '3',
  'WATCH',
  'INFO',
  'SCAN',
  '0',
  'KEYS',
  '*',
  'BITFIELD',
  'LCS',
  'OBJECT',
  'DUMP',
  '\0',
  '',
  'x'.repeat(300),
];
const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;

function stream(): Buffer {
  const kind = random.below(3);
  if (kind === 0) return Buffer.from(random.bytes(random.below(4000)));
  let text = '';
  for (let i = random.below(50); i >= 0; i--) {
    const args = Array.from({ length: 1 + random.below(6) }, () => pick(WORDS));
    text += `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
  }
  const bytes = Buffer.from(text, 'latin1');
  if (kind === 1) return bytes;
  for (let i = 1 + random.below(5); i > 0; i--)
    bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

async function attack(port: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.on('data', () => {});
    const bytes = stream();
    let at = 0;
    const send = (): void => {
      if (socket.destroyed) return;
      if (at >= bytes.length) {
        socket.destroy();
        return;
      }
      const size = 1 + random.below(700);
      socket.write(bytes.subarray(at, at + size));
      at += size;
      setImmediate(send);
    };
    socket.on('connect', send);
  });
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

const settings = new Settings();
settings.initialise('port', ['7397']);
const server = await startServer({ settings, logger: silentLogger(), memoryOnly: true });
const end = Date.now() + Number(values.seconds) * 1000;
let waves = 0;
let base = 0;
while (Date.now() < end) {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => attack(server.port)));
  if (!(await ping(server.port)))
    throw new Error(`seed ${seed}, wave ${waves}: PING is not answered`);
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
