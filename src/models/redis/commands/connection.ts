/** AUTH, HELLO, PING, ECHO, SELECT, QUIT, RESET: a client and its connection. */
import { authenticate, DEFAULT_USER, isPasswordRequired } from '../authentication.ts';
import type { CommandSpec } from '../command.ts';
import { wrongArity } from '../dispatch.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import { discardTransaction } from '../transaction.ts';
import { REDIS_VERSION } from '../version.ts';
import { BAD_CLIENT_NAME, isClientAttribute } from './client-attributes.ts';
import { quotable } from '../error-text.ts';

const INT32_MIN = -2147483648;
const INT32_MAX = 2147483647;

const AUTH: CommandSpec = {
  name: 'auth',
  arity: -2,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  acl: ['connection'],
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(N), N being the number of passwords the user has',
  summary: 'Tells the server who the client is.',
  syntax: '[username]^6.0.0 password',
  history: [['6.0.0', 'A user name may stand before the password.']],
  handler: auth,
};

function auth(c: Context): void {
  const count = c.request.count;
  if (count > 3) {
    c.reply.error(SYNTAX_ERROR);
    return;
  }
  if (count === 2 && !isPasswordRequired(c.model.settings)) {
    c.reply.error(
      'ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?',
    );
    return;
  }
  if (authenticate(c, count === 3 ? 1 : undefined, count - 1)) c.reply.ok();
}

const HELLO: CommandSpec = {
  name: 'hello',
  arity: -1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  acl: ['connection'],
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  summary:
    'Chooses the protocol version and describes the server; may authenticate and name the client.',
  syntax: '[@arguments(protover:integer [AUTH @auth(username password)] [SETNAME clientname])]',
  history: [['6.2.0', 'Without a version it only describes the connection.']],
  handler: hello,
};

function hello(c: Context): void {
  const { request, reply, session } = c;
  let version = 0;
  if (request.count >= 2) {
    version = c.integer(1, 'ERR Protocol version is not an integer or out of range');
    if (Number.isNaN(version)) return;
    if (version !== 2 && version !== 3) {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
  }
  let user = 0;
  let name = -1;
  for (let i = 2; i < request.count; i++) {
    if (request.is(i, 'AUTH') && i + 2 < request.count) {
      user = i + 1;
      i += 2;
    } else if (request.is(i, 'SETNAME') && i + 1 < request.count) {
      name = i + 1;
      if (!isClientAttribute(request.text(name))) {
        reply.error(BAD_CLIENT_NAME);
        return;
      }
      i++;
    } else {
      reply.error(`ERR Syntax error in HELLO option '${quotable(request.text(i))}'`);
      return;
    }
  }
  if (user !== 0 && !authenticate(c, user, user + 1)) return;
  if (!session.isAuthenticated) {
    reply.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
        'option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
    return;
  }
  if (name >= 0) session.name = request.text(name);
  if (version === 2 || version === 3) session.resp = version;
  reply.resp = session.resp;
  reply.map(7);
  reply.bulkText('server');
  reply.bulkText('redis');
  reply.bulkText('version');
  reply.bulkText(REDIS_VERSION);
  reply.bulkText('proto');
  reply.integer(session.resp);
  reply.bulkText('id');
  reply.integer(session.id);
  reply.bulkText('mode');
  reply.bulkText('standalone');
  reply.bulkText('role');
  reply.bulkText('master');
  reply.bulkText('modules');
  reply.array(0);
}

const PING: CommandSpec = {
  name: 'ping',
  arity: -1,
  flags: ['fast'],
  acl: ['connection'],
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Answers PONG, or the message given.',
  syntax: '[message]',
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  handler(c) {
    const { request, reply, session } = c;
    if (request.count > 2) {
      reply.error(wrongArity(c.command));
    } else if (session.isSubscriber && session.resp === 2) {
      reply.array(2);
      reply.bulkText('pong');
      if (request.count === 1) reply.bulkText('');
      else reply.bulk(request.region, request.start[1]!, request.length(1));
    } else if (request.count === 1) {
      reply.simple('PONG');
    } else {
      reply.bulk(request.region, request.start[1]!, request.length(1));
    }
  },
};

const ECHO: CommandSpec = {
  name: 'echo',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  acl: ['connection'],
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Answers the message given.',
  syntax: 'message',
  handler(c) {
    c.reply.bulk(c.request.region, c.request.start[1]!, c.request.length(1));
  },
};

const SELECT: CommandSpec = {
  name: 'select',
  arity: 2,
  flags: ['loading', 'stale', 'fast'],
  acl: ['connection'],
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Changes the database that the connection works with.',
  syntax: 'index:integer',
  handler(c) {
    const index = c.integer(1);
    if (Number.isNaN(index)) return;
    if (index < INT32_MIN || index > INT32_MAX) {
      c.reply.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
      return;
    }
    const db = c.model.databases[index];
    if (db === undefined) {
      c.reply.error('ERR DB index is out of range');
      return;
    }
    c.session.database = index;
    c.db = db;
    c.reply.ok();
  },
};

const QUIT: CommandSpec = {
  name: 'quit',
  arity: -1,
  flags: ['allow_busy', 'noscript', 'loading', 'stale', 'fast', 'no_auth'],
  acl: ['connection'],
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Answers OK and closes the connection.',
  deprecated: { since: '7.2.0', replacedBy: 'just closing the connection' },
  handler(c) {
    c.reply.ok();
    c.session.isClosing = true;
  },
};

const RESET: CommandSpec = {
  name: 'reset',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  acl: ['connection'],
  group: 'connection',
  since: '6.2.0',
  complexity: 'O(1)',
  summary: 'Makes the connection what it was when it was opened.',
  handler(c) {
    const { model, session } = c;
    model.monitors.sessions.delete(session);
    session.isMonitor = false;
    session.database = 0;
    c.db = model.databases[0]!;
    session.resp = 2;
    c.reply.resp = 2;
    session.isAuthenticated = !isPasswordRequired(model.settings);
    session.user = DEFAULT_USER;
    discardTransaction(c);
    model.pubsub.forget(session);
    session.name = '';
    session.replyMode = 'on';
    session.isNoEvict = false;
    session.isNoTouch = false;
    c.reply.simple('RESET');
  },
};

export const CONNECTION_COMMANDS: readonly CommandSpec[] = [
  AUTH,
  HELLO,
  PING,
  ECHO,
  SELECT,
  QUIT,
  RESET,
];
