import { describe, expect, test } from 'vitest';
import { EngineFullError } from '../../../memory/index.ts';
import { Harness } from '../testing/harness.ts';

const SAME = { error: 'ERR source and destination objects are the same' };
const NO_INDEX = { error: 'ERR DB index is out of range' };
const NOT_INTEGER = { error: 'ERR value is not an integer or out of range' };
const SYNTAX = { error: 'ERR syntax error' };

describe('RENAME and RENAMENX', () => {
  test('move value and expiry to the new name', () => {
    const h = new Harness();
    h.run('SET', 'a', 'value', 'PX', '5000');
    h.effects();
    h.watchEvents();
    expect(h.run('RENAME', 'a', 'b')).toBe('OK');
    expect(h.events()).toEqual(['new b', 'rename_from a', 'rename_to b']);
    expect(h.effects()).toEqual([['RENAME', 'a', 'b']]);
    expect(h.run('EXISTS', 'a')).toBe(0);
    expect(h.run('GET', 'b')).toBe('value');
    expect(h.run('PTTL', 'b')).toBe(5000);
  });

  test('RENAME replaces what was there, with its expiry', () => {
    const h = new Harness();
    h.run('SET', 'a', 'new');
    h.run('SET', 'b', 'old', 'EX', '100');
    expect(h.run('RENAME', 'a', 'b')).toBe('OK');
    expect(h.run('GET', 'b')).toBe('new');
    expect(h.run('TTL', 'b')).toBe(-1);
    expect(h.run('DBSIZE')).toBe(1);
  });

  test('RENAMENX leaves what was there', () => {
    const h = new Harness();
    h.run('MSET', 'a', '1', 'b', '2');
    h.effects();
    expect(h.run('RENAMENX', 'a', 'b')).toBe(0);
    expect(h.effects()).toEqual([]);
    expect(h.run('RENAMENX', 'a', 'c')).toBe(1);
    expect(h.effects()).toEqual([['RENAMENX', 'a', 'c']]);
    expect(h.run('MGET', 'a', 'b', 'c')).toEqual([null, '2', '1']);
  });

  test('to the same name', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.effects();
    expect(h.run('RENAME', 'a', 'a')).toBe('OK');
    expect(h.run('RENAMENX', 'a', 'a')).toBe(0);
    expect(h.effects()).toEqual([]);
    expect(h.run('RENAME', 'x', 'x')).toEqual({ error: 'ERR no such key' });
    expect(h.run('RENAMENX', 'x', 'y')).toEqual({ error: 'ERR no such key' });
  });

  test('over an expired key: it expires first', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.run('SET', 'b', '2', 'PX', '5');
    h.advance(6);
    h.effects();
    expect(h.run('RENAMENX', 'a', 'b')).toBe(1);
    expect(h.effects()).toEqual([['MULTI'], ['DEL', 'b'], ['RENAMENX', 'a', 'b'], ['EXEC']]);
  });

  test('is one change', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    const before = h.model.stats.dirty;
    h.run('RENAME', 'a', 'b');
    expect(h.model.stats.dirty - before).toBe(1);
  });
});

describe('COPY', () => {
  test('within a database', () => {
    const h = new Harness();
    h.run('SET', 'a', 'value', 'PX', '5000');
    h.effects();
    h.watchEvents();
    expect(h.run('COPY', 'a', 'b')).toBe(1);
    expect(h.events()).toEqual(['new b', 'copy_to b']);
    expect(h.effects()).toEqual([['COPY', 'a', 'b']]);
    expect(h.run('MGET', 'a', 'b')).toEqual(['value', 'value']);
    expect(h.run('PTTL', 'b')).toBe(5000);
    h.run('APPEND', 'a', '!');
    expect(h.run('GET', 'b')).toBe('value');
  });

  test('to a key that exists: only with REPLACE', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.run('SET', 'b', '2', 'EX', '100');
    h.effects();
    expect(h.run('COPY', 'a', 'b')).toBe(0);
    expect(h.effects()).toEqual([]);
    expect(h.run('COPY', 'a', 'b', 'replace')).toBe(1);
    expect(h.run('GET', 'b')).toBe('1');
    expect(h.run('TTL', 'b')).toBe(-1);
    expect(h.run('DBSIZE')).toBe(2);
  });

  test('to another database', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    expect(h.run('COPY', 'a', 'a', 'DB', '3')).toBe(1);
    expect(h.run('COPY', 'a', 'a', 'DB', '3')).toBe(0);
    expect(h.run('COPY', 'a', 'a', 'DB', '3', 'REPLACE')).toBe(1);
    expect(Object.keys(h.dump())).toEqual(['0:a', '3:a']);
  });

  test('of nothing', () => {
    const h = new Harness();
    h.watchEvents();
    expect(h.run('COPY', 'x', 'y')).toBe(0);
    expect(h.events()).toEqual(['keymiss x']);
  });

  test('checks its options in order', () => {
    const h = new Harness();
    expect(h.run('COPY', 'a', 'a')).toEqual(SAME);
    expect(h.run('COPY', 'a', 'a', 'DB', '0')).toEqual(SAME);
    expect(h.run('COPY', 'a', 'b', 'DB')).toEqual(SYNTAX);
    expect(h.run('COPY', 'a', 'b', 'NX')).toEqual(SYNTAX);
    expect(h.run('COPY', 'a', 'b', 'DB', 'x')).toEqual(NOT_INTEGER);
    expect(h.run('COPY', 'a', 'b', 'DB', '16', 'NX')).toEqual(NO_INDEX);
    expect(h.run('COPY', 'a', 'b', 'DB', '-1')).toEqual(NO_INDEX);
    expect(h.run('COPY', 'a', 'b', 'DB', '2147483648')).toEqual({
      error: 'ERR value is out of range, value must between -2147483648 and 2147483647',
    });
  });

  test('a value of many chunks', () => {
    const h = new Harness();
    const value = 'abcdefgh'.repeat(40_000);
    h.run('SET', 'a', value);
    expect(h.run('COPY', 'a', 'b')).toBe(1);
    h.run('SETRANGE', 'a', '100000', 'X');
    expect(h.run('GET', 'b')).toBe(value);
  });
});

test('what was deleted to make way stays deleted, in the log too, when there is no memory for what was to come', () => {
  for (const command of [
    ['RENAME', 'a', 'b'],
    ['COPY', 'a', 'b', 'REPLACE'],
  ]) {
    const h = new Harness();
    h.run('MSET', 'a', '1', 'b', '2');
    const { keys } = h.model.databases[0]!;
    const full = (): never => {
      throw new EngineFullError(0);
    };
    Object.assign(keys, { rename: full, copyTo: full });
    expect(h.raw(...command)).toMatch(/^-OOM /);
    expect(Object.keys(h.dump())).toEqual(['0:a']);
    expect(h.replayed().dump()).toEqual(h.dump());
  }
});

describe('MOVE', () => {
  test('takes value and expiry along', () => {
    const h = new Harness();
    h.run('SET', 'a', 'value', 'PX', '5000');
    h.effects();
    h.watchEvents();
    expect(h.run('MOVE', 'a', '2')).toBe(1);
    expect(h.events()).toEqual(['new a', 'move_from a', 'move_to a']);
    expect(h.effects()).toEqual([['MOVE', 'a', '2']]);
    expect(h.run('EXISTS', 'a')).toBe(0);
    h.session.database = 2;
    expect(h.run('GET', 'a')).toBe('value');
    expect(h.run('PTTL', 'a')).toBe(5000);
  });

  test('only where the other database has no such key', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.run('COPY', 'a', 'a', 'DB', '2');
    h.effects();
    expect(h.run('MOVE', 'a', '2')).toBe(0);
    expect(h.run('MOVE', 'x', '2')).toBe(0);
    expect(h.effects()).toEqual([]);
  });

  test('an expired key in the other database is no hindrance', () => {
    const h = new Harness();
    h.session.database = 2;
    h.run('SET', 'a', 'old', 'PX', '5');
    h.session.database = 0;
    h.run('SET', 'a', 'new');
    h.advance(6);
    h.effects();
    expect(h.run('MOVE', 'a', '2')).toBe(1);
    expect(h.effects()).toEqual([
      ['SELECT', '2'],
      ['MULTI'],
      ['DEL', 'a'],
      ['SELECT', '0'],
      ['MOVE', 'a', '2'],
      ['EXEC'],
    ]);
  });

  test('errors', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    expect(h.run('MOVE', 'a', '0')).toEqual(SAME);
    expect(h.run('MOVE', 'a', '16')).toEqual(NO_INDEX);
    expect(h.run('MOVE', 'a', 'x')).toEqual(NOT_INTEGER);
  });
});
