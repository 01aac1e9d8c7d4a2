/** COMMAND INFO's and COMMAND DOCS' descriptions of one command, written as Redis writes them. */
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { Command } from './command-table.ts';
import type { KeySpec } from './command.ts';
import { categoriesOf } from './command-categories.ts';
import { type CommandArgument, parseSyntax } from './command-docs.ts';
import { legacyRange } from './command-keys.ts';

/** Flags in the order of Redis's table; what is missing there it hides. */
const SHOWN_FLAGS = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'fast',
  'no_auth',
  'no_mandatory_keys',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
];

const KEY_FLAGS = [
  'RO',
  'RW',
  'OW',
  'RM',
  'ACCESS',
  'UPDATE',
  'INSERT',
  'DELETE',
  'NOT_KEY',
  'INCOMPLETE',
  'VARIABLE_FLAGS',
];

/** COMMAND INFO's ten elements. */
export function replyCommandInfo(reply: RespWriter, command: Command): void {
  const { spec } = command;
  const keys = spec.keys ?? [];
  const range = legacyRange(keys);
  const flags = new Set<string>(spec.flags);
  if (range.isMovable) flags.add('movablekeys');
  reply.array(10);
  reply.bulkText(command.fullName);
  reply.integer(spec.arity);
  replyNames(
    reply,
    SHOWN_FLAGS.filter((flag) => flags.has(flag)),
  );
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  replyNames(
    reply,
    categoriesOf(command).map((category) => `@${category}`),
  );
  reply.set(spec.tips?.length ?? 0);
  for (const tip of spec.tips ?? []) reply.bulkText(tip);
  reply.set(keys.length);
  for (const key of keys) replyKeySpec(reply, key);
  if (command.subcommands.length === 0) reply.set(0);
  else reply.array(command.subcommands.length);
  for (const sub of command.subcommands) replyCommandInfo(reply, sub);
}

/** A key's flags, as a set of simple strings. */
export function replyKeyFlags(reply: RespWriter, flags: readonly string[]): void {
  const shown = KEY_FLAGS.filter((flag) => flags.includes(flag));
  replyNames(
    reply,
    shown.map((flag) => (flag.length === 2 ? flag : flag.toLowerCase())),
  );
}

function replyNames(reply: RespWriter, names: readonly string[]): void {
  reply.set(names.length);
  for (const name of names) reply.simple(name);
}

function replyKeySpec(reply: RespWriter, spec: KeySpec): void {
  const { begin, find, notes } = spec;
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.bulkText('notes');
    reply.bulkUtf8(notes);
  }
  reply.bulkText('flags');
  replyKeyFlags(reply, spec.flags);
  reply.bulkText('begin_search');
  if (begin === 'unknown') replySearch(reply, 'unknown', []);
  else if ('index' in begin) replySearch(reply, 'index', [['index', begin.index]]);
  else {
    replySearch(reply, 'keyword', [
      ['keyword', begin.keyword],
      ['startfrom', begin.startFrom],
    ]);
  }
  reply.bulkText('find_keys');
  if (find === 'unknown') replySearch(reply, 'unknown', []);
  else if ('lastKey' in find) {
    replySearch(reply, 'range', [
      ['lastkey', find.lastKey],
      ['keystep', find.step],
      ['limit', find.limit],
    ]);
  } else {
    replySearch(reply, 'keynum', [
      ['keynumidx', find.keyNumIndex],
      ['firstkey', find.firstKey],
      ['keystep', find.step],
    ]);
  }
}

function replySearch(
  reply: RespWriter,
  type: string,
  fields: readonly (readonly [string, string | number])[],
): void {
  reply.map(2);
  reply.bulkText('type');
  reply.bulkText(type);
  reply.bulkText('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkText(value);
  }
}

/** COMMAND DOCS' map of one command. */
export function replyCommandDocs(reply: RespWriter, command: Command): void {
  const { spec } = command;
  const { deprecated, history } = spec;
  const docFlags = [
    ...(deprecated === undefined ? [] : ['deprecated']),
    ...(spec.isSystem ? ['syscmd'] : []),
  ];
  const args = spec.syntax === undefined ? [] : parseSyntax(spec.syntax);
  const pairs: [string, () => void][] = [
    ['summary', () => reply.bulkUtf8(spec.summary)],
    ['since', () => reply.bulkText(spec.since)],
    ['group', () => reply.bulkText(spec.group)],
  ];
  if (spec.complexity !== '') pairs.push(['complexity', () => reply.bulkUtf8(spec.complexity)]);
  if (docFlags.length > 0) pairs.push(['doc_flags', () => replyNames(reply, docFlags)]);
  if (deprecated !== undefined) {
    pairs.push(['deprecated_since', () => reply.bulkText(deprecated.since)]);
    pairs.push(['replaced_by', () => reply.bulkUtf8(deprecated.replacedBy)]);
  }
  if (history !== undefined) pairs.push(['history', () => replyHistory(reply, history)]);
  if (args.length > 0) {
    pairs.push(['arguments', () => replyArguments(reply, args, spec.keys?.length ?? 0)]);
  }
  if (command.subcommands.length > 0) {
    pairs.push(['subcommands', () => replySubcommandDocs(reply, command)]);
  }
  replyPairs(reply, pairs);
}

function replyPairs(reply: RespWriter, pairs: readonly (readonly [string, () => void])[]): void {
  reply.map(pairs.length);
  for (const [name, write] of pairs) {
    reply.bulkText(name);
    write();
  }
}

function replySubcommandDocs(reply: RespWriter, command: Command): void {
  reply.map(command.subcommands.length);
  for (const sub of command.subcommands) {
    reply.bulkText(sub.fullName);
    replyCommandDocs(reply, sub);
  }
}

function replyHistory(reply: RespWriter, history: readonly (readonly [string, string])[]): void {
  reply.set(history.length);
  for (const [since, change] of history) {
    reply.array(2);
    reply.bulkText(since);
    reply.bulkUtf8(change);
  }
}

function replyArguments(
  reply: RespWriter,
  args: readonly CommandArgument[],
  keySpecs: number,
): void {
  reply.array(args.length);
  for (const argument of args) replyPairs(reply, describe(reply, argument, keySpecs));
}

function describe(
  reply: RespWriter,
  argument: CommandArgument,
  keySpecs: number,
): [string, () => void][] {
  const { type, parts, token, since, deprecatedSince, keyNumber } = argument;
  const text = (value: string) => (): void => reply.bulkText(value);
  const pairs: [string, () => void][] = [
    ['name', text(argument.name)],
    ['type', text(type)],
  ];
  if (parts === undefined) pairs.push(['display_text', text(argument.display ?? argument.name)]);
  if (keyNumber !== undefined && keySpecs > 0) {
    const index = Math.min(keyNumber, keySpecs - 1);
    pairs.push(['key_spec_index', () => reply.integer(index)]);
  }
  if (token !== undefined) pairs.push(['token', text(token)]);
  if (since !== undefined) pairs.push(['since', text(since)]);
  if (deprecatedSince !== undefined) pairs.push(['deprecated_since', text(deprecatedSince)]);
  const flags = [
    ...(argument.isOptional ? ['optional'] : []),
    ...(argument.isMultiple ? ['multiple'] : []),
    ...(argument.isTokenMultiple ? ['multiple_token'] : []),
  ];
  if (flags.length > 0) pairs.push(['flags', () => replyNames(reply, flags)]);
  if (parts !== undefined) {
    pairs.push(['arguments', () => replyArguments(reply, parts, keySpecs)]);
  }
  return pairs;
}
