/** Streams of a RESP client: commands, most of them wrong. */
import type { SeededRandomness } from '../src/os/randomness.ts';

const WORDS: readonly string[] = [
  ...['SET', 'GET', 'a', 'b', '1', '-1', 'EX', 'MULTI', 'EXEC', 'SUBSCRIBE', 'MONITOR', 'CLIENT'],
  ...['REPLY', 'OFF', 'SKIP', 'SETRANGE', '100', 'APPEND', 'HELLO', '3', 'WATCH', 'INFO', 'SCAN'],
  ...['0', 'KEYS', '*', 'BITFIELD', 'LCS', 'OBJECT', 'DUMP', '\0', '', 'x'.repeat(300)],
];

export function respStream(random: SeededRandomness): string {
  let text = '';
  for (let i = random.below(50); i >= 0; i--) {
    const args = Array.from(
      { length: 1 + random.below(6) },
      () => WORDS[random.below(WORDS.length)]!,
    );
    text += `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
  }
  return text;
}
