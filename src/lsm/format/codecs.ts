/**
 * How a block's bytes are stored, by the type byte behind them:
 *
 *   0  as they are
 *   1  snappy
 *   2  zstd or, in files of RocksDB and forks of LevelDB, zlib: told by how the bytes begin
 *   3  format level 2: LZ4, behind the length as a varint
 *   4  in files of a fork of LevelDB: deflate without a header
 *
 * Levels 1 of LevelDB knows 0 and 1 (newer versions 2); the others are read wherever they are met.
 */
import zlib from 'node:zlib';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappyjs';
import type { Region } from '../../bytes/region.ts';
import { readVarint, varintEnd, varintLength, writeVarint } from '../../bytes/varint.ts';
import { LsmError } from '../errors.ts';
import { MAX_PLAIN_BLOCK_BYTES } from '../limits.ts';
import { isLz4Length, Lz4Compressor, lz4Uncompress } from './lz4.ts';
import type { CodecName } from './table-options.ts';

export const BLOCK_RAW = 0;
export const BLOCK_SNAPPY = 1;
export const BLOCK_ZSTD = 2;
export const BLOCK_LZ4 = 3;
export const BLOCK_DEFLATE = 4;

/** `plainLength`: the bytes cannot be right, or only uncompressing them (`inflateBlock`) tells. */
export const MALFORMED = -1;
export const UNTOLD = -2;

const ZSTD_LEVEL = 1;
const ZSTD_MAGIC = 0xfd2fb528;
const ZLIB_FIRST_BYTE = 0x78;
/** A copy of 3 bytes makes 64. */
const MAX_SNAPPY_RATIO = 22;
/** The most that a byte of deflate or of a zstd block becomes. */
const MAX_DEFLATE_RATIO = 1032;
const MAX_ZSTD_RATIO = 65_536;

/** What newer versions of Node.js have and the types of the oldest do not. */
interface ZstdModule {
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}
const ZSTD: ZstdModule = zlib as unknown as ZstdModule;

/** Whether this Node.js can compress with the codec. */
export function isCodecPresent(codec: CodecName): boolean {
  return codec !== 'zstd' || ZSTD.zstdCompressSync !== undefined;
}

/** Compresses blocks with one codec. Holds the memory for it. */
export class BlockCompressor {
  /** The type byte of blocks that it compressed. */
  readonly type: number;
  readonly #lz4: Lz4Compressor | undefined;

  /** Throws LsmError UNSUPPORTED where this Node.js does not have the codec. */
  constructor(codec: CodecName) {
    if (!isCodecPresent(codec)) {
      throw new LsmError('UNSUPPORTED', 'this Node.js has no zstd: it came with version 22.15');
    }
    this.type = { none: BLOCK_RAW, snappy: BLOCK_SNAPPY, lz4: BLOCK_LZ4, zstd: BLOCK_ZSTD }[codec];
    this.#lz4 = codec === 'lz4' ? new Lz4Compressor() : undefined;
  }

  /** Compresses `[start, end)` to `target` at `at`, within `limit`; returns where it ends, -1 where it does not fit. */
  compress(
    source: Region,
    start: number,
    end: number,
    target: Region,
    at: number,
    limit: number,
  ): number {
    if (this.#lz4 !== undefined) {
      const bodyAt = at + varintLength(end - start);
      if (bodyAt > limit) return -1;
      writeVarint(target.bytes, at, end - start);
      return this.#lz4.compress(source, start, end, target, bodyAt, limit);
    }
    if (this.type === BLOCK_RAW) return -1;
    const plain = source.bytes.subarray(start, end);
    const packed = this.type === BLOCK_SNAPPY ? snappyCompress(plain) : compressZstd(plain);
    if (at + packed.length > limit) return -1;
    target.bytes.set(packed, at);
    return at + packed.length;
  }
}

function compressZstd(plain: Uint8Array): Uint8Array {
  const level = ZSTD.constants.ZSTD_c_compressionLevel ?? 100;
  return ZSTD.zstdCompressSync!(plain, { params: { [level]: ZSTD_LEVEL } });
}

/** Bytes that a block is uncompressed; MALFORMED, or UNTOLD. */
export function plainLength(type: number, source: Region, start: number, end: number): number {
  if (type === BLOCK_RAW) return end - start;
  if (type !== BLOCK_SNAPPY && type !== BLOCK_LZ4) return UNTOLD;
  const length = readVarint(source.bytes, start, end);
  if (type === BLOCK_SNAPPY) return length > (end - start) * MAX_SNAPPY_RATIO ? MALFORMED : length;
  return isLz4Length(length, end - start) ? length : MALFORMED;
}

/** Uncompresses a block whose `plainLength` is `length` to `target` at `at`; whether it could. */
export function uncompressBlock(
  type: number,
  source: Region,
  start: number,
  end: number,
  target: Region,
  at: number,
  length: number,
): boolean {
  if (type === BLOCK_SNAPPY) {
    try {
      target.bytes.set(snappyUncompress(source.bytes.subarray(start, end), length), at);
      return true;
    } catch {
      return false;
    }
  }
  return lz4Uncompress(source, varintEnd(source.bytes, start), end, target, at, length);
}

/**
 * A block of a type that node:zlib uncompresses, as bytes of its own; undefined where it is damaged. Throws LsmError UNSUPPORTED for types that
 * nobody here knows.
 */
export function inflateBlock(
  type: number,
  source: Region,
  start: number,
  end: number,
): Uint8Array | undefined {
  const bytes = source.bytes.subarray(start, end);
  const isZstd = end - start >= 4 && source.view.getUint32(start, true) === ZSTD_MAGIC;
  const ratio = isZstd ? MAX_ZSTD_RATIO : MAX_DEFLATE_RATIO;
  const limit = { maxOutputLength: Math.min(MAX_PLAIN_BLOCK_BYTES, (end - start + 16) * ratio) };
  try {
    if (type === BLOCK_DEFLATE) return zlib.inflateRawSync(bytes, limit);
    if (type !== BLOCK_ZSTD) throw new LsmError('UNSUPPORTED', `blocks of type ${type}`);
    if (bytes[0] === ZLIB_FIRST_BYTE) return zlib.inflateSync(bytes, limit);
    if (!isZstd) return undefined;
    if (ZSTD.zstdDecompressSync === undefined) {
      throw new LsmError('UNSUPPORTED', 'zstd blocks need Node.js 22.15 or later');
    }
    return ZSTD.zstdDecompressSync(bytes, limit);
  } catch (error) {
    if (error instanceof LsmError) throw error;
    return undefined;
  }
}
