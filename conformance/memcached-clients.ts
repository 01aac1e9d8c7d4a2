/**
 * Clients in other languages with the tests they bring: libmemcached's tools (memccapable asks for everything in the text and the binary protocol and checks
 * the answers) and the integration tests of Python's pymemcache. What is not installed is skipped, and said so.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort, hasProgram, Server } from './servers.ts';

const MAX_MS = 300_000;
const MAX_SAID = 2000;

interface Outcome {
  name: string;
  /** What was checked, or what went wrong. */
  said: string;
  isGood: boolean;
}

function run(
  program: string,
  args: readonly string[],
  cwd?: string,
): { code: number; text: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    ...{ encoding: 'utf8', timeout: MAX_MS },
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { code: status ?? -1, text: `${stdout}${stderr}` };
}

function checkCapable(port: number): Outcome {
  const { code, text } = run('memccapable', ['-h', '127.0.0.1', '-p', String(port)]);
  const lines = text.split('\n').filter((line) => /^(ascii|binary) /.test(line));
  const failed = lines.filter((line) => !line.includes('[pass]'));
  const isGood = code === 0 && lines.length > 0 && failed.length === 0;
  const said = isGood ? `${lines.length} checks` : [...failed, text.slice(-MAX_SAID)].join('\n');
  return { name: 'memccapable', said, isGood };
}

/** Load of libmemcached's own kind, and a file in and out. */
function checkTools(port: number): Outcome[] {
  const server = `--servers=127.0.0.1:${port}`;
  const outcomes: Outcome[] = [];
  for (const kind of [
    ['--test=set'],
    ['--test=get'],
    ['--test=mget'],
    ['--test=get', '--binary'],
  ]) {
    const { code, text } = run('memcslap', [
      ...[server, '--concurrency=4', '--execute-number=2000'],
      ...kind,
    ]);
    const name = `memcslap ${kind.join(' ')}`;
    outcomes.push({ name, said: code === 0 ? 'done' : text.slice(-MAX_SAID), isGood: code === 0 });
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-conformance-'));
  const content = 'a file\r\nof two lines\n'.repeat(1000);
  fs.writeFileSync(path.join(folder, 'file'), content);
  const into = run('memccp', [server, 'file'], folder);
  const out = run('memccat', [server, 'file'], folder);
  const isSame = into.code === 0 && out.text.trimEnd() === content.trimEnd();
  outcomes.push({ name: 'memccp, memccat', said: isSame ? 'done' : out.text, isGood: isSame });
  fs.rmSync(folder, { recursive: true, force: true });
  return outcomes;
}

/** The folder of pymemcache's tests; undefined where they or pytest are not there. */
function pymemcacheTests(): string | undefined {
  const script = 'import pytest, pymemcache.test as t; print(t.__path__[0])';
  const { code, text } = run('python3', ['-c', script]);
  return code === 0 ? text.trim() : undefined;
}

function checkPymemcache(port: number, folder: string): Outcome {
  const { code, text } = run('python3', [
    ...['-m', 'pytest', '-q', '-W', 'ignore', '-p', 'no:cacheprovider'],
    ...['test_integration.py', 'test_compression.py'].map((name) => path.join(folder, name)),
    ...['--server', '127.0.0.1', '--port', String(port)],
  ]);
  const said = code === 0 ? text.trim().split('\n').at(-1)! : text.slice(-MAX_SAID);
  return { name: 'pymemcache', said, isGood: code === 0 };
}

/** Runs what is there; returns how many did not do as they should. */
export async function runMemcachedClients(): Promise<number> {
  const port = await freePort();
  const server = await Server.start('kvasir', ['--memory', '--memcached-port', String(port)]);
  const outcomes: Outcome[] = [];
  try {
    if (hasProgram('memccapable')) outcomes.push(checkCapable(port), ...checkTools(port));
    else process.stdout.write('skipped: memccapable is not here (npm run conformance:setup)\n');
    const tests = pymemcacheTests();
    if (tests !== undefined) outcomes.push(checkPymemcache(port, tests));
    else process.stdout.write('skipped: python3 has no pytest and pymemcache with its tests\n');
  } finally {
    await server.stop('SIGKILL');
  }
  for (const { name, said, isGood } of outcomes) {
    process.stdout.write(`${name.padEnd(30)} ${isGood ? 'ok' : 'FAILED'}  ${said}\n`);
  }
  return outcomes.filter(({ isGood }) => !isGood).length;
}
