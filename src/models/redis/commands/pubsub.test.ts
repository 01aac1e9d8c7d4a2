import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reply } from '../testing/decode-reply.ts';
import { Harness } from '../testing/harness.ts';

describe('subscriptions', () => {
  test('count up and down, channels and patterns together, shard channels apart', () => {
    const h = new Harness();
    const s = h.connect();
    expect(h.allAs(s, 'SUBSCRIBE', 'a', 'b')).toEqual([
      ['subscribe', 'a', 1],
      ['subscribe', 'b', 2],
    ]);
    expect(h.allAs(s, 'PSUBSCRIBE', 'p*')).toEqual([['psubscribe', 'p*', 3]]);
    expect(h.allAs(s, 'SSUBSCRIBE', 'a')).toEqual([['ssubscribe', 'a', 1]]);
    expect(h.allAs(s, 'SUBSCRIBE', 'a', 'a')).toEqual([
      ['subscribe', 'a', 3],
      ['subscribe', 'a', 3],
    ]);
    expect(h.allAs(s, 'UNSUBSCRIBE', 'a', 'x')).toEqual([
      ['unsubscribe', 'a', 2],
      ['unsubscribe', 'x', 2],
    ]);
    expect(h.allAs(s, 'PUNSUBSCRIBE')).toEqual([['punsubscribe', 'p*', 1]]);
    expect(h.allAs(s, 'UNSUBSCRIBE')).toEqual([['unsubscribe', 'b', 0]]);
    expect(s.isSubscriber).toBe(true);
    expect(h.allAs(s, 'SUNSUBSCRIBE')).toEqual([['sunsubscribe', 'a', 0]]);
    expect(s.isSubscriber).toBe(false);
    expect(s.subscriptionBytes).toBe(0);
  });

  test('to nothing: there is an answer all the same', () => {
    const h = new Harness();
    const s = h.session;
    expect(h.allAs(s, 'UNSUBSCRIBE')).toEqual([['unsubscribe', null, 0]]);
    expect(h.allAs(s, 'PUNSUBSCRIBE')).toEqual([['punsubscribe', null, 0]]);
    expect(h.allAs(s, 'SUNSUBSCRIBE')).toEqual([['sunsubscribe', null, 0]]);
    s.resp = 3;
    expect(h.raw('UNSUBSCRIBE')).toBe('>3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n');
  });

  test('in RESP2 only a few commands are allowed, in RESP3 all', () => {
    const h = new Harness();
    h.allAs(h.session, 'SUBSCRIBE', 'a');
    expect(h.run('GET', 'x')).toEqual({
      error:
        "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    });
    h.session.resp = 3;
    expect(h.run('GET', 'x')).toBe(null);
  });

  test('end with the client', () => {
    const h = new Harness();
    const s = h.connect();
    h.allAs(s, 'SUBSCRIBE', 'a');
    h.allAs(s, 'PSUBSCRIBE', '*');
    h.allAs(s, 'SSUBSCRIBE', 'a');
    h.model.disconnect(s);
    expect(h.run('PUBLISH', 'a', 'm')).toBe(0);
    expect(h.run('SPUBLISH', 'a', 'm')).toBe(0);
    expect(h.run('PUBSUB', 'NUMPAT')).toBe(0);
    expect(s.subscriptionBytes).toBe(0);
  });

  test('inside a transaction: shard channels are refused', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SUBSCRIBE', 'a');
    h.run('SSUBSCRIBE', 'a');
    h.run('UNSUBSCRIBE');
    expect(h.run('EXEC')).toEqual([
      ['subscribe', 'a', 1],
      { error: "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client" },
      ['unsubscribe', 'a', 0],
    ]);
  });
});

describe('messages', () => {
  test('to oneself follow the reply, in the protocol of the time', () => {
    const h = new Harness();
    h.run('HELLO', '3');
    h.run('SUBSCRIBE', 'a');
    h.run('MULTI');
    h.run('PUBLISH', 'a', 'before');
    h.run('HELLO', '2');
    h.run('PUBLISH', 'a', 'after');
    const raw = h.raw('EXEC');
    expect(raw.startsWith('*3\r\n:1\r\n')).toBe(true);
    expect(
      raw.endsWith(
        ':1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$6\r\nbefore\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nafter\r\n',
      ),
    ).toBe(true);
  });

  test('reach channels, patterns and shard channels', () => {
    const h = new Harness();
    const [a, b] = [h.connect(), h.connect()];
    h.allAs(a, 'SUBSCRIBE', 'news.art');
    h.allAs(a, 'PSUBSCRIBE', 'news.*', 'n?ws.*', 'other');
    h.allAs(b, 'SUBSCRIBE', 'news.art');
    h.allAs(b, 'SSUBSCRIBE', 'news.art');
    expect(h.run('PUBLISH', 'news.art', 'hello')).toBe(4);
    expect(h.replies(a)).toEqual([
      ['message', 'news.art', 'hello'],
      ['pmessage', 'news.*', 'news.art', 'hello'],
      ['pmessage', 'n?ws.*', 'news.art', 'hello'],
    ]);
    expect(h.replies(b)).toEqual([['message', 'news.art', 'hello']]);
    expect(h.run('SPUBLISH', 'news.art', 'hello')).toBe(1);
    expect(h.replies(a)).toEqual([]);
    expect(h.replies(b)).toEqual([['smessage', 'news.art', 'hello']]);
    expect(h.effects()).toEqual([]);
  });

  test('are pushes in RESP3, whatever the others speak', () => {
    const h = new Harness();
    const sessions = [2, 3, 2, 3, 3, 2].map((resp) => {
      const s = h.connect();
      s.resp = resp as 2 | 3;
      h.allAs(s, 'SUBSCRIBE', 'c');
      return s;
    });
    expect(h.run('PUBLISH', 'c', 'm')).toBe(6);
    for (const s of sessions) {
      const message = ['message', 'c', 'm'];
      expect(h.replies(s)).toEqual([s.resp === 3 ? { push: message } : message]);
    }
  });

  test('hold any bytes, and many', () => {
    const h = new Harness();
    const [a, b] = [h.connect(), h.connect()];
    const channel = '\x00\r\n\xff*';
    const message = '\xf0\x00x'.repeat(100_000);
    h.allAs(a, 'SUBSCRIBE', channel);
    h.allAs(b, 'PSUBSCRIBE', '*\xff\\*');
    expect(h.run('PUBLISH', channel, message)).toBe(2);
    expect(h.replies(a)).toEqual([['message', channel, message]]);
    expect(h.replies(b)).toEqual([['pmessage', '*\xff\\*', channel, message]]);
  });

  test('to oneself come behind the reply', () => {
    const h = new Harness();
    h.session.resp = 3;
    h.allAs(h.session, 'SUBSCRIBE', 'c');
    h.allAs(h.session, 'PSUBSCRIBE', '*');
    expect(h.allAs(h.session, 'PUBLISH', 'c', 'm')).toEqual([
      2,
      { push: ['message', 'c', 'm'] },
      { push: ['pmessage', '*', 'c', 'm'] },
    ]);
    h.allAs(h.session, 'PUNSUBSCRIBE');
    h.allAs(h.session, 'SSUBSCRIBE', 's');
    expect(h.allAs(h.session, 'SPUBLISH', 's', 'm')).toEqual([1, { push: ['smessage', 's', 'm'] }]);
  });

  test('of keyspace events to oneself, too', () => {
    const h = new Harness();
    h.watchEvents();
    h.session.resp = 3;
    h.allAs(h.session, 'PSUBSCRIBE', '__keyevent@0__:*');
    expect(h.allAs(h.session, 'SET', 'a', '1')).toEqual([
      'OK',
      { push: ['pmessage', '__keyevent@0__:*', '__keyevent@0__:new', 'a'] },
      { push: ['pmessage', '__keyevent@0__:*', '__keyevent@0__:set', 'a'] },
    ]);
  });

  test('of an expiry that no command caused come at once', () => {
    const h = new Harness();
    h.watchEvents();
    const s = h.connect();
    h.allAs(s, 'SUBSCRIBE', '__keyevent@0__:expired');
    h.run('SET', 'a', '1', 'PX', '5');
    h.advance(6);
    h.model.expireDue();
    expect(h.replies(s)).toEqual([['message', '__keyevent@0__:expired', 'a']]);
  });

  test('reach exactly those who listen', () => {
    const name = fc.constantFrom('a', 'ab', 'b');
    const pattern = fc.constantFrom('*', 'a*', '?', 'b');
    const step = fc.record({
      who: fc.integer({ min: 0, max: 3 }),
      command: fc.constantFrom('SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'PUBLISH'),
      name,
      pattern,
    });
    const isMatch = (p: string, n: string): boolean =>
      p === '*' || (p === 'a*' && n.startsWith('a')) || (p === '?' && n.length === 1) || p === n;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const h = new Harness();
        const clients = [2, 3, 2, 3].map((resp) => {
          const s = h.connect();
          s.resp = resp as 2 | 3;
          return { s, channels: new Set<string>(), patterns: new Set<string>() };
        });
        for (const { who, command, name: n, pattern: p } of steps) {
          const client = clients[who]!;
          if (command === 'PUBLISH') {
            let expected = 0;
            for (const { s } of clients) h.output.take(s);
            const got = h.run('PUBLISH', n, 'm');
            for (const { s, channels, patterns } of clients) {
              const mine =
                (channels.has(n) ? 1 : 0) + [...patterns].filter((x) => isMatch(x, n)).length;
              expect(h.replies(s).length).toBe(mine);
              expected += mine;
            }
            expect(got).toBe(expected);
          } else {
            const isPattern = command.startsWith('P');
            const set = isPattern ? client.patterns : client.channels;
            const on = isPattern ? p : n;
            if (command.includes('UN')) set.delete(on);
            else set.add(on);
            const [reply] = h.allAs(client.s, command, on);
            const list = (
              client.s.resp === 3 ? (reply as { push: Reply[] }).push : reply
            ) as Reply[];
            expect(list[2]).toBe(client.channels.size + client.patterns.size);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('PUBSUB', () => {
  test('CHANNELS, NUMSUB, NUMPAT and their shard kin', () => {
    const h = new Harness();
    const [a, b] = [h.connect(), h.connect()];
    h.allAs(a, 'SUBSCRIBE', 'one', 'two');
    h.allAs(b, 'SUBSCRIBE', 'one');
    h.allAs(a, 'PSUBSCRIBE', 'x*', 'y*');
    h.allAs(b, 'PSUBSCRIBE', 'x*');
    h.allAs(b, 'SSUBSCRIBE', 'shard');
    expect(h.run('PUBSUB', 'CHANNELS')).toEqual(['one', 'two']);
    expect(h.run('PUBSUB', 'CHANNELS', 't*')).toEqual(['two']);
    expect(h.run('PUBSUB', 'NUMSUB', 'one', 'none', 'two')).toEqual([
      'one',
      2,
      'none',
      0,
      'two',
      1,
    ]);
    expect(h.run('PUBSUB', 'NUMSUB')).toEqual([]);
    expect(h.run('PUBSUB', 'NUMPAT')).toBe(2);
    expect(h.run('PUBSUB', 'SHARDCHANNELS')).toEqual(['shard']);
    expect(h.run('PUBSUB', 'SHARDCHANNELS', 'x')).toEqual([]);
    expect(h.run('PUBSUB', 'SHARDNUMSUB', 'shard', 'one')).toEqual(['shard', 1, 'one', 0]);
  });

  test('errors and HELP', () => {
    const h = new Harness();
    expect(h.run('PUBSUB', 'nope')).toEqual({
      error: "ERR unknown subcommand 'nope'. Try PUBSUB HELP.",
    });
    expect(h.run('PUBSUB', 'channels', 'a', 'b')).toEqual({
      error: "ERR unknown subcommand or wrong number of arguments for 'channels'. Try PUBSUB HELP.",
    });
    expect(h.run('PUBSUB', 'numpat', 'a')).toEqual({
      error: "ERR wrong number of arguments for 'pubsub|numpat' command",
    });
    const help = h.run('PUBSUB', 'HELP') as string[];
    expect(help[0]).toBe('PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    expect(help).toContain('NUMSUB [channel [channel ...]]');
  });
});
