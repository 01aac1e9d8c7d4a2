/**
 * Checks a table byte by byte against itself, and names all that is wrong with it rather than the first of it:
 *
 *   footer             magic, handles within the file, each byte as it must be
 *   metaindex          names and handles; every block that it names checks
 *   index              entries in order, their data blocks one behind the other
 *   data blocks        checksums, structure, order, bounds, types, sequences (data-block-check.ts)
 *   filters            contain every key, LevelDB's as well as ours
 *   range deletions    in order, of a type and sequence that can be
 *   properties         tell the truth
 *   every other byte   is a zero
 *
 * With a comparator that we lack everything but order is checked. Memory: a block, the index, the filters. Time: each byte of the file once.
 */
import { Region } from '../../bytes/region.ts';
import { FILTER_NAME, isFilter } from '../format/filter.ts';
import {
  BLOCK_TRAILER_BYTES,
  FOOTER_BYTES,
  writeFooter,
  type BlockHandle,
} from '../format/footer.ts';
import { parsePrefix } from '../format/filter-prefix.ts';
import { isLevelDbFilter, LEVELDB_FILTER_NAME } from '../format/leveldb-filter.ts';
import { PROPERTIES_NAME, RANGE_DELETIONS_NAME } from '../format/properties.ts';
import { DataBlockCheck, type FilterBlock, type TableCheckOptions } from './data-block-check.ts';
import { problemOf } from './problem.ts';
import type { RawTable } from './raw-table.ts';
import { salvageProperties } from './salvage-cursor.ts';
import { TableContents } from './table-contents.ts';
import { checkProperties, checkRangeDeletions } from './table-meta-check.ts';

const ZERO_WINDOW_BYTES = 64 * 1024;
const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  FILTER_NAME,
  LEVELDB_FILTER_NAME,
  PROPERTIES_NAME,
]);

/** Yields the bytes that were read since the last time. Throws only what is no fault of the file. */
export function* checkTable(
  table: RawTable,
  options: TableCheckOptions,
): Generator<number, TableContents> {
  const check = new TableCheck(table, options);
  yield* check.run();
  return check.contents;
}

class TableCheck {
  readonly contents: TableContents = new TableContents();
  readonly #table: RawTable;
  readonly #options: TableCheckOptions;
  /** Blocks other than data blocks. */
  readonly #otherBlocks: BlockHandle[] = [];

  constructor(table: RawTable, options: TableCheckOptions) {
    this.#table = table;
    this.#options = options;
    this.contents.sizeBytes = table.sizeBytes;
    this.contents.formatLevel = table.footer?.formatLevel ?? 1;
  }

  *run(): Generator<number, void> {
    const table = this.#table;
    if (table.footer === undefined) {
      this.#caught(table.footerError);
      return;
    }
    this.#checkFooter();
    const metaBlocks = this.#readMetaindex();
    yield* this.#checkData(metaBlocks);
    this.#checkMeta(metaBlocks);
    if (this.contents.isWhole) this.#checkGaps();
  }

  /** The footer has no checksum: what it says can be written in one way alone. */
  #checkFooter(): void {
    const { footer, footerBytes, blocksEnd } = this.#table;
    const written = Region.allocate(FOOTER_BYTES);
    writeFooter(written, 0, footer!);
    const at = written.bytes.findIndex((byte, i) => byte !== footerBytes.bytes[i]);
    if (at < 0) return;
    const found = footerBytes.bytes[at];
    this.#problem(blocksEnd + at, 'a byte of the footer', written.bytes[at], found);
  }

  #readMetaindex(): Map<string, BlockHandle> {
    const { metaindex, index } = this.#table.footer!;
    const blocks = new Map<string, BlockHandle>();
    this.#otherBlocks.push(metaindex, index);
    try {
      for (const [name, handle] of this.#table.metaBlocks()) {
        if (handle === undefined) {
          this.#problem(metaindex.offset, `the metaindex names ${name} outside of the file`);
          continue;
        }
        blocks.set(name, handle);
        this.#otherBlocks.push(handle);
      }
    } catch (error) {
      this.#caught(error);
    }
    return blocks;
  }

  *#checkData(metaBlocks: ReadonlyMap<string, BlockHandle>): Generator<number, void> {
    const ours = this.#readFilter(metaBlocks.get(FILTER_NAME), isFilter);
    const prefix = parsePrefix(salvageProperties(this.#table)?.filterPrefix ?? '');
    const filter = ours && { ...ours, prefix };
    const levelDbFilter = this.#readFilter(metaBlocks.get(LEVELDB_FILTER_NAME), isLevelDbFilter);
    const data = new DataBlockCheck(this.#options, this.contents, filter, levelDbFilter);
    const table = this.#table;
    const { loader } = table;
    const indexAt = table.footer!.index.offset;
    let end = 0;
    try {
      for (const entry of table.indexEntries()) {
        data.checkIndexEntry(entry, indexAt);
        const isBehind = entry.offset >= end;
        if (!isBehind)
          this.#problem(indexAt, 'the index names data blocks that overlap', end, entry.offset);
        else if (entry.offset > end) this.#checkZeroes(end, entry.offset);
        if (isBehind && this.#readBlock(entry)) {
          const { plain, plainStart, plainEnd } = loader;
          const isGood = data.checkBlock(entry, plain, plainStart, plainEnd);
          if (!isGood) this.contents.isWhole = false;
        } else {
          this.contents.isWhole = false;
          data.passOver(entry);
        }
        end = Math.max(end, entry.offset + entry.size + BLOCK_TRAILER_BYTES);
        this.contents.dataBytes = end;
        yield entry.size + BLOCK_TRAILER_BYTES;
      }
    } catch (error) {
      this.#caught(error);
    }
    data.finish();
  }

  #readFilter(
    handle: BlockHandle | undefined,
    isGood: (region: Region, start: number, end: number) => boolean,
  ): FilterBlock | undefined {
    if (handle === undefined) return undefined;
    try {
      const region = this.#table.copyBlock(handle);
      if (isGood(region, 0, region.bytes.length)) return { region, offset: handle.offset };
      this.#problem(handle.offset, 'the filter is malformed');
    } catch (error) {
      this.#report(error);
    }
    return undefined;
  }

  #readBlock(handle: BlockHandle): boolean {
    try {
      this.#table.readBlock(handle);
      return true;
    } catch (error) {
      this.#caught(error);
      return false;
    }
  }

  /** What can only be told once all entries were seen. */
  #checkMeta(metaBlocks: ReadonlyMap<string, BlockHandle>): void {
    for (const [name, handle] of metaBlocks) {
      if (name === RANGE_DELETIONS_NAME) {
        this.#guard(() => checkRangeDeletions(this.#table, handle, this.contents, this.#options));
      } else if (!READ_ELSEWHERE.has(name)) {
        this.#guard(() => this.#table.readBlock(handle));
      }
    }
    const handle = metaBlocks.get(PROPERTIES_NAME);
    if (handle === undefined) return;
    this.#guard(() => checkProperties(this.#table, handle, this.contents, this.#options));
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#caught(error);
    }
  }

  /** Behind the data blocks, bytes that are in no block carry no checksum: they can only be zeroes. */
  #checkGaps(): void {
    const footer: BlockHandle = { offset: this.#table.blocksEnd, size: 0 };
    const blocks = this.#otherBlocks.sort((a, b) => a.offset - b.offset);
    let end = this.contents.dataBytes;
    for (const { offset, size } of [...blocks, footer]) {
      if (offset < end) this.#problem(offset, 'blocks overlap', `from ${end} on`, offset);
      else if (offset > end) this.#checkZeroes(end, offset);
      end = Math.max(end, offset + size + BLOCK_TRAILER_BYTES);
    }
  }

  #checkZeroes(from: number, to: number): void {
    const window = new Uint8Array(Math.min(to - from, ZERO_WINDOW_BYTES));
    this.#guard(() => {
      for (let at = from; at < to; at += window.length) {
        const count = this.#table.file.read(window, 0, Math.min(window.length, to - at), at);
        const other = window.subarray(0, count).findIndex((byte) => byte !== 0);
        if (other < 0) continue;
        this.#problem(at + other, 'bytes that are part of no block', `a block at ${to}`);
        return;
      }
    });
  }

  /** Something could not be read, so that less than all was seen. */
  #caught(error: unknown): void {
    this.contents.isWhole = false;
    this.#report(error);
  }

  #report(error: unknown): void {
    this.#options.report(problemOf(error, this.#options.name));
  }

  #problem(
    offset: number,
    problem: string,
    expected?: string | number,
    found?: string | number,
  ): void {
    const { report, name } = this.#options;
    report({ file: name, offset, code: 'CORRUPTION', problem, expected, found });
  }
}
