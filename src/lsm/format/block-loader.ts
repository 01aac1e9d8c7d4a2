/**
 * Brings blocks from files to memory: reads, verifies the checksum, uncompresses, and places them in the block cache. One loader serves all tables
 * of a thread; it holds the buffers that blocks pass through.
 */
import { maskedCrc32c, unmaskCrc } from '../../bytes/crc32c.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import { HIGH, LOW, type BlockCache } from '../cache/block-cache.ts';
import { fromFileError, LsmError } from '../errors.ts';
import {
  BLOCK_RAW,
  inflateBlock,
  MALFORMED,
  plainLength,
  UNTOLD,
  uncompressBlock,
} from './codecs.ts';
import { MAX_KEPT_BUFFER_BYTES } from '../limits.ts';
import { BlockRun } from './block-run.ts';
import { BlockSearch } from './block-search.ts';
import { clearEntryHints, EntryHints, entryHintBytes } from './entry-hints.ts';
import { BLOCK_TRAILER_BYTES, type BlockHandle } from './footer.ts';
import { decodedIndexBytes, decodeIndex } from './index-block.ts';

/** What a block is for: how it is placed in the cache. */
export const DATA = 0;
export const INDEX = 1;
export const FILTER = 2;

/** The file that a block is in, as far as a loader needs to know it. */
export interface BlockSource {
  readonly file: OpenFile;
  readonly fileNumber: number;
  /** All blocks lie before this place. */
  readonly blocksEnd: number;
  /** Entries of a data block, on the average and a little more; 0 or nothing where that is not known. */
  readonly blockEntries?: number;
  /** Keeps the file open until `letGo`, for a read that is made later. */
  hold?(): void;
  letGo?(): void;
}

const FIRST_BUFFER_BYTES = 16 * 1024;
/** Buffers that are kept for reads beside the event loop. */
const KEPT_BUFFERS = 16;

export class BlockLoader {
  readonly cache: BlockCache;
  /** Blocks read from files, and their bytes there. */
  blocksRead = 0;
  bytesRead = 0;
  /** Lookups that a filter answered, and those that it let pass in vain. */
  filterNegatives = 0;
  filterFalsePositives = 0;
  /** What lookups and seeks search blocks with. */
  readonly search: BlockSearch = new BlockSearch();
  readonly hints: EntryHints = new EntryHints();
  /** What `loadRun` reads. */
  readonly run: BlockRun = new BlockRun();
  /** Where `readPlain` leaves a block: `[plainStart, plainEnd)`, until the next call of anything here. */
  plain: Region = Region.allocate(0);
  plainStart = 0;
  plainEnd = 0;
  #stored: Region = Region.allocate(FIRST_BUFFER_BYTES);
  #uncompressed: Region = Region.allocate(0);
  readonly #buffers: Region[] = [];

  constructor(cache: BlockCache) {
    this.cache = cache;
  }

  /** Reads a block and caches it: its slot, pinned. Blocks. Throws LsmError CORRUPTION, IO_ERROR, UNSUPPORTED. */
  load(source: BlockSource, kind: number, offset: number, size: number): number {
    this.#readStored(source, offset, size);
    return this.place(source, kind, offset, size, this.#stored, 0);
  }

  /**
   * Reads the neighbours in `run` by one read and caches those that are not: the slot of the first, pinned. Blocks. Throws as `load`, but for a damaged
   * neighbour, which is left for whoever gets there.
   */
  loadRun(source: BlockSource): number {
    const { run } = this;
    const { length } = run;
    this.#readStored(source, run.offset(0), length - BLOCK_TRAILER_BYTES);
    const first = this.place(source, DATA, run.offset(0), run.size(0), this.#stored, 0);
    for (let i = 1; i < run.count; i++) {
      const offset = run.offset(i);
      if (this.cache.isCached(source.fileNumber, offset)) continue;
      const at = offset - run.offset(0);
      try {
        this.cache.release(this.place(source, DATA, offset, run.size(i), this.#stored, at));
      } catch {
        break;
      }
    }
    return first;
  }

  /** Reads neighbouring blocks by one read beside the event loop, and caches them: their slots, pinned, are added to `slots`. Rejects as `load` throws. */
  async loadAsync(
    source: BlockSource,
    kind: number,
    blocks: readonly BlockHandle[],
    slots: number[],
  ): Promise<void> {
    const from = blocks[0]!.offset;
    const last = blocks.at(-1)!;
    const length = last.offset + last.size + BLOCK_TRAILER_BYTES - from;
    let buffer = this.#buffers.pop();
    if (buffer === undefined || buffer.bytes.length < length) {
      buffer = Region.allocate(Math.max(length, FIRST_BUFFER_BYTES));
    }
    try {
      const count = await source.file.readAsync(buffer.bytes, 0, length, from);
      if (count < length) throw endsEarly(source, from, length, count);
      for (const { offset, size } of blocks) {
        // Somebody else may have been faster.
        const slot = this.cache.acquire(source.fileNumber, offset);
        const at = offset - from;
        slots.push(slot >= 0 ? slot : this.place(source, kind, offset, size, buffer, at));
      }
    } catch (error) {
      throw fromFileError(error);
    } finally {
      const isKept = buffer.bytes.length <= MAX_KEPT_BUFFER_BYTES;
      if (isKept && this.#buffers.length < KEPT_BUFFERS) this.#buffers.push(buffer);
    }
  }

  /** Reads a block past the cache and leaves it in `plain`. Blocks. Throws as `load`. */
  readPlain(source: BlockSource, offset: number, size: number): void {
    this.#readStored(source, offset, size);
    this.verify(source, offset, size, this.#stored, 0);
    this.#makePlain(source, offset, size, this.#stored, 0);
  }

  /** Verifies and caches a block whose stored bytes are at `at` of a region, trailer and all: its slot, pinned. */
  place(
    source: BlockSource,
    kind: number,
    offset: number,
    size: number,
    stored: Region,
    at: number,
  ): number {
    this.verify(source, offset, size, stored, at);
    this.blocksRead++;
    this.bytesRead += size + BLOCK_TRAILER_BYTES;
    const type = stored.bytes[at + size]!;
    let slot: number;
    if (kind === INDEX) {
      this.#makePlain(source, offset, size, stored, at);
      slot = this.#placeIndex(source, offset);
    } else {
      const length = plainLength(type, stored, at, at + size);
      if (length === UNTOLD) slot = this.#placeInflated(source, kind, offset, size, stored, at);
      else {
        if (length === MALFORMED) throw notUncompressed(source, offset);
        slot = this.#reserve(source, kind, length);
        const region = this.cache.region(slot);
        const start = this.cache.start(slot);
        if (type === BLOCK_RAW) copyBytes(region, start, stored, at, length);
        else if (!uncompressBlock(type, stored, at, at + size, region, start, length)) {
          this.cache.release(slot);
          throw notUncompressed(source, offset);
        }
      }
    }
    this.cache.publish(slot, source.fileNumber, offset);
    return slot;
  }

  /** Compares the checksum of a block with its stored bytes. Throws LsmError CORRUPTION. */
  verify(source: BlockSource, offset: number, size: number, stored: Region, at: number): void {
    const crc = maskedCrc32c(stored, at, at + size + 1);
    const expected = stored.view.getInt32(at + size + 1, true);
    if (crc === expected) return;
    throw new LsmError('CORRUPTION', `checksum of the block of ${size} bytes`, {
      path: source.file.path,
      offset,
      expected: hex(unmaskCrc(expected >>> 0)),
      found: hex(unmaskCrc(crc >>> 0)),
    });
  }

  /**
   * The verified stored block at `at` of a region, uncompressed to `target` at 0, which is returned, or a larger region in its place; the length is
   * left in `plainEnd`. For who reads past the cache. Raw blocks are no matter for it.
   */
  uncompress(
    source: BlockSource,
    offset: number,
    size: number,
    stored: Region,
    at: number,
    target: Region,
  ): Region {
    const type = stored.bytes[at + size]!;
    const length = plainLength(type, stored, at, at + size);
    if (length === UNTOLD) {
      const inflated = this.#inflate(source, offset, size, stored, at);
      if (target.bytes.length < inflated.length) target = Region.allocate(inflated.length);
      target.bytes.set(inflated);
      this.plainEnd = inflated.length;
      return target;
    }
    if (length === MALFORMED) throw notUncompressed(source, offset);
    if (target.bytes.length < length) target = Region.allocate(length);
    if (!uncompressBlock(type, stored, at, at + size, target, 0, length)) {
      throw notUncompressed(source, offset);
    }
    this.plainEnd = length;
    return target;
  }

  #readStored(source: BlockSource, offset: number, size: number): void {
    const length = size + BLOCK_TRAILER_BYTES;
    const capacity = this.#stored.bytes.length;
    if (capacity < length) this.#stored = Region.allocate(length + (length >>> 2));
    else if (capacity > MAX_KEPT_BUFFER_BYTES && length <= FIRST_BUFFER_BYTES) {
      this.#stored = Region.allocate(FIRST_BUFFER_BYTES);
    }
    let count: number;
    try {
      count = source.file.read(this.#stored.bytes, 0, length, offset);
    } catch (error) {
      throw fromFileError(error);
    }
    if (count < length) throw endsEarly(source, offset, length, count);
  }

  #makePlain(source: BlockSource, offset: number, size: number, stored: Region, at: number): void {
    if (stored.bytes[at + size] === BLOCK_RAW) {
      this.plain = stored;
      this.plainStart = at;
      this.plainEnd = at + size;
      return;
    }
    this.#uncompressed = this.uncompress(source, offset, size, stored, at, this.#uncompressed);
    this.plain = this.#uncompressed;
    this.plainStart = 0;
  }

  /** A data block has room for hints behind it (entry-hints.ts). */
  #reserve(source: BlockSource, kind: number, length: number): number {
    const { cache } = this;
    if (kind !== DATA) return cache.reserve(length, HIGH);
    const hintBytes = entryHintBytes(source.blockEntries ?? 0, length);
    const slot = cache.reserve(length, LOW, hintBytes);
    if (hintBytes > 0) clearEntryHints(cache.region(slot), cache.extra(slot), hintBytes);
    return slot;
  }

  #placeIndex(source: BlockSource, offset: number): number {
    const { cache, plain, plainStart, plainEnd } = this;
    const sizeBytes = decodedIndexBytes(plain, plainStart, plainEnd);
    if (sizeBytes < 0) throw malformed(source, offset, 'the index is malformed');
    const slot = cache.reserve(sizeBytes, HIGH);
    const region = cache.region(slot);
    const { blocksEnd } = source;
    const bad = decodeIndex(plain, plainStart, plainEnd, region, cache.start(slot), blocksEnd);
    if (bad < 0) return slot;
    cache.release(slot);
    throw malformed(source, offset, `entry at ${bad} of the index is out of order, or outside`);
  }

  #placeInflated(
    source: BlockSource,
    kind: number,
    offset: number,
    size: number,
    stored: Region,
    at: number,
  ): number {
    const inflated = this.#inflate(source, offset, size, stored, at);
    const slot = this.cache.reserve(inflated.length, kind === DATA ? LOW : HIGH);
    this.cache.region(slot).bytes.set(inflated, this.cache.start(slot));
    return slot;
  }

  #inflate(
    source: BlockSource,
    offset: number,
    size: number,
    stored: Region,
    at: number,
  ): Uint8Array {
    let inflated: Uint8Array | undefined;
    try {
      inflated = inflateBlock(stored.bytes[at + size]!, stored, at, at + size);
    } catch (error) {
      if (!(error instanceof LsmError)) throw error;
      throw new LsmError(error.code, error.message, { path: source.file.path, offset });
    }
    if (inflated === undefined) throw notUncompressed(source, offset);
    return inflated;
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

function endsEarly(source: BlockSource, offset: number, expected: number, found: number): LsmError {
  const { path } = source.file;
  const problem = 'the file ends within a block';
  return new LsmError('CORRUPTION', problem, { path, offset, expected, found });
}

function notUncompressed(source: BlockSource, offset: number): LsmError {
  return malformed(source, offset, 'the block cannot be uncompressed');
}

/** A block whose checksum is right and whose contents are not. */
export function malformed(source: BlockSource, offset: number, problem: string): LsmError {
  return new LsmError('CORRUPTION', problem, { path: source.file.path, offset });
}
