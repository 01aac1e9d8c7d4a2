/** Subscribing and publishing. The tables and the delivery are in ../pubsub.ts; PUBSUB is in pubsub-inspect.ts. */
import { keyRange, type CommandFlag, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import type { SubscriptionKind } from '../pubsub.ts';

const SUBSCRIBE_FLAGS: readonly CommandFlag[] = ['pubsub', 'noscript', 'loading', 'stale'];
const PUBLISH_FLAGS: readonly CommandFlag[] = [
  'pubsub',
  'loading',
  'stale',
  'fast',
  'may_replicate',
];

const SUBSCRIBE: CommandSpec = {
  name: 'subscribe',
  arity: -2,
  flags: SUBSCRIBE_FLAGS,
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N), N being the number of channels',
  summary: 'Listens to channels.',
  syntax: 'channel...',
  handler: (c) => subscribe(c, c.model.pubsub.channels),
};

const UNSUBSCRIBE: CommandSpec = {
  name: 'unsubscribe',
  arity: -1,
  flags: SUBSCRIBE_FLAGS,
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N), N being the number of channels',
  summary: 'Listens no longer to these channels, or to any.',
  syntax: '[channel...]',
  handler: (c) => unsubscribe(c, c.model.pubsub.channels),
};

const PSUBSCRIBE: CommandSpec = {
  name: 'psubscribe',
  arity: -2,
  flags: SUBSCRIBE_FLAGS,
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N), N being the number of patterns',
  summary: 'Listens to all channels that match one of the patterns.',
  syntax: 'pattern:pattern...',
  handler: (c) => subscribe(c, c.model.pubsub.patterns),
};

const PUNSUBSCRIBE: CommandSpec = {
  name: 'punsubscribe',
  arity: -1,
  flags: SUBSCRIBE_FLAGS,
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N), N being the number of patterns',
  summary: 'Listens no longer by these patterns, or by any.',
  syntax: '[pattern:pattern...]',
  handler: (c) => unsubscribe(c, c.model.pubsub.patterns),
};

const SSUBSCRIBE: CommandSpec = {
  name: 'ssubscribe',
  arity: -2,
  flags: SUBSCRIBE_FLAGS,
  keys: [keyRange('NOT_KEY', 1, -1)],
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N), N being the number of shard channels',
  summary: 'Listens to shard channels.',
  syntax: 'shardchannel...',
  handler(c) {
    if (c.isInTransaction) {
      c.reply.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
      return;
    }
    subscribe(c, c.model.pubsub.shardChannels);
  },
};

const SUNSUBSCRIBE: CommandSpec = {
  name: 'sunsubscribe',
  arity: -1,
  flags: SUBSCRIBE_FLAGS,
  keys: [keyRange('NOT_KEY', 1, -1)],
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N), N being the number of shard channels',
  summary: 'Listens no longer to these shard channels, or to any.',
  syntax: '[shardchannel...]',
  handler: (c) => unsubscribe(c, c.model.pubsub.shardChannels),
};

function subscribe(c: Context, kind: SubscriptionKind): void {
  const { request, session } = c;
  for (let i = 1; i < request.count; i++) c.model.pubsub.subscribe(kind, session, request.text(i));
}

function unsubscribe(c: Context, kind: SubscriptionKind): void {
  const { request, session } = c;
  const { pubsub } = c.model;
  if (request.count === 1) pubsub.unsubscribeAll(kind, session);
  for (let i = 1; i < request.count; i++) pubsub.unsubscribe(kind, session, request.text(i));
}

const PUBLISH: CommandSpec = {
  name: 'publish',
  arity: 3,
  flags: PUBLISH_FLAGS,
  group: 'pubsub',
  since: '2.0.0',
  complexity: 'O(N+M), N being the number of subscribers and M that of all patterns',
  summary: 'Sends a message to all who listen to a channel.',
  syntax: 'channel message',
  handler(c) {
    const { request } = c;
    const channel = request.text(1);
    const { region } = request;
    c.reply.integer(
      c.model.pubsub.publishBytes(channel, region, request.start[2]!, request.end[2]!),
    );
  },
};

const SPUBLISH: CommandSpec = {
  name: 'spublish',
  arity: 3,
  flags: PUBLISH_FLAGS,
  keys: [keyRange('NOT_KEY', 1)],
  group: 'pubsub',
  since: '7.0.0',
  complexity: 'O(N), N being the number of subscribers',
  summary: 'Sends a message to all who listen to a shard channel.',
  syntax: 'shardchannel message',
  handler(c) {
    const { request } = c;
    const channel = request.text(1);
    const { region } = request;
    c.reply.integer(
      c.model.pubsub.publishShard(channel, region, request.start[2]!, request.end[2]!),
    );
  },
};

export const PUBSUB_COMMANDS: readonly CommandSpec[] = [
  SUBSCRIBE,
  UNSUBSCRIBE,
  PSUBSCRIBE,
  PUNSUBSCRIBE,
  SSUBSCRIBE,
  SUNSUBSCRIBE,
  PUBLISH,
  SPUBLISH,
];
