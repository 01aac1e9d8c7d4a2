import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Session } from './session.ts';
import { Harness } from './testing/harness.ts';

/** Whether the transaction that follows fails. */
function fails(h: Harness, session: Session = h.session): boolean {
  h.runAs(session, 'MULTI');
  h.runAs(session, 'PING');
  return h.runAs(session, 'EXEC') === null;
}

describe('a watched key', () => {
  const touching: [string, (h: Harness) => void][] = [
    ['SET', (h) => h.run('SET', 'k', '2')],
    ['DEL', (h) => h.run('DEL', 'k')],
    ['EXPIRE', (h) => h.run('EXPIRE', 'k', '10')],
    ['EXPIRE in the past', (h) => h.run('EXPIRE', 'k', '-1')],
    ['PERSIST', (h) => h.run('PERSIST', 'volatile')],
    ['RENAME from', (h) => h.run('RENAME', 'k', 'x')],
    ['RENAME to', (h) => h.run('RENAME', 'volatile', 'k')],
    ['COPY to', (h) => h.run('COPY', 'volatile', 'k', 'REPLACE')],
    ['MOVE from', (h) => h.run('MOVE', 'k', '1')],
    ['FLUSHDB', (h) => h.run('FLUSHDB')],
    ['FLUSHALL', (h) => h.run('FLUSHALL')],
    ['SWAPDB', (h) => h.run('SWAPDB', '1', '0')],
    ['expiry, not met yet', (h) => h.advance(1_000_001)],
    ['expiry, deleted', (h) => (h.advance(1_000_001), h.model.expireDue())],
  ];
  test.each(touching)('fails the transaction: %s', (_name, touch) => {
    const h = new Harness();
    h.run('SET', 'k', '1');
    h.run('SET', 'volatile', '1', 'PX', '1000000');
    h.run('WATCH', 'k', 'volatile');
    touch(h);
    expect(fails(h)).toBe(true);
    expect(fails(h)).toBe(false);
  });

  const harmless: [string, (h: Harness) => void][] = [
    ['nothing', () => {}],
    ['reads', (h) => (h.run('GET', 'k'), h.run('EXISTS', 'k'), h.run('TTL', 'k'))],
    ['another key', (h) => h.run('SET', 'x', '1')],
    ['the key in another database', (h) => h.run('COPY', 'k', 'k', 'DB', '1')],
    ['a command that changed nothing', (h) => (h.run('PERSIST', 'k'), h.run('SETNX', 'k', '1'))],
    ['COPY from', (h) => h.run('COPY', 'k', 'y')],
    ['a database swapped with itself', (h) => h.run('SWAPDB', '0', '0')],
    ['UNWATCH after a change', (h) => (h.run('SET', 'k', '2'), h.run('UNWATCH'))],
    ['DISCARD after a change', (h) => (h.run('SET', 'k', '2'), h.run('MULTI'), h.run('DISCARD'))],
  ];
  test.each(harmless)('does not fail it: %s', (_name, touch) => {
    const h = new Harness();
    h.run('SET', 'k', '1');
    h.run('WATCH', 'k');
    touch(h);
    expect(fails(h)).toBe(false);
  });

  test('that is absent: set, or set and deleted again', () => {
    const h = new Harness();
    h.run('WATCH', 'k');
    expect(fails(h)).toBe(false);
    h.run('WATCH', 'k');
    h.run('SET', 'k', '1');
    h.run('DEL', 'k');
    expect(fails(h)).toBe(true);
  });

  test('that is absent: FLUSHALL and SWAPDB count only if it is elsewhere', () => {
    const h = new Harness();
    h.run('WATCH', 'k');
    h.run('FLUSHALL');
    h.run('SWAPDB', '0', '1');
    expect(fails(h)).toBe(false);
    h.session.database = 1;
    h.run('SET', 'k', '1');
    h.session.database = 0;
    h.run('WATCH', 'k');
    h.run('SWAPDB', '0', '1');
    expect(fails(h)).toBe(true);
  });

  test('of the session that watches it and of no other', () => {
    const h = new Harness();
    const other = h.connect();
    h.runAs(other, 'WATCH', 'k');
    h.run('WATCH', 'x');
    h.run('SET', 'k', '1');
    expect(fails(h, other)).toBe(true);
    expect(fails(h)).toBe(false);
  });

  test('is forgotten when the client goes', () => {
    const h = new Harness();
    const other = h.connect();
    h.runAs(other, 'WATCH', 'a', 'b');
    h.run('WATCH', 'a');
    h.model.disconnect(other);
    expect([...h.model.databases[0]!.watchers.keys()]).toEqual(['a']);
    h.run('UNWATCH');
    expect(h.model.databases[0]!.watchers.size).toBe(0);
  });

  test('leaves no table behind after EXEC, failed or not', () => {
    const h = new Harness();
    h.run('WATCH', 'a', 'b', 'a');
    expect(h.session.watched.size).toBe(2);
    fails(h);
    h.run('WATCH', 'a', 'b');
    h.run('SET', 'a', '1');
    expect(h.model.databases[0]!.watchers.size).toBe(0);
    expect(h.run('WATCH', 'c')).toBe('OK');
    fails(h);
    expect(h.model.databases[0]!.watchers.size).toBe(0);
  });
});

describe('a key that had expired when it was watched', () => {
  function stale(): Harness {
    const h = new Harness();
    h.run('SET', 'k', '1', 'PX', '5');
    h.advance(6);
    h.run('WATCH', 'k');
    return h;
  }

  test('may stay, be deleted, be flushed', () => {
    expect(fails(stale())).toBe(false);
    for (const command of [['EXISTS', 'k'], ['FLUSHDB'], ['FLUSHALL'], ['DEL', 'k']]) {
      const h = stale();
      h.run(...command);
      expect(fails(h)).toBe(false);
    }
    const h = stale();
    h.model.expireDue();
    expect(fails(h)).toBe(false);
  });

  test('may not be set anew', () => {
    const h = stale();
    h.run('SET', 'k', '2');
    expect(fails(h)).toBe(true);
    const other = stale();
    other.run('EXISTS', 'k');
    other.run('SET', 'k', '2');
    expect(fails(other)).toBe(true);
  });

  test('may be swapped with nothing or with another expired one', () => {
    const h = stale();
    h.run('SWAPDB', '0', '1');
    expect(fails(h)).toBe(false);

    const two = new Harness();
    two.run('SET', 'k', '1', 'PX', '5');
    two.run('COPY', 'k', 'k', 'DB', '1');
    two.advance(6);
    two.run('WATCH', 'k');
    two.run('SWAPDB', '0', '1');
    expect(fails(two)).toBe(false);
  });

  test('nothing may be swapped with an expired key', () => {
    const h = new Harness();
    h.run('SET', 'k', '1', 'PX', '5');
    h.advance(6);
    h.session.database = 1;
    h.run('WATCH', 'k');
    h.run('SWAPDB', '0', '1');
    expect(fails(h)).toBe(false);
  });

  test('may not be swapped with a live one', () => {
    const h = stale();
    h.session.database = 1;
    h.run('SET', 'k', '2');
    h.session.database = 0;
    h.run('SWAPDB', '0', '1');
    expect(fails(h)).toBe(true);
  });
});

test('a transaction fails exactly when what it watches was written since', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.tuple(fc.constant('WATCH'), key),
    fc.tuple(fc.constant('SET'), key),
    fc.tuple(fc.constant('DEL'), key),
    fc.tuple(fc.constant('GET'), key),
    fc.tuple(fc.constant('UNWATCH'), fc.constant('')),
    fc.tuple(fc.constant('FLUSHDB'), fc.constant('')),
    fc.tuple(fc.constant('EXEC'), fc.constant('')),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const h = new Harness();
      const writer = h.connect();
      const watched = new Set<string>();
      const present = new Set<string>();
      let isDirty = false;
      const touch = (name: string): void => void (isDirty ||= watched.has(name));
      for (const [name, on] of steps) {
        if (name === 'WATCH') {
          h.run('WATCH', on);
          watched.add(on);
        } else if (name === 'SET') {
          h.runAs(writer, 'SET', on, '1');
          present.add(on);
          touch(on);
        } else if (name === 'DEL') {
          h.runAs(writer, 'DEL', on);
          if (present.delete(on)) touch(on);
        } else if (name === 'FLUSHDB') {
          h.runAs(writer, 'FLUSHDB');
          for (const gone of present) touch(gone);
          present.clear();
        } else if (name === 'UNWATCH') {
          h.run('UNWATCH');
          watched.clear();
          isDirty = false;
        } else if (name === 'EXEC') {
          expect(fails(h)).toBe(isDirty);
          watched.clear();
          isDirty = false;
        }
      }
    }),
    { numRuns: 300 },
  );
});
