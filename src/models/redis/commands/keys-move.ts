/** RENAME, RENAMENX, COPY, MOVE: a value under another key, or in another database. */
import { equalBytes } from '../../../bytes/region.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { type Context, NO_SUCH_KEY, SYNTAX_ERROR } from '../context.ts';
import type { Database } from '../database.ts';
import { EVENT } from '../notify.ts';

const SAME_OBJECT = 'ERR source and destination objects are the same';
const INT32_MAX = 2147483647;
const INT32_MIN = -2147483648;

const RENAME: CommandSpec = {
  name: 'rename',
  arity: 3,
  flags: ['write'],
  acl: ['keyspace'],
  keys: [keyRange('RW ACCESS DELETE', 1), keyRange('OW UPDATE', 2)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Gives a key another name; a key that has it already is deleted.',
  syntax: 'key newkey:key',
  handler: (c) => rename(c, false),
};

const RENAMENX: CommandSpec = {
  name: 'renamenx',
  arity: 3,
  flags: ['write', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RW ACCESS DELETE', 1), keyRange('OW INSERT', 2)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Gives a key another name that no key has.',
  syntax: 'key newkey:key',
  history: [['3.2.0', 'No error where both names are the same.']],
  handler: (c) => rename(c, true),
};

function rename(c: Context, isOnlyNew: boolean): void {
  const { request, reply } = c;
  const { keys } = c.db;
  const source = c.lookupWrite(1);
  const sourceHash = c.keyHash;
  if (source === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  if (isSameArgument(c, 1, 2)) {
    if (isOnlyNew) reply.integer(0);
    else reply.ok();
    return;
  }
  const target = c.lookupWrite(2);
  const targetHash = c.keyHash;
  if (target !== 0) {
    if (isOnlyNew) {
      reply.integer(0);
      return;
    }
    keys.remove(targetHash, target);
  }
  const { region, start, end } = request;
  try {
    keys.rename(sourceHash, source, targetHash, region, start[2]!, end[2]!);
  } catch (error) {
    if (target !== 0) logDeletion(c, c.db, 2);
    throw error;
  }
  c.verbatim();
  c.notify(EVENT.newKey, 'new', 2);
  c.changed(1);
  c.touchWatchers(2);
  c.notify(EVENT.generic, 'rename_from', 1);
  c.notify(EVENT.generic, 'rename_to', 2);
  if (isOnlyNew) reply.integer(1);
  else reply.ok();
}

const COPY: CommandSpec = {
  name: 'copy',
  arity: -3,
  flags: ['write', 'denyoom'],
  acl: ['keyspace'],
  keys: [keyRange('RO ACCESS', 1), keyRange('OW UPDATE', 2)],
  group: 'generic',
  since: '6.2.0',
  complexity: 'O(N), N being the number of elements; O(1) for strings',
  summary: 'Copies the value of a key to another key.',
  syntax: 'source:key destination:key [DB destination-db:integer] [REPLACE]',
  handler: copy,
};

function copy(c: Context): void {
  const { request, reply } = c;
  let database: Database | undefined = c.db;
  let isReplacing = false;
  for (let i = 3; i < request.count; i++) {
    if (request.is(i, 'REPLACE')) {
      isReplacing = true;
    } else if (request.is(i, 'DB') && i + 1 < request.count) {
      database = databaseArgument(c, ++i);
      if (database === undefined) return;
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  if (database === c.db && isSameArgument(c, 1, 2)) {
    reply.error(SAME_OBJECT);
    return;
  }
  const source = c.lookupRead(1);
  const target = source === 0 ? 0 : lookupWriteIn(c, database, 2);
  if (source === 0 || (target !== 0 && !isReplacing)) {
    reply.integer(0);
    return;
  }
  const { keys } = database;
  const hash = c.keyHash;
  const { region, start, end } = request;
  if (target !== 0) keys.remove(hash, target);
  try {
    c.db.keys.copyTo(source, keys, hash, region, start[2]!, end[2]!);
  } catch (error) {
    if (target !== 0) logDeletion(c, database, 2);
    throw error;
  }
  c.verbatim();
  c.notify(EVENT.newKey, 'new', 2, database);
  c.model.stats.dirty++;
  c.touchWatchers(2, database);
  c.notify(EVENT.generic, 'copy_to', 2, database);
  reply.integer(1);
}

const MOVE: CommandSpec = {
  name: 'move',
  arity: 3,
  flags: ['write', 'fast'],
  acl: ['keyspace'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Moves a key to another database that has no key of this name.',
  syntax: 'key db:integer',
  handler: move,
};

function move(c: Context): void {
  const { reply } = c;
  const database = databaseArgument(c, 2);
  if (database === undefined) return;
  if (database === c.db) {
    reply.error(SAME_OBJECT);
    return;
  }
  const source = c.lookupWrite(1);
  const hash = c.keyHash;
  if (source === 0 || lookupWriteIn(c, database, 1) !== 0) {
    reply.integer(0);
    return;
  }
  c.db.keys.moveTo(hash, source, database.keys);
  c.verbatim();
  c.notify(EVENT.newKey, 'new', 1, database);
  c.changed(1);
  c.touchWatchers(1, database);
  c.notify(EVENT.generic, 'move_from', 1);
  c.notify(EVENT.generic, 'move_to', 1, database);
  reply.integer(1);
}

/** The key in argument `i` was deleted to make way for a value for which there was no memory: the deletion stands. */
function logDeletion(c: Context, database: Database, i: number): void {
  c.effects.begin(database.id, 2);
  c.effects.text('DEL');
  c.effects.argument(c.request, i);
  c.model.stats.dirty++;
  c.touchWatchers(i, database);
  c.notify(EVENT.generic, 'del', i, database);
}

/** The database whose number is argument `i`; undefined, with the error replied, where there is none. */
function databaseArgument(c: Context, i: number): Database | undefined {
  const id = c.integer(i);
  if (id !== id) return undefined;
  if (id < INT32_MIN || id > INT32_MAX) {
    c.reply.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
    return undefined;
  }
  const database = c.model.databases[id];
  if (database === undefined) c.reply.error('ERR DB index is out of range');
  return database;
}

/** Looks the key in argument `i` up in `database` for writing. */
function lookupWriteIn(c: Context, database: Database, i: number): Ref {
  const own = c.db;
  c.db = database;
  const ref = c.lookupWrite(i);
  c.db = own;
  return ref;
}

function isSameArgument(c: Context, i: number, j: number): boolean {
  const { request } = c;
  const { region, start } = request;
  const length = request.length(i);
  return request.length(j) === length && equalBytes(region, start[i]!, region, start[j]!, length);
}

export const KEY_MOVE_COMMANDS: readonly CommandSpec[] = [RENAME, RENAMENX, COPY, MOVE];
