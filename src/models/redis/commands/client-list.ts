/** CLIENT LIST and CLIENT INFO: one line a client, in the fields and the order of Redis 7.2. */
import { parseInteger } from '../../../bytes/integer.ts';
import type { Request } from '../../../bytes/resp-request.ts';
import { clientBytes } from '../client-memory.ts';
import type { CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import type { RedisModel } from '../model.ts';
import type { Session } from '../session.ts';
import { clientType, parseClientType } from './client-attributes.ts';
import { quotable } from '../error-text.ts';

export const CLIENT_INFO: CommandSpec = {
  name: 'info',
  arity: 2,
  flags: ['noscript', 'loading', 'stale'],
  acl: ['connection'],
  group: 'connection',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Describes the connection.',
  tips: ['nondeterministic_output'],
  handler(c) {
    c.reply.verbatim('txt', `${clientLine(c.model, c.session, c.session, c.request)}\n`);
  },
};

export const CLIENT_LIST: CommandSpec = {
  name: 'list',
  arity: -2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  acl: ['connection'],
  group: 'connection',
  since: '2.4.0',
  complexity: 'O(N), N being the number of connections',
  summary: 'Describes all connections.',
  syntax:
    '[TYPE @client-type("normal" | "master" | "replica" | "pubsub")]^5.0.0 [ID client-id:integer...]^6.2.0',
  tips: ['nondeterministic_output'],
  history: [
    ['2.8.12', 'The field `id`.'],
    ['5.0.0', 'The filter `TYPE`.'],
    ['6.0.0', 'The field `user`.'],
    ['6.2.0', 'The fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the filter `ID`.'],
    ['7.0.0', 'The fields `resp`, `multi-mem`, `rbs` and `rbp`.'],
    ['7.0.3', 'The field `ssub`.'],
  ],
  handler: list,
};

function list(c: Context): void {
  const { request, model } = c;
  let sessions: Iterable<Session> = model.sessions.values();
  if (request.count === 4 && request.is(2, 'TYPE')) {
    const type = parseClientType(request.text(3));
    if (type === undefined) {
      c.reply.error(`ERR Unknown client type '${quotable(request.text(3))}'`);
      return;
    }
    sessions = [...model.sessions.values()].filter((session) => clientType(session) === type);
  } else if (request.count > 3 && request.is(2, 'ID')) {
    const named: Session[] = [];
    for (let i = 3; i < request.count; i++) {
      const id = parseInteger(request.region.bytes, request.start[i]!, request.end[i]!);
      if (Number.isNaN(id)) {
        c.reply.error('ERR Invalid client ID');
        return;
      }
      const session = model.sessions.get(id);
      if (session !== undefined) named.push(session);
    }
    sessions = named;
  } else if (request.count !== 2) {
    c.reply.error(SYNTAX_ERROR);
    return;
  }
  let text = '';
  for (const session of sessions) text += `${clientLine(model, session, c.session, request)}\n`;
  c.reply.verbatim('txt', text);
}

/**
 * The line about `session`. `current` is the client whose `request` runs, the only one whose request is still in memory.
 *
 * Output that waits is in pieces of the client's own (`oll`, `omem`) or in regions that all clients share, never in a fixed buffer of the
 * client's: `rbs`, `rbp` and `obl` are 0.
 */
export function clientLine(
  model: RedisModel,
  session: Session,
  current: Session,
  request: Request,
): string {
  const { io } = session;
  const now = model.engine.now;
  const isCurrent = session === current;
  const queryBytes = isCurrent
    ? Math.max(io.queryBufferBytes(), request.to - request.from)
    : io.queryBufferBytes();
  const argumentBytes = isCurrent ? totalLength(request) : 0;
  const fields = [
    `id=${session.id}`,
    `addr=${io.address}`,
    `laddr=${io.localAddress}`,
    `fd=${io.fd}`,
    `name=${session.name}`,
    `age=${Math.floor((now - session.createdMs) / 1000)}`,
    `idle=${Math.floor((now - session.lastMs) / 1000)}`,
    `flags=${clientFlags(model, session)}`,
    `db=${session.database}`,
    `sub=${session.channels.size}`,
    `psub=${session.patterns.size}`,
    `ssub=${session.shardChannels.size}`,
    `multi=${session.queue?.length ?? -1}`,
    `qbuf=${queryBytes}`,
    `qbuf-free=${io.queryBufferFreeBytes()}`,
    `argv-mem=${argumentBytes}`,
    `multi-mem=${session.queuedBytes}`,
    'rbs=0',
    'rbp=0',
    'obl=0',
    `oll=${io.outputPieces()}`,
    `omem=${io.outputBytes()}`,
    `tot-mem=${clientBytes(session) + (isCurrent ? queryBytes : 0)}`,
    `events=${session.isClosing ? '' : 'r'}${io.outputBytes() > 0 ? 'w' : ''}`,
    `cmd=${session.lastCommand}`,
    `user=${session.user}`,
    'redir=-1',
    `resp=${session.resp}`,
    `lib-name=${session.libraryName}`,
    `lib-ver=${session.libraryVersion}`,
  ];
  return fields.join(' ');
}

function clientFlags(model: RedisModel, session: Session): string {
  let flags = '';
  if (session.isMonitor) flags += 'O';
  if (session.isSubscriber) flags += 'P';
  if (session.queue !== undefined) flags += 'x';
  if (session.parked !== undefined || model.pauses.isPostponed(session)) flags += 'b';
  if (session.isTransactionDirty) flags += 'd';
  if (session.isClosing) flags += 'c';
  if (session.io.isUnixSocket) flags += 'U';
  if (session.isNoEvict) flags += 'e';
  if (session.isNoTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

function totalLength(request: Request): number {
  let bytes = 0;
  for (let i = 0; i < request.count; i++) bytes += request.length(i);
  return bytes;
}
