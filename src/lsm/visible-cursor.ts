/**
 * What one sequence number sees of the versions under it: of each user key within the bounds the newest version of at most that sequence, unless it is a
 * deletion.
 *
 *   forward    the first visible version of a key is the newest; the versions behind it are passed over by its key, which is kept in `#passed`
 *   backward   versions come oldest first, so the newest visible one is known only when the key before it is reached: its bytes are kept meanwhile
 *              in `#key` and `#value`, and what is shown are those
 *
 * Operands of a merge are collected, in either direction, and what comes of them is kept and shown like that.
 *
 * A source that blocks leaves this BLOCKED with everything in fields, and `resume` goes on in the same loop.
 */
import { compareBytes } from '../bytes/compare.ts';
import { GrowingBytes } from '../bytes/growing-bytes.ts';
import { equalBytes, Region } from '../bytes/region.ts';
import { BLOCKED, type Cursor, END, VALID } from './cursor.ts';
import { MAX_SEQUENCE, TYPE_DELETION, TYPE_MERGE, TYPE_VALUE } from './internal-key.ts';
import { SKIPS_BEFORE_SEEK } from './limits.ts';
import { EXPIRED, noOperator, type ValueRules } from './value-rules.ts';

/** What is being looked for. */
const FORWARD = 1;
const BACKWARD = -1;

export class VisibleCursor {
  status: number = END;
  /** The user key and value, valid until the cursor moves or is closed. */
  keyRegion: Region;
  keyStart = 0;
  keyEnd = 0;
  valueRegion: Region;
  valueStart = 0;
  valueEnd = 0;
  readonly sequence: number;
  #source: Cursor;
  /** Bounds of user keys, the first included, the second not; undefined for none. */
  readonly #lower: GrowingBytes | undefined;
  readonly #upper: GrowingBytes | undefined;
  #direction: number = FORWARD;
  /** Forward: versions of this key are passed over. */
  readonly #passed = new GrowingBytes();
  #isPassing = false;
  #skips = 0;
  /** Backward: the newest version so far of the key that the source goes through. */
  readonly #key = new GrowingBytes();
  readonly #value = new GrowingBytes();
  #hasKey = false;
  #type: number = TYPE_DELETION;
  /** Of keyspaces that do more than keep values. */
  readonly #rules: ValueRules | undefined;
  /** Forward: `#key`'s versions are being collected, or what came of them is shown; the source may be behind them. */
  #isCollecting = false;
  #isShownKept = false;
  /** Operands of the key, newest first where they were collected forward; and the value below them. */
  readonly #operands: Uint8Array[] = [];
  #base: Uint8Array | undefined = undefined;

  constructor(
    source: Cursor,
    sequence: number,
    lower?: GrowingBytes,
    upper?: GrowingBytes,
    rules?: ValueRules,
  ) {
    this.#source = source;
    this.sequence = sequence;
    this.#lower = lower;
    this.#upper = upper;
    this.#rules = rules;
    this.keyRegion = this.#key.region;
    this.valueRegion = this.#value.region;
  }

  first(): void {
    this.#beginForward();
    const lower = this.#lower;
    if (lower === undefined) this.#source.first();
    else this.#source.seek(lower.region, 0, lower.length, MAX_SEQUENCE);
    this.#findForward();
  }

  last(): void {
    this.#beginBackward();
    const upper = this.#upper;
    if (upper === undefined) this.#source.last();
    else this.#source.seekForPrevious(upper.region, 0, upper.length, MAX_SEQUENCE);
    this.#findBackward();
  }

  /** To the first key at or after this one, within the bounds. */
  seek(region: Region, start: number, end: number): void {
    const lower = this.#lower;
    if (
      lower !== undefined &&
      compareBytes(region, start, end, lower.region, 0, lower.length) < 0
    ) {
      this.first();
      return;
    }
    this.#beginForward();
    this.#source.seek(region, start, end, this.sequence);
    this.#findForward();
  }

  /** To the last key at or before this one, within the bounds. */
  seekForPrevious(region: Region, start: number, end: number): void {
    const upper = this.#upper;
    if (
      upper !== undefined &&
      compareBytes(region, start, end, upper.region, 0, upper.length) >= 0
    ) {
      this.last();
      return;
    }
    this.#beginBackward();
    this.#source.seekForPrevious(region, start, end, 0);
    this.#findBackward();
  }

  /** From an entry to the one behind it. */
  next(): void {
    if (this.#direction === FORWARD) {
      this.#passed.set(this.keyRegion, this.keyStart, this.keyEnd);
      this.#isPassing = true;
      this.#skips = 0;
      if (this.#isShownKept) this.#isShownKept = false;
      else this.#source.next();
    } else {
      // The source is before the versions of the key that is shown, which are `#key`'s.
      this.#passed.set(this.#key.region, 0, this.#key.length);
      this.#beginForward();
      this.#isPassing = true;
      this.#source.seek(this.#passed.region, 0, this.#passed.length, 0);
    }
    this.#findForward();
  }

  /** From an entry to the one before it. */
  previous(): void {
    if (this.#direction === FORWARD) {
      // The source stands on the version that is shown; newer ones, which are not visible, may be before it.
      this.#passed.set(this.keyRegion, this.keyStart, this.keyEnd);
      this.#beginBackward();
      this.#source.seekForPrevious(this.#passed.region, 0, this.#passed.length, MAX_SEQUENCE);
    }
    this.#hasKey = false;
    this.#findBackward();
  }

  resume(): void {
    this.#source.resume();
    if (this.#direction === FORWARD) this.#findForward();
    else this.#findBackward();
  }

  /** Goes on with another source that sees the same. The cursor must be placed anew. */
  replaceSource(source: Cursor): void {
    this.#source.close();
    this.#source = source;
    this.status = END;
  }

  close(): void {
    this.#source.close();
    this.status = END;
  }

  #beginForward(): void {
    this.#direction = FORWARD;
    this.#isPassing = false;
    this.#skips = 0;
    this.#isCollecting = false;
    this.#isShownKept = false;
  }

  #beginBackward(): void {
    this.#direction = BACKWARD;
    this.#hasKey = false;
    this.#isCollecting = false;
    this.#isShownKept = false;
  }

  /** From where the source stands to the first visible entry. */
  #findForward(): void {
    const source = this.#source;
    const upper = this.#upper;
    if (this.#isCollecting) {
      this.#collect(source);
      return;
    }
    while (source.status === VALID) {
      const { keyRegion, keyStart, keyEnd } = source;
      if (
        upper !== undefined &&
        compareBytes(keyRegion, keyStart, keyEnd, upper.region, 0, upper.length) >= 0
      ) {
        this.status = END;
        return;
      }
      if (source.sequence > this.sequence) {
        source.next();
        continue;
      }
      if (this.#isPassing && this.#isPassed(keyRegion, keyStart, keyEnd)) {
        this.#skip(source);
        continue;
      }
      if (source.type === TYPE_VALUE) {
        const valueStart = this.#valueStart(source);
        if (valueStart !== EXPIRED) {
          this.status = VALID;
          this.keyRegion = keyRegion;
          this.keyStart = keyStart;
          this.keyEnd = keyEnd;
          this.valueRegion = source.valueRegion;
          this.valueStart = valueStart;
          this.valueEnd = source.valueEnd;
          return;
        }
      } else if (source.type === TYPE_MERGE) {
        this.#key.set(keyRegion, keyStart, keyEnd);
        this.#isCollecting = true;
        this.#clearOperands();
        this.#collect(source);
        return;
      }
      this.#passed.set(keyRegion, keyStart, keyEnd);
      this.#isPassing = true;
      this.#skips = 0;
      source.next();
    }
    this.status = source.status;
  }

  #valueStart(source: Cursor): number {
    const rules = this.#rules;
    if (rules === undefined || !rules.hasExpiries) return source.valueStart;
    return rules.valueStart(source.valueRegion, source.valueStart, source.valueEnd);
  }

  /** Goes on with the versions of `#key`, from where the source stands, and shows what comes of them unless the source blocks. */
  #collect(source: Cursor): void {
    for (;;) {
      if (source.status === BLOCKED) {
        this.status = BLOCKED;
        return;
      }
      const { keyRegion, keyStart, keyEnd, type } = source;
      if (source.status !== VALID || !this.#isKey(keyRegion, keyStart, keyEnd)) break;
      if (type === TYPE_DELETION) break;
      const value = source.valueRegion.bytes.slice(source.valueStart, source.valueEnd);
      if (type === TYPE_VALUE) {
        this.#base = value;
        break;
      }
      this.#operands.push(value);
      source.next();
    }
    this.#isCollecting = false;
    this.#isShownKept = true;
    this.#operands.reverse();
    // Where the operator fails, the next move goes on behind this key.
    this.keyRegion = this.#key.region;
    this.keyStart = 0;
    this.keyEnd = this.#key.length;
    this.#merge();
    this.#showKept();
  }

  #clearOperands(): void {
    this.#operands.length = 0;
    this.#base = undefined;
  }

  /** `#value` becomes what comes of the operands, which are in the order in which they were written. */
  #merge(): void {
    const { region, length } = this.#key;
    const rules = this.#rules;
    if (rules === undefined) throw noOperator('');
    const value = Region.of(rules.merge(region, 0, length, this.#base, this.#operands));
    this.#value.set(value, 0, value.bytes.length);
    this.#clearOperands();
  }

  #isPassed(region: Region, start: number, end: number): boolean {
    const { length } = this.#passed;
    return end - start === length && equalBytes(region, start, this.#passed.region, 0, length);
  }

  /** Past one version of a key that is done with, or, where there are many, past all. */
  #skip(source: Cursor): void {
    this.#skips++;
    if (this.#skips < SKIPS_BEFORE_SEEK || source.sequence === 0) {
      source.next();
      return;
    }
    this.#skips = 0;
    source.seek(this.#passed.region, 0, this.#passed.length, 0);
  }

  /** From where the source stands, the last version of some key, to the visible entry before. */
  #findBackward(): void {
    const source = this.#source;
    const lower = this.#lower;
    while (source.status === VALID) {
      const { keyRegion, keyStart, keyEnd } = source;
      if (this.#hasKey && !this.#isKey(keyRegion, keyStart, keyEnd)) {
        if (this.#type !== TYPE_DELETION) break;
        this.#hasKey = false;
      }
      if (
        lower !== undefined &&
        compareBytes(keyRegion, keyStart, keyEnd, lower.region, 0, lower.length) < 0
      ) {
        break;
      }
      if (source.sequence <= this.sequence) this.#keep(source);
      source.previous();
    }
    if (source.status === BLOCKED) {
      this.status = BLOCKED;
    } else if (this.#hasKey && this.#type !== TYPE_DELETION) {
      if (this.#operands.length > 0) this.#merge();
      this.#showKept();
    } else {
      this.status = END;
    }
  }

  #isKey(region: Region, start: number, end: number): boolean {
    const { length } = this.#key;
    return end - start === length && equalBytes(region, start, this.#key.region, 0, length);
  }

  #keep(source: Cursor): void {
    if (!this.#hasKey) {
      this.#key.set(source.keyRegion, source.keyStart, source.keyEnd);
      this.#type = TYPE_DELETION;
      this.#clearOperands();
    }
    this.#hasKey = true;
    const { type } = source;
    if (type === TYPE_MERGE) {
      this.#keepOperand(source);
      return;
    }
    if (this.#operands.length > 0) this.#clearOperands();
    const valueStart = type === TYPE_DELETION ? EXPIRED : this.#valueStart(source);
    this.#type = valueStart === EXPIRED ? TYPE_DELETION : type;
    if (valueStart === EXPIRED) this.#value.length = 0;
    else this.#value.set(source.valueRegion, valueStart, source.valueEnd);
  }

  #keepOperand(source: Cursor): void {
    if (this.#operands.length === 0 && this.#type === TYPE_VALUE) {
      this.#base = this.#value.region.bytes.slice(0, this.#value.length);
    }
    this.#type = TYPE_MERGE;
    this.#operands.push(source.valueRegion.bytes.slice(source.valueStart, source.valueEnd));
  }

  #showKept(): void {
    this.status = VALID;
    this.keyRegion = this.#key.region;
    this.keyStart = 0;
    this.keyEnd = this.#key.length;
    this.valueRegion = this.#value.region;
    this.valueStart = 0;
    this.valueEnd = this.#value.length;
  }
}
