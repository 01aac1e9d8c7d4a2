import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

function filled(): Harness {
  const h = new Harness();
  h.run('MSET', 'a', '1', 'b', '2');
  h.session.database = 1;
  h.run('SET', 'c', '3');
  h.session.database = 0;
  h.effects();
  return h;
}

describe('FLUSHDB and FLUSHALL', () => {
  test.each([[], ['ASYNC'], ['sync']])('FLUSHDB %s empties one database', (...mode) => {
    const h = filled();
    expect(h.run('FLUSHDB', ...mode)).toBe('OK');
    expect(Object.keys(h.dump())).toEqual(['1:c']);
    expect(h.effects()).toEqual([
      ['SELECT', '0'],
      ['FLUSHDB', ...mode],
    ]);
  });

  test('FLUSHALL empties all', () => {
    const h = filled();
    const before = h.model.stats.dirty;
    expect(h.run('FLUSHALL')).toBe('OK');
    expect(h.dump()).toEqual({});
    expect(h.model.stats.dirty - before).toBe(3);
  });

  test('of what is empty is logged too', () => {
    const h = new Harness();
    h.run('FLUSHALL');
    expect(h.effectsOnly()).toEqual([['FLUSHALL']]);
  });

  test('SYNC frees at once, ASYNC in the background, nothing said as lazyfree-lazy-user-flush says', () => {
    const pendingAfter = (setting: string, ...mode: string[]): boolean => {
      const h = new Harness({ settings: { 'lazyfree-lazy-user-flush': setting } });
      for (let i = 0; i < 100; i++) h.run('SET', `key:${i}`, 'value');
      h.run('FLUSHALL', ...mode);
      const isPending = h.engine.pendingFrees > 0;
      while (h.engine.step(64));
      expect(h.engine.pendingFrees).toBe(0);
      return isPending;
    };
    expect(pendingAfter('yes', 'SYNC')).toBe(false);
    expect(pendingAfter('no', 'ASYNC')).toBe(true);
    expect(pendingAfter('no')).toBe(false);
    expect(pendingAfter('yes')).toBe(true);
  });

  test('anything else is a syntax error', () => {
    const h = filled();
    expect(h.run('FLUSHDB', 'NOW')).toEqual({ error: 'ERR syntax error' });
    expect(h.run('FLUSHALL', 'SYNC', 'ASYNC')).toEqual({ error: 'ERR syntax error' });
    expect(h.run('DBSIZE')).toBe(2);
    expect(h.effects()).toEqual([]);
  });
});

describe('SWAPDB', () => {
  test('exchanges the keys', () => {
    const h = filled();
    h.run('SET', 't', '1', 'PX', '1000');
    h.effects();
    expect(h.run('SWAPDB', '0', '1')).toBe('OK');
    expect(h.effects()).toEqual([['SWAPDB', '0', '1']]);
    expect(Object.keys(h.dump())).toEqual(['0:c', '1:a', '1:b', '1:t']);
    h.run('SET', 'd', '4');
    h.advance(1001);
    h.model.expireDue();
    expect(Object.keys(h.dump())).toEqual(['0:c', '0:d', '1:a', '1:b']);
  });

  test('of a database with itself changes nothing and is logged', () => {
    const h = filled();
    expect(h.run('SWAPDB', '1', '1')).toBe('OK');
    expect(h.effectsOnly()).toEqual([['SWAPDB', '1', '1']]);
    expect(Object.keys(h.dump())).toEqual(['0:a', '0:b', '1:c']);
  });

  test('errors', () => {
    const h = new Harness();
    expect(h.run('SWAPDB', 'x', 'y')).toEqual({ error: 'ERR invalid first DB index' });
    expect(h.run('SWAPDB', '0', 'y')).toEqual({ error: 'ERR invalid second DB index' });
    expect(h.run('SWAPDB', '0', '9999999999')).toEqual({ error: 'ERR invalid second DB index' });
    expect(h.run('SWAPDB', '0', '16')).toEqual({ error: 'ERR DB index is out of range' });
    expect(h.run('SWAPDB', '-1', '0')).toEqual({ error: 'ERR DB index is out of range' });
  });
});

test('DBSIZE counts expired keys that nobody has met', () => {
  const h = filled();
  h.run('PEXPIRE', 'a', '5');
  h.advance(6);
  expect(h.run('DBSIZE')).toBe(2);
  h.run('GET', 'a');
  expect(h.run('DBSIZE')).toBe(1);
});
