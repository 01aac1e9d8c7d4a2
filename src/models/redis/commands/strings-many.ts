/** Commands on many strings at once: MGET, MSET, MSETNX. */
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { wrongArity } from '../dispatch.ts';
import { EVENT } from '../notify.ts';
import { TYPE } from '../types.ts';
import { storeArgument } from './strings-store.ts';

const MGET: CommandSpec = {
  name: 'mget',
  arity: -2,
  flags: ['readonly', 'fast'],
  acl: ['string'],
  keys: [keyRange('RO ACCESS', 1, -1)],
  group: 'string',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys',
  summary: 'Returns the strings that several keys hold, null for a key that holds none.',
  syntax: 'key...',
  tips: ['request_policy:multi_shard'],
  handler(c) {
    const count = c.request.count;
    c.reply.array(count - 1);
    for (let i = 1; i < count; i++) {
      const ref = c.lookupRead(i);
      if (ref !== 0 && c.engine.type(ref) === TYPE.string) c.replyString(ref);
      else c.reply.nil();
    }
  },
};

const MSET: CommandSpec = {
  name: 'mset',
  arity: -3,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [keyRange('OW UPDATE', 1, -1, 2)],
  group: 'string',
  since: '1.0.1',
  complexity: 'O(N) where N is the number of keys',
  summary: 'Stores several strings under their keys, in one step.',
  syntax: '@data(key value)...',
  tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
  handler(c) {
    if (!isPaired(c)) return;
    storeAll(c);
    c.reply.ok();
  },
};

const MSETNX: CommandSpec = {
  name: 'msetnx',
  arity: -3,
  flags: ['write', 'denyoom'],
  acl: ['string'],
  keys: [keyRange('OW INSERT', 1, -1, 2)],
  group: 'string',
  since: '1.0.1',
  complexity: 'O(N) where N is the number of keys',
  summary: 'Stores several strings under their keys, in one step, if none of the keys exists yet.',
  syntax: '@data(key value)...',
  handler(c) {
    if (!isPaired(c)) return;
    for (let i = 1; i < c.request.count; i += 2) {
      if (c.lookupWrite(i) !== 0) {
        c.reply.integer(0);
        return;
      }
    }
    storeAll(c);
    c.reply.integer(1);
  },
};

/** Whether each key has a value; replies with the error where not. */
function isPaired(c: Context): boolean {
  if (c.request.count % 2 === 1) return true;
  c.reply.error(wrongArity(c.command));
  return false;
}

function storeAll(c: Context): void {
  const count = c.request.count;
  let i = 1;
  try {
    for (; i < count; i += 2) {
      storeArgument(c, i, c.lookupWrite(i), i + 1, false);
      c.changed(i);
      c.notify(EVENT.string, 'set', i);
    }
  } catch (error) {
    logStored(c, i); // no memory for this one, but those before it are stored
    throw error;
  }
  c.verbatim();
}

/** Emits a SET for each key before argument `end`. */
function logStored(c: Context, end: number): void {
  const effects = c.effects;
  for (let i = 1; i < end; i += 2) {
    effects.begin(c.db.id, 3);
    effects.text('SET');
    effects.argument(c.request, i);
    effects.argument(c.request, i + 1);
  }
}

export const STRING_MANY_COMMANDS: readonly CommandSpec[] = [MGET, MSET, MSETNX];
