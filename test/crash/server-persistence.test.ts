import { describe, expect, test } from 'vitest';
import { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { SimulatedServer, type SimulatedClient } from './simulated-server.ts';

const SETTINGS = { databases: '2', 'enable-debug-command': 'yes' };

function newMachine(): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.makeDirectory('/data');
  return files;
}

async function start(
  files: SimulatedFileSystem,
  settings: Readonly<Record<string, string>> = {},
): Promise<SimulatedServer> {
  const server = new SimulatedServer(files, 1, { ...SETTINGS, ...settings });
  await server.open();
  return server;
}

/** Sends a request and returns what came back within `ms` of simulated time. */
async function ask(
  files: SimulatedFileSystem,
  client: SimulatedClient,
  request: string,
  ms = 5,
): Promise<string> {
  const before = client.received.length;
  client.send(request);
  await files.loop.run(ms);
  return client.received.slice(before);
}

async function field(
  files: SimulatedFileSystem,
  client: SimulatedClient,
  name: string,
): Promise<string | undefined> {
  const info = await ask(files, client, 'INFO persistence');
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1];
}

describe('a server and its log', () => {
  test('what was answered is there after kill -9, expiries unchanged', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    client.send('SET a 1', 'SET b 2 PX 60000', 'SELECT 1', 'SET c 3', `SET d ${'x'.repeat(3000)}`);
    await files.loop.run(5);
    expect(client.received).toBe('+OK\r\n'.repeat(5));
    const before = server.dump();
    expect((await start(files.restart())).dump()).toBe(before);
  });

  test('a key that expired meanwhile is loaded and then expires by an entry of its own', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    await ask(files, client, 'SET a 1 PX 50');
    await ask(files, client, 'SET b 1');
    const loop = new SimulatedLoop(files.loop.now() + 100_000);
    const next = files.restart(undefined, loop);
    const again = await start(next);
    expect(again.dump()).toContain('0:a=1@');
    const reader = again.connect();
    expect(await ask(next, reader, 'GET a')).toBe('$-1\r\n');
    const log = [...next.dump()].find(([path]) => path.includes('.incr'))![1];
    expect(Buffer.from(log).toString()).toContain('DEL\r\n$1\r\na\r\n');
  });

  test('BGREWRITEAOF and what INFO says of it', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    for (let i = 0; i < 20; i++) await ask(files, client, `SET key:${i % 3} ${i}`);
    client.send('BGREWRITEAOF', 'BGREWRITEAOF');
    await files.loop.run(0.1);
    expect(client.received).toMatch(
      /\+Background append only file rewriting started\r\n-ERR Background append only file rewriting already in progress\r\n$/,
    );
    expect(await field(files, client, 'aof_rewrite_in_progress')).toBe('1');
    await files.loop.run(50);
    expect(await field(files, client, 'aof_rewrite_in_progress')).toBe('0');
    expect(await field(files, client, 'aof_last_bgrewrite_status')).toBe('ok');
    expect(await field(files, client, 'aof_rewrites')).toBe('2');
    const size = Number(await field(files, client, 'aof_current_size'));
    expect(size).toBe(Number(await field(files, client, 'aof_base_size')));
    expect((await start(files.restart())).dump()).toBe(server.dump());
  });

  test('a full disk: MISCONF for writes, answers for reads, then all is well again', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    await ask(files, client, 'SET a 1');
    await files.loop.run(100);
    files.capacityBytes = files.usedBytes + 10;
    expect(await ask(files, client, 'SET a 2')).toBe('+OK\r\n'); // the reserve had room for it
    expect(await ask(files, client, 'SET a 3')).toBe(
      '-MISCONF Errors writing to the AOF file: No space left on device\r\n',
    );
    expect(await ask(files, client, 'GET a')).toBe('$1\r\n2\r\n');
    expect(await field(files, client, 'aof_last_write_status')).toBe('err');
    files.capacityBytes = Infinity;
    await files.loop.run(3000);
    expect(await ask(files, client, 'SET a 3')).toBe('+OK\r\n');
    expect((await start(files.restart())).dump()).toBe(server.dump());
  });

  test('always: neither the writer nor a reader hears of what is not synced', async () => {
    const files = newMachine();
    const server = await start(files, { appendfsync: 'always' });
    files.syncUs = 20_000;
    const [writer, reader] = [server.connect(), server.connect()];
    await ask(files, writer, 'SET a 1', 100);
    expect(await ask(files, writer, 'SET a 2')).toBe('');
    expect(await ask(files, reader, 'GET a')).toBe('');
    await files.loop.run(50);
    expect(writer.received).toBe('+OK\r\n+OK\r\n');
    expect(reader.received).toBe('$1\r\n2\r\n');
  });

  test('CONFIG SET appendonly off and on', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    await ask(files, client, 'SET a 1');
    expect(await ask(files, client, 'CONFIG SET appendonly no')).toBe('+OK\r\n');
    expect(await ask(files, client, 'SET b 2')).toBe('+OK\r\n');
    expect(await ask(files, client, 'WAITAOF 1 0 0')).toContain('-ERR');
    const without = await start(files.restart(undefined, new SimulatedLoop()));
    expect(without.dump()).not.toContain('0:b');

    const again = newMachine();
    const second = await start(again, { appendonly: 'no' });
    const other = second.connect();
    await ask(again, other, 'SET a 1');
    expect(await ask(again, other, 'CONFIG SET appendonly yes')).toBe('+OK\r\n');
    expect(await ask(again, other, 'SET b 2')).toBe('+OK\r\n');
    expect(await ask(again, other, 'WAITAOF 1 0 0', 2500)).toBe('*2\r\n:1\r\n:0\r\n');
    expect((await start(again.restart())).dump()).toBe(second.dump());
  });

  test('WAITAOF answers when it is synced', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    await ask(files, client, 'SET a 1');
    expect(await ask(files, client, 'WAITAOF 1 0 0', 100)).toBe('');
    await files.loop.run(1500);
    expect(client.received.endsWith('*2\r\n:1\r\n:0\r\n')).toBe(true);
  });

  test('CONFIG SET appendfsync releases and holds back at once', async () => {
    const files = newMachine();
    const server = await start(files, { appendfsync: 'always' });
    files.syncUs = 50_000;
    const [client, admin] = [server.connect(), server.connect()];
    await ask(files, client, 'SET a 1', 200);
    expect(await ask(files, client, 'SET a 2')).toBe('');
    admin.send('CONFIG SET appendfsync everysec');
    await files.loop.run(5);
    expect(client.received).toBe('+OK\r\n+OK\r\n');
  });

  test.each(['yes', 'no'])('DEBUG RELOAD and LOADAOF, appendonly %s', async (appendonly) => {
    const files = newMachine();
    const server = await start(files, { appendonly });
    const client = server.connect();
    client.send(
      'SET a 1',
      'SET b 2 PX 60000',
      `SET c ${'long'.repeat(4000)}`,
      'SELECT 1',
      'SET d 4',
    );
    await files.loop.run(5);
    const before = server.dump();
    expect(await ask(files, client, 'DEBUG RELOAD')).toBe('+OK\r\n');
    expect(server.dump()).toBe(before);
    expect(await ask(files, client, 'DEBUG LOADAOF')).toBe('+OK\r\n');
    expect(server.dump()).toBe(before);
    expect(await ask(files, client, 'GET d')).toBe('$1\r\n4\r\n');
    expect(await ask(files, client, 'SET e 5')).toBe('+OK\r\n');
  });

  test('in the middle of a transaction files do not change', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    client.send('MULTI', 'SET a 1', 'SELECT 1', 'BGREWRITEAOF', 'SET b 2', 'DEBUG LOADAOF', 'EXEC');
    await files.loop.run(5);
    expect(client.received).toContain('+Background append only file rewriting scheduled');
    expect(client.received).toContain('-ERR');
    client.send('MULTI', 'SET c 3', 'CONFIG SET appendonly no', 'SET d 4', 'EXEC');
    await files.loop.run(300);
    const off = await start(files.restart(undefined, new SimulatedLoop()));
    expect(off.dump()).toBe(server.dump());
    expect(off.dump()).toContain('1:d=4');
    const again = newMachine();
    const second = await start(again, { appendonly: 'no' });
    const other = second.connect();
    other.send('MULTI', 'SET a 1', 'CONFIG SET appendonly yes', 'SET b 2', 'SET c 3', 'EXEC');
    await again.loop.run(300);
    await ask(again, other, 'SET d 4');
    expect((await start(again.restart())).dump()).toBe(second.dump());
  });

  test('a data set that cannot be loaded stops the start with its place', async () => {
    const files = newMachine();
    const server = await start(files);
    const client = server.connect();
    for (let i = 0; i < 3; i++) await ask(files, client, `SET key:${i} ${'x'.repeat(50)}`, 2000);
    const next = files.restart();
    const path = '/data/appendonlydir/appendonly.aof.1.incr.aof';
    const bytes = next.dump().get(path)!;
    bytes[bytes.indexOf(120)] = 121;
    next.put(path, bytes);
    await expect(start(next)).rejects.toThrow(`${path}, offset`);
  });
});
