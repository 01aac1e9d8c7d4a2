/** ioredis, as it is, against a server in this process. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { serverInProcess } from '../support/server.ts';

let server: RunningServer;
let redis: Redis;

beforeAll(async () => {
  server = await serverInProcess({ 'notify-keyspace-events': 'Ex' });
  redis = new Redis(server.port);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await redis.flushall();
});

test('strings, expiry, counters, bits', async () => {
  expect(await redis.set('a', 'ä€', 'EX', 100)).toBe('OK');
  expect(await redis.get('a')).toBe('ä€');
  expect(await redis.ttl('a')).toBe(100);
  expect(await redis.set('a', '1', 'NX')).toBe(null);
  expect(await redis.incrbyfloat('f', 0.1)).toBe('0.1');
  expect(await redis.incrbyfloat('f', 0.2)).toBe('0.3');
  expect(await redis.mset({ x: '1', y: '2' })).toBe('OK');
  expect(await redis.mget('x', 'nothing', 'y')).toEqual(['1', null, '2']);
  expect(await redis.setbit('bits', 7, 1)).toBe(0);
  expect(await redis.getBuffer('bits')).toEqual(Buffer.from([1]));
  await expect(redis.incr('a')).rejects.toThrow('ERR value is not an integer or out of range');
});

test('binary keys and values of all sizes come back as they went', async () => {
  for (const size of [0, 1, 63, 64, 65, 1000, 65_535, 65_536, 200_000, 5_000_000]) {
    const key = Buffer.from([0, 255, size & 255, 13, 10]);
    const value = Buffer.alloc(size, `${size}\r\n\0`);
    await redis.set(key, value);
    expect(Buffer.compare((await redis.getBuffer(key))!, value)).toBe(0);
    expect(await redis.strlen(key)).toBe(size);
  }
});

test('a pipeline of ten thousand commands is answered in order', async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 10_000; i++) pipeline.incr('n');
  const replies = (await pipeline.exec())!;
  expect(replies.map(([, value]) => value)).toEqual(
    Array.from({ length: 10_000 }, (_, i) => i + 1),
  );
});

test('transactions: all or nothing, and WATCH', async () => {
  expect(await redis.multi().set('a', '1').incr('a').get('a').exec()).toEqual([
    [null, 'OK'],
    [null, 2],
    [null, '2'],
  ]);
  const other = new Redis(server.port);
  await redis.watch('a');
  await other.set('a', 'changed');
  expect(await redis.multi().set('a', 'lost').exec()).toBe(null);
  expect(await redis.get('a')).toBe('changed');
  other.disconnect();
});

describe('publish and subscribe', () => {
  test('channels and patterns', async () => {
    const subscriber = new Redis(server.port);
    const got: string[] = [];
    subscriber.on('message', (channel: string, message: string) =>
      got.push(`${channel} ${message}`),
    );
    subscriber.on('pmessage', (pattern: string, channel: string, message: string) =>
      got.push(`${pattern} ${channel} ${message}`),
    );
    expect(await subscriber.subscribe('news')).toBe(1);
    expect(await subscriber.psubscribe('n*')).toBe(2);
    expect(await redis.publish('news', 'hello')).toBe(2);
    expect(await redis.publish('other', 'unheard')).toBe(0);
    await expect.poll(() => got).toEqual(['news hello', 'n* news hello']);
    subscriber.disconnect();
  });

  test('an expired key is announced when it is due, without anybody asking for it', async () => {
    const subscriber = new Redis(server.port);
    const got: string[] = [];
    subscriber.on('message', (_channel: string, message: string) => got.push(message));
    await subscriber.subscribe('__keyevent@0__:expired');
    await redis.set('soon', '1', 'PX', 30);
    await expect.poll(() => got).toEqual(['soon']);
    subscriber.disconnect();
  });
});

test('scanning finds every key', async () => {
  const keys = Array.from({ length: 2000 }, (_, i) => `key:${i}`);
  await redis.mset(Object.fromEntries(keys.map((k) => [k, '1'])));
  const found = new Set<string>();
  for await (const batch of redis.scanStream({ match: 'key:*', count: 100 })) {
    for (const key of batch as string[]) found.add(key);
  }
  expect(found).toEqual(new Set(keys));
});

test('the ready check, the command list and INFO are what the client expects', async () => {
  expect(await redis.info('server')).toMatch(/redis_version:7\.2\.4\r\n/);
  expect((await redis.command('COUNT')) as unknown as number).toBeGreaterThan(80);
  expect(await redis.client('ID')).toBeGreaterThan(0);
});
