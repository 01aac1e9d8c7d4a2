/** EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST: when a key ends. In the log it is always a point in time. */
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandFlag, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { timeArgument, timeEffect } from './expiry-time.ts';
import { quotable } from '../error-text.ts';

const FLAGS: readonly CommandFlag[] = ['write', 'fast'];
const CONDITION = '[@condition(NX | XX | GT | LT)]^7.0.0';
const HISTORY = [['7.0.0', 'The conditions `NX`, `XX`, `GT` and `LT`.']] as const;

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

const EXPIRE: CommandSpec = {
  name: 'expire',
  arity: -3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RW UPDATE', 1)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Lets a key expire in so many seconds.',
  syntax: `key seconds:integer ${CONDITION}`,
  history: HISTORY,
  handler: (c) => expire(c, 1000, c.now),
};

const PEXPIRE: CommandSpec = {
  name: 'pexpire',
  arity: -3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RW UPDATE', 1)],
  group: 'generic',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Lets a key expire in so many milliseconds.',
  syntax: `key milliseconds:integer ${CONDITION}`,
  history: HISTORY,
  handler: (c) => expire(c, 1, c.now),
};

const EXPIREAT: CommandSpec = {
  name: 'expireat',
  arity: -3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RW UPDATE', 1)],
  group: 'generic',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Lets a key expire at a Unix time in seconds.',
  syntax: `key unix-time-seconds:unix-time ${CONDITION}`,
  history: HISTORY,
  handler: (c) => expire(c, 1000, 0),
};

const PEXPIREAT: CommandSpec = {
  name: 'pexpireat',
  arity: -3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RW UPDATE', 1)],
  group: 'generic',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Lets a key expire at a Unix time in milliseconds.',
  syntax: `key unix-time-milliseconds:unix-time ${CONDITION}`,
  history: HISTORY,
  handler: (c) => expire(c, 1, 0),
};

function expire(c: Context, unitMs: number, baseMs: number): void {
  const { request, reply } = c;
  const conditions = request.count > 3 ? parseConditions(c) : 0;
  if (conditions < 0) return;
  const time = timeArgument(c, 2, unitMs, baseMs);
  if (time !== time) return;
  const ref = c.lookupWrite(1);
  if (ref === 0 || (conditions !== 0 && !isAllowed(conditions, time, c.engine.expiry(ref)))) {
    reply.integer(0);
    return;
  }
  // The log is obeyed: what is past by now expires once it is loaded.
  if (time <= c.now && !c.model.isReplaying) deleteNow(c, ref);
  else setExpiry(c, ref, time);
  reply.integer(1);
}

function setExpiry(c: Context, ref: Ref, time: number): void {
  c.db.keys.setExpiry(ref, Math.max(time, 0)); // below 0 only in a log that no server wrote
  const { effects } = c;
  if (effects.isEnabled) {
    effects.begin(c.db.id, 3);
    effects.text('PEXPIREAT');
    effects.argument(c.request, 1);
    timeEffect(c, time);
  }
  c.changed(1);
  c.notify(EVENT.generic, 'expire', 1);
}

function deleteNow(c: Context, ref: Ref): void {
  c.db.keys.remove(c.keyHash, ref);
  const { effects } = c;
  if (effects.isEnabled) {
    effects.begin(c.db.id, 2);
    effects.text(c.model.settings.get('lazyfree-lazy-expire') === 'yes' ? 'UNLINK' : 'DEL');
    effects.argument(c.request, 1);
  }
  c.changed(1);
  c.notify(EVENT.generic, 'del', 1);
}

/** The conditions behind the time as bits; -1, with the error replied, where they make no sense. */
function parseConditions(c: Context): number {
  const { request, reply } = c;
  let conditions = 0;
  for (let i = 3; i < request.count; i++) {
    if (request.is(i, 'NX')) conditions |= NX;
    else if (request.is(i, 'XX')) conditions |= XX;
    else if (request.is(i, 'GT')) conditions |= GT;
    else if (request.is(i, 'LT')) conditions |= LT;
    else {
      reply.error(`ERR Unsupported option ${quotable(request.text(i))}`);
      return -1;
    }
  }
  if ((conditions & NX) !== 0 && (conditions & ~NX) !== 0) {
    reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
    return -1;
  }
  if ((conditions & GT) !== 0 && (conditions & LT) !== 0) {
    reply.error('ERR GT and LT options at the same time are not compatible');
    return -1;
  }
  return conditions;
}

/** Whether `conditions` let `time` replace `current` (-1: none, which counts as later than any). */
function isAllowed(conditions: number, time: number, current: number): boolean {
  const isVolatile = current !== -1;
  if ((conditions & NX) !== 0 && isVolatile) return false;
  if ((conditions & XX) !== 0 && !isVolatile) return false;
  if ((conditions & GT) !== 0 && (!isVolatile || time <= current)) return false;
  return (conditions & LT) === 0 || !isVolatile || time < current;
}

const PERSIST: CommandSpec = {
  name: 'persist',
  arity: 2,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RW UPDATE', 1)],
  group: 'generic',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Keeps a key from expiring.',
  syntax: 'key',
  handler(c) {
    const ref = c.lookupWrite(1);
    if (ref === 0 || !c.engine.isVolatile(ref)) {
      c.reply.integer(0);
      return;
    }
    c.db.keys.clearExpiry(ref);
    c.verbatim();
    c.changed(1);
    c.notify(EVENT.generic, 'persist', 1);
    c.reply.integer(1);
  },
};

export const EXPIRY_COMMANDS: readonly CommandSpec[] = [
  EXPIRE,
  PEXPIRE,
  EXPIREAT,
  PEXPIREAT,
  PERSIST,
];
