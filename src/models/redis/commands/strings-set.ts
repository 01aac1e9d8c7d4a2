/** Commands that store a whole string: SET and the older commands that its options replaced. */
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { expiryTime, OPTION, parseStringOptions, SET_OPTIONS } from './strings-options.ts';
import { expiryArgument, setWithExpiryEffect, storeArgument } from './strings-store.ts';

const SET: CommandSpec = {
  name: 'set',
  arity: -3,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [
    {
      ...keyRange('RW ACCESS UPDATE VARIABLE_FLAGS', 1),
      notes: 'Reads the old value only when `GET` is given',
    },
  ],
  chunks: 2,
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary:
    'Stores a string under a key, whatever the key held before, with conditions and an expiry if wanted.',
  syntax:
    'key value [@condition(NX | XX)^2.6.12] [GET^6.2.0] [@expiration(EX seconds:integer^2.6.12 | ' +
    'PX milliseconds:integer^2.6.12 | EXAT unix-time-seconds:unix-time^6.2.0 | ' +
    'PXAT unix-time-milliseconds:unix-time^6.2.0 | KEEPTTL^6.0.0)]',
  keyFlags(request) {
    for (let i = 3; i < request.count; i++) if (request.is(i, 'GET')) return 'RW ACCESS UPDATE';
    return 'OW UPDATE';
  },
  history: [
    ['2.6.12', 'The options `EX`, `PX`, `NX` and `XX`.'],
    ['6.0.0', 'The option `KEEPTTL`.'],
    ['6.2.0', 'The options `GET`, `EXAT` and `PXAT`.'],
    ['7.0.0', '`NX` and `GET` may be given together.'],
  ],
  handler(c) {
    if (c.request.count > 3) {
      setWithOptions(c);
      return;
    }
    storeArgument(c, 1, c.lookupWrite(1), 2, false);
    c.verbatim();
    c.changed(1);
    c.notify(EVENT.string, 'set', 1);
    c.reply.ok();
  },
};

const SETNX: CommandSpec = {
  name: 'setnx',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('OW INSERT', 1)],
  chunks: 2,
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Stores a string under a key that does not exist yet.',
  syntax: 'key value',
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `NX` argument' },
  handler(c) {
    const ref = c.lookupWrite(1);
    if (ref !== 0) {
      c.reply.integer(0);
      return;
    }
    storeArgument(c, 1, ref, 2, false);
    c.verbatim();
    c.changed(1);
    c.notify(EVENT.string, 'set', 1);
    c.reply.integer(1);
  },
};

const SETEX: CommandSpec = {
  name: 'setex',
  arity: 4,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [keyRange('OW UPDATE', 1)],
  chunks: 3,
  group: 'string',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Stores a string under a key, to expire in so many seconds.',
  syntax: 'key seconds:integer value',
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `EX` argument' },
  handler: (c) => setExpiring(c, true),
};

const PSETEX: CommandSpec = {
  name: 'psetex',
  arity: 4,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [keyRange('OW UPDATE', 1)],
  chunks: 3,
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Stores a string under a key, to expire in so many milliseconds.',
  syntax: 'key milliseconds:integer value',
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `PX` argument' },
  handler: (c) => setExpiring(c, false),
};

const GETSET: CommandSpec = {
  name: 'getset',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  chunks: 2,
  group: 'string',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Stores a string under a key and returns the string that was there.',
  syntax: 'key value',
  deprecated: { since: '6.2.0', replacedBy: '`SET` with the `!GET` argument' },
  handler(c) {
    const ref = c.lookupRead(1);
    if (!c.isString(ref)) return;
    replyOld(c, ref);
    storeArgument(c, 1, ref, 2, false);
    c.effects.begin(c.db.id, 3);
    c.effects.text('SET');
    c.effects.argument(c.request, 1);
    c.effects.argument(c.request, 2);
    c.changed(1);
    c.notify(EVENT.string, 'set', 1);
  },
};

/** SET with anything behind the value. */
function setWithOptions(c: Context): void {
  const options = parseStringOptions(c, 3, SET_OPTIONS);
  if (options < 0) return;
  const time = expiryTime(c, options);
  if (time !== time) return;

  const isGet = (options & OPTION.get) !== 0;
  const ref = isGet ? c.lookupRead(1) : c.lookupWrite(1);
  if (isGet) {
    if (!c.isString(ref)) return;
    replyOld(c, ref);
  }
  if (((options & OPTION.nx) !== 0 && ref !== 0) || ((options & OPTION.xx) !== 0 && ref === 0)) {
    if (!isGet) c.reply.nil();
    return;
  }

  const stored = storeArgument(c, 1, ref, 2, time > 0 || (options & OPTION.keepttl) !== 0);
  if (time > 0) c.db.keys.setExpiry(stored, time);
  if (time > 0 && (options & OPTION.pxat) === 0) setWithExpiryEffect(c, 1, 2, time);
  else if (time > 0 || !isGet) c.verbatim();
  else effectWithoutGet(c);
  c.changed(1);
  c.notify(EVENT.string, 'set', 1);
  if (time > 0) c.notify(EVENT.generic, 'expire', 1);
  if (!isGet) c.reply.ok();
}

/** SETEX and PSETEX: key, time, value. */
function setExpiring(c: Context, isSeconds: boolean): void {
  const time = expiryArgument(c, 2, isSeconds, true);
  if (time !== time) return;
  const stored = storeArgument(c, 1, c.lookupWrite(1), 3, true);
  c.db.keys.setExpiry(stored, time);
  setWithExpiryEffect(c, 1, 3, time);
  c.changed(1);
  c.notify(EVENT.string, 'set', 1);
  c.notify(EVENT.generic, 'expire', 1);
  c.reply.ok();
}

function replyOld(c: Context, ref: Ref): void {
  if (ref === 0) c.reply.nil();
  else c.replyCopy(ref, 0, c.engine.valueLength(ref)); // storing the new one may fail yet
}

/** Emits the request without its GETs, whose answers nobody reads again. */
function effectWithoutGet(c: Context): void {
  const request = c.request;
  const effects = c.effects;
  if (!effects.isEnabled) return;
  let count = request.count;
  for (let i = 3; i < request.count; i++) if (request.is(i, 'GET')) count--;
  effects.begin(c.db.id, count);
  for (let i = 0; i < request.count; i++) {
    if (i < 3 || !request.is(i, 'GET')) effects.argument(request, i);
  }
}

export const STRING_SET_COMMANDS: readonly CommandSpec[] = [SET, SETNX, SETEX, PSETEX, GETSET];
