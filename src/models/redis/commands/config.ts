/** CONFIG: reading, changing and keeping the settings. */
import type { CommandFlag, CommandSpec } from '../command.ts';
import { helpCommand } from '../command-help.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';

const FLAGS: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const ON_ALL_NODES = ['request_policy:all_nodes', 'response_policy:all_succeeded'];

const GET: CommandSpec = {
  name: 'get',
  arity: -3,
  flags: FLAGS,
  group: 'server',
  since: '2.0.0',
  complexity: 'O(N), N being the number of settings asked for',
  summary: 'Answers settings, by name or pattern.',
  syntax: 'parameter...',
  history: [['7.0.0', 'Several names or patterns at once.']],
  handler(c) {
    const { request, reply } = c;
    const patterns: string[] = [];
    for (let i = 2; i < request.count; i++) patterns.push(request.text(i));
    const found = c.model.settings.match(...patterns);
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulkText(name);
      reply.bulkText(value);
    }
  },
};

const SET: CommandSpec = {
  name: 'set',
  arity: -4,
  flags: FLAGS,
  group: 'server',
  since: '2.0.0',
  complexity: 'O(N), N being the number of settings given',
  summary: 'Changes settings: all that are given, or none.',
  syntax: '@data(parameter value)...',
  tips: ON_ALL_NODES,
  history: [['7.0.0', 'Several settings at once.']],
  handler: set,
};

function set(c: Context): void {
  const { request, reply, model, session } = c;
  if (request.count % 2 !== 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const pairs: [string, string][] = [];
  for (let i = 2; i < request.count; i += 2) pairs.push([request.text(i), request.text(i + 1)]);
  const allowed = model.settings.get('enable-protected-configs');
  const mayProtected = allowed === 'yes' || (allowed === 'local' && session.io.isLocal);
  const error = model.settings.set(pairs, mayProtected);
  if (error === undefined) reply.ok();
  else reply.error(error);
}

const RESETSTAT: CommandSpec = {
  name: 'resetstat',
  arity: 2,
  flags: FLAGS,
  group: 'server',
  since: '2.0.0',
  complexity: 'O(1)',
  summary: 'Sets the counters that INFO shows to 0.',
  tips: ON_ALL_NODES,
  handler(c) {
    const { model } = c;
    model.stats.reset(model.host.network(), model.engine.lazyFreed);
    model.commands.resetCounters();
    c.reply.ok();
  },
};

const REWRITE: CommandSpec = {
  name: 'rewrite',
  arity: 2,
  flags: FLAGS,
  group: 'server',
  since: '2.8.0',
  complexity: 'O(1)',
  summary: 'Writes the settings to the configuration file.',
  tips: ON_ALL_NODES,
  handler(c) {
    const { host, settings } = c.model;
    const failure = settings.rewrite();
    if (failure === undefined) {
      host.log('notice', 'CONFIG REWRITE executed with success.');
      c.reply.ok();
    } else if (host.configFile === '') {
      c.reply.error('ERR The server is running without a config file');
    } else {
      host.log('warning', `CONFIG REWRITE failed: ${failure}`);
      c.reply.error(`ERR Rewriting config file: ${failure}`);
    }
  },
};

export const CONFIG: CommandSpec = {
  name: 'config',
  arity: -2,
  flags: [],
  group: 'server',
  since: '2.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about the settings of the server.',
  subcommands: [GET, helpCommand('CONFIG', 'server', '5.0.0'), RESETSTAT, REWRITE, SET],
};
