/**
 * Walks the entries of a batch (write-batch.ts) without copying or allocating. The bytes may be anything: nothing is read beyond their end,
 * each entry takes at least two of them, so that a walk ends, and `verify` says beforehand whether there is anything wrong.
 */
import { Region } from '../bytes/region.ts';
import { readVarint, varintEnd } from '../bytes/varint.ts';
import { LsmError, type LsmErrorCode } from './errors.ts';
import { MAX_SEQUENCE, MAX_TYPE, TYPE_DELETION, TYPE_VALUE } from './internal-key.ts';
import { BATCH_HEADER_BYTES } from './write-batch.ts';

const COUNT_AT = 8;
const TWO_32 = 0x100000000;
const NOTHING: Region = Region.allocate(0);

export class BatchReader {
  region: Region = NOTHING;
  /** From the header: the first entry's sequence and the number of entries. */
  firstSequence = 0;
  count = 0;
  /** Of the entry that was read last. A deletion's value is empty. */
  sequence = 0;
  type = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** What is wrong, '' while nothing is; at which offset from the batch's start; CORRUPTION, UNSUPPORTED or LIMIT. */
  problem = '';
  problemAt = 0;
  problemCode: LsmErrorCode = 'CORRUPTION';
  #start = 0;
  #at = 0;
  #end = 0;
  #stringAt = 0;

  /** Begins with the batch `[start, end)`. False where it has no whole header, or numbers that can't be. */
  open(region: Region, start: number, end: number): boolean {
    this.region = region;
    this.#start = start;
    this.#end = end;
    this.#at = start + BATCH_HEADER_BYTES;
    this.problem = '';
    this.problemAt = 0;
    if (end - start < BATCH_HEADER_BYTES) return this.#fail(start, 'a batch without its header');
    const view = region.view;
    this.firstSequence = view.getUint32(start + 4, true) * TWO_32 + view.getUint32(start, true);
    this.count = view.getUint32(start + COUNT_AT, true);
    this.sequence = this.firstSequence - 1;
    if (this.firstSequence + this.count > MAX_SEQUENCE) {
      return this.#fail(start, 'sequence numbers above 2^53 - 1', 'UNSUPPORTED');
    }
    return true;
  }

  /** The sequence of the last entry; of an empty batch, that before its first. */
  get lastSequence(): number {
    return this.firstSequence + this.count - 1;
  }

  /** Of the batch, with its header. */
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  /** Reads the next entry. False behind the last one, and where there is a `problem`. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const bytes = this.region.bytes;
    const at = this.#at;
    this.type = bytes[at]!;
    this.sequence++;
    if (this.type > MAX_TYPE) {
      return this.#fail(at, `an entry of the unknown type ${this.type}`, 'UNSUPPORTED');
    }
    const keyEnd = this.#readString(at + 1);
    if (keyEnd < 0) return this.#fail(at, 'a key that goes beyond its batch');
    this.keyStart = this.#stringAt;
    this.keyEnd = keyEnd;
    this.valueStart = keyEnd;
    this.valueEnd = keyEnd;
    if (this.type !== TYPE_DELETION) {
      const valueEnd = this.#readString(keyEnd);
      if (valueEnd < 0) return this.#fail(at, 'a value that goes beyond its batch');
      this.valueStart = this.#stringAt;
      this.valueEnd = valueEnd;
    }
    this.#at = this.valueEnd;
    return true;
  }

  /**
   * Whether `[start, end)` is a batch of whole entries, as many as its header says, of types that `formatLevel` (1 or 2) has. The walk begins
   * anew with `open`.
   */
  verify(region: Region, start: number, end: number, formatLevel: number): boolean {
    if (!this.open(region, start, end)) return false;
    let found = 0;
    while (this.next()) {
      found++;
      if (formatLevel < 2 && this.type > TYPE_VALUE) {
        return this.#fail(
          this.keyStart,
          `an entry of type ${this.type}, which needs format level 2`,
          'UNSUPPORTED',
        );
      }
    }
    if (this.problem !== '') return false;
    if (found === this.count) return true;
    return this.#fail(start, `a batch of ${found} entries that promises ${this.count}`);
  }

  /** The problem as an error, of a batch that is in `path` with its record at `offset`. */
  error(path: string, offset: number): LsmError {
    const problem = `${this.problem}, ${this.problemAt} bytes into its batch`;
    return new LsmError(this.problemCode, problem, { path, offset });
  }

  /** Where the string whose length stands at `at` ends, -1 where it goes too far; `#stringAt` is where it begins. */
  #readString(at: number): number {
    const bytes = this.region.bytes;
    const length = readVarint(bytes, at, this.#end);
    if (length < 0) return -1;
    this.#stringAt = length < 128 ? at + 1 : varintEnd(bytes, at);
    return length <= this.#end - this.#stringAt ? this.#stringAt + length : -1;
  }

  #fail(at: number, problem: string, code: LsmErrorCode = 'CORRUPTION'): false {
    this.problem = problem;
    this.problemAt = at - this.#start;
    this.problemCode = code;
    this.#at = this.#end;
    return false;
  }
}
