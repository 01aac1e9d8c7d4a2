import { describe, expect, test } from 'vitest';
import type { Reply } from '../testing/decode-reply.ts';
import { Harness } from '../testing/harness.ts';
import { COMMANDS } from './index.ts';

/** A map of RESP2 as an object. */
function object(reply: Reply): Record<string, Reply> {
  const flat = reply as Reply[];
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2] as string, flat[i * 2 + 1]!]),
  );
}

describe('COMMAND INFO', () => {
  test('GET in full', () => {
    const h = new Harness();
    expect(h.run('COMMAND', 'INFO', 'GET')).toEqual([
      [
        'get',
        2,
        ['readonly', 'fast'],
        1,
        1,
        1,
        ['@read', '@string', '@fast'],
        [],
        [
          [
            'flags',
            ['RO', 'access'],
            'begin_search',
            ['type', 'index', 'spec', ['index', 1]],
            'find_keys',
            ['type', 'range', 'spec', ['lastkey', 0, 'keystep', 1, 'limit', 0]],
          ],
        ],
        [],
      ],
    ]);
  });

  test('sets and maps in RESP3', () => {
    const h = new Harness();
    h.session.resp = 3;
    const [info] = h.run('COMMAND', 'INFO', 'mset') as Reply[][];
    expect(info!.slice(0, 8)).toEqual([
      'mset',
      -3,
      { set: ['write', 'denyoom'] },
      1,
      -1,
      2,
      { set: ['@write', '@string', '@slow'] },
      { set: ['request_policy:multi_shard', 'response_policy:all_succeeded'] },
    ]);
    expect(info![8]).toMatchObject({ set: [{ map: expect.arrayContaining([]) }] });
    expect(info![9]).toEqual({ set: [] });
  });

  test('a container lists its subcommands; names are full and in any case', () => {
    const h = new Harness();
    const [config] = h.run('COMMAND', 'INFO', 'client') as Reply[][];
    const names = (config![9] as Reply[][]).map((sub) => sub[0]);
    expect(names).toContain('client|kill');
    const [kill] = h.run('COMMAND', 'INFO', 'Client|KILL') as Reply[][];
    expect(kill!.slice(0, 7)).toEqual([
      'client|kill',
      -3,
      ['admin', 'noscript', 'loading', 'stale'],
      0,
      0,
      0,
      ['@admin', '@slow', '@dangerous', '@connection'],
    ]);
  });

  test('what does not exist is null; without names everything is described', () => {
    const h = new Harness();
    expect(h.run('COMMAND', 'INFO', 'nope', 'get|key', 'client|kill|x', 'hset')).toEqual([
      null,
      null,
      null,
      null,
    ]);
    const all = h.run('COMMAND', 'INFO') as Reply[];
    expect(all.length).toBe(COMMANDS.length);
    expect(h.run('COMMAND')).toEqual(all);
    expect(h.run('COMMAND', 'COUNT')).toBe(all.length);
  });
});

describe('COMMAND DOCS', () => {
  test('a command', () => {
    const h = new Harness();
    const docs = object(h.run('COMMAND', 'DOCS', 'EXPIRE', 'nope'));
    expect(Object.keys(docs)).toEqual(['expire']);
    const expire = object(docs['expire']!);
    expect(Object.keys(expire)).toEqual([
      'summary',
      'since',
      'group',
      'complexity',
      'history',
      'arguments',
    ]);
    expect(expire).toMatchObject({ since: '1.0.0', group: 'generic', complexity: 'O(1)' });
    expect((expire['arguments'] as Reply[]).map(object)).toEqual([
      { name: 'key', type: 'key', display_text: 'key', key_spec_index: 0 },
      { name: 'seconds', type: 'integer', display_text: 'seconds' },
      expect.objectContaining({
        name: 'condition',
        type: 'oneof',
        since: '7.0.0',
        flags: ['optional'],
      }),
    ]);
  });

  test('deprecation, subcommands, a system command', () => {
    const h = new Harness();
    const docs = object(h.run('COMMAND', 'DOCS', 'QUIT', 'slowlog', 'debug', 'slowlog|get'));
    expect(object(docs['quit']!)).toMatchObject({
      doc_flags: ['deprecated'],
      deprecated_since: '7.2.0',
      replaced_by: 'just closing the connection',
    });
    expect(Object.keys(object(object(docs['slowlog']!)['subcommands']!))).toEqual([
      'slowlog|get',
      'slowlog|help',
      'slowlog|len',
      'slowlog|reset',
    ]);
    expect(object(docs['debug']!)['doc_flags']).toEqual(['syscmd']);
    expect(docs['slowlog|get']).toEqual(
      object(object(docs['slowlog']!)['subcommands']!)['slowlog|get'],
    );
  });

  test('every synopsis is well formed', () => {
    const h = new Harness();
    expect(Object.keys(object(h.run('COMMAND', 'DOCS'))).length).toBe(COMMANDS.length);
  });
});

describe('COMMAND LIST', () => {
  test('names commands and subcommands; filters', () => {
    const h = new Harness();
    const list = (...args: string[]): string[] => h.run('COMMAND', 'LIST', ...args) as string[];
    expect(list()).toEqual(expect.arrayContaining(['set', 'client', 'client|list']));
    expect(list('FILTERBY', 'PATTERN', 'SE?')).toEqual(['set']);
    expect(list('filterby', 'pattern', 'client|*name')).toEqual([
      'client|getname',
      'client|setname',
    ]);
    expect(list('FILTERBY', 'ACLCAT', 'Transaction')).toEqual(
      expect.arrayContaining(['multi', 'exec', 'watch']),
    );
    expect(list('FILTERBY', 'ACLCAT', 'transaction')).not.toContain('set');
    expect(list('FILTERBY', 'ACLCAT', 'nope')).toEqual([]);
    expect(list('FILTERBY', 'MODULE', 'nope')).toEqual([]);
    for (const args of [['x'], ['FILTERBY', 'x'], ['FILTERBY', 'x', 'y'], ['FILTERBY', 'MODULE']]) {
      expect(list(...args)).toEqual({ error: 'ERR syntax error' });
    }
  });
});

describe('COMMAND GETKEYS', () => {
  test('keys, and how they are used', () => {
    const h = new Harness();
    const keys = (...args: string[]): Reply => h.run('COMMAND', 'GETKEYS', ...args);
    expect(keys('get', 'key')).toEqual(['key']);
    expect(keys('mset', 'a', '1', 'b', '2')).toEqual(['a', 'b']);
    expect(keys('memory', 'usage', 'key')).toEqual(['key']);
    expect(keys('lcs', 'a', 'b')).toEqual(['a', 'b']);
    expect(keys('bitop', 'and', 'dst', 'a', 'b')).toEqual(['dst', 'a', 'b']);
    const flags = (...args: string[]): Reply => h.run('COMMAND', 'GETKEYSANDFLAGS', ...args);
    expect(flags('set', 'k1', 'v1')).toEqual([['k1', ['OW', 'update']]]);
    expect(flags('set', 'k1', 'v1', 'GET')).toEqual([['k1', ['RW', 'access', 'update']]]);
    expect(flags('mset', 'k1', 'v1', 'k2', 'v2')).toEqual([
      ['k1', ['OW', 'update']],
      ['k2', ['OW', 'update']],
    ]);
  });

  test('errors', () => {
    const h = new Harness();
    const error = (...args: string[]): unknown => h.run('COMMAND', 'GETKEYS', ...args);
    expect(error('nope', 'x')).toEqual({ error: 'ERR Invalid command specified' });
    expect(error('client', 'nope')).toEqual({ error: 'ERR Invalid command specified' });
    expect(error('ping', 'x')).toEqual({ error: 'ERR The command has no key arguments' });
    expect(error('get')).toEqual({
      error: 'ERR Invalid number of arguments specified for command',
    });
    expect(h.run('COMMAND', 'GETKEYS')).toEqual({
      error: "ERR wrong number of arguments for 'command|getkeys' command",
    });
  });
});

test('an unknown subcommand is refused, though COMMAND alone is a command', () => {
  const h = new Harness();
  expect(h.run('COMMAND', 'FOO')).toEqual({
    error: "ERR unknown subcommand 'FOO'. Try COMMAND HELP.",
  });
  const help = h.run('COMMAND', 'HELP') as string[];
  expect(help[1]).toBe('(no subcommand)');
  expect(help).toContain(
    'LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',
  );
});
