/**
 * `kvasir bench redis`: Kvasir beside redis-server on this machine. Both are started for each setting and driven in turns, round by round; a ratio is
 * the median of the rounds' ratios, so that it holds when the machine's speed drifts. Floors are those the project set itself.
 */
import { compareLoad, type LoadFloors, type LoadResult, type Row } from './comparison.ts';
import { runLoad } from './load.ts';
import { type Durability, MeasuredServer, type Peer } from './processes.ts';

import {
  fill,
  measureLoading,
  measureMemory,
  measureSlices,
  measureStart,
} from './redis-single.ts';

export interface BenchOptions {
  rounds: number;
  /** Requests of an unpipelined run; pipelined runs make as many times more as they are faster. */
  requests: number;
  /** Keys of the memory and loading rows. */
  keys: number;
  /** Keys of the row about the longest slice of work. */
  sliceKeys: number;
  /** Which groups of rows to run: load, memory, loading, slices, start. */
  only: readonly string[];
}

interface LoadRow extends LoadFloors {
  command: string | readonly string[];
  pipeline: number;
  durability: Durability;
}

const EXPIRE = ['EXPIRE', 'key:__rand_int__', '1000'];

const LOADS: readonly LoadRow[] = [
  ...(['get', 'set'] as const).flatMap((command): LoadRow[] => [
    {
      name: `${command.toUpperCase()}, pipeline 1`,
      command,
      pipeline: 1,
      durability: 'none',
      throughput: 0.95,
      cpu: 1.15,
      p99: 1.15,
    },
    {
      name: `${command.toUpperCase()}, pipeline 16`,
      command,
      pipeline: 16,
      durability: 'none',
      throughput: 1.3,
      cpu: 0.8,
      p99: 0.9,
    },
    {
      name: `${command.toUpperCase()}, pipeline 64`,
      command,
      pipeline: 64,
      durability: 'none',
      throughput: 1.5,
      cpu: 0.7,
    },
  ]),
  { name: 'INCR, pipeline 16', command: 'incr', pipeline: 16, durability: 'none', throughput: 1.2 },
  {
    name: 'MSET (10 keys), pipeline 16',
    command: 'mset',
    pipeline: 16,
    durability: 'none',
    throughput: 1.2,
  },
  {
    name: 'EXPIRE, pipeline 16',
    command: EXPIRE,
    pipeline: 16,
    durability: 'none',
    throughput: 1.2,
  },
  {
    name: 'SET, everysec, pipeline 16',
    command: 'set',
    pipeline: 16,
    durability: 'everysec',
    throughput: 1.3,
  },
  {
    name: 'SET, always, pipeline 1',
    command: 'set',
    pipeline: 1,
    durability: 'always',
    throughput: 0.9,
  },
  {
    name: 'SET, always, pipeline 16',
    command: 'set',
    pipeline: 16,
    durability: 'always',
    throughput: 1.2,
  },
];

/** How many times as many requests a run makes, so that all runs take about as long. */
const SPEED_UP: Readonly<Record<number, number>> = { 1: 1, 16: 6, 64: 10 };
/** Keys of the load rows, all there before the first run. */
const KEYS = 100_000;
const PEERS: readonly Peer[] = ['redis', 'kvasir'];

export async function benchRedis(
  options: BenchOptions,
  say: (text: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  const wants = (group: string): boolean =>
    options.only.length === 0 || options.only.includes(group);
  if (wants('load')) {
    for (const durability of ['none', 'everysec', 'always'] as const) {
      rows.push(...(await benchLoads(durability, options, say)));
    }
  }
  if (wants('memory')) rows.push(...(await measureMemory(options.keys, say)));
  if (wants('loading')) rows.push(...(await measureLoading(options.keys, say)));
  if (wants('slices')) rows.push(...(await measureSlices(options.sliceKeys, say)));
  if (wants('start')) rows.push(...(await measureStart(say)));
  return rows;
}

async function benchLoads(
  durability: Durability,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<Row[]> {
  const servers = {
    redis: await MeasuredServer.start('redis', durability),
    kvasir: await MeasuredServer.start('kvasir', durability),
  };
  try {
    const rows: Row[] = [];
    for (const peer of PEERS) await fill(servers[peer].port, KEYS);
    for (const load of LOADS.filter((l) => l.durability === durability)) {
      const results: Record<Peer, LoadResult[]> = { redis: [], kvasir: [] };
      const scale = durability === 'always' ? 0.3 : 1;
      const requests = Math.round(options.requests * (SPEED_UP[load.pipeline] ?? 1) * scale);
      // One run of each that does not count: keys are there, code is compiled.
      for (const peer of PEERS)
        await runLoad(servers[peer], { ...load, keys: KEYS, requests: Math.ceil(requests / 2) });
      for (let round = 0; round < options.rounds; round++) {
        const order = round % 2 === 0 ? PEERS : [...PEERS].reverse();
        for (const peer of order)
          results[peer].push(await runLoad(servers[peer], { ...load, keys: KEYS, requests }));
      }
      rows.push(...compareLoad(load, results.kvasir, results.redis));
      say(`${load.name}: done`);
    }
    return rows;
  } finally {
    await servers.redis.stop();
    await servers.kvasir.stop();
  }
}
