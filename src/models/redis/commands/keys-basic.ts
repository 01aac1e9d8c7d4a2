/** DEL, UNLINK, EXISTS, TYPE, TOUCH: keys by name, whatever they hold. */
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { TYPE_NAMES } from '../types.ts';

const SUM_TIPS = ['request_policy:multi_shard', 'response_policy:agg_sum'] as const;

const DEL: CommandSpec = {
  name: 'del',
  arity: -2,
  flags: ['write'],
  acl: ['keyspace'],
  keys: [keyRange('RM DELETE', 1, -1)],
  group: 'generic',
  since: '1.0.0',
  complexity:
    'O(N), N being the number of keys; for each that is no string also the number of its elements',
  summary: 'Deletes keys.',
  syntax: 'key...',
  tips: SUM_TIPS,
  handler: deleteKeys,
};

const UNLINK: CommandSpec = {
  name: 'unlink',
  arity: -2,
  flags: ['write', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RM DELETE', 1, -1)],
  group: 'generic',
  since: '4.0.0',
  complexity: 'O(1) for each key; the memory is freed in the background',
  summary: 'Deletes keys and frees their memory later.',
  syntax: 'key...',
  tips: SUM_TIPS,
  handler: deleteKeys,
};

function deleteKeys(c: Context): void {
  const { request } = c;
  let deleted = 0;
  for (let i = 1; i < request.count; i++) {
    const ref = c.peek(i);
    if (ref === 0) continue;
    c.db.keys.remove(c.keyHash, ref);
    deleted++;
    c.changed(i);
    c.notify(EVENT.generic, 'del', i);
  }
  if (deleted > 0) c.verbatim();
  c.reply.integer(deleted);
}

const EXISTS: CommandSpec = {
  name: 'exists',
  arity: -2,
  flags: ['readonly', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RO', 1, -1)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N), N being the number of keys',
  summary: 'Counts how many of the keys exist; a key named twice counts twice.',
  syntax: 'key...',
  tips: SUM_TIPS,
  history: [['3.0.3', 'More than one key.']],
  handler(c) {
    let found = 0;
    for (let i = 1; i < c.request.count; i++) if (c.inspect(i) !== 0) found++;
    c.reply.integer(found);
  },
};

const TYPE: CommandSpec = {
  name: 'type',
  arity: 2,
  flags: ['readonly', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RO', 1)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Tells what type of value a key holds, or none.',
  syntax: 'key',
  handler(c) {
    const ref = c.inspect(1);
    c.reply.simple(ref === 0 ? 'none' : TYPE_NAMES[c.engine.type(ref)]!);
  },
};

const TOUCH: CommandSpec = {
  name: 'touch',
  arity: -2,
  flags: ['readonly', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RO', 1, -1)],
  group: 'generic',
  since: '3.2.1',
  complexity: 'O(N), N being the number of keys',
  summary: 'Marks keys as used now, and counts how many of them exist.',
  syntax: 'key...',
  tips: SUM_TIPS,
  handler(c) {
    let touched = 0;
    for (let i = 1; i < c.request.count; i++) {
      const ref = c.inspect(i);
      if (ref === 0) continue;
      c.engine.touch(ref); // it is what the client asks for, CLIENT NO-TOUCH or not
      touched++;
    }
    c.reply.integer(touched);
  },
};

export const KEY_COMMANDS: readonly CommandSpec[] = [DEL, UNLINK, EXISTS, TYPE, TOUCH];
