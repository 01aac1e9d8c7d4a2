import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvReply, formatReply, jsonReply, rawReply, type Reply, ReplyReader } from './reply.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');

function readAll(bytes: Buffer, cuts: readonly number[] = []): Reply[] {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  let from = 0;
  for (let i = 0; from < bytes.length; i++) {
    const to = cuts.length === 0 ? bytes.length : from + cuts[i % cuts.length]!;
    reader.add(bytes.subarray(from, to));
    for (let r = reader.next(); r !== undefined; r = reader.next()) replies.push(r);
    from = to;
  }
  return replies;
}

function encode(reply: Reply): string {
  switch (reply.kind) {
    case 'integer':
      return `:${reply.value}\r\n`;
    case 'boolean':
      return `#${reply.value ? 't' : 'f'}\r\n`;
    case 'nil':
      return '_\r\n';
    case 'map':
      return `%${reply.pairs.length}\r\n${reply.pairs.flat().map(encode).join('')}`;
    case 'array':
    case 'set':
    case 'push': {
      const mark = { array: '*', set: '~', push: '>' }[reply.kind];
      return `${mark}${reply.items.length}\r\n${reply.items.map(encode).join('')}`;
    }
    default: {
      const text = reply.text.toString('latin1');
      if (reply.kind === 'bulk') return `$${text.length}\r\n${text}\r\n`;
      if (reply.kind === 'verbatim') return `=${text.length + 4}\r\ntxt:${text}\r\n`;
      return `${{ status: '+', error: '-', double: ',', bignum: '(' }[reply.kind]}${text}\r\n`;
    }
  }
}

const line = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '0', 'é') }).map(b);
const leaf: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constantFrom('status', 'error'), text: line }),
  fc.record({
    kind: fc.constantFrom('bulk', 'verbatim'),
    text: fc.uint8Array({ maxLength: 300 }).map((a) => Buffer.from(a)),
  }),
  fc.record({ kind: fc.constant('integer'), value: fc.bigInt().map(String) }),
  fc.record({ kind: fc.constant('boolean'), value: fc.boolean() }),
  fc.constant<Reply>({ kind: 'nil' }),
);
const anyReply = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.record({
      kind: fc.constantFrom('array', 'set', 'push'),
      items: fc.array(tie('reply'), { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('map'),
      pairs: fc.array(fc.tuple(tie('reply'), tie('reply')), { maxLength: 3 }),
    }),
  ),
})).reply;

test('replies in any fragments are the replies that were sent', () => {
  fc.assert(
    fc.property(
      fc.array(anyReply, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
      (replies, cuts) => {
        expect(readAll(b(replies.map(encode).join('')), cuts)).toEqual(replies);
      },
    ),
  );
});

test('any bytes end in replies, in waiting, or in an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'*$%|~+-:_#1290\r\nx') }), (text) => {
      try {
        expect(readAll(b(text))).toBeInstanceOf(Array);
      } catch (error) {
        expect((error as { code: string }).code).toBe('BAD_REPLY');
      }
    }),
  );
});

test('a long reply in small pieces is not copied again and again', () => {
  const reader = new ReplyReader();
  const piece = Buffer.alloc(1000, 'x');
  reader.add(b(`*2\r\n$${piece.length * 100_000}\r\n`));
  for (let i = 0; i < 100_000; i++) {
    if (reader.next() !== undefined) throw new Error('it is not whole yet');
    reader.add(piece);
  }
  reader.add(b('\r\n:1\r\n'));
  const reply = reader.next() as Reply & { kind: 'array' };
  expect((reply.items[0] as Reply & { kind: 'bulk' }).text).toHaveLength(100_000_000);
});

test('neither is a long line', () => {
  const reader = new ReplyReader();
  const piece = Buffer.alloc(1000, 'x');
  reader.add(b('+'));
  for (let i = 0; i < 20_000; i++) {
    if (reader.next() !== undefined) throw new Error('it is not whole yet');
    reader.add(piece);
  }
  reader.add(b('\r'));
  expect(reader.next()).toBeUndefined();
  reader.add(b('\n:1\r\n'));
  expect((reader.next() as Reply & { kind: 'status' }).text).toHaveLength(20_000_000);
  expect(reader.next()).toEqual({ kind: 'integer', value: '1' });
});

test('attributes are passed over', () => {
  expect(readAll(b('|1\r\n+a\r\n*1\r\n:1\r\n*1\r\n|1\r\n+b\r\n:2\r\n:3\r\n'))).toEqual([
    { kind: 'array', items: [{ kind: 'integer', value: '3' }] },
  ]);
});

test('a reply for people, raw, as JSON and as CSV', () => {
  const [reply] = readAll(b('*5\r\n$2\r\nab\r\n:1\r\n$-1\r\n*2\r\n+s\r\n$1\r\n"\r\n-ERR no\r\n'));
  expect(formatReply(reply!)).toBe(
    '1) "ab"\n2) (integer) 1\n3) (nil)\n4) 1) s\n   2) "\\""\n5) (error) ERR no',
  );
  expect(rawReply(reply!)).toBe('ab\n1\n\ns\n"\nERR no');
  expect(rawReply(reply!, '|')).toBe('ab|1||s|"|ERR no');
  expect(csvReply(reply!)).toBe('"ab",1,NULL,"s","\\"",ERROR,"ERR no"');
  expect(JSON.stringify(jsonReply(reply!))).toBe('["ab",1,null,["s","\\""],{"error":"ERR no"}]');
});
