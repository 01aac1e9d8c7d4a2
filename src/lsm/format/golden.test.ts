/**
 * The bytes of tables, as every version writes and reads them: `tables.golden.txt` has a dump of each table below. `GOLDEN=write npx vitest run
 * golden` writes it anew: then readers of older versions must still read the old bytes, and docs/formats.md must say what has changed.
 */
import { expect, test } from 'vitest';
import { readText, writeText } from '../../os/testing.ts';
import { SYNC } from '../cursor.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { allOf, type Entry, Opened, textEntry, writeTable } from '../testing/table-entries.ts';
import type { TableWriteOptions } from './table-options.ts';

const GOLDEN = new URL('tables.golden.txt', import.meta.url);

const FEW: Entry[] = [
  textEntry('apple', 7, 1, 'red'),
  textEntry('apple', 3, 1, 'green'),
  textEntry('apricot', 9, 0, ''),
  textEntry('banana', 2 ** 53 - 1, 1, 'yellow'.repeat(30)),
];
const MANY: Entry[] = Array.from({ length: 30 }, (_, i) =>
  textEntry(`key:${String(i).padStart(4, '0')}`, 100 + i, 1, `value of ${i}, value of ${i}`),
);
const LEVEL_2: Entry[] = [
  textEntry('a', 5, 3, 'd'),
  textEntry('b', 6, 2, '+1'),
  textEntry('c', 7, 1, 'once '.repeat(40)),
];

const TABLES: readonly (readonly [string, readonly Entry[], TableWriteOptions])[] = [
  ['empty', [], {}],
  ['few entries', FEW, {}],
  ['small blocks', MANY, { blockBytes: 200, restartInterval: 4, createdAtSeconds: 1_700_000_000 }],
  [
    "snappy, LevelDB's filter alone",
    MANY,
    { codec: 'snappy', filterBitsPerKey: 0, levelDbFilter: true },
  ],
  ['format level 2, LZ4', LEVEL_2, { formatLevel: 2, codec: 'lz4' }],
];

function dump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 32) {
    const line = Buffer.from(bytes.subarray(at, at + 32));
    const text = line.toString('latin1').replace(/[^ -~]/g, '.');
    lines.push(`${String(at).padStart(6, '0')}  ${line.toString('hex').padEnd(64)}  ${text}`);
  }
  return lines.join('\n');
}

function undump(text: string): Uint8Array {
  const hex = text.split('\n').map((line) => line.slice(8, 72).trim());
  return new Uint8Array(Buffer.from(hex.join(''), 'hex'));
}

if (process.env['GOLDEN'] === 'write') {
  const sections = TABLES.map(([name, entries, options]) => {
    return `# ${name}: ${JSON.stringify(options)}\n\n${dump(writeTable(entries, options).file.contents())}\n`;
  });
  writeText(GOLDEN, sections.join('\n'));
}
const sections = readText(GOLDEN).split(/^# /m).slice(1);

for (const [i, [name, entries, options]] of TABLES.entries()) {
  test(`golden: ${name}`, () => {
    const [head, , ...lines] = sections[i]!.trimEnd().split('\n');
    expect(head).toBe(`${name}: ${JSON.stringify(options)}`);
    expect(dump(writeTable(entries, options).file.contents()).split('\n')).toEqual(lines);

    const file = new MemoryFile('golden.ldb', undump(lines.join('\n')));
    const { table } = new Opened(file);
    const points = entries.filter((e) => e.type !== 3);
    expect(allOf(table.cursor(SYNC))).toEqual(points);
    expect(table.verify().entries).toBe(points.length);
    expect(table.layout.formatLevel).toBe(options.formatLevel ?? 1);
    expect(table.layout.levelDbFilter !== undefined).toBe(options.levelDbFilter === true);
  });
}
