import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

describe('OBJECT', () => {
  test('ENCODING', () => {
    const h = new Harness();
    h.run('MSET', 'int', '12345', 'short', 'abc', 'long', 'x'.repeat(45));
    expect(h.run('OBJECT', 'ENCODING', 'int')).toBe('int');
    expect(h.run('OBJECT', 'ENCODING', 'short')).toBe('embstr');
    expect(h.run('object', 'encoding', 'long')).toBe('raw');
    expect(h.run('OBJECT', 'ENCODING', 'none')).toBe(null);
  });

  test('REFCOUNT: small integers are shared', () => {
    const h = new Harness();
    h.run('MSET', 'zero', '0', 'last', '9999', 'large', '10000', 'negative', '-1', 'text', 'a');
    expect(h.run('OBJECT', 'REFCOUNT', 'zero')).toBe(2147483647);
    expect(h.run('OBJECT', 'REFCOUNT', 'last')).toBe(2147483647);
    expect(h.run('OBJECT', 'REFCOUNT', 'large')).toBe(1);
    expect(h.run('OBJECT', 'REFCOUNT', 'negative')).toBe(1);
    expect(h.run('OBJECT', 'REFCOUNT', 'text')).toBe(1);
    expect(h.run('OBJECT', 'REFCOUNT', 'none')).toBe(null);
  });

  test('IDLETIME without an LFU policy, FREQ with one', () => {
    const h = new Harness({ settings: { 'maxmemory-policy': 'noeviction' } });
    h.run('SET', 'a', '1');
    h.advance(7_500);
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(7);
    expect(h.run('OBJECT', 'FREQ', 'a')).toMatchObject({
      error: expect.stringMatching(
        /^ERR An LFU maxmemory policy is not selected, access frequency not tracked\. /,
      ),
    });
    expect(h.run('OBJECT', 'FREQ', 'none')).toBe(null);

    const lfu = new Harness({ settings: { 'maxmemory-policy': 'allkeys-lfu' } });
    lfu.engine.useLfu = true;
    lfu.run('SET', 'a', '1');
    expect(lfu.run('OBJECT', 'FREQ', 'a')).toBe(5);
    expect(lfu.run('OBJECT', 'IDLETIME', 'a')).toMatchObject({
      error: expect.stringMatching(
        /^ERR An LFU maxmemory policy is selected, idle time not tracked\. /,
      ),
    });
  });

  test('is no use of the key, and tells of no miss', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.advance(5_000);
    h.watchEvents();
    h.run('OBJECT', 'ENCODING', 'a');
    h.run('OBJECT', 'ENCODING', 'b');
    expect(h.run('OBJECT', 'IDLETIME', 'a')).toBe(5);
    expect(h.events()).toEqual([]);
    expect([h.model.stats.keyspaceHits, h.model.stats.keyspaceMisses]).toEqual([2, 1]);
  });

  test('an expired key is deleted', () => {
    const h = new Harness();
    h.run('SET', 'a', '1', 'PX', '5');
    h.advance(6);
    h.effects();
    expect(h.run('OBJECT', 'ENCODING', 'a')).toBe(null);
    expect(h.effects()).toEqual([['DEL', 'a']]);
  });

  test('HELP and unknown subcommands', () => {
    const h = new Harness();
    const help = h.run('OBJECT', 'HELP') as string[];
    expect(help[0]).toBe('OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    expect(help).toContain('ENCODING key');
    expect(h.run('OBJECT', 'nope')).toEqual({
      error: "ERR unknown subcommand 'nope'. Try OBJECT HELP.",
    });
    expect(h.run('OBJECT', 'freq')).toEqual({
      error: "ERR wrong number of arguments for 'object|freq' command",
    });
  });
});
