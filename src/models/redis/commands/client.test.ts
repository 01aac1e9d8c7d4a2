import { describe, expect, test } from 'vitest';
import { CLOSED } from '../dispatch.ts';
import type { Session } from '../session.ts';
import type { FakeIo } from '../testing/fakes.ts';
import { Harness } from '../testing/harness.ts';
import { Request } from '../../../bytes/resp-request.ts';

const SYNTAX = { error: 'ERR syntax error' };
const isClosed = (session: Session): boolean => (session.io as FakeIo).isClosed;

function fieldsOf(line: string): Record<string, string> {
  return Object.fromEntries(
    line
      .trim()
      .split(' ')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

describe('CLIENT names', () => {
  test('SETNAME, GETNAME, ID', () => {
    const h = new Harness();
    expect(h.run('CLIENT', 'ID')).toBe(1);
    expect(h.run('CLIENT', 'GETNAME')).toBe(null);
    expect(h.run('CLIENT', 'SETNAME', 'me')).toBe('OK');
    expect(h.run('CLIENT', 'GETNAME')).toBe('me');
    for (const name of ['a b', 'a\n', 'é']) {
      expect(h.run('CLIENT', 'SETNAME', name)).toEqual({
        error: 'ERR Client names cannot contain spaces, newlines or special characters.',
      });
    }
    expect(h.run('CLIENT', 'SETNAME', '')).toBe('OK');
    expect(h.run('CLIENT', 'GETNAME')).toBe(null);
  });

  test('SETINFO', () => {
    const h = new Harness();
    expect(h.run('CLIENT', 'SETINFO', 'LIB-NAME', 'redis.py')).toBe('OK');
    expect(h.run('CLIENT', 'SETINFO', 'lib-ver', '1.2.3')).toBe('OK');
    expect(h.run('CLIENT', 'INFO')).toMatch(/ lib-name=redis.py lib-ver=1.2.3\n$/);
    expect(h.run('CLIENT', 'SETINFO', 'lib-name', 'redis py')).toEqual({
      error: 'ERR lib-name cannot contain spaces, newlines or special characters.',
    });
    expect(h.run('CLIENT', 'SETINFO', 'badger', 'hamster')).toEqual({
      error: "ERR Unrecognized option 'badger'",
    });
    expect(h.run('CLIENT', 'SETINFO', 'lib-name', '')).toBe('OK');
    expect(h.run('CLIENT', 'INFO')).toMatch(/ lib-name= lib-ver=1.2.3\n$/);
  });
});

describe('CLIENT LIST and INFO', () => {
  test('the fields of Redis 7.2, in its order', () => {
    const h = new Harness();
    h.advance(3500);
    const line = h.run('CLIENT', 'LIST') as string;
    expect(line).toMatch(
      /^id=1 addr=127\.0\.0\.1:50001 laddr=127\.0\.0\.1:6379 fd=8 name= age=3 idle=\d flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=\d+ events=r cmd=client\|list user=default redir=-1 resp=2 lib-name= lib-ver=\n$/,
    );
    expect(h.run('CLIENT', 'INFO')).toBe(line.replace('client|list', 'client|info'));
  });

  test('flags and counts', () => {
    const h = new Harness();
    const other = h.connect();
    const seen = (): Record<string, string> =>
      fieldsOf(h.run('CLIENT', 'LIST', 'ID', other.id) as string);
    expect(seen()).toMatchObject({ flags: 'N', cmd: 'NULL', qbuf: '0', 'argv-mem': '0' });
    h.runAs(other, 'CLIENT', 'NO-EVICT', 'ON');
    h.runAs(other, 'CLIENT', 'NO-TOUCH', 'ON');
    expect(seen()).toMatchObject({ flags: 'eT', cmd: 'client|no-touch' });
    h.runAs(other, 'RESET');
    h.runAs(other, 'SELECT', '3');
    h.runAs(other, 'WATCH', 'k');
    h.runAs(other, 'MULTI');
    h.runAs(other, 'SET', 'a', '1');
    h.run('SELECT', '3');
    h.run('SET', 'k', 'v');
    expect(seen()).toMatchObject({ flags: 'xd', db: '3', multi: '1', cmd: 'set' });
    expect(Number(seen()['multi-mem'])).toBeGreaterThan(0);
    h.runAs(other, 'RESET');
    h.runAs(other, 'SUBSCRIBE', 'c');
    h.runAs(other, 'PSUBSCRIBE', 'p*');
    expect(seen()).toMatchObject({ flags: 'P', sub: '1', psub: '1', ssub: '0' });
    h.runAs(other, 'RESET');
    h.runAs(other, 'MONITOR');
    expect(seen()).toMatchObject({ flags: 'O' });
  });

  test('TYPE and ID choose; wrong ones are errors', () => {
    const h = new Harness();
    const other = h.connect();
    h.runAs(other, 'SUBSCRIBE', 'c');
    const ids = (...args: (string | number)[]): string[] =>
      [...(h.run('CLIENT', 'LIST', ...args) as string).matchAll(/^id=(\d+)/gm)].map((m) => m[1]!);
    expect(ids()).toEqual(['1', '2']);
    expect(ids('TYPE', 'normal')).toEqual(['1']);
    expect(ids('type', 'PUBSUB')).toEqual(['2']);
    expect(ids('TYPE', 'replica')).toEqual([]);
    expect(ids('ID', 2, 7, 1)).toEqual(['2', '1']);
    expect(h.run('CLIENT', 'LIST', 'TYPE', 'x')).toEqual({ error: "ERR Unknown client type 'x'" });
    expect(h.run('CLIENT', 'LIST', 'ID', 'x')).toEqual({ error: 'ERR Invalid client ID' });
    expect(h.run('CLIENT', 'LIST', 'ID')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'LIST', 'foo', 'bar')).toEqual(SYNTAX);
  });
});

describe('CLIENT KILL', () => {
  test('by address, the old form', () => {
    const h = new Harness();
    const other = h.connect();
    expect(h.run('CLIENT', 'KILL', '1.2.3.4:5')).toEqual({ error: 'ERR No such client' });
    expect(h.run('CLIENT', 'KILL', other.io.address)).toBe('OK');
    expect(isClosed(other)).toBe(true);
  });

  test('of oneself replies first, then closes', () => {
    const h = new Harness();
    h.output.take(h.session);
    const request = new Request().fill(['CLIENT', 'KILL', h.session.io.address]);
    expect(h.execute(h.session, request)).toBe(CLOSED);
    expect(h.replies()).toEqual(['OK']);
    expect(isClosed(h.session)).toBe(false);
  });

  test('by filters that all must hold', () => {
    const h = new Harness();
    const [a, b, c] = [h.connect(), h.connect(), h.connect()];
    h.runAs(b, 'SUBSCRIBE', 'x');
    expect(h.run('CLIENT', 'KILL', 'ID', a.id, 'TYPE', 'pubsub')).toBe(0);
    expect(h.run('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1);
    expect([isClosed(a), isClosed(b), isClosed(c)]).toEqual([false, true, false]);
    expect(h.run('CLIENT', 'KILL', 'ADDR', a.io.address, 'USER', 'default')).toBe(1);
    expect(isClosed(a)).toBe(true);
    h.model.disconnect(a);
    h.model.disconnect(b);
    expect(h.run('CLIENT', 'KILL', 'LADDR', '127.0.0.1:6379')).toBe(1);
    expect(h.session.isClosing).toBe(false);
    h.model.disconnect(c);
    expect(h.run('CLIENT', 'KILL', 'LADDR', '127.0.0.1:6379', 'SKIPME', 'no')).toBe(1);
    expect(h.session.isClosing).toBe(true);
  });

  test('wrong arguments', () => {
    const h = new Harness();
    expect(h.run('CLIENT', 'KILL')).toEqual({
      error: "ERR wrong number of arguments for 'client|kill' command",
    });
    for (const id of ['str', '-1', '0']) {
      expect(h.run('CLIENT', 'KILL', 'ID', id)).toEqual({
        error: 'ERR client-id should be greater than 0',
      });
    }
    expect(h.run('CLIENT', 'KILL', 'ID', '10', 'wrong')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'KILL', 'SKIPME', 'maybe')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'KILL', 'MAXAGE', '10')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'KILL', 'TYPE', 'x')).toEqual({ error: "ERR Unknown client type 'x'" });
    expect(h.run('CLIENT', 'KILL', 'USER', 'x')).toEqual({ error: "ERR No such user 'x'" });
  });
});

describe('CLIENT REPLY', () => {
  test('sets the mode that the connection goes by', () => {
    const h = new Harness();
    expect(h.raw('CLIENT', 'REPLY', 'OFF')).toBe('');
    expect(h.session.replyMode).toBe('off');
    h.raw('CLIENT', 'REPLY', 'SKIP');
    expect(h.session.replyMode).toBe('off');
    expect(h.raw('CLIENT', 'REPLY', 'ON')).toBe('+OK\r\n');
    expect(h.session.replyMode).toBe('on');
    expect(h.raw('CLIENT', 'REPLY', 'SKIP')).toBe('');
    expect(h.session.replyMode).toBe('skip-next');
    expect(h.run('CLIENT', 'REPLY', 'x')).toEqual(SYNTAX);
  });
});

describe('CLIENT PAUSE', () => {
  test('holds writes back until UNPAUSE or its end', () => {
    const h = new Harness();
    const other = h.connect();
    expect(h.run('CLIENT', 'PAUSE', '1000', 'WRITE')).toBe('OK');
    expect(h.rawAs(other, 'SET', 'a', '1').length).toBe(0);
    expect(h.runAs(h.connect(), 'GET', 'a')).toBe(null);
    expect(h.run('CLIENT', 'LIST', 'ID', other.id)).toMatch(/ flags=b /);
    expect(h.run('INFO', 'clients')).toMatch(/blocked_clients:1\r\n/);
    expect(h.run('CLIENT', 'UNPAUSE')).toBe('OK');
    expect((other.io as FakeIo).resumeCount).toBe(1);
    expect(h.runAs(other, 'SET', 'a', '1')).toBe('OK');
    h.run('CLIENT', 'PAUSE', '50');
    expect(h.rawAs(other, 'GET', 'a').length).toBe(0);
    h.advance(51);
    expect((other.io as FakeIo).resumeCount).toBe(2);
    expect(h.runAs(other, 'GET', 'a')).toBe('1');
  });

  test('wrong arguments', () => {
    const h = new Harness();
    const refused = (...args: string[]): unknown => h.run('CLIENT', 'PAUSE', ...args);
    expect(refused('x')).toEqual({ error: 'ERR timeout is not an integer or out of range' });
    expect(refused('-1')).toEqual({ error: 'ERR timeout is negative' });
    expect(refused('9223372036854775807')).toEqual({ error: 'ERR timeout is out of range' });
    expect(refused('1', 'SOME')).toEqual({ error: 'ERR CLIENT PAUSE mode must be WRITE or ALL' });
    expect(refused('1', 'ALL', 'x')).toEqual({
      error: "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
    });
    expect(h.model.pauses.mode).toBe('off');
  });
});

describe('CLIENT UNBLOCK', () => {
  function parked(): { h: Harness; other: Session } {
    const h = new Harness();
    const other = h.connect();
    h.runAs(other, 'PING');
    h.model.pauses.park(
      other,
      {
        reason: 'wait',
        deadlineMs: Infinity,
        expire: () => h.model.reply.integer(0),
        unblock(withError) {
          if (withError) h.model.reply.error('UNBLOCKED client unblocked via CLIENT UNBLOCK');
          else h.model.reply.integer(0);
        },
      },
      h.state.nowMs,
    );
    h.output.take(other);
    return { h, other };
  }

  test("ends the waiting, by time-out or with an error that counts as the other client's", () => {
    const first = parked();
    expect(first.h.run('CLIENT', 'UNBLOCK', first.other.id)).toBe(1);
    expect(first.h.replies(first.other)).toEqual([0]);
    const { h, other } = parked();
    expect(h.run('CLIENT', 'UNBLOCK', other.id, 'ERROR')).toBe(1);
    expect(h.replies(other)).toEqual([{ error: 'UNBLOCKED client unblocked via CLIENT UNBLOCK' }]);
    expect(h.model.stats.errors.get('UNBLOCKED')).toBe(1);
    expect(h.model.commands.byName('ping')!.failedCalls).toBe(1);
    expect(h.model.commands.byName('client|unblock')!.failedCalls).toBe(0);
  });

  test('nobody waits, or wrong arguments', () => {
    const h = new Harness();
    expect(h.run('CLIENT', 'UNBLOCK', '1')).toBe(0);
    expect(h.run('CLIENT', 'UNBLOCK', '99', 'TIMEOUT')).toBe(0);
    expect(h.run('CLIENT', 'UNBLOCK', 'x')).toEqual({
      error: 'ERR value is not an integer or out of range',
    });
    expect(h.run('CLIENT', 'UNBLOCK', '1', 'x')).toEqual({
      error: 'ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR',
    });
  });
});

describe('CLIENT TRACKING', () => {
  test('a client that does not track is told so; turning it on is refused', () => {
    const h = new Harness();
    expect(h.run('CLIENT', 'GETREDIR')).toBe(-1);
    expect(h.run('CLIENT', 'TRACKINGINFO')).toEqual([
      'flags',
      ['off'],
      'redirect',
      -1,
      'prefixes',
      [],
    ]);
    expect(h.run('CLIENT', 'TRACKING', 'OFF')).toBe('OK');
    expect(h.run('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'a', 'PREFIX', 'b')).toEqual({
      error: 'ERR CLIENT TRACKING is not supported yet by this server',
    });
    expect(h.run('CLIENT', 'TRACKING', 'maybe')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'TRACKING', 'ON', 'x')).toEqual(SYNTAX);
    expect(h.run('CLIENT', 'TRACKING', 'ON', 'REDIRECT', '99')).toEqual({
      error: 'ERR The client ID you want redirect to does not exist',
    });
    expect(h.run('CLIENT', 'CACHING', 'YES')).toMatchObject({
      error: expect.stringMatching(/^ERR CLIENT CACHING can be called only when/),
    });
  });
});

test('an unknown subcommand, HELP', () => {
  const h = new Harness();
  expect(h.run('CLIENT', 'FOO')).toEqual({
    error: "ERR unknown subcommand 'FOO'. Try CLIENT HELP.",
  });
  const help = h.run('CLIENT', 'HELP') as string[];
  expect(help[0]).toBe('CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
  expect(help).toContain('PAUSE timeout [WRITE | ALL]');
  expect(help.slice(-2)).toEqual(['HELP', '    Print this help.']);
});
