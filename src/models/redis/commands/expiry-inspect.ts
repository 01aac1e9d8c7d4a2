/** TTL, PTTL, EXPIRETIME, PEXPIRETIME: when a key ends. -1: never; -2: there is no such key. */
import { keyRange, type CommandFlag, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { replyTime } from './expiry-time.ts';

const FLAGS: readonly CommandFlag[] = ['readonly', 'fast'];

const TTL: CommandSpec = {
  name: 'ttl',
  arity: 2,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Tells in how many seconds a key expires.',
  syntax: 'key',
  tips: ['nondeterministic_output'],
  history: [['2.8.0', 'The answer -2.']],
  handler: (c) => replyExpiry(c, true, c.now),
};

const PTTL: CommandSpec = {
  name: 'pttl',
  arity: 2,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'generic',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Tells in how many milliseconds a key expires.',
  syntax: 'key',
  tips: ['nondeterministic_output'],
  history: [['2.8.0', 'The answer -2.']],
  handler: (c) => replyExpiry(c, false, c.now),
};

const EXPIRETIME: CommandSpec = {
  name: 'expiretime',
  arity: 2,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'generic',
  since: '7.0.0',
  complexity: 'O(1)',
  summary: 'Tells at which Unix time in seconds a key expires.',
  syntax: 'key',
  handler: (c) => replyExpiry(c, true, 0),
};

const PEXPIRETIME: CommandSpec = {
  name: 'pexpiretime',
  arity: 2,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO ACCESS', 1)],
  group: 'generic',
  since: '7.0.0',
  complexity: 'O(1)',
  summary: 'Tells at which Unix time in milliseconds a key expires.',
  syntax: 'key',
  handler: (c) => replyExpiry(c, false, 0),
};

/** Replies with the key's expiry, counted from `baseMs`; seconds are rounded. */
function replyExpiry(c: Context, isSeconds: boolean, baseMs: number): void {
  const ref = c.inspect(1);
  if (ref === 0) {
    c.reply.integer(-2);
    return;
  }
  const expiry = c.engine.expiry(ref);
  if (expiry === -1) {
    c.reply.integer(-1);
    return;
  }
  const time = Math.max(0, expiry - baseMs);
  replyTime(c, isSeconds ? Math.floor((time + 500) / 1000) : time);
}

export const EXPIRY_INSPECT_COMMANDS: readonly CommandSpec[] = [TTL, PTTL, EXPIRETIME, PEXPIRETIME];
