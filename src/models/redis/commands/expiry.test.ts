import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

const NOW = 1_700_000_000_000;
const NOT_INTEGER = { error: 'ERR value is not an integer or out of range' };
const invalid = (name: string): object => ({
  error: `ERR invalid expire time in '${name}' command`,
});

function withKey(...options: string[]): Harness {
  const h = new Harness();
  h.run('SET', 'k', 'v', ...options);
  h.effects();
  return h;
}

describe('EXPIRE and its kin', () => {
  test.each([
    ['EXPIRE', '100', NOW + 100_000],
    ['PEXPIRE', '100', NOW + 100],
    ['EXPIREAT', '1700000100', NOW + 100_000],
    ['PEXPIREAT', '1700000000100', NOW + 100],
  ])('%s %s', (name, argument, time) => {
    const h = withKey();
    h.watchEvents();
    expect(h.run(name, 'k', argument)).toBe(1);
    expect(h.run('PEXPIRETIME', 'k')).toBe(time);
    expect(h.effects()).toEqual([['PEXPIREAT', 'k', String(time)]]);
    expect(h.events()).toEqual(['expire k']);
    expect(h.run(name, 'none', argument)).toBe(0);
    expect(h.effects()).toEqual([]);
  });

  test.each([
    ['EXPIRE', '0'],
    ['PEXPIRE', '-1'],
    ['EXPIREAT', '1'],
    ['PEXPIREAT', String(NOW)],
    ['PEXPIREAT', '-9223372036854770000'],
  ])('%s %s deletes', (name, argument) => {
    const h = withKey();
    h.watchEvents();
    expect(h.run(name, 'k', argument)).toBe(1);
    expect(h.run('EXISTS', 'k')).toBe(0);
    expect(h.effects()).toEqual([['DEL', 'k']]);
    expect(h.events()).toEqual(['del k', 'keymiss k']);
    expect(h.model.stats.expiredKeys).toBe(0);
  });

  test('lazyfree-lazy-expire makes the deletion an UNLINK', () => {
    const h = new Harness({ settings: { 'lazyfree-lazy-expire': 'yes' } });
    h.run('SET', 'k', 'v');
    h.effects();
    h.run('EXPIRE', 'k', '-5');
    expect(h.effects()).toEqual([['UNLINK', 'k']]);
  });

  test('an expired key can not be revived', () => {
    const h = withKey('PX', '10');
    h.advance(11);
    h.effects();
    expect(h.run('EXPIRE', 'k', '10')).toBe(0);
    expect(h.effects()).toEqual([['DEL', 'k']]);
  });

  test('in the log a time that is past sets an expiry and deletes nothing', () => {
    const h = withKey();
    h.model.isReplaying = true;
    h.run('PEXPIREAT', 'k', '5');
    expect(h.dump()['0:k']?.expiry).toBe(5);
    h.model.isReplaying = false;
    expect(h.run('GET', 'k')).toBe(null);
  });

  test.each([
    ['EXPIRE', '9223370399119966'],
    ['EXPIRE', '9223372036854776'],
    ['EXPIRE', '10000000000000000'],
    ['EXPIRE', '-9223372036854776'],
    ['PEXPIRE', '9223372036854770000'],
    ['EXPIREAT', '9223372036854776'],
  ])('%s %s overflows', (name, argument) => {
    const h = withKey();
    expect(h.run(name, 'k', argument)).toEqual(invalid(name.toLowerCase()));
    expect(h.run('TTL', 'k')).toBe(-1);
    // The time is checked before the key is looked for.
    expect(h.run(name, 'none', argument)).toEqual(invalid(name.toLowerCase()));
  });

  test('a time beyond 2^53 is kept', () => {
    const h = withKey();
    expect(h.run('PEXPIREAT', 'k', '9223372036854770000')).toBe(1);
    const [effect] = h.effects();
    expect(Math.abs(Number(effect![2]) - 9223372036854770000)).toBeLessThan(2048);
    expect(BigInt(effect![2]!)).toBeLessThan(2n ** 63n);
    expect(BigInt(h.run('PEXPIRETIME', 'k') as bigint)).toBe(BigInt(effect![2]!));
    expect(h.run('PEXPIREAT', 'k', '9223372036854775807')).toBe(1);
    expect(BigInt(h.run('PEXPIRETIME', 'k') as bigint)).toBeLessThan(2n ** 63n);
  });

  test('errors, in order: options, then the number', () => {
    const h = withKey();
    expect(h.run('EXPIRE', 'k', '')).toEqual(NOT_INTEGER);
    expect(h.run('EXPIRE', 'k', '1.5')).toEqual(NOT_INTEGER);
    expect(h.run('EXPIRE', 'k', 'x', 'AB')).toEqual({ error: 'ERR Unsupported option AB' });
    expect(h.run('EXPIRE', 'k', '200', 'XX', 'AB')).toEqual({ error: 'ERR Unsupported option AB' });
    for (const other of ['XX', 'GT', 'LT']) {
      expect(h.run('EXPIRE', 'k', 'x', 'NX', other)).toEqual({
        error: 'ERR NX and XX, GT or LT options at the same time are not compatible',
      });
    }
    expect(h.run('EXPIRE', 'k', 'x', 'LT', 'gt')).toEqual({
      error: 'ERR GT and LT options at the same time are not compatible',
    });
    expect(h.run('EXPIRE', 'k', 'x', 'xx', 'gt')).toEqual(NOT_INTEGER);
  });

  test('conditions: every combination against their definition', () => {
    const conditions = ['NX', 'XX', 'GT', 'LT'] as const;
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        fc.integer({ min: -2, max: 6 }),
        fc.subarray([...conditions]),
        (current, wanted, given) => {
          const h = withKey(...(current === undefined ? [] : ['EX', String(current)]));
          const reply = h.run('EXPIRE', 'k', String(wanted), ...given);
          const has = (name: (typeof conditions)[number]): boolean => given.includes(name);
          if ((has('NX') && given.length > 1) || (has('GT') && has('LT'))) {
            expect(reply).toHaveProperty('error');
            return;
          }
          const infinite = current ?? Infinity;
          const isSet =
            (!has('NX') || current === undefined) &&
            (!has('XX') || current !== undefined) &&
            (!has('GT') || wanted > infinite) &&
            (!has('LT') || wanted < infinite);
          expect(reply).toBe(isSet ? 1 : 0);
          const ttl = isSet ? (wanted <= 0 ? -2 : wanted) : (current ?? -1);
          expect(h.run('TTL', 'k')).toBe(ttl);
          expect(h.effects().length).toBe(isSet ? 1 : 0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('TTL and its kin', () => {
  test('of nothing and of what does not expire', () => {
    const h = withKey();
    for (const name of ['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']) {
      expect(h.run(name, 'k')).toBe(-1);
      expect(h.run(name, 'none')).toBe(-2);
    }
  });

  test('seconds are rounded', () => {
    const h = withKey('PX', '1499');
    expect(h.run('TTL', 'k')).toBe(1);
    h.run('PEXPIRE', 'k', '1500');
    expect(h.run('TTL', 'k')).toBe(2);
    expect(h.run('PTTL', 'k')).toBe(1500);
    h.run('PEXPIREAT', 'k', String(NOW + 10_499));
    expect(h.run('EXPIRETIME', 'k')).toBe(1_700_000_010);
    h.run('PEXPIREAT', 'k', String(NOW + 10_500));
    expect(h.run('EXPIRETIME', 'k')).toBe(1_700_000_011);
    expect(h.run('PEXPIRETIME', 'k')).toBe(NOW + 10_500);
  });

  test('count as look-ups and are no use of the key', () => {
    const h = withKey();
    h.advance(9_000);
    h.run('TTL', 'k');
    h.run('PTTL', 'none');
    expect(h.run('OBJECT', 'IDLETIME', 'k')).toBe(9);
    expect([h.model.stats.keyspaceHits, h.model.stats.keyspaceMisses]).toEqual([2, 1]);
  });
});

describe('PERSIST', () => {
  test('undoes an expiry', () => {
    const h = withKey('EX', '50');
    h.watchEvents();
    expect(h.run('PERSIST', 'k')).toBe(1);
    expect(h.run('TTL', 'k')).toBe(-1);
    expect(h.effects()).toEqual([['PERSIST', 'k']]);
    expect(h.events()).toEqual(['persist k']);
    h.advance(60_000);
    expect(h.run('GET', 'k')).toBe('v');
  });

  test('of what does not expire', () => {
    const h = withKey();
    expect(h.run('PERSIST', 'k')).toBe(0);
    expect(h.run('PERSIST', 'none')).toBe(0);
    expect(h.effects()).toEqual([]);
  });
});
