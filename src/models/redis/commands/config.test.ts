import { describe, expect, test } from 'vitest';
import type { Reply } from '../testing/decode-reply.ts';
import { Harness } from '../testing/harness.ts';
import { EVENT } from '../notify.ts';

function get(h: Harness, ...patterns: string[]): Record<string, Reply> {
  const flat = h.run('CONFIG', 'GET', ...patterns) as Reply[];
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2] as string, flat[i * 2 + 1]!]),
  );
}

describe('CONFIG GET', () => {
  test('names, patterns, aliases, each once', () => {
    const h = new Harness();
    expect(get(h, 'maxmemory')).toEqual({ maxmemory: '0' });
    expect(get(h, 'MaxMemory', 'maxmemory', 'nope')).toEqual({ MaxMemory: '0' });
    const found = get(h, 'maxmemory', 'maxmemory*', 'bind', 'hash-max-ziplist-*');
    expect(Object.keys(found)).toEqual(
      expect.arrayContaining(['maxmemory', 'maxmemory-samples', 'bind', 'hash-max-ziplist-value']),
    );
    expect((h.run('CONFIG', 'GET', 'maxmemory', 'maxmemory*') as Reply[]).length).toBe(
      Object.keys(get(h, 'maxmemory*')).length * 2,
    );
    h.session.resp = 3;
    expect(h.run('CONFIG', 'GET', 'maxmemory')).toEqual({ map: [['maxmemory', '0']] });
  });
});

describe('CONFIG SET', () => {
  test('several at once, all or none', () => {
    const h = new Harness();
    expect(h.run('CONFIG', 'SET', 'maxmemory-samples', '7', 'timeout', '9')).toBe('OK');
    expect(h.run('CONFIG', 'SET', 'maxmemory-samples', '8', 'timeout', '-1')).toMatchObject({
      error: expect.stringMatching(
        /^ERR CONFIG SET failed \(possibly related to argument 'timeout'\) - /,
      ),
    });
    expect(get(h, 'maxmemory-samples', 'timeout')).toEqual({
      'maxmemory-samples': '7',
      timeout: '9',
    });
  });

  test('errors', () => {
    const h = new Harness();
    const set = (...args: string[]): Reply => h.run('CONFIG', 'SET', ...args);
    expect(set('maxmemory')).toEqual({
      error: "ERR wrong number of arguments for 'config|set' command",
    });
    expect(set('maxmemory', '1', 'timeout')).toEqual({ error: 'ERR syntax error' });
    expect(set('nope', '1')).toEqual({
      error: "ERR Unknown option or number of arguments for CONFIG SET - 'nope'",
    });
    expect(set('daemonize', 'yes')).toEqual({
      error:
        "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config",
    });
    // All names are looked at before the first value is.
    expect(set('timeout', 'bad', 'Timeout', '2')).toEqual({
      error: "ERR CONFIG SET failed (possibly related to argument 'Timeout') - duplicate parameter",
    });
    expect(set('TIMEOUT', 'bad')).toMatchObject({
      error: expect.stringContaining("argument 'timeout') - "),
    });
  });

  test('protected settings need leave', () => {
    const refused = {
      error:
        "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
    };
    const h = new Harness();
    expect(h.run('CONFIG', 'SET', 'dir', '/tmp')).toEqual(refused);
    const local = new Harness({ settings: { 'enable-protected-configs': 'local' } });
    expect(local.run('CONFIG', 'SET', 'dir', '/tmp')).not.toEqual(refused);
    (local.session.io as { isLocal: boolean }).isLocal = false;
    expect(local.run('CONFIG', 'SET', 'dir', '/tmp')).toEqual(refused);
  });

  test('takes effect in the model at once', () => {
    const h = new Harness();
    const { model } = h;
    const set = (name: string, value: string): void => {
      expect(h.run('CONFIG', 'SET', name, value)).toBe('OK');
    };
    set('slowlog-log-slower-than', '-1');
    set('slowlog-max-len', '7');
    expect([model.slowlog.thresholdUs, model.slowlog.maxLength]).toEqual([-1, 7]);
    set('latency-monitor-threshold', '50');
    set('latency-tracking', 'no');
    set('latency-tracking-info-percentiles', '0.0 50.0 100.0');
    expect([model.latency.thresholdMs, model.latency.isTracking]).toEqual([50, false]);
    expect(model.latency.percentiles).toEqual([0, 50, 100]);
    set('notify-keyspace-events', 'KEx');
    expect(model.eventClasses).toBe(EVENT.keyspace | EVENT.keyevent | EVENT.expired);
    set('maxmemory-policy', 'volatile-lfu');
    set('lfu-log-factor', '3');
    set('lfu-decay-time', '2');
    const { engine } = h;
    expect([engine.useLfu, engine.lfuLogFactor, engine.lfuDecayTimeMinutes]).toEqual([true, 3, 2]);
    set('maxmemory-policy', 'allkeys-lru');
    expect(engine.useLfu).toBe(false);
  });

  test('requirepass: who is in stays in; without one everybody is', () => {
    const h = new Harness();
    h.run('CONFIG', 'SET', 'requirepass', 'pw');
    expect(h.run('GET', 'a')).toBe(null);
    const other = h.connect();
    other.isAuthenticated = false;
    expect(h.runAs(other, 'GET', 'a')).toEqual({ error: 'NOAUTH Authentication required.' });
    h.run('CONFIG', 'SET', 'requirepass', '');
    expect(h.runAs(other, 'GET', 'a')).toBe(null);
  });

  test('a password of more than ASCII, however it came', () => {
    const utf8 = Buffer.from('päss', 'utf8');
    const fromFile = new Harness({ settings: { requirepass: 'päss' } });
    fromFile.session.isAuthenticated = false;
    expect(fromFile.run('AUTH', utf8)).toBe('OK');
    const overTheWire = new Harness();
    overTheWire.run('CONFIG', 'SET', 'requirepass', utf8);
    expect(overTheWire.run('AUTH', utf8)).toBe('OK');
    expect(overTheWire.raw('CONFIG', 'GET', 'requirepass')).toBe(
      `*2\r\n$11\r\nrequirepass\r\n$5\r\n${utf8.toString('latin1')}\r\n`,
    );
  });
});

test('CONFIG RESETSTAT counts itself, however often', () => {
  const h = new Harness();
  for (let i = 0; i < 5; i++) {
    h.run('CONFIG', 'RESETSTAT');
    expect(h.run('INFO', 'commandstats')).toMatch(
      /\r\ncmdstat_config\|resetstat:calls=1,usec=0,usec_per_call=0.00,/,
    );
  }
  h.run('GET', 'a');
  h.run('nope');
  h.run('GET');
  expect(h.run('CONFIG', 'RESETSTAT')).toBe('OK');
  const info = h.run('INFO', 'commandstats', 'errorstats', 'stats') as string;
  expect(info).toMatch(/\r\ncmdstat_config\|resetstat:calls=1,/);
  expect(info).not.toMatch(/cmdstat_get/);
  expect(info).not.toMatch(/errorstat_/);
  expect(info).toMatch(/\r\ntotal_commands_processed:1\r\n/);
  expect(info).toMatch(/\r\ntotal_error_replies:0\r\n/);
  expect(info).toMatch(/\r\nkeyspace_misses:0\r\n/);
});

describe('CONFIG REWRITE', () => {
  test('without a file, with one, and where that fails', () => {
    const h = new Harness();
    expect(h.run('CONFIG', 'REWRITE')).toEqual({
      error: 'ERR The server is running without a config file',
    });
    (h.model.host as { configFile: string }).configFile = '/etc/kvasir.conf';
    const written: boolean[] = [];
    h.settings.rewriter = (writeAll) => void written.push(writeAll);
    expect(h.run('CONFIG', 'REWRITE')).toBe('OK');
    expect(written).toEqual([false]);
    h.settings.rewriter = () => 'Permission denied';
    expect(h.run('CONFIG', 'REWRITE')).toEqual({
      error: 'ERR Rewriting config file: Permission denied',
    });
  });

  test('DEBUG CONFIG-REWRITE-FORCE-ALL writes defaults too', () => {
    const h = new Harness({ settings: { 'enable-debug-command': 'yes' } });
    const written: boolean[] = [];
    h.settings.rewriter = (writeAll) => void written.push(writeAll);
    expect(h.run('DEBUG', 'CONFIG-REWRITE-FORCE-ALL')).toBe('OK');
    expect(written).toEqual([true]);
  });
});
