/**
 * Writes a table, from entries in order, front to back in one pass:
 *
 *   data blocks | filters | range deletions | properties | metaindex block | index block | footer
 *
 * Every block has its trailer behind it (block-writer.ts). Data and index blocks are compressed where that saves an eighth, the others never. The
 * metaindex names the blocks about the table.
 *
 * Nothing is read. Memory: a block, the bytes that are not written yet, the index, and 4 bytes a key for the filter.
 */
import { commonPrefix } from '../../bytes/compare.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import {
  compareInternalKeys,
  internalKey,
  MAX_SEQUENCE,
  MAX_TRAILER_HIGH,
  MAX_TYPE,
  sequenceOf,
  TYPE_DELETION,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
  typeOf,
} from '../internal-key.ts';
import { MAX_TABLE_BYTES } from '../limits.ts';
import { BlockBuilder } from './block-builder.ts';
import { BlockWriter } from './block-writer.ts';
import { BlockCompressor } from './codecs.ts';
import { FILTER_NAME, filterHash, FilterBuilder } from './filter.ts';
import { prefixEnd, prefixText } from './filter-prefix.ts';
import { FOOTER_BYTES, writeFooter, writeHandle, type BlockHandle } from './footer.ts';
import { IndexBuilder } from './index-builder.ts';
import { LEVELDB_FILTER_NAME, LevelDbFilterBuilder } from './leveldb-filter.ts';
import { PROPERTIES_NAME, RANGE_DELETIONS_NAME, writeProperties } from './properties.ts';
import {
  resolveTableOptions,
  type ResolvedTableOptions,
  type TableMeta,
  type TableWriteOptions,
} from './table-options.ts';

const FIRST_KEY_BYTES = 256;
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Room for what ends a file: metaindex, properties, footer, trailers. */
const END_BYTES = 1024;
/** `#lastEnd` before the first entry. */
const NO_KEY = -1;

export class TableBuilder {
  readonly #options: ResolvedTableOptions;
  readonly #writer: BlockWriter;
  readonly #compressor: BlockCompressor;
  readonly #data: BlockBuilder;
  readonly #index: IndexBuilder = new IndexBuilder();
  readonly #rangeDeletions: BlockBuilder = new BlockBuilder(1);
  readonly #filter: FilterBuilder | undefined;
  readonly #levelDbFilter: LevelDbFilterBuilder | undefined;

  /** The last key of the data blocks: user key `[0, #lastEnd)`, and the words of its trailer. */
  #last: Region = Region.allocate(FIRST_KEY_BYTES);
  #lastEnd: number = NO_KEY;
  #lastLow = 0;
  #lastHigh = 0;
  #smallest: Uint8Array = NO_BYTES;
  /** Length of the last key's prefix that is in the filter. */
  #lastPrefix: number = NO_KEY;
  /** Of range deletions: the last one's key, and the furthest end. */
  #lastBegin: Uint8Array = NO_BYTES;
  #furthestEnd: Uint8Array = NO_BYTES;
  #entries = 0;
  #deletions = 0;
  #merges = 0;
  #hiddenVersions = 0;
  #minSequence: number = MAX_SEQUENCE;
  #maxSequence = 0;
  #rawKeyBytes = 0;
  #rawValueBytes = 0;
  #dataBlocks = 0;
  #dataBytes = 0;

  /** Throws RangeError for options that cannot be, LsmError UNSUPPORTED for a codec that the format level or this Node.js does not have. */
  constructor(file: OpenFile, options: TableWriteOptions = {}) {
    this.#options = resolveTableOptions(options);
    this.#writer = new BlockWriter(file);
    this.#compressor = new BlockCompressor(this.#options.codec);
    this.#data = new BlockBuilder(this.#options.restartInterval);
    const { filterBitsPerKey, levelDbFilter } = this.#options;
    this.#filter = filterBitsPerKey > 0 ? new FilterBuilder(filterBitsPerKey) : undefined;
    this.#levelDbFilter = levelDbFilter ? new LevelDbFilterBuilder() : undefined;
  }

  /** Entries so far, range deletions included. */
  get entries(): number {
    return this.#entries;
  }

  /** Size of the file if it were finished now, within a few hundred bytes and what compression would save on the index and the open block. */
  get estimatedBytes(): number {
    const filters = (this.#filter?.sizeBytes ?? 0) + (this.#levelDbFilter?.sizeBytes ?? 0);
    const blocks = this.#data.sizeBytes + this.#index.block.sizeBytes;
    return this.#writer.position + blocks + this.#rangeDeletions.sizeBytes + filters + END_BYTES;
  }

  /**
   * Adds an entry behind all before it, and copies its bytes: the user key, the words of its trailer (uint32), the value. A range deletion goes into a block
   * of its own. Throws FileError; LsmError LIMIT at 4 GiB, UNSUPPORTED for a type that the format level does not have, RangeError for an entry out of order.
   */
  add(
    keyRegion: Region,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
    valueRegion: Region,
    valueStart: number,
    valueEnd: number,
  ): void {
    const type = typeOf(low);
    if (type > TYPE_VALUE || high > MAX_TRAILER_HIGH) this.#checkTrailer(type, high);
    if (type === TYPE_RANGE_DELETION) {
      const begin = keyRegion.bytes.subarray(keyStart, keyEnd);
      const end = valueRegion.bytes.subarray(valueStart, valueEnd);
      this.#addRangeDeletion(begin, end, sequenceOf(low, high));
      return;
    }
    const keyLength = keyEnd - keyStart;
    const last = this.#last;
    const lastEnd = this.#lastEnd;
    let prefix = 0;
    if (lastEnd >= 0) {
      prefix = commonPrefix(keyRegion, keyStart, keyEnd, last, 0, lastEnd);
      if (!this.#isBehindLast(keyRegion, keyStart, keyLength, prefix, low, high)) {
        throw new RangeError('entries of a table must be added in order');
      }
      if (this.#index.isWaiting) {
        this.#separate(keyRegion, keyStart, keyEnd, prefix);
      }
    } else this.#begin(keyRegion.bytes.subarray(keyStart, keyEnd), sequenceOf(low, high), type);

    const isNewKey = prefix < keyLength || lastEnd !== keyLength;
    if (isNewKey && this.#filter !== undefined) {
      this.#filter.add(filterHash(keyRegion, keyStart, keyEnd));
      if (this.#options.filterPrefix !== undefined) {
        this.#addPrefix(this.#filter, keyRegion, keyStart, keyEnd, prefix);
      }
    }
    // This filter is asked block by block: each has all keys of its blocks, those too that another block began.
    if (this.#levelDbFilter !== undefined && (isNewKey || this.#data.entries === 0)) {
      this.#levelDbFilter.add(keyRegion, keyStart, keyEnd);
    }
    this.#data.add(
      keyRegion,
      keyStart,
      keyEnd,
      prefix,
      low,
      high,
      valueRegion,
      valueStart,
      valueEnd,
    );
    this.#keepLast(keyRegion, keyStart, keyLength, prefix, low, high);
    if (type === TYPE_DELETION) this.#deletions++;
    else if (type === TYPE_MERGE) this.#merges++;
    if (!isNewKey) this.#hiddenVersions++;
    this.#count(sequenceOf(low, high), keyLength, valueEnd - valueStart);
    if (this.#data.sizeBytes >= this.#options.blockBytes) this.#endDataBlock();
  }

  /** Writes what is left. Neither syncs nor closes the file. Nothing is added afterwards. Throws FileError. */
  finish(): TableMeta {
    if (this.#data.entries > 0) this.#endDataBlock();
    if (this.#index.isWaiting) {
      this.#index.addLast(this.#last, this.#lastEnd, this.#lastLow, this.#lastHigh);
    }
    const writer = this.#writer;
    const metaindex: [string, BlockHandle][] = [];
    const addMeta = (name: string, contents: Region, end = contents.bytes.length): void => {
      writer.append(contents, 0, end);
      metaindex.push([name, { offset: writer.offset, size: writer.size }]);
    };
    const addMetaBlock = (name: string, block: BlockBuilder): void => {
      block.finish();
      addMeta(name, block.region, block.end);
    };
    if (this.#filter !== undefined && this.#filter.keys > 0) {
      addMeta(FILTER_NAME, this.#filter.finish());
    }
    if (this.#levelDbFilter !== undefined) {
      addMeta(LEVELDB_FILTER_NAME, this.#levelDbFilter.finish());
    }
    if (this.#rangeDeletions.entries > 0) addMetaBlock(RANGE_DELETIONS_NAME, this.#rangeDeletions);
    const meta = this.#meta();
    const properties = new BlockBuilder(1);
    const filterPrefix = prefixText(this.#options.filterPrefix);
    writeProperties(properties, { ...meta, ...this.#options, filterPrefix });
    addMetaBlock(PROPERTIES_NAME, properties);
    this.#writeEnd(metaindex);
    return { ...meta, sizeBytes: writer.position };
  }

  #writeEnd(metaindex: [string, BlockHandle][]): void {
    const writer = this.#writer;
    const names = new BlockBuilder(1);
    const handle = new Uint8Array(20);
    for (const [name, where] of metaindex.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const end = writeHandle(handle, 0, where);
      names.addPlain(Buffer.from(name), handle.subarray(0, end));
    }
    names.finish();
    writer.append(names.region, 0, names.end);
    const metaindexHandle = { offset: writer.offset, size: writer.size };
    const { block } = this.#index;
    block.finish();
    writer.append(block.region, 0, block.end, this.#compressor);
    const index = { offset: writer.offset, size: writer.size };
    const footer = Region.allocate(FOOTER_BYTES);
    const { formatLevel } = this.#options;
    writeFooter(footer, 0, { formatLevel, metaindex: metaindexHandle, index });
    writer.appendBytes(footer, 0, FOOTER_BYTES);
    writer.flush();
  }

  #meta(): Omit<TableMeta, 'sizeBytes'> {
    const last = this.#last.bytes.slice(0, Math.max(0, this.#lastEnd));
    const lastSequence = sequenceOf(this.#lastLow, this.#lastHigh);
    let largest =
      this.#lastEnd < 0 ? NO_BYTES : internalKey(last, lastSequence, typeOf(this.#lastLow));
    if (this.#rangeDeletions.entries > 0) {
      const end = internalKey(this.#furthestEnd, MAX_SEQUENCE, TYPE_RANGE_DELETION);
      if (largest.length === 0 || compareKeys(end, largest) > 0) largest = end;
    }
    return {
      entries: this.#entries,
      deletions: this.#deletions,
      merges: this.#merges,
      rangeDeletions: this.#rangeDeletions.entries,
      hiddenVersions: this.#hiddenVersions,
      smallest: this.#smallest,
      largest,
      minSequence: this.#entries === 0 ? 0 : this.#minSequence,
      maxSequence: this.#maxSequence,
      rawKeyBytes: this.#rawKeyBytes,
      rawValueBytes: this.#rawValueBytes,
      dataBlocks: this.#dataBlocks,
      dataBytes: this.#dataBytes,
    };
  }

  #endDataBlock(): void {
    const data = this.#data;
    const writer = this.#writer;
    data.finish();
    writer.append(data.region, 0, data.end, this.#compressor);
    data.clear();
    this.#index.wait(writer.offset, writer.size);
    this.#dataBlocks++;
    this.#dataBytes = writer.position;
    this.#levelDbFilter?.startBlock(writer.position);
  }

  /** Adds the key's prefix to the filter where the key before, with which `common` bytes are shared, did not. */
  #addPrefix(
    filter: FilterBuilder,
    region: Region,
    start: number,
    end: number,
    common: number,
  ): void {
    const length = prefixEnd(region, start, end, this.#options.filterPrefix!) - start;
    const isKnown = length <= common && length === this.#lastPrefix;
    this.#lastPrefix = length;
    if (length >= 0 && !isKnown) filter.add(filterHash(region, start, start + length));
  }

  #addRangeDeletion(begin: Uint8Array, end: Uint8Array, sequence: number): void {
    const key = internalKey(begin, sequence, TYPE_RANGE_DELETION);
    if (this.#lastBegin.length > 0 && compareKeys(this.#lastBegin, key) >= 0) {
      throw new RangeError('range deletions of a table must be added in order');
    }
    this.#lastBegin = key;
    if (this.#smallest.length === 0 || compareKeys(key, this.#smallest) < 0) this.#smallest = key;
    if (Buffer.compare(end, this.#furthestEnd) > 0) this.#furthestEnd = end.slice();
    this.#rangeDeletions.addPlain(key, end);
    this.#count(sequence, begin.length, end.length);
  }

  #begin(key: Uint8Array, sequence: number, type: number): void {
    const first = internalKey(key, sequence, type);
    if (this.#smallest.length === 0 || compareKeys(first, this.#smallest) < 0) {
      this.#smallest = first;
    }
  }

  /** Whether an entry stands behind the last one; `prefix` bytes of the user keys are common. */
  #isBehindLast(
    region: Region,
    start: number,
    length: number,
    prefix: number,
    low: number,
    high: number,
  ): boolean {
    if (prefix === this.#lastEnd) {
      if (length > prefix) return true;
      const lastHigh = this.#lastHigh;
      return high === lastHigh ? low < this.#lastLow : high < lastHigh;
    }
    return prefix < length && region.bytes[start + prefix]! > this.#last.bytes[prefix]!;
  }

  #keepLast(
    region: Region,
    start: number,
    length: number,
    prefix: number,
    low: number,
    high: number,
  ): void {
    if (length > this.#last.bytes.length) {
      const grown = Region.allocate(length * 2);
      grown.bytes.set(this.#last.bytes.subarray(0, prefix));
      this.#last = grown;
    }
    copyBytes(this.#last, prefix, region, start + prefix, length - prefix);
    this.#lastEnd = length;
    this.#lastLow = low;
    this.#lastHigh = high;
  }

  #count(sequence: number, keyBytes: number, valueBytes: number): void {
    this.#entries++;
    this.#rawKeyBytes += keyBytes;
    this.#rawValueBytes += valueBytes;
    if (sequence < this.#minSequence) this.#minSequence = sequence;
    if (sequence > this.#maxSequence) this.#maxSequence = sequence;
  }

  #checkTrailer(type: number, high: number): void {
    if (high > MAX_TRAILER_HIGH) throw new RangeError('a sequence number above 2^53 - 1');
    if (type > MAX_TYPE || this.#options.formatLevel === 1) {
      throw new LsmError('UNSUPPORTED', `entries of type ${type} in tables of this format level`, {
        expected: this.#options.formatLevel === 1 ? 'format level 2' : `at most ${MAX_TYPE}`,
      });
    }
  }

  /** The entry for the block that has ended, now that the next one's first key is known. */
  #separate(region: Region, start: number, end: number, prefix: number): void {
    if (this.#writer.position > MAX_TABLE_BYTES) {
      throw new LsmError('LIMIT', 'a table of more than 4 GiB');
    }
    const last = this.#last;
    const index = this.#index;
    index.add(last, this.#lastEnd, this.#lastLow, this.#lastHigh, region, start, end, prefix);
  }
}

function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return compareInternalKeys(Region.of(a), 0, a.length, Region.of(b), 0, b.length);
}
