/**
 * Checks the data blocks of a table one after the other: structure, entries in order within and across them, each block between the keys that
 * the index has before and for it, types and sequences that can be, and the filters' word for every key.
 */
import { copyBytes, equalBytes, Region } from '../../bytes/region.ts';
import { filterHash, mayContain } from '../format/filter.ts';
import { prefixEnd, type FilterPrefix } from '../format/filter-prefix.ts';
import { levelDbHash, levelDbMayContain } from '../format/leveldb-filter.ts';
import {
  compareInternalKeys,
  MAX_TRAILER_HIGH,
  MAX_TYPE,
  TRAILER_BYTES,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
  typeOf,
} from '../internal-key.ts';
import { expiryOf, NO_ENVELOPE } from '../expiry.ts';
import { BlockWalk } from './block-walk.ts';
import { internalKeyText } from './bytes-text.ts';
import type { KeyNames } from './key-names.ts';
import type { Report } from './problem.ts';
import type { IndexEntry } from './raw-table.ts';
import type { TableContents } from './table-contents.ts';

export interface TableCheckOptions {
  /** The file's name, for problems. */
  readonly name: string;
  /** Whether keys are in the order of their bytes; with another comparator order is not looked at. */
  readonly isBytewise: boolean;
  readonly report: Report;
  /** What keyspaces do with values; default they are what is stored. */
  readonly names?: KeyNames | undefined;
}

/** A filter block, and where it is in the file. */
export interface FilterBlock {
  readonly region: Region;
  readonly offset: number;
  /** Which prefixes of keys are in it too. */
  readonly prefix?: FilterPrefix | undefined;
}

const FIRST_KEY_BYTES = 256;
const NO_KEY = -1;

export class DataBlockCheck {
  readonly #options: TableCheckOptions;
  readonly #contents: TableContents;
  readonly #filter: FilterBlock | undefined;
  readonly #levelDbFilter: FilterBlock | undefined;
  readonly #walk: BlockWalk = new BlockWalk();
  #offset = 0;
  /** The entry before, `[0, #previousLength)`. */
  #previous: Region = Region.allocate(FIRST_KEY_BYTES);
  #previousLength: number = NO_KEY;
  /** What the index has for the block before. */
  #separator: Region | undefined = undefined;
  /** What is told once a table rather than once an entry. */
  readonly #told = new Set<string>();

  constructor(
    options: TableCheckOptions,
    contents: TableContents,
    filter: FilterBlock | undefined,
    levelDbFilter: FilterBlock | undefined,
  ) {
    this.#options = options;
    this.#contents = contents;
    this.#filter = filter;
    this.#levelDbFilter = levelDbFilter;
  }

  /** The index's entry for the next block, which is at `indexAt`. */
  checkIndexEntry(entry: IndexEntry, indexAt: number): void {
    const { separator } = entry;
    const before = this.#separator;
    if (separator.length < TRAILER_BYTES) {
      this.#problem(indexAt, `a key of the index has ${separator.length} bytes`);
    } else if (this.#options.isBytewise && before !== undefined) {
      const key = Region.of(separator);
      if (compareInternalKeys(before, 0, before.bytes.length, key, 0, separator.length) >= 0) {
        this.#problem(indexAt, `the index is out of order at ${internalKeyText(separator)}`);
      }
    }
  }

  /** The block of the index entry, uncompressed. False where it is malformed. */
  checkBlock(entry: IndexEntry, region: Region, start: number, end: number): boolean {
    const walk = this.#walk;
    this.#offset = entry.offset;
    walk.open(region, start, end);
    while (walk.next()) this.#checkEntry();
    const isGood = walk.problem === '';
    if (!isGood) {
      const where = `${walk.problemAt} bytes into it when uncompressed`;
      this.#problem(entry.offset, `the data block is malformed: ${walk.problem}, ${where}`);
    } else if (walk.entries === 0) this.#problem(entry.offset, 'a data block without entries');
    else this.#checkBound(entry.separator);
    this.#contents.dataBlocks++;
    this.#pass(entry);
    if (!isGood) this.#previousLength = NO_KEY;
    return isGood;
  }

  /** The block could not be read: what follows is compared with the index alone. */
  passOver(entry: IndexEntry): void {
    this.#previousLength = NO_KEY;
    this.#pass(entry);
  }

  /** After the last block. */
  finish(): void {
    if (this.#previousLength >= 0) this.#contents.largest = this.#lastKey();
  }

  #pass({ separator }: IndexEntry): void {
    this.#separator = separator.length < TRAILER_BYTES ? undefined : Region.of(separator);
  }

  #checkEntry(): void {
    const { key, keyLength, valueStart, valueEnd } = this.#walk;
    const keyEnd = keyLength - TRAILER_BYTES;
    if (keyEnd < 0) {
      this.#once(this.#offset, `a key of ${keyLength} bytes, which is no internal key`);
      return;
    }
    if (this.#options.isBytewise) this.#checkOrder();
    this.#checkTrailer(key, keyEnd);
    this.#checkFilters(key, keyEnd);
    this.#checkValue(key, keyEnd);
    const contents = this.#contents;
    contents.count(key, keyLength, valueEnd - valueStart);
    if (contents.smallest.length === 0) contents.smallest = this.#walk.keyBytes();
    if (this.#previousLength === keyLength && equalBytes(this.#previous, 0, key, 0, keyEnd)) {
      contents.hiddenVersions++;
    }
    if (this.#previous.bytes.length < keyLength) this.#previous = Region.allocate(keyLength * 2);
    copyBytes(this.#previous, 0, key, 0, keyLength);
    this.#previousLength = keyLength;
  }

  #checkOrder(): void {
    const { key, keyLength, entries } = this.#walk;
    const before = this.#previousLength;
    if (before >= 0 && compareInternalKeys(this.#previous, 0, before, key, 0, keyLength) >= 0) {
      const text = internalKeyText(this.#walk.keyBytes());
      const after = internalKeyText(this.#lastKey());
      this.#problem(this.#offset, `entry ${entries} of the block, ${text}, comes after ${after}`);
      return;
    }
    const bound = this.#separator;
    if (entries !== 1 || bound === undefined) return;
    if (compareInternalKeys(bound, 0, bound.bytes.length, key, 0, keyLength) < 0) return;
    const text = internalKeyText(this.#walk.keyBytes());
    const problem = `the block begins with ${text}, which the index has in a block before`;
    this.#problem(this.#offset, problem);
  }

  #checkTrailer(key: Region, keyEnd: number): void {
    const { formatLevel } = this.#contents;
    const type = typeOf(key.view.getUint32(keyEnd, true));
    if (key.view.getUint32(keyEnd + 4, true) > MAX_TRAILER_HIGH) {
      this.#once(this.#offset, 'a sequence number above 2^53 - 1', 'UNSUPPORTED');
    }
    if (type > (formatLevel === 1 ? TYPE_VALUE : MAX_TYPE) || type === TYPE_RANGE_DELETION) {
      const problem = `an entry of type ${type} in a data block of format level ${formatLevel}`;
      this.#once(this.#offset, problem, 'UNSUPPORTED');
    }
  }

  /** Of keyspaces with a time to live each value is in an envelope; operands are of those with an operator. */
  #checkValue(key: Region, keyEnd: number): void {
    const { names } = this.#options;
    const type = typeOf(key.view.getUint32(keyEnd, true));
    if (names === undefined || (type !== TYPE_VALUE && type !== TYPE_MERGE)) return;
    const { keyspace, hasExpiries, hasMergeOperator } = names.split(key.bytes.subarray(0, keyEnd));
    const where = keyspace === undefined || keyspace === '' ? '' : ` of the keyspace ${keyspace}`;
    if (type === TYPE_MERGE && !hasMergeOperator && names.isKnown(keyspace)) {
      this.#once(
        this.#offset,
        `an operand${where}, which has no merge operator`,
        'CORRUPTION',
        true,
      );
    }
    if (type !== TYPE_VALUE || !hasExpiries) return;
    const { region, valueStart, valueEnd } = this.#walk;
    if (expiryOf(region, valueStart, valueEnd) !== NO_ENVELOPE) return;
    this.#once(this.#offset, `a value${where} without its envelope`, 'CORRUPTION', true);
  }

  #checkFilters(key: Region, keyEnd: number): void {
    const filter = this.#filter;
    if (filter !== undefined) {
      const { region, prefix } = filter;
      if (!mayContain(region, 0, region.bytes.length, filterHash(key, 0, keyEnd))) {
        this.#once(filter.offset, 'the filter denies a key of the table', 'CORRUPTION', true);
      }
      const end = prefix === undefined ? -1 : prefixEnd(key, 0, keyEnd, prefix);
      if (end >= 0 && !mayContain(region, 0, region.bytes.length, filterHash(key, 0, end))) {
        this.#once(filter.offset, 'the filter denies the prefix of a key', 'CORRUPTION', true);
      }
    }
    const other = this.#levelDbFilter;
    if (other !== undefined) {
      const { region } = other;
      const hash = levelDbHash(key, 0, keyEnd);
      if (!levelDbMayContain(region, 0, region.bytes.length, this.#offset, hash)) {
        const problem = "LevelDB's filter denies a key of the table";
        this.#once(other.offset, problem, 'CORRUPTION', true);
      }
    }
  }

  /** The block's last entry is not behind what the index has for it. */
  #checkBound(separator: Uint8Array): void {
    const length = this.#previousLength;
    if (!this.#options.isBytewise || length < 0 || separator.length < TRAILER_BYTES) return;
    const bound = Region.of(separator);
    if (compareInternalKeys(this.#previous, 0, length, bound, 0, separator.length) <= 0) return;
    const problem = 'the block ends behind its key in the index';
    const expected = `at most ${internalKeyText(separator)}`;
    this.#problem(this.#offset, problem, expected, internalKeyText(this.#lastKey()));
  }

  #lastKey(): Uint8Array {
    return this.#previous.bytes.slice(0, this.#previousLength);
  }

  #problem(offset: number, problem: string, expected?: string, found?: string): void {
    const { report, name } = this.#options;
    report({ file: name, offset, code: 'CORRUPTION', problem, expected, found });
  }

  /** Only the first of its kind: others like it are to be expected by the thousand. */
  #once(
    offset: number,
    problem: string,
    code: 'CORRUPTION' | 'UNSUPPORTED' = 'CORRUPTION',
    namesKey = false,
  ): void {
    if (this.#told.has(problem)) return;
    this.#told.add(problem);
    const found = namesKey ? internalKeyText(this.#walk.keyBytes()) : undefined;
    this.#options.report({ file: this.#options.name, offset, code, problem, found });
  }
}
