/** memjs (binary protocol, SASL) and memcached (text protocol) from npm, as they are, against a server in this process. */
import fs from 'node:fs';
import path from 'node:path';
import Memcached from 'memcached';
import { Client } from 'memjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

let server: RunningServer;
let redis: RawClient;
let address = '';

async function serve(values: Readonly<Record<string, string>> = {}): Promise<void> {
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  server = await serverInProcess({ 'memcached-port': String(port), ...values });
  redis = await RawClient.connect(server.port);
}

afterEach(async () => {
  redis.close();
  await server.stop();
});

describe('memjs', () => {
  let client: Client;

  const connect = (options: Record<string, unknown> = {}): Client =>
    (client = Client.create(address, { retries: 0, ...options }));

  const text = async (key: string): Promise<string | undefined> =>
    (await client.get(key)).value?.toString();

  afterEach(() => client.close());

  test('items, expiry, what is there and what is not', async () => {
    await serve();
    connect();
    expect(await client.set('a', 'ä€', { expires: 100 })).toBe(true);
    expect(await text('a')).toBe('ä€');
    expect(await redis.call('GET', 'a')).toBe(Buffer.from('ä€').toString('latin1'));
    expect(await redis.call('TTL', 'a')).toBe(100);
    expect((await client.get('nothing')).value).toBe(null);
    expect(await client.add('a', 'x', {})).toBe(false);
    expect(await client.add('b', 'x', {})).toBe(true);
    expect(await client.replace('nothing', 'x', {})).toBe(false);
    expect(await client.append('b', 'y')).toBe(true);
    expect(await text('b')).toBe('xy');
    expect(await client.touch('b', 50)).toBe(true);
    expect(await redis.call('TTL', 'b')).toBe(50);
    expect(await client.delete('b')).toBe(true);
    expect(await client.delete('b')).toBe(false);
  });

  test('counters', async () => {
    await serve();
    connect();
    expect((await client.increment('n', 5, { initial: 10 })).value).toBe(10);
    expect((await client.increment('n', 5, {})).value).toBe(15);
    expect((await client.decrement('n', 20, {})).value).toBe(0);
    expect(await redis.call('INCRBY', 'n', '7')).toBe(7);
    expect((await client.increment('n', 1, {})).value).toBe(8);
  });

  test('flags are kept, values of all sizes come back as they went', async () => {
    await serve();
    connect();
    for (const size of [0, 1, 64, 1000, 65_535, 65_536, 900_000]) {
      const value = Buffer.alloc(size, `${size}\r\n\0`);
      await client.set('key', value, {});
      expect(Buffer.compare((await client.get('key')).value ?? Buffer.alloc(0), value)).toBe(0);
    }
    await expect(client.set('key', Buffer.alloc(1_100_000), {})).rejects.toThrow();
    expect(await client.flush()).toBeTruthy();
    expect(await redis.call('DBSIZE')).toBe(0);
  });

  test('many at once', async () => {
    await serve();
    connect();
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, key, {})));
    const values = await Promise.all(keys.map((key) => text(key)));
    expect(values).toEqual(keys);
  });

  test('SASL PLAIN', async () => {
    const file = path.join(temporaryDirectory(), 'users');
    fs.writeFileSync(file, 'ann:secret\n');
    await serve({ 'memcached-auth-file': file });
    connect({ username: 'ann', password: 'secret' });
    expect(await client.set('a', 'x', {})).toBe(true);
    expect(await text('a')).toBe('x');
    client.close();
    connect({ username: 'ann', password: 'wrong', logger: { log: () => {} } });
    await expect(client.get('a')).rejects.toThrow();
  });

  test('statistics', async () => {
    await serve();
    connect();
    const stats = await new Promise<Record<string, string> | null>((resolve) => {
      client.stats((_error, _server, found) => resolve(found));
    });
    expect(stats).toMatchObject({ version: '1.6.18', curr_items: '0' });
  });
});

describe('memcached', () => {
  let client: Memcached;

  /** One call, as a promise. */
  function call<T>(run: (done: (error: unknown, result: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      run((error, result) => {
        if (error instanceof Error) reject(error);
        else resolve(result);
      });
    });
  }

  beforeEach(async () => {
    await serve();
    client = new Memcached(address, { retries: 0, timeout: 2000 });
  });

  afterEach(() => client.end());

  test('items of all types that it knows', async () => {
    expect(await call((done) => client.set('text', 'ä€', 100, done))).toBe(true);
    expect(await call((done) => client.set('object', { a: [1, 2] }, 0, done))).toBe(true);
    expect(await call((done) => client.set('buffer', Buffer.from([0, 13, 10, 255]), 0, done))).toBe(
      true,
    );
    expect(await call((done) => client.set('number', 42, 0, done))).toBe(true);
    // What it is stands in the client flags.
    expect(await call((done) => client.get('text', done))).toBe('ä€');
    expect(await call((done) => client.get('object', done))).toEqual({ a: [1, 2] });
    expect(await call((done) => client.get('buffer', done))).toEqual(Buffer.from([0, 13, 10, 255]));
    expect(await call((done) => client.get('number', done))).toBe(42);
    expect(await redis.call('TTL', 'text')).toBe(100);
    expect(await redis.call('GET', 'object')).toBe('{"a":[1,2]}');
    expect(await call((done) => client.get('nothing', done))).toBe(undefined);
    expect(await call((done) => client.getMulti(['text', 'nothing', 'number'], done))).toEqual({
      text: 'ä€',
      number: 42,
    });
  });

  test('a CAS of which Redis made another', async () => {
    await call((done) => client.set('a', '1', 0, done));
    const { cas } = await call<{ cas: string }>((done) => client.gets('a', done as never));
    expect(await call((done) => client.cas('a', '2', cas, 0, done))).toBe(true);
    expect(await call((done) => client.cas('a', '3', cas, 0, done))).toBe(false);
    const second = await call<{ cas: string }>((done) => client.gets('a', done as never));
    await redis.call('SET', 'a', 'x');
    expect(await call((done) => client.cas('a', '3', second.cas, 0, done))).toBe(false);
    expect(await redis.call('GET', 'a')).toBe('x');
  });

  test('add, replace, append, prepend, counters, touch, delete', async () => {
    expect(await call((done) => client.add('a', 'b', 0, done))).toBe(true);
    await expect(call((done) => client.add('a', 'x', 0, done))).rejects.toThrow('not stored');
    expect(await call((done) => client.append('a', 'c', done))).toBe(true);
    expect(await call((done) => client.prepend('a', 'a', done))).toBe(true);
    expect(await call((done) => client.replace('a', '10', 0, done))).toBe(true);
    expect(await call((done) => client.incr('a', 5, done))).toBe(15);
    expect(await call((done) => client.decr('a', 20, done))).toBe(0);
    expect(await call((done) => client.incr('nothing', 1, done))).toBe(false);
    await call((done) => client.touch('a', 70, done as never));
    expect(await redis.call('TTL', 'a')).toBe(70);
    expect(await call((done) => client.del('a', done))).toBe(true);
    expect(await call((done) => client.del('a', done))).toBe(false);
  });

  test('statistics, settings, slabs, items, the keys of a class', async () => {
    await call((done) => client.set('key', 'x', 0, done));
    const [stats] = await call<[Record<string, unknown>]>((done) => client.stats(done as never));
    expect(stats).toMatchObject({ version: '1.6.18', curr_items: 1, total_items: 1 });
    const [settings] = await call<[Record<string, unknown>]>((done) =>
      client.settings(done as never),
    );
    expect(settings['item_size_max']).toBe(1_048_576);
    const [slabs] = await call<[Record<string, unknown>]>((done) => client.slabs(done as never));
    expect(Object.keys(slabs).length).toBeGreaterThan(1);
    const [items] = await call<[Record<string, unknown>]>((done) => client.items(done as never));
    const id = Number(Object.keys(items).find((name) => /^\d+$/.test(name)));
    const dump = await call<{ key: string }[] | { key: string }>((done) =>
      client.cachedump(address, id, 10, done as never),
    );
    expect([dump].flat().map(({ key }) => key)).toEqual(['key']);
    expect(await call((done) => client.flush(done as never))).toEqual([true]);
    expect(await redis.call('DBSIZE')).toBe(0);
  });
});
