/** Commands that read one string, two of which change its expiry or delete it: GET, GETEX, GETDEL, STRLEN, GETRANGE, SUBSTR. */
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { expiryTime, GETEX_OPTIONS, OPTION, parseStringOptions } from './strings-options.ts';
import { isReversedFromEnd } from './strings-ranges.ts';
import { timeEffect } from './expiry-time.ts';
import { keyEffect } from './strings-store.ts';

const GET: CommandSpec = {
  name: 'get',
  arity: 2,
  flags: ['readonly', 'fast'],
  acl: ['string'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Returns the string a key holds.',
  syntax: 'key',
  handler(c) {
    const ref = c.lookupRead(1);
    if (ref === 0) c.reply.nil();
    else c.replyString(ref);
  },
};

const GETEX: CommandSpec = {
  name: 'getex',
  arity: -2,
  flags: ['write', 'fast'],
  acl: ['string'],
  keys: [
    { ...keyRange('RW ACCESS UPDATE', 1), notes: 'Writes too, since it can change the expiry' },
  ],
  group: 'string',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Returns the string a key holds, and sets or removes its expiry.',
  syntax:
    'key [@expiration(EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time | ' +
    'PXAT unix-time-milliseconds:unix-time | PERSIST)]',
  handler(c) {
    const options = parseStringOptions(c, 2, GETEX_OPTIONS);
    if (options < 0) return;
    const ref = c.lookupRead(1);
    if (ref === 0) {
      c.reply.nil();
      return;
    }
    if (!c.isString(ref)) return;
    const time = expiryTime(c, options);
    if (time !== time) return;
    c.replyString(ref);

    const keys = c.db.keys;
    if ((options & (OPTION.exat | OPTION.pxat)) !== 0 && time <= c.now && !c.model.isReplaying) {
      keys.remove(c.keyHash, ref);
      keyEffect(c, c.model.settings.flag('lazyfree-lazy-expire') ? 'UNLINK' : 'DEL', 1);
      c.changed(1);
      c.notify(EVENT.generic, 'del', 1);
    } else if (time > 0) {
      keys.setExpiry(ref, time);
      c.effects.begin(c.db.id, 3);
      c.effects.text('PEXPIREAT');
      c.effects.argument(c.request, 1);
      timeEffect(c, time);
      c.changed(1);
      c.notify(EVENT.generic, 'expire', 1);
    } else if ((options & OPTION.persist) !== 0 && c.engine.isVolatile(ref)) {
      keys.clearExpiry(ref);
      keyEffect(c, 'PERSIST', 1);
      c.changed(1);
      c.notify(EVENT.generic, 'persist', 1);
    }
  },
};

const GETDEL: CommandSpec = {
  name: 'getdel',
  arity: 2,
  flags: ['write', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS DELETE', 1)],
  group: 'string',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Returns the string a key holds and deletes the key.',
  syntax: 'key',
  handler(c) {
    const ref = c.lookupRead(1);
    if (ref === 0) {
      c.reply.nil();
      return;
    }
    if (!c.isString(ref)) return;
    c.replyString(ref);
    c.db.keys.remove(c.keyHash, ref);
    keyEffect(c, 'DEL', 1);
    c.changed(1);
    c.notify(EVENT.generic, 'del', 1);
  },
};

const STRLEN: CommandSpec = {
  name: 'strlen',
  arity: 2,
  flags: ['readonly', 'fast'],
  acl: ['string'],
  keys: [keyRange('RO', 1)],
  group: 'string',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Returns how many bytes a string has.',
  syntax: 'key',
  handler(c) {
    const ref = c.lookupRead(1);
    if (ref === 0) c.reply.integer(0);
    else if (c.isString(ref)) c.reply.integer(c.engine.valueLength(ref));
  },
};

const GETRANGE: CommandSpec = {
  name: 'getrange',
  arity: 4,
  flags: ['readonly'],
  acl: ['string'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'string',
  since: '2.4.0',
  complexity: 'O(N) where N is the length of what is returned',
  summary: 'Returns a part of a string, given by its first and last byte.',
  syntax: 'key start:integer end:integer',
  handler: replyPart,
};

const SUBSTR: CommandSpec = {
  name: 'substr',
  arity: 4,
  flags: ['readonly'],
  acl: ['string'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(N) where N is the length of what is returned',
  summary: 'Returns a part of a string, given by its first and last byte.',
  syntax: 'key start:integer end:integer',
  deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
  handler: replyPart,
};

/** GETRANGE and SUBSTR: key, first byte, last byte; negative ones count from the end. */
function replyPart(c: Context): void {
  let start = c.integer(2);
  if (start !== start) return;
  let end = c.integer(3);
  if (end !== end) return;
  const ref = c.lookupRead(1);
  if (!c.isString(ref)) return;
  const length = ref === 0 ? 0 : c.engine.valueLength(ref);
  if (length === 0 || isReversedFromEnd(c, 2, start, 3, end)) {
    c.reply.bulkText('');
    return;
  }
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  if (end >= length) end = length - 1;
  if (start > end) c.reply.bulkText('');
  else c.replyRange(ref, start, end + 1);
}

export const STRING_GET_COMMANDS: readonly CommandSpec[] = [
  GET,
  GETEX,
  GETDEL,
  STRLEN,
  GETRANGE,
  SUBSTR,
];
