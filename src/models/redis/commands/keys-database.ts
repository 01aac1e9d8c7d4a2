/** FLUSHDB, FLUSHALL, SWAPDB, DBSIZE: whole databases. */
import type { CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import type { Database } from '../database.ts';
import { touchAllWatched } from '../watch.ts';

const FLUSH_TIPS = ['request_policy:all_shards', 'response_policy:all_succeeded'] as const;
const FLUSH_HISTORY = [
  ['4.0.0', 'The mode `ASYNC`.'],
  ['6.2.0', 'The mode `SYNC`.'],
] as const;
const FLUSH_SYNTAX = '[@flush-type(ASYNC^4.0.0 | SYNC^6.2.0)]';

const FLUSHDB: CommandSpec = {
  name: 'flushdb',
  arity: -1,
  flags: ['write'],
  acl: ['keyspace', 'dangerous'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1); the memory of N keys is freed in the background or, with SYNC, in O(N)',
  summary: 'Deletes all keys of the current database.',
  syntax: FLUSH_SYNTAX,
  tips: FLUSH_TIPS,
  history: FLUSH_HISTORY,
  handler: (c) => flush(c, [c.db]),
};

const FLUSHALL: CommandSpec = {
  name: 'flushall',
  arity: -1,
  flags: ['write'],
  acl: ['keyspace', 'dangerous'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1); the memory of N keys is freed in the background or, with SYNC, in O(N)',
  summary: 'Deletes all keys of all databases.',
  syntax: FLUSH_SYNTAX,
  tips: FLUSH_TIPS,
  history: FLUSH_HISTORY,
  handler: (c) => flush(c, c.model.databases),
};

function flush(c: Context, databases: readonly Database[]): void {
  const { request, model } = c;
  let isSync = request.count === 2 && request.is(1, 'SYNC');
  if (request.count === 1) {
    isSync = model.settings.get('lazyfree-lazy-user-flush') !== 'yes';
  } else if (request.count > 2 || (!isSync && !request.is(1, 'ASYNC'))) {
    c.reply.error(SYNTAX_ERROR);
    return;
  }
  for (const db of databases) {
    touchAllWatched(db);
    model.stats.dirty += db.keys.size;
    db.keys.clear(isSync);
  }
  c.verbatim(); // of empty databases too, as in Redis
  c.reply.ok();
}

const SWAPDB: CommandSpec = {
  name: 'swapdb',
  arity: 3,
  flags: ['write', 'fast'],
  acl: ['keyspace', 'dangerous'],
  group: 'server',
  since: '4.0.0',
  complexity:
    'O(N), N being the number of clients that watch or wait for keys of the two databases',
  summary: 'Exchanges the keys of two databases.',
  syntax: 'index1:integer index2:integer',
  handler: swap,
};

function swap(c: Context): void {
  const { databases } = c.model;
  const first = indexArgument(c, 1, 'ERR invalid first DB index');
  if (first !== first) return;
  const second = indexArgument(c, 2, 'ERR invalid second DB index');
  if (second !== second) return;
  const a = databases[first];
  const b = databases[second];
  if (a === undefined || b === undefined) {
    c.reply.error('ERR DB index is out of range');
    return;
  }
  if (a !== b) {
    touchAllWatched(a, b);
    touchAllWatched(b, a);
    c.engine.swap(a.keys, b.keys);
  }
  c.verbatim();
  c.model.stats.dirty++;
  c.reply.ok();
}

/** Argument `i` as a 32-bit integer; NaN, with `error` replied, where it is none. */
function indexArgument(c: Context, i: number, error: string): number {
  const index = c.integer(i, error);
  if (index >= -2147483648 && index <= 2147483647) return index;
  if (index === index) c.reply.error(error);
  return NaN;
}

const DBSIZE: CommandSpec = {
  name: 'dbsize',
  arity: 1,
  flags: ['readonly', 'fast'],
  acl: ['keyspace'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Counts the keys of the current database.',
  tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
  handler: (c) => c.reply.integer(c.db.keys.size),
};

export const DATABASE_COMMANDS: readonly CommandSpec[] = [FLUSHDB, FLUSHALL, SWAPDB, DBSIZE];
