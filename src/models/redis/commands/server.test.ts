import { describe, expect, test } from 'vitest';
import { PARKED } from '../dispatch.ts';
import type { Host } from '../host.ts';
import { Harness } from '../testing/harness.ts';
import { Request } from '../../../bytes/resp-request.ts';

const SHA256_OF_FOOBARED = '1b58ee375b42e41f0e48ef2ff27d10a5b1f6924a9acdcdba7cae868e7adce6bf';
const SYNTAX = { error: 'ERR syntax error' };

test('TIME, LASTSAVE, ROLE', () => {
  const h = new Harness();
  (h.model.host as { wallClockUs: () => number }).wallClockUs = () => 1_700_000_000_000_042;
  expect(h.run('TIME')).toEqual(['1700000000', '42']);
  expect(h.run('LASTSAVE')).toBe(1_700_000_000);
  h.state.position = 77;
  expect(h.run('ROLE')).toEqual(['master', 77, []]);
});

describe('SHUTDOWN', () => {
  function shuttingDown(failure?: string): { h: Harness; calls: unknown[] } {
    const h = new Harness();
    const calls: unknown[] = [];
    (h.model.host as { shutdown: Host['shutdown'] }).shutdown = (options) => {
      calls.push(options);
      return failure;
    };
    return { h, calls };
  }

  test('the client waits for the end without an answer', () => {
    const { h, calls } = shuttingDown();
    h.output.take(h.session);
    expect(h.execute(h.session, new Request().fill(['SHUTDOWN']))).toBe(PARKED);
    expect(h.output.take(h.session).length).toBe(0);
    h.raw('SHUTDOWN', 'nosave', 'NOW', 'force');
    h.raw('SHUTDOWN', 'SAVE');
    expect(calls).toEqual([
      { save: 'default', now: false, force: false },
      { save: 'nosave', now: true, force: true },
      { save: 'save', now: false, force: false },
    ]);
  });

  test('a failure is told', () => {
    const { h } = shuttingDown('Errors trying to SHUTDOWN. Check logs.');
    expect(h.run('SHUTDOWN')).toEqual({ error: 'ERR Errors trying to SHUTDOWN. Check logs.' });
  });

  test('wrong arguments, ABORT', () => {
    const { h, calls } = shuttingDown();
    expect(h.run('SHUTDOWN', 'x')).toEqual(SYNTAX);
    expect(h.run('SHUTDOWN', 'SAVE', 'NOSAVE')).toEqual(SYNTAX);
    expect(h.run('SHUTDOWN', 'ABORT', 'NOW')).toEqual(SYNTAX);
    expect(h.run('SHUTDOWN', 'ABORT')).toEqual({ error: 'ERR No shutdown in progress.' });
    h.run('MULTI');
    expect(h.run('SHUTDOWN')).toEqual({ error: 'ERR Command not allowed inside a transaction' });
    expect(calls).toEqual([]);
  });
});

test('BGREWRITEAOF answers what the persistence says', () => {
  const h = new Harness();
  expect(h.run('BGREWRITEAOF')).toBe('Background append only file rewriting started');
  const persistence = h.model.host.persistence as { rewrite: () => { error: string } };
  persistence.rewrite = () => ({
    error: 'ERR Background append only file rewriting already in progress',
  });
  expect(h.run('BGREWRITEAOF')).toEqual({
    error: 'ERR Background append only file rewriting already in progress',
  });
});

test('REPLICAOF and SLAVEOF: only NO ONE', () => {
  const h = new Harness();
  for (const name of ['REPLICAOF', 'slaveof']) {
    expect(h.run(name, 'no', 'one')).toBe('OK');
    expect(h.run(name, 'host', 'x')).toEqual({ error: 'ERR Invalid master port' });
    expect(h.run(name, 'host', '70000')).toEqual({ error: 'ERR Invalid master port' });
    expect(h.run(name, 'host', '6379')).toEqual({
      error: 'ERR REPLICAOF another server is not supported yet by this server',
    });
  }
});

test('MODULE: there are none', () => {
  const h = new Harness();
  expect(h.run('MODULE', 'LIST')).toEqual([]);
  expect((h.run('MODULE', 'HELP') as string[])[0]).toMatch(/^MODULE <subcommand>/);
  expect(h.run('MODULE', 'LOAD', 'x')).toEqual({
    error: "ERR unknown subcommand 'LOAD'. Try MODULE HELP.",
  });
});

test('LOLWUT ends with the version', () => {
  const h = new Harness();
  expect(h.run('LOLWUT')).toMatch(/Redis ver\. 7\.2\.4\n$/);
  expect(h.run('LOLWUT', 'VERSION', '5')).toMatch(/Redis ver/);
  expect(h.run('LOLWUT', 'VERSION', 'x')).toEqual({
    error: 'ERR value is not an integer or out of range',
  });
});

describe('FUNCTION without functions', () => {
  test('there are none', () => {
    const h = new Harness();
    expect(h.run('FUNCTION', 'LIST')).toEqual([]);
    expect(h.run('FUNCTION', 'LIST', 'WITHCODE', 'LIBRARYNAME', '*')).toEqual([]);
    expect(h.run('FUNCTION', 'LIST', 'LIBRARYNAME')).toEqual({
      error: 'ERR library name argument was not given',
    });
    expect(h.run('FUNCTION', 'LIST', 'x')).toEqual({ error: 'ERR Unknown argument x' });
    expect(h.run('FUNCTION', 'STATS')).toEqual(['running_script', null, 'engines', []]);
    expect(h.run('FUNCTION', 'KILL')).toEqual({
      error: 'NOTBUSY No scripts in execution right now.',
    });
    // RDB version 11 and the CRC-64 of its two bytes, computed apart (facts/redis.md has polynomial and check value).
    expect(h.run('FUNCTION', 'DUMP')).toBe(
      Buffer.from('0b003444e133f2e04b53', 'hex').toString('latin1'),
    );
  });

  test('FLUSH', () => {
    const h = new Harness();
    for (const args of [[], ['ASYNC'], ['sync']]) {
      expect(h.run('FUNCTION', 'FLUSH', ...args)).toBe('OK');
    }
    expect(h.run('FUNCTION', 'FLUSH', 'x')).toEqual({
      error: 'ERR FUNCTION FLUSH only supports SYNC|ASYNC option',
    });
    expect(h.run('FUNCTION', 'FLUSH', 'SYNC', 'x')).toEqual({
      error: "ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.",
    });
    expect(h.effects()).toEqual([]);
  });

  test('what comes later looks unknown', () => {
    const h = new Harness();
    expect(h.run('FUNCTION', 'LOAD', 'x')).toEqual({
      error: "ERR unknown subcommand 'LOAD'. Try FUNCTION HELP.",
    });
  });
});

describe('ACL with one user', () => {
  test('who and what', () => {
    const h = new Harness();
    expect(h.run('ACL', 'WHOAMI')).toBe('default');
    expect(h.run('ACL', 'USERS')).toEqual(['default']);
    expect(h.run('ACL', 'LIST')).toEqual(['user default on nopass sanitize-payload ~* &* +@all']);
    expect(h.run('ACL', 'GETUSER', 'joe')).toBe(null);
    expect(h.run('ACL', 'GETUSER', 'default')).toEqual([
      'flags',
      ['on', 'nopass', 'sanitize-payload'],
      'passwords',
      [],
      'commands',
      '+@all',
      'keys',
      '~*',
      'channels',
      '&*',
      'selectors',
      [],
    ]);
    h.set('requirepass', 'foobared');
    expect(h.run('ACL', 'LIST')).toEqual([
      `user default on sanitize-payload #${SHA256_OF_FOOBARED} ~* &* +@all`,
    ]);
  });

  test('CAT', () => {
    const h = new Harness();
    expect(h.run('ACL', 'CAT')).toContain('dangerous');
    const commands = h.run('ACL', 'CAT', 'Connection') as string[];
    expect(commands).toEqual(expect.arrayContaining(['auth', 'client|list', 'ping']));
    expect(commands).not.toContain('get');
    expect(h.run('ACL', 'CAT', 'x')).toEqual({ error: "ERR Unknown category 'x'" });
  });

  test('GENPASS', () => {
    const h = new Harness();
    expect(h.run('ACL', 'GENPASS')).toMatch(/^[0-9a-f]{64}$/);
    expect(h.run('ACL', 'GENPASS', '5')).toMatch(/^[0-9a-f]{2}$/);
    for (const bits of ['0', '-1', '4097']) {
      expect(h.run('ACL', 'GENPASS', bits)).toEqual({
        error:
          'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
      });
    }
  });

  test('what comes later looks unknown', () => {
    const h = new Harness();
    expect(h.run('ACL', 'SETUSER', 'joe')).toEqual({
      error: "ERR unknown subcommand 'SETUSER'. Try ACL HELP.",
    });
  });
});
