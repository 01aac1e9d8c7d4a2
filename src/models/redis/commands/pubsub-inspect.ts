/** PUBSUB: which channels have subscribers, and how many. */
import { matchGlob } from '../../../bytes/glob.ts';
import { helpCommand, wrongSubcommand } from '../command-help.ts';
import type { CommandFlag, CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import type { Listeners, SubscriptionKind } from '../pubsub.ts';

const FLAGS: readonly CommandFlag[] = ['pubsub', 'loading', 'stale'];

const CHANNELS: CommandSpec = {
  name: 'channels',
  arity: -2,
  flags: FLAGS,
  group: 'pubsub',
  since: '2.8.0',
  complexity: 'O(N), N being the number of channels with subscribers',
  summary: 'Names the channels that have subscribers, all or those that match.',
  syntax: '[pattern:pattern]',
  handler: (c) => listChannels(c, c.model.pubsub.channels),
};

const NUMSUB: CommandSpec = {
  name: 'numsub',
  arity: -2,
  flags: FLAGS,
  group: 'pubsub',
  since: '2.8.0',
  complexity: 'O(N), N being the number of channels named',
  summary: 'Counts the subscribers of channels, not those by pattern.',
  syntax: '[channel...]',
  handler: (c) => countSubscribers(c, c.model.pubsub.channels),
};

const NUMPAT: CommandSpec = {
  name: 'numpat',
  arity: 2,
  flags: FLAGS,
  group: 'pubsub',
  since: '2.8.0',
  complexity: 'O(1)',
  summary: 'Counts the different patterns that have subscribers.',
  handler: (c) => c.reply.integer(c.model.pubsub.patterns.listeners.size),
};

const SHARDCHANNELS: CommandSpec = {
  name: 'shardchannels',
  arity: -2,
  flags: FLAGS,
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N), N being the number of shard channels with subscribers',
  summary: 'Names the shard channels that have subscribers, all or those that match.',
  syntax: '[pattern:pattern]',
  handler: (c) => listChannels(c, c.model.pubsub.shardChannels),
};

const SHARDNUMSUB: CommandSpec = {
  name: 'shardnumsub',
  arity: -2,
  flags: FLAGS,
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N), N being the number of shard channels named',
  summary: 'Counts the subscribers of shard channels.',
  syntax: '[shardchannel...]',
  handler: (c) => countSubscribers(c, c.model.pubsub.shardChannels),
};

function listChannels(c: Context, kind: SubscriptionKind): void {
  const { request, reply } = c;
  if (request.count > 3) {
    reply.error(wrongSubcommand(c));
    return;
  }
  let found: Listeners[] = [...kind.listeners.values()];
  if (request.count === 3) {
    const pattern = request.copy(2);
    found = found.filter(({ bytes }) => matchGlob(pattern, bytes));
  }
  reply.array(found.length);
  for (const { name } of found) reply.bulkText(name);
}

function countSubscribers(c: Context, kind: SubscriptionKind): void {
  const { request, reply } = c;
  reply.array((request.count - 2) * 2);
  for (let i = 2; i < request.count; i++) {
    reply.bulk(request.region, request.start[i]!, request.length(i));
    reply.integer(kind.listeners.get(request.text(i))?.sessions.size ?? 0);
  }
}

const PUBSUB: CommandSpec = {
  name: 'pubsub',
  arity: -2,
  flags: [],
  group: 'pubsub',
  since: '2.8.0',
  complexity: 'Depends on the subcommand',
  summary: 'Questions about channels and their subscribers.',
  subcommands: [
    CHANNELS,
    NUMSUB,
    NUMPAT,
    SHARDCHANNELS,
    SHARDNUMSUB,
    helpCommand('PUBSUB', 'pubsub', '6.2.0'),
  ],
};

export const PUBSUB_INSPECT_COMMANDS: readonly CommandSpec[] = [PUBSUB];
