/** Rows of the Redis bench that are measured once, not in rounds: memory a key, loading an AOF, start, the longest slice of work. */
import fs from 'node:fs';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { MeasuredServer, type Peer, sleep } from './processes.ts';
import type { Row } from './comparison.ts';

const VALUE = 'x'.repeat(64);
const BATCH = 1000;
/** Commands sent ahead of their replies while filling. */
const WINDOW_BATCHES = 8;

function key(i: number): string {
  return `key:${String(i).padStart(12, '0')}`;
}

/** Sets `count` keys of 16 + 64 bytes, with a TTL where `ttlSeconds`. */
export async function fill(port: number, count: number, ttlSeconds = 0): Promise<void> {
  await pour(port, count, (i) => {
    const set = `$3\r\nSET\r\n$16\r\n${key(i)}\r\n$64\r\n${VALUE}\r\n`;
    const ttl = String(ttlSeconds);
    return ttlSeconds === 0
      ? `*3\r\n${set}`
      : `*5\r\n${set}$2\r\nEX\r\n$${ttl.length}\r\n${ttl}\r\n`;
  });
}

/** Sends `count` commands that are answered by one line (or one bulk string) each, a bounded number ahead. */
async function pour(
  port: number,
  count: number,
  command: (i: number) => string,
  linesEach = 1,
): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  let lines = 0;
  let wake: (() => void) | undefined;
  socket.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines++;
    wake?.();
  });
  const failed = new Promise<never>((_resolve, reject) => socket.once('error', reject));
  failed.catch(() => {});
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) {
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), failed]);
    }
  };
  for (let i = 0; i < count; i += BATCH) {
    let text = '';
    for (let j = i; j < Math.min(count, i + BATCH); j++) text += command(j);
    socket.write(text);
    await until(() => lines / linesEach >= i - WINDOW_BATCHES * BATCH);
  }
  await until(() => lines / linesEach >= count);
  socket.destroy();
}

function bytes(value: number): string {
  return value.toFixed(1);
}

/** Bytes a key, by the servers' own account and by the growth of the process. */
export async function measureMemory(keys: number, say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, ttl, engineFloor, rssFloor] of [
    ['memory a key', 0, 0.7, 0.85],
    ['memory a key, each with a TTL', 100_000, 0.65, undefined],
  ] as const) {
    const used: Partial<Record<Peer, number>> = {};
    const rss: Partial<Record<Peer, number>> = {};
    for (const peer of ['redis', 'kvasir'] as const) {
      const server = await MeasuredServer.start(peer, 'none');
      try {
        await fill(server.port, 1000, ttl); // what a first request brings with it is not a key's
        await server.command('FLUSHALL', 'SYNC');
        const field = 'used_memory';
        const [used0, rss0] = [await server.info(field), server.rssBytes()];
        await fill(server.port, keys, ttl);
        await sleep(1500); // an index that is being resized comes to rest
        used[peer] = ((await server.info(field)) - used0) / keys;
        rss[peer] = (server.rssBytes() - rss0) / keys;
      } finally {
        await server.stop();
      }
    }
    const engineRatio = used.kvasir! / used.redis!;
    const rssRatio = rss.kvasir! / rss.redis!;
    rows.push({
      name,
      figure: 'engine bytes',
      peer: bytes(used.redis!),
      kvasir: bytes(used.kvasir!),
      ratio: engineRatio,
      floor: `<= ${engineFloor}`,
      isMet: engineRatio <= engineFloor,
    });
    rows.push({
      name,
      figure: 'RSS bytes',
      peer: bytes(rss.redis!),
      kvasir: bytes(rss.kvasir!),
      ratio: rssRatio,
      ...(rssFloor === undefined ? {} : { floor: `<= ${rssFloor}`, isMet: rssRatio <= rssFloor }),
    });
    say(`${name}: done`);
  }
  return rows;
}

/** Starting from an AOF of `keys` SETs. */
export async function measureLoading(keys: number, say: (text: string) => void): Promise<Row[]> {
  const took: Partial<Record<Peer, number>> = {};
  for (const peer of ['redis', 'kvasir'] as const) {
    const extra = ['--auto-aof-rewrite-percentage', '0'];
    const writer = await MeasuredServer.start(peer, 'everysec', { extra });
    await fill(writer.port, keys);
    await writer.stop(true);
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const from = performance.now();
      const reader = await MeasuredServer.start(peer, 'everysec', {
        directory: writer.directory,
        extra,
      });
      times.push(performance.now() - from);
      const size = await reader.command('DBSIZE');
      if (size.kind !== 'integer' || Number(size.value) !== keys)
        throw new Error(`${peer} loaded something else`);
      await reader.stop(true);
    }
    took[peer] = Math.min(...times);
    fs.rmSync(writer.directory, { recursive: true, force: true });
  }
  say('loading: done');
  const ratio = took.redis! / took.kvasir!;
  return [
    {
      name: `loading an AOF of ${keys.toLocaleString('en')} SETs`,
      figure: 'ms',
      peer: took.redis!.toFixed(0),
      kvasir: took.kvasir!.toFixed(0),
      ratio,
      floor: '>= 1 (speed)',
      isMet: ratio >= 1,
    },
  ];
}

/** From the start of the process to the first PONG, the directory being empty. */
export async function measureStart(say: (text: string) => void): Promise<Row[]> {
  const times: Record<Peer, number[]> = { redis: [], kvasir: [] };
  for (let round = 0; round < 5; round++) {
    for (const peer of ['redis', 'kvasir'] as const) {
      const server = await MeasuredServer.start(peer, 'everysec');
      times[peer].push(server.startMs);
      await server.stop();
    }
  }
  const [redis, kvasir] = [Math.min(...times.redis), Math.min(...times.kvasir)];
  say('start: done');
  return [
    {
      name: 'start to first PONG, empty directory',
      figure: 'ms',
      peer: redis.toFixed(0),
      kvasir: kvasir.toFixed(0),
      floor: '< 250 ms',
      isMet: kvasir < 250,
    },
  ];
}

/**
 * The longest time that Kvasir did its own work in one go while many keys are written, rewritten to the AOF, expire and are read, as the server
 * measures it; beside it the longest delay of an event loop that does nothing, on the same machine at the same time.
 */
export async function measureSlices(keys: number, say: (text: string) => void): Promise<Row[]> {
  const server = await MeasuredServer.start('kvasir', 'everysec', {
    extra: ['--auto-aof-rewrite-percentage', '0'],
  });
  const idle = monitorEventLoopDelay({ resolution: 1 });
  const rows: Row[] = [];
  const phase = async (name: string, work: () => Promise<void>): Promise<void> => {
    await server.command('CONFIG', 'RESETSTAT');
    idle.reset();
    await work();
    const longest = (await server.info('longest_own_work_usec')) / 1000;
    const loop = (await server.info('eventloop_duration_max')) / 1000;
    rows.push({
      name: `${keys.toLocaleString('en')} keys ${name}`,
      figure: 'longest slice ms',
      peer: '',
      kvasir: `${longest.toFixed(2)} (tick ${loop.toFixed(1)}, idle process ${(idle.max / 1e6).toFixed(1)})`,
      floor: '<= 5 ms',
      isMet: longest <= 5,
    });
    say(`slices, ${name}: done`);
  };
  idle.enable();
  try {
    const expireAfter = Math.max(30, Math.ceil(keys / 40_000));
    const filledAt = Date.now();
    await phase('written', () => fill(server.port, keys, expireAfter));
    await phase('rewritten to the AOF', async () => {
      await server.command('BGREWRITEAOF');
      do await sleep(200);
      while ((await server.info('aof_rewrite_in_progress')) === 1);
    });
    await phase('read', () =>
      pour(
        server.port,
        Math.min(keys, 2_000_000),
        (i) => `*2\r\n$6\r\nSTRLEN\r\n$16\r\n${key(i)}\r\n`,
      ),
    );
    await phase('expiring', async () => {
      const lastMs = filledAt + 2 * expireAfter * 1000 + 120_000;
      for (;;) {
        const size = await server.command('DBSIZE');
        if (size.kind === 'integer' && size.value === '0') return;
        if (Date.now() > lastMs) throw new Error('keys are left that should have expired');
        await sleep(500);
      }
    });
  } finally {
    idle.disable();
    await server.stop();
  }
  return rows;
}
