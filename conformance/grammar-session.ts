/** Commands on connections and the server whose answers are determined by what was sent; those that are not are normalised (compare.ts). */
import { integer, junk, key, pattern, repeat, text, value } from './grammar-words.ts';
import type { Producer } from './grammar-data.ts';
import type { Random } from './random.ts';

const CHANNELS = ['ch1', 'ch2', 'news.it', 'news.art', '', '\xff\x00'];
const CHANNEL_PATTERNS = ['*', 'news.*', 'ch?', 'ch[12]', '', 'nothing', '__key*__:*'];
const channel = (r: Random): string => r.pick(CHANNELS);
const channelPattern = (r: Random): string => r.pick(CHANNEL_PATTERNS);
const channels: Producer = (r) => repeat(r, 1, 3, channel);
const maybeChannels: Producer = (r) => repeat(r, 0, 2, channel);

export const TRANSACTION_PRODUCERS: Readonly<Record<string, Producer>> = {
  multi: () => [],
  exec: () => [],
  discard: () => [],
  watch: (r) => repeat(r, 1, 3, key),
  unwatch: () => [],
};

export const PUBSUB_PRODUCERS: Readonly<Record<string, Producer>> = {
  publish: (r) => [channel(r), text(r)],
  spublish: (r) => [channel(r), text(r)],
  subscribe: channels,
  psubscribe: (r) => repeat(r, 1, 3, channelPattern),
  ssubscribe: channels,
  unsubscribe: maybeChannels,
  punsubscribe: (r) => repeat(r, 0, 2, channelPattern),
  sunsubscribe: maybeChannels,
  pubsub: (r) =>
    r.weighted<string[]>([
      [2, ['CHANNELS', ...r.some([channelPattern(r)], 0.6)]],
      [2, ['NUMSUB', ...repeat(r, 0, 3, channel)]],
      [2, ['NUMPAT']],
      [1, ['SHARDCHANNELS', ...r.some([channelPattern(r)], 0.6)]],
      [1, ['SHARDNUMSUB', ...repeat(r, 0, 3, channel)]],
      [0.5, [r.pick(['NOTHING', 'HELP', 'NUMPAT', 'CHANNELS']), junk(r), junk(r)]],
    ]),
};

const client: Producer = (r) =>
  r.weighted<string[]>([
    [3, ['SETNAME', r.pick(['me', '', 'a b', 'x\n', 'you', '\xff', 'me-2'])]],
    [3, ['GETNAME']],
    [1, ['ID']],
    [1, ['INFO']],
    [1, ['LIST', ...r.some(['TYPE', r.pick(['normal', 'pubsub', 'replica', 'master', 'x'])], 0.8)]],
    [0.5, ['LIST', 'ID', r.pick(['1000000', '0', 'abc', '-1']), ...r.some(['2000000', 'x'], 0.3)]],
    [1, ['KILL', r.pick(['127.0.0.1:1', 'x', ''])]],
    [1, ['KILL', 'ID', r.pick(['1000000', '0', '-1', 'abc'])]],
    [
      1,
      [
        'KILL',
        r.pick(['TYPE', 'USER', 'SKIPME', 'NOTHING', 'TYPE']),
        r.pick(['master', 'x', 'nobody']),
      ],
    ],
    [0.3, ['KILL', 'ADDR', '127.0.0.1:1', ...r.some(['SKIPME', r.pick(['yes', 'no', 'x'])], 0.7)]],
    [0.3, ['KILL', 'LADDR', '127.0.0.1:1', 'TYPE', r.pick(['normal', 'pubsub', 'x'])]],
    [
      0.5,
      [
        'PAUSE',
        r.pick(['0', 'abc', '-1', '99999999999999999999']),
        ...r.some([r.pick(['WRITE', 'ALL', 'x'])], 0.5),
      ],
    ],
    [1, ['UNPAUSE', ...r.some(['x'], 0.1)]],
    [1, ['NO-EVICT', r.pick(['on', 'off', 'ON', 'x'])]],
    [
      1,
      [
        'UNBLOCK',
        r.pick(['1000000', 'abc', '-1']),
        ...r.some([r.pick(['TIMEOUT', 'ERROR', 'x'])], 0.5),
      ],
    ],
    [0.5, ['REPLY', r.pick(['ON', 'on', 'x'])]],
    [1, ['TRACKINGINFO']],
    [1, ['GETREDIR']],
    [0.5, ['CACHING', r.pick(['yes', 'no', 'x'])]],
    [0.5, [r.pick(['NOTHING', 'HELP', 'SETNAME', 'KILL', 'ID'])]],
  ]);

const hello: Producer = (r) =>
  r.weighted<string[]>([
    [1, []],
    [3, ['2']],
    [3, ['3']],
    [1, [r.pick(['1', '4', 'abc', '', '-1'])]],
    [1, ['3', 'SETNAME', r.pick(['me', 'a b'])]],
    [1, ['2', 'AUTH', 'default', r.pick(['', 'secret'])]],
    [0.5, ['3', r.pick(['NOTHING', 'AUTH', 'SETNAME']), 'x']],
  ]);

// None without arguments: there 7.0 finds too few words before it looks at the command, which breaks off a transaction.
const GET_KEYS: readonly (readonly string[])[] = [
  ['GET', 'a'],
  ['SET', 'a', 'b'],
  ['MSET', 'a', '1', 'b', '2'],
  ['MGET', 'a', 'b', 'c'],
  ['BITOP', 'AND', 'd', 'a', 'b'],
  ['LCS', 'a', 'b'],
  ['COPY', 'a', 'b'],
  ['PING', 'a'],
  ['NOTHING', 'a'],
  ['GET', 'a', 'b'],
  ['OBJECT', 'ENCODING', 'a'],
  ['MEMORY', 'USAGE', 'a'],
  ['DEL', 'a', 'b', 'c'],
  ['SET', 'a', 'b', 'GET'],
  ['BITFIELD', 'a', 'GET', 'u8', '0'],
  ['BITFIELD', 'a', 'SET', 'u8', '0', '1'],
];
const command: Producer = (r) =>
  r.weighted<string[]>([
    [3, ['GETKEYS', ...r.pick(GET_KEYS)]],
    [3, ['GETKEYSANDFLAGS', ...r.pick(GET_KEYS)]],
    [1, ['COUNT']],
    [
      1,
      [
        'LIST',
        'FILTERBY',
        r.pick(['PATTERN', 'MODULE', 'ACLCAT', 'x']),
        r.pick(['xyz*', 'nothing', 'get']),
      ],
    ],
    [1, ['INFO', r.pick(['nothing', 'get|x', ''])]],
    [1, ['DOCS', r.pick(['nothing', 'nothing|x'])]],
    [0.5, [r.pick(['NOTHING', 'GETKEYS', 'HELP'])]],
  ]);

const SETTINGS = [
  ...[
    'maxclients',
    'timeout',
    'slowlog-max-len',
    'databases',
    'notify-keyspace-events',
    'appendfsync',
  ],
  ...[
    'hash-max-listpack-entries',
    'latency-monitor-threshold',
    'proto-max-bulk-len',
    'maxmemory-policy',
    'hz',
  ],
];
const config: Producer = (r) =>
  r.weighted<string[]>([
    [
      4,
      [
        'GET',
        r.pick([...SETTINGS, 'nothing', 'NOTIFY-KEYSPACE-EVENTS', '']),
        ...r.some([r.pick(SETTINGS)], 0.2),
      ],
    ],
    [
      2,
      [
        'SET',
        'notify-keyspace-events',
        r.pick(['', 'KEA', 'Kg$', 'Ex', 'KEAn', 'AKE', 'K', 'z', 'Elg', 'EKm']),
      ],
    ],
    [1, ['SET', 'slowlog-max-len', r.pick(['10', '128', '-1', 'abc'])]],
    [1, ['SET', 'timeout', r.pick(['0', '1000', '-1', 'abc', '1.5'])]],
    [
      1,
      [
        'SET',
        'latency-tracking-info-percentiles',
        r.pick(['50 99', '', 'abc', '101', '50 99 99.9']),
      ],
    ],
    [1, ['SET', r.pick(['nothing', 'databases', 'port ', 'unixsocketperm']), '16']],
    [
      1,
      [
        'SET',
        'timeout',
        '0',
        r.pick(['slowlog-max-len', 'timeout', 'nothing']),
        r.pick(['128', 'x']),
      ],
    ],
    [0.5, ['SET', 'maxmemory-policy', r.pick(['noeviction', 'nothing'])]],
    [0.5, ['RESETSTAT', ...r.some(['x'], 0.2)]],
    [0.5, [r.pick(['NOTHING', 'GET', 'SET', 'HELP'])]],
  ]);

export const CONNECTION_PRODUCERS: Readonly<Record<string, Producer>> = {
  client,
  hello,
  auth: (r) => repeat(r, 1, 3, (r) => r.pick(['default', 'secret', 'nobody', ''])),
  ping: (r) => r.some([text(r)], 0.5),
  echo: (r) => [value(r)],
  select: (r) => [r.pick(['0', '0', '0', '1', '2', '16', '-1', 'abc', ''])],
  reset: () => [],
  quit: () => [],
  command,
  config,
  info: (r) => [r.pick(['nothing', 'keyspace', 'server', 'clients'])],
  memory: (r) =>
    r.weighted<string[]>([
      [2, ['USAGE', key(r), ...(r.chance(0.4) ? ['SAMPLES', r.pick(['0', '5', '-1', 'x'])] : [])]],
      [1, ['PURGE']],
      [1, [r.pick(['NOTHING', 'USAGE', 'DOCTOR', 'STATS', 'HELP', 'MALLOC-STATS'])]],
    ]),
  slowlog: (r) => [
    r.pick(['GET', 'LEN', 'RESET', 'GET', 'NOTHING', 'HELP']),
    ...r.some([r.pick(['0', '5', '-1', '-2', 'x'])], 0.5),
  ],
  latency: (r) =>
    r.weighted<string[]>([
      [1, ['LATEST']],
      [1, ['HISTORY', r.pick(['command', 'nothing', ''])]],
      [1, ['RESET', ...r.some(['command', 'nothing'], 0.5)]],
      [1, ['HISTOGRAM', r.pick(['nothing', 'x|y'])]],
      [1, ['GRAPH', r.pick(['command', 'nothing'])]],
      [0.5, [r.pick(['NOTHING', 'HISTORY', 'DOCTOR', 'HELP', 'GRAPH', 'HISTOGRAM'])]],
    ]),
  debug: (r) =>
    r.weighted<string[]>([
      [
        3,
        [
          'PROTOCOL',
          r.pick([
            'string',
            'integer',
            'double',
            'null',
            'array',
            'set',
            'map',
            'bignum',
            'true',
            'false',
            'verbatim',
            'nothing',
          ]),
        ],
      ],
      [0.5, ['PROTOCOL', 'attrib']],
      [1, ['SLEEP', '0']],
      [0.5, ['STRINGMATCH-LEN', '100', pattern(r)]],
      [0.5, [r.pick(['NOTHING', 'OBJECT', 'HELP'])]],
    ]),
  time: () => [],
  lastsave: () => [],
  role: () => [],
  wait: (r) => [r.pick(['0', '0', 'abc', '-1']), r.pick(['0', '10', '-1', 'abc'])],
  shutdown: (r) => r.pick([['ABORT'], ['NOSAVE', 'SAVE'], ['x'], ['ABORT', 'NOSAVE']]),
  function: (r) =>
    r.pick([
      ['FLUSH'],
      ['FLUSH', 'ASYNC'],
      ['FLUSH', 'SYNC'],
      ['FLUSH', 'x'],
      ['LIST'],
      ['NOTHING'],
      ['KILL'],
    ]),
  acl: (r) =>
    r.pick([
      ['WHOAMI'],
      ['USERS'],
      ['CAT', 'nothing'],
      ['GENPASS', '0'],
      ['GENPASS', 'x'],
      ['NOTHING'],
    ]),
  module: (r) => r.pick([['LIST'], ['NOTHING']]),
  monitor: () => [],
  lolwut: (r) => r.some(['VERSION', r.pick(['1', '5', 'x'])], 0.5),
  replicaof: () => ['NO', 'ONE'],
  slaveof: () => ['no', 'one'],
  nosuchcommand: (r) => repeat(r, 0, 4, value),
  '': (r) => repeat(r, 0, 1, integer),
};

/** Bytes that are no proper array of bulk strings: inline commands, and what breaks the protocol (after which the server hangs up). */
export const RAW_INPUTS: readonly string[] = [
  'PING\r\n',
  'ping hello\n',
  'set a "x\\x41y"\r\n',
  "get 'a'\r\n",
  '   \r\nPING\r\n',
  '*0\r\nPING\r\n',
  '*-1\r\nPING\r\n',
  'set a "unbalanced\r\n',
  '*3\r\n$3\r\nSET\r\n$1\r\na\r\nx\r\n',
  '*abc\r\n',
  '*1\r\n$-1\r\n',
  '*1\r\n$abc\r\n',
  '*1\r\n:4\r\nPING\r\n',
  '*1048577\r\n',
  '*1\r\n$536870913\r\n',
  '*99999999999999999999\r\n',
];
