/**
 * Goes through the keys of an index (key-index.ts) between two bounds, in either direction: of each key the newest version of those that there were when the cursor
 * was made.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { Region } from '../../bytes/region.ts';
import { VALID } from '../cursor.ts';
import { MAX_SEQUENCE } from '../internal-key.ts';
import { NONE } from '../memtable/layout.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { KeyIndex } from './key-index.ts';

export class OwnCursor {
  isValid = false;
  /** The key, whole. */
  readonly key: GrowingBytes = new GrowingBytes();
  type = 0;
  first = 0;
  second = 0;
  /** The number of the version that counts. */
  version = 0;
  readonly #memtable: Memtable | undefined;
  readonly #cursor: MemtableCursor | undefined;
  readonly #version: number;
  readonly #lower: GrowingBytes | undefined;
  readonly #upper: GrowingBytes | undefined;
  readonly #isReverse: boolean;

  /** The first bound included, the second not. Stands before the first key. */
  constructor(
    index: KeyIndex,
    lower: GrowingBytes | undefined,
    upper: GrowingBytes | undefined,
    isReverse: boolean,
  ) {
    this.#memtable = index.memtable;
    this.#cursor = this.#memtable && new MemtableCursor(this.#memtable);
    this.#version = index.version;
    this.#lower = lower;
    this.#upper = upper;
    this.#isReverse = isReverse;
  }

  /** To the first key, in its direction. */
  begin(): void {
    const bound = this.#isReverse ? this.#upper : this.#lower;
    if (bound !== undefined) this.#place(bound.region, bound.length, false);
    else if (this.#isReverse) this.#cursor?.last();
    else this.#cursor?.first();
    this.#settle();
  }

  /** To the first key at or behind this one, in reverse at or before it. */
  seek(region: Region, length: number): void {
    const bound = this.#isReverse ? this.#upper : this.#lower;
    if (bound !== undefined) {
      const order = compareBytes(region, 0, length, bound.region, 0, bound.length);
      if (this.#isReverse ? order >= 0 : order < 0) {
        this.begin();
        return;
      }
    }
    this.#place(region, length, true);
    this.#settle();
  }

  next(): void {
    const { region, length } = this.key;
    if (this.#isReverse) this.#cursor!.seekForPrevious(region, 0, length, MAX_SEQUENCE);
    else this.#cursor!.seek(region, 0, length, 0);
    this.#settle();
  }

  /** `isIncluded`: whether the key itself is looked for, in reverse. */
  #place(region: Region, length: number, isIncluded: boolean): void {
    if (!this.#isReverse) this.#cursor?.seek(region, 0, length, MAX_SEQUENCE);
    else this.#cursor?.seekForPrevious(region, 0, length, isIncluded ? 0 : MAX_SEQUENCE);
  }

  /** From any version of some key to the version that counts, of that key or of the next one that has any. */
  #settle(): void {
    this.isValid = false;
    const cursor = this.#cursor;
    const memtable = this.#memtable;
    if (cursor === undefined || memtable === undefined) return;
    while (cursor.status === VALID) {
      const { keyRegion, keyStart, keyEnd } = cursor;
      if (this.#isBeyond(keyRegion, keyStart, keyEnd)) return;
      this.key.set(keyRegion, keyStart, keyEnd);
      const { region, length } = this.key;
      const record = memtable.get(region, 0, length, this.#version);
      if (record !== NONE) {
        const at = memtable.keyEnd(record);
        this.type = memtable.type(record);
        this.version = memtable.sequence(record);
        this.first = memtable.region.view.getUint32(at, true);
        this.second = memtable.region.view.getUint32(at + 4, true);
        this.isValid = true;
        return;
      }
      if (this.#isReverse) cursor.seekForPrevious(region, 0, length, MAX_SEQUENCE);
      else cursor.seek(region, 0, length, 0);
    }
  }

  #isBeyond(region: Region, start: number, end: number): boolean {
    const bound = this.#isReverse ? this.#lower : this.#upper;
    if (bound === undefined) return false;
    const order = compareBytes(region, start, end, bound.region, 0, bound.length);
    return this.#isReverse ? order < 0 : order >= 0;
  }
}
