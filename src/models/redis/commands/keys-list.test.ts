import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

describe('KEYS', () => {
  test.each([
    ['*', ['foobar', 'hello', 'hillo', 'key:1']],
    ['foo*', ['foobar']],
    ['h?llo', ['hello', 'hillo']],
    ['h[^e]llo', ['hillo']],
    ['H*', []],
    ['hello', ['hello']],
  ])('%s', (pattern, expected) => {
    const h = new Harness();
    for (const key of ['foobar', 'hello', 'hillo', 'key:1']) h.run('SET', key, '1');
    expect((h.run('KEYS', pattern) as string[]).sort()).toEqual(expected);
  });

  test('leaves out expired keys and deletes none', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '5');
    h.run('SET', 'b', '1');
    h.advance(6);
    h.effects();
    expect(h.run('KEYS', '*')).toEqual(['b']);
    expect(h.run('DBSIZE')).toBe(2);
    expect(h.effects()).toEqual([]);
  });

  test('the empty key, keys of all bytes and keys of many chunks', () => {
    const h = new Harness();
    const keys = ['', '\x00\xff\r\n', 'x'.repeat(150_000)];
    for (const key of keys) h.run('SET', key, '1');
    expect((h.run('KEYS', '*') as string[]).sort()).toEqual(keys);
    expect(h.run('KEYS', 'x*x')).toEqual([keys[2]]);
    expect(h.run('KEYS', '')).toEqual(['']);
  });
});

describe('RANDOMKEY', () => {
  test('of an empty database is null', () => {
    expect(new Harness().run('RANDOMKEY')).toBe(null);
  });

  test('gives every key a chance', () => {
    const h = new Harness();
    for (let i = 0; i < 10; i++) h.run('SET', `key:${i}`, '1');
    const seen = new Set(Array.from({ length: 400 }, () => h.run('RANDOMKEY')));
    expect(seen.size).toBe(10);
  });

  test('deletes expired keys that it meets, each in an entry of its own', () => {
    const h = new Harness();
    h.run('MSET', 'a', '1', 'b', '1');
    h.run('PEXPIRE', 'a', '5');
    h.run('PEXPIRE', 'b', '5');
    h.advance(6);
    h.effects();
    expect(h.run('RANDOMKEY')).toBe(null);
    const effects = h.effects().map((effect) => effect.join(' '));
    expect(effects.sort()).toEqual(['DEL a', 'DEL b']);
  });

  test('ends while writes are paused and all keys are expired', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '5');
    h.advance(6);
    h.model.pauses.pause('write', h.state.nowMs + 1000, h.state.nowMs);
    expect(h.run('RANDOMKEY')).toBe('a');
    expect(h.run('DBSIZE')).toBe(1);
  });
});
