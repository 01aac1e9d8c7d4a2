import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

const SYNTAX = { error: 'ERR syntax error' };

/** Walks to the end, doing `meanwhile` between steps; all that was returned, in order. */
function walk(
  h: Harness,
  options: string[],
  meanwhile: (step: number) => void = () => {},
): string[] {
  const found: string[] = [];
  let cursor = '0';
  for (let step = 0; ; step++) {
    const [next, keys] = h.run('SCAN', cursor, ...options) as [string, string[]];
    found.push(...keys);
    if (next === '0') return found;
    expect(step).toBeLessThan(100_000);
    cursor = next;
    meanwhile(step);
  }
}

function filled(count: number): Harness {
  const h = new Harness();
  for (let i = 0; i < count; i++) h.run('SET', `key:${i}`, '1');
  return h;
}

describe('SCAN', () => {
  test.each(['1', '5', '10', '1000', '9223372036854775807'])(
    'with COUNT %s returns every key once while nothing changes',
    (count) => {
      const found = walk(filled(500), ['COUNT', count]);
      expect(found.length).toBe(500);
      expect(new Set(found).size).toBe(500);
    },
  );

  test('an empty database', () => {
    expect(walk(new Harness(), [])).toEqual([]);
  });

  test('COUNT bounds the keys of a step', () => {
    const h = filled(1000);
    const [, few] = h.run('SCAN', '0') as [string, string[]];
    expect(few.length).toBeGreaterThanOrEqual(10);
    expect(few.length).toBeLessThan(30);
    const [, more] = h.run('SCAN', '0', 'COUNT', '100') as [string, string[]];
    expect(more.length).toBeGreaterThanOrEqual(100);
    expect(more.length).toBeLessThan(130);
  });

  test('MATCH asks for a pattern after COUNT has counted', () => {
    const h = filled(1000);
    const [, keys] = h.run('SCAN', '0', 'MATCH', 'nothing*', 'COUNT', '10') as [string, string[]];
    expect(keys).toEqual([]);
    expect(walk(h, ['MATCH', 'key:1?']).length).toBe(10);
    expect(walk(h, ['match', '*', 'count', '50']).length).toBe(1000);
  });

  test('TYPE in any case; a type that does not exist matches nothing', () => {
    const h = filled(20);
    expect(walk(h, ['TYPE', 'String']).length).toBe(20);
    expect(walk(h, ['TYPE', 'hash'])).toEqual([]);
    expect(walk(h, ['TYPE', 'nonsense'])).toEqual([]);
  });

  test('deletes expired keys that match, each in an entry of its own', () => {
    const h = new Harness();
    for (const key of ['a1', 'a2', 'b1']) h.run('SET', key, '1', 'PX', '5');
    h.run('SET', 'a3', '1');
    h.advance(6);
    h.effects();
    expect(walk(h, ['MATCH', 'a*', 'COUNT', '100'])).toEqual(['a3']);
    const effects = h.effects().map((effect) => effect.join(' '));
    expect(effects.sort()).toEqual(['DEL a1', 'DEL a2']);
    expect(h.run('DBSIZE')).toBe(2);
    expect(walk(h, ['TYPE', 'hash', 'COUNT', '100'])).toEqual([]);
    expect(h.run('DBSIZE')).toBe(1);
  });

  test('any 64-bit number is a cursor', () => {
    const h = filled(10);
    const cursors = [
      '',
      '+0',
      '00',
      '18446744073709551615',
      '-1',
      '-18446744073709551615',
      '9007199254740993',
    ];
    for (const cursor of cursors) expect(h.run('SCAN', cursor)).toHaveLength(2);
    for (const cursor of ['x', ' 0', '0 ', '1.5', '18446744073709551616', '-', '0x10']) {
      expect(h.run('SCAN', cursor)).toEqual({ error: 'ERR invalid cursor' });
    }
  });

  test('checks its options in order', () => {
    const h = new Harness();
    expect(h.run('SCAN', '0', 'COUNT')).toEqual(SYNTAX);
    expect(h.run('SCAN', '0', 'COUNT', '0')).toEqual(SYNTAX);
    expect(h.run('SCAN', '0', 'COUNT', '-5')).toEqual(SYNTAX);
    expect(h.run('SCAN', '0', 'WHAT', 'ever')).toEqual(SYNTAX);
    expect(h.run('SCAN', '0', 'MATCH', '*', 'TYPE')).toEqual(SYNTAX);
    expect(h.run('SCAN', '0', 'COUNT', 'x', 'WHAT')).toEqual({
      error: 'ERR value is not an integer or out of range',
    });
    expect(h.run('SCAN', 'x', 'WHAT')).toEqual({ error: 'ERR invalid cursor' });
  });

  test('what stays is found, whatever comes, goes and is resized meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.record({ isAdding: fc.boolean(), count: fc.integer({ min: 1, max: 150 }) }), {
          maxLength: 60,
        }),
        (stay, count, changes) => {
          const h = new Harness();
          const kept = Array.from({ length: stay }, (_, i) => `stay:${i}`);
          for (const key of kept) h.run('SET', key, '1');
          let added = 0;
          let removed = 0;
          const found = walk(h, ['COUNT', String(count)], (step) => {
            const change = changes[step];
            if (change === undefined) return;
            for (let i = 0; i < change.count; i++) {
              if (change.isAdding) h.run('SET', `extra:${added++}`, '1');
              else if (removed < added) h.run('DEL', `extra:${removed++}`);
            }
          });
          const seen = new Set(found);
          expect(kept.filter((key) => !seen.has(key))).toEqual([]);
          for (const key of seen) expect(key).toMatch(/^(stay|extra):\d+$/);
        },
      ),
      { numRuns: 60 },
    );
  });
});
