/**
 * memcached's own flags, for `kvasir memcached`: read as getopt reads them (`-m 64`, `-m64`, `-vv`, `--memory-limit=64`), and said as settings. What only
 * tunes memcached's memory is taken and shown by `stats settings`; what somebody relies on and would not get stops the start.
 */
import { FlagError, type MemcachedCall, newCall, toInteger } from './memcached-call.ts';
import { applyExtendedOptions } from './memcached-options.ts';

interface Flag {
  readonly letter: string;
  readonly name: string;
  /** What stands for its value in the help; undefined: it has none. */
  readonly value?: string;
  readonly help: string;
  apply(call: MemcachedCall, value: string): void;
}

function positive(text: string, what: string): number {
  const value = toInteger(text);
  if (value <= 0) throw new FlagError(`${what} must be greater than 0`);
  return value;
}

const nothing = (): void => {};

export const FLAGS: readonly Flag[] = [
  {
    letter: 'p',
    name: 'port',
    value: 'num',
    help: 'TCP port to listen on (11211; 0: none)',
    apply: (call, value) => void (call.port = toInteger(value)),
  },
  {
    letter: 'U',
    name: 'udp-port',
    value: 'num',
    help: 'UDP port to listen on (0: none)',
    apply: (call, value) => void (call.udpPort = toInteger(value)),
  },
  {
    letter: 's',
    name: 'unix-socket',
    value: 'file',
    help: 'Unix socket to listen on, instead of the network',
    apply: (call, value) => void (call.unixSocket = value),
  },
  {
    letter: 'a',
    name: 'unix-mask',
    value: 'mask',
    help: "the Unix socket's permissions, in octal (700)",
    apply: (call, value) => void call.settings.set('memcached-unixsocketperm', value),
  },
  {
    letter: 'A',
    name: 'enable-shutdown',
    help: 'let clients shut the server down',
    apply: (call) => void call.settings.set('memcached-shutdown', 'yes'),
  },
  {
    letter: 'l',
    name: 'listen',
    value: 'addr',
    help: 'address to listen on (127.0.0.1; memcached listens on all), several separated by commas',
    apply: (call, value) => void call.listen.push(...value.split(',').filter((a) => a !== '')),
  },
  {
    letter: 'd',
    name: 'daemon',
    help: 'go to the background',
    apply: (call) => void (call.isDaemon = true),
  },
  { letter: 'r', name: 'enable-coredumps', help: 'taken without effect', apply: nothing },
  {
    letter: 'u',
    name: 'user',
    value: 'user',
    help: 'who to become, when started by root',
    apply: (call, value) => void (call.user = value),
  },
  {
    letter: 'm',
    name: 'memory-limit',
    value: 'num',
    help: 'memory for items in megabytes (64; 0: no limit)',
    apply: (call, value) => void (call.memoryMegabytes = toInteger(value)),
  },
  {
    letter: 'M',
    name: 'disable-evictions',
    help: 'answer with an error when memory is used up, instead of evicting',
    apply: (call) => void (call.evicts = false),
  },
  {
    letter: 'c',
    name: 'conn-limit',
    value: 'num',
    help: 'connections at a time (1024)',
    apply(call, value) {
      call.settings.set('memcached-maxclients', String(positive(value, 'Maximum connections')));
    },
  },
  { letter: 'k', name: 'lock-memory', help: 'taken without effect', apply: nothing },
  {
    letter: 'v',
    name: 'verbose',
    help: 'log warnings and connections (-vv: more)',
    apply: (call) => void call.verbosity++,
  },
  { letter: 'h', name: 'help', help: 'print this', apply: (call) => void (call.ask = 'help') },
  {
    letter: 'i',
    name: 'license',
    help: 'print the license',
    apply: (call) => void (call.ask = 'license'),
  },
  {
    letter: 'V',
    name: 'version',
    help: 'print the version',
    apply: (call) => void (call.ask = 'version'),
  },
  {
    letter: 'P',
    name: 'pidfile',
    value: 'file',
    help: 'write the process id here',
    apply: (call, value) => void (call.pidFile = value),
  },
  {
    letter: 'f',
    name: 'slab-growth-factor',
    value: 'num',
    help: 'taken without effect',
    apply(call, value) {
      const factor = Number(value);
      if (!(factor > 1)) throw new FlagError('Factor must be greater than 1');
      call.tunables.growthFactor = factor;
    },
  },
  {
    letter: 'n',
    name: 'slab-min-size',
    value: 'bytes',
    help: 'taken without effect',
    apply: (call, value) => void (call.tunables.chunkSize = positive(value, 'Chunk size')),
  },
  { letter: 'L', name: 'enable-largepages', help: 'taken without effect', apply: nothing },
  {
    letter: 'D',
    name: 'prefix-delimiter',
    value: 'char',
    help: "what ends a key's prefix for `stats detail`, which this turns on",
    apply(call, value) {
      if (value === '') throw new FlagError('No delimiter specified');
      call.settings.set('memcached-prefix-delimiter', value[0]!);
      call.settings.set('memcached-detail', 'yes');
    },
  },
  {
    letter: 't',
    name: 'threads',
    value: 'num',
    help: 'taken without effect: one thread serves all',
    apply: (_call, value) => void positive(value, 'Number of threads'),
  },
  {
    letter: 'R',
    name: 'max-reqs-per-event',
    value: 'num',
    help: "taken without effect: a client's turn is bounded in bytes",
    apply: (_call, value) => void positive(value, 'Number of requests per event'),
  },
  {
    letter: 'C',
    name: 'disable-cas',
    help: 'give items no CAS',
    apply: (call) => void call.settings.set('memcached-cas', 'no'),
  },
  {
    letter: 'b',
    name: 'listen-backlog',
    value: 'num',
    help: 'connections that wait to be accepted (1024)',
    apply: (call, value) => void call.settings.set('memcached-backlog', String(toInteger(value))),
  },
  {
    letter: 'B',
    name: 'protocol',
    value: 'name',
    help: 'ascii, binary or auto (auto)',
    apply(call, value) {
      if (!['auto', 'ascii', 'binary'].includes(value)) {
        const choice = 'should be one of auto, binary, or ascii';
        throw new FlagError(`Invalid value for binding protocol: ${value}\n -- ${choice}`);
      }
      call.protocol = value;
    },
  },
  {
    letter: 'I',
    name: 'max-item-size',
    value: 'num',
    help: 'the largest item: bytes, or with k or m behind (1m)',
    apply(call, value) {
      const unit = { k: 1024, m: 1024 * 1024 }[value.slice(-1).toLowerCase()] ?? 1;
      call.itemSizeBytes = toInteger(value) * unit;
    },
  },
  {
    letter: 'S',
    name: 'enable-sasl',
    help: 'binary clients authenticate by SASL; MEMCACHED_SASL_PWDB names the file of user:password lines',
    apply: (call) => void (call.hasSasl = true),
  },
  {
    letter: 'F',
    name: 'disable-flush-all',
    help: 'no flush_all',
    apply: (call) => void call.settings.set('memcached-flush-all', 'no'),
  },
  {
    letter: 'X',
    name: 'disable-dumping',
    help: 'no stats cachedump, no lru_crawler metadump',
    apply: (call) => void call.settings.set('memcached-dump', 'no'),
  },
  {
    letter: 'W',
    name: 'disable-watch',
    help: 'no watch',
    apply: (call) => void call.settings.set('memcached-watch', 'no'),
  },
  {
    letter: 'Y',
    name: 'auth-file',
    value: 'file',
    help: 'text clients authenticate as one of the user:password lines of this file',
    apply: (call, value) => void (call.authFile = value),
  },
  {
    letter: 'e',
    name: 'memory-file',
    value: 'file',
    help: 'refused: kvasir serve --memcached-port keeps items on disk',
    apply() {
      throw new FlagError(
        "-e: memory files do not exist here; 'kvasir serve --memcached-port 11211 --dir DIRECTORY' keeps items on disk",
      );
    },
  },
  {
    letter: 'Z',
    name: 'enable-ssl',
    help: 'use TLS on the TCP port (-o ssl_chain_cert=FILE,ssl_key=FILE)',
    apply: (call) => void (call.hasTls = true),
  },
  {
    letter: 'o',
    name: 'extended',
    value: 'opts',
    help: 'further options, separated by commas: idle_timeout=SECONDS, ssl_*, and those that tune memory, taken without effect',
    apply: applyExtendedOptions,
  },
  {
    letter: 'N',
    name: 'napi-ids',
    value: 'num',
    help: 'taken without effect',
    apply: (_call, value) => void positive(value, 'Maximum number of NAPI IDs'),
  },
];

/** Reads `words`. Throws FlagError with what memcached would print. */
export function readFlags(words: readonly string[]): MemcachedCall {
  const call = newCall();
  const rest = [...words];
  while (rest.length > 0 && rest[0] !== '--' && call.ask === undefined) readFlag(call, rest);
  if (rest[0] === '--' && rest[1] !== undefined)
    throw new FlagError(`there is no use for '${rest[1]}' here`);
  return call;
}

/** Takes the first word, which may be several flags, and a value behind it. */
function readFlag(call: MemcachedCall, rest: string[]): void {
  const word = rest.shift()!;
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const flag = FLAGS.find((known) => known.name === name);
    if (flag === undefined) throw new FlagError(`unrecognized option '--${name}'`);
    const given = equals < 0 ? undefined : word.slice(equals + 1);
    flag.apply(call, flag.value === undefined ? '' : (given ?? valueOf(flag, rest)));
    return;
  }
  if (!word.startsWith('-') || word.length < 2) {
    throw new FlagError(`there is no use for '${word}' here`);
  }
  for (let i = 1; i < word.length; i++) {
    const flag = FLAGS.find(({ letter }) => letter === word[i]);
    if (flag === undefined) throw new FlagError(`Illegal argument "${word[i]}"`);
    if (flag.value === undefined) {
      flag.apply(call, '');
      continue;
    }
    const attached = word.slice(i + 1);
    flag.apply(call, attached === '' ? valueOf(flag, rest) : attached);
    return;
  }
}

function valueOf({ letter }: Flag, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new FlagError(`option requires an argument -- '${letter}'`);
  return value;
}
