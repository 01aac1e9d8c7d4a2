/** COMMAND: what the server knows of its commands, from their specs. */
import { matchGlob } from '../../../bytes/glob.ts';
import { CATEGORIES, categoriesOf } from '../command-categories.ts';
import { helpCommand } from '../command-help.ts';
import { keysOf, mayHaveKeys, tailOf } from '../command-keys.ts';
import { replyCommandDocs, replyCommandInfo, replyKeyFlags } from '../command-reply.ts';
import type { Command } from '../command-table.ts';
import type { AclCategory, CommandFlag, CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';

const FLAGS: readonly CommandFlag[] = ['loading', 'stale'];
const ACL: readonly AclCategory[] = ['connection'];
const UNORDERED = ['nondeterministic_output_order'];

const COUNT: CommandSpec = {
  name: 'count',
  arity: 2,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Answers the number of commands.',
  handler: (c) => c.reply.integer(c.model.commands.all.length),
};

const DOCS: CommandSpec = {
  name: 'docs',
  arity: -2,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '7.0.0',
  complexity: 'O(N), N being the number of commands asked for',
  summary: 'Answers the documentation of the commands named, or of all.',
  syntax: '[command-name...]',
  tips: UNORDERED,
  handler(c) {
    const { request, reply } = c;
    const commands = request.count === 2 ? c.model.commands.all : named(c).filter(isKnown);
    reply.map(commands.length);
    for (const command of commands) {
      reply.bulkText(command.fullName);
      replyCommandDocs(reply, command);
    }
  },
};

const INFO: CommandSpec = {
  name: 'info',
  arity: -2,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(N), N being the number of commands asked for',
  summary: 'Answers arity, flags, keys and categories of the commands named, or of all.',
  syntax: '[command-name...]',
  tips: UNORDERED,
  history: [['7.0.0', 'Without names it describes all commands.']],
  handler(c) {
    if (c.request.count === 2) {
      replyAll(c);
      return;
    }
    const commands = named(c);
    c.reply.array(commands.length);
    for (const command of commands) {
      if (command === undefined) c.reply.nil();
      else replyCommandInfo(c.reply, command);
    }
  },
};

/** The commands that the arguments from 2 on name; undefined for those that do not exist. */
function named(c: Context): (Command | undefined)[] {
  const found: (Command | undefined)[] = [];
  for (let i = 2; i < c.request.count; i++) {
    found.push(c.model.commands.byName(c.request.text(i).toLowerCase()));
  }
  return found;
}

function isKnown(command: Command | undefined): command is Command {
  return command !== undefined;
}

function replyAll(c: Context): void {
  const { all } = c.model.commands;
  c.reply.array(all.length);
  for (const command of all) replyCommandInfo(c.reply, command);
}

const LIST: CommandSpec = {
  name: 'list',
  arity: -2,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '7.0.0',
  complexity: 'O(N), N being the number of commands',
  summary:
    'Answers the names of all commands and subcommands, or of those that a filter lets through.',
  syntax: '[FILTERBY @filterby(MODULE module-name | ACLCAT category | PATTERN pattern:pattern)]',
  tips: UNORDERED,
  handler: list,
};

function list(c: Context): void {
  const { request, reply } = c;
  let isListed = (_command: Command): boolean => true;
  if (request.count !== 2) {
    if (request.count !== 5 || !request.is(2, 'FILTERBY')) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    const value = request.copy(4);
    const word = request.text(4).toLowerCase();
    if (request.is(3, 'MODULE')) {
      isListed = () => false; // there are no modules
    } else if (request.is(3, 'ACLCAT')) {
      isListed = (command) => CATEGORIES.includes(word) && categoriesOf(command).includes(word);
    } else if (request.is(3, 'PATTERN')) {
      isListed = (command) => matchGlob(value, Buffer.from(command.fullName), true);
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const names = c.model.commands.all
    .flatMap((command) => [command, ...command.subcommands])
    .filter(isListed);
  reply.array(names.length);
  for (const command of names) reply.bulkText(command.fullName);
}

const GETKEYS: CommandSpec = {
  name: 'getkeys',
  arity: -3,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(N), N being the number of arguments of the command',
  summary: 'Answers the keys of a command given with its arguments.',
  syntax: 'command [arg...]',
  handler: (c) => replyKeys(c, false),
};

const GETKEYSANDFLAGS: CommandSpec = {
  name: 'getkeysandflags',
  arity: -3,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '7.0.0',
  complexity: 'O(N), N being the number of arguments of the command',
  summary: 'Answers the keys of a command given with its arguments, and how each is used.',
  syntax: 'command [arg...]',
  handler: (c) => replyKeys(c, true),
};

function replyKeys(c: Context, withFlags: boolean): void {
  const { reply, model } = c;
  const request = tailOf(c.request, 2);
  let command = model.commands.lookup(request);
  if (command !== undefined && command.subcommands.length > 0 && request.count > 1) {
    command = model.commands.lookupSubcommand(command, request);
  }
  if (command === undefined) {
    reply.error('ERR Invalid command specified');
    return;
  }
  if (!mayHaveKeys(command.spec)) {
    reply.error('ERR The command has no key arguments');
    return;
  }
  if (command.refusesCount(request.count)) {
    reply.error('ERR Invalid number of arguments specified for command');
    return;
  }
  const keys = keysOf(command.spec, request);
  if (keys.length === 0 && !command.spec.flags.includes('no_mandatory_keys')) {
    reply.error('ERR Invalid arguments specified for command');
    return;
  }
  reply.array(keys.length);
  for (const { index, flags } of keys) {
    if (withFlags) reply.array(2);
    reply.bulk(request.region, request.start[index]!, request.length(index));
    if (withFlags) replyKeyFlags(reply, flags);
  }
}

export const COMMAND: CommandSpec = {
  name: 'command',
  arity: -1,
  flags: FLAGS,
  acl: ACL,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(N), N being the number of commands',
  summary: 'Answers arity, flags, keys and categories of all commands.',
  tips: UNORDERED,
  subcommands: [
    COUNT,
    DOCS,
    GETKEYS,
    GETKEYSANDFLAGS,
    helpCommand('COMMAND', 'server', '5.0.0', ACL),
    INFO,
    LIST,
  ],
  handler: replyAll,
};
