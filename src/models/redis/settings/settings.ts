/**
 * The settings of one server: typed reads, CONFIG GET and SET, and what follows a change. Values are kept as the text that CONFIG GET prints; whoever needs
 * one on a hot path keeps a copy and follows changes by `onChange`.
 */
import { matchGlob } from '../../../bytes/glob.ts';
import type { Directive } from './directive.ts';
import { DIRECTIVES } from './directives.ts';
import { parseMemory, parseValue } from './values.ts';
import { quotable } from '../error-text.ts';

/**
 * Applies a new value; a text says why it can't be, and the change is taken back. One function that follows several settings is called
 * once for all of them that change together.
 */
export type Apply = (value: string) => string | undefined | void;

interface Entry {
  readonly directive: Directive;
  value: string;
  readonly followers: Apply[];
}

/** Writes the settings to their file; returns why that failed, or undefined. */
export type Rewriter = (writeAll: boolean) => string | undefined;

export class Settings {
  readonly #entries: Map<string, Entry> = new Map();
  /** Aliases, by name. */
  readonly #aliases: Map<string, string> = new Map();
  /** CONFIG REWRITE; whoever read the configuration file sets it. */
  rewriter: Rewriter = () => 'The server is running without a config file';
  /** Data is being loaded: settings that a load depends on can't change. */
  isLoading = false;

  constructor(directives: readonly Directive[] = DIRECTIVES) {
    for (const directive of directives) {
      const entry: Entry = { directive, value: directive.kind.default, followers: [] };
      this.#entries.set(directive.name, entry);
      if (directive.alias !== undefined) this.#aliases.set(directive.alias, directive.name);
    }
  }

  /** The directive of this name or alias, in any case. */
  directive(name: string): Directive | undefined {
    return this.#find(name)?.directive;
  }

  /** All directives, in the table's order. */
  *directives(): IterableIterator<Directive> {
    for (const entry of this.#entries.values()) yield entry.directive;
  }

  /** The value as CONFIG GET prints it. Throws TypeError for a name that is none. */
  get(name: string): string {
    return this.#entry(name).value;
  }

  /** A yes-or-no setting. */
  flag(name: string): boolean {
    return this.#entry(name).value === 'yes';
  }

  /** A number; memory in bytes, a percentage as that part of `maxmemory`, octal as a number. */
  number(name: string): number {
    const { value, directive } = this.#entry(name);
    if (directive.kind.type !== 'number') throw new TypeError(`${name} is no number`);
    if (directive.kind.unit === 'octal') return parseInt(value, 8);
    if (value.endsWith('%')) {
      return Math.floor((this.number('maxmemory') * Number(value.slice(0, -1))) / 100);
    }
    return parseMemory(value);
  }

  text(name: string): string {
    return this.#entry(name).value;
  }

  /** Whether the value is the one it has when nothing is said. */
  isDefault(name: string): boolean {
    const { value, directive } = this.#entry(name);
    return value === directive.kind.default;
  }

  /**
   * The settings whose name (or alias) matches one of `patterns`, as CONFIG GET answers them: each once, hidden ones only by their
   * full name; one asked for by its full name is called as it was spelled.
   */
  match(...patterns: readonly string[]): [string, string][] {
    const found = new Map<string, [string, string]>();
    const add = (name: string, value: string): void => {
      if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), [name, value]);
    };
    for (const pattern of patterns) {
      const isPattern = /[*?[]/.test(pattern);
      if (!isPattern) {
        const entry = this.#find(pattern);
        if (entry !== undefined) add(pattern, entry.value);
        continue;
      }
      for (const [name, entry] of this.#entries) {
        if (entry.directive.isHidden === true) continue;
        for (const candidate of [name, entry.directive.alias]) {
          if (candidate === undefined || !matchesText(pattern, candidate)) continue;
          add(candidate, entry.value);
        }
      }
    }
    return [...found.values()];
  }

  /** Calls `apply` with each new value that CONFIG SET gives `name`. */
  onChange(name: string, apply: Apply): void {
    this.#entry(name).followers.push(apply);
  }

  /**
   * Sets a value before the server runs (configuration file, command line, embedding). Returns what is wrong with it, or undefined.
   */
  initialise(name: string, args: readonly string[]): string | undefined {
    const entry = this.#find(name);
    if (entry === undefined) return 'Bad directive or wrong number of arguments';
    const { directive } = entry;
    const words = mergeArguments(entry, args);
    const parsed = parseValue(directive.kind, words);
    if ('error' in parsed) return parsed.error;
    if (directive.refused !== undefined && parsed.value !== directive.kind.default) {
      return `'${directive.name} ${directive.isSecret === true ? '...' : parsed.value}' is not supported: ${directive.refused}`;
    }
    entry.value = parsed.value;
    return undefined;
  }

  /**
   * CONFIG SET: all of `pairs` or nothing. `mayProtected`: whether the client may change protected settings. Returns the error reply, or undefined.
   */
  set(pairs: readonly (readonly [string, string])[], mayProtected = false): string | undefined {
    const found: { entry: Entry; text: string; name: string }[] = [];
    const fail = (name: string, reason: string): string =>
      `ERR CONFIG SET failed (possibly related to argument '${quotable(name)}') - ${reason}`;
    for (const [name, text] of pairs) {
      const entry = this.#find(name);
      if (entry === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${quotable(name)}'`;
      }
      if (entry.directive.isProtected === true && !mayProtected) {
        return fail(name, "can't set protected config");
      }
      // Programs that set all settings to what they are know which of Redis's can't be set, and nothing of ours.
      const isSame = entry.directive.own !== undefined && entry.value === text;
      if (entry.directive.isFixed === true && !isSame) {
        return fail(name, "can't set immutable config");
      }
      if (found.some((other) => other.entry === entry)) return fail(name, 'duplicate parameter');
      found.push({ entry, text, name: name.toLowerCase() });
    }
    const changes: { entry: Entry; value: string; before: string; name: string }[] = [];
    for (const { entry, text, name } of found) {
      const { directive } = entry;
      const parsed = parseValue(directive.kind, mergeArguments(entry, [text]));
      if ('error' in parsed) return fail(name, parsed.error);
      if (directive.refused !== undefined && parsed.value !== directive.kind.default) {
        return fail(name, directive.refused);
      }
      changes.push({ entry, value: parsed.value, before: entry.value, name });
    }
    // All values first: a certificate and its key, an address and its port take effect together.
    for (const { entry, value } of changes) entry.value = value;
    const applied = new Map<Apply, Entry>();
    for (const { entry, value, before, name } of changes) {
      if (value === before && entry.directive.isVolatile !== true) continue;
      for (const apply of entry.followers) {
        if (applied.has(apply)) continue;
        applied.set(apply, entry);
        const refusal = apply(value);
        if (typeof refusal !== 'string') continue;
        for (const change of changes) change.entry.value = change.before;
        for (const [undo, followed] of [...applied].toReversed()) undo(followed.value);
        return fail(name, refusal);
      }
    }
    return undefined;
  }

  /** CONFIG REWRITE; `writeAll` writes defaults too. Returns why it failed, or undefined. */
  rewrite(writeAll = false): string | undefined {
    return this.rewriter(writeAll);
  }

  #find(name: string): Entry | undefined {
    const lower = name.toLowerCase();
    return this.#entries.get(this.#aliases.get(lower) ?? lower);
  }

  #entry(name: string): Entry {
    const entry = this.#find(name);
    if (entry === undefined) throw new TypeError(`there is no setting '${name}'`);
    return entry;
  }
}

/** `client-output-buffer-limit` names some classes and leaves the others as they are. */
function mergeArguments(entry: Entry, args: readonly string[]): readonly string[] {
  const { kind } = entry.directive;
  if (kind.type !== 'words' || kind.form !== 'outputLimits') return args;
  const given = args.flatMap((arg) => arg.split(/\s+/)).filter((word) => word !== '');
  if (given.length % 4 !== 0) return given;
  const classes = new Map<string, string[]>();
  for (const list of [entry.value.split(' '), given]) {
    for (let i = 0; i < list.length; i += 4) {
      const name = list[i]!.toLowerCase();
      classes.set(name === 'replica' ? 'slave' : name, list.slice(i, i + 4));
    }
  }
  return [...classes.values()].flat();
}

function matchesText(pattern: string, name: string): boolean {
  return matchGlob(Buffer.from(pattern, 'latin1'), Buffer.from(name, 'latin1'), true);
}
