import { describe, expect, test } from 'vitest';
import { PARKED, POSTPONED, RAN } from './dispatch.ts';
import type { FakeIo } from './testing/fakes.ts';
import { Harness } from './testing/harness.ts';

function pausing(mode: 'write' | 'all', ms: number): Harness {
  const h = new Harness();
  h.run('SET', 'k', '1');
  h.model.pauses.pause(mode, h.state.nowMs + ms, h.state.nowMs);
  return h;
}

describe('a pause', () => {
  test('of writes holds back what changes data or publishes, until its end', () => {
    const h = pausing('write', 100);
    const io = h.session.io as FakeIo;
    expect(h.start(h.session, 'GET', 'k')).toBe(RAN);
    for (const command of [
      ['SET', 'k', '2'],
      ['EXPIRE', 'k', '1'],
      ['FLUSHALL'],
      ['PUBLISH', 'c', 'm'],
    ]) {
      expect(h.start(h.session, ...command)).toBe(POSTPONED);
    }
    expect(h.model.pauses.blockedCount).toBe(1);
    expect(io.resumeCount).toBe(0);
    h.advance(100);
    expect(io.resumeCount).toBe(1);
    expect(h.model.pauses.blockedCount).toBe(0);
    expect(h.start(h.session, 'SET', 'k', '2')).toBe(RAN);
  });

  test('of everything holds back reads too', () => {
    const h = pausing('all', 100);
    expect(h.start(h.session, 'GET', 'k')).toBe(POSTPONED);
    h.model.pauses.unpause();
    expect(h.start(h.session, 'GET', 'k')).toBe(RAN);
  });

  test('holds back a transaction by what is in it', () => {
    const h = pausing('write', 100);
    h.run('MULTI');
    h.run('GET', 'k');
    expect(h.run('EXEC')).toEqual(['1']);
    h.model.pauses.unpause();
    h.run('MULTI');
    h.run('SET', 'k', '2');
    h.model.pauses.pause('write', h.state.nowMs + 100, h.state.nowMs);
    expect(h.start(h.session, 'EXEC')).toBe(POSTPONED);
    h.advance(100);
    expect(h.run('EXEC')).toEqual(['OK']);
  });

  test('is only made longer and stricter by the next', () => {
    const h = pausing('all', 200);
    h.model.pauses.pause('write', h.state.nowMs + 20, h.state.nowMs);
    h.advance(199);
    expect(h.start(h.session, 'GET', 'k')).toBe(POSTPONED);
    h.advance(1);
    expect(h.start(h.session, 'GET', 'k')).toBe(RAN);
  });

  test('of no length is none', () => {
    const h = pausing('all', 0);
    expect(h.model.pauses.mode).toBe('off');
    expect(h.start(h.session, 'GET', 'k')).toBe(RAN);
  });

  test('refuses what is wrong at once', () => {
    const h = pausing('all', 100);
    expect(h.run('SET', 'k')).toHaveProperty('error');
  });

  test('hides expired keys and deletes none', () => {
    const h = new Harness();
    h.run('SET', 'k', '1', 'PX', '5');
    h.model.pauses.pause('write', h.state.nowMs + 1000, h.state.nowMs);
    h.effects();
    h.advance(6);
    expect(h.run('GET', 'k')).toBe(null);
    expect(h.run('EXISTS', 'k')).toBe(0);
    expect(h.run('KEYS', '*')).toEqual([]);
    h.model.expireDue();
    expect(h.run('DBSIZE')).toBe(1);
    expect(h.effects()).toEqual([]);
    h.model.pauses.unpause();
    h.model.expireDue();
    expect(h.run('DBSIZE')).toBe(0);
  });

  test('that a transaction begins holds from its end', () => {
    const h = new Harness();
    h.run('SET', 'k', '1', 'PX', '5');
    h.advance(6);
    h.run('MULTI');
    h.run('CLIENT', 'PAUSE', '1000', 'WRITE');
    h.run('SET', 'k', '2');
    h.run('PEXPIRE', 'k', '5');
    expect(h.run('EXEC')).toEqual(['OK', 'OK', 1]);
    expect(h.run('DBSIZE')).toBe(1);
    h.advance(6);
    expect(h.run('GET', 'k')).toBe(null);
    expect(h.run('DBSIZE')).toBe(1);
    expect(h.start(h.session, 'SET', 'k', '3')).toBe(POSTPONED);
  });

  test('forgets a client that goes', () => {
    const h = pausing('write', 100);
    h.start(h.session, 'SET', 'k', '2');
    h.model.disconnect(h.session);
    h.advance(100);
    expect((h.session.io as FakeIo).resumeCount).toBe(0);
  });
});

describe('a parked session', () => {
  test('is served once, and goes on', () => {
    const h = new Harness();
    expect(h.start(h.session, 'WAIT', '1', '100')).toBe(PARKED);
    h.model.pauses.serve(h.session, () => h.model.reply.integer(7));
    h.model.pauses.serve(h.session, () => h.model.reply.integer(8));
    h.advance(100);
    expect(h.replies()).toEqual([7]);
    expect((h.session.io as FakeIo).resumeCount).toBe(1);
  });

  test('is not answered where CLIENT REPLY says so, and goes on', () => {
    for (const mode of ['off', 'skip'] as const) {
      const h = new Harness();
      h.session.replyMode = mode;
      h.start(h.session, 'WAIT', '1', '100');
      h.advance(100);
      expect(h.replies()).toEqual([]);
      expect((h.session.io as FakeIo).resumeCount).toBe(1);
    }
  });

  test('that waits for nothing can not be unblocked', () => {
    const h = new Harness();
    expect(h.model.pauses.unblock(h.session, false)).toBe(false);
  });
});

describe('the log is full', () => {
  test('writes wait until it is not; CLIENT PAUSE counts beside it', () => {
    const h = new Harness();
    const io = h.session.io as FakeIo;
    const { pauses } = h.model;
    pauses.holdForLog(true);
    expect(h.start(h.session, 'GET', 'k')).toBe(RAN);
    expect(h.start(h.session, 'SET', 'k', '1')).toBe(POSTPONED);
    pauses.pause('all', h.state.nowMs + 100, h.state.nowMs);
    expect(h.start(h.session, 'GET', 'k')).toBe(POSTPONED);
    h.advance(100);
    expect([pauses.mode, io.resumeCount]).toEqual(['write', 1]); // a look again, and it waits on
    expect(h.start(h.session, 'SET', 'k', '1')).toBe(POSTPONED);
    pauses.unpause();
    expect(pauses.mode).toBe('write');
    pauses.holdForLog(false);
    expect([pauses.mode, io.resumeCount]).toEqual(['off', 2]);
    expect(h.start(h.session, 'SET', 'k', '1')).toBe(RAN);
  });
});
