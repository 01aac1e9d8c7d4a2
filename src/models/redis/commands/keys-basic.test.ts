import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

describe('DEL and UNLINK', () => {
  test.each(['DEL', 'UNLINK'])('%s deletes what is there, once', (name) => {
    const h = new Harness();
    h.run('MSET', 'a', '1', 'b', '2', 'c', '3');
    h.effects();
    h.watchEvents();
    expect(h.run(name, 'a', 'x', 'b', 'a')).toBe(2);
    expect(h.events()).toEqual(['del a', 'del b']);
    expect(h.effects()).toEqual([[name, 'a', 'x', 'b', 'a']]);
    expect(h.run(name, 'a')).toBe(0);
    expect(h.effects()).toEqual([]);
    expect(Object.keys(h.dump())).toEqual(['0:c']);
  });

  test('count each deletion as a change', () => {
    const h = new Harness();
    h.run('MSET', 'a', '1', 'b', '2');
    const before = h.model.stats.dirty;
    h.run('DEL', 'a', 'b', 'c');
    expect(h.model.stats.dirty - before).toBe(2);
  });

  test('an expired key is deleted by its expiry, not by DEL', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '10');
    h.run('SET', 'b', '1');
    h.effects();
    h.watchEvents();
    h.advance(11);
    expect(h.run('DEL', 'a')).toBe(0);
    expect(h.events()).toEqual(['expired a']);
    expect(h.effects()).toEqual([['DEL', 'a']]);

    h.run('SET', 'a', '1', 'PX', '10');
    h.advance(11);
    h.effects();
    expect(h.run('DEL', 'b', 'a')).toBe(1);
    expect(h.effects()).toEqual([['MULTI'], ['DEL', 'a'], ['DEL', 'b', 'a'], ['EXEC']]);
  });
});

describe('EXISTS, TOUCH, TYPE', () => {
  test('EXISTS counts a key as often as it is named', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    expect(h.run('EXISTS', 'a', 'b', 'a')).toBe(2);
    expect(h.run('EXISTS', 'b')).toBe(0);
  });

  test('count hits and misses, and tell of misses', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.watchEvents();
    h.run('EXISTS', 'a', 'b');
    h.run('TYPE', 'c');
    h.run('TOUCH', 'a', 'd');
    expect(h.events()).toEqual(['keymiss b', 'keymiss c', 'keymiss d']);
    expect(h.model.stats.keyspaceHits).toBe(2);
    expect(h.model.stats.keyspaceMisses).toBe(3);
  });

  test('TOUCH marks the key as used, EXISTS and TYPE do not', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.advance(20_000);
    h.run('EXISTS', 'a');
    h.run('TYPE', 'a');
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(20);
    expect(h.run('TOUCH', 'a', 'b', 'a')).toBe(2);
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(0);
  });

  test('TOUCH marks even where CLIENT NO-TOUCH is on', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.session.isNoTouch = true;
    h.advance(20_000);
    h.run('GET', 'a');
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(20);
    h.run('TOUCH', 'a');
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(0);
  });

  test('TYPE of a string, and of nothing', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '10');
    expect(h.run('TYPE', 'a')).toBe('string');
    h.advance(11);
    expect(h.run('TYPE', 'a')).toBe('none');
    expect(h.run('DBSIZE')).toBe(0);
  });

  test('too few and too many arguments', () => {
    const h = new Harness();
    const wrong = (name: string): object => ({
      error: `ERR wrong number of arguments for '${name}' command`,
    });
    expect(h.run('DEL')).toEqual(wrong('del'));
    expect(h.run('EXISTS')).toEqual(wrong('exists'));
    expect(h.run('TYPE', 'a', 'b')).toEqual(wrong('type'));
  });
});
