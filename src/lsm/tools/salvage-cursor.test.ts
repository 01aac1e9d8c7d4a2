import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { TableBuilder } from '../format/table-builder.ts';
import type { CodecName } from '../format/table-options.ts';
import { TYPE_RANGE_DELETION } from '../internal-key.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import {
  addEntry,
  allOf,
  compareEntries,
  type Entry,
  inOrder,
  textEntry,
  writeTable,
} from '../testing/table-entries.ts';
import { bytesText, keyParts } from './bytes-text.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import type { Loss } from './salvage-blocks.ts';
import { SalvageCursor, salvageProperties, salvageRangeDeletions } from './salvage-cursor.ts';
import { descendingTable } from './testing/hand-made-table.ts';

const random = new SeededRandomness(11);
const ENTRIES = inOrder(
  Array.from({ length: 400 }, (_, i) => {
    const key = `key${String(i * 31).padStart(6, '0')}`;
    return textEntry(key, 1 + random.below(5000), i % 7 === 0 ? 0 : 1, 'v'.repeat(i % 60));
  }),
);

interface Block {
  readonly offset: number;
  readonly end: number;
  readonly entries: Entry[];
}

interface Written {
  readonly bytes: Uint8Array;
  readonly blocks: Block[];
  /** Where index, footer and so on are. */
  readonly indexAt: number;
}

function write(codec: CodecName): Written {
  const formatLevel = codec === 'lz4' ? 2 : 1;
  const options = { codec, formatLevel, blockBytes: 512, levelDbFilter: true } as const;
  const bytes = writeTable(ENTRIES, options).file.contents();
  const table = openTable(bytes);
  const index = [...table.indexEntries()];
  let rest = ENTRIES;
  const blocks = index.map(({ offset, size, separator }) => {
    const { userKey, sequence } = keyParts(separator);
    const isIn = (entry: Entry): boolean =>
      compareEntries(entry, { ...entry, key: userKey, sequence: sequence!, type: 0 }) <= 0;
    const entries = rest.filter(isIn);
    rest = rest.slice(entries.length);
    return { offset, end: offset + size + 5, entries };
  });
  expect(rest).toEqual([]);
  return { bytes, blocks, indexAt: table.footer!.index.offset };
}

const openTable = (bytes: Uint8Array): RawTable =>
  new RawTable(new MemoryFile('000005.ldb', bytes), 5, uncachedLoader());

interface Salvaged {
  readonly found: Entry[];
  readonly texts: string[];
  readonly losses: readonly Loss[];
}

function salvage(bytes: Uint8Array): Salvaged {
  const cursor = new SalvageCursor(openTable(bytes), '000005.ldb');
  const found = allOf(cursor);
  return { found, texts: textsOf(found), losses: cursor.losses };
}

const textsOf = (entries: readonly Entry[]): string[] =>
  entries.map((e) => `${bytesText(e.key)} @ ${e.sequence} ${e.type} ${bytesText(e.value, 9)}`);

/** Changes a byte or a stretch; returns what was hit. */
function damage(bytes: Uint8Array, from: number, to: number): [number, number] {
  const at = from + random.below(to - from);
  const length = Math.min(to - at, 1 + (random.below(3) === 0 ? random.below(1500) : 0));
  for (let i = at; i < at + length; i++) bytes[i]! ^= 1 + random.below(255);
  return [at, at + length];
}

test('all of an undamaged table', () => {
  for (const codec of ['none', 'snappy', 'lz4'] as const) {
    const { bytes } = write(codec);
    const { texts, losses } = salvage(bytes);
    expect(texts).toEqual(textsOf(ENTRIES));
    expect(losses).toEqual([]);
    expect(salvageProperties(openTable(bytes))?.entries).toBe(ENTRIES.length);
  }
});

test('whatever is damaged: every entry of the blocks that are not, none that was not there, and what is lost is told', () => {
  for (const codec of ['none', 'snappy', 'lz4'] as const) {
    const { bytes: good, blocks, indexAt } = write(codec);
    for (let round = 0; round < 120; round++) {
      const bytes = good.slice();
      const hits: [number, number][] = [];
      const dataEnd = blocks.at(-1)!.end;
      for (let n = round % 4; n >= 0; n--) hits.push(damage(bytes, 0, dataEnd));
      // Also without an index, without a footer.
      if (round % 3 === 1) damage(bytes, indexAt, bytes.length - 48);
      if (round % 3 === 2) damage(bytes, bytes.length - 48, bytes.length);
      const isHit = ({ offset, end }: Block): boolean =>
        hits.some(([from, to]) => from < end && to > offset);
      const { found, texts, losses } = salvage(bytes);
      const left = blocks.filter((block) => !isHit(block));
      expect(texts).toEqual(textsOf(left.flatMap((b) => b.entries)));
      for (const block of blocks.filter(isHit)) {
        const isTold = ({ offset, bytes }: Loss): boolean =>
          offset <= block.offset && offset + bytes >= block.end;
        expect(losses.some(isTold)).toBe(true);
      }
      for (const loss of losses) expectTrueNeighbours(loss, found);
    }
  }
});

/** The keys named around a loss are there, one behind the other. */
function expectTrueNeighbours({ after, before }: Loss, found: readonly Entry[]): void {
  const place = (key: Uint8Array | undefined, none: number): number => {
    if (key === undefined) return none;
    const { userKey, sequence } = keyParts(key);
    const at = found.findIndex(
      (e) => Buffer.compare(e.key, userKey) === 0 && e.sequence === sequence,
    );
    expect(at, bytesText(key)).toBeGreaterThanOrEqual(0);
    return at;
  };
  expect(place(before, found.length) - place(after, -1)).toBe(1);
}

test('a table cut off anywhere gives what is before', () => {
  const { bytes, blocks } = write('none');
  for (let length = 0; length < bytes.length; length += 97) {
    const { texts } = salvage(bytes.slice(0, length));
    const left = blocks.filter(({ end }) => end <= length);
    expect(texts).toEqual(textsOf(left.flatMap((b) => b.entries)));
  }
});

test('range deletions, by the metaindex and without it', () => {
  const file = new MemoryFile();
  const builder = new TableBuilder(file, { formatLevel: 2, blockBytes: 512 });
  for (const entry of ENTRIES) addEntry(builder, entry);
  addEntry(builder, textEntry('b', 9, TYPE_RANGE_DELETION, 'd'));
  addEntry(builder, textEntry('c', 8, TYPE_RANGE_DELETION, 'e'));
  builder.finish();
  const good = file.contents();
  const expected = [
    { begin: Buffer.from('b'), end: Buffer.from('d'), sequence: 9 },
    { begin: Buffer.from('c'), end: Buffer.from('e'), sequence: 8 },
  ].map(({ begin, end, sequence }) => ({
    begin: new Uint8Array(begin),
    end: new Uint8Array(end),
    sequence,
  }));
  for (const damaged of [-1, good.length - 48]) {
    const bytes = good.slice();
    if (damaged >= 0) bytes[damaged]! ^= 255;
    const table = openTable(bytes);
    const cursor = new SalvageCursor(table, 't');
    expect(textsOf(allOf(cursor))).toEqual(textsOf(ENTRIES));
    expect(salvageRangeDeletions(table, cursor.blocks.rangeDeletions)).toEqual(expected);
  }
});

test('blocks whose keys are in another order are counted, not given', () => {
  const cursor = new SalvageCursor(openTable(descendingTable()), 't');
  expect(allOf(cursor)).toEqual([]);
  expect(cursor.blocks.unorderedBlocks).toBe(1);
  expect(cursor.losses[0]!.reason).toContain('"b" @ 1 value is out of order');
  expect(() => cursor.last()).toThrow(TypeError);
});
