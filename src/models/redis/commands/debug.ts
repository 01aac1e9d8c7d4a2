/**
 * DEBUG, as far as tests of Redis and of its clients use it. It is one command whose first argument chooses; refused unless
 * `enable-debug-command` allows it.
 */
import type { CommandSpec } from '../command.ts';
import { replyHelp, wrongSubcommand } from '../command-help.ts';
import { type Context, NO_SUCH_KEY } from '../context.ts';
import { stringEncodingName } from '../string-encoding.ts';
import { datasetDigest, keyDigest } from './debug-digest.ts';
import { populate } from './debug-populate.ts';
import { protocol } from './debug-protocol.ts';

interface DebugCommand {
  /** Arguments, DEBUG and the word included: at least and at most. */
  counts: readonly [number, number];
  help: readonly string[];
  run(c: Context): void;
}

const LRU_CLOCK_MASK = 0xffffff;
const ANY = Infinity;

/** Answers OK and does nothing: what it turns does not exist here. */
function accepted(c: Context): void {
  c.reply.ok();
}

function crash(c: Context): void {
  c.model.host.log('warning', `DEBUG ${c.request.text(1)} called`);
  c.model.host.crash();
  c.reply.error('ERR failed to restart the server. Check server logs.');
}

const COMMANDS: Readonly<Record<string, DebugCommand>> = {
  help: {
    counts: [2, 2],
    help: [],
    run(c) {
      const lines = Object.values(COMMANDS).flatMap((command) => command.help);
      replyHelp(c, lines);
    },
  },
  assert: { counts: [2, ANY], help: ['ASSERT', '    Ends the process at once.'], run: crash },
  'aof-flush-sleep': { counts: [3, 3], help: [], run: accepted },
  'change-repl-id': {
    counts: [2, 2],
    help: ['CHANGE-REPL-ID', '    Accepted; there are no replicas.'],
    run: accepted,
  },
  'config-rewrite-force-all': {
    counts: [2, 2],
    help: ['CONFIG-REWRITE-FORCE-ALL', '    Like CONFIG REWRITE, but writes every setting.'],
    run(c) {
      const failure = c.model.settings.rewrite(true);
      if (failure === undefined) c.reply.ok();
      else c.reply.error(`ERR CONFIG-REWRITE-FORCE-ALL failed: ${failure}`);
    },
  },
  'crash-and-recover': { counts: [2, 3], help: [], run: crash },
  digest: {
    counts: [2, 2],
    help: ['DIGEST', '    Answers a checksum of all data, the same as Redis would.'],
    run: (c) => c.reply.simple(datasetDigest(c.model)),
  },
  'digest-value': {
    counts: [2, ANY],
    help: ['DIGEST-VALUE [<key> ...]', '    Answers a checksum of the value of each key.'],
    run(c) {
      c.reply.array(c.request.count - 2);
      for (let i = 2; i < c.request.count; i++) c.reply.simple(keyDigest(c, i));
    },
  },
  error: {
    counts: [3, 3],
    help: ['ERROR <string>', '    Answers this error.'],
    run: (c) => c.reply.error(c.request.text(2)),
  },
  htstats: {
    counts: [3, 4],
    help: ['HTSTATS <dbid> [full]', '    Describes the index of a database.'],
    run: hashTableStats,
  },
  'htstats-key': {
    counts: [3, 4],
    help: ['HTSTATS-KEY <key> [full]', '    Describes the index that a value has.'],
    run(c) {
      if (c.peek(2) === 0) c.reply.error(NO_SUCH_KEY);
      else {
        c.reply.error(
          'ERR The value stored at the specified key is not represented using an hash table',
        );
      }
    },
  },
  leak: { counts: [3, 3], help: [], run: accepted },
  loadaof: {
    counts: [2, 2],
    help: ['LOADAOF', '    Writes what is pending, empties memory and loads the append-only file.'],
    run: (c) => reload(c, 'ERR Error trying to load the AOF files, check server logs.'),
  },
  log: {
    counts: [3, 3],
    help: ['LOG <message>', '    Writes the message to the log.'],
    run(c) {
      c.model.host.log('warning', `DEBUG LOG: ${c.request.text(2)}`);
      c.reply.ok();
    },
  },
  object: {
    counts: [3, 3],
    help: ['OBJECT <key>', '    Describes a key and its value.'],
    run: describeObject,
  },
  oom: { counts: [2, 2], help: ['OOM', '    Ends the process at once.'], run: crash },
  panic: { counts: [2, ANY], help: ['PANIC', '    Ends the process at once.'], run: crash },
  'pause-cron': {
    counts: [3, 3],
    help: ['PAUSE-CRON <0|1>', '    Accepted; there is no such periodic job.'],
    run: accepted,
  },
  populate: {
    counts: [3, 5],
    help: [
      'POPULATE <count> [<prefix>] [<size>]',
      '    Creates so many keys <prefix>:<number>, where they are absent.',
    ],
    run: populate,
  },
  protocol: {
    counts: [3, 3],
    help: ['PROTOCOL <type>', '    Answers a value of this type of the protocol.'],
    run: protocol,
  },
  'quicklist-packed-threshold': { counts: [3, 3], help: [], run: accepted },
  reload: {
    counts: [2, ANY],
    help: ['RELOAD [NOSAVE]', '    Empties memory and loads what is on disk.'],
    run(c) {
      for (let i = 2; i < c.request.count; i++) {
        if (c.request.is(i, 'NOSAVE')) continue;
        const isKnown = c.request.is(i, 'MERGE') || c.request.is(i, 'NOFLUSH');
        c.reply.error(
          isKnown
            ? 'ERR DEBUG RELOAD with MERGE or NOFLUSH is not supported yet by this server'
            : 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.',
        );
        return;
      }
      reload(c, 'ERR Error trying to load the RDB dump, check server logs.');
    },
  },
  replybuffer: { counts: [4, 4], help: [], run: accepted },
  restart: { counts: [2, 3], help: ['RESTART', '    Ends the process at once.'], run: crash },
  segfault: { counts: [2, ANY], help: ['SEGFAULT', '    Ends the process at once.'], run: crash },
  'set-active-expire': {
    counts: [3, 3],
    help: [
      'SET-ACTIVE-EXPIRE <0|1>',
      '    0: keys expire only when they are looked up. 1: they expire when they are due.',
    ],
    run(c) {
      c.model.isActiveExpireOn = leadingInteger(c.request.text(2)) !== 0;
      c.reply.ok();
    },
  },
  'set-disable-deny-scripts': { counts: [3, 3], help: [], run: accepted },
  'set-skip-checksum-validation': { counts: [3, 3], help: [], run: accepted },
  sleep: {
    counts: [3, 3],
    help: ['SLEEP <seconds>', '    Stops the whole server for this long.'],
    run(c) {
      const seconds = Number.parseFloat(c.request.text(2));
      if (seconds > 0) c.model.host.sleepSync(seconds * 1000);
      c.reply.ok();
    },
  },
};

/** The integer that `text` begins with, as C's atoi reads it. */
function leadingInteger(text: string): number {
  return Number.parseInt(text, 10) || 0;
}

function reload(c: Context, error: string): void {
  const failure = c.model.host.persistence.reload();
  if (failure === undefined) {
    c.reply.ok();
  } else {
    c.model.host.log('warning', failure);
    c.reply.error(error);
  }
}

function describeObject(c: Context): void {
  const { engine, reply } = c;
  const ref = c.peek(2);
  if (ref === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const encoding = stringEncodingName(engine, ref);
  const idle = engine.idleSeconds(ref);
  const clock = (Math.floor(c.now / 1000) - idle) & LRU_CLOCK_MASK;
  reply.simple(
    `Value at:0x${(ref * 8).toString(16).padStart(12, '0')} refcount:1 encoding:${encoding} ` +
      `serializedlength:${serializedLength(c, ref, encoding)} lru:${clock} lru_seconds_idle:${idle}`,
  );
}

/** The bytes a string takes in an RDB file without compression. */
function serializedLength(c: Context, ref: number, encoding: string): number {
  const length = c.engine.valueLength(ref);
  if (encoding === 'int') {
    const value = Number(Buffer.from(c.engine.copyValue(ref)).toString('latin1'));
    if (value >= -128 && value < 128) return 2;
    if (value >= -32768 && value < 32768) return 3;
    if (value >= -2147483648 && value < 2147483648) return 5;
  }
  return length + (length < 64 ? 1 : length < 16384 ? 2 : 5);
}

function hashTableStats(c: Context): void {
  const id = c.integer(2);
  if (Number.isNaN(id)) return;
  const db = c.model.databases[id];
  if (db === undefined) {
    c.reply.error('ERR Out of range database');
    return;
  }
  const { keys } = db;
  const index =
    keys.size === 0
      ? 'No stats available for empty dictionaries\n'
      : ` table size: ${keys.slotCount}\n number of elements: ${keys.size}\n resizing: ${keys.isResizing}\n`;
  c.reply.verbatim(
    'txt',
    `[Dictionary HT]\n${index}[Expires HT]\n number of elements: ${keys.volatileCount}\n`,
  );
}

export const DEBUG: CommandSpec = {
  name: 'debug',
  arity: -2,
  flags: ['admin', 'noscript', 'loading', 'stale', 'protected'],
  group: 'server',
  since: '1.0.0',
  complexity: 'Depends on the subcommand',
  summary: 'Commands for testing the server and its clients.',
  isSystem: true,
  handler(c) {
    const { request } = c;
    const word = request.text(1);
    const name = word.toLowerCase();
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (
      command === undefined ||
      request.count < command.counts[0] ||
      request.count > command.counts[1]
    ) {
      c.reply.error(wrongSubcommand(c));
      return;
    }
    command.run(c);
  },
};
