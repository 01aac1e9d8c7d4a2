/**
 * Runs Redis's own Tcl suite against Kvasir, one unit at a time, each against a fresh server, and compares the cases that fail with those that are
 * known to (conformance/tcl-known.txt, each with its reason).
 *
 * The suite is not part of this repository: its folder (a checkout of Redis at tag 7.2.4) is named by --suite or REDIS_SUITE.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Server } from './servers.ts';

/** Units of which every case that needs no later feature must pass. */
export const UNITS: readonly string[] = [
  'unit/protocol',
  'unit/keyspace',
  'unit/type/string',
  'unit/type/incr',
  'unit/expire',
  'unit/other',
  'unit/quit',
  'unit/info-command',
  'unit/multi',
  'unit/pubsub',
  'unit/pubsubshard',
  'unit/bitops',
  'unit/bitfield',
  'unit/slowlog',
  'unit/latency-monitor',
  'unit/pause',
  'unit/lazyfree',
  'unit/introspection',
  'unit/introspection-2',
];

export interface UnitResult {
  unit: string;
  passed: number;
  /** Names of cases that failed, and what was said. */
  failed: Map<string, string>;
  /** The unit ended early: why. */
  exception: string;
}

/** Known failures: the case's name and why, by unit. Lines are `unit | case | reason`; a case that ends in `*` is a prefix. */
export function readKnown(file: string): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [unit, name, reason] = line.split(' | ').map((part) => part.trim());
    if (reason === undefined) throw new Error(`not 'unit | case | reason': ${line}`);
    const cases = known.get(unit!) ?? new Map<string, string>();
    cases.set(name!, reason);
    known.set(unit!, cases);
  }
  return known;
}

function reasonOf(known: Map<string, string> | undefined, name: string): string | undefined {
  if (known === undefined) return undefined;
  for (const [pattern, reason] of known) {
    if (pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)))) return reason;
  }
  return undefined;
}

/** Cases that would end their unit by an exception (a type that is not there) are skipped by name. */
export async function runUnit(suite: string, unit: string, skip: readonly string[]): Promise<UnitResult> {
  const server = await Server.start('kvasir', [
    ...['--memory', '--enable-debug-command', 'yes', '--loglevel', 'warning'],
    ...['--latency-monitor-threshold', '0', '--notify-keyspace-events', 'KEA'],
  ]);
  const args = [
    'tests/test_helper.tcl',
    ...['--host', '127.0.0.1', '--port', String(server.port)],
    ...['--durable', '--timeout', '60', '--single', unit, '--tags', '-slow -needs:repl'],
    ...skip.flatMap((name) => ['--skiptest', name.endsWith('*') ? `/^${escape(name.slice(0, -1))}` : name]),
  ];
  const output = await new Promise<string>((resolve, reject) => {
    let text = '';
    const child = spawn('tclsh', args, { cwd: suite, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
  const isAlive = server.isAlive;
  await server.stop('SIGKILL');
  const result = parseOutput(unit, output);
  if (!isAlive) result.exception = `the server ended: ${server.output.slice(-500)}`;
  return result;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function parseOutput(unit: string, output: string): UnitResult {
  // eslint-disable-next-line no-control-regex -- the suite colours its words
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  const failed = new Map<string, string>();
  let passed = 0;
  let exception = '';
  for (const line of plain.split('\n')) {
    if (/^\[ok\]:/.test(line)) passed++;
    const err = /^\[err\]: (.*?) in tests\/\S+$/.exec(line) ?? /^\[err\]: (.*)$/.exec(line);
    if (err !== null) failed.set(err[1]!, '');
    if (/^\[exception\]/.test(line)) exception = line;
    else if (exception !== '' && exception.length < 600) exception += `\n${line}`;
  }
  return { unit, passed, failed, exception };
}

/** Runs the units; prints a table; returns how many cases failed that are not known to. */
export async function runTcl(suite: string, units: readonly string[], knownFile: string): Promise<number> {
  if (!fs.existsSync(path.join(suite, 'tests/test_helper.tcl'))) {
    process.stdout.write(`skipped: Redis's Tcl suite is not at '${suite}' (say --suite DIR: Redis, tag 7.2.4)\n`);
    return 0;
  }
  const known = readKnown(knownFile);
  let surprises = 0;
  let total = 0;
  for (const unit of units) {
    const skip = [...(known.get(unit)?.keys() ?? [])];
    const result = await runUnit(suite, unit, skip);
    total += result.passed;
    const unexpected = [...result.failed.keys()].filter((name) => reasonOf(known.get(unit), name) === undefined);
    surprises += unexpected.length + (result.exception === '' ? 0 : 1);
    process.stdout.write(
      `${unit.padEnd(24)} ${String(result.passed).padStart(4)} ok  ${unexpected.length} failed  ${skip.length} known\n`,
    );
    for (const name of unexpected) process.stdout.write(`    ${name}\n`);
    if (result.exception !== '') process.stdout.write(`    ended early: ${result.exception}\n`);
  }
  process.stdout.write(`${total} cases passed, ${surprises} surprises\n`);
  return surprises;
}
