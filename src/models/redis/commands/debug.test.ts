import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

function debugging(): Harness {
  return new Harness({ settings: { 'enable-debug-command': 'yes' } });
}

describe('DEBUG', () => {
  test('is refused unless allowed', () => {
    const h = new Harness();
    expect(h.run('DEBUG', 'HELP')).toMatchObject({
      error: expect.stringMatching(/^ERR DEBUG command not allowed\. If the enable-debug-command/),
    });
    expect((debugging().run('DEBUG', 'HELP') as string[])[0]).toBe(
      'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
    );
  });

  test('what it does not know', () => {
    const h = debugging();
    for (const args of [['x'], ['sleep'], ['digest', 'x'], ['constructor']]) {
      expect(h.run('DEBUG', ...args)).toEqual({
        error: `ERR unknown subcommand or wrong number of arguments for '${args[0]}'. Try DEBUG HELP.`,
      });
    }
  });

  test('what it accepts without an effect', () => {
    const h = debugging();
    for (const line of [
      'PAUSE-CRON 1',
      'REPLYBUFFER PEAK-RESET-TIME 100',
      'QUICKLIST-PACKED-THRESHOLD 200b',
      'SET-DISABLE-DENY-SCRIPTS 1',
      'CHANGE-REPL-ID',
    ]) {
      expect(h.run('DEBUG', ...line.split(' '))).toBe('OK');
    }
  });

  test('SLEEP, LOG, ERROR, SET-ACTIVE-EXPIRE', () => {
    const h = debugging();
    const before = h.state.nowMs;
    expect(h.run('DEBUG', 'SLEEP', '1.5')).toBe('OK');
    expect(h.state.nowMs).toBe(before + 1500);
    expect(h.run('DEBUG', 'SLEEP', 'x')).toBe('OK');
    expect(h.run('DEBUG', 'LOG', 'hello')).toBe('OK');
    expect(h.state.logged).toContain('warning: DEBUG LOG: hello');
    expect(h.run('DEBUG', 'ERROR', 'MY error\r\nof two lines')).toEqual({
      error: 'MY error  of two lines',
    });
    h.run('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    expect(h.model.isActiveExpireOn).toBe(false);
    h.run('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
    expect(h.model.isActiveExpireOn).toBe(true);
  });

  test('OBJECT', () => {
    const h = debugging();
    h.run('SET', 'a', '12345');
    h.run('SET', 'b', 'x'.repeat(100));
    const line = h.run('DEBUG', 'OBJECT', 'a') as string;
    expect(line).toMatch(
      /^Value at:0x[0-9a-f]+ refcount:1 encoding:int serializedlength:3 lru:\d+ lru_seconds_idle:0$/,
    );
    expect(h.run('DEBUG', 'OBJECT', 'b')).toMatch(/ encoding:raw serializedlength:102 /);
    expect(h.run('DEBUG', 'OBJECT', 'none')).toEqual({ error: 'ERR no such key' });
    const clock = (text: string): string => /lru:(\d+)/.exec(text)![1]!;
    h.advance(5000);
    expect(clock(h.run('DEBUG', 'OBJECT', 'a') as string)).toBe(clock(line));
    h.run('GET', 'a');
    expect(Number(clock(h.run('DEBUG', 'OBJECT', 'a') as string))).toBe(Number(clock(line)) + 5);
  });

  test('RELOAD and LOADAOF ask the persistence', () => {
    const h = debugging();
    const calls: string[] = [];
    const persistence = h.model.host.persistence as { reload: () => string | undefined };
    persistence.reload = () => void calls.push('reload');
    expect(h.run('DEBUG', 'RELOAD')).toBe('OK');
    expect(h.run('DEBUG', 'RELOAD', 'NOSAVE')).toBe('OK');
    expect(h.run('DEBUG', 'LOADAOF')).toBe('OK');
    expect(h.run('DEBUG', 'RELOAD', 'x')).toEqual({
      error: 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.',
    });
    expect(calls.length).toBe(3);
    persistence.reload = () => 'the disk is gone';
    expect(h.run('DEBUG', 'RELOAD')).toEqual({
      error: 'ERR Error trying to load the RDB dump, check server logs.',
    });
    expect(h.run('DEBUG', 'LOADAOF')).toEqual({
      error: 'ERR Error trying to load the AOF files, check server logs.',
    });
    expect(h.state.logged).toContain('warning: the disk is gone');
  });

  test('crashes go through the host', () => {
    const h = debugging();
    let crashes = 0;
    (h.model.host as { crash: () => void }).crash = () => void crashes++;
    for (const word of ['SEGFAULT', 'PANIC', 'RESTART', 'ASSERT', 'OOM', 'CRASH-AND-RECOVER']) {
      h.run('DEBUG', word);
    }
    expect(crashes).toBe(6);
  });

  test('HTSTATS and HTSTATS-KEY', () => {
    const h = debugging();
    expect(h.run('DEBUG', 'HTSTATS', '0')).toMatch(/No stats available for empty dictionaries/);
    h.run('SET', 'a', '1', 'EX', '10');
    expect(h.run('DEBUG', 'HTSTATS', '0', 'full')).toMatch(
      /^\[Dictionary HT\]\n table size: \d+\n number of elements: 1\n.*\[Expires HT\]\n number of elements: 1\n$/s,
    );
    expect(h.run('DEBUG', 'HTSTATS', '16')).toEqual({ error: 'ERR Out of range database' });
    expect(h.run('DEBUG', 'HTSTATS-KEY', 'none')).toEqual({ error: 'ERR no such key' });
    expect(h.run('DEBUG', 'HTSTATS-KEY', 'a')).toMatchObject({
      error: expect.stringMatching(/not represented using an hash table$/),
    });
  });
});

describe('DEBUG DIGEST', () => {
  test('as Redis computes it', () => {
    const h = debugging();
    expect(h.run('DEBUG', 'DIGEST')).toBe('0'.repeat(40));
    h.run('SET', 'foo', 'bar');
    h.run('SET', 'n', '12345');
    h.run('SELECT', '3');
    h.run('SET', 'v', 'x'.repeat(100), 'EX', '1000');
    // Of redis-server with the same three keys.
    expect(h.run('DEBUG', 'DIGEST')).toBe(DIGEST);
    expect(h.run('DEBUG', 'DIGEST-VALUE', 'v', 'none')).toEqual([VALUE_DIGEST, '0'.repeat(40)]);
  });

  test('large values, whatever their chunks', () => {
    const h = debugging();
    h.run('SET', 'a', 'y'.repeat(200_000));
    h.run('APPEND', 'b', 'y'.repeat(150_000));
    h.run('APPEND', 'b', 'y'.repeat(50_000));
    const [a, b] = h.run('DEBUG', 'DIGEST-VALUE', 'a', 'b') as string[];
    expect(a).toBe(b);
  });
});

const DIGEST = '9c5a8cb60662c64387a13e16e0d3e01906b36ab3';
const VALUE_DIGEST = '8fc74748c69613f759a14900dd1fa0c532737d52';

describe('DEBUG POPULATE', () => {
  test('makes keys that are absent, and logs them', () => {
    const h = debugging();
    h.run('SET', 'key:1', 'mine');
    expect(h.run('DEBUG', 'POPULATE', '3')).toBe('OK');
    expect(Object.entries(h.dump()).map(([key, held]) => [key, held.value])).toEqual([
      ['0:key:0', 'value:0'],
      ['0:key:1', 'mine'],
      ['0:key:2', 'value:2'],
    ]);
    expect(h.run('DEBUG', 'POPULATE', '2', 'p', '10')).toBe('OK');
    expect(h.run('GET', 'p:1')).toBe('value:1\0\0\0');
    h.run('DEBUG', 'POPULATE', '12', 'q', '3');
    expect(h.run('GET', 'q:11')).toBe('val');
    expect(h.replayed().dump()).toEqual(h.dump());
  });

  test('in a transaction it is part of its entry', () => {
    const h = debugging();
    h.run('MULTI');
    h.run('SET', 'a', '1');
    h.run('DEBUG', 'POPULATE', '2');
    h.run('EXEC');
    expect(h.effectsOnly().map((effect) => effect[0])).toEqual([
      'MULTI',
      'SET',
      'SET',
      'SET',
      'EXEC',
    ]);
  });

  test('wrong arguments', () => {
    const h = debugging();
    for (const args of [['-1'], ['x'], ['1', 'k', '-1']]) {
      expect(h.run('DEBUG', 'POPULATE', ...args)).toEqual({
        error: 'ERR value is out of range, must be positive',
      });
    }
  });
});

describe('DEBUG PROTOCOL', () => {
  const types: [string, string, string][] = [
    ['string', '$11\r\nHello World\r\n', '$11\r\nHello World\r\n'],
    ['integer', ':12345\r\n', ':12345\r\n'],
    ['double', '$5\r\n3.141\r\n', ',3.141\r\n'],
    [
      'bignum',
      '$37\r\n1234567999999999999999999999999999999\r\n',
      '(1234567999999999999999999999999999999\r\n',
    ],
    ['null', '$-1\r\n', '_\r\n'],
    ['array', '*3\r\n:0\r\n:1\r\n:2\r\n', '*3\r\n:0\r\n:1\r\n:2\r\n'],
    ['set', '*3\r\n:0\r\n:1\r\n:2\r\n', '~3\r\n:0\r\n:1\r\n:2\r\n'],
    [
      'map',
      '*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n',
      '%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n',
    ],
    [
      'attrib',
      '$39\r\nSome real reply following the attribute\r\n',
      '|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n',
    ],
    [
      'push',
      '-ERR RESP2 is not supported by this command\r\n',
      '>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n',
    ],
    [
      'verbatim',
      '$25\r\nThis is a verbatim\nstring\r\n',
      '=29\r\ntxt:This is a verbatim\nstring\r\n',
    ],
    ['true', ':1\r\n', '#t\r\n'],
    ['false', ':0\r\n', '#f\r\n'],
  ];

  test.each(types)('%s', (type, resp2, resp3) => {
    const h = debugging();
    expect(h.raw('DEBUG', 'PROTOCOL', type)).toBe(resp2);
    h.session.resp = 3;
    expect(h.raw('debug', 'protocol', type.toUpperCase())).toBe(resp3);
  });

  test('another', () => {
    expect(debugging().run('DEBUG', 'PROTOCOL', 'x')).toMatchObject({
      error: expect.stringMatching(/^ERR Wrong protocol type name/),
    });
  });
});
