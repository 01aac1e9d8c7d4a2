import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TableBuilder } from '../format/table-builder.ts';
import type { TableWriteOptions } from '../format/table-options.ts';
import { TYPE_RANGE_DELETION } from '../internal-key.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { addEntry, inOrder, textEntry, writeTable } from '../testing/table-entries.ts';
import { problemText, type Problem } from './problem.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import { checkTable } from './table-check.ts';
import type { TableContents } from './table-contents.ts';
import { descendingTable } from './testing/hand-made-table.ts';

function check(bytes: Uint8Array, isBytewise = true): [Problem[], TableContents] {
  const problems: Problem[] = [];
  const table = new RawTable(new MemoryFile('000005.ldb', bytes), 5, uncachedLoader());
  const report = (problem: Problem): void => void problems.push(problem);
  const steps = checkTable(table, { name: '000005.ldb', isBytewise, report });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return [problems, step.value];
  }
}

const ENTRIES = inOrder(
  Array.from({ length: 120 }, (_, i) =>
    textEntry(
      `key${String((i % 90) * 7).padStart(4, '0')}`,
      i + 1,
      i % 5 === 0 ? 0 : 1,
      `value ${i}`,
    ),
  ),
);
const SMALL: TableWriteOptions = { blockBytes: 256, levelDbFilter: true };

function table(options: TableWriteOptions = SMALL): Uint8Array {
  return writeTable(ENTRIES, options).file.contents();
}

test('a table as it should be has no problems, and its contents are told', () => {
  for (const codec of ['none', 'snappy'] as const) {
    const { file, meta } = writeTable(ENTRIES, { ...SMALL, codec });
    const [problems, contents] = check(file.contents());
    expect(problems).toEqual([]);
    const { sizeBytes, entries, deletions, smallest, largest, minSequence, maxSequence } = contents;
    expect({ sizeBytes, entries, deletions, smallest, largest, minSequence, maxSequence }).toEqual({
      sizeBytes: meta.sizeBytes,
      entries: meta.entries,
      deletions: meta.deletions,
      smallest: meta.smallest,
      largest: meta.largest,
      minSequence: meta.minSequence,
      maxSequence: meta.maxSequence,
    });
  }
  expect(check(writeTable([]).file.contents())[0]).toEqual([]);
});

test('prefixes of keys are in a filter that has them', () => {
  const options = { ...SMALL, filterPrefix: { bytes: 5 } };
  expect(check(table(options))[0]).toEqual([]);
});

test('a table of format level 2, with range deletions and merges, has no problems either', () => {
  const file = new MemoryFile();
  const builder = new TableBuilder(file, { formatLevel: 2, codec: 'lz4', blockBytes: 256 });
  for (const entry of ENTRIES) addEntry(builder, { ...entry, type: entry.type === 0 ? 2 : 1 });
  for (const [begin, end] of [
    ['a', 'key0100'],
    ['key0200', 'z'],
  ] as const) {
    addEntry(builder, textEntry(begin, 7, TYPE_RANGE_DELETION, end));
  }
  const meta = builder.finish();
  const [problems, contents] = check(file.contents());
  expect(problems).toEqual([]);
  expect(contents.rangeDeletions).toBe(2);
  expect(contents.smallest).toEqual(meta.smallest);
  expect(contents.largest).toEqual(meta.largest);
});

test('any byte that is changed is found, with the file named', () => {
  for (const options of [SMALL, { blockBytes: 256, codec: 'snappy' as const }]) {
    const good = table(options);
    const unnoticed: number[] = [];
    for (let at = 0; at < good.length; at++) {
      const bytes = good.slice();
      bytes[at]! ^= 1 << (at % 8);
      const [problems] = check(bytes);
      if (problems.length === 0) unnoticed.push(at);
      expect(problems.every((problem) => problem.file === '000005.ldb')).toBe(true);
    }
    expect(unnoticed).toEqual([]);
  }
});

test('a table cut off anywhere is found', () => {
  const good = table();
  for (let length = 0; length < good.length; length += 13) {
    expect(check(good.slice(0, length))[0].length).toBeGreaterThan(0);
  }
});

test('one damaged block is one problem, with its offset and both checksums', () => {
  const bytes = table();
  bytes[300]! ^= 1;
  const [problems, contents] = check(bytes);
  expect(problems.length).toBe(1);
  expect(problemText(problems[0]!)).toMatch(
    /^000005\.ldb, offset \d+: checksum of the block of \d+ bytes \(expected [0-9a-f]{8}, found [0-9a-f]{8}\)$/,
  );
  expect(contents.isWhole).toBe(false);
  expect(contents.entries).toBeGreaterThan(100);
});

test('entries out of order are named, but not where the comparator is another', () => {
  const bytes = descendingTable();
  expect(check(bytes)[0].map(problemText).join('\n')).toContain('comes after');
  expect(check(bytes, false)[0]).toEqual([]);
});

test('any bytes are a bounded number of problems, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(), (noise, place) => {
      const bytes = table();
      bytes.set(noise, place % Math.max(1, bytes.length - noise.length));
      const [problems] = check(bytes);
      expect(problems.length).toBeLessThan(500);
      check(noise);
    }),
    { numRuns: 300 },
  );
});
