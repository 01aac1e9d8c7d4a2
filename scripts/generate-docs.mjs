/**
 * Writes docs/commands.md, docs/memcached-commands.md, docs/settings.md and the pages docs/compat/*-suite.md from the compiled command table, the list of settings and the known
 * cases of Redis's and memcached's suites (`npm run docs`).
 * test/docs.test.ts fails where the files are not what this would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const NOTE = '<!-- Written by `npm run docs`; a change here is lost. -->';

const GROUPS = {
  generic: 'Keys',
  string: 'Strings and counters',
  bitmap: 'Bits',
  transactions: 'Transactions',
  pubsub: 'Publish and subscribe',
  connection: 'Connections',
  server: 'Server',
  scripting: 'Scripting',
};

/** docs/commands.md. `commands`: the specs of commands/index.ts. */
export function commandsPage(commands) {
  const rows = commands.flatMap((spec) => commandRows(spec, ''));
  const sections = Object.entries(GROUPS).map(([group, title]) => {
    const own = rows
      .filter((row) => row.group === group)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const cells = own.map((row) => [code(row.name), row.since, row.complexity, row.summary]);
    return own.length === 0
      ? ''
      : `## ${title}\n\n${table(['command', 'since', 'complexity', 'what it does'], cells)}`;
  });
  return page(
    'Commands',
    `${rows.length} commands and subcommands. _Since_ is the version of Redis that brought a command; arguments, replies and
error texts are those of Redis 7.2.4 ([differences](compat/redis.md)). \`COMMAND DOCS\` of a running server says the same
and knows the arguments.`,
    sections,
  );
}

function commandRows(spec, container) {
  const name = (container + spec.name).toUpperCase();
  const { group, since, complexity, deprecated } = spec;
  const instead =
    deprecated === undefined
      ? ''
      : ` Deprecated since ${deprecated.since}: ${deprecated.replacedBy.replaceAll('!', '')}.`;
  const rows = (spec.subcommands ?? []).flatMap((sub) => commandRows(sub, `${spec.name} `));
  if (spec.handler !== undefined)
    rows.unshift({ name, group, since, complexity, summary: spec.summary + instead });
  return rows;
}

/** docs/settings.md. `topics`: title and directives of each list. */
export function settingsPage(topics) {
  const sections = topics.map(([title, directives]) => {
    const shown = directives
      .filter((directive) => directive.isHidden !== true)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const cells = shown.map((directive) => [
      code(directive.name) + (directive.alias === undefined ? '' : ` (${code(directive.alias)})`),
      directive.kind.default === '' ? '""' : code(defaultOf(directive.kind)),
      valuesOf(directive.kind),
      directive.isFixed === true ? 'at start' : 'live',
      meaningOf(directive),
    ]);
    return `## ${title}\n\n${table(['setting', 'default', 'values', 'changed', 'here'], cells)}`;
  });
  return page(
    'Settings',
    `The names are those of redis.conf, so a \`redis.conf\` is accepted as it is: \`kvasir serve redis.conf --port 6380\`. _Live_
settings are changed by \`CONFIG SET\` and kept by \`CONFIG REWRITE\`, the others only at the start. _Here_ says what a setting
means in Kvasir: _works_, _accepted_ (taken, kept and answered, without effect), or _refused_ (any value but the default
stops the start, since going on would weaken what the operator relies on).

\`kvasir serve\` without a configuration file begins with \`appendonly yes\` and \`dir ./kvasir-data\`.`,
    sections,
  );
}

function meaningOf(directive) {
  if (directive.refused !== undefined) return `refused: ${directive.refused}`;
  if (directive.accepted !== undefined) return `accepted: ${directive.accepted}`;
  return directive.own === undefined ? 'works' : `Kvasir's own: ${directive.own}`;
}

function defaultOf(kind) {
  return kind.type === 'number' && kind.unit === 'memory'
    ? memory(Number(kind.default))
    : kind.default;
}

function valuesOf(kind) {
  switch (kind.type) {
    case 'flag':
      return 'yes, no';
    case 'choice':
      return (
        (kind.isSeveral ? 'some of: ' : '') + kind.values.filter((value) => value !== '').join(', ')
      );
    case 'number': {
      const what = {
        integer: '',
        memory: 'memory, ',
        memoryOrPercent: 'memory or %, ',
        octal: 'octal, ',
      }[kind.unit];
      const print = (value) =>
        kind.unit === 'octal' ? value.toString(8) : limit(value, kind.unit === 'memory');
      return `${what}${print(kind.min)} to ${print(kind.max)}`;
    }
    case 'words':
      return 'words';
    default:
      return 'text';
  }
}

function limit(value, isMemory) {
  if (value >= Number.MAX_SAFE_INTEGER) return '2^63-1';
  return isMemory ? memory(value) : String(value);
}

function memory(bytes) {
  for (const [size, unit] of [
    [1024 ** 3, 'gb'],
    [1024 ** 2, 'mb'],
    [1024, 'kb'],
  ]) {
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

const code = (text) => `\`${text}\``;

/** A table whose columns are as wide as their widest cell, as the formatter wants it. */
function table(heads, rows) {
  const cells = [heads, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = heads.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const lines = cells.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

function page(title, introduction, sections) {
  return `# ${title}\n\n${NOTE}\n\n${introduction}\n\n${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** docs/compat/redis-suite.md, from conformance/tcl-known.txt (its form: conformance/tcl.ts). */
export function suitePage(known) {
  return casesPage(
    known,
    "Cases of Redis's own suite that are not run",
    `Of the units that [the compatibility page](redis.md) lists, every case passes but these: each needs a type or a feature that
comes later. A \`*\` stands for the rest of several names.`,
    'needs',
  );
}

/** docs/compat/memcached-suite.md. `known`: conformance/memcached-known.txt. */
export function memcachedSuitePage(known) {
  return casesPage(
    known,
    "Cases of memcached's own suite that fail",
    `memcached's Perl suite (tag 1.6.18) is run file by file against \`kvasir memcached\` as a drop-in, and those files that need no flags against a
server that is there as well. Every case passes but these. A \`*\` stands for the rest of several names; alone, for a file that is not run.`,
    'why',
  );
}

function casesPage(known, title, intro, reasonTitle) {
  const units = new Map();
  for (const line of known.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [unit, name, reason] = line.split(' | ').map((part) => part.trim());
    const cases = units.get(unit) ?? [];
    cases.push([code(name.replace(/^~/, '').replaceAll('\0', '')), reason]);
    units.set(unit, cases);
  }
  const sections = [...units].map(
    ([unit, cases]) => `## ${unit}\n\n${table(['case', reasonTitle], cases)}`,
  );
  return page(title, intro, sections);
}

async function memcachedCommands(load) {
  const { TEXT_COMMANDS, META_COMMANDS } = await load('models/memcached/text-commands');
  return [TEXT_COMMANDS, META_COMMANDS];
}

/** docs/memcached-commands.md. `text`, `meta`: the specs of models/memcached/text-commands.ts. */
export function memcachedCommandsPage(text, meta) {
  const rows = (specs) =>
    specs.map(({ name, syntax, summary }) => [code(`${name} ${syntax}`.trim()), summary]);
  return page(
    'Commands of memcached clients',
    `Both protocols of lines follow memcached 1.6.18, and the flags of meta commands memcached 1.6.45 ([differences](compat/memcached.md)). The binary
protocol knows every operation of memcached 1.6.18: get, set, add, replace, delete, increment, decrement, append, prepend, flush and quit with
their quiet forms, touch, gat and gatk, noop, version, stat, and SASL PLAIN.`,
    [
      `## Text protocol\n\n${table(['command', 'what it does'], rows(text))}`,
      `## Meta protocol\n\n${table(['command', 'what it does'], rows(meta))}`,
    ],
  );
}

/** The pages and where they belong, from modules that were compiled or, in the test, are sources. */
export async function pages(load) {
  const list = async (file, name) => (await load(`models/redis/${file}`))[name];
  const known = (name) =>
    readFileSync(new URL(`../conformance/${name}-known.txt`, import.meta.url), 'utf8');
  return {
    'docs/compat/redis-suite.md': suitePage(known('tcl')),
    'docs/compat/memcached-suite.md': memcachedSuitePage(known('memcached')),
    'docs/memcached-commands.md': memcachedCommandsPage(...(await memcachedCommands(load))),
    'docs/commands.md': commandsPage(await list('commands/index', 'COMMANDS')),
    'docs/settings.md': settingsPage([
      ['Server', await list('settings/directives-server', 'SERVER_DIRECTIVES')],
      ['Listening and clients', await list('settings/directives-clients', 'CLIENTS_DIRECTIVES')],
      ['TLS', await list('settings/directives-tls', 'TLS_DIRECTIVES')],
      ['Persistence', await list('settings/directives-persistence', 'PERSISTENCE_DIRECTIVES')],
      ['memcached', await list('settings/directives-memcached', 'MEMCACHED_DIRECTIVES')],
      ['Memory', await list('settings/directives-memory', 'MEMORY_DIRECTIVES')],
      [
        'Replication, cluster and scripts',
        await list('settings/directives-replication', 'REPLICATION_DIRECTIVES'),
      ],
      ['Encodings', await list('settings/directives-encodings', 'ENCODINGS_DIRECTIVES')],
    ]),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = new URL('../', import.meta.url);
  const written = await pages((file) => import(new URL(`dist/${file}.js`, root).href));
  for (const [file, text] of Object.entries(written)) {
    const url = new URL(file, root);
    const isSame = readOr(url) === text;
    if (!isSame) writeFileSync(url, text);
    process.stdout.write(`${file}: ${isSame ? 'up to date' : 'written'}\n`);
  }
}

function readOr(url) {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return '';
  }
}
