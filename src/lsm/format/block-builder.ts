/**
 * Builds a block of keys in order, in a region of its own that is used for block after block:
 *
 *   entry: shared key bytes | further key bytes | value bytes (three varints), the further key bytes, the value
 *   ...
 *   offsets of restart points, 4 bytes each | their number, 4 bytes
 *
 * `shared` counts from the key before. At a restart point it is 0 and the key is whole: a search begins there. Keys here are bytes; in data blocks they
 * are internal keys, whose trailer is never shared, so that a reader finds it in one piece.
 */
import { copyBytes, Region } from '../../bytes/region.ts';
import { writeVarint } from '../../bytes/varint.ts';
import { TRAILER_BYTES, writeTrailer } from '../internal-key.ts';

const FIRST_CAPACITY_BYTES = 16 * 1024;
const HEADER_BYTES = 15;

export class BlockBuilder {
  /** The block so far is `[0, end)`; whole after `finish`. Another region after growth. */
  region: Region = Region.allocate(FIRST_CAPACITY_BYTES);
  end = 0;
  entries = 0;
  readonly #interval: number;
  #restarts: Int32Array = new Int32Array(64);
  #restartCount = 1;
  #sinceRestart = 0;

  constructor(restartInterval: number) {
    this.#interval = restartInterval;
  }

  /** Bytes of the block if it were finished now. */
  get sizeBytes(): number {
    return this.end + (this.#restartCount + 1) * 4;
  }

  /** Adds an internal key, of which the first `prefix` bytes are those of the user key before, and a value. */
  add(
    keyRegion: Region,
    keyStart: number,
    keyEnd: number,
    prefix: number,
    low: number,
    high: number,
    valueRegion: Region,
    valueStart: number,
    valueEnd: number,
  ): void {
    const shared = this.#beginEntry(prefix);
    const further = keyEnd - keyStart - shared;
    const valueLength = valueEnd - valueStart;
    this.#grow(HEADER_BYTES + further + TRAILER_BYTES + valueLength);
    const { region } = this;
    const { bytes } = region;
    let at = this.end;
    if (shared < 128 && further + TRAILER_BYTES < 128 && valueLength < 128) {
      bytes[at] = shared;
      bytes[at + 1] = further + TRAILER_BYTES;
      bytes[at + 2] = valueLength;
      at += 3;
    } else at = this.#writeHeader(shared, further + TRAILER_BYTES, valueLength);
    copyBytes(region, at, keyRegion, keyStart + shared, further);
    at = writeTrailer(region, at + further, low, high);
    copyBytes(region, at, valueRegion, valueStart, valueLength);
    this.end = at + valueLength;
  }

  /** Adds a key that is no internal key, whole, and a value: for blocks about the table. */
  addPlain(key: Uint8Array, value: Uint8Array): void {
    this.#beginEntry(0);
    this.#grow(HEADER_BYTES + key.length + value.length);
    const at = this.#writeHeader(0, key.length, value.length);
    this.region.bytes.set(key, at);
    this.region.bytes.set(value, at + key.length);
    this.end = at + key.length + value.length;
  }

  /** Ends the block: it is `[0, end)` of the region, until `clear`. */
  finish(): void {
    this.#grow((this.#restartCount + 1) * 4);
    const { view } = this.region;
    for (let i = 0; i < this.#restartCount; i++, this.end += 4) {
      view.setUint32(this.end, this.#restarts[i]!, true);
    }
    view.setUint32(this.end, this.#restartCount, true);
    this.end += 4;
  }

  clear(): void {
    this.end = 0;
    this.entries = 0;
    this.#restartCount = 1;
    this.#sinceRestart = 0;
  }

  #beginEntry(prefix: number): number {
    this.entries++;
    if (this.#sinceRestart < this.#interval && this.entries > 1) {
      this.#sinceRestart++;
      return prefix;
    }
    if (this.entries > 1) {
      if (this.#restartCount === this.#restarts.length) {
        const grown = new Int32Array(this.#restartCount * 2);
        grown.set(this.#restarts);
        this.#restarts = grown;
      }
      this.#restarts[this.#restartCount++] = this.end;
    }
    this.#sinceRestart = 1;
    return 0;
  }

  #writeHeader(shared: number, further: number, valueLength: number): number {
    const { bytes } = this.region;
    const at = writeVarint(bytes, writeVarint(bytes, this.end, shared), further);
    return writeVarint(bytes, at, valueLength);
  }

  #grow(more: number): void {
    const needed = this.end + more;
    if (needed <= this.region.bytes.length) return;
    const grown = Region.allocate(Math.max(needed, this.region.bytes.length * 2));
    grown.bytes.set(this.region.bytes.subarray(0, this.end));
    this.region = grown;
  }
}
