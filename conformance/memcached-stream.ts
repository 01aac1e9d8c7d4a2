/**
 * Random requests of memcached clients, for both servers. A request is text of one byte a character in which `«cas KEY»` stands for the CAS that the
 * server at hand last told of the key, which is not the same number on both; `«cas low»` and `«cas high»` for numbers below and above all of them.
 *
 * What is known to differ is not asked: times that tell seconds apart, numbers that do not fit (memcached cuts them), lengths of decremented numbers (memcached
 * pads them: keys that count are only asked what hides that).
 */
import type { Random } from './random.ts';

export interface Stream {
  isBinary: boolean;
  /** Requests that are sent at once. */
  batches: string[][];
}

const MAX_BATCH = 16;

const KEYS: readonly string[] = ['a', 'b', 'key:c', 'd'.repeat(250), 'e\x01\xff'];
/** Keys that only meta commands are asked for, always in base64: memcached keeps with an item in which form its key came. */
const BASE64_KEYS: readonly string[] = ['f\0\xff', 'g h'];
/** Keys whose values are counted with. */
const COUNTERS: readonly string[] = ['n1', 'n2'];
const EXPTIMES: readonly string[] = ['0', '0', '0', '1000', '100', '2592000', '-1', '2000000000'];
const FLAGS: readonly string[] = ['0', '0', '1', '65535', '4294967295', '0007'];

/** Stands in a request for a CAS. */
export const CAS_MARK: RegExp = /«cas ([^»]*)»/g;

function cas(random: Random, key: string): string {
  return `«cas ${random.weighted([
    [3, key],
    [1, 'low'],
    [1, 'high'],
  ])}»`;
}

function value(random: Random): string {
  return random.weighted<() => string>([
    [3, () => String(random.below(100))],
    [3, () => 'v'.repeat(random.below(60))],
    [1, () => 'x'.repeat(random.between(200, 5000))],
    [1, () => 'text\r\nwith \0 lines\r\n'],
    [1, () => ''],
  ])();
}

/** A data block, which now and then is not what its line says. */
function block(random: Random, bytes: string): string {
  return random.weighted([
    [30, `${bytes}\r\n`],
    [1, `${bytes}xyz\r\n`],
    [1, `${bytes}\n\n`],
  ]);
}

const noreply = (random: Random): string => (random.chance(0.1) ? ' noreply' : '');

function store(random: Random): string {
  const bytes = value(random);
  const key = random.pick(KEYS);
  const verb = random.pick(['set', 'set', 'set', 'add', 'replace', 'append', 'prepend', 'cas']);
  const head = `${verb} ${key} ${random.pick(FLAGS)} ${random.pick(EXPTIMES)} ${bytes.length}`;
  const unique = verb === 'cas' ? ` ${cas(random, key)}` : '';
  return `${head}${unique}${noreply(random)}\r\n${block(random, bytes)}`;
}

function read(random: Random): string {
  const keys = Array.from({ length: random.between(1, 4) }, () => random.pick(KEYS)).join(' ');
  return random.weighted([
    [4, `get ${keys}\r\n`],
    [3, `gets ${keys}\r\n`],
    [1, `gat ${random.pick(EXPTIMES)} ${keys}\r\n`],
    [1, `gats ${random.pick(EXPTIMES)} ${keys}\r\n`],
  ]);
}

function counting(random: Random): string {
  const key = random.pick(COUNTERS);
  const delta = random.pick(['1', '7', '18446744073709551615', '0']);
  const number = random.pick(['5', '100', '18446744073709551615', 'abc', '']);
  return random.weighted<() => string>([
    [2, () => `set ${key} ${random.pick(FLAGS)} 0 ${number.length}\r\n${number}\r\n`],
    [3, () => `incr ${key} ${delta}${noreply(random)}\r\n`],
    [3, () => `decr ${key} ${delta}${noreply(random)}\r\n`],
    [2, () => `get ${key}\r\n`],
    [1, () => `gets ${key}\r\n`],
    [1, () => `delete ${key}\r\n`],
    [3, () => `ma ${key} ${metaFlags(random, ARITHMETIC, key)}\r\n`],
  ])();
}

function other(random: Random): string {
  const key = random.pick(KEYS);
  return random.weighted([
    [4, `delete ${key}${noreply(random)}\r\n`],
    [3, `touch ${key} ${random.pick(EXPTIMES)}${noreply(random)}\r\n`],
    [1, 'flush_all\r\n'],
    [1, 'mn\r\n'],
  ]);
}

/** Lines that are wrong in some way. */
function broken(random: Random): string {
  const key = random.pick(KEYS);
  return random.pick([
    '\r\n',
    'nonsense\r\n',
    `get\r\n`,
    `get ${'k'.repeat(251)}\r\n`,
    `set ${key}\r\n`,
    `set ${key} 0 0\r\n`,
    `set ${key} x 0 1\r\n`,
    `set ${key} 0 x 1\r\n`,
    `set ${key} 0 0 x\r\n`,
    `set ${key} 0 0 -1\r\n`,
    `set ${'k'.repeat(251)} 0 0 1\r\nx\r\n`,
    `set ${key} 0 0 1 more\r\nx\r\n`,
    `cas ${key} 0 0 1 x\r\nx\r\n`,
    `  get   ${key}  \r\n`,
    `get ${key}\n`,
    `incr ${key} x\r\n`,
    `incr ${key} -1\r\n`,
    `incr ${key}\r\n`,
    `touch ${key} x\r\n`,
    `touch ${key}\r\n`,
    `delete ${key} 0\r\n`,
    `delete ${key} 1\r\n`,
    `delete ${key} x noreply\r\n`,
    `gat x ${key}\r\n`,
    `gat 0\r\n`,
    `verbosity\r\n`,
    `flush_all x\r\n`,
    `mg\r\n`,
    `mg ${'k'.repeat(251)}\r\n`,
    `mg ${key} v v\r\n`,
    `mg ${key} !\r\n`,
    `ms ${key}\r\n`,
    `ms ${key} x\r\n`,
    `ms ${key} 1 MZ\r\nx\r\n`,
    `ms ${key} 1 M\r\nx\r\n`,
    `ms ${key} 1 Fx\r\nx\r\n`,
    `ms ${key} 1 Tx\r\nx\r\n`,
    `md ${key} q q\r\n`,
    `ma ${key} MZ\r\n`,
    `ma ${key} Dx\r\n`,
    `mg ${'A'.repeat(10)}= b v k\r\n`,
    `mg $$$ b v\r\n`,
  ]);
}

/** Letters with the tokens that may follow, as [weight, flag]. */
type Flags = readonly (readonly [number, string | ((random: Random, key: string) => string)])[];

const COMMON: Flags = [
  [3, 'k'],
  [2, 'q'],
  [2, 'Oopaque'],
];

const GET: Flags = [
  ...COMMON,
  [6, 'v'],
  [2, 't'],
  [3, 'f'],
  [3, 'c'],
  [3, 's'],
  [1, 'h'],
  [1, 'u'],
  [1, 'T100'],
  [1, 'N200'],
  [1, 'R50'],
  [1, 'R2000'],
];

const SET: Flags = [
  ...COMMON,
  [2, 'c'],
  [2, 'F5'],
  [2, 'T100'],
  [2, 'I'],
  [2, (random, key): string => `C${cas(random, key)}`],
  [1, 'ME'],
  [1, 'MA'],
  [1, 'MP'],
  [1, 'MR'],
  [1, 'MS'],
];

const SET_BASE64: Flags = SET.filter(([, flag]) => flag !== 'MA' && flag !== 'MP');

const DELETE: Flags = [
  ...COMMON,
  [3, 'I'],
  [2, 'T100'],
  [2, (random, key): string => `C${cas(random, key)}`],
];

const ARITHMETIC: Flags = [
  ...COMMON,
  [2, 'c'],
  [2, 't'],
  [3, 'v'],
  [2, 'N100'],
  [2, 'J7'],
  [2, 'D5'],
  [2, 'T200'],
  [2, 'MD'],
  [1, 'MI'],
];

function metaFlags(random: Random, flags: Flags, key: string): string {
  const chosen = new Map<string, string>();
  for (let count = random.below(5); count > 0; count--) {
    const flag = random.weighted(flags);
    const text = typeof flag === 'string' ? flag : flag(random, key);
    chosen.set(text[0]!, text);
  }
  return [...chosen.values()].join(' ');
}

/** A key as it stands in the line, the flag that it may need, and what a CAS of it is kept under. */
function metaKey(random: Random): [string, string, string] {
  if (random.chance(0.7)) {
    const plain = random.pick(KEYS);
    return [plain, '', plain];
  }
  const word = Buffer.from(random.pick(BASE64_KEYS), 'latin1').toString('base64');
  return [word, ' b', word];
}

function meta(random: Random): string {
  const [word, isBase64, key] = metaKey(random);
  const line = (verb: string, flags: Flags): string => {
    const text = metaFlags(random, flags, key);
    // An item that memcached makes of itself forgets that its key came in base64.
    return `${verb} ${word}${isBase64} ${isBase64 === '' ? text : text.replace('N200', '')}\r\n`;
  };
  return random.weighted<() => string>([
    [6, () => line('mg', GET)],
    [2, () => line('md', DELETE)],
    [
      5,
      (): string => {
        const bytes = value(random);
        // Nor does it keep that where something is put to the value.
        const isKept = isBase64 === '';
        const flags = metaFlags(random, isKept ? SET : SET_BASE64, key);
        return `ms ${word} ${bytes.length}${isBase64} ${flags}\r\n${block(random, bytes)}`;
      },
    ],
  ])();
}

// ---- the binary protocol

interface Parts {
  opcode: number;
  key?: string;
  bytes?: string;
  extras?: string;
  unique?: string;
}

const number32 = (n: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n >>> 0);
  return bytes.toString('latin1');
};

const number64 = (n: bigint): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(n);
  return bytes.toString('latin1');
};

/** One request; its number is its opaque. A CAS is put in by who sends it, as eight bytes. */
function binary(parts: Parts, opaque: number): string {
  const { opcode, key = '', bytes = '', extras = '', unique } = parts;
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = opcode;
  head.writeUInt16BE(key.length, 2);
  head[4] = extras.length;
  head.writeUInt32BE(extras.length + key.length + bytes.length, 8);
  return (
    head.toString('latin1') + number32(opaque) + (unique ?? '\0'.repeat(8)) + extras + key + bytes
  );
}

function binaryRequest(random: Random, opaque: number): string {
  const key = random.pick(KEYS);
  const quiet = random.chance(0.3);
  const exptime = number32(random.pick([0, 0, 100, 1000, 0xffffffff]));
  const unique = random.chance(0.2) ? cas(random, key) : undefined;
  const change = unique === undefined ? {} : { unique };
  const extras = number32(random.pick([0, 5, 0xffffffff])) + exptime;
  const choices: readonly (readonly [number, () => Parts])[] = [
    [4, () => ({ opcode: random.pick([0x00, 0x09, 0x0c, 0x0d]), key })],
    [4, () => ({ opcode: quiet ? 0x11 : 0x01, key, bytes: value(random), extras, ...change })],
    [1, () => ({ opcode: quiet ? 0x12 : 0x02, key, bytes: value(random), extras })],
    [2, () => ({ opcode: quiet ? 0x13 : 0x03, key, bytes: value(random), extras, ...change })],
    [1, () => ({ opcode: quiet ? 0x19 : 0x0e, key, bytes: value(random), ...change })],
    [1, () => ({ opcode: quiet ? 0x1a : 0x0f, key, bytes: value(random), ...change })],
    [2, () => ({ opcode: quiet ? 0x14 : 0x04, key, ...change })],
    [3, () => binaryCounting(random, quiet)],
    [1, () => ({ opcode: 0x1c, key, extras: exptime })],
    [2, () => ({ opcode: random.pick([0x1d, 0x1e, 0x23, 0x24]), key, extras: exptime })],
    [0.3, () => ({ opcode: quiet ? 0x18 : 0x08 })],
    [0.5, () => ({ opcode: 0x0b })],
    [0.3, () => ({ opcode: random.pick([0x20, 0x55, 0x77]) })],
  ];
  return binary(random.weighted(choices)(), opaque);
}

function binaryCounting(random: Random, quiet: boolean): Parts {
  const isUp = random.chance(0.5);
  const delta = number64(random.pick([1n, 7n, 2n ** 64n - 1n, 0n]));
  const exptime = random.pick([0, 0xffffffff, 100]);
  const opcode = (isUp ? 0x05 : 0x06) + (quiet ? 0x10 : 0);
  return { opcode, key: random.pick(COUNTERS), extras: delta + number64(10n) + number32(exptime) };
}

/** The request whose answer says that all before it were answered. */
export const FENCE: { readonly text: string; readonly binary: string } = {
  text: 'mn\r\n',
  binary: binary({ opcode: 0x0a }, 0xfefefefe),
};

export function randomMemcachedStream(random: Random, count: number): Stream {
  const isBinary = random.chance(0.3);
  const batches: string[][] = [];
  for (let sent = 0; sent < count; sent += batches.at(-1)!.length) {
    // After a key that is too long memcached forgets what it has not sent yet: what is broken goes alone.
    if (!isBinary && random.chance(0.05)) {
      batches.push([broken(random)]);
      continue;
    }
    const size = random.chance(0.5) ? 1 : random.between(2, MAX_BATCH);
    batches.push(
      Array.from({ length: size }, (_, i) =>
        isBinary ? binaryRequest(random, sent + i) : textRequest(random),
      ),
    );
  }
  return { isBinary, batches };
}

/** Meta requests with the flags that came after 1.6.18. */
export function randomNewStream(random: Random, count: number): Stream {
  const batches: string[][] = [];
  for (let sent = 0; sent < count; sent += batches.at(-1)!.length) {
    const size = random.chance(0.5) ? 1 : random.between(2, MAX_BATCH);
    batches.push(Array.from({ length: size }, () => newRequest(random)));
  }
  return { isBinary: false, batches };
}

const NEW_CAS: Flags = [
  [2, (random): string => `E${random.pick(['7', '70', '18446744073709551615'])}`],
];

function newRequest(random: Random): string {
  const key = random.pick(KEYS);
  const cased: Flags = [...NEW_CAS, [2, (r, k): string => `C${cas(r, k)}`]];
  const counter = random.pick(COUNTERS);
  return random.weighted<() => string>([
    [6, () => `mg ${key} ${metaFlags(random, [...GET, ...cased], key)}\r\n`],
    [2, () => `md ${key} ${metaFlags(random, [...DELETE, ...cased, [2, 'x']], key)}\r\n`],
    [
      5,
      (): string => {
        const bytes = value(random);
        const flags = metaFlags(random, [...SET, ...cased, [2, 's'], [2, 'N100']], key);
        return `ms ${key} ${bytes.length} ${flags}\r\n${bytes}\r\n`;
      },
    ],
    [
      2,
      (): string => {
        const flags = ARITHMETIC.filter(([, flag]) => flag !== 'q');
        return `ma ${counter} ${metaFlags(random, [...flags, ...NEW_CAS], counter)}\r\n`;
      },
    ],
  ])();
}

function textRequest(random: Random): string {
  return random.weighted<() => string>([
    [10, () => store(random)],
    [10, () => read(random)],
    [10, () => meta(random)],
    [5, () => counting(random)],
    [5, () => other(random)],
  ])();
}
