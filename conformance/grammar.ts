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
import { type Command, RAW, type Step } from './stream.ts';

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

export function randomCommand(r: Random): Command {
  const group = r.weighted(GROUPS.map((each) => [each.weight, each] as const));
  const name = chooseName(r, group.producers);
  const command = [randomCase(r, name), ...group.producers[name]!(r)];
  return !NEVER_BENT.has(name) && r.chance(MUTATION) ? bend(r, command) : command;
}

/** Names of all commands that streams may contain. */
export function coveredCommands(): string[] {
  return GROUPS.flatMap((group) => Object.keys(group.producers));
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

/** `count` commands, in steps. Half of the streams hear of what happens to keys. */
export function randomStream(r: Random, count: number): Step[] {
  const steps: Step[] = [];
  if (r.chance(0.5)) {
    steps.push({ client: 0, commands: [['CONFIG', 'SET', 'notify-keyspace-events', 'KEA']] });
    steps.push({
      client: CLIENTS - 1,
      commands: [
        ['HELLO', r.pick(['2', '3'])],
        ['PSUBSCRIBE', '__key*__:*'],
      ],
    });
  }
  const isOpen = Array.from({ length: CLIENTS }, () => false);
  for (let sent = 0; sent < count;) {
    const client = r.below(CLIENTS);
    if (r.chance(0.004)) {
      steps.push({ client, commands: [[RAW + r.pick(RAW_INPUTS)]] });
      sent++;
      continue;
    }
    if (!isOpen[client] && r.chance(0.005)) {
      steps.push(silentStep(r, client));
      sent += 4;
      continue;
    }
    const commands = Array.from({ length: r.between(1, MAX_AT_ONCE) }, () => {
      // Transactions are seldom closed by chance: lean towards what they need.
      const command = isOpen[client] && r.chance(0.12) ? ['EXEC'] : [...randomCommand(r)];
      const name = (command[0] ?? '').toLowerCase();
      // With several confirmations an EXEC has more replies than its count says, and one could not tell which belongs to what.
      if (isOpen[client] && name.endsWith('subscribe')) command.length = 2;
      if (command[1] === undefined && name.endsWith('subscribe')) command[1] = 'ch1';
      if (name === 'multi') isOpen[client] = true;
      else if (['exec', 'discard', 'reset', 'quit'].includes(name)) isOpen[client] = false;
      return command;
    });
    if (commands.some((command) => command[0]!.toLowerCase() === 'monitor')) {
      steps.push(...monitoring(r, client));
      continue;
    }
    // What follows QUIT in the same write may or may not be read before the connection ends.
    const quit = commands.findIndex((command) => command[0]!.toLowerCase() === 'quit');
    if (quit >= 0) commands.length = quit + 1;
    steps.push({ client, commands });
    sent += commands.length;
  }
  return steps;
}
