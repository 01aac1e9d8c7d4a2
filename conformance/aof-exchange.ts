/**
 * Exchanges directories with a real redis-server: what one of the two wrote the other must load, with identical data, also after
 * each has appended to the other's files, and Redis's own checkers must call ours valid.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import { Random } from './random.ts';
import { freePort, hasProgram, Server } from './servers.ts';

type Kind = 'redis' | 'kvasir';

/** What both are started with. `save ''`: Redis writes no dump of its own. */
const COMMON: readonly string[] = ['--appendonly', 'yes', '--save', '', '--databases', '4'];
const HOUR_MS = 3_600_000;
const DATABASES = 3;

interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** Runs all cases; returns how many failed, and says what was skipped. */
export async function runExchange(): Promise<number> {
  if (!hasProgram('redis-server')) {
    process.stdout.write('exchange: skipped, there is no redis-server here\n');
    return 0;
  }
  let failures = 0;
  for (const one of CASES) {
    try {
      await one.run();
      process.stdout.write(`exchange: ok    ${one.name}\n`);
    } catch (error) {
      failures++;
      const text = error instanceof Error ? error.message : String(error);
      process.stdout.write(`exchange: FAIL  ${one.name}: ${text}\n`);
    }
  }
  return failures;
}

const CASES: readonly Case[] = [
  ...['yes', 'no'].flatMap((preamble) =>
    ['everysec', 'always'].flatMap((policy): Case[] => {
      const args = ['--aof-use-rdb-preamble', preamble, '--appendfsync', policy];
      const how = `base as RDB: ${preamble}, ${policy}`;
      return [
        { name: `Kvasir to Redis (${how})`, run: () => handOver('kvasir', 'redis', args) },
        { name: `Redis to Kvasir (${how})`, run: () => handOver('redis', 'kvasir', args) },
      ];
    }),
  ),
  {
    name: 'with timestamps, both ways',
    run: async () => {
      await handOver('kvasir', 'redis', ['--aof-timestamp-enabled', 'yes']);
      await handOver('redis', 'kvasir', ['--aof-timestamp-enabled', 'yes']);
    },
  },
  { name: 'back and forth over one directory', run: backAndForth },
  ...[5, 24, 30, 60, 90, 150].map((bytes) => ({
    name: `Redis cuts a torn batch of ours and goes on (${bytes} bytes missing)`,
    run: () => tornInBetween(bytes),
  })),
  { name: 'the single file of a Redis before 7', run: singleFile },
  { name: "what memcached's clients wrote, to Redis and back", run: memcachedItems },
  { name: 'other types are named and refused', run: otherTypes },
];

/**
 * How a server ends before the other takes over. Kvasir is killed: what it answered is in the files. Redis under `everysec` puts a write off
 * while a sync runs, having answered already, so it must end by itself.
 */
const END: Readonly<Record<Kind, NodeJS.Signals>> = { kvasir: 'SIGKILL', redis: 'SIGTERM' };

/** `from` writes, is ended, and `to` finds the same. */
async function handOver(from: Kind, to: Kind, args: readonly string[]): Promise<void> {
  const first = await Server.start(from, [...COMMON, ...args]);
  const { directory } = first;
  try {
    const random = new Random(from.length * 1000 + args.length);
    await write(first, random, 600);
    await rewrite(first);
    await write(first, random, 600);
    const expected = await dump(first);
    await first.stop(END[from], true);
    if (from === 'kvasir') check(directory);
    const second = await Server.start(to, [...COMMON, ...args], { directory });
    try {
      same(expected, await dump(second));
    } finally {
      await second.stop('SIGKILL', true);
    }
  } finally {
    await first.stop('SIGKILL');
  }
}

async function backAndForth(): Promise<void> {
  const random = new Random(77);
  let server = await Server.start('kvasir', COMMON);
  const { directory } = server;
  try {
    for (let hop = 0; hop < 6; hop++) {
      await write(server, random, 150);
      if (hop === 3) await rewrite(server);
      await write(server, random, 50);
      const expected = await dump(server);
      const [from, to]: Kind[] = hop % 2 === 0 ? ['kvasir', 'redis'] : ['redis', 'kvasir'];
      await server.stop(END[from!], true);
      if (from === 'kvasir') check(directory);
      server = await Server.start(to!, COMMON, { directory });
      same(expected, await dump(server));
    }
  } finally {
    await server.stop('SIGKILL');
  }
}

/**
 * `bytes` are missing at the end of the file. (Missing out of one of our lines, Redis takes what is left of it for a whole one and appends right
 * behind: it could not load that file again. We can.)
 */
async function tornInBetween(bytes: number): Promise<void> {
  const random = new Random(78 + bytes);
  let server = await Server.start('kvasir', COMMON);
  const { directory } = server;
  try {
    await write(server, random, 200);
    await server.stop(END.kvasir, true);
    const file = newestIncremental(directory);
    fs.truncateSync(file, fs.statSync(file).size - bytes);
    server = await Server.start('redis', COMMON, { directory });
    await write(server, random, 20);
    const expected = await dump(server);
    await server.stop(END.redis, true);
    server = await Server.start('kvasir', COMMON, { directory });
    same(expected, await dump(server));
  } finally {
    await server.stop('SIGKILL');
  }
}

async function singleFile(): Promise<void> {
  const first = await Server.start('redis', COMMON);
  const { directory } = first;
  try {
    await write(first, new Random(79), 300);
    const expected = await dump(first);
    await first.stop(END.redis, true);
    // What 7 keeps as an incremental file is what 6 kept as the only one.
    const old = path.join(directory, 'appendonly.aof');
    fs.copyFileSync(newestIncremental(directory), old);
    fs.rmSync(path.join(directory, 'appendonlydir'), { recursive: true });
    const second = await Server.start('kvasir', COMMON, { directory });
    try {
      same(expected, await dump(second));
      if (fs.existsSync(old)) throw new Error('the old file was not moved');
    } finally {
      await second.stop('SIGKILL', true);
    }
  } finally {
    await first.stop('SIGKILL');
  }
}

/** Redis finds what memcached's clients stored, and Kvasir afterwards their flags and CASs, also of a base that it wrote meanwhile. */
async function memcachedItems(): Promise<void> {
  const port = await freePort();
  const args = [...COMMON, '--memcached-port', String(port)];
  let server = await Server.start('kvasir', args);
  const { directory } = server;
  try {
    await writeItems(port, 300, 1);
    await rewrite(server);
    await writeItems(port, 300, 2);
    const expected = await dump(server);
    await readItems(port); // who sees a stale item first is to renew it, and marks it so
    const items = await readItems(port);
    await server.stop(END.kvasir, true);
    check(directory);
    server = await Server.start('redis', COMMON, { directory });
    same(expected, await dump(server));
    await server.stop(END.redis, true);
    server = await Server.start('kvasir', args, { directory });
    same(expected, await dump(server));
    same(items, await readItems(port));
  } finally {
    await server.stop('SIGKILL');
  }
}

const ITEM_KEYS: readonly string[] = Array.from({ length: 20 }, (_, i) => `item:${i}`);

/** Sends memcached's text protocol and waits for as many lines as match `end`. */
function askMemcached(port: number, text: string, end: RegExp, count: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if ((received.match(end) ?? []).length < count) return;
      socket.destroy();
      resolve(received);
    });
  });
}

async function writeItems(port: number, count: number, seed: number): Promise<void> {
  const random = new Random(seed);
  const requests = Array.from({ length: count }, (_, i) => {
    const key = random.pick(ITEM_KEYS);
    const value = bytes(random, random.below(300)).toString('latin1');
    return random.pick([
      `set ${key} ${random.below(5)} 0 ${value.length}\r\n${value}\r\n`,
      `set ${key} ${2 ** 32 - 1} 5000 ${value.length}\r\n${value}\r\n`,
      `set ${key} 0 0 2\r\n41\r\n`,
      `append ${key} 0 0 4\r\ntail\r\n`,
      `incr ${key} 9\r\n`,
      `md ${key} I T9000\r\n`,
      `ms ${key} 1 F7 E${i}\r\nx\r\n`,
      `delete ${key}\r\n`,
    ]);
  });
  await askMemcached(port, `${requests.join('')}mn\r\n`, /^MN\r$/gm, 1);
}

/** What memcached's clients see of each item: value, flags, CAS, marks. */
async function readItems(port: number): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of ITEM_KEYS) {
    found.set(key, await askMemcached(port, `mg ${key} v f c s\r\nmn\r\n`, /^MN\r$/gm, 1));
  }
  return found;
}

async function otherTypes(): Promise<void> {
  const first = await Server.start('redis', COMMON);
  const { directory } = first;
  try {
    const client = new Redis(first.port);
    await client.select(2);
    await client.rpush('my list', 'a', 'b');
    client.disconnect();
    await rewrite(first);
    await first.stop(END.redis, true);
    const text = await Server.start('kvasir', COMMON, { directory }).then(
      async (server) => {
        await server.stop('SIGKILL', true);
        return 'it started';
      },
      (error: unknown) => String(error),
    );
    if (!text.includes('cannot load list') || !text.includes('my list') || !text.includes('db 2')) {
      throw new Error(`expected a refusal that names the key, got: ${text}`);
    }
  } finally {
    await first.stop('SIGKILL');
  }
}

// ---- work on one server

/** Strings of every shape, counters, expiries, transactions, over several databases. */
async function write(server: Server, random: Random, count: number): Promise<void> {
  const client = new Redis(server.port);
  try {
    for (let i = 0; i < count; i++) {
      const key = `key:${random.below(200)}`;
      if (random.chance(0.1)) await client.select(random.below(DATABASES));
      switch (random.below(10)) {
        case 0:
          await client.set(key, bytes(random, random.below(100)));
          break;
        case 1:
          await client.set(key, 'abc'.repeat(random.below(3000)));
          break;
        case 2:
          await client.set(key, String(random.below(2 ** 31) - 2 ** 30), 'PX', HOUR_MS + i);
          break;
        case 3:
          await client.del(key);
          break;
        case 4:
          await client.append(key, `tail ${i}`);
          break;
        case 5:
          await client.pexpire(key, HOUR_MS * (1 + random.below(9)));
          break;
        case 6:
          await client.incrby(`counter:${random.below(9)}`, random.below(1000) - 300);
          break;
        case 7:
          await client.multi().set(key, `in a transaction ${i}`).incr('counter:all').exec();
          break;
        case 8:
          await client.set(`big:${random.below(3)}`, bytes(random, 70_000 + random.below(200_000)));
          break;
        default:
          await client.incrbyfloat(`float:${random.below(5)}`, random.below(1000) / 8);
      }
    }
  } finally {
    client.disconnect();
  }
}

function bytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

async function rewrite(server: Server): Promise<void> {
  const client = new Redis(server.port);
  try {
    await client.bgrewriteaof();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const info = await client.info('persistence');
      if (/aof_rewrite_in_progress:1|aof_rewrite_scheduled:1/.test(info)) continue;
      if (!info.includes('aof_last_bgrewrite_status:ok')) throw new Error('the rewrite failed');
      return;
    }
  } finally {
    client.disconnect();
  }
}

/** Every key of every database: value and time of expiry. */
async function dump(server: Server): Promise<Map<string, string>> {
  const client = new Redis(server.port);
  const found = new Map<string, string>();
  try {
    for (let db = 0; db < DATABASES; db++) {
      await client.select(db);
      for (const key of await client.keysBuffer('*')) {
        const value = await client.getBuffer(key);
        const expiry = await client.pexpiretime(key);
        found.set(`${db} ${key.toString('latin1')}`, `${value?.toString('latin1')} @ ${expiry}`);
      }
    }
  } finally {
    client.disconnect();
  }
  return found;
}

function same(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): void {
  for (const [key, value] of expected) {
    const other = found.get(key);
    if (other !== value) {
      throw new Error(
        `${key}: ${shown(value)} became ${other === undefined ? 'nothing' : shown(other)}`,
      );
    }
  }
  for (const key of found.keys())
    if (!expected.has(key)) throw new Error(`${key} came from nowhere`);
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 60));

// ---- files

function newestIncremental(directory: string): string {
  const folder = path.join(directory, 'appendonlydir');
  const sequence = (name: string): number => Number(/\.(\d+)\.incr\.aof$/.exec(name)![1]);
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.incr.aof'));
  names.sort((a, b) => sequence(a) - sequence(b));
  return path.join(folder, names.at(-1)!);
}

/** Redis's own checkers call the directory valid. */
function check(directory: string): void {
  const folder = path.join(directory, 'appendonlydir');
  const programs: [string, string][] = [
    ['redis-check-aof', path.join(folder, 'appendonly.aof.manifest')],
  ];
  for (const name of fs.readdirSync(folder)) {
    if (name.endsWith('.base.rdb')) programs.push(['redis-check-rdb', path.join(folder, name)]);
  }
  for (const [program, file] of programs) {
    if (!hasProgram(program)) continue;
    const { status, stdout, stderr } = spawnSync(program, [file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${file}: ${stdout}${stderr}`);
  }
}
