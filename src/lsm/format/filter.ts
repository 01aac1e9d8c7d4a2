/**
 * The full-file filter: a Bloom filter of cache lines. One hash of the key chooses a line of 64 bytes, and all bits of the key are in it, so that
 * a lookup costs one cache miss. Contents of the meta block `filter.kvasir.blocked-bloom`:
 *
 *   lines, 64 bytes each | keys (4 bytes) | probes (1) | version (1) | 0 0
 *
 * The line is the hash (hash32.ts), a uint32, times the number of lines, divided by 2^32. Each probe is bit (g >>> 23) of the line, in words of
 * 32 bits little endian, where g begins as hash times 0x9e3779b9 and is multiplied by it after each probe. Numbers are little endian.
 */
import { hash32 } from '../../bytes/hash32.ts';
import { Region } from '../../bytes/region.ts';

export const FILTER_NAME = 'filter.kvasir.blocked-bloom';

const LINE_BYTES = 64;
const LINE_BITS = 512;
const TAIL_BYTES = 8;
const VERSION = 1;
const MAX_PROBES = 16;
/** Bits of a line fill unevenly: fewer probes than ln 2 times the bits a key are the optimum. */
const PROBES_PER_BIT = 0.62;
const GOLDEN = 0x9e3779b9 | 0;
const TWO_32 = 2 ** 32;

/** The hash of a user key, as `Table.get` takes it. */
export function filterHash(region: Region, start: number, end: number): number {
  return hash32(region, start, end);
}

/** Collects the hashes of a table's keys, then makes the filter. */
export class FilterBuilder {
  readonly #bitsPerKey: number;
  #hashes: Int32Array = new Int32Array(1024);
  #count = 0;

  constructor(bitsPerKey: number) {
    this.#bitsPerKey = bitsPerKey;
  }

  get keys(): number {
    return this.#count;
  }

  /** Bytes of the filter if it were made now. */
  get sizeBytes(): number {
    return this.#lines() * LINE_BYTES + TAIL_BYTES;
  }

  add(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const grown = new Int32Array(this.#count * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#count++] = hash;
  }

  /** The contents of the meta block. */
  finish(): Region {
    const lines = this.#lines();
    const probes = Math.min(MAX_PROBES, Math.max(1, Math.round(this.#bitsPerKey * PROBES_PER_BIT)));
    const region = Region.allocate(lines * LINE_BYTES + TAIL_BYTES);
    const words = new Int32Array(region.bytes.buffer, 0, lines * (LINE_BYTES / 4));
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#hashes[i]!;
      const line = Math.floor(((hash >>> 0) * lines) / TWO_32) * (LINE_BYTES / 4);
      let g = Math.imul(hash, GOLDEN);
      for (let n = 0; n < probes; n++) {
        words[line + (g >>> 28)]! |= 1 << ((g >>> 23) & 31);
        g = Math.imul(g, GOLDEN);
      }
    }
    const { view } = region;
    view.setUint32(lines * LINE_BYTES, this.#count, true);
    view.setUint8(lines * LINE_BYTES + 4, probes);
    view.setUint8(lines * LINE_BYTES + 5, VERSION);
    return region;
  }

  #lines(): number {
    return Math.max(1, Math.ceil((this.#count * this.#bitsPerKey) / LINE_BITS));
  }
}

/** Whether `[start, end)` is a filter that this version can read. */
export function isFilter(region: Region, start: number, end: number): boolean {
  const linesBytes = end - start - TAIL_BYTES;
  if (linesBytes < LINE_BYTES || linesBytes % LINE_BYTES !== 0) return false;
  const probes = region.bytes[end - 4]!;
  return region.bytes[end - 3] === VERSION && probes >= 1 && probes <= MAX_PROBES;
}

/** Whether a key with this hash may be in the table whose filter is `[start, end)`; false is certain. */
export function mayContain(region: Region, start: number, end: number, hash: number): boolean {
  const { view } = region;
  const lines = (end - start - TAIL_BYTES) / LINE_BYTES;
  const line = start + Math.floor(((hash >>> 0) * lines) / TWO_32) * LINE_BYTES;
  let g = Math.imul(hash, GOLDEN);
  for (let n = view.getUint8(end - 4); n > 0; n--) {
    if ((view.getInt32(line + ((g >>> 28) << 2), true) & (1 << ((g >>> 23) & 31))) === 0) {
      return false;
    }
    g = Math.imul(g, GOLDEN);
  }
  return true;
}
