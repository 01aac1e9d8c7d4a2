import { describe, expect, test } from 'vitest';
import { CLOSED } from '../dispatch.ts';
import { Request } from '../../../bytes/resp-request.ts';
import { Harness } from '../testing/harness.ts';

const WRONG = { error: 'WRONGPASS invalid username-password pair or user is disabled.' };
const NOAUTH = { error: 'NOAUTH Authentication required.' };

function withPassword(password: string): Harness {
  const h = new Harness({ settings: { requirepass: password } });
  h.session.isAuthenticated = false;
  return h;
}

describe('AUTH', () => {
  test('without a password there is nothing to check', () => {
    const h = new Harness();
    expect(h.run('AUTH', 'x')).toEqual({
      error:
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    });
    expect(h.run('AUTH', 'default', 'anything')).toBe('OK');
    expect(h.run('AUTH', 'joe', 'anything')).toEqual(WRONG);
    expect(h.run('AUTH', 'a', 'b', 'c')).toEqual({ error: 'ERR syntax error' });
  });

  test('the right password, alone or behind its user; wrong ones are counted', () => {
    const h = withPassword('sesame');
    expect(h.run('GET', 'a')).toEqual(NOAUTH);
    expect(h.run('AUTH', 'Sesame')).toEqual(WRONG);
    expect(h.run('AUTH', 'sesame ')).toEqual(WRONG);
    expect(h.run('AUTH', '')).toEqual(WRONG);
    expect(h.run('AUTH', 'joe', 'sesame')).toEqual(WRONG);
    expect(h.model.stats.aclDeniedAuth).toBe(4);
    expect(h.run('GET', 'a')).toEqual(NOAUTH);
    expect(h.run('AUTH', 'sesame')).toBe('OK');
    expect(h.run('GET', 'a')).toBe(null);
    // A wrong one afterwards changes nothing.
    expect(h.run('AUTH', 'no')).toEqual(WRONG);
    expect(h.run('GET', 'a')).toBe(null);
  });

  test('a new password is in force at once, for who authenticates next', () => {
    const h = withPassword('old');
    expect(h.run('AUTH', 'default', 'old')).toBe('OK');
    h.set('requirepass', 'new');
    expect(h.run('PING')).toBe('PONG');
    const other = h.connect();
    other.isAuthenticated = false;
    expect(h.runAs(other, 'AUTH', 'old')).toEqual(WRONG);
    expect(h.runAs(other, 'AUTH', 'new')).toBe('OK');
  });
});

describe('HELLO', () => {
  const fields = (resp: number): unknown[] => [
    ['server', 'redis'],
    ['version', '7.2.4'],
    ['proto', resp],
    ['id', 1],
    ['mode', 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ];

  test('describes the connection and changes the protocol version', () => {
    const h = new Harness();
    expect(h.run('HELLO')).toEqual(fields(2).flat());
    expect(h.run('HELLO', '3')).toEqual({ map: fields(3) });
    expect(h.session.resp).toBe(3);
    expect(h.run('HELLO')).toEqual({ map: fields(3) });
    expect(h.run('HELLO', 2)).toEqual(fields(2).flat());
  });

  test('refuses other versions and options', () => {
    const h = new Harness();
    const noProto = { error: 'NOPROTO unsupported protocol version' };
    expect(h.run('HELLO', '1')).toEqual(noProto);
    expect(h.run('HELLO', '4')).toEqual(noProto);
    expect(h.run('HELLO', 'x')).toEqual({
      error: 'ERR Protocol version is not an integer or out of range',
    });
    expect(h.run('HELLO', '3', 'AUTH', 'default')).toEqual({
      error: "ERR Syntax error in HELLO option 'AUTH'",
    });
    expect(h.run('HELLO', '3', 'SETNAME', 'a b')).toEqual({
      error: 'ERR Client names cannot contain spaces, newlines or special characters.',
    });
    expect(h.session.resp).toBe(2);
  });

  test('authenticates and names; needs authentication itself', () => {
    const h = withPassword('sesame');
    expect(h.run('HELLO', '3')).toMatchObject({
      error: expect.stringMatching(/^NOAUTH HELLO must be called with the client already/),
    });
    expect(h.run('HELLO', '3', 'AUTH', 'default', 'no', 'SETNAME', 'me')).toEqual(WRONG);
    expect([h.session.resp, h.session.name]).toEqual([2, '']);
    expect(h.run('HELLO', '3', 'SETNAME', 'me', 'AUTH', 'default', 'sesame')).toHaveProperty('map');
    expect([h.session.resp, h.session.name, h.session.isAuthenticated]).toEqual([3, 'me', true]);
  });
});

describe('PING and ECHO', () => {
  test('answer', () => {
    const h = new Harness();
    expect(h.raw('PING')).toBe('+PONG\r\n');
    expect(h.raw('PING', 'a\r\nb')).toBe('$4\r\na\r\nb\r\n');
    expect(h.raw('ECHO', 'hi')).toBe('$2\r\nhi\r\n');
    expect(h.run('PING', 'a', 'b')).toEqual({
      error: "ERR wrong number of arguments for 'ping' command",
    });
    expect(h.run('ECHO')).toEqual({ error: "ERR wrong number of arguments for 'echo' command" });
  });

  test('a subscriber of RESP2 gets a message', () => {
    const h = new Harness();
    h.session.channels.add('c');
    expect(h.run('PING')).toEqual(['pong', '']);
    expect(h.run('PING', 'x')).toEqual(['pong', 'x']);
    h.session.resp = 3;
    expect(h.run('PING')).toBe('PONG');
  });
});

test('SELECT', () => {
  const h = new Harness();
  expect(h.run('SELECT', '15')).toBe('OK');
  expect(h.session.database).toBe(15);
  for (const index of ['16', '-1']) {
    expect(h.run('SELECT', index)).toEqual({ error: 'ERR DB index is out of range' });
  }
  expect(h.run('SELECT', 'x')).toEqual({
    error: 'ERR value is not an integer or out of range',
  });
  expect(h.run('SELECT', '4294967296')).toEqual({
    error: 'ERR value is out of range, value must between -2147483648 and 2147483647',
  });
  h.run('SET', 'a', 'in 15');
  h.run('SELECT', '0');
  expect(h.run('GET', 'a')).toBe(null);
});

test('SELECT inside a transaction is in force for what follows', () => {
  const h = new Harness();
  h.run('MULTI');
  h.run('SELECT', '3');
  h.run('SET', 'a', '1');
  expect(h.run('EXEC')).toEqual(['OK', 'OK']);
  expect(Object.keys(h.dump())).toEqual(['3:a']);
});

test('QUIT answers, then closes', () => {
  const h = new Harness();
  h.output.take(h.session);
  expect(h.execute(h.session, new Request().fill(['QUIT', 'whatever']))).toBe(CLOSED);
  expect(h.replies()).toEqual(['OK']);
});

test('RESET makes the connection new, but keeps what library it is', () => {
  const h = withPassword('pw');
  h.run('AUTH', 'pw');
  h.run('HELLO', '3', 'SETNAME', 'me');
  h.run('CLIENT', 'SETINFO', 'lib-name', 'lib');
  h.run('SELECT', '2');
  h.run('CLIENT', 'NO-TOUCH', 'on');
  h.run('CLIENT', 'NO-EVICT', 'on');
  h.run('SUBSCRIBE', 'c');
  h.run('WATCH', 'k');
  h.run('MULTI');
  h.run('SET', 'a', '1');
  expect(h.raw('RESET')).toBe('+RESET\r\n');
  const { session } = h;
  expect(session).toMatchObject({
    database: 0,
    resp: 2,
    name: '',
    libraryName: 'lib',
    isNoTouch: false,
    isNoEvict: false,
    isMonitor: false,
    isAuthenticated: false,
    isSubscriber: false,
    queue: undefined,
  });
  expect(session.watched.size).toBe(0);
  expect(h.model.pubsub.channels.listeners.size).toBe(0);
  expect(h.run('GET', 'a')).toEqual(NOAUTH);
});

test('an unknown word is quoted as C would, up to a NUL', () => {
  const h = new Harness();
  expect(h.run('no\0pe', 'a\0b', 'c')).toEqual({
    error: "ERR unknown command 'no', with args beginning with: 'a' 'c' ",
  });
  expect(h.run('CLIENT', 'no\0pe')).toEqual({
    error: "ERR unknown subcommand 'no'. Try CLIENT HELP.",
  });
  expect(h.run('EXPIRE', 'a', '1', 'b\0c')).toEqual({ error: 'ERR Unsupported option b' });
});
