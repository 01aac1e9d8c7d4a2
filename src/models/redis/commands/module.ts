/** MODULE, as a server answers that has no modules and loads none. */
import type { CommandSpec } from '../command.ts';
import { helpCommand } from '../command-help.ts';

const LIST: CommandSpec = {
  name: 'list',
  arity: 2,
  flags: ['admin', 'noscript'],
  group: 'server',
  since: '4.0.0',
  complexity: 'O(N), N being the number of modules',
  summary: 'Answers the modules that are loaded.',
  tips: ['nondeterministic_output_order'],
  handler: (c) => c.reply.array(0),
};

export const MODULE: CommandSpec = {
  name: 'module',
  arity: -2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about modules.',
  subcommands: [helpCommand('MODULE', 'server', '5.0.0'), LIST],
};
