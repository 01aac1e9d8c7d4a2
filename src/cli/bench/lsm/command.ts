/** `kvasir bench lsm`: its options, its table on standard output, and what is kept in bench/results/. */
import type { Command } from 'commander';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageVersion } from '../../../server/process-host.ts';
import { benchLsm, type LsmBenchOptions, machine } from './lsm.ts';
import { missedFloors, report } from './report.ts';
import { Results } from './results.ts';

/** Options as commander hands them over. */
interface Given {
  rounds: string;
  entries: string;
  valueBytes: string;
  bigBytes: string;
  seconds: string;
  only?: string[];
  contestants?: string[];
  peers: string;
  dir: string;
  runWith?: string;
  quick?: boolean;
  add?: boolean;
  out: string;
}

/** `missed`: called when Kvasir did not reach what it is to reach. */
export function addLsmBench(program: Command, missed: () => void): void {
  program
    .command('lsm')
    .description('the disk engine beside LevelDB, RocksDB, LMDB and SQLite (npm run bench:peers)')
    .option('--rounds <n>', 'rounds of each unit', '3')
    .option('--entries <n>', 'entries of a store', '1000000')
    .option('--value-bytes <n>', 'bytes of a value', '100')
    .option('--big-bytes <n>', 'bytes that the big workload overwrites', '10000000000')
    .option('--seconds <n>', 'of one workload at most', '4')
    .option(
      '--only <groups...>',
      'fill, batch, read, durable, mixed, cache, size, compaction, big, or names of units; all but big by default',
    )
    .option('--contestants <names...>', 'who takes part')
    .option('--peers <dir>', 'where the other stores are installed', 'bench/peers')
    .option('--dir <dir>', 'where the stores are made', os.tmpdir())
    .option(
      '--run-with <command>',
      'what measured processes are started with, such as "nice -n -5"',
    )
    .option('--quick', 'few entries, one round: to see that it works, not to quote')
    .option('--add', 'rounds are added to those that are kept, instead of replacing them')
    .option(
      '--out <dir>',
      'where the results are kept; what was not measured anew stays',
      'bench/results',
    )
    .action(async (given: Given) => {
      const isQuick = given.quick === true;
      const measured = await benchLsm(optionsOf(given, isQuick), (text) =>
        process.stderr.write(`${text}\n`),
      );
      process.stdout.write(`${page(measured)}\n`);
      if (!isQuick) keep(measured, given.out, given.add === true);
      if (missedFloors(measured).length > 0) missed();
    });
}

function optionsOf(given: Given, isQuick: boolean): LsmBenchOptions {
  const number = (text: string, quick: number): number => (isQuick ? quick : Number(text));
  return {
    rounds: number(given.rounds, 1),
    entries: number(given.entries, 20_000),
    valueBytes: Number(given.valueBytes),
    bigBytes: number(given.bigBytes, 20_000_000),
    seconds: number(given.seconds, 0.2),
    only: given.only ?? [],
    contestants: given.contestants ?? [],
    peers: given.peers,
    directory: given.dir,
    runWith: given.runWith === undefined ? [] : given.runWith.split(' '),
  };
}

function page(results: Results): string {
  const head = `Kvasir ${packageVersion()}, ${machine()}`;
  return `${head}\n\n${report(results)}`;
}

function keep(measured: Results, directory: string, isAdded: boolean): void {
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'lsm.json');
  const all = Results.read(file);
  if (isAdded) all.append(measured);
  else all.replace(measured);
  fs.writeFileSync(file, `${JSON.stringify({ cells: all.cells }, null, 1)}\n`);
  fs.writeFileSync(path.join(directory, 'lsm.md'), `${page(all)}\n`);
}
