/**
 * Reads a table. Opening reads the footer, the metaindex and the properties; index, filter and data blocks come through the block cache when they are needed,
 * and may leave it again: a table itself holds a few hundred bytes.
 *
 * A lookup: 1. the filter says no for most keys that are not there; 2. the index names the one data block that can hold the key; 3. the block is
 * searched. Nothing is allocated while all three are cached.
 */
import { Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import type { BlockRequests } from '../cache/block-requests.ts';
import { CACHED } from '../cursor.ts';
import { fromFileError, LsmError } from '../errors.ts';
import {
  MAX_SEQUENCE,
  MAX_TRAILER_HIGH,
  MAX_TYPE,
  sequenceOf,
  trailerHigh,
  trailerLow,
  TYPE_DELETION,
  TYPE_FOR_SEEK,
  TYPE_MERGE,
  TYPE_VALUE,
  typeOf,
} from '../internal-key.ts';
import {
  type BlockLoader,
  type BlockSource,
  DATA,
  FILTER,
  INDEX,
  malformed,
} from './block-loader.ts';
import { EXACT, MALFORMED } from './block-search.ts';
import { FOUND as HINTED, OPEN } from './entry-hints.ts';
import { FILTER_NAME, isFilter, mayContain } from './filter.ts';
import { type FilterPrefix, parsePrefix } from './filter-prefix.ts';
import { FOOTER_BYTES, readFooter, readHandle, type BlockHandle } from './footer.ts';
import { indexCount, indexOffset, indexSize, searchIndex } from './index-block.ts';
import {
  isLevelDbFilter,
  LEVELDB_FILTER_NAME,
  levelDbHash,
  levelDbMayContain,
} from './leveldb-filter.ts';
import { ABSENT, DELETED, FOUND, MERGE, NOT_CACHED, type Lookup } from './lookup.ts';
import {
  PROPERTIES_NAME,
  RANGE_DELETIONS_NAME,
  readPlainBlock,
  readProperties,
  type TableProperties,
} from './properties.ts';
import { fragmentsOf, type RangeFragments } from '../range-fragments.ts';
import { readRangeDeletions, type RangeDeletion } from './range-deletions.ts';
import { TableCursor } from './table-cursor.ts';
import type { FormatLevel } from './table-options.ts';
import { verifyTable, type TableCheck } from './verify-table.ts';

const NO_SLOT = -1;
const NO_RANGES: readonly RangeDeletion[] = [];

/** The table cache. */
interface TableKeeper {
  retain(table: Table): void;
  release(table: Table): void;
}

/** Blocks of the table, as its footer and metaindex name them. */
interface Layout {
  readonly formatLevel: FormatLevel;
  readonly metaindex: BlockHandle;
  readonly index: BlockHandle;
  readonly filter: BlockHandle | undefined;
  readonly levelDbFilter: BlockHandle | undefined;
  readonly rangeDeletions: BlockHandle | undefined;
  readonly properties: BlockHandle | undefined;
}

export class Table implements BlockSource {
  readonly file: OpenFile;
  readonly fileNumber: number;
  readonly sizeBytes: number;
  readonly blocksEnd: number;
  readonly blockEntries: number;
  readonly layout: Layout;
  readonly loader: BlockLoader;
  /** Of tables that Kvasir wrote. */
  readonly properties: TableProperties | undefined;
  /** Which prefixes of keys are in the filter besides whole keys. */
  readonly filterPrefix: FilterPrefix | undefined;
  /** The same as text. */
  readonly filterRule: string;
  /** False once it is closed: a reference that was kept without being in use is worth nothing then. */
  isOpen = true;
  /** Whoever closes it, and is to be asked for keeping it open. */
  keeper: TableKeeper | undefined = undefined;
  /** Whether index and filter are to stay in the cache, within its share: levels 0 and 1. Takes effect when they are next read. */
  isHeld = false;
  /** Entries of a higher type are no entries of this level. */
  readonly maxType: number;
  /** What its range deletions cover; undefined where it has none. */
  ranges: RangeFragments | undefined = undefined;
  readonly #cache: BlockCache;
  #indexSlot: number = NO_SLOT;
  #filterSlot: number = NO_SLOT;
  #heldIndex: number = NO_SLOT;
  #heldFilter: number = NO_SLOT;

  private constructor(
    file: OpenFile,
    fileNumber: number,
    sizeBytes: number,
    loader: BlockLoader,
    layout: Layout,
    properties: TableProperties | undefined,
  ) {
    this.file = file;
    this.fileNumber = fileNumber;
    this.sizeBytes = sizeBytes;
    this.blocksEnd = sizeBytes - FOOTER_BYTES;
    this.blockEntries = blockEntriesOf(properties);
    this.layout = layout;
    this.loader = loader;
    this.properties = properties;
    this.filterRule = properties?.filterPrefix ?? '';
    this.filterPrefix = parsePrefix(this.filterRule);
    this.maxType = layout.formatLevel === 1 ? TYPE_VALUE : MAX_TYPE;
    this.#cache = loader.cache;
  }

  /**
   * Opens the table in a file, whose number names its blocks in the cache; the file stays the caller's to close, after `close`. Blocks. Throws LsmError
   * CORRUPTION, IO_ERROR, UNSUPPORTED.
   */
  static open(file: OpenFile, fileNumber: number, loader: BlockLoader): Table {
    const sizeBytes = sizeOf(file);
    const footerAt = sizeBytes - FOOTER_BYTES;
    const footer = Region.allocate(FOOTER_BYTES);
    if (footerAt < 0 || readAt(file, footer, footerAt) < FOOTER_BYTES) {
      throw new LsmError('CORRUPTION', 'this is no table: it is too short', {
        path: file.path,
        offset: 0,
        expected: `${FOOTER_BYTES} bytes at least`,
        found: sizeBytes,
      });
    }
    const source: BlockSource = { file, fileNumber, blocksEnd: footerAt, blockEntries: 0 };
    const { formatLevel, metaindex, index } = readFooter(footer, sizeBytes, file.path);
    const names = readPlain(loader, source, metaindex, 'the metaindex');
    const handle = (name: string): BlockHandle | undefined => {
      const bytes = names.get(name);
      if (bytes === undefined) return undefined;
      const found = readHandle(bytes, 0, bytes.length, footerAt);
      if (found !== undefined) return found;
      throw malformed(source, metaindex.offset, `the metaindex names ${name} outside of the file`);
    };
    const layout: Layout = {
      formatLevel,
      metaindex,
      index,
      filter: handle(FILTER_NAME),
      levelDbFilter: handle(LEVELDB_FILTER_NAME),
      rangeDeletions: handle(RANGE_DELETIONS_NAME),
      properties: handle(PROPERTIES_NAME),
    };
    let properties: TableProperties | undefined;
    if (layout.properties !== undefined) {
      const entries = readPlain(loader, source, layout.properties, 'the properties');
      properties = readProperties(entries);
      if (properties === undefined) {
        throw malformed(source, layout.properties.offset, 'a property is missing or malformed');
      }
    }
    const table = new Table(file, fileNumber, sizeBytes, loader, layout, properties);
    if (layout.rangeDeletions !== undefined) {
      table.ranges = fragmentsOf(table.rangeDeletions());
      loader.cache.charge(table.ranges?.sizeBytes ?? 0);
    }
    return table;
  }

  /**
   * The newest version of a user key of at most `sequence`: ABSENT, FOUND, DELETED, MERGE or, in CACHED mode, NOT_CACHED, the block that is missing
   * noted in `lookup.requests`. `hash`: of the user key, by `filterHash`. After FOUND and MERGE `lookup` holds the value, pinned until its `release`; it must hold none
   * before. Throws LsmError CORRUPTION, IO_ERROR, UNSUPPORTED.
   */
  get(
    region: Region,
    start: number,
    end: number,
    sequence: number,
    hash: number,
    mode: number,
    lookup: Lookup,
  ): number {
    const cache = this.#cache;
    const { filter } = this.layout;
    if (filter !== undefined) {
      const slot = this.#openFilter(filter, mode, lookup.requests);
      if (slot < 0) return NOT_CACHED;
      const at = cache.start(slot);
      if (!mayContain(cache.region(slot), at, at + cache.length(slot), hash)) {
        this.loader.filterNegatives++;
        return ABSENT;
      }
    }
    const indexSlot = this.openIndex(mode, lookup.requests);
    if (indexSlot < 0) return NOT_CACHED;
    const index = cache.region(indexSlot);
    const indexAt = cache.start(indexSlot);
    const low = trailerLow(sequence, TYPE_FOR_SEEK) | 0;
    const high = trailerHigh(sequence);
    const i = searchIndex(index, indexAt, region, start, end, low, high);
    if (i === indexCount(index, indexAt)) return ABSENT;
    const offset = indexOffset(index, indexAt, i);
    const size = indexSize(index, indexAt, i);
    if (filter === undefined && this.layout.levelDbFilter !== undefined) {
      const answer = this.#askLevelDbFilter(region, start, end, offset, mode, lookup.requests);
      if (answer !== FOUND) return answer;
    }
    let slot = cache.acquire(this.fileNumber, offset);
    if (slot < 0) {
      if (mode === CACHED) {
        lookup.requests.add(this, DATA, offset, size);
        return NOT_CACHED;
      }
      slot = this.loader.load(this, DATA, offset, size);
    } else if (cache.extra(slot) > 0) {
      // It was looked into before, so that hints will pay.
      const answer = this.#findByHints(slot, offset, region, start, end, low, high, lookup);
      if (answer !== NOT_CACHED) return answer;
    }
    return this.#find(slot, offset, region, start, end, low, high, lookup);
  }

  /** NOT_CACHED where the hints do not tell: the slot is pinned then. */
  #findByHints(
    slot: number,
    offset: number,
    region: Region,
    start: number,
    end: number,
    low: number,
    high: number,
    lookup: Lookup,
  ): number {
    const cache = this.#cache;
    const { search, hints } = this.loader;
    const block = cache.region(slot);
    const at = cache.start(slot);
    const blockEnd = at + cache.length(slot);
    const extra = cache.extra(slot);
    const found = hints.find(search, block, at, blockEnd, extra, region, start, end, low, high);
    if (found === OPEN) return NOT_CACHED;
    if (found === HINTED) return this.#take(slot, offset, lookup);
    cache.release(slot);
    this.loader.filterFalsePositives++;
    return ABSENT;
  }

  #find(
    slot: number,
    offset: number,
    region: Region,
    start: number,
    end: number,
    low: number,
    high: number,
    lookup: Lookup,
  ): number {
    const cache = this.#cache;
    const { search } = this.loader;
    const block = cache.region(slot);
    const at = cache.start(slot);
    const found = search.find(block, at, at + cache.length(slot), region, start, end, low, high);
    if (found !== EXACT) {
      cache.release(slot);
      if (found === MALFORMED) throw malformed(this, offset, 'the data block is malformed');
      this.loader.filterFalsePositives++;
      return ABSENT;
    }
    return this.#take(slot, offset, lookup);
  }

  /** What the search has found becomes the lookup's. */
  #take(slot: number, offset: number, lookup: Lookup): number {
    const cache = this.#cache;
    const { search } = this.loader;
    const type = typeOf(search.low);
    if (type > this.maxType || search.high >>> 0 > MAX_TRAILER_HIGH) {
      cache.release(slot);
      throw this.unsupportedEntry(offset, search.low, search.high);
    }
    lookup.sequence = sequenceOf(search.low, search.high);
    lookup.type = type;
    if (type === TYPE_DELETION) {
      cache.release(slot);
      return DELETED;
    }
    lookup.region = cache.region(slot);
    lookup.start = search.valueAt;
    lookup.end = search.valueEnd;
    lookup.slot = slot;
    return type === TYPE_MERGE ? MERGE : FOUND;
  }

  /**
   * Whether a key whose prefix by the rule `filterPrefix` has this hash (`filterHash` of the prefix) may be there: ABSENT is certain, FOUND means perhaps, NOT_CACHED as in
   * `get`.
   */
  mayContainPrefix(hash: number, mode: number, requests: BlockRequests | undefined): number {
    const { filter } = this.layout;
    if (filter === undefined || this.filterPrefix === undefined) return FOUND;
    const slot = this.#openFilter(filter, mode, requests);
    if (slot < 0) return NOT_CACHED;
    const at = this.#cache.start(slot);
    const end = at + this.#cache.length(slot);
    if (mayContain(this.#cache.region(slot), at, end, hash)) return FOUND;
    this.loader.filterNegatives++;
    return ABSENT;
  }

  /** A cursor that is nowhere yet. `requests`: for CACHED mode. Whoever has it keeps the table open. */
  cursor(mode: number, requests?: BlockRequests): TableCursor {
    return new TableCursor(this, mode, requests);
  }

  /** Range deletions of the table, in internal order. Reads them. Throws as `get`. */
  rangeDeletions(): readonly RangeDeletion[] {
    const handle = this.layout.rangeDeletions;
    return handle === undefined ? NO_RANGES : readRangeDeletions(this, handle);
  }

  /** Offset in the file at which the entries of a user key are, or would be. May read the index. */
  approximateOffsetOf(region: Region, start: number, end: number): number {
    const slot = this.openIndex(0, undefined);
    const index = this.#cache.region(slot);
    const at = this.#cache.start(slot);
    const low = trailerLow(MAX_SEQUENCE, TYPE_FOR_SEEK) | 0;
    const i = searchIndex(index, at, region, start, end, low, trailerHigh(MAX_SEQUENCE));
    if (i < indexCount(index, at)) return indexOffset(index, at, i);
    return this.dataEnd();
  }

  /** Where the data blocks end, and all else begins. May read the index. */
  dataEnd(): number {
    const slot = this.openIndex(0, undefined);
    const index = this.#cache.region(slot);
    const at = this.#cache.start(slot);
    const last = indexCount(index, at) - 1;
    return last < 0 ? 0 : indexOffset(index, at, last) + indexSize(index, at, last);
  }

  /**
   * Reads everything past the cache and checks checksums, structure, order and counts. Throws LsmError CORRUPTION at the first damage. `verifySteps` does the
   * same a block a step.
   */
  verify(): TableCheck {
    const steps = this.verifySteps();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  verifySteps(): Generator<void, TableCheck> {
    return verifyTable(this);
  }

  /** Lets go of what it holds in the cache. */
  close(): void {
    this.isOpen = false;
    if (this.#heldIndex >= 0) this.#cache.unhold(this.#heldIndex);
    if (this.#heldFilter >= 0) this.#cache.unhold(this.#heldFilter);
    this.#heldIndex = NO_SLOT;
    this.#heldFilter = NO_SLOT;
    if (this.ranges !== undefined) this.#cache.charge(-this.ranges.sizeBytes);
    this.ranges = undefined;
  }

  hold(): void {
    this.keeper?.retain(this);
  }

  letGo(): void {
    this.keeper?.release(this);
  }

  // ---- for cursors

  /**
   * The slot of the decoded index, good until anything else is asked of the cache: not pinned. -1 in CACHED mode where it is not cached.
   */
  openIndex(mode: number, requests: BlockRequests | undefined): number {
    const { offset, size } = this.layout.index;
    let slot = this.#cache.peek(this.#indexSlot, this.fileNumber, offset);
    if (slot < 0) {
      if (mode === CACHED) {
        requests!.add(this, INDEX, offset, size);
        return NO_SLOT;
      }
      slot = this.loader.load(this, INDEX, offset, size);
      this.#cache.release(slot);
    }
    this.#indexSlot = slot;
    if (this.isHeld && this.#heldIndex < 0 && this.#cache.hold(slot)) this.#heldIndex = slot;
    return slot;
  }

  /** Whoever wrote the table has newer entries, or it is damage that no checksum tells. */
  unsupportedEntry(offset: number, low: number, high: number): LsmError {
    const place = { path: this.file.path, offset };
    if (high >>> 0 > MAX_TRAILER_HIGH) {
      return new LsmError('UNSUPPORTED', 'a sequence number above 2^53 - 1', place);
    }
    return new LsmError('UNSUPPORTED', `an entry of type ${typeOf(low)}`, place);
  }

  /** `requests`: for CACHED mode. */
  #openFilter(handle: BlockHandle, mode: number, requests: BlockRequests | undefined): number {
    const { offset, size } = handle;
    let slot = this.#cache.peek(this.#filterSlot, this.fileNumber, offset);
    if (slot >= 0 && slot === this.#filterSlot) return slot;
    if (slot < 0) {
      if (mode === CACHED) {
        requests!.add(this, FILTER, offset, size);
        return NO_SLOT;
      }
      slot = this.loader.load(this, FILTER, offset, size);
      this.#cache.release(slot);
    }
    const at = this.#cache.start(slot);
    const check = handle === this.layout.filter ? isFilter : isLevelDbFilter;
    if (!check(this.#cache.region(slot), at, at + this.#cache.length(slot))) {
      throw malformed(this, offset, 'the filter is malformed');
    }
    this.#filterSlot = slot;
    if (this.isHeld && this.#heldFilter < 0 && this.#cache.hold(slot)) this.#heldFilter = slot;
    return slot;
  }

  /** ABSENT, NOT_CACHED, or FOUND for 'look into the block'. */
  #askLevelDbFilter(
    region: Region,
    start: number,
    end: number,
    offset: number,
    mode: number,
    requests: BlockRequests,
  ): number {
    const slot = this.#openFilter(this.layout.levelDbFilter!, mode, requests);
    if (slot < 0) return NOT_CACHED;
    const filter = this.#cache.region(slot);
    const at = this.#cache.start(slot);
    const hash = levelDbHash(region, start, end);
    if (levelDbMayContain(filter, at, at + this.#cache.length(slot), offset, hash)) return FOUND;
    this.loader.filterNegatives++;
    return ABSENT;
  }
}

/** A tenth more than the average, since blocks are not all alike. */
function blockEntriesOf(properties: TableProperties | undefined): number {
  if (properties === undefined || properties.dataBlocks === 0) return 0;
  return Math.ceil((properties.entries / properties.dataBlocks) * 1.1) + 2;
}

function sizeOf(file: OpenFile): number {
  try {
    return file.size();
  } catch (error) {
    throw fromFileError(error);
  }
}

function readAt(file: OpenFile, region: Region, position: number): number {
  try {
    return file.read(region.bytes, 0, region.bytes.length, position);
  } catch (error) {
    throw fromFileError(error);
  }
}

function readPlain(
  loader: BlockLoader,
  source: BlockSource,
  handle: BlockHandle,
  what: string,
): Map<string, Uint8Array> {
  loader.readPlain(source, handle.offset, handle.size);
  const entries = readPlainBlock(loader.plain, loader.plainStart, loader.plainEnd);
  if (entries === undefined) throw malformed(source, handle.offset, `${what} is malformed`);
  return entries;
}
