/**
 * The arguments of a command, from the synopsis in its spec (`CommandSpec.syntax`) to the tree that COMMAND DOCS prints and the text that
 * HELP prints.
 *
 *   sequence  item item ...                  all of them, in this order
 *   a | b     one of                         a `oneof`
 *   [x]       optional                       x itself with the flag; two or more items inside make a `block`
 *   (x)       grouping
 *   @name(x)  grouping with a name           `oneof` or `block` called so; a single item inside is renamed
 *   x...      repeated                       `multiple`; behind a group whose item has a token: the token is repeated too
 *   WORD      a token; "word" where it is not in upper case
 *   WORD x    an argument introduced by a token; WORD x y, alone in [ ] or between |: a block called `word` that is
 *   name      an argument of type string; name:type of another; `key` is of type key
 *   name<t>   shown as t
 *   name=WORD a token called otherwise
 *   x^1.2.3   since version 1.2.3            x!1.2.3 deprecated since
 *
 * The n-th argument of type key belongs to the n-th key spec.
 */
export type ArgumentType =
  | 'string'
  | 'integer'
  | 'double'
  | 'key'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block';

export interface CommandArgument {
  name: string;
  type: ArgumentType;
  token?: string;
  display?: string;
  since?: string;
  deprecatedSince?: string;
  /** Of type key: its number among the arguments of that type. */
  keyNumber?: number;
  isOptional?: boolean;
  isMultiple?: boolean;
  isTokenMultiple?: boolean;
  /** Of a oneof or block. */
  parts?: CommandArgument[];
}

/** The arguments that `syntax` describes; throws SyntaxError where it does not follow the grammar above. */
export function parseSyntax(syntax: string): CommandArgument[] {
  const parser = new SyntaxParser(syntax);
  const items = parser.sequence();
  if (parser.next !== undefined) parser.fail();
  return items;
}

const WORDS =
  /\.\.\.|[[\]()|]|@[a-z-]+\(|[!^][0-9.]+|"[^"]*"|(?:(?!\.\.\.)[^\s[\]()|@!^<])+(?:<[^>]*>)?/g;
const TOKEN = /^[A-Z0-9*?+-]*[A-Z][A-Z0-9-]*$/;
const ARGUMENT = /^([A-Za-z0-9-]+)(?::([a-z-]+))?(?:<(.+)>)?$/;
const TYPES = new Set(['string', 'integer', 'double', 'key', 'pattern', 'unix-time']);

class SyntaxParser {
  readonly #syntax: string;
  readonly #words: string[];
  #at = 0;
  #keys = 0;

  constructor(syntax: string) {
    this.#syntax = syntax;
    this.#words = syntax.match(WORDS) ?? [];
  }

  get next(): string | undefined {
    return this.#words[this.#at];
  }

  fail(): never {
    throw new SyntaxError(`unexpected ${this.next ?? 'end'} in the synopsis '${this.#syntax}'`);
  }

  sequence(): CommandArgument[] {
    const items: CommandArgument[] = [];
    while (this.next !== undefined && !/^[\])|]$/.test(this.next)) items.push(this.#item());
    return items;
  }

  #item(): CommandArgument {
    const word = this.next!;
    const isGroup = word === '[' || word === '(';
    const argument = this.#unit();
    for (;;) {
      const mark = this.next;
      if (mark === '...') {
        argument.isMultiple = true;
        if (isGroup && argument.token !== undefined) argument.isTokenMultiple = true;
      } else if (mark?.startsWith('^')) {
        argument.since = mark.slice(1);
      } else if (mark?.startsWith('!')) {
        argument.deprecatedSince = mark.slice(1);
      } else {
        return argument;
      }
      this.#at++;
    }
  }

  #unit(): CommandArgument {
    const word = this.next;
    if (word === undefined) this.fail();
    this.#at++;
    if (word === '[') {
      const argument = this.#group(']', undefined);
      argument.isOptional = true;
      return argument;
    }
    if (word === '(') return this.#group(')', undefined);
    if (word.startsWith('@')) return this.#group(')', word.slice(1, -1));
    const token = tokenOf(word);
    if (token !== undefined) {
      const follower = this.next;
      if (follower === undefined || !introduces(follower)) {
        return { name: token.toLowerCase(), type: 'pure-token', token };
      }
      const argument = this.#item();
      argument.token = token;
      return argument;
    }
    const equals = word.indexOf('=');
    if (equals > 0) {
      return { name: word.slice(0, equals), type: 'pure-token', token: word.slice(equals + 1) };
    }
    return this.#argument(word);
  }

  #argument(word: string): CommandArgument {
    const parts = ARGUMENT.exec(word);
    if (parts === null) {
      this.#at--;
      this.fail();
    }
    const name = parts[1]!;
    const type = (parts[2] ?? (name === 'key' ? 'key' : 'string')) as ArgumentType;
    if (!TYPES.has(type)) this.fail();
    const argument: CommandArgument = { name, type };
    if (type === 'key') argument.keyNumber = this.#keys++;
    if (parts[3] !== undefined) argument.display = parts[3];
    return argument;
  }

  #group(closer: string, name: string | undefined): CommandArgument {
    const choices = [this.sequence()];
    while (this.next === '|') {
      this.#at++;
      choices.push(this.sequence());
    }
    if (this.next !== closer || choices.some((items) => items.length === 0)) this.fail();
    this.#at++;
    if (choices.length === 1) return collect(choices[0]!, name);
    const parts = choices.map((items) => collect(items, undefined));
    return { name: name ?? 'option', type: 'oneof', parts };
  }
}

/** The items of one sequence as one argument. */
function collect(items: CommandArgument[], name: string | undefined): CommandArgument {
  const first = items[0]!;
  if (items.length === 1) {
    if (name !== undefined) first.name = name;
    return first;
  }
  const block: CommandArgument = { name: name ?? first.name, type: 'block', parts: items };
  if (name === undefined && first.token !== undefined && first.type !== 'pure-token') {
    block.name = first.token.toLowerCase();
    block.token = first.token;
    delete first.token;
  }
  return block;
}

function tokenOf(word: string): string | undefined {
  if (word.startsWith('"')) return word.slice(1, -1);
  return TOKEN.test(word) ? word : undefined;
}

/** Whether what begins with `word` can be what a token introduces. */
function introduces(word: string): boolean {
  if (word === '(' || word.startsWith('@')) return true;
  return (
    !/^([[\])|]|\.\.\.|[!^].*)$/.test(word) && tokenOf(word) === undefined && !word.includes('=')
  );
}

/** The arguments as in the manual's synopsis: `key value [NX | XX] [EX seconds | KEEPTTL]`. */
export function formatSyntax(args: readonly CommandArgument[]): string {
  return args.map(format).join(' ');
}

function format(argument: CommandArgument): string {
  const text = formatOnce(argument);
  let repeated = text;
  if (argument.isMultiple) {
    const again = argument.isTokenMultiple ? text : bare(argument);
    repeated = `${text} [${again} ...]`;
  }
  return argument.isOptional ? `[${repeated}]` : repeated;
}

function formatOnce(argument: CommandArgument): string {
  if (argument.type === 'pure-token') return argument.token!;
  const inner = bare(argument);
  if (argument.token === undefined) return inner;
  return `${argument.token} ${inner}`;
}

function bare(argument: CommandArgument): string {
  if (argument.type === 'block') return formatSyntax(argument.parts!);
  if (argument.type !== 'oneof') return argument.display ?? argument.name;
  const choices = argument.parts!.map(format).join(' | ');
  return argument.isOptional && argument.token === undefined ? choices : `<${choices}>`;
}
