/** CLIENT KILL in its two forms: by address, which may be one's own, and by filters that all must hold, which spare oneself by default. */
import { DEFAULT_USER } from '../authentication.ts';
import type { CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import type { Session } from '../session.ts';
import { type ClientType, clientType, parseClientType } from './client-attributes.ts';
import { quotable } from '../error-text.ts';

export const CLIENT_KILL: CommandSpec = {
  name: 'kill',
  arity: -3,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  acl: ['connection'],
  group: 'connection',
  since: '2.4.0',
  complexity: 'O(N), N being the number of connections',
  summary: 'Closes connections.',
  syntax:
    '@filter(old-format<ip:port>!2.8.12 | @new-format([ID client-id:integer]^2.8.12 | ' +
    '[TYPE @client-type("normal" | "master"^3.2.0 | "slave" | "replica"^5.0.0 | "pubsub")]^2.8.12 | ' +
    '[USER username] | [ADDR addr<ip:port>] | [LADDR laddr<ip:port>]^6.2.0 | [SKIPME @skipme(YES | NO)])...)',
  history: [
    ['2.8.12', 'The form with filters.'],
    ['2.8.12', 'The filter `ID`.'],
    ['3.2.0', '`TYPE master`.'],
    ['5.0.0', '`TYPE replica`; `slave` goes on meaning the same.'],
    ['6.2.0', 'The filter `LADDR`.'],
  ],
  handler: kill,
};

interface Filter {
  id?: number;
  type?: ClientType;
  address?: string;
  localAddress?: string;
  isSelfSpared: boolean;
}

function kill(c: Context): void {
  const { request, reply, session } = c;
  const isByAddress = request.count === 3;
  const filter = isByAddress ? { address: request.text(2), isSelfSpared: false } : parseFilter(c);
  if (filter === undefined) return;
  let killed = 0;
  let isSelfKilled = false;
  for (const other of [...c.model.sessions.values()]) {
    if (!matches(filter, other) || (filter.isSelfSpared && other === session)) continue;
    if (other === session) isSelfKilled = true;
    else other.io.close();
    killed++;
  }
  if (!isByAddress) reply.integer(killed);
  else if (killed === 0) reply.error('ERR No such client');
  else reply.ok();
  if (isSelfKilled) session.isClosing = true;
}

function matches(filter: Filter, session: Session): boolean {
  return (
    (filter.address === undefined || filter.address === session.io.address) &&
    (filter.localAddress === undefined || filter.localAddress === session.io.localAddress) &&
    (filter.type === undefined || filter.type === clientType(session)) &&
    (filter.id === undefined || filter.id === session.id)
  );
}

/** The filters from argument 2 on; undefined where an error was replied. */
function parseFilter(c: Context): Filter | undefined {
  const { request, reply } = c;
  const filter: Filter = { isSelfSpared: true };
  for (let i = 2; i < request.count; i += 2) {
    if (i + 1 === request.count) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    const value = request.text(i + 1);
    if (request.is(i, 'ID')) {
      const wrong = 'ERR client-id should be greater than 0';
      const id = c.integer(i + 1, wrong);
      if (Number.isNaN(id)) return undefined;
      if (id < 1) {
        reply.error(wrong);
        return undefined;
      }
      filter.id = id;
    } else if (request.is(i, 'TYPE')) {
      const type = parseClientType(value);
      if (type === undefined) {
        reply.error(`ERR Unknown client type '${quotable(value)}'`);
        return undefined;
      }
      filter.type = type;
    } else if (request.is(i, 'ADDR')) {
      filter.address = value;
    } else if (request.is(i, 'LADDR')) {
      filter.localAddress = value;
    } else if (request.is(i, 'USER')) {
      if (value !== DEFAULT_USER) {
        reply.error(`ERR No such user '${quotable(value)}'`);
        return undefined;
      }
    } else if (request.is(i, 'SKIPME') && (request.is(i + 1, 'YES') || request.is(i + 1, 'NO'))) {
      filter.isSelfSpared = request.is(i + 1, 'YES');
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return filter;
}
