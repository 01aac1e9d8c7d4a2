/**
 * Streams of commands: a few clients, in RESP2 and RESP3, that take turns; most commands are as the manual has them, some have an argument
 * removed, added or exchanged.
 */
import { BIT_PRODUCERS, KEY_PRODUCERS, type Producer, STRING_PRODUCERS } from './grammar-data.ts';
import {
  CONNECTION_PRODUCERS,
  PUBSUB_PRODUCERS,
  RAW_INPUTS,
  TRANSACTION_PRODUCERS,
} from './grammar-session.ts';
import { junk } from './grammar-words.ts';
import type { Random } from './random.ts';
import { type Command, nameOf, RAW, type Step } from './stream.ts';

export const CLIENTS = 4;
/** Chance that a command on data is bent. */
const MUTATION = 0.06;
const MAX_AT_ONCE = 6;
/** Commands whose bent forms could stop a server, silence a client or take memory without end. */
const NEVER_BENT: ReadonlySet<string> = new Set([
  ...[
    'shutdown',
    'debug',
    'client',
    'config',
    'monitor',
    'wait',
    'quit',
    'function',
    'acl',
    'replicaof',
    'slaveof',
    'setbit',
  ],
  ...[
    'exec',
    'discard',
    'reset',
    'setrange',
    'bitfield',
    'scan',
    'lolwut',
    'memory',
    'object',
    'slowlog',
  ],
]);

interface Group {
  weight: number;
  producers: Readonly<Record<string, Producer>>;
}

const GROUPS: readonly Group[] = [
  { weight: 30, producers: STRING_PRODUCERS },
  { weight: 12, producers: BIT_PRODUCERS },
  { weight: 30, producers: KEY_PRODUCERS },
  { weight: 12, producers: TRANSACTION_PRODUCERS },
  { weight: 10, producers: PUBSUB_PRODUCERS },
  { weight: 10, producers: CONNECTION_PRODUCERS },
];
const DATA: readonly Group[] = GROUPS.slice(0, 3);
/** What a subscriber in RESP2 may send. */
const SUBSCRIBING: Group = {
  weight: 1,
  producers: { ...PUBSUB_PRODUCERS, ping: CONNECTION_PRODUCERS['ping']! },
};
/** Commands so strong that a stream with many of them tests nothing else. */
const RARE: Readonly<Record<string, number>> = {
  flushall: 0.15,
  flushdb: 0.2,
  swapdb: 0.3,
  monitor: 0.1,
  quit: 0.2,
  reset: 0.3,
  shutdown: 0.2,
  select: 0.6,
  hello: 0.6,
};

function chooseName(r: Random, producers: Readonly<Record<string, Producer>>): string {
  return r.weighted(Object.keys(producers).map((name) => [RARE[name] ?? 1, name] as const));
}

function bend(r: Random, command: string[]): string[] {
  const bent = [...command];
  const at = r.between(1, Math.max(1, bent.length - 1));
  switch (r.below(4)) {
    case 0:
      bent.splice(at, 1);
      break;
    case 1:
      bent.splice(at, 0, junk(r));
      break;
    case 2:
      if (at < bent.length) bent[at] = junk(r);
      break;
    default:
      bent.push(junk(r));
  }
  return bent;
}

function randomCase(r: Random, name: string): string {
  return r.chance(0.7)
    ? name.toUpperCase()
    : r.chance(0.5)
      ? name
      : name.slice(0, 1).toUpperCase() + name.slice(1);
}

function commandOf(r: Random, group: Group, mutation: number): string[] {
  const name = chooseName(r, group.producers);
  const command = [randomCase(r, name), ...group.producers[name]!(r)];
  return !NEVER_BENT.has(name) && r.chance(mutation) ? bend(r, command) : command;
}

function randomCommand(r: Random, mutation = MUTATION): string[] {
  return commandOf(r, r.weighted(GROUPS.map((each) => [each.weight, each] as const)), mutation);
}

function silentStep(r: Random, client: number): Step {
  const quiet = randomQuiet(r);
  if (r.chance(0.5)) {
    return {
      client,
      commands: [['CLIENT', 'REPLY', 'OFF'], quiet, quiet, ['CLIENT', 'REPLY', 'ON']],
      answers: 1,
    };
  }
  return { client, commands: [['CLIENT', 'REPLY', 'SKIP'], quiet, ['PING', 'after']], answers: 1 };
}

function randomQuiet(r: Random): Command {
  const name = r.pick(['set', 'get', 'append', 'incr']);
  return [name, ...STRING_PRODUCERS[name]!(r)];
}

/** One client looks on for a while. (What it sends meanwhile is refused, so it sends nothing but RESET.) */
function monitoring(r: Random, client: number): Step[] {
  const others = Array.from({ length: r.between(1, 8) }, () => ({
    client: (client + r.between(1, CLIENTS - 1)) % CLIENTS,
    commands: [randomQuiet(r)],
  }));
  return [
    { client, commands: [['RESET'], ['MONITOR']] },
    ...others,
    { client, commands: [['RESET']] },
  ];
}

const SUBSCRIBES = /^(p|s)?subscribe$/;

/** What is known of a client while its stream is made; by and large, for what it sends may be refused. */
interface ClientState {
  resp: number;
  /** It may only (un)subscribe: a subscriber in RESP2. */
  isSubscriber: boolean;
  isInTransaction: boolean;
}

function follow(state: ClientState, command: Command): void {
  const name = nameOf(command);
  if (name === 'hello' && (command[1] === '2' || command[1] === '3'))
    state.resp = Number(command[1]);
  if (SUBSCRIBES.test(name) && state.resp === 2 && !state.isInTransaction)
    state.isSubscriber = true;
  if (name === 'multi') state.isInTransaction = true;
  else if (name === 'exec' || name === 'discard') state.isInTransaction = false;
  if (name === 'reset' || name === 'quit')
    Object.assign(state, { resp: 2, isSubscriber: false, isInTransaction: false });
}

/** The next commands of a client: transactions get filled and end, subscribers stay among themselves for a while. */
function nextCommands(r: Random, state: ClientState): Command[] {
  if (state.isSubscriber && r.chance(0.5)) return [['RESET']];
  const commands: Command[] = [];
  for (let left = r.between(1, MAX_AT_ONCE); left > 0; left--) {
    let command = nextCommand(r, state);
    // Half of the time RESP2 clients leave subscribing to those that can do something else as well.
    if (SUBSCRIBES.test(nameOf(command)) && state.resp === 2 && r.chance(0.6))
      command = nextCommand(r, state);
    const name = nameOf(command);
    // With several confirmations an EXEC has more replies than its count says, and one could not tell which belongs to what.
    if (state.isInTransaction && name.endsWith('subscribe')) command.length = 2;
    if (command[1] === undefined && name.endsWith('subscribe')) command[1] = 'ch1';
    follow(state, command);
    commands.push(command);
    // What follows QUIT in the same write may or may not be read before the connection ends.
    if (name === 'quit') break;
  }
  return commands;
}

function nextCommand(r: Random, state: ClientState): string[] {
  if (state.isSubscriber && r.chance(0.7)) return commandOf(r, SUBSCRIBING, MUTATION);
  if (!state.isInTransaction) return randomCommand(r);
  if (r.chance(0.15)) return [r.chance(0.85) ? 'EXEC' : 'DISCARD'];
  // Seldom a command that breaks the transaction.
  return r.chance(0.2) ? randomCommand(r) : commandOf(r, r.pick(DATA), 0);
}

// SET can leave keys that have expired already; RANDOMKEY removes those it meets, by chance. A stream has one of the two.
const isRandomKey = (command: Command): boolean => nameOf(command) === 'randomkey';
const isSetUntil = (command: Command): boolean =>
  nameOf(command) === 'set' && command.some((word) => /^p?xat$|^exat$/i.test(word));

/** `count` commands, in steps. Half of the streams hear of what happens to keys. */
export function randomStream(r: Random, count: number): Step[] {
  const states = Array.from({ length: CLIENTS }, (): ClientState => ({
    resp: 2,
    isSubscriber: false,
    isInTransaction: false,
  }));
  const steps: Step[] = [];
  const add = (step: Step): void => {
    for (const command of step.commands) follow(states[step.client]!, command);
    steps.push(step);
  };
  if (r.chance(0.5)) {
    add({ client: 0, commands: [['CONFIG', 'SET', 'notify-keyspace-events', 'KEA']] });
    add({
      client: CLIENTS - 1,
      commands: [
        ['HELLO', r.pick(['2', '3'])],
        ['PSUBSCRIBE', '__key*__:*'],
      ],
    });
  }
  for (const client of [1, 2]) if (r.chance(0.6)) add({ client, commands: [['HELLO', '3']] });
  for (let sent = 0; sent < count;) {
    const client = r.below(CLIENTS);
    const state = states[client]!;
    if (state.isSubscriber && r.chance(0.75)) continue;
    const isFree = !state.isSubscriber && !state.isInTransaction;
    if (r.chance(0.004)) {
      add({ client, commands: [[RAW + r.pick(RAW_INPUTS)]] });
    } else if (isFree && r.chance(0.005)) {
      add(silentStep(r, client));
    } else {
      const commands = nextCommands(r, state);
      if (commands.some((command) => nameOf(command) === 'monitor')) {
        for (const step of monitoring(r, client)) add(step);
      } else {
        steps.push({ client, commands });
      }
    }
    sent += steps.at(-1)!.commands.length;
  }
  const isAvoided = r.chance(0.5) ? isSetUntil : isRandomKey;
  return steps.map((step) => ({
    ...step,
    commands: step.commands.map((command) => (isAvoided(command) ? ['DBSIZE'] : command)),
  }));
}
