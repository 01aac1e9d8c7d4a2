import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { type Keyspace, MemoryEngine } from '../../memory/index.ts';
import { CLOSED, PARKED, POSTPONED, RAN } from '../../models/redis/dispatch.ts';
import { MAX_SPANS, OUTPUT_REGION_BYTES, PIPELINE_PAUSE_BYTES } from '../limits.ts';
import type { FakeTransport } from '../testing.ts';
import { FakeShard } from './testing.ts';

function encode(...args: (string | number)[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${String(a).length}\r\n${a}\r\n`).join('')}`;
}

describe('input', () => {
  test('a pipeline runs in order and is answered in one write', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    shard.deliver(connection, encode('a', 1) + 'inline "b c"\r\n' + encode('d'));
    expect(transport.sent).toBe('');
    shard.settle();
    expect(shard.ran).toEqual([['a', '1'], ['inline', 'b c'], ['d']]);
    expect(transport.sent).toBe(encode('a', 1) + encode('inline', 'b c') + encode('d'));
    expect(transport.writes).toBe(1);
  });

  test('requests in any fragments are the requests that were sent', () => {
    // A number stands for so many bytes, so that a counterexample can be read.
    const argument = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 20 }),
      fc.integer({ min: 0, max: 300_000 }),
    );
    const shortened = (args: readonly string[]): string[] =>
      args.map((arg) => (arg.length > 20 ? `${arg.slice(0, 5)} (${arg.length})` : arg));
    fc.assert(
      fc.property(
        fc.array(fc.array(argument, { minLength: 1, maxLength: 5 }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 3 }),
        (shapes, cuts, chunks) => {
          const requests = shapes.map((shape) =>
            shape.map((arg) => (typeof arg === 'number' ? 'x'.repeat(arg) : arg)),
          );
          const shard = new FakeShard();
          shard.execute = () => RAN;
          shard.takesChunks = (index) => ((index + 1) & chunks) !== 0;
          const { connection } = shard.connect();
          const stream = requests.map((r) => encode(...r)).join('');
          let from = 0;
          for (let i = 0; from < stream.length; i++) {
            const to = from + cuts[i % cuts.length]!;
            shard.deliver(connection, stream.slice(from, to));
            from = to;
            if (i % 3 === 0) shard.settle();
          }
          shard.settle();
          expect(shard.ran.map(shortened)).toEqual(requests.map(shortened));
          expect(connection.queryBufferBytes()).toBe(0);
          expect(shard.engine.usedBytes).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a request of very many arguments in small reads is not scanned from its start each time', () => {
    const shard = new FakeShard();
    shard.execute = () => RAN;
    const { connection } = shard.connect();
    const args = ['MSET', ...Array.from({ length: 100_000 }, (_, i) => String(i))];
    const stream = encode(...args);
    for (let from = 0; from < stream.length; from += 5000) {
      shard.deliver(connection, stream.slice(from, from + 5000));
    }
    shard.settle();
    expect(shard.ran).toEqual([args]);
  });

  test('a protocol error is answered and closes the connection behind the reply', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    shard.deliver(connection, encode('a') + '*1\r\n+oops\r\n' + encode('never'));
    shard.settle();
    expect(shard.ran).toEqual([['a']]);
    expect(transport.sent).toBe(`${encode('a')}-ERR Protocol error: expected '$', got '+'\r\n`);
    expect(transport.isEnded).toBe(true);
    expect(shard.gone).toEqual([connection]);
  });

  test('a parked session runs nothing until it is resumed', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    shard.execute = (session, args) => {
      if (args[0] !== 'wait') return RAN;
      session.parked = { reason: 'wait', deadlineMs: Infinity, expire: () => {} };
      return PARKED;
    };
    shard.deliver(connection, encode('wait') + encode('b') + encode('c'));
    shard.deliver(connection, encode('d'));
    shard.settle();
    expect(shard.ran).toEqual([['wait']]);
    shard.deliver(connection, 'x'.repeat(200_000));
    expect(transport.isPaused).toBe(true);
    connection.session.parked = undefined;
    connection.resume();
    shard.settle();
    expect(shard.ran.slice(0, 4)).toEqual([['wait'], ['b'], ['c'], ['d']]);
  });

  test('a postponed request runs again, from its start', () => {
    const shard = new FakeShard();
    const { connection } = shard.connect();
    let isPaused = true;
    shard.execute = () => (isPaused ? POSTPONED : RAN);
    shard.deliver(connection, encode('set', 'a') + encode('get', 'a'));
    shard.settle();
    expect(shard.ran).toEqual([['set', 'a']]);
    isPaused = false;
    connection.resume();
    shard.settle();
    expect(shard.ran).toEqual([
      ['set', 'a'],
      ['set', 'a'],
      ['get', 'a'],
    ]);
  });

  test('more unrun input than client-query-buffer-limit closes the client', () => {
    const shard = new FakeShard();
    shard.maxQueryBytes = 100_000;
    const { connection, transport } = shard.connect();
    shard.deliver(connection, '*2\r\n$3\r\nset\r\n$10000000\r\n' + 'x'.repeat(150_000));
    expect(transport.isDestroyed).toBe(true);
    expect(shard.logged.join()).toContain('max query buffer length');
  });

  test('a length takes no memory before its bytes arrive', () => {
    const shard = new FakeShard();
    const { connection } = shard.connect();
    shard.deliver(connection, '*2\r\n$3\r\nset\r\n$536870912\r\n' + 'x'.repeat(1000));
    expect(connection.memoryBytes()).toBeLessThan(10_000);
  });

  test('CLIENT REPLY: silent requests leave no byte', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    const echo = shard.execute;
    shard.execute = (session, args) => {
      if (args[0] === 'off') session.replyMode = 'off';
      else if (args[0] === 'skip') session.replyMode = 'skip-next';
      else {
        if (args[0] === 'on') session.replyMode = 'on';
        return echo(session, args);
      }
      return RAN;
    };
    shard.deliver(
      connection,
      ['a', 'skip', 'b', 'c', 'off', 'd', 'e', 'on', 'f'].map((w) => encode(w)).join(''),
    );
    shard.settle();
    expect(transport.sent).toBe(['a', 'c', 'on', 'f'].map((w) => encode(w)).join(''));
  });

  test('CLIENT REPLY OFF: messages come all the same, of other requests and of its own', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    const other = shard.connect();
    shard.execute = (_session, args) => {
      const { outbox } = shard;
      outbox.writer.simple('reply');
      outbox.begin(connection.session);
      outbox.writer.simple(`message ${args[0]}`);
      outbox.end();
      outbox.writer.simple('reply');
      return RAN;
    };
    connection.session.replyMode = 'off';
    shard.deliver(connection, encode('1'));
    shard.deliver(other.connection, encode('2'));
    shard.settle();
    expect(transport.sent).toBe('+message 1\r\n+message 2\r\n');
  });
});

describe('output', () => {
  test('nothing leaves before its log position is durable', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    shard.deliver(connection, encode('a'));
    shard.outbox.seal(100);
    shard.outbox.release(99);
    shard.deliver(connection, encode('b'));
    shard.outbox.seal(150);
    shard.outbox.release(99);
    expect(transport.sent).toBe('');
    shard.outbox.release(100);
    expect(transport.sent).toBe(encode('a'));
    shard.outbox.release(150);
    expect(transport.sent).toBe(encode('a') + encode('b'));
    expect(connection.heldBytes).toBe(0);
  });

  test('pushes to others keep their place among the replies', () => {
    const shard = new FakeShard();
    const first = shard.connect();
    const second = shard.connect();
    const third = shard.connect();
    shard.execute = (_session, args) => {
      const { outbox } = shard;
      outbox.writer.simple(`before ${args[0]}`);
      outbox.begin(second.connection.session);
      outbox.writer.simple(`message ${args[0]}`);
      outbox.end();
      outbox.repeat(third.connection.session);
      outbox.writer.simple(`after ${args[0]}`);
      return RAN;
    };
    shard.deliver(first.connection, encode('1') + encode('2'));
    shard.settle();
    expect(first.transport.sent).toBe('+before 1\r\n+after 1\r\n+before 2\r\n+after 2\r\n');
    expect(second.transport.sent).toBe('+message 1\r\n+message 2\r\n');
    expect(third.transport.sent).toBe(second.transport.sent);
    expect(first.transport.writes).toBe(1);
  });

  test('a reply larger than a region arrives whole', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    const large = Buffer.alloc(OUTPUT_REGION_BYTES * 3 + 17, 'y');
    shard.execute = () => {
      shard.outbox.writer.bulkBytes(large);
      return RAN;
    };
    shard.deliver(connection, encode('get'));
    shard.settle();
    expect(transport.sent).toBe(`$${large.length}\r\n${large.toString()}\r\n`);
  });

  test('a stalled reader gets its bytes in order, holds one region, and its pipeline rests', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    transport.window = 10;
    const payload = 'z'.repeat(100_000);
    shard.execute = (_session, args) => {
      shard.outbox.writer.bulkText(`${args[0]}${payload}`);
      return RAN;
    };
    const words = Array.from({ length: 40 }, (_, i) => String(i).padStart(3, '0'));
    for (const word of words) {
      shard.deliver(connection, encode(word));
      shard.settle();
    }
    expect(shard.ran.length).toBeLessThan(words.length);
    expect(connection.outputBytes()).toBeLessThan(PIPELINE_PAUSE_BYTES + 3 * payload.length);
    for (let i = 0; i < 200; i++) {
      transport.drain(1_000_000);
      shard.settle();
    }
    expect(transport.sent).toBe(
      words.map((w) => `$${payload.length + 3}\r\n${w}${payload}\r\n`).join(''),
    );
    expect(connection.outputBytes()).toBe(0);
  });

  test('other clients are served correctly while one is stalled in a shared region', () => {
    const shard = new FakeShard();
    const slow = shard.connect();
    const quick = shard.connect();
    slow.transport.window = 3;
    shard.deliver(slow.connection, encode('slow', 's'.repeat(5000)));
    shard.deliver(quick.connection, encode('quick', 0));
    shard.settle();
    for (let i = 1; i <= 300; i++) {
      shard.deliver(quick.connection, encode('quick', i, 'q'.repeat(3000)));
      shard.settle();
    }
    slow.transport.drain();
    shard.settle();
    expect(slow.transport.sent).toBe(encode('slow', 's'.repeat(5000)));
    const expected = Array.from({ length: 301 }, (_, i) =>
      i === 0 ? encode('quick', 0) : encode('quick', i, 'q'.repeat(3000)),
    );
    expect(quick.transport.sent).toBe(expected.join(''));
  });

  test('more unsent output than allowed closes the client and frees what it held', () => {
    const shard = new FakeShard();
    shard.maxOutputBytes = 50_000;
    const { connection, transport } = shard.connect();
    transport.window = 0;
    for (let i = 0; i < 10; i++) {
      shard.deliver(connection, encode('a', 'x'.repeat(10_000)));
      shard.settle();
    }
    expect(transport.isDestroyed).toBe(true);
    expect(connection.outputBytes()).toBe(transport.pendingBytes());
    expect(shard.outbox.length).toBe(0);
  });

  test('what was written before closing still leaves; what comes after is not read', () => {
    const shard = new FakeShard();
    const { connection, transport } = shard.connect();
    const echo = shard.execute;
    shard.execute = (session, args) => {
      echo(session, args);
      return args[0] === 'quit' ? CLOSED : RAN;
    };
    shard.deliver(connection, encode('a') + encode('quit') + encode('b'));
    shard.settle();
    expect(transport.sent).toBe(encode('a') + encode('quit'));
    expect(transport.isEnded).toBe(true);
    expect(shard.ran).toEqual([['a'], ['quit']]);
  });

  test('a client that is gone leaves no span behind', () => {
    const shard = new FakeShard();
    const { connection } = shard.connect();
    const other = shard.connect();
    shard.deliver(connection, encode('a'));
    shard.deliver(other.connection, encode('b'));
    connection.close();
    shard.settle();
    expect(other.transport.sent).toBe(encode('b'));
    expect(shard.outbox.length).toBe(0);
  });
});

describe('arguments that go straight into chunks', () => {
  const long = 'x'.repeat(200_000);

  test('a request that has to wait keeps them, and runs whole later', () => {
    const shard = new FakeShard();
    shard.takesChunks = (index) => index === 2;
    let isPaused = true;
    shard.execute = () => (isPaused ? POSTPONED : RAN);
    const { connection } = shard.connect();
    shard.deliver(connection, encode('SET', 'k', long, 'EX', 5) + encode('next'));
    shard.settle();
    expect(shard.ran).toHaveLength(1);
    expect(shard.engine.stagedBytes).toBeGreaterThan(200_000);
    expect(connection.queryBufferBytes()).toBeGreaterThan(200_000);
    isPaused = false;
    connection.resume();
    shard.settle();
    expect(shard.ran.slice(1).map((r) => r.map((a) => a.length))).toEqual([
      [3, 1, 200_000, 2, 1],
      [4],
    ]);
    expect(shard.engine.usedBytes).toBe(0);
  });

  test('an engine that is full refuses the request, and the connection goes on', () => {
    const shard = new FakeShard(
      new MemoryEngine({
        hashKey: new Uint8Array(16),
        random: () => 0.5,
        segmentBits: 18,
        maxBytes: 262_144,
      }),
    );
    shard.takesChunks = (index) => index === 2;
    const { connection, transport } = shard.connect();
    for (const part of [encode('SET', 'k', long.repeat(3)), encode('PING')]) {
      for (let at = 0; at < part.length; at += 50_000) {
        shard.deliver(connection, part.slice(at, at + 50_000));
      }
      shard.settle();
    }
    expect(transport.sent).toBe(`-OOM\r\n${encode('PING')}`);
    expect(shard.engine.usedBytes).toBe(0);
  });

  test('what was found of the last one says nothing of the next request', () => {
    const shard = new FakeShard();
    const asked: number[] = [];
    shard.takesChunks = (index) => {
      asked.push(index);
      return index === 2;
    };
    const { connection } = shard.connect();
    const request = encode('SET', 'k', long);
    shard.deliver(connection, request.slice(0, 100_000));
    shard.deliver(connection, `${request.slice(100_000)}*`);
    shard.deliver(connection, '1\r\n$4\r\nlast\r\nin');
    shard.deliver(connection, 'line\r\n');
    shard.settle();
    expect(shard.ran.map((args) => args[0])).toEqual(['SET', 'last', 'inline']);
    expect(asked).toEqual([2]);
  });

  test('whoever closes takes them along', () => {
    const shard = new FakeShard();
    shard.takesChunks = (index) => index === 2;
    for (const close of ['close', 'closeAfterOutput', 'receivedEnd', 'closed'] as const) {
      const { connection } = shard.connect();
      shard.deliver(connection, encode('SET', 'k', long).slice(0, 150_000));
      expect(shard.engine.stagedBytes).toBeGreaterThan(100_000);
      connection[close]();
      shard.deliver(connection, long);
      expect(shard.engine.usedBytes).toBe(0);
    }
  });
});

describe('values on loan', () => {
  /** A shard in which `LEND` answers with a value of the engine, and a client of it. */
  function lending(): { shard: FakeShard; keys: Keyspace; change: () => void; before: string } {
    const shard = new FakeShard();
    const keys = shard.engine.createKeyspace();
    const before = Buffer.from(Array.from({ length: 600_000 }, (_, i) => 32 + (i % 90)));
    const ref = keys.insert(1, Region.of('k'), 0, 1, 0, 0, Region.of(before), 0, before.length);
    const usual = shard.execute;
    shard.execute = (session, args) => {
      if (args[0] !== 'LEND') return usual(session, args);
      shard.outbox.writer.bulkHeader(before.length);
      shard.outbox.lend(shard.engine, ref, 0, before.length);
      shard.outbox.writer.crlf();
      return RAN;
    };
    const change = (): void =>
      keys.writeValue(ref, 0, Region.of(Buffer.alloc(600_000)), 0, 600_000);
    return { shard, keys, change, before: `$600000\r\n${before.toString('latin1')}\r\n` };
  }

  test.each([true, false])(
    'come between other output, in order (borrowing socket: %s)',
    (borrows) => {
      const { shard, before } = lending();
      const { connection, transport } = shard.connect(borrows);
      shard.deliver(
        connection,
        encode('a') + encode('LEND') + encode('b') + encode('LEND') + encode('c'),
      );
      shard.settle();
      expect(transport.sent).toBe(encode('a') + before + encode('b') + before + encode('c'));
      expect([shard.engine.loans.size, connection.memoryBytes()]).toEqual([0, 0]);
    },
  );

  test('cost nothing while they wait, and their bytes once they are alone with them', () => {
    const { shard, before, change } = lending();
    const { connection, transport } = shard.connect();
    transport.window = 1000;
    shard.deliver(connection, encode('LEND') + encode('b'));
    expect(connection.outputBytes()).toBeLessThan(1000);
    shard.settle();
    expect(connection.outputBytes()).toBeLessThan(300_000);
    change();
    expect(connection.outputBytes()).toBeGreaterThan(500_000);
    expect(connection.memoryBytes()).toBeGreaterThan(500_000);
    for (let i = 0; i < 10; i++) {
      transport.drain(100_000);
      shard.settle();
    }
    expect(transport.sent).toBe(before + encode('b'));
    expect([connection.outputBytes(), shard.engine.loans.size]).toEqual([0, 0]);
  });

  test('are what they were when they were lent, also before they leave the outbox', () => {
    const { shard, before, change } = lending();
    const { connection, transport } = shard.connect();
    shard.deliver(connection, encode('LEND'));
    change();
    expect(connection.outputBytes()).toBeGreaterThan(600_000);
    shard.settle();
    expect(transport.sent).toBe(before);
    expect([connection.heldBytes, connection.lentBytes]).toEqual([0, 0]);
  });

  test('hold the pipeline back, and end with the client', () => {
    const { shard } = lending();
    const { connection, transport } = shard.connect();
    transport.window = 1000;
    shard.deliver(connection, encode('LEND').repeat(10));
    shard.settle();
    expect(shard.ran.length).toBeLessThan(5);
    expect(shard.engine.loans.size).toBe(1);
    connection.close();
    expect(shard.engine.loans.size).toBe(0);
    const other = shard.connect();
    shard.deliver(other.connection, encode('LEND'));
    other.connection.close();
    shard.settle();
    expect([shard.engine.loans.size, other.connection.lentBytes]).toEqual([0, 0]);
  });

  test('a client that asks for a value on loan now and again, and does not read, has few of them', () => {
    const { shard } = lending();
    const { connection, transport } = shard.connect();
    transport.window = 0;
    for (let i = 0; i < 10; i++) {
      shard.deliver(connection, encode('LEND'));
      shard.settle();
    }
    expect(shard.ran.length).toBeLessThan(5);
    transport.drain();
    for (let i = 0; i < 50; i++) {
      shard.settle();
      transport.drain();
    }
    expect(shard.ran.length).toBe(10);
  });
});

describe('messages to many', () => {
  /** A shard in which `PUB` sends a message to a thousand listeners. */
  function publishing(): { shard: FakeShard; listeners: FakeTransport[] } {
    const shard = new FakeShard();
    const clients = Array.from({ length: 1000 }, () => shard.connect());
    const usual = shard.execute;
    shard.execute = (session, args) => {
      if (args[0] !== 'PUB') return usual(session, args);
      const { outbox } = shard;
      for (const [i, { connection }] of clients.entries()) {
        if (i > 0) outbox.repeat(connection.session);
        else {
          outbox.begin(connection.session);
          outbox.writer.bulkText(args[1]!);
          outbox.end();
        }
      }
      outbox.writer.ok();
      return RAN;
    };
    return { shard, listeners: clients.map((client) => client.transport) };
  }

  const messages = Array.from({ length: 300 }, (_, i) => `m${i}`);
  const pipeline = messages.map((m) => encode('PUB', m)).join('');
  const received = messages.map((m) => `$${m.length}\r\n${m}\r\n`).join('');

  test('a pipeline of them makes way when much waits, and the others are served meanwhile', () => {
    const { shard, listeners } = publishing();
    const [a, b, other] = [shard.connect(), shard.connect(), shard.connect()];
    shard.deliver(a.connection, pipeline);
    expect(shard.outbox.length).toBeLessThan(MAX_SPANS + 2002);
    shard.deliver(b.connection, pipeline);
    shard.deliver(other.connection, encode('x'));
    expect(shard.outbox.length).toBeLessThan(MAX_SPANS + 4004);
    expect(shard.ran.at(-1)).toEqual(['x']);
    shard.settle();
    expect(a.transport.sent).toBe('+OK\r\n'.repeat(300));
    expect(b.transport.sent).toBe('+OK\r\n'.repeat(300));
    expect(other.transport.sent).toBe(encode('x'));
    for (const { sent } of listeners) expect(sent).toHaveLength(received.length * 2);
  });

  test('what waits for the disk is bounded too; short pieces leave in one write', () => {
    const { shard, listeners } = publishing();
    const { connection, transport } = shard.connect();
    shard.deliver(connection, pipeline);
    shard.settle(0, 1); // nothing is durable
    expect(shard.outbox.length).toBeLessThan(MAX_SPANS + 2002);
    const ran = shard.ran.length;
    shard.settle(0, 1);
    expect(shard.ran.length).toBe(ran);
    expect(transport.sent).toBe('');
    shard.settle(1, 1);
    expect(transport.sent).toBe('+OK\r\n'.repeat(300));
    for (const { sent, writes } of listeners) {
      expect([sent === received, writes < 10]).toEqual([true, true]);
    }
  });
});
