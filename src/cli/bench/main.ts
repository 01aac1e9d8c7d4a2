/** `kvasir bench WHAT`: measures, prints the table, writes it to bench/results/. */
import { Command } from 'commander';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageVersion } from '../../server/process-host.ts';
import { addLsmBench } from './lsm/command.ts';
import { formatComparison } from './comparison.ts';
import { benchRedis } from './redis.ts';

/** Runs the bench that `words` name; the exit code is 1 when a floor was missed. */
export async function bench(words: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('kvasir bench').exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
  program
    .command('redis')
    .description(
      'beside redis-server: throughput, latency, CPU, memory, loading (needs redis-server and redis-benchmark)',
    )
    .option('--rounds <n>', 'rounds of each load', '5')
    .option('--requests <n>', 'requests of an unpipelined round', '100000')
    .option('--keys <n>', 'keys of the memory and loading rows', '1000000')
    .option('--slice-keys <n>', 'keys of the longest-slice rows', '10000000')
    .option('--only <groups...>', 'load, memory, loading, slices, start')
    .option('--quick', 'few and small rounds: to see that it works, not to quote')
    .option('--out <dir>', 'where the results go', 'bench/results')
    .action(async (options: Record<string, string | string[] | boolean | undefined>) => {
      const isQuick = options['quick'] === true;
      const number = (name: string, quick: number): number =>
        isQuick ? quick : Number(options[name]);
      const rows = await benchRedis(
        {
          rounds: number('rounds', 1),
          requests: number('requests', 5000),
          keys: number('keys', 20_000),
          sliceKeys: number('sliceKeys', 50_000),
          only: (options['only'] as string[] | undefined) ?? [],
        },
        (text) => process.stderr.write(`${text}\n`),
      );
      report(
        'redis',
        rows,
        formatComparison(rows, 'redis-server'),
        String(options['out']),
        isQuick,
      );
      if (rows.some((row) => row.isMet === false)) code = 1;
    });
  program
    .command('memcached')
    .description('beside memcached -t 1: throughput, latency, CPU, memory (needs memcached)')
    .option('--rounds <n>', 'rounds of each load', '5')
    .option('--requests <n>', 'requests of an unpipelined round', '100000')
    .option('--items <n>', 'items of the memory row', '1000000')
    .option('--only <rows...>', 'get, set, multi-get, meta get, meta set, memory')
    .option('--program <file>', 'the memcached', 'memcached')
    .option('--quick', 'few and small rounds: to see that it works, not to quote')
    .option('--out <dir>', 'where the results go', 'bench/results')
    .action(async (options: Record<string, string | string[] | boolean | undefined>) => {
      const isQuick = options['quick'] === true;
      const number = (name: string, quick: number): number =>
        isQuick ? quick : Number(options[name]);
      const memcached = await import('./memcached.ts');
      const program = String(options['program']);
      const version = await memcached.memcachedVersion(program);
      const rows = await memcached.benchMemcached(
        {
          rounds: number('rounds', 1),
          requests: number('requests', 5000),
          items: number('items', 20_000),
          program,
          only: (options['only'] as string[] | undefined) ?? [],
        },
        (text) => process.stderr.write(`${text}\n`),
      );
      const table = formatComparison(rows, `${version}, -t 1`);
      report('memcached', rows, table, String(options['out']), isQuick);
      if (rows.some((row) => row.isMet === false)) code = 1;
    });
  addLsmBench(program, () => (code = 1));
  await program.parseAsync([...words], { from: 'user' });
  return code;
}

function report(
  name: string,
  rows: readonly object[],
  table: string,
  directory: string,
  isQuick: boolean,
): void {
  const machine = `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown'}, ${os.type()} ${os.release()}`;
  const head = `Kvasir ${packageVersion()}, Node.js ${process.version}, ${machine}, ${new Date().toISOString().slice(0, 10)}`;
  process.stdout.write(`${head}\n\n${table}\n`);
  if (isQuick) return;
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(
    path.join(directory, `${name}.json`),
    `${JSON.stringify({ head, rows }, null, 2)}\n`,
  );
  fs.writeFileSync(path.join(directory, `${name}.md`), `${head}\n\n${table}\n`);
}
