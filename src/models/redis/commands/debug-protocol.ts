/** DEBUG PROTOCOL: a sample value of every type of the protocol, for tests of clients. */
import type { RespWriter } from '../../../bytes/resp-writer.ts';
import type { Context } from '../context.ts';

const SAMPLES: Readonly<Record<string, (reply: RespWriter) => void>> = {
  string: (reply) => reply.bulkText('Hello World'),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double('3.141'),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.nil(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib(reply) {
    if (reply.resp === 3) {
      reply.attribute(1);
      reply.bulkText('key-popularity');
      reply.array(2);
      reply.bulkText('key:123');
      reply.integer(90);
    }
    // An attribute is no reply: one follows, in both versions of the protocol.
    reply.bulkText('Some real reply following the attribute');
  },
  push(reply) {
    if (reply.resp === 2) {
      reply.error('ERR RESP2 is not supported by this command');
      return;
    }
    reply.push(2);
    reply.bulkText('server-cpu-usage');
    reply.integer(42);
    reply.bulkText('Some real reply following the push reply'); // a push is no reply either
  },
  verbatim: (reply) => reply.verbatim('txt', 'This is a verbatim\nstring'),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

export function protocol(c: Context): void {
  const name = c.request.text(2).toLowerCase();
  if (Object.hasOwn(SAMPLES, name)) {
    SAMPLES[name]!(c.reply);
    return;
  }
  c.reply.error(
    'ERR Wrong protocol type name. Please use one of the following: ' +
      'string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false',
  );
}
