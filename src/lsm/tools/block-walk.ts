/**
 * Walks the entries of a block that is uncompressed, whatever it is of (data, index, properties) and whoever wrote it, and takes nothing for
 * granted: entries that leave their block, keys that share more than there was, restart points that are none. It knows no order of keys.
 *
 * Each entry takes at least three bytes, so a walk ends. Keys are made whole in a region of the walk's own.
 */
import { copyBytes, Region } from '../../bytes/region.ts';
import { readVarint, varintEnd } from '../../bytes/varint.ts';

const FIRST_KEY_BYTES = 256;

export class BlockWalk {
  /** The entry: its key is `[0, keyLength)` of `key`, its value is in `region`. Valid until the next call. */
  key: Region = Region.allocate(FIRST_KEY_BYTES);
  keyLength = 0;
  region: Region = this.key;
  valueStart = 0;
  valueEnd = 0;
  /** Entries so far. */
  entries = 0;
  /** What is wrong, '' while nothing is, and how many bytes into the block. */
  problem = '';
  problemAt = 0;
  restarts = 0;
  #start = 0;
  #at = 0;
  #entriesEnd = 0;
  #nextRestart = 0;

  /** Begins with the block `[start, end)`. False where it cannot be one. */
  open(region: Region, start: number, end: number): boolean {
    this.region = region;
    this.#start = start;
    this.#at = start;
    this.#entriesEnd = start;
    this.keyLength = 0;
    this.entries = 0;
    this.problem = '';
    this.problemAt = 0;
    this.restarts = 0;
    this.#nextRestart = 0;
    if (end - start < 4) return this.#fail(start, 'a block of less than 4 bytes');
    const restarts = region.view.getUint32(end - 4, true);
    const entriesEnd = end - 4 - restarts * 4;
    if (restarts === 0 || entriesEnd < start) {
      return this.#fail(end - 4, `${restarts} restart points in a block of ${end - start} bytes`);
    }
    this.restarts = restarts;
    this.#entriesEnd = entriesEnd;
    if (region.view.getUint32(entriesEnd, true) === 0) return true;
    return this.#fail(entriesEnd, 'the first restart point is not the first entry');
  }

  /** Reads the next entry. False behind the last one, and where there is a `problem`. */
  next(): boolean {
    const end = this.#entriesEnd;
    const { bytes } = this.region;
    let at = this.#at;
    if (at >= end) return this.#finish();
    const entryAt = at;
    const shared = readVarint(bytes, at, end);
    if (shared < 0) return this.#fail(entryAt, 'an entry without its lengths');
    at = varintEnd(bytes, at);
    const further = readVarint(bytes, at, end);
    if (further < 0) return this.#fail(entryAt, 'an entry without its lengths');
    at = varintEnd(bytes, at);
    const valueLength = readVarint(bytes, at, end);
    if (valueLength < 0) return this.#fail(entryAt, 'an entry without its lengths');
    at = varintEnd(bytes, at);
    if (at + further + valueLength > end) {
      return this.#fail(entryAt, 'an entry that goes beyond its block');
    }
    if (shared > this.keyLength) {
      return this.#fail(entryAt, 'a key that shares more than the key before has');
    }
    if (!this.#passRestart(entryAt, shared)) return false;
    const length = shared + further;
    if (length > this.key.bytes.length) this.#growKey(length);
    copyBytes(this.key, shared, this.region, at, further);
    this.keyLength = length;
    this.valueStart = at + further;
    this.valueEnd = at + further + valueLength;
    this.#at = this.valueEnd;
    this.entries++;
    return true;
  }

  /** A copy of the key. */
  keyBytes(): Uint8Array {
    return this.key.bytes.slice(0, this.keyLength);
  }

  #passRestart(entryAt: number, shared: number): boolean {
    if (this.#nextRestart === this.restarts) return true;
    const restart = this.#restart(this.#nextRestart);
    if (restart > entryAt) return true;
    if (restart < entryAt) return this.#fail(restart, 'a restart point that is no entry');
    this.#nextRestart++;
    return shared === 0 || this.#fail(entryAt, 'a restart point whose key is not whole');
  }

  /** An empty block has one restart point all the same. */
  #finish(): boolean {
    if (this.problem !== '') return false;
    const left = this.restarts - this.#nextRestart;
    if (left === 0 || (left === 1 && this.entries === 0)) return false;
    return this.#fail(this.#restart(this.#nextRestart), 'a restart point behind the last entry');
  }

  #restart(i: number): number {
    return this.#start + this.region.view.getUint32(this.#entriesEnd + i * 4, true);
  }

  #growKey(length: number): void {
    const grown = Region.allocate(length * 2);
    grown.bytes.set(this.key.bytes.subarray(0, this.keyLength));
    this.key = grown;
  }

  #fail(at: number, problem: string): false {
    this.problem = problem;
    this.problemAt = at - this.#start;
    this.#at = this.#entriesEnd;
    return false;
  }
}
