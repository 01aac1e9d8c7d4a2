/**
 * When two answers are the same: byte for byte, but for what no server can give twice (times, identities, orders that are the server's own) and
 * for what changed between the versions (EXCEPTIONS).
 */
import { type Command, nameOf } from './stream.ts';
import { parseItem, type Value } from './wire.ts';

/** The real server's answer `theirs` and Kvasir's `ours` to one command. */
export interface Exchange {
  command: Command;
  theirs: Buffer;
  ours: Buffer;
}

interface Exception {
  /** What differs and why that is right. Printed in docs/compat/redis.md. */
  reason: string;
  holds: (exchange: {
    name: string;
    sub: string;
    theirs: string;
    ours: string;
    command: Command;
  }) => boolean;
}

const CLOCK_TOLERANCE_MS = 5000;

/** Answers that may differ: Kvasir announces 7.2.4, the server compared with is Debian's 7.0.15. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    reason:
      'COMMAND GETKEYS and GETKEYSANDFLAGS of one word: 7.0 counts too few arguments, 7.2 looks at the command',
    holds: ({ name, sub, command, theirs }) =>
      name === 'command' &&
      sub.startsWith('getkeys') &&
      command.length === 3 &&
      theirs.startsWith('-ERR wrong number'),
  },
  {
    reason:
      'notify-keyspace-events with A and n: Redis prints no n behind an A (and CONFIG REWRITE loses it); Kvasir prints both',
    holds: ({ name, sub, theirs, ours }) =>
      name === 'config' && sub === 'get' && /\$\d+\r\nA/.test(theirs) && /\r\nAn/.test(ours),
  },
];

/** How an answer is made comparable, by command, or `command|subcommand`. */
type Rule = (value: Value) => unknown;

const shapeOnly: Rule = (value) => (value.type === '-' ? value : value.type);
/** Null stays null, an error stays, anything else is as good as anything else. */
const nullOrAny: Rule = (value) => {
  if (value.type === '-' || value.type === '_' || value.type === ':')
    return value.type === ':' ? ':' : value;
  if ('text' in value && value.text === undefined) return value;
  return value.type;
};
const unordered: Rule = (value) =>
  'items' in value && value.items !== undefined
    ? { type: value.type, items: value.items.map((item) => JSON.stringify(item)).sort() }
    : value;
const scanned: Rule = (value) =>
  'items' in value && value.items?.length === 2
    ? [value.items[0], unordered(value.items[1]!)]
    : value;
const pairsUnordered: Rule = (value) => {
  if (!('items' in value) || value.items === undefined) return value;
  const { items } = value;
  const pairs = Array.from({ length: items.length / 2 }, (_, i) =>
    JSON.stringify([items[2 * i], items[2 * i + 1]]),
  );
  return { type: value.type, pairs: pairs.sort() };
};
/** HELLO: which version and which client is not the question. */
const greeting: Rule = (value) => {
  if (!('items' in value) || value.items === undefined) return value;
  return value.items.map((item, i, all) => {
    const label = i % 2 === 1 ? all[i - 1] : undefined;
    const isOwn =
      label !== undefined && 'text' in label && (label.text === 'version' || label.text === 'id');
    return isOwn ? item.type : item;
  });
};

const RULES: Readonly<Record<string, Rule>> = {
  keys: unordered,
  scan: scanned,
  randomkey: nullOrAny,
  hello: greeting,
  time: shapeOnly,
  lastsave: shapeOnly,
  info: shapeOnly,
  lolwut: shapeOnly,
  command: shapeOnly,
  'command|count': shapeOnly,
  'command|list': (value) => (value.type === '-' ? value : unordered(value)),
  'config|get': pairsUnordered,
  'client|id': shapeOnly,
  'client|info': shapeOnly,
  'client|list': shapeOnly,
  'object|idletime': nullOrAny,
  // Redis shares small integers, except after COPY and the like: how often is its own affair.
  'object|refcount': nullOrAny,
  // Redis measures a key that has expired as long as it lies there.
  'memory|usage': (value) => (value.type === '-' ? value : 'any'),
  'memory|doctor': shapeOnly,
  'memory|stats': shapeOnly,
  'memory|malloc-stats': () => 'any',
  'latency|doctor': shapeOnly,
  'latency|histogram': (value) => ('items' in value ? { names: value.items!.length > 0 } : value),
  'pubsub|channels': unordered,
  'pubsub|shardchannels': unordered,
  'module|list': shapeOnly,
};
const CLOCKS: Readonly<Record<string, number>> = {
  ttl: CLOCK_TOLERANCE_MS / 1000,
  expiretime: CLOCK_TOLERANCE_MS / 1000,
  pttl: CLOCK_TOLERANCE_MS,
  pexpiretime: CLOCK_TOLERANCE_MS,
};

/** What a command has after its name, as rules and exceptions name it. */
function subOf(command: Command): string {
  return (command[1] ?? '').toLowerCase();
}

function valuesAgree(command: Command, theirs: Value, ours: Value): boolean {
  const name = nameOf(command);
  const tolerance = CLOCKS[name];
  if (tolerance !== undefined && theirs.type === ':' && ours.type === ':') {
    const [a, b] = [Number(theirs.text), Number(ours.text)];
    return a === b || (a >= 0 && b >= 0 && Math.abs(a - b) <= tolerance);
  }
  const rule =
    subOf(command) === 'help' ? shapeOnly : (RULES[`${name}|${subOf(command)}`] ?? RULES[name]);
  if (rule === undefined) return JSON.stringify(theirs) === JSON.stringify(ours);
  return JSON.stringify(rule(theirs)) === JSON.stringify(rule(ours));
}

function isExcepted({
  command,
  theirs,
  ours,
}: {
  command: Command;
  theirs: string;
  ours: string;
}): boolean {
  const facts = { name: nameOf(command), sub: subOf(command), theirs, ours, command };
  return EXCEPTIONS.some((exception) => exception.holds(facts));
}

/** `queued`: the commands of the transaction that an EXEC ran. */
export function answersAgree(exchange: Exchange, queued: readonly Command[]): boolean {
  const { command, theirs, ours } = exchange;
  if (theirs.equals(ours)) return true;
  const text = { command, theirs: theirs.toString('latin1'), ours: ours.toString('latin1') };
  if (isExcepted(text)) return true;
  const [a, b] = [parseItem(theirs), parseItem(ours)];
  if (nameOf(command) !== 'exec') return valuesAgree(command, a, b);
  if (!('items' in a) || !('items' in b) || a.items === undefined || b.items === undefined)
    return false;
  return (
    a.items.length === b.items.length &&
    a.items.every((item, i) => {
      const other = b.items![i]!;
      const each = queued[i] ?? ['?'];
      return (
        valuesAgree(each, item, other) ||
        isExcepted({ command: each, theirs: lineOf(item), ours: lineOf(other) })
      );
    })
  );
}

/** A line of MONITOR without its time and its client's port; anything else as it is. */
export function comparablePush(item: Buffer): string {
  return item.toString('latin1').replace(/^\+\d+\.\d{6} \[(\d+) [^\]]*\]/, '+time [$1 client]');
}

/** What one PUBLISH sends to several patterns of a client comes in the order of a hash table: in the order of the patterns here. */
export function orderPushes(pushes: readonly string[]): string[] {
  const ordered: string[] = [];
  let run: string[] = [];
  let message = '';
  for (const push of pushes) {
    const end = push.indexOf('\r\n', push.indexOf('pmessage\r\n$') + 11);
    const isPattern = /^[>*]4\r\n\$8\r\npmessage\r\n/.test(push);
    const after = isPattern
      ? push.slice(end + 2 + Number(push.slice(push.indexOf('pmessage\r\n$') + 11, end)) + 2)
      : '';
    if (!isPattern || after !== message) {
      ordered.push(...run.toSorted());
      run = [];
      message = after;
    }
    if (isPattern) run.push(push);
    else ordered.push(push);
  }
  return [...ordered, ...run.toSorted()];
}

/** Errors and the like inside an array as they stand alone. */
function lineOf(value: Value): string {
  return 'items' in value ? '' : `${value.type}${value.text ?? ''}\r\n`;
}
