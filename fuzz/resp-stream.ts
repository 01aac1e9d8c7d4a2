/** Streams of a RESP client: commands, most of them wrong, with a long argument now and then. */
import type { SeededRandomness } from '../src/os/randomness.ts';

const WORDS: readonly string[] = [
  ...['SET', 'GET', 'a', 'b', '1', '-1', 'EX', 'MULTI', 'EXEC', 'SUBSCRIBE', 'MONITOR', 'CLIENT'],
  ...['REPLY', 'OFF', 'SKIP', 'SETRANGE', '100', 'APPEND', 'HELLO', '3', 'WATCH', 'INFO', 'SCAN'],
  ...['0', 'KEYS', '*', 'BITFIELD', 'LCS', 'OBJECT', 'DUMP', '\0', '', 'x'.repeat(300)],
  ...['GETDEL', 'RENAME', 'DEL', 'GETRANGE', 'PX', 'NX'],
];

/** Lengths beyond what a read, a block or a copied reply holds. */
const LONG: readonly string[] = [70_000, 140_000, 400_000].map((length) => 'y'.repeat(length));

export function respStream(random: SeededRandomness): string {
  const pick = (list: readonly string[]): string => list[random.below(list.length)]!;
  let text = '';
  for (let i = random.below(50); i >= 0; i--) {
    const args = Array.from({ length: 1 + random.below(6) }, () =>
      random.below(60) === 0 ? pick(LONG) : pick(WORDS),
    );
    if (random.below(10) === 0) args.splice(0, 3, 'SET', pick(['a', 'b']), pick(LONG));
    text += `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
  }
  return text;
}
