/** The load: redis-benchmark, one run of one command, with the server's CPU time around it. */
import { spawn } from 'node:child_process';
import type { LoadResult } from './comparison.ts';
import { endedChildrenCpuSeconds, type MeasuredServer } from './processes.ts';

export interface LoadOptions {
  /** A name of redis-benchmark's -t, or a whole command. */
  command: string | readonly string[];
  pipeline: number;
  requests: number;
  clients?: number;
  keys?: number;
  valueBytes?: number;
}

export async function runLoad(server: MeasuredServer, load: LoadOptions): Promise<LoadResult> {
  const isNamed = typeof load.command === 'string';
  const args = [
    ...['-p', String(server.port), '-n', String(load.requests), '-P', String(load.pipeline)],
    ...['-c', String(load.clients ?? 50), '-r', String(load.keys ?? 100_000)],
    ...['-d', String(load.valueBytes ?? 64), '--csv'],
    ...(isNamed ? ['-t', load.command as string] : (load.command as readonly string[])),
  ];
  const before = server.cpuSeconds();
  const clientBefore = endedChildrenCpuSeconds();
  const output = await run('redis-benchmark', args);
  const clientSeconds = endedChildrenCpuSeconds() - clientBefore;
  const cpuSeconds = server.cpuSeconds() - before;
  // "test","rps","avg_latency_ms","min","p50","p95","p99","max"; the last line is the command's.
  const line = output.trim().split('\n').at(-1)!;
  const fields = [...line.matchAll(/"([^"]*)"(?:,|$)/g)].slice(-7).map((match) => Number(match[1]));
  if (fields.length !== 7 || fields.some((field) => Number.isNaN(field))) {
    throw new Error(`redis-benchmark said: ${line}`);
  }
  return {
    requestsPerSecond: fields[0]!,
    p50Ms: fields[3]!,
    p99Ms: fields[5]!,
    cpuMicroseconds: (cpuSeconds * 1e6) / load.requests,
    clientBusy: Math.min(1, (clientSeconds * fields[0]!) / load.requests),
  };
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once('error', (error) =>
      reject(
        new Error(
          `${command} is needed and can't be run (${error.message}); Debian has it in redis-tools`,
        ),
      ),
    );
    child.once('exit', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${command} ended with ${code}`)),
    );
  });
}
