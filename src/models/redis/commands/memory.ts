/** MEMORY: what keys and the server take. */
import { keyRange, type CommandSpec } from '../command.ts';
import { helpCommand } from '../command-help.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import { memoryOverhead } from '../info/memory-overhead.ts';
import { memoryReport } from '../memory-report.ts';

const TIPS = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'];

const USAGE: CommandSpec = {
  name: 'usage',
  arity: -3,
  flags: ['readonly'],
  keys: [keyRange('RO', 2)],
  group: 'server',
  since: '4.0.0',
  complexity: 'O(1)',
  summary: 'Answers the bytes that a key and its value take.',
  syntax: 'key [SAMPLES count:integer]',
  handler: usage,
};

function usage(c: Context): void {
  const { request, reply } = c;
  for (let i = 3; i < request.count; i += 2) {
    if (!request.is(i, 'SAMPLES') || i + 1 === request.count) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    const samples = c.integer(i + 1);
    if (Number.isNaN(samples)) return;
    if (samples < 0) {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const ref = c.peek(2);
  if (ref === 0) reply.nil();
  else reply.integer(c.engine.recordBytes(ref) + indexBytes(c));
}

/** A record's share of the index. */
function indexBytes(c: Context): number {
  const { keys } = c.db;
  return Math.ceil((keys.slotCount * SLOT_BYTES) / keys.size);
}

/** An index slot: reference and hash. */
const SLOT_BYTES = 8;

const STATS: CommandSpec = {
  name: 'stats',
  arity: 2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'O(1)',
  summary: 'Answers where memory goes.',
  tips: TIPS,
  handler: stats,
};

function stats(c: Context): void {
  const { reply, model } = c;
  const m = memoryOverhead(model);
  const databases = model.databases.filter((db) => db.keys.size > 0);
  const counts = (fields: Readonly<Record<string, number>>): void => {
    for (const [name, value] of Object.entries(fields)) {
      reply.bulkText(name);
      reply.integer(value);
    }
  };
  const figure = (name: string, value: number): void => {
    reply.bulkText(name);
    reply.double(String(value));
  };
  reply.map(27 + databases.length);
  counts({
    'peak.allocated': m.peakBytes,
    'total.allocated': m.usedBytes,
    'startup.allocated': m.startupBytes,
    'replication.backlog': 0,
    'clients.slaves': 0,
    'clients.normal': m.clientsBytes,
    'cluster.links': 0,
    'aof.buffer': m.logBufferBytes,
    'lua.caches': 0,
    'functions.caches': 0,
  });
  for (const db of databases) {
    reply.bulkText(`db.${db.id}`);
    reply.map(3);
    counts({
      'overhead.hashtable.main': db.keys.slotCount * SLOT_BYTES,
      'overhead.hashtable.expires': db.keys.overheadBytes - db.keys.slotCount * SLOT_BYTES,
      'overhead.hashtable.slot-to-keys': 0,
    });
  }
  counts({
    'overhead.total': m.overheadBytes,
    'keys.count': m.keys,
    'keys.bytes-per-key': m.bytesPerKey,
    'dataset.bytes': m.datasetBytes,
  });
  figure('dataset.percentage', m.datasetPercent);
  figure('peak.percentage', m.peakPercent);
  counts({
    'allocator.allocated': m.engineBytes,
    'allocator.active': m.reservedBytes,
    'allocator.resident': m.reservedBytes,
  });
  figure('allocator-fragmentation.ratio', m.fragmentation);
  counts({ 'allocator-fragmentation.bytes': m.fragmentationBytes });
  figure('allocator-rss.ratio', 1);
  counts({ 'allocator-rss.bytes': 0 });
  figure('rss-overhead.ratio', m.processOverhead);
  counts({ 'rss-overhead.bytes': m.processOverheadBytes });
  figure('fragmentation', m.totalOverhead);
  counts({ 'fragmentation.bytes': m.totalOverheadBytes });
}

const DOCTOR: CommandSpec = {
  name: 'doctor',
  arity: 2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'O(1)',
  summary: 'Answers an account of how well memory is used, in words.',
  tips: TIPS,
  handler: (c) => c.reply.verbatim('txt', memoryReport(c.model)),
};

const PURGE: CommandSpec = {
  name: 'purge',
  arity: 2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'Depends on how fragmented memory is; the work is done in the background',
  summary: 'Moves records together, so that memory can be given back to the system.',
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  handler(c) {
    c.engine.defragment(true);
    c.reply.ok();
  },
};

const MALLOC_STATS: CommandSpec = {
  name: 'malloc-stats',
  arity: 2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'O(1)',
  summary: "Answers the memory allocator's own statistics.",
  tips: TIPS,
  handler: (c) => c.reply.bulkText('Stats not supported for the current allocator'),
};

export const MEMORY: CommandSpec = {
  name: 'memory',
  arity: -2,
  flags: [],
  group: 'server',
  since: '4.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about memory.',
  subcommands: [
    DOCTOR,
    helpCommand('MEMORY', 'server', '4.0.0'),
    MALLOC_STATS,
    PURGE,
    STATS,
    USAGE,
  ],
};
