/** The command line as its users meet it. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAIN, ServerProcess, temporaryDirectory } from './support/server.ts';

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

function kvasir(args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

test('--version and --help, everywhere', async () => {
  expect(await kvasir(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
  const help = await kvasir(['--help']);
  expect(help.code).toBe(0);
  expect(help.out).toMatch(/serve[\s\S]*cli[\s\S]*bench/);
  for (const command of ['serve', 'cli', 'bench']) {
    const outcome = await kvasir([command, '--help']);
    expect([command, outcome.code]).toEqual([command, 0]);
    expect(outcome.out).toContain(`kvasir ${command}`);
  }
});

describe('what is called wrongly ends with 2 and says what is allowed', () => {
  test.each([
    [['nosuch'], "unknown command 'nosuch'"],
    [
      ['serve', '--prot', '1'],
      "command line:1: Bad directive or wrong number of arguments: 'prot'",
    ],
    [
      ['serve', '--appendfsync', 'maybe'],
      'command line:1: argument(s) must be one of the following: everysec, always, no',
    ],
    [['serve', '--port', '70000'], 'argument must be between 0 and 65535 inclusive'],
    [['serve', '--min-replicas-to-write', '1'], "'min-replicas-to-write 1' is not supported"],
    [['serve', '--replicaof', '10.0.0.1 6379'], 'replication is not implemented'],
    [['serve', '/no/such/file.conf'], 'No such file or directory'],
  ])('%j', async (args, text) => {
    const outcome = await kvasir(args);
    expect(outcome.code).toBe(2);
    expect(outcome.err).toContain(text);
  });

  test('in a configuration file: file, line, value', async () => {
    const file = path.join(temporaryDirectory(), 'kvasir.conf');
    fs.writeFileSync(file, '# a comment\nport 7000\ntimeout "ten"\n');
    const outcome = await kvasir(['serve', file]);
    expect(outcome.code).toBe(2);
    expect(outcome.err).toContain(`${file}:3: argument couldn't be parsed into an integer`);
    fs.writeFileSync(file, 'rename-command FLUSHALL ""\n');
    expect((await kvasir(['serve', file])).err).toContain(
      `${file}:1: 'rename-command' is not supported`,
    );
  });
});

describe('a server and the client', () => {
  let server: ServerProcess;
  let cli: (args: readonly string[], input?: string) => Promise<Outcome>;

  beforeAll(async () => {
    server = await ServerProcess.start(['--memory']);
    cli = (args, input) => kvasir(['cli', '-p', String(server.port), ...args], input);
  });
  afterAll(async () => {
    await server.kill('SIGKILL');
  });

  test('one command', async () => {
    expect(await cli(['SET', 'a', '1'])).toMatchObject({ code: 0, out: 'OK\n' });
    expect(await cli(['--no-raw', 'INCR', 'a'])).toMatchObject({ code: 0, out: '(integer) 2\n' });
    expect(await cli(['--no-raw', 'MGET', 'a', 'b'])).toMatchObject({ out: '1) "2"\n2) (nil)\n' });
    expect(await cli(['--json', 'MGET', 'a', 'b'])).toMatchObject({ out: '["2",null]\n' });
    expect(await cli(['-3', '--no-raw', 'CONFIG', 'GET', 'port'])).toMatchObject({
      out: `1# "port" => "${server.port}"\n`,
    });
    const failed = await cli(['INCR', 'a', 'b']);
    expect(failed.code).toBe(1);
    expect(failed.out).toBe("ERR wrong number of arguments for 'incr' command\n");
  });

  test('UTF-8 arguments stay what they are', async () => {
    await cli(['SET', 'ключ', 'значение']);
    expect((await cli(['GET', 'ключ'])).out).toBe('значение\n');
  });

  test('a pipe of commands', async () => {
    const outcome = await cli([], 'SET x "two words"\nGET x\n\nNOSUCH\nSTRLEN x\n');
    expect(outcome.out).toBe(
      "OK\ntwo words\nERR unknown command 'NOSUCH', with args beginning with: \n9\n",
    );
    expect(outcome.code).toBe(1);
  });

  test('the last argument from standard input', async () => {
    expect((await cli(['-x', 'SET', 'big'], 'z'.repeat(300_000))).out).toBe('OK\n');
    expect((await cli(['STRLEN', 'big'])).out).toBe('300000\n');
  });

  test('nobody there', async () => {
    const outcome = await kvasir(['cli', '-p', '1', 'PING']);
    expect(outcome.code).toBe(1);
    expect(outcome.err).toContain('Could not connect to 127.0.0.1:1');
  });
});

test('a configuration file is read, overridden by the command line, and written by CONFIG REWRITE', async () => {
  const dir = temporaryDirectory();
  const file = path.join(dir, 'kvasir.conf');
  fs.writeFileSync(file, '# mine\ntimeout 100\nhz 50\nsave ""\nappendonly no\n');
  const server = ServerProcess.spawn(0, [
    file,
    '--timeout',
    '200',
    '--port',
    '0',
    '--unixsocket',
    path.join(dir, 's'),
  ]);
  while (!server.output.includes('Ready to accept')) await new Promise((r) => setTimeout(r, 10));
  expect(server.output).toContain("The setting 'hz' has no effect here");
  const cli = (...args: string[]): Promise<Outcome> =>
    kvasir(['cli', '-s', path.join(dir, 's'), ...args]);
  expect((await cli('CONFIG', 'GET', 'timeout')).out).toBe('timeout\n200\n');
  await cli('CONFIG', 'SET', 'maxclients', '55');
  expect((await cli('CONFIG', 'REWRITE')).out).toBe('OK\n');
  const text = fs.readFileSync(file, 'utf8');
  expect(text).toContain('# mine\ntimeout 200\n');
  expect(text).toContain('maxclients 55');
  expect((await cli('SHUTDOWN')).code).toBe(0);
  expect(await server.exited).toBe(0);
});

test('SIGTERM ends with 0, and what was written is there again', async () => {
  const dir = temporaryDirectory();
  const first = await ServerProcess.start(['--dir', dir]);
  await kvasir(['cli', '-p', String(first.port), 'SET', 'kept', 'yes']);
  expect(await first.kill('SIGTERM')).toBe(0);
  const second = await ServerProcess.start(['--dir', dir]);
  expect((await kvasir(['cli', '-p', String(second.port), 'GET', 'kept'])).out).toBe('yes\n');
  expect(await second.kill('SIGINT')).toBe(0);
});

test('a port that is taken is named', async () => {
  const first = await ServerProcess.start(['--memory']);
  const second = ServerProcess.spawn(first.port, ['--memory']);
  expect(await second.exited).toBe(1);
  expect(second.output).toContain(`Failed listening on port ${first.port}`);
  await first.kill('SIGKILL');
});
