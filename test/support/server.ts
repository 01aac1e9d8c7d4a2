/** Servers for tests: inside this process, or a process of their own that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Settings } from '../../src/models/redis/settings/settings.ts';
import { silentLogger } from '../../src/server/logger.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';

export const MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export function temporaryDirectory(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-test-'));
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

/** A server inside this process; in memory unless `dir` is set. */
export async function serverInProcess(
  values: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const settings = new Settings();
  const port = values['port'] ?? String(await freePort());
  for (const [name, value] of Object.entries({ ...values, port })) {
    const error = settings.initialise(name, [value]);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
  }
  const memoryOnly = values['dir'] === undefined;
  const server = await startServer({ settings, logger: silentLogger(), memoryOnly });
  await server.ready;
  return server;
}

/** `kvasir serve` as a process; `output` is what it printed so far. */
export class ServerProcess {
  readonly port: number;
  output = '';
  readonly #child: ChildProcess;
  readonly exited: Promise<number | null>;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.exited = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Starts a server without waiting for it; `program` runs it another way than as `node main.js`. */
  static spawn(
    port: number,
    args: readonly string[],
    program: readonly string[] = [process.execPath, MAIN],
  ): ServerProcess {
    const all = [...program.slice(1), 'serve', ...args, '--port', String(port)];
    return new ServerProcess(port, spawn(program[0]!, all, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Starts a server and waits until it serves. */
  static async start(args: readonly string[], port?: number): Promise<ServerProcess> {
    const server = ServerProcess.spawn(port ?? (await freePort()), args);
    await server.isReady();
    return server;
  }

  /** Waits until it serves; throws where it ends instead. */
  async isReady(): Promise<void> {
    let hasExited = false;
    void this.exited.then(() => {
      hasExited = true;
    });
    while (!this.output.includes('Ready to accept connections')) {
      if (hasExited) throw new Error(`the server ended:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.exited;
  }
}
