/**
 * The load generator of the memcached bench, a process of its own: connections that each send a batch of requests and wait until it is answered. What comes back is
 * only counted in bytes, since every key is there and every value has one length, so that the generator costs as little as it can. Prints its figures
 * as JSON.
 */
import net from 'node:net';
import { LOAD_KINDS, type LoadKind, type LoadSpec } from './memcached-requests.ts';

/** Batches made ahead, with keys at random. */
const MADE_AHEAD = 4096;
const READ_BYTES = 64 * 1024;

export interface LoadFigures {
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  cpuSeconds: number;
}

/** Runs `spec`; its requests are `spec.requests` in all, `kind.pipeline` at a time on each connection. */
async function run(kind: LoadKind, spec: LoadSpec): Promise<LoadFigures> {
  const batches = Array.from({ length: MADE_AHEAD }, () => {
    const keys = Array.from({ length: kind.pipeline }, () => Math.floor(Math.random() * spec.keys));
    return Buffer.from(kind.batch(keys), 'latin1');
  });
  const rounds = Math.ceil(spec.requests / kind.pipeline);
  const times = new Float64Array(rounds);
  let sent = 0;
  let done = 0;
  let next = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  await new Promise<void>((resolve, reject) => {
    for (let i = 0; i < spec.clients; i++) {
      let missing = 0;
      let sentAt = 0;
      const send = (): void => {
        if (sent >= rounds) return;
        sent++;
        missing = kind.answerBytes;
        sentAt = performance.now();
        socket.write(batches[next++ % MADE_AHEAD]!);
      };
      const receive = (length: number): boolean => {
        missing -= length;
        if (missing > 0) return true;
        if (missing < 0) reject(new Error('more came back than was asked for'));
        times[done++] = performance.now() - sentAt;
        if (done === rounds) resolve();
        else send();
        return true;
      };
      const socket = net.connect({
        ...{ host: '127.0.0.1', port: spec.port, noDelay: true },
        onread: { buffer: Buffer.alloc(READ_BYTES), callback: receive },
      });
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('close', () => {
        if (done < rounds) reject(new Error('the server closed a connection'));
      });
    }
  });
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  times.sort();
  const at = (part: number): number => times[Math.floor(rounds * part)]!;
  return { seconds, p50Ms: at(0.5), p99Ms: at(0.99), cpuSeconds: (user + system) / 1e6 };
}

const spec = JSON.parse(process.argv[2]!) as LoadSpec;
const figures = await run(LOAD_KINDS[spec.kind], spec);
process.stdout.write(JSON.stringify(figures), () => process.exit(0));
