import { describe, expect, test } from 'vitest';
import type { Reply } from '../testing/decode-reply.ts';
import { Harness } from '../testing/harness.ts';

/** A harness that logs every command, and whose clock shows that each takes 7 microseconds. */
function logging(): Harness {
  const h = new Harness();
  let us = 0;
  (h.model.host as { monotonicUs: () => number }).monotonicUs = () => (us += 7);
  h.model.slowlog.thresholdUs = 0;
  return h;
}

const args = (entry: Reply): Reply => (entry as Reply[])[3]!;

describe('SLOWLOG', () => {
  test('an entry: id, second, microseconds, arguments, address, name', () => {
    const h = logging();
    h.run('CLIENT', 'SETNAME', 'me');
    h.advance(2000);
    h.run('GET', 'a\r\n');
    h.model.slowlog.thresholdUs = -1;
    expect(h.run('SLOWLOG', 'GET')).toEqual([
      [1, 1_700_000_002, 7, ['GET', 'a\r\n'], '127.0.0.1:50001', 'me'],
      [0, 1_700_000_000, 7, ['CLIENT', 'SETNAME', 'me'], '127.0.0.1:50001', 'me'],
    ]);
    expect(h.run('SLOWLOG', 'LEN')).toBe(2);
  });

  test('only what takes long enough', () => {
    const h = logging();
    h.model.slowlog.thresholdUs = 8;
    h.run('GET', 'a');
    expect(h.run('SLOWLOG', 'LEN')).toBe(0);
    h.model.slowlog.thresholdUs = 7;
    h.run('GET', 'a');
    expect(h.run('SLOWLOG', 'LEN')).toBe(1);
  });

  test('keeps so many, the newest first; RESET goes on counting', () => {
    const h = logging();
    h.model.slowlog.maxLength = 3;
    for (let i = 0; i < 300; i++) h.run('GET', `k${i}`);
    h.model.slowlog.thresholdUs = -1;
    expect((h.run('SLOWLOG', 'GET', '-1') as Reply[]).map(args)).toEqual([
      ['GET', 'k299'],
      ['GET', 'k298'],
      ['GET', 'k297'],
    ]);
    expect((h.run('SLOWLOG', 'GET', '1') as Reply[]).map(args)).toEqual([['GET', 'k299']]);
    expect(h.run('SLOWLOG', 'GET', '0')).toEqual([]);
    h.model.slowlog.maxLength = 1;
    expect(h.run('SLOWLOG', 'LEN')).toBe(1);
    expect(h.run('SLOWLOG', 'RESET')).toBe('OK');
    expect(h.run('SLOWLOG', 'GET')).toEqual([]);
    h.model.slowlog.thresholdUs = 0;
    h.run('PING');
    expect((h.run('SLOWLOG', 'GET') as Reply[][])[0]![0]).toBe(300);
    h.model.slowlog.maxLength = 0;
    expect(h.run('SLOWLOG', 'LEN')).toBe(0);
  });

  test('ten by default', () => {
    const h = logging();
    for (let i = 0; i < 12; i++) h.run('PING');
    expect((h.run('SLOWLOG', 'GET') as Reply[]).length).toBe(10);
  });

  test('many and long arguments are cut', () => {
    const h = logging();
    h.run('DEL', ...Array.from({ length: 32 }, (_, i) => `k${i}`));
    h.run('SET', 'a', 'A'.repeat(129));
    h.run('SET', 'a', 'A'.repeat(128));
    h.run('DEL', ...Array.from({ length: 31 }, (_, i) => `k${i}`));
    const [whole, fits, long, many] = (h.run('SLOWLOG', 'GET') as Reply[]).map(args) as string[][];
    expect(many!.length).toBe(32);
    expect(many!.slice(-2)).toEqual(['k29', '... (2 more arguments)']);
    expect(long![2]).toBe(`${'A'.repeat(128)}... (1 more bytes)`);
    expect(fits![2]).toBe('A'.repeat(128));
    expect(whole!.slice(-1)).toEqual(['k30']);
  });

  test('secrets are redacted; EXEC is not logged but what it ran', () => {
    const h = logging();
    h.run('AUTH', 'default', 'pw');
    h.run('HELLO', '2', 'AUTH', 'default', 'pw');
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.run('EXEC');
    expect((h.run('SLOWLOG', 'GET') as Reply[]).map(args)).toEqual([
      ['SET', 'a', '1'],
      ['MULTI'],
      ['HELLO', '2', 'AUTH', '(redacted)', '(redacted)'],
      ['AUTH', '(redacted)', '(redacted)'],
    ]);
  });

  test('wrong arguments', () => {
    const h = new Harness();
    for (const count of ['-2', 'x']) {
      expect(h.run('SLOWLOG', 'GET', count)).toEqual({
        error: 'ERR count should be greater than or equal to -1',
      });
    }
    expect(h.run('SLOWLOG', 'GET', '1', '2')).toEqual({
      error: "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
    });
    expect(h.run('SLOWLOG', 'HELP')).toContain('GET [count]');
  });
});
