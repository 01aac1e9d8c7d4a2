/** INFO: the state of the server in sections of `field:value` lines. */
import type { CommandSpec } from '../command.ts';
import { infoText } from '../info/index.ts';

export const INFO: CommandSpec = {
  name: 'info',
  arity: -1,
  flags: ['loading', 'stale'],
  acl: ['dangerous'],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(N), N being the number of clients and commands',
  summary: 'Describes the state of the server, in sections.',
  syntax: '[section...]',
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  history: [['7.0.0', 'Several sections at once.']],
  handler(c) {
    const names: string[] = [];
    for (let i = 1; i < c.request.count; i++) names.push(c.request.text(i));
    c.reply.verbatim('txt', infoText(c.model, names));
  },
};
