/**
 * The range tombstones of a memtable. Each that is added is newer than all before it, so for the newest readers a key is covered by the last one that was
 * added over it: `#starts` to `#sequences` are that as a function of the key, step by step. A new range replaces the steps within it, so there are two for a range at
 * most, however they overlap. For readers of an older moment the same is made of the ranges that they see.
 */
import { compareBytes } from '../../bytes/compare.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { NOT_COVERED, RangeFragments } from '../range-fragments.ts';
import type { Memtable } from './memtable.ts';

/** A step function of keys: which range's sequence covers those from a start on, up to the next. */
class Steps {
  readonly #memtable: Memtable;
  /** Where keys begin and end in the memtable. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #sequences: number[] = [];

  constructor(memtable: Memtable) {
    this.#memtable = memtable;
  }

  /** A range that is newer than all before. */
  add(record: number): void {
    const memtable = this.#memtable;
    const { region } = memtable;
    const begin = memtable.keyStart(record);
    const beginEnd = memtable.keyEnd(record);
    const endEnd = memtable.valueEnd(record);
    if (compareBytes(region, begin, beginEnd, region, beginEnd, endEnd) >= 0) return;
    const from = this.#countBefore(begin, beginEnd, false);
    const to = this.#countBefore(beginEnd, endEnd, true);
    const behind = to === 0 ? NOT_COVERED : this.#sequences[to - 1]!;
    const count = to - from;
    this.#starts.splice(from, count, begin, beginEnd);
    this.#ends.splice(from, count, beginEnd, endEnd);
    this.#sequences.splice(from, count, memtable.sequence(record), behind);
  }

  /** As they are now. */
  toFragments(): RangeFragments {
    const count = this.#starts.length;
    const first = new Int32Array(count + 1);
    const sequences: number[] = [];
    for (let i = 0; i < count; i++) {
      const sequence = this.#sequences[i]!;
      if (sequence !== NOT_COVERED) sequences.push(sequence);
      first[i + 1] = sequences.length;
    }
    return new RangeFragments(
      this.#memtable.region,
      Int32Array.from(this.#starts),
      Int32Array.from(this.#ends),
      first,
      Float64Array.from(sequences),
    );
  }

  /** Steps that begin before a key, or at it (`isWithKey`). */
  #countBefore(start: number, end: number, isWithKey: boolean): number {
    const { region } = this.#memtable;
    let first = 0;
    let last = this.#starts.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      const order = compareBytes(
        region,
        this.#starts[middle]!,
        this.#ends[middle]!,
        region,
        start,
        end,
      );
      if (order < 0 || (isWithKey && order === 0)) first = middle + 1;
      else last = middle;
    }
    return first;
  }
}

export class MemtableRanges {
  readonly #memtable: Memtable;
  /** Records, in the order of their sequences. */
  readonly #records: number[] = [];
  readonly #newest: Steps;
  #newestSequence = 0;
  #newestFragments: RangeFragments | undefined = undefined;
  /** What readers of an older moment see, for the moment that was asked for last. */
  #older: { readonly sequence: number; readonly fragments: RangeFragments } | undefined = undefined;

  constructor(memtable: Memtable) {
    this.#memtable = memtable;
    this.#newest = new Steps(memtable);
  }

  get count(): number {
    return this.#records.length;
  }

  /** A record of the memtable, newer than all before. */
  add(record: number): void {
    this.#records.push(record);
    this.#newest.add(record);
    this.#newestSequence = this.#memtable.sequence(record);
    this.#newestFragments = undefined;
  }

  /** The ranges of at most `sequence`; for each key that they cover the newest counts, and is all that is kept. */
  at(sequence: number): RangeFragments {
    if (sequence >= this.#newestSequence) {
      this.#newestFragments ??= this.#newest.toFragments();
      return this.#newestFragments;
    }
    if (this.#older?.sequence !== sequence) {
      const steps = new Steps(this.#memtable);
      for (const record of this.#records) {
        if (this.#memtable.sequence(record) > sequence) break;
        steps.add(record);
      }
      this.#older = { sequence, fragments: steps.toFragments() };
    }
    return this.#older.fragments;
  }

  /** All of them, as bytes of their own. */
  all(): RangeDeletion[] {
    const memtable = this.#memtable;
    const { bytes } = memtable.region;
    return this.#records.map((record) => ({
      begin: bytes.slice(memtable.keyStart(record), memtable.keyEnd(record)),
      end: bytes.slice(memtable.keyEnd(record), memtable.valueEnd(record)),
      sequence: memtable.sequence(record),
    }));
  }
}
