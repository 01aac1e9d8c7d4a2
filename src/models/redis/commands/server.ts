/** TIME, LASTSAVE, SHUTDOWN, BGREWRITEAOF, ROLE, REPLICAOF and LOLWUT: the server as a whole. */
import type { CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import { REDIS_VERSION } from '../version.ts';

const TIME: CommandSpec = {
  name: 'time',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  group: 'server',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: "Answers the server's time: seconds since the epoch, and microseconds of this second.",
  tips: ['nondeterministic_output'],
  handler(c) {
    const us = c.model.host.wallClockUs();
    const seconds = Math.floor(us / 1e6);
    c.reply.array(2);
    c.reply.bulkInteger(seconds);
    c.reply.bulkInteger(us - seconds * 1e6);
  },
};

const LASTSAVE: CommandSpec = {
  name: 'lastsave',
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  acl: ['admin', 'dangerous'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Answers when the data was last saved, in seconds since the epoch.',
  tips: ['nondeterministic_output'],
  handler: (c) => c.reply.integer(c.model.host.persistence.lastSaveSeconds),
};

const SHUTDOWN: CommandSpec = {
  name: 'shutdown',
  arity: -1,
  flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(N) when saving, N being the number of keys; else O(1)',
  summary: 'Makes the data durable and ends the server.',
  syntax: '[@save-selector(NOSAVE | SAVE)] [NOW]^7.0.0 [FORCE]^7.0.0 [ABORT]^7.0.0',
  history: [['7.0.0', '`NOW`, `FORCE` and `ABORT`.']],
  handler: shutdown,
};

function shutdown(c: Context): void {
  const { request, reply, model, session } = c;
  const given = new Set<string>();
  for (let i = 1; i < request.count; i++) {
    const word = request.text(i).toUpperCase();
    if (!['NOSAVE', 'SAVE', 'NOW', 'FORCE', 'ABORT'].includes(word)) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    given.add(word);
  }
  const isAbort = given.has('ABORT');
  if ((isAbort && given.size > 1) || (given.has('SAVE') && given.has('NOSAVE'))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (isAbort) {
    reply.error('ERR No shutdown in progress.'); // nothing is waited for: a shutdown can't be called off
    return;
  }
  const failure = model.host.shutdown({
    save: given.has('SAVE') ? 'save' : given.has('NOSAVE') ? 'nosave' : 'default',
    now: given.has('NOW'),
    force: given.has('FORCE'),
  });
  if (failure !== undefined) {
    reply.error(`ERR ${failure}`);
    return;
  }
  model.pauses.park(session, { reason: 'shutdown', deadlineMs: Infinity, expire: () => {} }, c.now);
}

const BGREWRITEAOF: CommandSpec = {
  name: 'bgrewriteaof',
  arity: 1,
  flags: ['no_async_loading', 'admin', 'noscript'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Writes the append-only file anew, in the background.',
  handler(c) {
    const outcome = c.model.host.persistence.rewrite();
    if ('error' in outcome) c.reply.error(outcome.error);
    else c.reply.simple(outcome.reply);
  },
};

const ROLE: CommandSpec = {
  name: 'role',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast'],
  acl: ['admin', 'dangerous'],
  group: 'server',
  since: '2.8.12',
  complexity: 'O(1)',
  summary: 'Answers what part the server plays in replication.',
  handler(c) {
    c.reply.array(3);
    c.reply.bulkText('master');
    c.reply.integer(c.model.host.persistence.position);
    c.reply.array(0);
  },
};

const REPLICAOF: CommandSpec = {
  name: 'replicaof',
  arity: 3,
  flags: ['no_async_loading', 'admin', 'noscript', 'stale'],
  group: 'server',
  since: '5.0.0',
  complexity: 'O(1)',
  summary:
    'NO ONE makes the server a primary, which it is; following another is not supported yet.',
  syntax: '@args(@host-port(host port:integer) | @no-one(NO ONE))',
  handler: replicaOf,
};

const SLAVEOF: CommandSpec = {
  ...REPLICAOF,
  name: 'slaveof',
  since: '1.0.0',
  deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' },
};

function replicaOf(c: Context): void {
  const { request, reply } = c;
  if (request.is(1, 'NO') && request.is(2, 'ONE')) {
    reply.ok();
    return;
  }
  const port = c.integer(2, 'ERR Invalid master port');
  if (Number.isNaN(port)) return;
  if (port < 0 || port > 65535) reply.error('ERR Invalid master port');
  else reply.error('ERR REPLICAOF another server is not supported yet by this server');
}

const LOLWUT: CommandSpec = {
  name: 'lolwut',
  arity: -1,
  flags: ['readonly', 'fast'],
  group: 'server',
  since: '5.0.0',
  complexity: '',
  summary: 'Draws something and tells the version.',
  syntax: '[VERSION version:integer]',
  handler: lolwut,
};

const LEAVES = ['.', "'", '*', 'o', '"'];
const TREE_ROWS = 9;

/** A tree, its leaves different every time. */
function lolwut(c: Context): void {
  if (c.request.count >= 3 && c.request.is(1, 'VERSION') && Number.isNaN(c.integer(2))) return;
  const { host } = c.model;
  let drawing = '';
  for (let row = 1; row <= TREE_ROWS; row++) {
    let leaves = '';
    for (let i = 0; i < row * 2 - 1; i++) {
      leaves += LEAVES[Math.floor(host.random() * LEAVES.length)] ?? '.';
    }
    drawing += `${' '.repeat(TREE_ROWS - row)}${leaves}\n`;
  }
  drawing += `${' '.repeat(TREE_ROWS - 2)}|||\n`.repeat(2);
  c.reply.verbatim(
    'txt',
    `${drawing}\nKvasir, with the commands of\nRedis ver. ${REDIS_VERSION}\n`,
  );
}

export const SERVER_COMMANDS: readonly CommandSpec[] = [
  TIME,
  LASTSAVE,
  SHUTDOWN,
  BGREWRITEAOF,
  ROLE,
  REPLICAOF,
  SLAVEOF,
  LOLWUT,
];
