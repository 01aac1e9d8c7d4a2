import { describe, expect, test } from 'vitest';
import { Request } from '../../bytes/resp-request.ts';
import { keysOf, legacyRange, mayHaveKeys, tailOf } from './command-keys.ts';
import { type CommandSpec, keyRange, type KeySpec } from './command.ts';

function spec(keys: KeySpec[], more: Partial<CommandSpec> = {}): CommandSpec {
  return {
    name: 'x',
    arity: -1,
    flags: [],
    group: 'generic',
    since: '1.0.0',
    complexity: '',
    summary: '',
    keys,
    ...more,
  };
}

const request = (line: string): Request => new Request().fill(line.split(' '));
const keys = (s: CommandSpec, line: string): string[] =>
  keysOf(s, request(line)).map(({ index }) => line.split(' ')[index]!);

const KEYNUM: KeySpec = {
  flags: ['RO', 'ACCESS'],
  begin: { index: 2 },
  find: { keyNumIndex: 0, firstKey: 1, step: 1 },
};
const BEHIND_WORD: KeySpec = {
  flags: ['RO'],
  begin: { keyword: 'KEYS', startFrom: 1 },
  find: { lastKey: -1, step: 1, limit: 2 },
};

describe('keysOf', () => {
  test('ranges: to the end, before the end, every second', () => {
    expect(keys(spec([keyRange('RO', 1, -1)]), 'del a b c')).toEqual(['a', 'b', 'c']);
    expect(keys(spec([keyRange('RO', 1, -2)]), 'blpop a b 0')).toEqual(['a', 'b']);
    expect(keys(spec([keyRange('OW', 1, -1, 2)]), 'mset a 1 b 2')).toEqual(['a', 'b']);
  });

  test('a number of keys', () => {
    expect(keys(spec([keyRange('OW', 1), KEYNUM]), 'z dst 2 a b WEIGHTS 1')).toEqual([
      'dst',
      'a',
      'b',
    ]);
    for (const line of ['z dst 3 a b', 'z dst x a b', 'z dst -1 a', 'z dst 0 a', 'z dst']) {
      expect(keys(spec([keyRange('OW', 1), KEYNUM]), line)).toEqual([]);
    }
  });

  test('behind a word, in any case; half of what follows', () => {
    expect(keys(spec([BEHIND_WORD]), 'xread COUNT 1 keys a b 0 0')).toEqual(['a', 'b']);
    expect(keys(spec([BEHIND_WORD]), 'xread COUNT 1')).toEqual([]);
  });

  test('what is no key is left out; an unknown or incomplete spec leaves it to getKeys', () => {
    const channel = keyRange('NOT_KEY', 1);
    expect(mayHaveKeys(spec([channel]))).toBe(false);
    expect(keys(spec([channel]), 'spublish ch msg')).toEqual([]);
    const unknown: KeySpec = { flags: ['RO', 'INCOMPLETE'], begin: 'unknown', find: 'unknown' };
    expect(keys(spec([unknown], { getKeys: () => [2] }), 'x 1 k')).toEqual(['k']);
    expect(keys(spec([unknown], { getKeys: () => undefined }), 'x 1 k')).toEqual([]);
  });

  test('variable flags come from the request', () => {
    const set = spec([keyRange('RW ACCESS UPDATE VARIABLE_FLAGS', 1)], {
      keyFlags: (r) => (r.count > 3 ? 'RW ACCESS UPDATE' : 'OW UPDATE'),
    });
    expect(keysOf(set, request('set k v'))).toEqual([{ index: 1, flags: ['OW', 'UPDATE'] }]);
    expect(keysOf(set, request('set k v GET'))).toEqual([
      { index: 1, flags: ['RW', 'ACCESS', 'UPDATE'] },
    ]);
  });
});

test('tailOf is the request behind some arguments', () => {
  const tail = tailOf(request('COMMAND GETKEYS GET key'), 2);
  expect([tail.count, tail.text(0), tail.text(1)]).toEqual([2, 'GET', 'key']);
});

describe('legacyRange', () => {
  test.each([
    ['none', [], [0, 0, 0, false]],
    ['one key', [keyRange('RO', 1)], [1, 1, 1, false]],
    ['to the end', [keyRange('RO', 1, -1)], [1, -1, 1, false]],
    ['every second', [keyRange('OW', 1, -1, 2)], [1, -1, 2, false]],
    ['neighbours join', [keyRange('OW', 2), keyRange('RO', 3, -1)], [2, -1, 1, false]],
    ['a number of keys is movable', [keyRange('OW', 1), KEYNUM], [1, 1, 1, true]],
    ['only movable', [KEYNUM], [0, 0, 0, true]],
    ['incomplete', [keyRange('RO INCOMPLETE', 1)], [1, 1, 1, true]],
  ] as const)('%s', (_name, specs, [first, last, step, isMovable]) => {
    expect(legacyRange(specs as readonly KeySpec[])).toEqual({ first, last, step, isMovable });
  });
});
