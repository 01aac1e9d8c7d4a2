/**
 * Runs memcached's own Perl suite against Kvasir, in both ways it can be run: each file starts `kvasir memcached` by its own flags, and those that need
 * none run against a server that is there (`kvasir serve --memcached-port`). The cases that fail are compared with those that are known to
 * (conformance/memcached-known.txt, each with its reason).
 *
 * The suite is not part of this repository: its folder (a checkout of memcached at tag 1.6.18) is named by --memcached-suite or MEMCACHED_SUITE.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, freePort } from './servers.ts';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
/** A file that takes longer hangs. */
const FILE_MS = 200_000;
/** Characters kept of what a case that failed says. */
const MAX_SAID = 400;

export type Form = 'drop-in' | 'daemon';

interface Known {
  file: string;
  /** A case's title or the beginning of several; '' for the whole file, which is not run. */
  title: string;
  isPrefix: boolean;
}

interface FileResult {
  passed: number;
  failed: { title: string; said: string }[];
  /** It ended early: why. */
  exception: string;
}

/** Lines are `file | case | reason`; a case that ends in `*` is a prefix, `*` alone is the whole file. */
function readKnown(file: string): Known[] {
  const known: Known[] = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name, title, reason] = line.split(' | ').map((part) => part.trim());
    if (reason === undefined) throw new Error(`not 'file | case | reason': ${line}`);
    const isPrefix = title!.endsWith('*');
    known.push({ file: name!, title: isPrefix ? title!.slice(0, -1) : title!, isPrefix });
  }
  return known;
}

/** Files that ask for no flags, so that a server which is there will do. */
function needsNoFlags(file: string): boolean {
  const text = fs.readFileSync(file, 'utf8');
  const calls = text.match(/new_memcached\([^;]*;/g) ?? [];
  return calls.length > 0 && calls.every((call) => /^new_memcached\(\s*\)/.test(call));
}

/** A folder that looks to the suite like one in which memcached was built. */
function buildFolder(suite: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-conformance-'));
  const script = (name: string, text: string): void =>
    fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  fs.symlinkSync(path.join(suite, 't'), path.join(folder, 't'));
  script('memcached-debug', `exec '${process.execPath}' '${MAIN}' memcached "$@"`);
  script('timedrun', 'shift\nexec "$@"');
  return folder;
}

function runFile(folder: string, name: string, daemon: number | undefined): Promise<FileResult> {
  return new Promise((resolve, reject) => {
    let text = '';
    const env = { ...process.env };
    if (daemon !== undefined) env['T_MEMD_USE_DAEMON'] = `127.0.0.1:${daemon}`;
    const child = spawn('perl', ['-I', 't/lib', `t/${name}.t`], {
      ...{ cwd: folder, env, timeout: FILE_MS },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
    }
    child.once('error', reject);
    // Not `close`: a server that a file left behind holds the pipes open.
    child.once('exit', (code) => {
      setTimeout(() => resolve(parse(text, code)), 50);
    });
  });
}

function parse(text: string, code: number | null): FileResult {
  const result: FileResult = { passed: 0, failed: [], exception: '' };
  let current: { title: string; said: string } | undefined = undefined;
  for (const line of text.split('\n')) {
    const failure = /^not ok \d+(?: - (.*))?$/.exec(line);
    if (/^ok \d+/.test(line)) result.passed++;
    if (failure !== null) {
      current = { title: failure[1] ?? '', said: '' };
      result.failed.push(current);
    } else if (!line.startsWith('#')) {
      current = undefined;
    } else if (current !== undefined && current.said.length < MAX_SAID) {
      current.said += `      ${line.slice(0, MAX_SAID)}\n`;
    }
  }
  if (code === null) result.exception = 'it hangs';
  else if (code !== 0 && result.failed.length === 0) result.exception = text.slice(-MAX_SAID);
  return result;
}

/** Runs the files; prints a table; returns how many cases failed that are not known to. */
export async function runMemcachedSuite(
  suite: string,
  names: readonly string[],
  knownFile: string,
): Promise<number> {
  if (!fs.existsSync(path.join(suite, 't/lib/MemcachedTest.pm'))) {
    process.stdout.write(
      `skipped: memcached's suite is not at '${suite}' (say --memcached-suite DIR: memcached, tag 1.6.18)\n`,
    );
    return 0;
  }
  const known = readKnown(knownFile);
  const folder = buildFolder(path.resolve(suite));
  const all = fs
    .readdirSync(path.join(suite, 't'))
    .filter((name) => name.endsWith('.t'))
    .map((name) => name.slice(0, -2))
    .sort();
  let surprises = 0;
  let total = 0;
  for (const name of names.length === 0 ? all : names) {
    const ofFile = known.filter(({ file }) => file === name);
    if (ofFile.some(({ title, isPrefix }) => isPrefix && title === '')) continue;
    const forms: Form[] = needsNoFlags(path.join(suite, `t/${name}.t`))
      ? ['drop-in', 'daemon']
      : ['drop-in'];
    for (const form of forms) {
      const result = await runIn(form, folder, name);
      const unexpected = result.failed.filter(({ title }) => !isKnown(ofFile, title));
      total += result.passed;
      surprises += unexpected.length + (result.exception === '' ? 0 : 1);
      const counts = `${String(result.passed).padStart(5)} ok  ${unexpected.length} failed  ${result.failed.length - unexpected.length} known to`;
      process.stdout.write(`${name.padEnd(26)} ${form.padEnd(8)} ${counts}\n`);
      for (const { title, said } of unexpected) process.stdout.write(`    ${title}\n${said}`);
      if (result.exception !== '') process.stdout.write(`    ended early: ${result.exception}\n`);
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`${total} cases passed, ${surprises} surprises\n`);
  return surprises;
}

async function runIn(form: Form, folder: string, name: string): Promise<FileResult> {
  if (form === 'drop-in') return await runFile(folder, name, undefined);
  const port = await freePort();
  const server = await Server.start('kvasir', ['--memory', '--memcached-port', String(port)]);
  const result = await runFile(folder, name, port);
  if (!server.isAlive) result.exception = `the server ended: ${server.output.slice(-500)}`;
  await server.stop('SIGKILL');
  return result;
}

function isKnown(known: readonly Known[], title: string): boolean {
  return known.some((each) =>
    each.isPrefix ? title.startsWith(each.title) : title === each.title,
  );
}
