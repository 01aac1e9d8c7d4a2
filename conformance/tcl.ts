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

/** Characters kept of what the suite says of a case that failed. */
const MAX_SAID = 400;

export interface UnitResult {
  unit: string;
  passed: number;
  /** Cases left out by name. */
  skipped: number;
  /** Names of cases that failed, and what the suite said of each. */
  failed: Map<string, string>;
  /** The unit ended early: why. */
  exception: string;
}

interface Known {
  /** The case's name, or the beginning of several. */
  name: string;
  isPrefix: boolean;
  /** Left out; otherwise it runs, since cases after it need what it leaves, and may fail. */
  isSkipped: boolean;
  reason: string;
}

/** Known failures by unit. Lines are `unit | case | reason`; a case that ends in `*` is a prefix, one that begins with `~` runs. */
export function readKnown(file: string): Map<string, Known[]> {
  const known = new Map<string, Known[]>();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [unit, name, reason] = line.split(' | ').map((part) => part.trim());
    if (reason === undefined) throw new Error(`not 'unit | case | reason': ${line}`);
    const cases = known.get(unit!) ?? [];
    const isSkipped = !name!.startsWith('~');
    const isPrefix = name!.endsWith('*');
    cases.push({
      name: name!.slice(isSkipped ? 0 : 1, isPrefix ? -1 : undefined),
      isPrefix,
      isSkipped,
      reason,
    });
    known.set(unit!, cases);
  }
  return known;
}

function isKnown(known: readonly Known[], name: string): boolean {
  return known.some((each) => (each.isPrefix ? name.startsWith(each.name) : name === each.name));
}

/** Cases that would end their unit by an exception (a type that is not there) are skipped by name. */
export async function runUnit(
  suite: string,
  unit: string,
  known: readonly Known[],
): Promise<UnitResult> {
  const server = await Server.start('kvasir', [
    // Cases that reload from the log need one; how soon it reaches the disk is no matter to them.
    ...['--appendonly', 'yes', '--appendfsync', 'no'],
    ...['--enable-debug-command', 'yes', '--loglevel', 'warning'],
    ...['--latency-monitor-threshold', '0', '--notify-keyspace-events', 'KEA'],
  ]);
  const args = [
    'tests/test_helper.tcl',
    ...['--host', '127.0.0.1', '--port', String(server.port)],
    ...['--durable', '--timeout', '60', '--single', unit, '--tags', '-slow -needs:repl'],
    ...known
      .filter((each) => each.isSkipped)
      .flatMap(({ name, isPrefix }) => ['--skiptest', isPrefix ? `/^${escape(name)}` : name]),
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
  let skipped = 0;
  let exception = '';
  let current: string | undefined;
  for (const line of plain.split('\n')) {
    if (line.startsWith('[ok]:')) passed++;
    if (line.startsWith('[skip]:')) skipped++;
    const err = /^\[err\]: (.*?) in tests\/\S+$/.exec(line) ?? /^\[err\]: (.*)$/.exec(line);
    if (err !== null) current = err[1]!;
    else if (/^(\[\w+\]|\*\*\*|Cleanup)/.test(line)) current = undefined;
    if (current !== undefined) {
      const said = failed.get(current) ?? '';
      failed.set(current, err !== null || said.length > MAX_SAID ? said : `${said}      ${line}\n`);
    }
    if (line.startsWith('[exception]')) exception = line;
    else if (exception !== '' && exception.length < 600) exception += `\n${line}`;
  }
  return { unit, passed, skipped, failed, exception };
}

/** Runs the units; prints a table; returns how many cases failed that are not known to. */
export async function runTcl(
  suite: string,
  units: readonly string[],
  knownFile: string,
): Promise<number> {
  if (!fs.existsSync(path.join(suite, 'tests/test_helper.tcl'))) {
    process.stdout.write(
      `skipped: Redis's Tcl suite is not at '${suite}' (say --suite DIR: Redis, tag 7.2.4)\n`,
    );
    return 0;
  }
  const known = readKnown(knownFile);
  let surprises = 0;
  let total = 0;
  for (const unit of units) {
    const cases = known.get(unit) ?? [];
    const result = await runUnit(suite, unit, cases);
    total += result.passed;
    const unexpected = [...result.failed.keys()].filter((name) => !isKnown(cases, name));
    surprises += unexpected.length + (result.exception === '' ? 0 : 1);
    process.stdout.write(
      `${unit.padEnd(24)} ${String(result.passed).padStart(4)} ok  ${unexpected.length} failed  ${result.skipped + result.failed.size - unexpected.length} need what comes later\n`,
    );
    for (const name of unexpected) process.stdout.write(`    ${name}\n${result.failed.get(name)}`);
    if (result.exception !== '') process.stdout.write(`    ended early: ${result.exception}\n`);
  }
  process.stdout.write(`${total} cases passed, ${surprises} surprises\n`);
  return surprises;
}
