/**
 * A real server under load, killed without warning and started again: every write that a client was told of is there. `KVASIR_KILL_ROUNDS`
 * sets how often, for each policy. Needs the built package (`npm run build`; `npm test` does it first).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ROUNDS = Number(process.env['KVASIR_KILL_ROUNDS'] ?? 3);
const CLIENTS = 6;
const PIPELINE = 8;

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Sends `text` and settles with all that comes back until `count` lines have. */
function ask(port: number, text: string, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1');
      const lines = got.split('\r\n');
      if (lines.length <= count) return;
      socket.destroy();
      resolve(lines.slice(0, -1));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server is gone')));
  });
}

async function start(directory: string, policy: string): Promise<Running> {
  const port = await freePort();
  const args = ['serve', '--port', String(port), '--dir', directory, '--appendfsync', policy];
  const rewriteOften = [
    '--auto-aof-rewrite-min-size',
    '100kb',
    '--auto-aof-rewrite-percentage',
    '50',
  ];
  const child = spawn(process.execPath, [MAIN, ...args, ...rewriteOften], { stdio: 'ignore' });
  for (let i = 0; i < 500; i++) {
    const answer = await ask(port, 'PING\r\n', 1).catch(() => undefined);
    if (answer?.[0] === '+PONG') return { child, port };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the server does not start');
}

function kill(running: Running): Promise<void> {
  return new Promise((resolve) => {
    running.child.once('exit', () => resolve());
    running.child.kill('SIGKILL');
  });
}

/** Counts its own key up, several increments on the way at a time; returns the last value that it was told. */
function count(port: number, key: string): { told: () => number } {
  let told = 0;
  const request = `INCR ${key}\r\n`.repeat(PIPELINE);
  const socket = net.connect(port, '127.0.0.1', () => socket.write(request));
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
    const lines = got.split('\r\n');
    got = lines.pop()!;
    for (const line of lines) if (line.startsWith(':')) told = Number(line.slice(1));
    socket.write(`INCR ${key}\r\n`.repeat(lines.length));
  });
  socket.on('error', () => undefined);
  return { told: () => told };
}

describe.runIf(fs.existsSync(MAIN))('kill -9 under load', () => {
  let directory = '';
  let running: Running | undefined;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-kill-'));
  });
  afterEach(async () => {
    if (running !== undefined) await kill(running);
    fs.rmSync(directory, { recursive: true });
  });

  test.each(['always', 'everysec', 'no'])(
    'loses nothing that was acknowledged, appendfsync %s',
    async (policy) => {
      for (let round = 0; round < ROUNDS; round++) {
        running = await start(directory, policy);
        const { port } = running;
        const before = await ask(port, values(), CLIENTS * 2);
        const clients = Array.from({ length: CLIENTS }, (_, i) => count(port, `counter:${i}`));
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 400));
        await kill(running);
        const told = clients.map((client) => client.told());
        running = await start(directory, policy);
        const found = numbers(await ask(running.port, values(), CLIENTS * 2));
        for (const [i, value] of told.entries()) {
          expect(found[i], `round ${round}, client ${i}`).toBeGreaterThanOrEqual(value);
          // At most what was under way is there beyond it.
          const least = Math.max(value, numbers(before)[i]!);
          expect(found[i]! - least).toBeLessThanOrEqual(PIPELINE);
        }
        await kill(running);
        running = undefined;
      }
    },
    10_000 + ROUNDS * 5000,
  );
});

/** Asks for every counter; one that is not there yet is set to 0. */
function values(): string {
  return Array.from({ length: CLIENTS }, (_, i) => `INCRBY counter:${i} 0\r\nECHO x\r\n`)
    .join('')
    .replaceAll('ECHO x\r\n', 'EXISTS nothing\r\n');
}

function numbers(lines: readonly string[]): number[] {
  return lines.filter((_, i) => i % 2 === 0).map((line) => Number(line.slice(1)));
}
