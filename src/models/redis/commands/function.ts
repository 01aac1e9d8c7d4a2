/** FUNCTION, as a server answers that has no functions: there are none to list, dump, flush or kill. Loading comes with scripting. */
import type { AclCategory, CommandSpec } from '../command.ts';
import { helpCommand, wrongSubcommand } from '../command-help.ts';
import type { Context } from '../context.ts';
import { quotable } from '../error-text.ts';

const ACL: readonly AclCategory[] = ['scripting'];

/**
 * What FUNCTION DUMP of no functions is in Redis 7.2: no contents, the version of the RDB format (11, little-endian) and the CRC-64 of
 * these two bytes.
 */
const EMPTY_DUMP: Uint8Array = Buffer.from('0b003444e133f2e04b53', 'hex');

const FLUSH: CommandSpec = {
  name: 'flush',
  arity: -2,
  flags: ['noscript', 'write'],
  acl: ACL,
  group: 'scripting',
  since: '7.0.0',
  complexity: 'O(N), N being the number of functions',
  summary: 'Deletes all functions.',
  syntax: '[@flush-type(ASYNC | SYNC)]',
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  handler(c) {
    const { request } = c;
    const isRight =
      request.count === 2 ||
      (request.count === 3 && (request.is(2, 'ASYNC') || request.is(2, 'SYNC')));
    if (isRight) c.reply.ok();
    else if (request.count > 3) c.reply.error(wrongSubcommand(c));
    else c.reply.error('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
  },
};

const LIST: CommandSpec = {
  name: 'list',
  arity: -2,
  flags: ['noscript'],
  acl: ACL,
  group: 'scripting',
  since: '7.0.0',
  complexity: 'O(N), N being the number of functions',
  summary: 'Answers the libraries of functions.',
  syntax: '[LIBRARYNAME library-name-pattern] [WITHCODE]',
  tips: ['nondeterministic_output_order'],
  handler: list,
};

function list(c: Context): void {
  const { request, reply } = c;
  let isNamed = false;
  let isWithCode = false;
  for (let i = 2; i < request.count; i++) {
    if (!isWithCode && request.is(i, 'WITHCODE')) {
      isWithCode = true;
    } else if (!isNamed && request.is(i, 'LIBRARYNAME')) {
      if (++i === request.count) {
        reply.error('ERR library name argument was not given');
        return;
      }
      isNamed = true;
    } else {
      reply.error(`ERR Unknown argument ${quotable(request.text(i))}`);
      return;
    }
  }
  reply.array(0);
}

const STATS: CommandSpec = {
  name: 'stats',
  arity: 2,
  flags: ['noscript', 'allow_busy'],
  acl: ACL,
  group: 'scripting',
  since: '7.0.0',
  complexity: 'O(1)',
  summary: 'Answers which function runs and how many there are.',
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  handler(c) {
    const { reply } = c;
    reply.map(2);
    reply.bulkText('running_script');
    reply.nil();
    reply.bulkText('engines');
    reply.map(0);
  },
};

const KILL: CommandSpec = {
  name: 'kill',
  arity: 2,
  flags: ['noscript', 'allow_busy'],
  acl: ACL,
  group: 'scripting',
  since: '7.0.0',
  complexity: 'O(1)',
  summary: 'Ends the function that runs.',
  tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
  handler: (c) => c.reply.error('NOTBUSY No scripts in execution right now.'),
};

const DUMP: CommandSpec = {
  name: 'dump',
  arity: 2,
  flags: ['noscript'],
  acl: ACL,
  group: 'scripting',
  since: '7.0.0',
  complexity: 'O(N), N being the number of functions',
  summary: 'Answers all libraries in a form that FUNCTION RESTORE takes.',
  handler: (c) => c.reply.bulkBytes(EMPTY_DUMP),
};

export const FUNCTION: CommandSpec = {
  name: 'function',
  arity: -2,
  flags: [],
  group: 'scripting',
  since: '7.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about functions.',
  subcommands: [DUMP, FLUSH, helpCommand('FUNCTION', 'scripting', '7.0.0', ACL), KILL, LIST, STATS],
};
