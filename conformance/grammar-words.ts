/** The words that arguments are made of: few keys, so that commands meet; values and numbers at and beyond their limits. */
import type { Random } from './random.ts';

const KEYS = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'key:1',
  'key:2',
  '{tag}x',
  '{tag}y',
  '',
  '\x00\xff\r\n',
];
const INTEGERS = [
  ...['0', '1', '-1', '2', '7', '10', '100', '9999', '10000', '-100'],
  ...['2147483647', '2147483648', '-2147483648', '4294967296', '9007199254740993'],
  ...['9223372036854775807', '-9223372036854775808', '9223372036854775806', '1152921504606846976'],
];
const NOT_INTEGERS = [
  ...['', ' 1', '1 ', '+1', '01', '-0', '1.0', '0x10', '1e3', 'abc', '9223372036854775808'],
  ...['-9223372036854775809', '99999999999999999999999', '-', '1\x00', '\xff'],
];
const FLOATS = [
  ...[
    '0',
    '1',
    '-1',
    '0.1',
    '0.2',
    '3.0',
    '3.0e3',
    '-1.5',
    '1e17',
    '1e-5',
    '.5',
    '5.',
    '123456.789',
  ],
  ...[
    '1e300',
    '-1e300',
    '0.000000000000000001',
    '10.00000000000000001',
    '9007199254740993',
    '5e-324',
  ],
];
const NOT_FLOATS = [
  '',
  ' 1',
  '1 ',
  'abc',
  'nan',
  'inf',
  '-inf',
  'infinity',
  '1e400',
  '0x1p3',
  '1.5x',
  '1,5',
];
const TEXTS = [
  '',
  'x',
  'hello world',
  'foobar',
  '\xff\xf0\x00',
  '\x00\x00\x00',
  'ohmytext',
  'mynewtext',
  '\r\n',
  'x'.repeat(44),
];

export const key = (r: Random): string => r.pick(KEYS);
export const text = (r: Random): string =>
  r.chance(0.1)
    ? String.fromCharCode(...Array.from({ length: r.below(70) }, () => r.below(256)))
    : r.pick(TEXTS);
export const integer = (r: Random): string =>
  r.chance(0.12) ? r.pick(NOT_INTEGERS) : r.pick(INTEGERS);
export const float = (r: Random): string =>
  r.chance(0.12)
    ? r.pick(NOT_FLOATS)
    : r.chance(0.3)
      ? (r.next() * 200 - 100).toFixed(r.below(12))
      : r.pick(FLOATS);
export const value = (r: Random): string =>
  r.weighted([
    [4, text(r)],
    [4, integer(r)],
    [2, float(r)],
    [1, 'long'.repeat(r.below(300))],
  ]);
/** A place in a string: small, or beyond every limit; nothing between, which would take memory by the hundred megabytes. */
export const offset = (r: Random): string =>
  r.weighted([
    [8, String(r.below(30))],
    [4, String(-r.below(30))],
    [2, String(r.below(5000))],
    [
      1,
      r.pick([
        '9223372036854775807',
        '-9223372036854775808',
        '9223372036854775000',
        '4294967296000',
      ]),
    ],
    [1, r.pick(NOT_INTEGERS)],
  ]);
export const junk = (r: Random): string =>
  r.pick([
    '',
    'junk',
    'NX',
    'XX',
    'GET',
    'EX',
    '0',
    '-1',
    '100',
    'COUNT',
    'MATCH',
    '*',
    '\xff',
    'KEEPTTL',
    'BIT',
    'LT',
  ]);

const DAY_S = 86400;
/** Far-off lengths of time, lengths in the past, and ones that are not valid. */
export const seconds = (r: Random): string =>
  r.weighted([
    [6, String(r.between(10, 400) * DAY_S)],
    [1, String(-r.below(1000))],
    [1, '0'],
    [
      1,
      r.pick([
        '9223372036854775807',
        '-9223372036854775808',
        '9223372036854775',
        '9223372036854776',
        '-9223372036854776',
      ]),
    ],
    [1, r.pick(NOT_INTEGERS)],
  ]);
export const milliseconds = (r: Random): string =>
  r.weighted([
    [6, String(r.between(10, 400) * DAY_S * 1000 + r.below(1000))],
    [1, String(-r.below(1000))],
    [1, '0'],
    [1, r.pick(['9223372036854775807', '-9223372036854775808', '9223370000000000000'])],
    [1, r.pick(NOT_INTEGERS)],
  ]);
export const atSeconds = (r: Random): string =>
  r.weighted([
    [6, String(4102444800 + r.below(1000))],
    [2, String(r.between(1, 1600000000))],
    [1, '0'],
    [1, r.pick(['-1', '9223372036854775807', '9223372036854775', '9223372036854776'])],
    [1, r.pick(NOT_INTEGERS)],
  ]);
export const atMilliseconds = (r: Random): string =>
  r.weighted([
    [6, String(4102444800000 + r.below(1000000))],
    [2, String(r.between(1, 1600000000000))],
    [1, '0'],
    [1, r.pick(['-1', '9223372036854775807', '-9223372036854775808'])],
    [1, r.pick(NOT_INTEGERS)],
  ]);
export const pattern = (r: Random): string =>
  r.pick([
    '*',
    '?',
    'key:*',
    '[a-c]',
    '[^a]',
    '{tag}*',
    'a*',
    '',
    '\\a',
    '[',
    'k?y:[12]',
    '[a-',
    '**',
    'nothing*',
  ]);

/** Options in mixed case, now and then. */
export function spell(r: Random, word: string): string {
  return r.chance(0.1)
    ? word.toLowerCase()
    : r.chance(0.05)
      ? word[0] + word.slice(1).toLowerCase()
      : word;
}

export function repeat(r: Random, from: number, to: number, make: (r: Random) => string): string[] {
  return Array.from({ length: r.between(from, to) }, () => make(r));
}
