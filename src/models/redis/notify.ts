/** Keyspace notifications: event classes as `notify-keyspace-events` letters (https://redis.io/docs/latest/develop/use/keyspace-notifications/). */
export const EVENT = {
  keyspace: 1, // K
  keyevent: 2, // E
  generic: 4, // g
  string: 8, // $
  list: 16, // l
  set: 32, // s
  hash: 64, // h
  zset: 128, // z
  expired: 256, // x
  evicted: 512, // e
  stream: 1024, // t
  keyMiss: 2048, // m
  module: 8192, // d
  newKey: 16384, // n
} as const;

/** The classes that the letter A stands for. */
const IN_ALL: readonly (readonly [string, number])[] = [
  ['g', EVENT.generic],
  ['$', EVENT.string],
  ['l', EVENT.list],
  ['s', EVENT.set],
  ['h', EVENT.hash],
  ['z', EVENT.zset],
  ['x', EVENT.expired],
  ['e', EVENT.evicted],
  ['t', EVENT.stream],
  ['d', EVENT.module],
];

const ALL: number = IN_ALL.reduce((bits, [, bit]) => bits | bit, 0);

const OUTSIDE_ALL: readonly (readonly [string, number])[] = [
  ['n', EVENT.newKey],
  ['K', EVENT.keyspace],
  ['E', EVENT.keyevent],
  ['m', EVENT.keyMiss],
];

const BITS: ReadonlyMap<string, number> = new Map([...IN_ALL, ...OUTSIDE_ALL, ['A', ALL]]);

/** The classes that `letters` name, or -1 where one is unknown. */
export function parseEventClasses(letters: string): number {
  let bits = 0;
  for (const letter of letters) {
    const bit = BITS.get(letter);
    if (bit === undefined) return -1;
    bits |= bit;
  }
  return bits;
}

/** The letters for `bits`, as CONFIG GET prints them. */
export function formatEventClasses(bits: number): string {
  const isAll = (bits & ALL) === ALL;
  let text = isAll ? 'A' : '';
  for (const [letter, bit] of isAll ? OUTSIDE_ALL : [...IN_ALL, ...OUTSIDE_ALL]) {
    if ((bits & bit) !== 0) text += letter;
  }
  return text;
}
