/**
 * An ordered index of keys outside the JavaScript heap, each with two numbers below 2^32: the memtable's tree, in a buffer that is replaced by a larger one when it is full.
 * A key that is added again gets a newer version; older ones stay, for whoever goes through the index as it was.
 */
import { Region } from '../../bytes/region.ts';
import { VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import { MAX_MEMTABLE_BYTES, MIN_MEMTABLE_BYTES } from '../limits.ts';
import { NONE } from '../memtable/layout.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { Memtable } from '../memtable/memtable.ts';

const VALUE_BYTES = 8;

export class KeyIndex {
  /** Versions so far: that of the last one. */
  version = 0;
  /** Of the version that `find` has found. */
  first = 0;
  second = 0;
  type = 0;
  /** Its number. */
  foundVersion = 0;
  #memtable: Memtable | undefined = undefined;
  readonly #value: Region = Region.allocate(VALUE_BYTES);

  /** Bytes of memory outside the heap. */
  get sizeBytes(): number {
    return this.#memtable?.capacityBytes ?? 0;
  }

  /** Of that, what is in use. */
  get usedBytes(): number {
    return this.#memtable?.usedBytes ?? 0;
  }

  /** What holds the versions up to now, and will go on doing so; undefined where there are none. */
  get memtable(): Memtable | undefined {
    return this.#memtable;
  }

  /** Throws LsmError LIMIT beyond 2 GiB. */
  add(
    region: Region,
    start: number,
    end: number,
    type: number,
    first: number,
    second: number,
  ): void {
    const { view } = this.#value;
    view.setUint32(0, first, true);
    view.setUint32(4, second, true);
    const version = this.version + 1;
    let memtable = (this.#memtable ??= Memtable.allocate(MIN_MEMTABLE_BYTES));
    while (!memtable.add(region, start, end, version, type, this.#value, 0, VALUE_BYTES)) {
      memtable = this.#grow(memtable, end - start);
    }
    this.version = version;
  }

  /** Whether the key has a version of at most this number: `first`, `second` and `type` are the newest such one's. */
  find(region: Region, start: number, end: number, version: number = this.version): boolean {
    const memtable = this.#memtable;
    if (memtable === undefined) return false;
    const record = memtable.get(region, start, end, version);
    if (record === NONE) return false;
    const at = memtable.keyEnd(record);
    this.first = memtable.region.view.getUint32(at, true);
    this.second = memtable.region.view.getUint32(at + 4, true);
    this.type = memtable.type(record);
    this.foundVersion = memtable.sequence(record);
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    this.#memtable = undefined;
    this.version = 0;
  }

  #grow(old: Memtable, keyLength: number): Memtable {
    const least = Memtable.capacityFor(old.entries + 1, old.payloadBytes + keyLength + VALUE_BYTES);
    const capacity = Math.min(MAX_MEMTABLE_BYTES, Math.max(least, 2 * old.capacityBytes));
    if (capacity <= old.capacityBytes) throw new LsmError('LIMIT', 'an index of keys is too large');
    const memtable = Memtable.allocate(capacity);
    const cursor = new MemtableCursor(old);
    for (cursor.first(); cursor.status === VALID; cursor.next()) {
      const { keyRegion, keyStart, keyEnd, sequence, type, valueRegion, valueStart, valueEnd } =
        cursor;
      memtable.add(keyRegion, keyStart, keyEnd, sequence, type, valueRegion, valueStart, valueEnd);
    }
    this.#memtable = memtable;
    return memtable;
  }
}
