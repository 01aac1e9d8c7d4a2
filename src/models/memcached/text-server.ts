/** Commands about the server: version, stats, watch, limits, and memcached's tuning knobs, most of which turn nothing here. */
import { MAX_CLASSES } from './evictions.ts';
import { MetaDump } from './meta-dump.ts';
import { parseUnsigned32 } from './numbers.ts';
import { cacheDump, itemClassStats, slabStats } from './stats-classes.ts';
import { generalStats, type StatLine } from './stats-general.ts';
import { settingStats } from './stats-settings.ts';
import { BAD_FORMAT, type TextContext } from './text-context.ts';
import type { TextCommandSpec } from './text-table.ts';
import { TUNING_COMMANDS } from './text-tuning.ts';
import { MEMCACHED_VERSION } from './version.ts';
import { MAX_WATCHERS, WATCH } from './watchers.ts';

const MIN_LIMIT_MB = 8;
const MAX_LIMIT_MB = 1_000_000_000;
const MB = 1024 * 1024;
const MAX_VERBOSITY = 100;

function unsigned(c: TextContext, i: number): number {
  const { request } = c;
  if (i >= request.count) return NaN;
  return parseUnsigned32(request.region.bytes, request.start[i]!, request.end[i]!);
}

// ---- stats

function sayStats(c: TextContext, lines: readonly StatLine[]): void {
  for (const [name, value] of lines) c.fail(`STAT ${name} ${value}`);
  c.fail('END');
}

const STATS: Readonly<Record<string, (c: TextContext) => void>> = {
  reset(c) {
    c.model.resetStatistics();
    c.say('RESET');
  },
  settings: (c) => sayStats(c, settingStats(c.model)),
  items: (c) => sayStats(c, itemClassStats(c.model)),
  slabs: (c) => sayStats(c, slabStats(c.model)),
  sizes: (c) => sayStats(c, [['sizes_status', 'disabled']]),
  sizes_enable: (c) =>
    sayStats(c, [
      ['sizes_status', 'error'],
      ['sizes_error', 'no_items_enabled'],
    ]),
  sizes_disable: (c) => sayStats(c, [['sizes_status', 'disabled']]),
  conns: (c) => sayStats(c, c.model.connectionLines()),
  detail: statsDetail,
  cachedump: statsCacheDump,
};

function stats(c: TextContext): void {
  if (c.request.count === 1) {
    sayStats(c, generalStats(c.model));
    return;
  }
  const name = c.request.text(1);
  const handler = Object.hasOwn(STATS, name) ? STATS[name] : undefined;
  if (handler === undefined) c.say('ERROR');
  else handler(c);
}

function statsDetail(c: TextContext): void {
  const { prefixes } = c.model;
  const { request } = c;
  if (request.is(2, 'on') || request.is(2, 'off')) {
    prefixes.isOn = request.is(2, 'on');
    c.say('OK');
  } else if (request.is(2, 'dump')) {
    for (const line of prefixes.lines()) c.fail(line);
    c.fail('END');
  } else {
    c.say('CLIENT_ERROR usage: stats detail on|off|dump');
  }
}

function statsCacheDump(c: TextContext): void {
  if (!c.options.mayDump) {
    c.say('CLIENT_ERROR stats cachedump not allowed');
    return;
  }
  if (c.request.count < 4) {
    c.say('CLIENT_ERROR bad command line');
    return;
  }
  const id = unsigned(c, 2);
  const limit = unsigned(c, 3);
  if (id !== id || limit !== limit) {
    c.say(BAD_FORMAT);
  } else if (id >= MAX_CLASSES) {
    c.say('CLIENT_ERROR Illegal slab id');
  } else {
    for (const line of cacheDump(c.model, id, limit)) c.fail(line);
    c.fail('END');
  }
}

// ---- the rest

function verbosity(c: TextContext): void {
  c.readQuiet();
  const level = unsigned(c, 1);
  if (level !== level) {
    c.say(BAD_FORMAT);
    return;
  }
  c.options.verbosity = Math.min(level, MAX_VERBOSITY);
  c.say('OK');
}

function memoryLimit(c: TextContext): void {
  c.readQuiet();
  const megabytes = unsigned(c, 1);
  if (megabytes !== megabytes) {
    c.say('ERROR');
  } else if (megabytes < MIN_LIMIT_MB) {
    c.say('MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m');
  } else if (megabytes > MAX_LIMIT_MB) {
    c.say('MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes');
  } else if (c.model.host.setMemoryLimit(megabytes * MB) !== undefined) {
    c.say('MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust');
  } else {
    c.say('OK');
  }
}

function watch(c: TextContext): void {
  const { client, model, options, request } = c;
  if (!options.mayWatch || client.isDatagram) {
    c.say('CLIENT_ERROR watch commands not allowed');
    return;
  }
  let events = request.count === 1 ? WATCH.fetchers : 0;
  for (let i = 1; i < request.count; i++) {
    const name = request.text(i);
    if (Object.hasOwn(WATCHED, name)) {
      events |= WATCHED[name]!;
    } else {
      c.say('ERROR');
      return;
    }
  }
  if (model.watchers.count >= MAX_WATCHERS) {
    c.say('WATCHER_TOO_MANY log watcher limit reached');
    return;
  }
  model.watchers.add(client, events);
  // It is asked nothing more.
  client.session.parked = { reason: 'watch', deadlineMs: Infinity, expire: () => {} };
  c.say('OK');
}

const WATCHED: Readonly<Record<string, number>> = {
  fetchers: WATCH.fetchers,
  mutations: WATCH.mutations,
  evictions: WATCH.evictions,
  connevents: WATCH.connevents,
  rawcmds: WATCH.others,
  sysevents: WATCH.others,
  proxyreqs: WATCH.others,
  proxyevents: WATCH.others,
  proxyuser: WATCH.others,
};

function shutdown(c: TextContext): void {
  const { request } = c;
  if (!c.options.mayShutDown) {
    c.say('ERROR: shutdown not enabled');
  } else if (request.count === 1 || (request.count === 2 && request.is(1, 'graceful'))) {
    c.isClosing = true;
    c.model.host.shutDown();
  } else {
    c.say('CLIENT_ERROR invalid shutdown mode');
  }
}

function crawler(c: TextContext): void {
  const { model, options, request } = c;
  const { tunables } = model;
  if (request.count === 3 && request.is(1, 'metadump')) {
    if (!tunables.hasCrawler) c.say('CLIENT_ERROR lru crawler disabled');
    else if (!options.mayDump || c.client.isDatagram) c.say('ERROR metadump not allowed');
    else if (c.client.requestsBefore > 0)
      c.say('ERROR cannot pipeline other commands before metadump');
    else MetaDump.start(model, c.client);
  } else if (request.count === 3 && request.is(1, 'crawl')) {
    // What has expired went when it was due: there is nothing to crawl for.
    c.say(tunables.hasCrawler ? 'OK' : 'CLIENT_ERROR lru crawler disabled');
  } else if (request.count === 3 && (request.is(1, 'tocrawl') || request.is(1, 'sleep'))) {
    const value = unsigned(c, 2);
    const isSleep = request.is(1, 'sleep');
    if (value !== value) {
      c.say(BAD_FORMAT);
    } else if (isSleep && value > 1_000_000) {
      c.say('CLIENT_ERROR sleep must be one second or less');
    } else {
      if (isSleep) tunables.crawlerSleepUs = value;
      else tunables.toCrawl = value;
      c.say('OK');
    }
  } else if (request.count === 2 && (request.is(1, 'enable') || request.is(1, 'disable'))) {
    tunables.hasCrawler = request.is(1, 'enable');
    c.say('OK');
  } else {
    c.say('ERROR');
  }
}

function refreshCertificates(c: TextContext): void {
  c.readQuiet();
  c.say(c.model.host.refreshCertificates() ?? 'OK');
}

const ABOUT = { words: [1, Infinity], isAboutServer: true } as const;

export const SERVER_COMMANDS: readonly TextCommandSpec[] = [
  {
    ...ABOUT,
    name: 'version',
    syntax: '',
    summary: 'Answers the version of memcached that is followed.',
    handler: (c) => c.say(`VERSION ${MEMCACHED_VERSION}`),
  },
  {
    ...ABOUT,
    name: 'quit',
    syntax: '',
    summary: 'Closes the connection.',
    handler(c) {
      c.isClosing = true;
    },
  },
  {
    ...ABOUT,
    name: 'stats',
    syntax:
      '[settings | items | slabs | sizes | conns | detail on|off|dump | cachedump id n | reset]',
    summary: 'Answers counters and settings.',
    handler: stats,
  },
  {
    ...ABOUT,
    name: 'verbosity',
    words: [2, 3],
    syntax: 'level [noreply]',
    summary: 'Sets a number that `stats settings` shows; the log has a setting of its own.',
    handler: verbosity,
  },
  {
    ...ABOUT,
    name: 'cache_memlimit',
    words: [2, 3],
    syntax: 'megabytes [noreply]',
    summary: 'Sets `maxmemory`.',
    handler: memoryLimit,
  },
  {
    ...ABOUT,
    name: 'watch',
    syntax: '[fetchers | mutations | evictions | connevents ...]',
    summary: 'From now on the connection is told what happens.',
    handler: watch,
  },
  {
    ...ABOUT,
    name: 'shutdown',
    syntax: '[graceful]',
    summary: 'Ends the server, where that is allowed.',
    handler: shutdown,
  },
  {
    name: 'lru_crawler',
    words: [1, Infinity],
    syntax: 'metadump all | enable | disable | sleep us | tocrawl n | crawl classes',
    summary: 'Answers what is known of each item (metadump); the rest turns nothing.',
    handler: crawler,
  },
  {
    ...ABOUT,
    name: 'refresh_certs',
    syntax: '[noreply]',
    summary: 'Reads the TLS certificates anew.',
    handler: refreshCertificates,
  },
  ...TUNING_COMMANDS,
];
