/** RocksDB itself: db_bench (Debian: rocksdb-tools), one thread, the same entries, cache, write buffer, filter and compression. */
import { spawnSync } from 'node:child_process';
import type { StoreSettings } from './contestant.ts';
import type { JobResult } from './child.ts';
import type { Measurement } from './measure.ts';
import type { SceneOptions } from './scene.ts';

/** One run of db_bench: its benchmark, and which workload of ours that is. */
interface Step {
  readonly benchmark: string;
  readonly workload?: string;
  readonly flags?: readonly string[];
}

const ONCE_MORE = ['--use_existing_db=1'];

/** By unit. A step without a workload prepares the next ones; a benchmark named twice is warmed up by the first. */
const STEPS: Readonly<Record<string, readonly Step[]>> = {
  'fillseq sync': [{ benchmark: 'fillseq', workload: 'fillseq, sync' }],
  'fillrandom sync': [{ benchmark: 'fillrandom', workload: 'fillrandom, sync' }],
  'overwrite sync': [
    { benchmark: 'fillrandom' },
    { benchmark: 'overwrite', workload: 'overwrite, sync', flags: ONCE_MORE },
  ],
  'batches sequential': [
    {
      benchmark: 'fillseq',
      workload: 'batches of 1000, sequential',
      flags: ['--batch_size=1000'],
    },
  ],
  'batches random': [
    { benchmark: 'fillrandom', workload: 'batches of 1000, random', flags: ['--batch_size=1000'] },
  ],
  'durable sync': [
    { benchmark: 'fillrandom', workload: 'durable puts, alone, sync', flags: ['--sync=1'] },
  ],
  reads: [
    // Each key once, so that a read finds what it looks for.
    { benchmark: 'filluniquerandom,compact' },
    {
      benchmark: 'readseq,readrandom,readrandom',
      workload: 'readrandom, cached, sync',
      flags: ONCE_MORE,
    },
    { benchmark: 'readmissing,readmissing', workload: 'readmissing, sync', flags: ONCE_MORE },
    { benchmark: 'readseq,readseq', workload: 'readseq', flags: ONCE_MORE },
    {
      benchmark: 'readseq,seekrandom',
      workload: 'seekrandom, 100 next',
      flags: [...ONCE_MORE, '--seek_nexts=100'],
    },
  ],
};

/** Operations of what would take too long with as many as there are entries. */
const FEWER: Readonly<Record<string, number>> = {
  'durable puts, alone, sync': 100,
  'seekrandom, 100 next': 10,
};

export function nativeVersion(): string | undefined {
  const run = spawnSync('db_bench', ['--version'], { encoding: 'utf8' });
  if (run.error !== undefined) return undefined;
  return /db_bench version (\S+)/.exec(run.stdout)?.[1];
}

export function hasNativeUnit(unit: string): boolean {
  return unit in STEPS;
}

export function runNative(
  unit: string,
  directory: string,
  valueBytes: number,
  options: SceneOptions,
  runWith: readonly string[],
): JobResult {
  const results: Record<string, Measurement> = {};
  for (const { benchmark, workload, flags } of STEPS[unit]!) {
    const operations = Math.ceil(options.entries / (FEWER[workload ?? ''] ?? 1));
    const isRead = /read|seek/.test(benchmark);
    const args = [
      `--benchmarks=${benchmark}`,
      `--db=${directory}`,
      `--num=${isRead ? options.entries : operations}`,
      ...(isRead ? [`--reads=${operations}`] : []),
      `--value_size=${valueBytes}`,
      ...settingsOf(options.settings),
      `--seed=${options.seed}`,
      ...(flags ?? []),
    ];
    const output = run([...runWith, 'db_bench', ...args]);
    if (workload !== undefined) results[workload] = parse(output, benchmark.split(',').at(-1)!);
  }
  return { build: `db_bench ${nativeVersion()}`, results };
}

function settingsOf(settings: Omit<StoreSettings, 'directory' | 'isDurable'>): string[] {
  return [
    `--compression_type=${settings.compression}`,
    `--cache_size=${settings.cacheBytes}`,
    `--write_buffer_size=${settings.writeBufferBytes}`,
    '--bloom_bits=10',
    '--key_size=16',
    '--compression_ratio=0.5',
    '--threads=1',
  ];
}

function run(command: readonly string[]): string {
  const child = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) throw new Error(`db_bench: ${child.stderr.slice(-500)}`);
  return child.stdout;
}

/** `readrandom :  1.846 micros/op 541711 ops/sec 1.846 seconds 1000000 operations; ...`, of the last run of `benchmark`. */
function parse(output: string, benchmark: string): Measurement {
  const line = output.split('\n').findLast((line) => line.startsWith(`${benchmark} `));
  const figures = /([\d.]+) ops\/sec ([\d.]+) seconds (\d+) operations/.exec(line ?? '');
  if (figures === null) throw new Error(`db_bench said: ${output.slice(-500)}`);
  const seconds = Number(figures[2]);
  return {
    // Batches are counted as one operation in its line, entries in the rate.
    operations: Number(figures[1]) * seconds,
    seconds,
    extra: {},
  };
}
