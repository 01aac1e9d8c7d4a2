/** KEYS, RANDOMKEY: keys that the client did not name. */
import type { CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { endExpiry, isKeyMatching, patternArgument, RefList, replyKey } from './keys-collect.ts';

/** While writes are paused expired keys stay, so RANDOMKEY can't remove all it meets: after so many it returns one. */
const RANDOM_TRIES = 100;

const KEYS: CommandSpec = {
  name: 'keys',
  arity: 2,
  flags: ['readonly'],
  acl: ['keyspace', 'dangerous'],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N), N being the number of keys in the database',
  summary: 'Names all keys that match a pattern.',
  syntax: 'pattern:pattern',
  tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
  handler: listKeys,
};

function listKeys(c: Context): void {
  const { engine, reply } = c;
  const pattern = patternArgument(c, 1);
  const found = new RefList();
  c.db.keys.forEach((ref) => {
    if (pattern !== undefined && !isKeyMatching(c, ref, pattern)) return;
    if (engine.isVolatile(ref) && engine.isExpired(ref)) return;
    found.add(ref);
  });
  reply.array(found.count);
  for (let i = 0; i < found.count; i++) replyKey(c, found.refs[i]!);
}

const RANDOMKEY: CommandSpec = {
  name: 'randomkey',
  arity: 1,
  flags: ['readonly', 'touches_arbitrary_keys'],
  acl: ['keyspace'],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Names one key of the database, taken at random.',
  tips: ['request_policy:all_shards', 'response_policy:special', 'nondeterministic_output'],
  handler: randomKey,
};

function randomKey(c: Context): void {
  const { model, db } = c;
  for (let tries = 1; ; tries++) {
    const ref = db.keys.random();
    if (ref === 0) {
      c.reply.nil();
      return;
    }
    const isGone = c.engine.isVolatile(ref) && model.expireIfDue(db, ref);
    if (!isGone || (model.isFrozen && tries >= RANDOM_TRIES)) {
      replyKey(c, ref);
      return;
    }
    endExpiry(c);
  }
}

export const KEY_LIST_COMMANDS: readonly CommandSpec[] = [KEYS, RANDOMKEY];
