/**
 * What clients and exporters read of a server itself, compared with a real redis-server: the command table (arity, flags, keys, ACL
 * categories, tips), names and defaults of settings, fields of INFO, CLIENT LIST and MEMORY STATS.
 */
import { Redis } from 'ioredis';
import { hasProgram, Server } from './servers.ts';

interface Expected {
  /** What differs: a whole name, or the beginning of several where it ends in `*`. */
  name: string;
  reason: string;
}

const BY_7_2 = 'changed by Redis 7.2';

/** Differences that are right. */
const EXPECTED: readonly Expected[] = [
  { name: 'command bitfield keys', reason: 'the note is worded otherwise' },
  { name: 'command getex keys', reason: 'the note is worded otherwise' },
  { name: 'command set keys', reason: 'the note is worded otherwise' },
  { name: 'command client|setname tips', reason: BY_7_2 },
  { name: 'command command|getkeys* arity', reason: BY_7_2 },
  { name: 'command config|* tips', reason: BY_7_2 },
  { name: 'command latency|reset tips', reason: BY_7_2 },
  { name: 'command msetnx tips', reason: BY_7_2 },
  { name: 'command randomkey tips', reason: BY_7_2 },
  { name: 'command scan tips', reason: BY_7_2 },
  { name: 'command wait flags', reason: BY_7_2 },
  { name: 'command waitaof ours only', reason: BY_7_2 },
  { name: 'command client|no-touch ours only', reason: BY_7_2 },
  { name: 'command client|setinfo ours only', reason: BY_7_2 },
  {
    name: 'setting bind value',
    reason: 'Redis listens everywhere by default and lets protected mode refuse',
  },
  { name: 'setting aof-disable-auto-gc theirs only', reason: 'hidden since Redis 7.2' },
  { name: 'setting cluster-announce-human-nodename ours only', reason: BY_7_2 },
  { name: 'setting locale-collate ours only', reason: BY_7_2 },
  { name: 'setting set-max-listpack-* ours only', reason: BY_7_2 },
  {
    name: 'setting memcached-* ours only',
    reason: "memcached's clients have settings of their own",
  },
  { name: 'setting maxmemory-scope ours only', reason: "Kvasir's own" },
  { name: 'info atomicvar_api theirs only', reason: 'there is no C compiler' },
  { name: 'info gcc_version theirs only', reason: 'there is no C compiler' },
  {
    name: 'info used_cpu_*_main_thread theirs only',
    reason: 'Node.js 20 does not tell the times of one thread',
  },
  { name: 'info acl_access_denied_* ours only', reason: BY_7_2 },
  { name: 'info eventloop_* ours only', reason: BY_7_2 },
  { name: 'info instantaneous_eventloop_* ours only', reason: BY_7_2 },
  { name: 'info listener0 ours only', reason: BY_7_2 },
  { name: 'info server_name ours only', reason: BY_7_2 },
  { name: 'info total_blocking_keys* ours only', reason: BY_7_2 },
  { name: 'info kvasir_* ours only', reason: "Kvasir's own" },
  { name: 'client lib-* ours only', reason: BY_7_2 },
];
/** Containers of which some subcommands come later. */
const LATER_COMMANDS = ['acl|', 'function|', 'module|'];

/** Settings whose values are this run's own. */
const OWN_VALUES = new Set(['port', 'dir', 'logfile', 'pidfile', 'daemonize', 'loglevel', 'save']);

type Table = Map<string, string>;

export async function runTables(): Promise<number> {
  if (!hasProgram('redis-server')) {
    process.stdout.write('tables: skipped, there is no redis-server here\n');
    return 0;
  }
  const theirs = await Server.start('redis', ['--enable-debug-command', 'yes']);
  const ours = await Server.start('kvasir', [
    '--memory',
    '--enable-debug-command',
    'yes',
    '--loglevel',
    'warning',
  ]);
  const clients = [new Redis(theirs.port), new Redis(ours.port)] as const;
  try {
    const names = (await clients[1].call('COMMAND', 'LIST')) as string[];
    const differences = [
      ...compare('command', await commands(clients[0], names), await commands(clients[1], names)),
      ...compare('setting', await settings(clients[0]), await settings(clients[1])),
      ...compare('info', await infoFields(clients[0]), await infoFields(clients[1])),
      ...compare('client', await clientFields(clients[0]), await clientFields(clients[1])),
      ...compare('memory', await memoryFields(clients[0]), await memoryFields(clients[1])),
    ];
    const surprises = differences.filter(({ name }) => !isExpected(name));
    for (const { name, what } of surprises) process.stdout.write(`tables: ${name}\n${what}`);
    process.stdout.write(
      `tables: ${names.length} commands, settings, fields: ${differences.length} differences, ${surprises.length} of them unexpected\n`,
    );
    return surprises.length;
  } finally {
    for (const client of clients) client.disconnect();
    await theirs.stop('SIGKILL');
    await ours.stop('SIGKILL');
  }
}

function isExpected(name: string): boolean {
  return EXPECTED.some((expected) => {
    const parts = expected.name.split('*');
    return parts.length === 1
      ? expected.name === name
      : name.startsWith(parts[0]!) &&
          name.endsWith(parts[1]!) &&
          name.length >= expected.name.length - 1;
  });
}

/** Entries are `name attribute` -> value. */
function compare(kind: string, theirs: Table, ours: Table): { name: string; what: string }[] {
  const found: { name: string; what: string }[] = [];
  const nameOf = (entry: string): string => entry.split(' ')[0]!;
  const [known, own] = [theirs, ours].map((table) => new Set([...table.keys()].map(nameOf)));
  for (const name of known!)
    if (!own!.has(name)) found.push({ name: `${kind} ${name} theirs only`, what: '' });
  for (const name of own!)
    if (!known!.has(name)) found.push({ name: `${kind} ${name} ours only`, what: '' });
  for (const [entry, value] of theirs) {
    const other = ours.get(entry);
    if (!own!.has(nameOf(entry)) || other === value) continue;
    found.push({
      name: `${kind} ${entry}`,
      what: `    redis:  ${value}\n    kvasir: ${String(other)}\n`,
    });
  }
  return found;
}

type CommandInfo = [
  string,
  number,
  string[],
  number,
  number,
  number,
  string[],
  string[],
  unknown,
  CommandInfo[],
];

async function commands(client: Redis, names: readonly string[]): Promise<Table> {
  const table: Table = new Map();
  const add = ([
    name,
    arity,
    flags,
    first,
    last,
    step,
    acl,
    tips,
    keys,
    subcommands,
  ]: CommandInfo): void => {
    if (LATER_COMMANDS.some((container) => name.startsWith(container)) && !names.includes(name))
      return;
    table.set(`${name} arity`, String(arity));
    table.set(`${name} flags`, flags.toSorted().join(' '));
    table.set(`${name} range`, `${first} ${last} ${step}`);
    table.set(`${name} acl`, acl.toSorted().join(' '));
    table.set(`${name} tips`, tips.toSorted().join(' '));
    table.set(`${name} keys`, JSON.stringify(keys));
    for (const sub of subcommands) add(sub);
  };
  for (const name of names.filter((each) => !each.includes('|'))) {
    const [found] = (await client.call('COMMAND', 'INFO', name)) as (CommandInfo | null)[];
    if (found !== null && found !== undefined) add(found);
  }
  return table;
}

async function settings(client: Redis): Promise<Table> {
  const flat = (await client.config('GET', '*')) as string[];
  const table: Table = new Map();
  for (let i = 0; i < flat.length; i += 2) {
    table.set(`${flat[i]} value`, OWN_VALUES.has(flat[i]!) ? '' : flat[i + 1]!);
  }
  return table;
}

/** Without those that depend on what was run. */
async function infoFields(client: Redis): Promise<Table> {
  const text = await client.info('everything');
  const names = [...text.matchAll(/^([a-z]\w*):/gm)].map((match) => match[1]!);
  const steady = names.filter((name) => !/^(cmdstat|latency_percentiles|errorstat|db)/.test(name));
  return new Map(steady.map((name) => [`${name} `, '']));
}

async function clientFields(client: Redis): Promise<Table> {
  const text = (await client.client('LIST')) as string;
  return new Map([...text.matchAll(/([\w-]+)=/g)].map((match) => [`${match[1]} `, '']));
}

async function memoryFields(client: Redis): Promise<Table> {
  const flat = await client.memory('STATS');
  return new Map(
    flat.flatMap((name, i) => (i % 2 === 0 ? [[`${String(name)} `, ''] as const] : [])),
  );
}
