/**
 * `kvasir bench lsm`: the disk engine beside the stores that people use from Node.js, and beside RocksDB's own benchmark. Each unit runs in a process of
 * its own for each contestant, in turns, round by round, on a fresh directory; what was written is read back and checked.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './child.ts';
import { NATIVE, OURS, PEER_NAMES } from './contestants.ts';
import { hasNativeUnit, nativeVersion, runNative } from './native.ts';
import { PeerPackages } from './peers/peer-packages.ts';
import { Results } from './results.ts';
import type { SceneOptions } from './scene.ts';
import { type Group, type Unit, UNITS } from './units.ts';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const CACHE_BYTES: number = 256 * 1024 * 1024;
const WRITE_BUFFER_BYTES: number = 32 * 1024 * 1024;
const SEED = 20_240_607;

export interface LsmBenchOptions {
  readonly rounds: number;
  readonly entries: number;
  readonly valueBytes: number;
  readonly bigBytes: number;
  readonly seconds: number;
  /** Groups or units; empty for all but `big`. */
  readonly only: readonly string[];
  /** Contestants; empty for all. */
  readonly contestants: readonly string[];
  /** Where the peers' packages are installed. */
  readonly peers: string;
  /** Where the stores are made. */
  readonly directory: string;
  /** What the measured processes are started with, such as `taskset -c 1`. */
  readonly runWith: readonly string[];
}

export async function benchLsm(
  options: LsmBenchOptions,
  say: (text: string) => void,
): Promise<Results> {
  const results = new Results();
  const names = participants(options, say);
  for (const unit of wanted(options)) {
    for (const compression of unit.compressions) {
      const out = new Set<string>();
      for (let round = 0; round < options.rounds; round++) {
        // Whoever begins does not do so twice in a row.
        for (const name of round % 2 === 0 ? names : names.toReversed()) {
          if (out.has(name)) continue;
          const scene = sceneOf(options, compression);
          try {
            const result = await runOne(name, unit, scene, options);
            if (result === undefined) out.add(name);
            else record(results, unit, name, result, scene);
          } catch (error) {
            out.add(name);
            say(`${unit.name}, ${compression}, ${name}: ${(error as Error).message}`);
          }
        }
      }
      say(`${unit.name}, ${compression}: done`);
    }
  }
  return results;
}

/** Throws for a name that nothing has. */
function wanted(options: LsmBenchOptions): Unit[] {
  if (options.only.length === 0) return UNITS.filter((unit) => unit.group !== 'big');
  for (const name of options.only) {
    if (!UNITS.some((unit) => unit.group === (name as Group) || unit.name === name)) {
      throw new RangeError(`there is no group and no unit ${name}`);
    }
  }
  return UNITS.filter((u) => options.only.includes(u.group) || options.only.includes(u.name));
}

/** Kvasir, and of the others who can be. */
function participants(options: LsmBenchOptions, say: (text: string) => void): string[] {
  const packages = new PeerPackages(options.peers);
  const missing = PEER_NAMES.filter((name) => !packages.has(name));
  if (missing.length > 0) {
    say(`not installed in ${options.peers}: ${missing.join(', ')} (npm run bench:peers)`);
  }
  const names = [OURS, ...PEER_NAMES.filter((name) => packages.has(name))];
  if (nativeVersion() === undefined) say('db_bench is missing (Debian: rocksdb-tools)');
  else names.push(NATIVE);
  if (options.contestants.length === 0) return names;
  return names.filter((name) => options.contestants.includes(name));
}

function sceneOf(
  options: LsmBenchOptions,
  compression: Unit['compressions'][number],
): SceneOptions {
  return {
    entries: options.entries,
    seconds: options.seconds,
    seed: SEED,
    bigBytes: options.bigBytes,
    settings: { compression, cacheBytes: CACHE_BYTES, writeBufferBytes: WRITE_BUFFER_BYTES },
  };
}

async function runOne(
  name: string,
  unit: Unit,
  scene: SceneOptions,
  options: LsmBenchOptions,
): Promise<JobResult | undefined> {
  if (name === NATIVE && !hasNativeUnit(unit.name)) return undefined;
  const directory = fs.mkdtempSync(path.join(options.directory, 'kvasir-bench-lsm-'));
  try {
    if (name === NATIVE) {
      return runNative(unit.name, directory, options.valueBytes, scene, options.runWith);
    }
    const job: Job = {
      contestant: name,
      unit: unit.name,
      peers: options.peers,
      directory,
      valueBytes: options.valueBytes,
      options: scene,
    };
    const result = await runChild(job, options.runWith);
    return Object.keys(result.results).length === 0 ? undefined : result;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function runChild(job: Job, runWith: readonly string[]): Promise<JobResult> {
  const words = [...runWith, process.execPath, CHILD, JSON.stringify(job)];
  return new Promise((resolve, reject) => {
    const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const line = output.trimEnd().split('\n').at(-1) ?? '';
      if (code === 0) resolve(JSON.parse(line) as JobResult);
      else reject(new Error(`ended with ${code ?? signal}: ${errors.trim()}`));
    });
  });
}

function record(
  results: Results,
  unit: Unit,
  contestant: string,
  result: JobResult,
  scene: SceneOptions,
): void {
  const when = `${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}`;
  for (const [workload, measurement] of Object.entries(result.results)) {
    results.add(
      {
        group: unit.group,
        workload,
        compression: scene.settings.compression,
        contestant,
        build: result.build,
        when,
        entries: scene.entries,
      },
      measurement,
    );
  }
}

/** What every run of the bench is headed by. */
export function machine(): string {
  return `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown'}, ${os.type()} ${os.release()}`;
}
