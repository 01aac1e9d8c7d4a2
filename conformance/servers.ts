/** Servers to compare: a real redis-server and Kvasir, each on a free port with a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const START_TIMEOUT_MS = 10_000;

/** Whether a program can be run at all. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

export class Server {
  readonly port: number;
  readonly directory: string;
  readonly #child: ChildProcess;
  output = '';

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port;
    this.directory = directory;
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000);
      });
    }
  }

  /** `kind`: which server; `args`: settings beyond port and directory. */
  static async start(
    kind: 'redis' | 'kvasir',
    args: readonly string[],
    at?: { port?: number; directory?: string },
  ): Promise<Server> {
    const port = at?.port ?? (await freePort());
    const directory =
      at?.directory ?? fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-conformance-'));
    const all = ['--port', String(port), '--dir', directory, ...args];
    const child =
      kind === 'redis'
        ? spawn('redis-server', all, { stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn(process.execPath, [MAIN, 'serve', ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Server(port, directory, child);
    const from = Date.now();
    while (!(await isReady(port))) {
      if (child.exitCode !== null || Date.now() - from > START_TIMEOUT_MS) {
        throw new Error(`${kind} did not start:\n${server.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return server;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it; `keep` leaves its directory. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', keep = false): Promise<void> {
    if (this.isAlive) {
      const gone = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill(signal);
      await gone;
    }
    if (!keep) fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether a server answers there and has loaded its data. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(!answer.toString().startsWith('-LOADING'));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
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
