import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

describe('MEMORY USAGE', () => {
  test('grows with key and value; null where there is none', () => {
    const h = new Harness();
    expect(h.run('MEMORY', 'USAGE', 'a')).toBe(null);
    h.run('SET', 'a', 'x');
    const small = h.run('MEMORY', 'USAGE', 'a') as number;
    h.run('SET', 'b', 'x'.repeat(10_000));
    const large = h.run('MEMORY', 'USAGE', 'b', 'SAMPLES', '0') as number;
    expect(small).toBeGreaterThan(2);
    expect(large - small).toBeGreaterThan(9_900);
    expect(large - small).toBeLessThan(13_000);
    h.run('SET', 'c', 'x'.repeat(300_000));
    expect(h.run('MEMORY', 'USAGE', 'c', 'samples', '5')).toBeGreaterThan(300_000);
  });

  test('wrong arguments', () => {
    const h = new Harness();
    const syntax = { error: 'ERR syntax error' };
    expect(h.run('MEMORY', 'USAGE', 'a', 'x')).toEqual(syntax);
    expect(h.run('MEMORY', 'USAGE', 'a', 'SAMPLES')).toEqual(syntax);
    expect(h.run('MEMORY', 'USAGE', 'a', 'SAMPLES', '-1')).toEqual(syntax);
    expect(h.run('MEMORY', 'USAGE', 'a', 'SAMPLES', 'x')).toEqual({
      error: 'ERR value is not an integer or out of range',
    });
  });
});

test('MEMORY STATS: the fields of Redis 7.2, one map for each database with keys', () => {
  const h = new Harness();
  h.run('SET', 'a', '1');
  h.session.resp = 3;
  const { map } = h.run('MEMORY', 'STATS') as { map: [string, unknown][] };
  expect(map.map(([name]) => name)).toEqual([
    'peak.allocated',
    'total.allocated',
    'startup.allocated',
    'replication.backlog',
    'clients.slaves',
    'clients.normal',
    'cluster.links',
    'aof.buffer',
    'lua.caches',
    'functions.caches',
    'db.0',
    'overhead.total',
    'keys.count',
    'keys.bytes-per-key',
    'dataset.bytes',
    'dataset.percentage',
    'peak.percentage',
    'allocator.allocated',
    'allocator.active',
    'allocator.resident',
    'allocator-fragmentation.ratio',
    'allocator-fragmentation.bytes',
    'allocator-rss.ratio',
    'allocator-rss.bytes',
    'rss-overhead.ratio',
    'rss-overhead.bytes',
    'fragmentation',
    'fragmentation.bytes',
  ]);
  const stats = Object.fromEntries(map);
  expect(stats['keys.count']).toBe(1);
  expect(stats['allocator.allocated']).toBe(h.engine.usedBytes);
  expect(stats['db.0']).toMatchObject({ map: expect.any(Array) });
});

test('MEMORY DOCTOR: nothing to judge, well, badly', () => {
  const h = new Harness();
  expect(h.run('MEMORY', 'DOCTOR')).toMatch(/little or no data/);
  const value = 'x'.repeat(900);
  for (let i = 0; i < 40_000; i++) h.run('SET', `k${i}`, value);
  expect(h.run('MEMORY', 'DOCTOR')).toMatch(/nothing to report/);
  for (let i = 0; i < 40_000; i++) if (i % 4 !== 0) h.run('DEL', `k${i}`);
  const report = h.run('MEMORY', 'DOCTOR') as string;
  expect(report).toMatch(/ \* Peak: /);
  expect(report).toMatch(/ \* Fragmentation: /);
});

test('MEMORY PURGE, MALLOC-STATS, HELP', () => {
  const h = new Harness();
  expect(h.run('MEMORY', 'PURGE')).toBe('OK');
  expect(h.engine.isDefragmenting).toBe(true);
  expect(h.run('MEMORY', 'MALLOC-STATS')).toMatch(/not supported/);
  expect(h.run('MEMORY', 'HELP')).toContain('USAGE key [SAMPLES count]');
});
