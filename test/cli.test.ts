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

function kvasir(
  args: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
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

  test('an argument in the middle from standard input', async () => {
    expect((await cli(['-X', '@', 'SET', 'mid', '@', 'EX', '100'], 'a\nb\0c')).out).toBe('OK\n');
    expect((await cli(['GET', 'mid'])).out).toBe('a\nb\0c\n');
    expect(await cli(['-X', '@', 'GET', 'mid'], 'x')).toMatchObject({ code: 1, out: '' });
  });

  test('nobody there', async () => {
    const outcome = await kvasir(['cli', '-p', '1', 'PING']);
    expect(outcome.code).toBe(1);
    expect(outcome.err).toContain('Could not connect to 127.0.0.1:1');
  });

  test('databases, several ways to print, repeats', async () => {
    await cli(['-n', '3', 'MSET', 'a', 'x,"y"', 'b', '2']);
    expect((await cli(['-n', '3', '--csv', 'MGET', 'a', 'b', 'c'])).out).toBe(
      '"x,\\"y\\"","2",NULL\n',
    );
    expect((await cli(['-n', '3', '-d', ';\\t', 'MGET', 'a', 'b'])).out).toBe('x,"y";\t2\n');
    expect((await cli(['-n', '3', '-r', '3', 'INCR', 'b'])).out).toBe('3\n4\n5\n');
    expect((await cli(['--json', 'HELLO'])).out).toMatch(/^\{"server":"redis".*"proto":3/);
    expect(await cli(['-n', 'x', 'PING'])).toMatchObject({ code: 2 });
    expect(await cli(['-n', '77', 'PING'])).toMatchObject({
      code: 1,
      err: 'SELECT failed: ERR DB index is out of range\n',
    });
  });

  test('a server by its URI', async () => {
    const uri = `redis://127.0.0.1:${server.port}/5`;
    expect((await kvasir(['cli', '-u', uri, 'SET', 'u', '1'])).out).toBe('OK\n');
    expect((await cli(['-n', '5', 'GET', 'u'])).out).toBe('1\n');
    expect(await kvasir(['cli', '-u', 'http://127.0.0.1', 'PING'])).toMatchObject({ code: 2 });
    const bad = await kvasir(['cli', '-u', 'redis://:secret@host:port', 'PING']);
    expect(bad.code).toBe(2);
    expect(bad.err).not.toContain('secret');
  });

  test('much in, many keys out', async () => {
    const requests = Array.from({ length: 2000 }, (_, i) => `SET pipe:${i} ${i}\r\n`).join('');
    expect(await cli(['-n', '7', '--pipe'], requests)).toEqual({
      code: 0,
      out: 'All data transferred. Waiting for the last reply...\nLast reply received from server.\nerrors: 0, replies: 2000\n',
      err: '',
    });
    const failing = await cli(['-n', '7', '--pipe'], '*1\r\n$4\r\nPING\r\nNOSUCH');
    expect(failing).toMatchObject({
      code: 1,
      out: expect.stringContaining('errors: 1, replies: 2'),
    });
    expect(failing.err).toContain("unknown command 'NOSUCH'");
    const keys = (await cli(['-n', '7', '--scan', '--pattern', 'pipe:1?', '--count', '50'])).out;
    expect(keys.trim().split('\n').sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `pipe:1${i}`),
    );
  });

  test.each(['SUBSCRIBE', 'MONITOR'])('%s goes on until Ctrl-C', async (word) => {
    const args = [
      MAIN,
      'cli',
      '-p',
      String(server.port),
      word,
      ...(word === 'MONITOR' ? [] : ['c']),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(() => out, { timeout: 10_000 }).toMatch(/subscribe|OK/);
    await cli(['PUBLISH', 'c', 'hello there']);
    await expect.poll(() => out, { timeout: 10_000 }).toContain('hello there');
    child.kill('SIGINT');
    expect(await exited).toBe(0);
  });

  test('whoever reads the output has enough', async () => {
    const script = `"$0" "$1" cli -p ${server.port} -r -1 PING | head -2`;
    const child = spawn('sh', ['-c', script, process.execPath, MAIN], { stdio: 'pipe' });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect([out, err]).toEqual(['PONG\nPONG\n', '']);
  });

  test.runIf(fs.existsSync('/usr/bin/script'))('the prompt', async () => {
    const home = temporaryDirectory();
    const command = `'${process.execPath}' '${MAIN}' cli -p ${server.port}`;
    const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
      stdio: 'pipe',
      env: { ...process.env, HOME: home, TERM: 'dumb' },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const says = async (line: string, reply: RegExp): Promise<void> => {
      out = '';
      child.stdin.write(line);
      await expect.poll(() => out, { timeout: 10_000 }).toMatch(reply);
    };
    await says('SET prompt "a b"\n', /OK[\s\S]*> /);
    await says('2 APPEND prompt x\n', /\(integer\) 4[\s\S]*\(integer\) 5[\s\S]*> /);
    await says('SELECT 2\n', /\[2\]> /);
    await says('MULTI\n', /\[2\]\(TX\)> /);
    await says('DISCARD\n', /\[2\]> /);
    await says('GET "unbalanced\n', /Invalid argument/);
    await says('help GET\n', /summary: /);
    await says('AUTH a secret\n', /\(error\) .*> /s);
    await says('SUBSCRIBE c\n', /Reading messages/);
    await cli(['PUBLISH', 'c', 'a message']);
    await expect.poll(() => out, { timeout: 10_000 }).toContain('a message');
    await says('\x03', /\[2\]> /);
    await says('CLIENT KILL TYPE normal SKIPME no\n', /> /);
    await says('GET prompt\n', /Error|nil/);
    await says('PING\n', /PONG/); // by another connection
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.write('quit\n');
    expect(await exited).toBe(0);
    const history = fs.readFileSync(path.join(home, '.kvasir_history'), 'utf8');
    expect(history).toContain('SELECT 2\nMULTI\n');
    expect(history).not.toContain('secret');
  });
});

test('a password: by option, by environment, by URI, asked for', async () => {
  const server = await ServerProcess.start(['--memory', '--requirepass', 'päss']);
  const at = ['cli', '-p', String(server.port)];
  expect((await kvasir([...at, 'PING'])).out).toBe('NOAUTH Authentication required.\n');
  expect(await kvasir([...at, '-a', 'wrong', 'PING'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('AUTH failed: WRONGPASS'),
  });
  const warned = await kvasir([...at, '-a', 'päss', 'PING']);
  expect(warned).toMatchObject({ code: 0, out: 'PONG\n', err: expect.stringContaining('Warning') });
  const quiet = { code: 0, out: 'PONG\n', err: '' };
  expect(await kvasir([...at, '--no-auth-warning', '--pass', 'päss', 'PING'])).toEqual(quiet);
  expect(await kvasir([...at, 'PING'], '', { REDISCLI_AUTH: 'päss' })).toEqual(quiet);
  expect(
    await kvasir([...at, '--user', 'default', '-3', 'PING'], '', { REDISCLI_AUTH: 'päss' }),
  ).toEqual(quiet);
  const uri = `redis://:p%C3%A4ss@127.0.0.1:${server.port}`;
  expect(await kvasir(['cli', '--no-auth-warning', '-u', uri, 'PING'])).toEqual(quiet);
  expect(await kvasir([...at, '--askpass', 'PING'], 'päss\n')).toMatchObject({ out: 'PONG\n' });
  await server.kill('SIGKILL');
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

test('a server that would listen nowhere does not start', async () => {
  const directory = temporaryDirectory();
  const redis = await kvasir(['serve', '--port', '0', '--dir', directory]);
  expect(redis).toMatchObject({ code: 1 });
  expect(redis.out).toContain('nothing to listen on');
  expect(await kvasir(['memcached', '-u', 'root', '-p', '0', '--', 'words'])).toMatchObject({
    code: 64,
    err: "there is no use for 'words' here\n",
  });
});

test('a memcached that listens nowhere stays, as memcached does, and says so', async () => {
  const child = spawn(process.execPath, [MAIN, 'memcached', '-u', 'root', '-p', 'nonsense']);
  const said = await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(String(said)).toContain('nothing to listen on');
  child.kill('SIGTERM');
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
});

test('a port that is taken is named', async () => {
  const first = await ServerProcess.start(['--memory']);
  const second = ServerProcess.spawn(first.port, ['--memory']);
  expect(await second.exited).toBe(1);
  expect(second.output).toContain(`Failed listening on port ${first.port}`);
  await first.kill('SIGKILL');
});
