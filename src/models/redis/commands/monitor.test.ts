import { describe, expect, test } from 'vitest';
import type { FakeIo } from '../testing/fakes.ts';
import { Harness } from '../testing/harness.ts';

const AT = '1700000000.000000';

describe('MONITOR', () => {
  test('lines about all commands, to all monitors alike', () => {
    const h = new Harness();
    const [a, b] = [h.connect(), h.connect()];
    b.resp = 3;
    expect(h.runAs(a, 'MONITOR')).toBe('OK');
    expect(h.runAs(b, 'MONITOR')).toBe('OK');
    h.run('SELECT', '2');
    h.run('set', 'a"\\', 'x\n\r\t\x07\b\x00é ~');
    const lines = [
      `${AT} [2 127.0.0.1:50001] "SELECT" "2"`,
      `${AT} [2 127.0.0.1:50001] "set" "a\\"\\\\" "x\\n\\r\\t\\a\\b\\x00\\xe9 ~"`,
    ];
    expect(h.replies(a)).toEqual(lines);
    expect(h.replies(b)).toEqual(lines);
  });

  test('not about administration, nor what was refused; in the order of execution', () => {
    const h = new Harness();
    const m = h.connect();
    h.runAs(m, 'MONITOR');
    h.run('CLIENT', 'LIST');
    h.run('SLOWLOG', 'LEN');
    h.run('nope');
    h.run('GET');
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.run('EXEC');
    expect(h.replies(m).map((line) => (line as string).split('] ')[1])).toEqual([
      '"MULTI"',
      '"SET" "a" "1"',
      '"EXEC"',
    ]);
  });

  test('no secrets', () => {
    const h = new Harness({ settings: { requirepass: 'pw' } });
    const m = h.connect();
    h.runAs(m, 'MONITOR');
    h.run('AUTH', 'not-real');
    h.run('auth', 'user', 'not-a-password');
    h.run('HELLO', '3', 'AUTH', 'user', 'not-a-password');
    const lines = h.replies(m).map((line) => (line as string).split('] ')[1]);
    expect(lines).toEqual([
      '"AUTH" "(redacted)"',
      '"auth" "(redacted)" "(redacted)"',
      '"HELLO" "3" "AUTH" "(redacted)" "(redacted)"',
    ]);
  });

  test('a huge argument passes in pieces', () => {
    const h = new Harness();
    const m = h.connect();
    h.runAs(m, 'MONITOR');
    const value = '\n'.repeat(200_000);
    h.run('SET', 'a', value);
    expect(h.replies(m)).toEqual([
      `${AT} [0 127.0.0.1:50001] "SET" "a" "${'\\n'.repeat(200_000)}"`,
    ]);
  });

  test('Unix sockets are named by their path', () => {
    const h = new Harness();
    const m = h.connect();
    h.runAs(m, 'MONITOR');
    const io = h.session.io as FakeIo & { isUnixSocket: boolean; address: string };
    Object.assign(io, { isUnixSocket: true, address: '/tmp/kvasir.sock:0' });
    h.run('PING');
    expect(h.replies(m)).toEqual([`${AT} [0 unix:/tmp/kvasir.sock] "PING"`]);
  });

  test('a monitor may not touch keys; said twice it answers once; gone it is forgotten', () => {
    const h = new Harness();
    h.run('MONITOR');
    const { length } = h.rawAs(h.session, 'MONITOR');
    expect(length).toBe(0);
    expect(h.run('GET', 'a')).toEqual({ error: "ERR Replica can't interact with the keyspace" });
    expect(h.run('SET', 'a', '1')).toEqual({
      error: "ERR Replica can't interact with the keyspace",
    });
    h.model.disconnect(h.session);
    expect(h.model.monitors.sessions.size).toBe(0);
  });
});
