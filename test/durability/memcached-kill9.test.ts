/** kill -9 of a server under load of memcached's clients: what was acknowledged is there afterwards, with client flags, expiration and CAS. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MemcachedClient } from '../support/memcached-client.ts';
import { freePort, ServerProcess, temporaryDirectory } from '../support/server.ts';

const CLIENTS = 4;
const KEYS = 10;
/** Set in a soak. */
const ROUNDS = Number(process.env['KVASIR_ROUNDS'] ?? 2);
const TIMEOUT_MS = 60_000 + ROUNDS * 10_000;

interface Written {
  value: number;
  /** What `gets` answered: flags, length and CAS; undefined where it did not come to that. */
  gets: string | undefined;
}

/** Sets keys of its own to 1, 2, 3 ... and asks for their CAS until the server is gone. */
async function write(id: number, port: number, written: Map<string, Written>): Promise<void> {
  const client = await MemcachedClient.connect(port);
  try {
    for (let value = 1; ; value++) {
      const key = `c${id}:${value % KEYS}`;
      const kind = value % 3;
      const answer =
        kind === 2
          ? await client.ask(`ms ${key} ${String(value).length} F${value} T5000\r\n${value}\r\n`)
          : await client.store(`set ${key} ${value} ${kind * 5000}`, String(value));
      expect(answer).toMatch(/^(STORED|HD)\r\n$/);
      written.set(key, { value, gets: undefined });
      if (value % 5 !== 0) continue;
      written.set(key, { value, gets: await client.read(`gets ${key}`) });
    }
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('closed')) throw error;
  }
}

test.each(['always', 'everysec', 'no'])(
  'appendfsync %s',
  { timeout: TIMEOUT_MS },
  async (policy) => {
    const dir = temporaryDirectory();
    for (let round = 0; round < ROUNDS; round++) {
      const written = new Map<string, Written>();
      const port = await freePort();
      const args = ['--dir', dir, '--appendfsync', policy, '--memcached-port', String(port)];
      const server = await ServerProcess.start(args);
      const writers = Array.from({ length: CLIENTS }, (_, i) => write(i, port, written));
      while (written.size < CLIENTS * KEYS) await sleep(10);
      await sleep(Math.random() * 200);
      await server.kill('SIGKILL');
      await Promise.all(writers);
      const again = await ServerProcess.start(args);
      const client = await MemcachedClient.connect(port);
      for (const [key, { value, gets }] of written) {
        const answer = await client.read(`gets ${key}`);
        const [, flags, text] = /^VALUE \S+ (\d+) \d+ \d+\r\n(\d+)\r\n/.exec(answer)!;
        // The last one that was sent may be there without having been answered.
        expect([value, value + KEYS]).toContain(Number(text));
        expect(flags).toBe(text);
        if (gets !== undefined && Number(text) === value) expect(answer).toBe(gets);
        const ttl = Number(/t(-?\d+)/.exec(await client.ask(`mg ${key} t\r\n`))![1]);
        if (Number(text) % 3 === 0) expect(ttl).toBe(-1);
        else expect(ttl).toBeGreaterThan(4900);
      }
      client.close();
      await again.kill('SIGKILL');
    }
    fs.rmSync(dir, { recursive: true, force: true });
  },
);
