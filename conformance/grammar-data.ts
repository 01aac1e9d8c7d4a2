/** Commands on keys and their values: every one, with its options, in valid and invalid combinations. */
import {
  atMilliseconds,
  atSeconds,
  float,
  integer,
  key,
  milliseconds,
  offset,
  pattern,
  repeat,
  seconds,
  spell,
  text,
  value,
} from './grammar-words.ts';
import type { Random } from './random.ts';

export type Producer = (r: Random) => string[];

const expiration: Producer = (r) =>
  r.weighted<string[]>([
    [4, []],
    [2, ['EX', seconds(r)]],
    [2, ['PX', milliseconds(r)]],
    [1, ['EXAT', atSeconds(r)]],
    [1, ['PXAT', atMilliseconds(r)]],
  ]);
const existence: Producer = (r) => (r.chance(0.4) ? [r.pick(['NX', 'XX'])] : []);
const spelled = (r: Random, words: string[]): string[] =>
  words.map((word) => (/^[A-Z]{2,}$/.test(word) ? spell(r, word) : word));
const pairs: Producer = (r) =>
  Array.from({ length: r.between(1, 4) }, () => [key(r), value(r)]).flat();

export const STRING_PRODUCERS: Readonly<Record<string, Producer>> = {
  set: (r) => [
    ...[key(r), value(r)],
    ...spelled(r, [
      ...existence(r),
      ...r.some(['GET'], 0.25),
      ...expiration(r),
      ...r.some(['KEEPTTL'], 0.15),
    ]),
  ],
  setnx: (r) => [key(r), value(r)],
  setex: (r) => [key(r), seconds(r), value(r)],
  psetex: (r) => [key(r), milliseconds(r), value(r)],
  get: (r) => [key(r)],
  getdel: (r) => [key(r)],
  getset: (r) => [key(r), value(r)],
  getex: (r) => [key(r), ...spelled(r, [...expiration(r), ...r.some(['PERSIST'], 0.25)])],
  mget: (r) => repeat(r, 1, 5, key),
  mset: pairs,
  msetnx: pairs,
  append: (r) => [key(r), value(r)],
  strlen: (r) => [key(r)],
  setrange: (r) => [key(r), offset(r), text(r)],
  getrange: (r) => [key(r), offset(r), offset(r)],
  substr: (r) => [key(r), offset(r), offset(r)],
  incr: (r) => [key(r)],
  decr: (r) => [key(r)],
  incrby: (r) => [key(r), integer(r)],
  decrby: (r) => [key(r), integer(r)],
  incrbyfloat: (r) => [key(r), float(r)],
  lcs: (r) => [
    ...[key(r), key(r)],
    ...r.some(['LEN'], 0.3),
    ...r.some(['IDX'], 0.4),
    ...(r.chance(0.3) ? ['MINMATCHLEN', integer(r)] : []),
    ...r.some(['WITHMATCHLEN'], 0.3),
  ],
};

const fieldType: Producer = (r) =>
  r.chance(0.08)
    ? [r.pick(['u64', 'i65', 'u0', 'i0', 'x8', 'u', '', 'i-1', 'u 8', 'U8', 'i064'])]
    : [
        r.pick(['u', 'i']) +
          String(
            r.weighted([
              [3, r.pick([8, 16, 32])],
              [3, r.between(1, 63)],
            ]),
          ),
      ];
const fieldOffset: Producer = (r) =>
  r.chance(0.08)
    ? [r.pick(['#', '-1', '#-1', 'abc', '4294967296', '#4294967296', '', '1.5', '# 1'])]
    : [(r.chance(0.4) ? '#' : '') + String(r.below(60))];
const fieldOperation: Producer = (r) =>
  r.weighted<string[]>([
    [3, ['GET', ...fieldType(r), ...fieldOffset(r)]],
    [3, ['SET', ...fieldType(r), ...fieldOffset(r), integer(r)]],
    [3, ['INCRBY', ...fieldType(r), ...fieldOffset(r), integer(r)]],
    [2, ['OVERFLOW', r.pick(['WRAP', 'SAT', 'FAIL', 'wrap', 'NONE'])]],
  ]);

export const BIT_PRODUCERS: Readonly<Record<string, Producer>> = {
  setbit: (r) => [key(r), offset(r), r.pick(['0', '1', '1', '1', '2', '-1', 'x'])],
  getbit: (r) => [key(r), offset(r)],
  bitcount: (r) => [
    key(r),
    ...(r.chance(0.7)
      ? [offset(r), offset(r), ...r.some([r.pick(['BIT', 'BYTE', 'bit'])], 0.4)]
      : []),
  ],
  bitpos: (r) => [
    ...[key(r), r.pick(['0', '1', '1', '0', '2', 'x'])],
    ...(r.chance(0.7)
      ? [
          offset(r),
          ...(r.chance(0.7) ? [offset(r), ...r.some([r.pick(['BIT', 'BYTE'])], 0.4)] : []),
        ]
      : []),
  ],
  bitop: (r) => [spell(r, r.pick(['AND', 'OR', 'XOR', 'NOT'])), key(r), ...repeat(r, 1, 3, key)],
  bitfield: (r) => [key(r), ...Array.from({ length: r.below(4) }, () => fieldOperation(r)).flat()],
  bitfield_ro: (r) => [
    key(r),
    ...Array.from({ length: r.below(3) }, () =>
      r.chance(0.9) ? ['GET', ...fieldType(r), ...fieldOffset(r)] : fieldOperation(r),
    ).flat(),
  ],
};

const condition: Producer = (r) => (r.chance(0.4) ? r.some(['NX', 'XX', 'GT', 'LT'], 0.35) : []);
const database: Producer = (r) => [
  r.pick(['0', '1', '2', '3', '15', '16', '-1', 'abc', '99999999999']),
];

export const KEY_PRODUCERS: Readonly<Record<string, Producer>> = {
  del: (r) => repeat(r, 1, 4, key),
  unlink: (r) => repeat(r, 1, 4, key),
  exists: (r) => repeat(r, 1, 4, key),
  touch: (r) => repeat(r, 1, 4, key),
  type: (r) => [key(r)],
  rename: (r) => [key(r), key(r)],
  renamenx: (r) => [key(r), key(r)],
  copy: (r) => [
    ...[key(r), key(r)],
    ...(r.chance(0.3) ? ['DB', ...database(r)] : []),
    ...r.some(['REPLACE'], 0.5),
  ],
  move: (r) => [key(r), ...database(r)],
  keys: (r) => [pattern(r)],
  scan: (r) => [
    // A count above the size of the table, so that one call sees all; with less, what each call sees is the table's affair.
    ...(r.chance(0.9) ? ['0'] : [r.pick(['abc', '', '-', '18446744073709551616', '1x'])]),
    ...['COUNT', r.chance(0.9) ? '100000' : r.pick(['0', '-1', 'abc', ''])],
    ...(r.chance(0.5) ? ['MATCH', pattern(r)] : []),
    ...(r.chance(0.3) ? ['TYPE', r.pick(['string', 'STRING', 'list', 'nothing', ''])] : []),
  ],
  randomkey: () => [],
  dbsize: () => [],
  object: (r) =>
    r.weighted<string[]>([
      [4, ['ENCODING', key(r)]],
      [1, ['REFCOUNT', key(r)]],
      [1, ['IDLETIME', key(r)]],
      [1, ['FREQ', key(r)]],
      [0.3, [r.pick(['NOTHING', 'ENCODING', 'HELP', 'help'])]],
    ]),
  expire: (r) => [key(r), seconds(r), ...condition(r)],
  pexpire: (r) => [key(r), milliseconds(r), ...condition(r)],
  expireat: (r) => [key(r), atSeconds(r), ...condition(r)],
  pexpireat: (r) => [key(r), atMilliseconds(r), ...condition(r)],
  ttl: (r) => [key(r)],
  pttl: (r) => [key(r)],
  expiretime: (r) => [key(r)],
  pexpiretime: (r) => [key(r)],
  persist: (r) => [key(r)],
  flushdb: (r) => r.some([r.pick(['ASYNC', 'SYNC', 'sync', 'NOW'])], 0.6),
  flushall: (r) => r.some([r.pick(['ASYNC', 'SYNC', 'async', 'NOW'])], 0.6),
  swapdb: (r) => [...database(r), ...database(r)],
};
