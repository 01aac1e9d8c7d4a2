/** SLOWLOG: reading the log of slow commands (slowlog.ts beside the model keeps it). */
import type { CommandSpec } from '../command.ts';
import { helpCommand, wrongSubcommand } from '../command-help.ts';
import type { Context } from '../context.ts';

const DEFAULT_COUNT = 10;

const GET: CommandSpec = {
  name: 'get',
  arity: -2,
  flags: ['admin', 'loading', 'stale'],
  group: 'server',
  since: '2.2.12',
  complexity: 'O(N), N being the number of entries answered',
  summary:
    'Answers the newest entries: id, time, microseconds, arguments, client address and client name of each.',
  syntax: '[count:integer]',
  tips: ['request_policy:all_nodes', 'nondeterministic_output'],
  history: [['4.0.0', 'Address and name of the client.']],
  handler: get,
};

function get(c: Context): void {
  const { request, reply, model } = c;
  let count = DEFAULT_COUNT;
  if (request.count > 3) {
    reply.error(wrongSubcommand(c));
    return;
  }
  if (request.count === 3) {
    const wrong = 'ERR count should be greater than or equal to -1';
    count = c.integer(2, wrong);
    if (Number.isNaN(count)) return;
    if (count < -1) {
      reply.error(wrong);
      return;
    }
    if (count === -1) count = model.slowlog.length;
  }
  const entries = model.slowlog.newest(count);
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.timeSeconds);
    reply.integer(entry.microseconds);
    reply.array(entry.args.length);
    for (const arg of entry.args) reply.bulkText(arg);
    reply.bulkUtf8(entry.address);
    reply.bulkText(entry.clientName);
  }
}

const LEN: CommandSpec = {
  name: 'len',
  arity: 2,
  flags: ['admin', 'loading', 'stale'],
  group: 'server',
  since: '2.2.12',
  complexity: 'O(1)',
  summary: 'Answers the number of entries.',
  tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
  handler: (c) => c.reply.integer(c.model.slowlog.length),
};

const RESET: CommandSpec = {
  name: 'reset',
  arity: 2,
  flags: ['admin', 'loading', 'stale'],
  group: 'server',
  since: '2.2.12',
  complexity: 'O(N), N being the number of entries',
  summary: 'Drops all entries.',
  tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  handler(c) {
    c.model.slowlog.reset();
    c.reply.ok();
  },
};

export const SLOWLOG: CommandSpec = {
  name: 'slowlog',
  arity: -2,
  flags: [],
  group: 'server',
  since: '2.2.12',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about the log of slow commands.',
  subcommands: [GET, helpCommand('SLOWLOG', 'server', '6.2.0'), LEN, RESET],
};
