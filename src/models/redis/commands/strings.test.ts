/** What golden/ cannot show of the string and bit commands: keys of other types, encodings, large values, RESP3, watchers, counters. */
import { describe, expect, test } from 'vitest';
import { Region } from '../../../bytes/region.ts';
import { EngineFullError, type Ref } from '../../../memory/index.ts';
import { WRONG_TYPE } from '../context.ts';
import { stringEncodingName } from '../string-encoding.ts';
import { Harness, seededRandom, type Argument } from '../testing/harness.ts';
import { TYPE } from '../types.ts';

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/** Makes `key` hold something that is no string. */
function holdOther(h: Harness, key: string): void {
  const region = Region.of(key);
  const keys = h.model.databases[0]!.keys;
  const hash = keys.hash(region, 0, key.length);
  keys.insert(hash, region, 0, key.length, TYPE.list, 0, Region.of('x'), 0, 1);
}

function find(h: Harness, key: string): Ref {
  const region = Region.of(key);
  const keys = h.model.databases[0]!.keys;
  return keys.find(keys.hash(region, 0, key.length), region, 0, key.length);
}

describe('a key of another type', () => {
  const refused: Argument[][] = [
    ['GET', 'k'],
    ['SET', 'k', 'v', 'GET'],
    ['SET', 'k', 'v', 'NX', 'GET'],
    ['GETSET', 'k', 'v'],
    ['GETEX', 'k'],
    ['GETEX', 'k', 'EX', '0'],
    ['GETDEL', 'k'],
    ['STRLEN', 'k'],
    ['APPEND', 'k', 'v'],
    ['SETRANGE', 'k', '0', 'v'],
    ['GETRANGE', 'k', '0', '1'],
    ['SUBSTR', 'k', '0', '1'],
    ['INCR', 'k'],
    ['DECR', 'k'],
    ['INCRBY', 'k', '9223372036854775807'],
    ['DECRBY', 'k', '1'],
    ['INCRBYFLOAT', 'k', 'abc'],
    ['SETBIT', 'k', '0', '1'],
    ['GETBIT', 'k', '0'],
    ['BITCOUNT', 'k', 'x', 'y'],
    ['BITPOS', 'k', '1', 'x'],
    ['BITOP', 'AND', 'r', 's', 'k'],
    ['BITFIELD', 'k', 'GET', 'u8', '0'],
    ['BITFIELD', 'k', 'SET', 'u8', '0', '1'],
    ['BITFIELD_RO', 'k', 'GET', 'u8', '0'],
  ];

  test.each(refused.map((args) => [args.join(' '), args] as const))('%s is refused', (_, args) => {
    const h = new Harness();
    holdOther(h, 'k');
    expect(h.run(...args)).toEqual({ error: WRONG_TYPE });
    expect(h.effects()).toEqual([]);
    expect(h.engine.type(find(h, 'k'))).toBe(TYPE.list);
  });

  const replaced: Argument[][] = [
    ['SET', 'k', 'v'],
    ['SET', 'k', 'v', 'XX', 'KEEPTTL'],
    ['SETEX', 'k', '10', 'v'],
    ['MSET', 'k', 'v'],
    ['BITOP', 'NOT', 'k', 's'],
  ];

  test.each(replaced.map((args) => [args.join(' '), args] as const))(
    '%s replaces it',
    (_, args) => {
      const h = new Harness();
      holdOther(h, 'k');
      h.run('SET', 's', 'abc');
      expect(typeof h.run(...args)).not.toBe('object');
      expect(h.engine.type(find(h, 'k'))).toBe(TYPE.string);
    },
  );

  test('is no obstacle where only its being there counts', () => {
    const h = new Harness();
    holdOther(h, 'k');
    expect(h.run('SETNX', 'k', 'v')).toBe(0);
    expect(h.run('MSETNX', 'j', 'v', 'k', 'v')).toBe(0);
    expect(h.run('SET', 'k', 'v', 'NX')).toBe(null);
    expect(h.run('MGET', 'k', 'none')).toEqual([null, null]);
    const error = 'ERR The specified keys must contain string values';
    expect(h.run('LCS', 'none', 'k', 'nonsense')).toEqual({ error });
  });

  test('a large BITOP replaces it too', () => {
    const h = new Harness();
    holdOther(h, 'k');
    h.run('SETRANGE', 's', '100000', 'x');
    expect(h.run('BITOP', 'NOT', 'k', 's')).toBe(100001);
    expect(h.run('BITCOUNT', 'k')).toBe(100001 * 8 - 4);
  });
});

describe('what OBJECT ENCODING will say', () => {
  const cases: [Argument[][], string][] = [
    [[['SET', 'k', '123']], 'int'],
    [[['SET', 'k', '-9223372036854775808']], 'int'],
    [[['SET', 'k', '9223372036854775808']], 'embstr'],
    [[['SET', 'k', '012']], 'embstr'],
    [[['SET', 'k', '']], 'embstr'],
    [[['SET', 'k', 'x'.repeat(44)]], 'embstr'],
    [[['SET', 'k', 'x'.repeat(45)]], 'raw'],
    [[['APPEND', 'k', '12']], 'int'],
    [
      [
        ['SET', 'k', '1'],
        ['APPEND', 'k', '2'],
      ],
      'raw',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['APPEND', 'k', '2'],
        ['INCR', 'k'],
      ],
      'int',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['APPEND', 'k', '2'],
        ['SET', 'k', '3'],
      ],
      'int',
    ],
    [[['SETRANGE', 'k', '0', '1']], 'raw'],
    [
      [
        ['SET', 'k', '1'],
        ['SETRANGE', 'k', '0', '2'],
      ],
      'raw',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['SETRANGE', 'k', '0', ''],
      ],
      'int',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['SETBIT', 'k', '7', '1'],
      ],
      'raw',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['BITFIELD', 'k', 'SET', 'u8', '0', '49'],
      ],
      'raw',
    ],
    [
      [
        ['SET', 'k', '1'],
        ['BITFIELD', 'k', 'GET', 'u8', '0'],
      ],
      'int',
    ],
    [
      [
        ['SET', 'j', '1'],
        ['BITOP', 'AND', 'k', 'j'],
      ],
      'raw',
    ],
    [[['INCR', 'k']], 'int'],
    [[['INCRBYFLOAT', 'k', '3']], 'embstr'],
    [[['INCRBYFLOAT', 'k', '1e60']], 'raw'],
    [
      [
        ['INCRBYFLOAT', 'k', '3'],
        ['INCR', 'k'],
      ],
      'int',
    ],
  ];

  test.each(cases.map(([commands, name]) => [commands.join('; '), name, commands] as const))(
    '%s: %s',
    (_, name, commands) => {
      const h = new Harness();
      for (const args of commands) h.run(...args);
      expect(stringEncodingName(h.engine, find(h, 'k'))).toBe(name);
    },
  );
});

describe('limits', () => {
  /** The smallest `proto-max-bulk-len` there is, in bytes. */
  const LIMIT = 1024 * 1024;
  const settings = { 'proto-max-bulk-len': String(LIMIT) };

  test('a string grows to proto-max-bulk-len and no further', () => {
    const h = new Harness({ settings });
    const error = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
    h.run('SETRANGE', 'k', LIMIT - 2, 'x');
    expect(h.run('APPEND', 'k', 'yz')).toEqual({ error });
    expect(h.run('APPEND', 'k', 'y')).toBe(LIMIT);
    expect(h.run('SETRANGE', 'k', LIMIT - 1, 'yz')).toEqual({ error });
    expect(h.run('SETRANGE', 'none', LIMIT, 'y')).toEqual({ error });
    expect(h.run('SETRANGE', 'k', LIMIT - 1, 'y')).toBe(LIMIT);
    const outOfRange = 'ERR bit offset is not an integer or out of range';
    expect(h.run('SETBIT', 'k', LIMIT * 8, '1')).toEqual({ error: outOfRange });
    expect(h.run('SETBIT', 'k', LIMIT * 8 - 1, '1')).toBe(1);
    expect(h.run('BITFIELD', 'k', 'GET', 'u8', `#${LIMIT}`)).toEqual({ error: outOfRange });
  });

  test('the log is obeyed beyond them', () => {
    const h = new Harness({ settings });
    h.model.isReplaying = true;
    expect(h.replay('SETRANGE', 'k', LIMIT, 'x')).toBe(undefined);
    expect(h.replay('SETBIT', 'k', LIMIT * 8 + 16, '1')).toBe(undefined);
    expect(h.run('STRLEN', 'k')).toBe(LIMIT + 3);
  });

  test('LCS refuses what would need a larger table in Redis', () => {
    const h = new Harness({ settings });
    // A table of 512 * 512 cells of 4 bytes is just small enough.
    h.run('MSET', 'a', 'x'.repeat(511), 'b', 'x'.repeat(511), 'c', 'x'.repeat(512));
    expect(h.run('LCS', 'a', 'b', 'LEN')).toBe(511);
    expect(h.run('LCS', 'a', 'c', 'LEN')).toEqual({
      error: 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
    });
  });
});

describe('when memory ends in the middle of a command', () => {
  /** Lets `method` of the keyspace throw from its `allowed`-th call on, as the engine does when it is full. */
  function fillUp(h: Harness, method: 'insert' | 'resizeValue', allowed = 0): void {
    const keys = h.model.databases[0]!.keys;
    const original = keys[method].bind(keys) as (...args: unknown[]) => Ref;
    let calls = 0;
    keys[method] = (...args: unknown[]): Ref => {
      if (calls++ >= allowed) throw new EngineFullError(0);
      return original(...args);
    };
  }

  test('MSET logs what it stored', () => {
    const h = new Harness();
    fillUp(h, 'insert', 2);
    expect(h.raw('MSET', 'a', '1', 'b', '2', 'c', '3')).toBe(OOM);
    const logged = [
      ['SET', 'a', '1'],
      ['SET', 'b', '2'],
    ];
    expect(h.effectsOnly()).toEqual([['MULTI'], ...logged, ['EXEC']]);
    expect(h.replayed().dump()).toEqual(h.dump());
  });

  test.each([
    [['SETRANGE', 'k', '5', 'x']],
    [['SETBIT', 'k', '5', '1']],
    [['BITFIELD', 'k', 'SET', 'u8', '5', '1']],
  ])('%s leaves no key behind', (command) => {
    const h = new Harness();
    fillUp(h, 'resizeValue');
    expect(h.raw(...command)).toBe(OOM);
    expect(h.dump()).toEqual({});
    expect(h.effects()).toEqual([]);
  });

  test('BITOP logs that what it wanted to replace is gone', () => {
    const h = new Harness();
    holdOther(h, 'k');
    h.run('SETRANGE', 's', '100000', 'x');
    h.effects();
    fillUp(h, 'resizeValue');
    expect(h.raw('BITOP', 'NOT', 'k', 's')).toBe(OOM);
    expect(h.effectsOnly()).toEqual([['DEL', 'k']]);
    expect(h.run('EXISTS', 'k')).toBe(0);
  });
});

test('in RESP3 a missing value is the null of RESP3, LCS IDX a map', () => {
  const h = new Harness();
  h.session.resp = 3;
  expect(h.raw('GET', 'k')).toBe('_\r\n');
  expect(h.raw('SET', 'k', 'v', 'XX')).toBe('_\r\n');
  expect(h.raw('MGET', 'k')).toBe('*1\r\n_\r\n');
  expect(h.raw('BITFIELD', 'k', 'OVERFLOW', 'FAIL', 'SET', 'u1', '0', '2')).toBe('*1\r\n_\r\n');
  expect(h.run('LCS', 'a', 'b', 'IDX')).toEqual({
    map: [
      ['matches', []],
      ['len', 0],
    ],
  });
});

test('changes are counted as Redis counts them', () => {
  const h = new Harness();
  const changes = (...args: Argument[]): number => {
    const before = h.model.stats.dirty;
    h.run(...args);
    return h.model.stats.dirty - before;
  };
  expect(changes('SET', 'a', '1', 'EX', '10')).toBe(1);
  expect(changes('MSET', 'a', '1', 'b', '2', 'a', '3')).toBe(3);
  expect(changes('GETEX', 'a')).toBe(0);
  expect(changes('SETBIT', 'b', '0', '0')).toBe(0);
  expect(
    changes('BITFIELD', 'b', 'SET', 'u4', '0', '1', 'INCRBY', 'u4', '4', '1', 'GET', 'u8', '0'),
  ).toBe(2);
  expect(changes('BITFIELD', 'b', 'SET', 'u4', '0', '1')).toBe(0);
  expect(changes('APPEND', 'b', '')).toBe(1);
});

test('an update of a watched key breaks the transaction, a read does not', () => {
  for (const [command, isBroken] of [
    [['GET', 'k'], false],
    [['GETEX', 'k'], false],
    [['SETNX', 'k', 'v'], false],
    [['SET', 'k', 'v'], true],
    [['GETEX', 'k', 'PX', '5'], true],
    [['GETDEL', 'k'], true],
    [['INCR', 'k'], true],
    [['BITOP', 'NOT', 'k', 'k'], true],
  ] as const) {
    const h = new Harness();
    const other = h.connect();
    h.run('SET', 'k', '1');
    h.runAs(other, 'WATCH', 'k');
    h.run(...command);
    expect([command[0], other.isTransactionDirty]).toEqual([command[0], isBroken]);
  }
});

/** Commands of every kind on a few keys, with good and bad arguments, as `random` has it. */
function randomCommand(random: () => number): string[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const key = (): string => pick(['a', 'b', 'c', 'd']);
  const number = (): string => pick(['0', '1', '7', '-3', '100', '9223372036854775807', 'x']);
  const value = (): string => pick(['', '1', '10', 'abc', '3.5', 'x'.repeat(50), '\0\xff']);
  const time = (): string[] => [
    pick(['EX', 'PX', 'EXAT', 'PXAT']),
    pick(['5', '900', '1700000003', '1700000003000']),
  ];
  return pick([
    () => ['SET', key(), value()],
    () => ['SET', key(), value(), ...time()],
    () => ['SET', key(), value(), pick(['NX', 'XX', 'KEEPTTL', 'GET'])],
    () => ['SET', key(), value(), 'GET', pick(['NX', 'XX', 'KEEPTTL'])],
    () => ['SET', key(), value(), 'GET', ...time()],
    () => ['SETNX', key(), value()],
    () => [pick(['SETEX', 'PSETEX']), key(), number(), value()],
    () => ['GETEX', key(), ...time()],
    () => ['GETEX', key(), 'PERSIST'],
    () => [pick(['GET', 'GETDEL', 'INCR', 'DECR']), key()],
    () => ['GETSET', key(), value()],
    () => [pick(['MSET', 'MSETNX']), key(), value(), key(), value()],
    () => ['APPEND', key(), value()],
    () => ['SETRANGE', key(), pick(['0', '3', '70000']), value()],
    () => [pick(['INCRBY', 'DECRBY']), key(), number()],
    () => ['INCRBYFLOAT', key(), pick(['0.1', '-2.5', '1e20', 'x'])],
    () => ['SETBIT', key(), pick(['0', '9', '530000']), pick(['0', '1'])],
    () => ['BITOP', pick(['AND', 'OR', 'XOR']), key(), key(), key()],
    () => ['BITOP', 'NOT', key(), key()],
    () => [
      'BITFIELD',
      key(),
      'OVERFLOW',
      pick(['WRAP', 'SAT', 'FAIL']),
      'INCRBY',
      'i5',
      pick(['3', '90']),
      number(),
    ],
  ])();
}

test.each([1, 2, 3, 4, 5, 6])(
  'the effects lead a fresh model to the same keys (seed %d)',
  (seed) => {
    const random = seededRandom(seed);
    const h = new Harness();
    for (let i = 0; i < 600; i++) {
      h.run(...randomCommand(random));
      if (random() < 0.2) h.advance(Math.floor(random() * 500));
    }
    const replayed = JSON.stringify(h.replayed().dump());
    expect(replayed === JSON.stringify(h.dump()), 'the replayed keys differ').toBe(true);
  },
);
