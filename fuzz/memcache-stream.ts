/** Streams of a memcached client, in lines or binary: requests, most of them wrong. */
import type { SeededRandomness } from '../src/os/randomness.ts';

const WORDS: readonly string[] = [
  ...['get', 'gets', 'gat', 'set', 'add', 'cas', 'append', 'prepend', 'replace', 'incr', 'decr'],
  ...[
    'touch',
    'delete',
    'mg',
    'ms',
    'md',
    'ma',
    'me',
    'mn',
    'noreply',
    'flush_all',
    'stats',
    'watch',
  ],
  ...['lru_crawler', 'metadump', 'all', 'cachedump', 'items', 'settings', 'detail', 'on', 'dump'],
  ...['cache_memlimit', 'verbosity', 'a', 'b', 'YWJj', '0', '1', '5', '100', '-1', '4294967296'],
  ...['v', 't', 'b', 'q', 'k', 'c', 's', 'I', 'T1', 'N1', 'C1', 'E1', 'R5', 'F5', 'MA', 'MX', 'x'],
  ...['Oabc', '\x80', '\0', '\r', 'x'.repeat(260), ''],
];
/** Items beyond what a read, a block or a copied answer holds. */
const LONG: readonly number[] = [70_000, 140_000, 400_000];
const SEPARATORS: readonly string[] = [' ', ' ', ' ', ' ', '\r\n', '\r\n', '\n', '  ', ''];
const KEYS: readonly string[] = ['', 'a', 'b', 'PLAIN', 'settings', 'x'.repeat(251)];
const EXTRAS: readonly number[] = [0, 4, 8, 20, 3];

export function memcacheStream(random: SeededRandomness): string {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  if (random.below(3) > 0) {
    const words = Array.from({ length: random.below(100) }, () => pick(WORDS) + pick(SEPARATORS));
    if (random.below(5) === 0) {
      const key = pick(['a', 'b']);
      const long = 'v'.repeat(pick(LONG));
      const get = pick([`get ${key} a b`, `mg ${key} v`, `gat 100 ${key}`, `incr ${key} 1`]);
      words.splice(0, 0, `set ${key} 1 0 ${long.length}\r\n${long}\r\n${get}\r\n${get}\r\n`);
    }
    return words.join('');
  }
  let text = '';
  for (let i = random.below(30); i >= 0; i--) {
    const key = pick(KEYS);
    const extras = Buffer.from(random.bytes(pick(EXTRAS))).toString('latin1');
    const value = 'v'.repeat(random.below(40) === 0 ? pick(LONG) : random.below(50));
    const head = Buffer.alloc(24);
    head[0] = 0x80;
    head[1] = random.below(0x26);
    head.writeUInt16BE(key.length, 2);
    head[4] = extras.length;
    head.writeUInt32BE(extras.length + key.length + value.length, 8);
    text += head.toString('latin1') + extras + key + value;
  }
  return text;
}
