import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';
import { decodeReplies } from '../testing/decode-reply.ts';

const BROKEN = { error: 'EXECABORT Transaction discarded because of previous errors.' };

describe('MULTI and EXEC', () => {
  test('run what was queued, in order, as one entry', () => {
    const h = new Harness();
    expect(h.run('MULTI')).toBe('OK');
    expect(h.run('SET', 'a', '1')).toBe('QUEUED');
    expect(h.run('INCR', 'a')).toBe('QUEUED');
    expect(h.run('GET', 'a')).toBe('QUEUED');
    expect(h.dump()).toEqual({});
    expect(h.run('EXEC')).toEqual(['OK', 2, '2']);
    expect(h.effects()).toEqual([
      ['SELECT', '0'],
      ['MULTI'],
      ['SET', 'a', '1'],
      ['INCR', 'a'],
      ['EXEC'],
    ]);
    expect(h.run('GET', 'a')).toBe('2');
  });

  test('one effect needs no MULTI, none no entry', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.run('GET', 'a');
    h.run('EXEC');
    expect(h.effectsOnly()).toEqual([['SET', 'a', '1']]);
    h.run('MULTI');
    h.run('GET', 'a');
    h.run('DEL', 'none');
    h.run('EXEC');
    expect(h.effects()).toEqual([]);
    h.run('MULTI');
    expect(h.run('EXEC')).toEqual([]);
    expect(h.effects()).toEqual([]);
  });

  test('requests are kept as they came: any bytes, and inline ones', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', '\x00\xff', '\r\n$5');
    h.run('SET', 'long', 'x'.repeat(100_000));
    h.run('GET', '\x00\xff');
    h.run('STRLEN', 'long');
    expect(h.run('EXEC')).toEqual(['OK', 'OK', '\r\n$5', 100_000]);
    expect(h.replayed().dump()).toEqual(h.dump());
  });

  test('SELECT inside moves what follows', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SELECT', '1');
    h.run('SET', 'a', '1');
    h.run('SELECT', '2');
    h.run('SET', 'a', '2');
    expect(h.run('EXEC')).toEqual(['OK', 'OK', 'OK', 'OK']);
    expect(h.session.database).toBe(2);
    expect(Object.keys(h.dump())).toEqual(['1:a', '2:a']);
    expect(h.replayed().dump()).toEqual(h.dump());
  });

  test('an error while running stops nothing', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', 'text');
    h.run('INCR', 'a');
    h.run('SET', 'b', '1');
    expect(h.run('EXEC')).toEqual([
      'OK',
      { error: 'ERR value is not an integer or out of range' },
      'OK',
    ]);
    const exec = h.model.commands.byName('exec')!;
    const incr = h.model.commands.byName('incr')!;
    expect([exec.failedCalls, incr.failedCalls, h.model.stats.errorReplies]).toEqual([0, 1, 1]);
    expect(h.model.commands.byName('set')!.calls).toBe(2);
  });

  test('an error while queueing breaks the transaction', () => {
    for (const wrong of [['NOSUCH'], ['GET'], ['OBJECT', 'NOSUCH', 'a']]) {
      const h = new Harness();
      h.run('MULTI');
      h.run('SET', 'a', '1');
      expect(h.run(...wrong)).toHaveProperty('error');
      expect(h.run('SET', 'b', '1')).toBe('QUEUED');
      expect(h.run('EXEC')).toEqual(BROKEN);
      expect(h.dump()).toEqual({});
      expect(h.run('GET', 'a')).toBe(null);
    }
  });

  test('nested MULTI and WATCH are refused and break nothing', () => {
    const h = new Harness();
    h.run('MULTI');
    expect(h.run('MULTI')).toEqual({ error: 'ERR MULTI calls can not be nested' });
    expect(h.run('WATCH', 'a')).toEqual({ error: 'ERR WATCH inside MULTI is not allowed' });
    h.run('SET', 'a', '1');
    expect(h.run('EXEC')).toEqual(['OK']);
  });

  test('EXEC and DISCARD without MULTI', () => {
    const h = new Harness();
    expect(h.run('EXEC')).toEqual({ error: 'ERR EXEC without MULTI' });
    expect(h.run('DISCARD')).toEqual({ error: 'ERR DISCARD without MULTI' });
    h.run('MULTI');
    h.run('SET', 'a', '1');
    expect(h.run('DISCARD')).toBe('OK');
    expect(h.session.queuedBytes).toBe(0);
    expect(h.run('EXEC')).toEqual({ error: 'ERR EXEC without MULTI' });
    expect(h.dump()).toEqual({});
  });

  test('EXEC that is refused says why and ends the transaction', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.state.refusal = 'MISCONF no';
    expect(h.run('EXEC')).toEqual({
      error: 'EXECABORT Transaction discarded because of: MISCONF no',
    });
    expect(h.session.queue).toBe(undefined);
    h.state.refusal = undefined;

    h.run('MULTI');
    expect(h.run('EXEC', 'now')).toEqual({
      error:
        "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
    });
    expect(h.session.queue).toBe(undefined);
  });

  test('a transaction of reads runs where writes are refused', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.run('MULTI');
    h.run('GET', 'a');
    h.state.refusal = 'MISCONF no';
    expect(h.run('EXEC')).toEqual(['1']);
  });

  test('the queue is charged to the client', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', 'x'.repeat(1000));
    expect(h.session.queuedBytes).toBeGreaterThan(1000);
    h.run('EXEC');
    expect(h.session.queuedBytes).toBe(0);
  });

  test('a lazy expiry inside is part of the entry, before its cause', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '5');
    h.advance(6);
    h.effects();
    h.run('MULTI');
    h.run('SCAN', '0', 'COUNT', '1000');
    h.run('SET', 'b', '1');
    h.run('EXEC');
    expect(h.effects()).toEqual([['MULTI'], ['DEL', 'a'], ['SET', 'b', '1'], ['EXEC']]);
  });

  test('monitors see MULTI, the commands when they run, then EXEC', () => {
    const h = new Harness();
    const monitor = h.connect();
    h.model.monitors.sessions.add(monitor);
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.run('EXEC');
    h.run('MULTI');
    h.run('NOSUCH');
    h.run('EXEC', 'wrong');
    const seen = Buffer.from(h.output.take(monitor)).toString('latin1');
    expect(seen.match(/"[a-zA-Z]+"/g)).toEqual([
      '"MULTI"',
      '"SET"',
      '"a"',
      '"EXEC"',
      '"MULTI"',
      '"EXEC"',
      '"wrong"',
    ]);
  });

  test('what is replayed from a log in MULTI and EXEC', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', '1', 'PX', '10');
    h.run('PEXPIRE', 'a', '20');
    h.run('EXEC');
    const log = h.effects();
    const other = new Harness();
    other.model.isReplaying = true;
    other.model.effects.isEnabled = false;
    for (const command of log) other.replay(...command);
    expect(other.dump()).toEqual(h.dump());
    expect(other.model.stats.commandsProcessed).toBe(0);
  });
});

describe('replies of transactions', () => {
  test('null in both protocols where a watched key changed', () => {
    const h = new Harness();
    h.run('WATCH', 'a');
    h.run('SET', 'a', '1');
    h.run('MULTI');
    expect(h.raw('EXEC')).toBe('*-1\r\n');
    h.session.resp = 3;
    h.run('WATCH', 'a');
    h.run('SET', 'a', '2');
    h.run('MULTI');
    expect(h.raw('EXEC')).toBe('_\r\n');
  });

  test('pushes to oneself come behind the whole transaction', () => {
    const h = new Harness();
    h.session.resp = 3;
    h.run('SUBSCRIBE', 'c');
    h.run('MULTI');
    h.run('PING', 'x');
    h.run('PUBLISH', 'c', 'one');
    h.run('PUBLISH', 'c', 'two');
    const replies = decodeReplies(h.rawAs(h.session, 'EXEC'));
    expect(replies).toEqual([
      ['x', 1, 1],
      { push: ['message', 'c', 'one'] },
      { push: ['message', 'c', 'two'] },
    ]);
  });
});
