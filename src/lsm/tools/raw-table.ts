/**
 * A table without trust, for tools: nothing is read before it is asked for, the order of keys is not looked at (their comparator may be one
 * that we lack), and where its footer is damaged its blocks can still be looked for. Each part that cannot be read throws an LsmError of
 * its own; nothing is cached.
 */
import { copyBytes, Region } from '../../bytes/region.ts';
import type { OpenFile } from '../../os/file-system.ts';
import { BlockCache } from '../cache/block-cache.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { BlockLoader, malformed, type BlockSource } from '../format/block-loader.ts';
import { FOOTER_BYTES, readFooter, readHandle } from '../format/footer.ts';
import type { BlockHandle, Footer } from '../format/footer.ts';
import { readPlainBlock } from '../format/properties.ts';
import { BlockWalk } from './block-walk.ts';

/** A loader that caches nothing: the smallest cache there is stays empty. */
export function uncachedLoader(): BlockLoader {
  return new BlockLoader(new BlockCache({ capacityBytes: 64 * 1024 }));
}

/** What the index says of a data block. */
export interface IndexEntry extends BlockHandle {
  /** An internal key, not before the block's last nor behind the next one's first; where the index has one. */
  readonly separator: Uint8Array;
}

export class RawTable implements BlockSource {
  readonly file: OpenFile;
  readonly fileNumber: number;
  readonly sizeBytes: number;
  readonly blocksEnd: number;
  readonly loader: BlockLoader;
  /** undefined where it is damaged: `footerError`. */
  readonly footer: Footer | undefined;
  readonly footerError: LsmError | undefined;
  /** The last bytes of the file, as many as a footer has, or fewer. */
  readonly footerBytes: Region;

  /** Reads the footer. The file stays the caller's to close. Throws LsmError IO_ERROR. */
  constructor(file: OpenFile, fileNumber: number, loader: BlockLoader) {
    this.file = file;
    this.fileNumber = fileNumber;
    this.loader = loader;
    try {
      this.sizeBytes = file.size();
      this.footerBytes = readEnd(file, this.sizeBytes);
    } catch (error) {
      throw fromFileError(error);
    }
    try {
      if (this.footerBytes.bytes.length < FOOTER_BYTES) throw tooShort(file.path, this.sizeBytes);
      this.footer = readFooter(this.footerBytes, this.sizeBytes, file.path);
      this.footerError = undefined;
    } catch (error) {
      this.footer = undefined;
      this.footerError = error as LsmError;
    }
    this.blocksEnd = this.sizeBytes - (this.footer === undefined ? 0 : FOOTER_BYTES);
  }

  /** Blocks about the table by name, handles that lead nowhere undefined. Throws LsmError. */
  metaBlocks(): Map<string, BlockHandle | undefined> {
    const { metaindex } = this.#footer();
    const names = this.plainEntries(metaindex, 'the metaindex');
    const handles = new Map<string, BlockHandle | undefined>();
    for (const [name, value] of names) {
      handles.set(name, readHandle(value, 0, value.length, this.blocksEnd));
    }
    return handles;
  }

  /** What the index says of each data block. Valid for a step. Throws LsmError. */
  *indexEntries(): Generator<IndexEntry, void> {
    const { index } = this.#footer();
    const block = this.copyBlock(index);
    const walk = new BlockWalk();
    walk.open(block, 0, block.bytes.length);
    while (walk.next()) {
      const { valueStart, valueEnd } = walk;
      const handle = readHandle(block.bytes, valueStart, valueEnd, this.blocksEnd);
      if (handle === undefined) {
        throw malformed(this, index.offset, `the index names a block outside of the file`);
      }
      yield { ...handle, separator: walk.keyBytes() };
    }
    if (walk.problem === '') return;
    throw malformed(this, index.offset, `the index is malformed: ${walk.problem}`);
  }

  /** Opens a block: it is `[plainStart, plainEnd)` of the loader's `plain`. Throws LsmError. */
  readBlock(handle: BlockHandle): void {
    this.loader.readPlain(this, handle.offset, handle.size);
  }

  /** The same as a region of its own. */
  copyBlock(handle: BlockHandle): Region {
    this.readBlock(handle);
    const { plain, plainStart, plainEnd } = this.loader;
    const copy = Region.allocate(plainEnd - plainStart);
    copyBytes(copy, 0, plain, plainStart, plainEnd - plainStart);
    return copy;
  }

  /** The entries of a block about the table. Throws LsmError. */
  plainEntries(handle: BlockHandle, what: string): Map<string, Uint8Array> {
    this.readBlock(handle);
    const { plain, plainStart, plainEnd } = this.loader;
    const entries = readPlainBlock(plain, plainStart, plainEnd);
    if (entries === undefined) throw malformed(this, handle.offset, `${what} is malformed`);
    return entries;
  }

  #footer(): Footer {
    if (this.footer === undefined) throw this.footerError!;
    return this.footer;
  }
}

function readEnd(file: OpenFile, sizeBytes: number): Region {
  const region = Region.allocate(Math.min(FOOTER_BYTES, sizeBytes));
  const { length } = region.bytes;
  const count = file.read(region.bytes, 0, length, sizeBytes - length);
  return count === length ? region : Region.of(region.bytes.slice(0, count));
}

function tooShort(path: string, found: number): LsmError {
  const expected = `${FOOTER_BYTES} bytes at least`;
  return new LsmError('CORRUPTION', 'this is no table: it is too short', { path, expected, found });
}
