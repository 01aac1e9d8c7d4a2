/** ACL over the one user there is, `default`, who may do everything. */
import { DEFAULT_USER, isPasswordRequired, passwordDigest } from '../authentication.ts';
import { CATEGORIES, categoriesOf } from '../command-categories.ts';
import { helpCommand } from '../command-help.ts';
import type { CommandFlag, CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { quotable } from '../error-text.ts';

const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const ADMIN_FLAGS: readonly CommandFlag[] = ['admin', ...FLAGS];

const CAT: CommandSpec = {
  name: 'cat',
  arity: -2,
  flags: FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(1), the categories and commands being a fixed set',
  summary: 'Answers all categories of commands, or the commands of one.',
  syntax: '[category]',
  handler: cat,
};

function cat(c: Context): void {
  const { request, reply } = c;
  if (request.count === 2) {
    reply.array(CATEGORIES.length);
    for (const category of CATEGORIES) reply.bulkText(category);
    return;
  }
  const category = request.text(2).toLowerCase();
  if (!CATEGORIES.includes(category)) {
    reply.error(`ERR Unknown category '${quotable(request.text(2)).slice(0, 128)}'`);
    return;
  }
  const commands = c.model.commands.all
    .flatMap((command) => [command, ...command.subcommands])
    .filter((command) => categoriesOf(command).includes(category));
  reply.array(commands.length);
  for (const command of commands) reply.bulkText(command.fullName);
}

const GETUSER: CommandSpec = {
  name: 'getuser',
  arity: 3,
  flags: ADMIN_FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(N), N being the number of rules of the user',
  summary: 'Answers the rules of a user.',
  syntax: 'username',
  history: [
    ['6.2.0', 'Patterns of channels.'],
    ['7.0.0', 'Selectors; patterns of keys and channels are rules.'],
  ],
  handler: getUser,
};

function getUser(c: Context): void {
  const { reply, model } = c;
  if (c.request.text(2) !== DEFAULT_USER) {
    reply.nil();
    return;
  }
  const hasPassword = isPasswordRequired(model.settings);
  reply.map(6);
  reply.bulkText('flags');
  const flags = hasPassword ? ['on', 'sanitize-payload'] : ['on', 'nopass', 'sanitize-payload'];
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText('passwords');
  reply.array(hasPassword ? 1 : 0);
  if (hasPassword) reply.bulkText(passwordDigest(model.settings.get('requirepass')));
  const rules = [
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
  ];
  for (const [name, rule] of rules) {
    reply.bulkText(name!);
    reply.bulkText(rule!);
  }
  reply.bulkText('selectors');
  reply.array(0);
}

const LIST: CommandSpec = {
  name: 'list',
  arity: 2,
  flags: ADMIN_FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(N), N being the number of users',
  summary: 'Answers all users with their rules, as a configuration file has them.',
  handler(c) {
    const password = c.model.settings.get('requirepass');
    const secret = password === '' ? 'nopass sanitize-payload' : 'sanitize-payload #';
    const digest = password === '' ? '' : passwordDigest(password);
    c.reply.array(1);
    c.reply.bulkText(`user ${DEFAULT_USER} on ${secret}${digest} ~* &* +@all`);
  },
};

const USERS: CommandSpec = {
  name: 'users',
  arity: 2,
  flags: ADMIN_FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(N), N being the number of users',
  summary: 'Answers the names of all users.',
  handler(c) {
    c.reply.array(1);
    c.reply.bulkText(DEFAULT_USER);
  },
};

const WHOAMI: CommandSpec = {
  name: 'whoami',
  arity: 2,
  flags: FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Answers the user of the connection.',
  handler: (c) => c.reply.bulkText(c.session.user),
};

const GENPASS_BITS = 256;
const MAX_GENPASS_BITS = 4096;

const GENPASS: CommandSpec = {
  name: 'genpass',
  arity: -2,
  flags: FLAGS,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Answers a new random password of so many bits, in hexadecimal digits.',
  syntax: '[bits:integer]',
  handler(c) {
    const { request, reply } = c;
    const bits = request.count > 2 ? c.integer(2) : GENPASS_BITS;
    if (Number.isNaN(bits)) return;
    if (bits <= 0 || bits > MAX_GENPASS_BITS) {
      reply.error(
        'ERR ACL GENPASS argument must be the number of bits for the output password, ' +
          `a positive number up to ${MAX_GENPASS_BITS}`,
      );
      return;
    }
    const digits = Math.ceil(bits / 4);
    const bytes = c.model.host.randomBytes(Math.ceil(digits / 2));
    reply.bulkText(Buffer.from(bytes).toString('hex').slice(0, digits));
  },
};

export const ACL: CommandSpec = {
  name: 'acl',
  arity: -2,
  flags: [],
  group: 'server',
  since: '6.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about users and what they may do.',
  subcommands: [CAT, GENPASS, GETUSER, helpCommand('ACL', 'server', '6.0.0'), LIST, USERS, WHOAMI],
};
