/**
 * `kvasir bench memcached`: `kvasir memcached` beside memcached with one thread, on this machine. Both are started once and driven in turns, round by round; a
 * ratio is the median of the rounds' ratios. Floors are those the project set itself.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compareLoad, type LoadFloors, type LoadResult, type Row } from './comparison.ts';
import type { LoadFigures } from './memcached-load.ts';
import { benchKey, LOAD_KINDS, type LoadSpec } from './memcached-requests.ts';
import { cpuSecondsOf, freePort, rssBytesOf, sleep } from './processes.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const LOAD = fileURLToPath(new URL('memcached-load.js', import.meta.url));
const START_MS = 20_000;
const CLIENTS = 50;
/** Items of the load rows, all there before the first run. */
const KEYS = 100_000;
const PEERS = ['memcached', 'kvasir'] as const;

type Peer = (typeof PEERS)[number];

export interface MemcachedBenchOptions {
  rounds: number;
  /** Requests of an unpipelined run. */
  requests: number;
  /** Items of the memory row. */
  items: number;
  /** Which rows: kinds of load, `memory`; none named: all. */
  only: readonly string[];
  /** The memcached to compare with. */
  program: string;
}

interface Load extends LoadFloors {
  kind: LoadSpec['kind'];
}

const LOADS: readonly Load[] = [
  { name: 'get', kind: 'get', throughput: 0.95, cpu: 1.3 },
  { name: 'set', kind: 'set', throughput: 0.95, cpu: 1.3 },
  { name: 'get of 16 keys', kind: 'multi-get', throughput: 1.2 },
  { name: 'mg quiet, 16 at once', kind: 'meta get', throughput: 1.2 },
  { name: 'ms quiet, 16 at once', kind: 'meta set', throughput: 1.2 },
];
/** A pipelined run makes so many times more requests, so that all runs take about as long. */
const PIPELINED_REQUESTS = 8;
const MEMORY_FLOOR = 0.9;

class Subject {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(peer: Peer, program: string): Promise<Subject> {
    const port = await freePort();
    const flags = ['-p', String(port), '-l', '127.0.0.1', '-t', '1', '-m', '1024', '-u', 'root'];
    const [command, args] =
      peer === 'memcached' ? [program, flags] : [process.execPath, [MAIN, 'memcached', ...flags]];
    const child = spawn(command, args, { stdio: 'ignore' });
    const failed = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => reject(new Error(`${command}: ${error.message}`)));
      child.once('exit', (code) => reject(new Error(`${peer} ended with ${code}`)));
    });
    failed.catch(() => {});
    const from = performance.now();
    while (!(await Promise.race([isListening(port), failed]))) {
      if (performance.now() - from > START_MS) throw new Error(`${peer} does not listen`);
      await sleep(20);
    }
    return new Subject(port, child);
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid!);
  }

  get rssBytes(): number {
    return rssBytesOf(this.#child.pid!);
  }

  /** Sets `count` items. */
  async fill(count: number): Promise<void> {
    const value = 'x'.repeat(64);
    const socket = net.connect(this.port, '127.0.0.1');
    socket.resume();
    const failed = new Promise<never>((_resolve, reject) => socket.once('error', reject));
    failed.catch(() => {});
    const step = 10_000;
    for (let i = 0; i < count; i += step) {
      let text = '';
      for (let j = i; j < Math.min(count, i + step); j++) {
        text += `set ${benchKey(j)} 0 0 64 noreply\r\n${value}\r\n`;
      }
      const answered = new Promise((resolve) => socket.once('data', resolve));
      socket.write(`${text}mn\r\n`);
      await Promise.race([answered, failed]);
    }
    socket.destroy();
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('mn\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function runLoad(
  subject: Subject,
  kind: LoadSpec['kind'],
  requests: number,
): Promise<LoadResult> {
  const spec: LoadSpec = { kind, port: subject.port, clients: CLIENTS, keys: KEYS, requests };
  const before = subject.cpuSeconds;
  const { stdout } = await promisify(execFile)(process.execPath, [LOAD, JSON.stringify(spec)]);
  const figures = JSON.parse(stdout) as LoadFigures;
  return {
    requestsPerSecond: requests / figures.seconds,
    cpuMicroseconds: ((subject.cpuSeconds - before) * 1e6) / requests,
    p50Ms: figures.p50Ms,
    p99Ms: figures.p99Ms,
    clientBusy: Math.min(1, figures.cpuSeconds / figures.seconds),
  };
}

export async function benchMemcached(
  options: MemcachedBenchOptions,
  say: (text: string) => void,
): Promise<Row[]> {
  const wants = (name: string): boolean => options.only.length === 0 || options.only.includes(name);
  const rows: Row[] = [];
  const subjects = {
    memcached: await Subject.start('memcached', options.program),
    kvasir: await Subject.start('kvasir', options.program),
  };
  try {
    for (const peer of PEERS) await subjects[peer].fill(KEYS);
    for (const load of LOADS.filter(({ kind }) => wants(kind))) {
      const isPipelined = LOAD_KINDS[load.kind].pipeline > 1;
      const requests = options.requests * (isPipelined ? PIPELINED_REQUESTS : 1);
      const results: Record<Peer, LoadResult[]> = { memcached: [], kvasir: [] };
      // One run of each that does not count: code is compiled.
      for (const peer of PEERS) await runLoad(subjects[peer], load.kind, requests);
      for (let round = 0; round < options.rounds; round++) {
        const order = round % 2 === 0 ? PEERS : [...PEERS].reverse();
        for (const peer of order) {
          results[peer].push(await runLoad(subjects[peer], load.kind, requests));
        }
      }
      rows.push(...compareLoad(load, results.kvasir, results.memcached));
      say(`${load.name}: done`);
    }
  } finally {
    for (const peer of PEERS) await subjects[peer].stop();
  }
  if (wants('memory')) rows.push(await measureMemory(options));
  return rows;
}

/** How much the process grows with an item of 16 + 64 bytes. */
async function measureMemory({ items, program }: MemcachedBenchOptions): Promise<Row> {
  const bytes: Record<Peer, number> = { memcached: 0, kvasir: 0 };
  for (const peer of PEERS) {
    const subject = await Subject.start(peer, program);
    await subject.fill(1000); // what a first request brings with it is not an item's
    const before = subject.rssBytes;
    await subject.fill(items);
    await sleep(2000); // an index that is being resized comes to rest
    bytes[peer] = (subject.rssBytes - before) / (items - 1000);
    await subject.stop();
  }
  const ratio = bytes.kvasir / bytes.memcached;
  return {
    ...{ name: 'memory an item', figure: 'bytes of RSS', ratio },
    peer: bytes.memcached.toFixed(1),
    kvasir: bytes.kvasir.toFixed(1),
    floor: `<= ${MEMORY_FLOOR}`,
    isMet: ratio <= MEMORY_FLOOR,
  };
}

/** Whether that memcached can be run, and which it is. */
export function memcachedVersion(program: string): Promise<string> {
  return promisify(execFile)(program, ['-V']).then(
    ({ stdout }) => stdout.trim(),
    (error: Error) => {
      throw new Error(`${program} is needed and can't be run (${error.message})`);
    },
  );
}
