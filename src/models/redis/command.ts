/**
 * What a command is: one declarative entry that drives dispatch, COMMAND and COMMAND DOCS, ACL categories, key extraction,
 * metrics and the generated reference page. Nothing about a command is written in a second place.
 */
import type { Context } from './context.ts';
import type { Request } from '../../bytes/resp-request.ts';

/** Redis's command flags, by the names COMMAND prints (https://redis.io/docs/latest/commands/command/#flags). */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_mandatory_keys'
  | 'protected'
  | 'no_async_loading'
  | 'no_multi'
  | 'movablekeys'
  | 'allow_busy'
  | 'touches_arbitrary_keys';

/**
 * ACL categories beyond those that follow from flags (write, read, admin + dangerous, pubsub, fast / slow, blocking): the type's
 * category and explicit `dangerous`, `connection`, `keyspace`, `transaction`.
 */
export type AclCategory =
  | 'keyspace'
  | 'string'
  | 'bitmap'
  | 'connection'
  | 'transaction'
  | 'scripting'
  | 'dangerous'
  | 'admin'
  | 'pubsub'
  | 'read'
  | 'write';

export type CommandGroup =
  | 'generic'
  | 'string'
  | 'bitmap'
  | 'transactions'
  | 'pubsub'
  | 'connection'
  | 'server'
  | 'scripting';

/** Where a command's keys are; the terms are those of https://redis.io/docs/latest/develop/reference/key-specs/. */
export interface KeySpec {
  /** In upper case, as COMMAND prints them: RO RW OW RM, ACCESS UPDATE INSERT DELETE, NOT_KEY, INCOMPLETE, VARIABLE_FLAGS. */
  flags: readonly string[];
  notes?: string;
  begin: { index: number } | { keyword: string; startFrom: number } | 'unknown';
  find:
    | { lastKey: number; step: number; limit: number }
    | { keyNumIndex: number; firstKey: number; step: number }
    | 'unknown';
}

/** Does the command's work against `c`: reads `c.request`, changes the keyspace, emits effects, writes the reply. */
export type Handler = (c: Context) => void;

export interface CommandSpec {
  /** In lower case; a subcommand's own word (`kill`), its full name being `client|kill`. */
  name: string;
  /** Arguments, the name(s) included; negative: at least that many. */
  arity: number;
  flags: readonly CommandFlag[];
  acl?: readonly AclCategory[];
  keys?: readonly KeySpec[];
  group: CommandGroup;
  since: string;
  complexity: string;
  summary: string;
  /**
   * The arguments, as in the manual's synopsis, from which COMMAND DOCS builds its tree:
   * `key`, `name:type` (string is the default type; `key` is of type key; others integer double pattern unix-time),
   * UPPERCASE words are tokens, `[x]` optional, `a | b` one of, `x...` repeated, `(a | b)` grouping, `@name(...)` names a group.
   * Example for SET: `key value [@condition(NX | XX)] [GET] [@expiration(EX seconds:integer | ... | KEEPTTL)]`.
   * command-docs.ts has the whole grammar.
   */
  syntax?: string;
  /** https://redis.io/docs/latest/develop/reference/command-tips/ */
  tips?: readonly string[];
  /** Changes: [version, what]. */
  history?: readonly (readonly [string, string])[];
  deprecated?: { since: string; replacedBy: string };
  /** For the server's own use and its tests: COMMAND DOCS calls it a `syscmd`. */
  isSystem?: boolean;
  /** The index of the argument that may come in chunks (`Request.large`): a value of any size that is stored as it is. */
  chunks?: number;
  subcommands?: readonly CommandSpec[];
  handler?: Handler;
  /** Where key specs do not tell: the indexes of the key arguments. Undefined: 'Invalid arguments specified for command'. */
  getKeys?: (request: Request) => number[] | undefined;
  /** Where a key spec says VARIABLE_FLAGS: the flags of this request's keys (`OW UPDATE`). */
  keyFlags?: (request: Request) => string;
}

/** The key spec of a command whose keys are arguments `first` to `last` (negative: counted from the end), every `step`-th. */
export function keyRange(flags: string, first: number, last: number = first, step = 1): KeySpec {
  return {
    flags: flags.split(' '),
    begin: { index: first },
    find: { lastKey: last < 0 ? last : last - first, step, limit: 0 },
  };
}
