/**
 * Client-side caching, as a server answers that does not offer it: a client is told that it does not track, turning tracking on is
 * refused. Requests are parsed as in Redis, so that a wrong one gets the error it always got.
 */
import type { CommandFlag, CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';

const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];

export const CLIENT_TRACKING: CommandSpec = {
  name: 'tracking',
  arity: -3,
  flags: FLAGS,
  acl: ['connection'],
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Turns client-side caching off; turning it on is not supported yet.',
  syntax:
    '@status(ON | OFF) [REDIRECT client-id:integer] [(PREFIX prefix)...] ' +
    '[BCAST=BCAST] [OPTIN=OPTIN] [OPTOUT=OPTOUT] [NOLOOP=NOLOOP]',
  handler: tracking,
};

function tracking(c: Context): void {
  const { request, reply, model } = c;
  let isRedirected = false;
  for (let i = 3; i < request.count; i++) {
    const hasValue = i + 1 < request.count;
    if (request.is(i, 'REDIRECT') && hasValue) {
      i++;
      if (isRedirected) {
        reply.error('ERR A client can only redirect to a single other client');
        return;
      }
      const id = c.integer(i);
      if (Number.isNaN(id)) return;
      if (!model.sessions.has(id)) {
        reply.error('ERR The client ID you want redirect to does not exist');
        return;
      }
      isRedirected = true;
    } else if (request.is(i, 'PREFIX') && hasValue) {
      i++;
    } else if (!['BCAST', 'OPTIN', 'OPTOUT', 'NOLOOP'].some((word) => request.is(i, word))) {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (request.is(2, 'OFF')) reply.ok();
  else if (request.is(2, 'ON'))
    reply.error('ERR CLIENT TRACKING is not supported yet by this server');
  else reply.error(SYNTAX_ERROR);
}

export const CLIENT_CACHING: CommandSpec = {
  name: 'caching',
  arity: 3,
  flags: FLAGS,
  acl: ['connection'],
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Says whether the keys of the next command are tracked.',
  syntax: '@mode(YES | NO)',
  handler(c) {
    c.reply.error(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  },
};

export const CLIENT_GETREDIR: CommandSpec = {
  name: 'getredir',
  arity: 2,
  flags: FLAGS,
  acl: ['connection'],
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Answers which client the invalidation messages of this one go to.',
  handler: (c) => c.reply.integer(-1),
};

export const CLIENT_TRACKINGINFO: CommandSpec = {
  name: 'trackinginfo',
  arity: 2,
  flags: FLAGS,
  acl: ['connection'],
  group: 'connection',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Answers whether and how the connection uses client-side caching.',
  handler(c) {
    const { reply } = c;
    reply.map(3);
    reply.bulkText('flags');
    reply.set(1);
    reply.bulkText('off');
    reply.bulkText('redirect');
    reply.integer(-1);
    reply.bulkText('prefixes');
    reply.array(0);
  },
};
