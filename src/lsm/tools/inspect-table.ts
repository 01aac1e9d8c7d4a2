/**
 * What is in a table, for people and programs to look at: its parts, its blocks, its entries, one block. Works with tables of any comparator, and
 * with damaged ones as far as they go. Nothing is cached; lists come one by one.
 */
import type { OpenFile } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { malformed } from '../format/block-loader.ts';
import { BLOCK_DEFLATE, BLOCK_LZ4, BLOCK_RAW, BLOCK_SNAPPY, BLOCK_ZSTD } from '../format/codecs.ts';
import { BLOCK_TRAILER_BYTES, readHandle, type BlockHandle } from '../format/footer.ts';
import { RANGE_DELETIONS_NAME, type TableProperties } from '../format/properties.ts';
import { TRAILER_BYTES } from '../internal-key.ts';
import { BlockScan } from './block-scan.ts';
import { BlockWalk } from './block-walk.ts';
import { keyParts, type KeyParts } from './bytes-text.ts';
import { type Problem, problemOf } from './problem.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import { salvageProperties } from './salvage-cursor.ts';

export interface TableInspection {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the magic number; undefined where the footer is damaged. */
  readonly formatLevel: number | undefined;
  readonly metaindex: BlockHandle | undefined;
  readonly index: BlockHandle | undefined;
  readonly metaBlocks: readonly NamedBlock[];
  /** Of tables that Kvasir wrote. */
  readonly properties: TableProperties | undefined;
  readonly dataBlocks: number;
  /** Data blocks with their trailers, as stored. */
  readonly dataBytes: number;
  /** What kept it from seeing more. */
  readonly problems: readonly Problem[];
}

export interface NamedBlock extends BlockHandle {
  readonly name: string;
}

export interface BlockInspection extends BlockHandle {
  readonly codec: string;
  readonly plainBytes: number;
  readonly entries: number;
  readonly restarts: number;
  /** Internal keys; undefined where there are no entries. */
  readonly firstKey: Uint8Array | undefined;
  readonly lastKey: Uint8Array | undefined;
  /** What the index has as the block's bound. */
  readonly separator: Uint8Array | undefined;
  /** What is wrong with it; the rest is then as far as it goes. */
  readonly problem: Problem | undefined;
}

export interface EntryInspection {
  /** The user key, or a key that is no internal key. */
  readonly key: Uint8Array;
  readonly sequence: number | undefined;
  readonly type: number | undefined;
  readonly value: Uint8Array;
  /** Of the block that it is in. */
  readonly blockOffset: number;
}

/** User keys, both inclusive. */
export interface KeyRange {
  readonly from?: Uint8Array | undefined;
  readonly to?: Uint8Array | undefined;
}

const CODEC_NAMES: Readonly<Record<number, string>> = {
  [BLOCK_RAW]: 'none',
  [BLOCK_SNAPPY]: 'snappy',
  [BLOCK_ZSTD]: 'zstd or zlib',
  [BLOCK_LZ4]: 'lz4',
  [BLOCK_DEFLATE]: 'deflate',
};

/** A table to look into. The file stays the caller's. Throws LsmError IO_ERROR. */
export function openTable(file: OpenFile): RawTable {
  return new RawTable(file, 0, uncachedLoader());
}

export function inspectTable(table: RawTable, name: string): TableInspection {
  const problems: Problem[] = [];
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      problems.push(problemOf(error, name));
    }
  };
  const metaBlocks: NamedBlock[] = [];
  let properties: TableProperties | undefined;
  let dataBlocks = 0;
  let dataBytes = 0;
  if (table.footerError !== undefined) problems.push(problemOf(table.footerError, name));
  else {
    attempt(() => {
      for (const [metaName, handle] of table.metaBlocks()) {
        if (handle !== undefined) metaBlocks.push({ name: metaName, ...handle });
      }
    });
    attempt(() => {
      properties = salvageProperties(table);
    });
    attempt(() => {
      for (const { offset, size } of table.indexEntries()) {
        dataBlocks++;
        dataBytes = Math.max(dataBytes, offset + size + BLOCK_TRAILER_BYTES);
      }
    });
  }
  const { sizeBytes, footer } = table;
  const { formatLevel, metaindex, index } = footer ?? {};
  const parts = { formatLevel, metaindex, index, metaBlocks, properties };
  return { name, sizeBytes, ...parts, dataBlocks, dataBytes, problems };
}

/** Its data blocks by the index. Throws LsmError where the index cannot be read. */
export function* tableBlocks(table: RawTable, name: string): Generator<BlockInspection, void> {
  for (const { separator, ...handle } of table.indexEntries()) {
    yield inspectBlock(table, name, handle, separator);
  }
}

export function inspectBlock(
  table: RawTable,
  name: string,
  { offset, size }: BlockHandle,
  separator: Uint8Array | undefined,
): BlockInspection {
  const type = new Uint8Array(1);
  let firstKey: Uint8Array | undefined;
  let lastKey: Uint8Array | undefined;
  let problem: Problem | undefined;
  let plainBytes = 0;
  const walk = new BlockWalk();
  try {
    table.file.read(type, 0, 1, offset + size);
    table.readBlock({ offset, size });
    const { plain, plainStart, plainEnd } = table.loader;
    plainBytes = plainEnd - plainStart;
    walk.open(plain, plainStart, plainEnd);
    while (walk.next()) if (walk.entries === 1) firstKey = walk.keyBytes();
    if (walk.entries > 0) lastKey = walk.keyBytes();
    if (walk.problem !== '') throw malformed(table, offset, walk.problem);
  } catch (error) {
    problem = problemOf(error, name);
  }
  const codec = CODEC_NAMES[type[0]!] ?? `type ${type[0]}`;
  const { entries, restarts } = walk;
  const keys = { firstKey, lastKey, separator };
  return { offset, size, codec, plainBytes, entries, restarts, ...keys, problem };
}

/**
 * Entries of its data blocks, in their order there, whose user keys are in the range. Blocks that cannot be read are told to `onProblem` and passed
 * over. Throws LsmError where the index cannot be read.
 */
export function* tableEntries(
  table: RawTable,
  name: string,
  range: KeyRange,
  onProblem: (problem: Problem) => void,
): Generator<EntryInspection, void> {
  // Of tables in another order, each block may have keys of the range.
  const isOrdered = isIndexOrdered(table);
  for (const { separator, ...handle } of table.indexEntries()) {
    const bound = keyParts(separator).userKey;
    if (isOrdered && range.from !== undefined && Buffer.compare(bound, range.from) < 0) continue;
    let isPast = false;
    try {
      for (const entry of blockEntries(table, handle)) {
        isPast = range.to !== undefined && Buffer.compare(entry.key, range.to) > 0;
        if (isPast && isOrdered) return;
        if (isPast) continue;
        if (range.from !== undefined && Buffer.compare(entry.key, range.from) < 0) continue;
        yield entry;
      }
    } catch (error) {
      onProblem(problemOf(error, name));
    }
  }
}

/** Entries of one block; with `isPlain` its keys are no internal keys. Throws LsmError. */
export function* blockEntries(
  table: RawTable,
  handle: BlockHandle,
  isPlain = false,
): Generator<EntryInspection, void> {
  const block = table.copyBlock(handle);
  const walk = new BlockWalk();
  walk.open(block, 0, block.bytes.length);
  while (walk.next()) {
    const { userKey, sequence, type } = isPlain ? plainParts(walk) : keyParts(walk.keyBytes());
    const value = block.bytes.slice(walk.valueStart, walk.valueEnd);
    yield { key: userKey, sequence, type, value, blockOffset: handle.offset };
  }
  if (walk.problem !== '') throw malformed(table, handle.offset, walk.problem);
}

function plainParts(walk: BlockWalk): KeyParts {
  return { userKey: walk.keyBytes(), sequence: undefined, type: undefined };
}

/** What stands at an offset of a table, and how its entries are to be taken. */
export interface FoundBlock extends BlockHandle {
  /** `data`, `index`, `metaindex`, the name of a meta block, or `block` for one that nothing names. */
  readonly kind: string;
  /** Whether its keys are no internal keys: of blocks about the table. */
  readonly isPlain: boolean;
}

/** The block that begins at `offset`; one that nothing names is told by its checksum. Throws LsmError CORRUPTION where there is none. */
export function findBlock(table: RawTable, offset: number): FoundBlock {
  for (const block of namedBlocks(table)) if (block.offset === offset) return block;
  const scan = new BlockScan(table, table.blocksEnd);
  scan.position = offset;
  const found = scan.next();
  if (found?.offset === offset) return { kind: 'block', isPlain: false, ...found };
  const { path } = table.file;
  throw new LsmError('CORRUPTION', 'no block whose checksum fits begins here', { path, offset });
}

function* namedBlocks(table: RawTable): Generator<FoundBlock, void> {
  const { footer } = table;
  if (footer === undefined) return;
  yield { kind: 'index', isPlain: false, ...footer.index };
  yield { kind: 'metaindex', isPlain: true, ...footer.metaindex };
  try {
    for (const [name, handle] of table.metaBlocks()) {
      const isPlain = name !== RANGE_DELETIONS_NAME;
      if (handle !== undefined) yield { kind: name, isPlain, ...handle };
    }
    for (const { offset, size } of table.indexEntries()) {
      yield { kind: 'data', isPlain: false, offset, size };
    }
  } catch (error) {
    if (!(error instanceof LsmError)) throw error;
  }
}

/** A value of an index or metaindex block. */
export function handleOf(value: Uint8Array): BlockHandle | undefined {
  return readHandle(value, 0, value.length, Number.MAX_SAFE_INTEGER);
}

function isIndexOrdered(table: RawTable): boolean {
  let before: Uint8Array | undefined;
  for (const { separator } of table.indexEntries()) {
    if (separator.length < TRAILER_BYTES) return false;
    const { userKey } = keyParts(separator);
    if (before !== undefined && Buffer.compare(before, userKey) > 0) return false;
    before = userKey;
  }
  return true;
}
