import { describe, expect, test } from 'vitest';
import { PARKED, RAN } from '../dispatch.ts';
import { Harness } from '../testing/harness.ts';

function start(h: Harness, ...args: string[]): number {
  return h.start(h.session, ...args);
}

describe('WAIT', () => {
  test('for no replica answers at once', () => {
    const h = new Harness();
    expect(h.run('WAIT', '0', '1000')).toBe(0);
    expect(h.run('WAIT', '-1', '0')).toBe(0);
  });

  test('for a replica waits until the time is up', () => {
    const h = new Harness();
    expect(start(h, 'WAIT', '1', '1000')).toBe(PARKED);
    expect(h.model.pauses.blockedCount).toBe(1);
    h.advance(999);
    expect(h.replies()).toEqual([]);
    h.advance(1);
    expect(h.replies()).toEqual([0]);
    expect(h.model.pauses.blockedCount).toBe(0);
    expect(h.session.parked).toBe(undefined);
  });

  test('0 waits for ever, until the client is unblocked or gone', () => {
    const h = new Harness();
    start(h, 'WAIT', '1', '0');
    h.advance(1e12);
    expect(h.replies()).toEqual([]);
    expect(h.model.pauses.unblock(h.session, false)).toBe(true);
    expect(h.replies()).toEqual([0]);
    start(h, 'WAIT', '1', '0');
    h.model.pauses.unblock(h.session, true);
    expect(h.replies()).toEqual([{ error: 'UNBLOCKED client unblocked via CLIENT UNBLOCK' }]);
    start(h, 'WAIT', '1', '50');
    h.model.disconnect(h.session);
    h.advance(100);
    expect(h.replies()).toEqual([]);
    expect(h.model.pauses.blockedCount).toBe(0);
  });

  test('does not wait in a transaction', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('WAIT', '1', '0');
    h.run('WAITAOF', '1', '1', '0');
    h.state.position = 10;
    expect(h.run('EXEC')).toEqual([0, [0, 0]]);
  });

  test('errors', () => {
    const h = new Harness();
    expect(h.run('WAIT', 'x', 'y')).toEqual({
      error: 'ERR value is not an integer or out of range',
    });
    expect(h.run('WAIT', '1', 'y')).toEqual({
      error: 'ERR timeout is not an integer or out of range',
    });
    expect(h.run('WAIT', '1', '-1')).toEqual({ error: 'ERR timeout is negative' });
    expect(h.run('WAIT', '1', '9223372036854775807')).toEqual({
      error: 'ERR timeout is out of range',
    });
  });
});

describe('WAITAOF', () => {
  test('answers at once when all is durable', () => {
    const h = new Harness();
    expect(h.run('WAITAOF', '1', '0', '0')).toEqual([1, 0]);
  });

  test('waits for the log to be synced up to where it ended', () => {
    const h = new Harness();
    h.state.position = 100;
    expect(start(h, 'WAITAOF', '1', '0', '0')).toBe(PARKED);
    h.state.position = 200;
    h.makeDurable(99);
    expect(h.replies()).toEqual([]);
    h.makeDurable(100);
    expect(h.replies()).toEqual([[1, 0]]);
    expect(h.session.parked).toBe(undefined);
  });

  test('says what there is when the time is up', () => {
    const h = new Harness();
    h.state.position = 100;
    start(h, 'WAITAOF', '1', '0', '50');
    h.advance(50);
    expect(h.replies()).toEqual([[0, 0]]);
    h.makeDurable(100);
    expect(h.replies()).toEqual([]);
    start(h, 'WAITAOF', '0', '1', '50');
    h.advance(50);
    expect(h.replies()).toEqual([[1, 0]]);
  });

  test('waits for nobody where nobody is asked for', () => {
    const h = new Harness();
    h.state.position = 100;
    expect(start(h, 'WAITAOF', '0', '0', '0')).toBe(RAN);
    expect(h.replies()).toEqual([[0, 0]]);
  });

  test('errors', () => {
    const h = new Harness();
    expect(h.run('WAITAOF', '2', 'x', 'y')).toEqual({
      error: 'ERR value is out of range, value must between 0 and 1',
    });
    expect(h.run('WAITAOF', '1', 'x', 'y')).toEqual({
      error: 'ERR value is out of range, must be positive',
    });
    expect(h.run('WAITAOF', '1', '-1', 'y')).toEqual({
      error: 'ERR value is out of range, must be positive',
    });
    expect(h.run('WAITAOF', '1', '0', '-1')).toEqual({ error: 'ERR timeout is negative' });
    h.state.isLogOn = false;
    expect(h.run('WAITAOF', '1', '0', '0')).toEqual({
      error: 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
    });
  });

  test('ends with an error when the log is turned off meanwhile', () => {
    const h = new Harness();
    h.state.position = 100;
    start(h, 'WAITAOF', '1', '0', '0');
    h.state.isLogOn = false;
    h.makeDurable(100);
    expect(h.replies()).toEqual([
      { error: 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.' },
    ]);
  });
});
