/** The servers under measurement: started for one run, watched through /proc, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReplyReader, type Reply } from '../reply.ts';

export type Peer = 'redis' | 'kvasir';

/** How a server is to keep data during a run. */
export type Durability = 'none' | 'everysec' | 'always';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_TIMEOUT_MS = 120_000;
/** Kernel clock ticks a second, in which /proc counts CPU time. */
const TICKS = 100;

export class MeasuredServer {
  readonly peer: Peer;
  readonly port: number;
  readonly directory: string;
  /** Milliseconds from the start of the process to the first PONG. */
  startMs = 0;
  readonly #child: ChildProcess;

  private constructor(peer: Peer, port: number, directory: string, child: ChildProcess) {
    this.peer = peer;
    this.port = port;
    this.directory = directory;
    this.#child = child;
  }

  /** Starts a server on a free port and waits until it answers PONG. `directory`: an existing one to start from. */
  static async start(
    peer: Peer,
    durability: Durability,
    options: { directory?: string; extra?: readonly string[] } = {},
  ): Promise<MeasuredServer> {
    const port = await freePort();
    const directory =
      options.directory ?? fs.mkdtempSync(path.join(os.tmpdir(), `kvasir-bench-${peer}-`));
    const settings = [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...(durability === 'none' ? [] : ['--appendonly', 'yes', '--appendfsync', durability]),
      ...(options.extra ?? []),
    ];
    const kept = durability === 'none' ? ['--memory'] : [];
    const [command, args] =
      peer === 'redis'
        ? [
            'redis-server',
            ['--save', '', ...settings, ...(durability === 'none' ? ['--appendonly', 'no'] : [])],
          ]
        : [process.execPath, [MAIN, 'serve', ...settings, ...kept]];
    const from = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4000);
      });
    }
    const server = new MeasuredServer(peer, port, directory, child);
    const isGone = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => reject(new Error(`${command}: ${error.message}`)));
      child.once('exit', (code) => reject(new Error(`${peer} ended with ${code}:\n${output}`)));
    });
    isGone.catch(() => {});
    await Promise.race([server.#waitForPong(from), isGone]);
    server.startMs = performance.now() - from;
    return server;
  }

  /** CPU seconds of the process so far, user and system. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid!);
  }

  /** Resident memory in bytes. */
  rssBytes(): number {
    return rssBytesOf(this.#child.pid!);
  }

  /** Runs one command on a connection of its own. */
  async command(...args: string[]): Promise<Reply> {
    return request(this.port, args);
  }

  /** A field of INFO. */
  async info(field: string): Promise<number> {
    const reply = await this.command('INFO', 'everything', 'debug');
    const text = 'text' in reply ? reply.text.toString() : '';
    return Number(new RegExp(`^${field}:(.*)$`, 'm').exec(text)?.[1] ?? NaN);
  }

  /** Ends the process; `keep` leaves the directory. */
  async stop(keep = false): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
    if (!keep) fs.rmSync(this.directory, { recursive: true, force: true });
  }

  async #waitForPong(from: number): Promise<void> {
    while (performance.now() - from < START_TIMEOUT_MS) {
      try {
        const reply = await request(this.port, ['PING']);
        if (reply.kind === 'status') return;
      } catch {
        // not listening yet
      }
      await sleep(2);
    }
    throw new Error(`${this.peer} did not answer in ${START_TIMEOUT_MS} ms`);
  }
}

/** CPU seconds of a process so far, user and system. */
export function cpuSecondsOf(pid: number): number {
  return cpuSeconds(pid, 11);
}

/** Resident memory of a process in bytes. */
export function rssBytesOf(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

/** CPU seconds, user and system, of all processes that this one has started and seen end. */
export function endedChildrenCpuSeconds(): number {
  return cpuSeconds(process.pid, 13);
}

/** Fields `first` and the next behind the name in /proc/PID/stat. */
function cpuSeconds(pid: number, first: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[first]) + Number(fields[first + 1])) / TICKS;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function request(port: number, args: readonly string[]): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const reader = new ReplyReader();
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(
        `*${args.length}\r\n${args.map((a) => `$${Buffer.byteLength(a)}\r\n${a}\r\n`).join('')}`,
      );
    });
    socket.on('data', (chunk: Buffer) => {
      reader.add(chunk);
      const reply = reader.next();
      if (reply === undefined) return;
      socket.destroy();
      resolve(reply);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without a reply')));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
