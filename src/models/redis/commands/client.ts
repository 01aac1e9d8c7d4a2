/** CLIENT: names, identity, pausing, replies and memory of connections. LIST, KILL and TRACKING have files of their own. */
import type { AclCategory, CommandFlag, CommandSpec } from '../command.ts';
import { helpCommand, wrongSubcommand } from '../command-help.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import { BAD_CLIENT_NAME, isClientAttribute } from './client-attributes.ts';
import { CLIENT_KILL } from './client-kill.ts';
import { CLIENT_INFO, CLIENT_LIST } from './client-list.ts';
import {
  CLIENT_CACHING,
  CLIENT_GETREDIR,
  CLIENT_TRACKING,
  CLIENT_TRACKINGINFO,
} from './client-tracking.ts';
import { quotable } from '../error-text.ts';

/** 2^63 - 1, as near as a double comes. */
const INT64_MAX = 2 ** 63;
const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const ADMIN_FLAGS: readonly CommandFlag[] = ['admin', ...FLAGS];
const ACL: readonly AclCategory[] = ['connection'];
const ON_ALL_NODES = ['request_policy:all_nodes', 'response_policy:all_succeeded'];

const ID: CommandSpec = {
  name: 'id',
  arity: 2,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: "Answers the connection's number, which no other connection of this run has.",
  handler: (c) => c.reply.integer(c.session.id),
};

const GETNAME: CommandSpec = {
  name: 'getname',
  arity: 2,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '2.6.9',
  complexity: 'O(1)',
  summary: 'Answers the name of the connection.',
  handler(c) {
    if (c.session.name === '') c.reply.nil();
    else c.reply.bulkText(c.session.name);
  },
};

const SETNAME: CommandSpec = {
  name: 'setname',
  arity: 3,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '2.6.9',
  complexity: 'O(1)',
  summary: 'Names the connection; an empty name takes the name away.',
  syntax: 'connection-name',
  tips: ON_ALL_NODES,
  handler(c) {
    const name = c.request.text(2);
    if (!isClientAttribute(name)) {
      c.reply.error(BAD_CLIENT_NAME);
      return;
    }
    c.session.name = name;
    c.reply.ok();
  },
};

const SETINFO: CommandSpec = {
  name: 'setinfo',
  arity: 4,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '7.2.0',
  complexity: 'O(1)',
  summary: 'Tells which client library is in use.',
  syntax: '@attr("lib-name" libname | "lib-ver" libver)',
  tips: ON_ALL_NODES,
  handler(c) {
    const { request, reply, session } = c;
    const isName = request.is(2, 'LIB-NAME');
    if (!isName && !request.is(2, 'LIB-VER')) {
      reply.error(`ERR Unrecognized option '${quotable(request.text(2))}'`);
      return;
    }
    const value = request.text(3);
    if (!isClientAttribute(value)) {
      reply.error(
        `ERR ${quotable(request.text(2))} cannot contain spaces, newlines or special characters.`,
      );
      return;
    }
    if (isName) session.libraryName = value;
    else session.libraryVersion = value;
    reply.ok();
  },
};

const PAUSE: CommandSpec = {
  name: 'pause',
  arity: -3,
  flags: ADMIN_FLAGS,
  acl: ACL,
  group: 'connection',
  since: '3.0.0',
  complexity: 'O(1)',
  summary: 'Holds back the commands of all clients, or only those that write.',
  syntax: 'timeout:integer [@mode(WRITE | ALL)]^6.2.0',
  history: [['6.2.0', 'The mode, of which `WRITE` is new.']],
  handler: pause,
};

function pause(c: Context): void {
  const { request, reply, model } = c;
  if (request.count > 4) {
    reply.error(wrongSubcommand(c));
    return;
  }
  const isWrite = request.count === 4 && request.is(3, 'WRITE');
  if (request.count === 4 && !isWrite && !request.is(3, 'ALL')) {
    reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const timeout = c.integer(2, 'ERR timeout is not an integer or out of range');
  if (Number.isNaN(timeout)) return;
  if (timeout < 0) {
    reply.error('ERR timeout is negative');
    return;
  }
  if (timeout > INT64_MAX - c.now) {
    reply.error('ERR timeout is out of range');
    return;
  }
  model.pauses.pause(isWrite ? 'write' : 'all', c.now + timeout, c.now);
  reply.ok();
}

const UNPAUSE: CommandSpec = {
  name: 'unpause',
  arity: 2,
  flags: ADMIN_FLAGS,
  acl: ACL,
  group: 'connection',
  since: '6.2.0',
  complexity: 'O(N), N being the number of clients held back',
  summary: 'Ends CLIENT PAUSE.',
  handler(c) {
    c.model.pauses.unpause();
    c.reply.ok();
  },
};

const REPLY: CommandSpec = {
  name: 'reply',
  arity: 3,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '3.2.0',
  complexity: 'O(1)',
  summary: 'Turns replies to the connection on or off, or leaves out the next one.',
  syntax: '@action(ON | OFF | SKIP)',
  handler(c) {
    const { request, session } = c;
    if (request.is(2, 'ON')) {
      session.replyMode = 'on';
      c.reply.ok();
    } else if (request.is(2, 'OFF')) {
      session.replyMode = 'off';
    } else if (request.is(2, 'SKIP')) {
      if (session.replyMode !== 'off') session.replyMode = 'skip-next';
    } else {
      c.reply.error(SYNTAX_ERROR);
    }
  },
};

const NO_EVICT: CommandSpec = {
  name: 'no-evict',
  arity: 3,
  flags: ADMIN_FLAGS,
  acl: ACL,
  group: 'connection',
  since: '7.0.0',
  complexity: 'O(1)',
  summary: 'Spares the connection when clients are closed to free memory.',
  syntax: '@enabled(ON | OFF)',
  handler(c) {
    const isOn = onOrOff(c);
    if (isOn !== undefined) c.session.isNoEvict = isOn;
  },
};

const NO_TOUCH: CommandSpec = {
  name: 'no-touch',
  arity: 3,
  flags: FLAGS,
  acl: ACL,
  group: 'connection',
  since: '7.2.0',
  complexity: 'O(1)',
  summary: "Keeps the connection's commands from changing when keys were last used.",
  syntax: '@enabled(ON | OFF)',
  handler(c) {
    const isOn = onOrOff(c);
    if (isOn !== undefined) c.session.isNoTouch = isOn;
  },
};

/** Reads ON or OFF from argument 2 and replies: OK, or an error and undefined. */
function onOrOff(c: Context): boolean | undefined {
  const isOn = c.request.is(2, 'ON');
  if (!isOn && !c.request.is(2, 'OFF')) {
    c.reply.error(SYNTAX_ERROR);
    return undefined;
  }
  c.reply.ok();
  return isOn;
}

const UNBLOCK: CommandSpec = {
  name: 'unblock',
  arity: -3,
  flags: ADMIN_FLAGS,
  acl: ACL,
  group: 'connection',
  since: '5.0.0',
  complexity: 'O(1)',
  summary: 'Ends the waiting of a client, as if its time were up or with an error.',
  syntax: 'client-id:integer [@unblock-type(TIMEOUT | ERROR)]',
  handler: unblock,
};

function unblock(c: Context): void {
  const { request, reply, model } = c;
  if (request.count > 4) {
    reply.error(wrongSubcommand(c));
    return;
  }
  const withError = request.count === 4 && request.is(3, 'ERROR');
  if (request.count === 4 && !withError && !request.is(3, 'TIMEOUT')) {
    reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
    return;
  }
  const id = c.integer(2);
  if (Number.isNaN(id)) return;
  const session = model.sessions.get(id);
  const isUnblocked = session !== undefined && model.pauses.unblock(session, withError);
  if (isUnblocked && reply.errorCount !== model.stats.errorsSeen) {
    // The error is the other client's command's.
    const command = model.commands.byName(session.lastCommand);
    if (command !== undefined) command.failedCalls++;
    model.stats.countErrors(reply);
  }
  reply.integer(isUnblocked ? 1 : 0);
}

export const CLIENT: CommandSpec = {
  name: 'client',
  arity: -2,
  flags: [],
  group: 'connection',
  since: '2.4.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about connections.',
  subcommands: [
    CLIENT_CACHING,
    GETNAME,
    CLIENT_GETREDIR,
    helpCommand('CLIENT', 'connection', '5.0.0', ACL),
    ID,
    CLIENT_INFO,
    CLIENT_KILL,
    CLIENT_LIST,
    NO_EVICT,
    NO_TOUCH,
    PAUSE,
    REPLY,
    SETINFO,
    SETNAME,
    CLIENT_TRACKING,
    CLIENT_TRACKINGINFO,
    UNBLOCK,
    UNPAUSE,
  ],
};
