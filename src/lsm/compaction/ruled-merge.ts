/**
 * A merge of keyspaces that have a merge operator, times to live, or a compaction filter.
 *
 *   - Operands are merged with what they change, where that is among the merge's inputs or it is sure that there is nothing: a value takes the place of all.
 *     Else neighbours become one operand, where the operator can do that. Nothing is merged over the edge of a stripe: a snapshot sees what is below it.
 *   - A value that has expired, or that the filter drops, becomes a deletion, and that is dropped where a deletion would be. Dropping the value alone would bring back the one
 *     that it had replaced. This goes for values alone that no snapshot sees.
 *
 * What the user's code throws leaves entries as they are, and is counted.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { equalBytes, Region } from '../../bytes/region.ts';
import { type Cursor, VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import { expiryOf, isExpired, NO_ENVELOPE, valueStartOf } from '../expiry.ts';
import { TYPE_DELETION, TYPE_MERGE, TYPE_VALUE } from '../internal-key.ts';
import { type MergeOperator, mergeValues } from '../operators/merge-operator.ts';
import type { DropRule } from './drop-rule.ts';
import type { JobRequest } from './job.ts';
import type { LoadedRules } from './job-rules.ts';
import { type KeptVersions, OwnVersion } from './kept-versions.ts';
import type { RangeDrops } from './range-drops.ts';
import { stripeOf } from './stripes.ts';

/** A version of a key whose operands are being collected. */
interface Collected {
  readonly sequence: number;
  readonly type: number;
  readonly value: Uint8Array;
}

export class RuledMerge {
  /** Entries that were taken from the source. */
  entriesRead = 0;
  bytesMoved = 0;
  /** How often the user's code failed, and what it said first. */
  failures = 0;
  failure: string | undefined = undefined;
  readonly #request: JobRequest;
  readonly #rule: DropRule;
  readonly #ranges: RangeDrops | undefined;
  readonly #kept: KeptVersions;
  /** Sequences above it no snapshot sees. */
  readonly #highestSnapshot: number;
  readonly #key = new GrowingBytes();

  constructor(
    request: JobRequest,
    rule: DropRule,
    ranges: RangeDrops | undefined,
    kept: KeptVersions,
  ) {
    this.#request = request;
    this.#rule = rule;
    this.#ranges = ranges;
    this.#kept = kept;
    this.#highestSnapshot = request.snapshots.at(-1) ?? -1;
  }

  /** The version that the source stands on, which the rules are for; operands with those behind them. The source moves on. */
  take(source: Cursor, rules: LoadedRules): void {
    const rule = this.#rule;
    const { keyRegion, keyStart, keyEnd, sequence, type } = source;
    const isDropped =
      rule.drops(keyRegion, keyStart, keyEnd, sequence, type) ||
      this.#ranges?.hides(keyRegion, keyStart, keyEnd, sequence) === true;
    if (rule.isNewKey) this.#kept.beginKey();
    if (isDropped) this.#pass(source);
    else if (type === TYPE_MERGE && rules.operator !== undefined) {
      this.#collect(source, rules.operator, rules.prefixBytes);
    } else {
      const isFree = type === TYPE_VALUE && rule.isNewKey && sequence > this.#highestSnapshot;
      if (isFree) this.#keepValue(source, rules);
      else this.#kept.add(source);
      this.#pass(source);
    }
  }

  #pass(source: Cursor): void {
    const { keyStart, keyEnd, valueStart, valueEnd } = source;
    this.entriesRead++;
    this.bytesMoved += keyEnd - keyStart + valueEnd - valueStart;
    source.next();
  }

  // ---- values

  #keepValue(source: Cursor, rules: LoadedRules): void {
    const { valueRegion, valueStart, valueEnd } = source;
    let start = valueStart;
    if (rules.hasExpiries) {
      const expiresAtMs = expiryOf(valueRegion, valueStart, valueEnd);
      if (isExpired(expiresAtMs, this.#request.nowMs)) {
        this.#drop(source);
        return;
      }
      if (expiresAtMs === NO_ENVELOPE) {
        // Whoever reads it is told.
        this.#kept.add(source);
        return;
      }
      start = valueStartOf(valueRegion, valueStart);
    }
    const verdict = rules.filter === undefined ? true : this.#ask(source, rules, start);
    if (verdict === true) this.#kept.add(source);
    else if (verdict === false) this.#drop(source);
    else {
      const envelope = valueRegion.bytes.subarray(valueStart, start);
      const value = Region.of(Buffer.concat([envelope, verdict]));
      this.#kept.addValue(source, TYPE_VALUE, value, 0, value.bytes.length);
    }
  }

  /** What the filter says of a value; it stays where the filter fails. */
  #ask(source: Cursor, rules: LoadedRules, start: number): boolean | Uint8Array {
    const { keyRegion, keyStart, keyEnd, valueRegion, valueEnd } = source;
    const { nowMs, outputLevel } = this.#request;
    try {
      const key = keyRegion.bytes.slice(keyStart + rules.prefixBytes, keyEnd);
      const value = valueRegion.bytes.slice(start, valueEnd);
      const verdict = rules.filter!(key, value, { nowMs, level: outputLevel });
      if (typeof verdict === 'boolean' || verdict instanceof Uint8Array) return verdict;
      throw new TypeError('the compaction filter gave neither a boolean nor a Uint8Array');
    } catch (error) {
      this.#failed(error);
      return true;
    }
  }

  #drop(source: Cursor): void {
    const { keyRegion, keyStart, keyEnd, sequence } = source;
    if (this.#rule.dropsDeletion(keyRegion, keyStart, keyEnd, sequence)) return;
    this.#kept.addDeletion(source);
  }

  // ---- operands

  #collect(source: Cursor, operator: MergeOperator, prefixBytes: number): void {
    const key = this.#key;
    key.set(source.keyRegion, source.keyStart, source.keyEnd);
    const { snapshots } = this.#request;
    const stripe = stripeOf(snapshots, source.sequence);
    /** Newest first. */
    const operands: Collected[] = [];
    let base: Collected | undefined;
    let isBaseKnown = false;
    do {
      const { sequence } = source;
      if (this.#ranges?.hides(key.region, 0, key.length, sequence) === true) {
        // All below is deleted. What is left of it in this stripe is passed over as hidden.
        isBaseKnown = true;
        break;
      }
      const version = collected(source);
      if (version.type === TYPE_MERGE) operands.push(version);
      else {
        base = version;
        isBaseKnown = true;
      }
      this.#pass(source);
    } while (
      !isBaseKnown &&
      this.#isSameKey(source) &&
      stripeOf(snapshots, source.sequence) === stripe
    );
    if (!isBaseKnown && !this.#isSameKey(source)) {
      // All versions that there are were seen, unless there are some further down.
      isBaseKnown = this.#rule.isLast(key.region, 0, key.length);
    }
    if (isBaseKnown) this.#rule.closeOperand();
    const userKey = key.region.bytes.slice(prefixBytes, key.length);
    try {
      this.#keepMerged(operator, userKey, operands, base, isBaseKnown);
    } catch (error) {
      if (!(error instanceof LsmError && error.code === 'OPERATOR_FAILED')) throw error;
      this.#failed(error);
      for (const version of base === undefined ? operands : [...operands, base])
        this.#keep(version);
    }
  }

  #keepMerged(
    operator: MergeOperator,
    userKey: Uint8Array,
    operands: readonly Collected[],
    base: Collected | undefined,
    isBaseKnown: boolean,
  ): void {
    const { sequence } = operands[0]!;
    const values = operands.map(({ value }) => value).reverse();
    if (isBaseKnown) {
      const existing = base?.type === TYPE_VALUE ? base.value : undefined;
      const value = mergeValues(operator, userKey, existing, values);
      this.#keep({ sequence, type: TYPE_VALUE, value });
      return;
    }
    const combined = values.length > 1 ? combine(operator, userKey, values) : undefined;
    if (combined !== undefined) this.#keep({ sequence, type: TYPE_MERGE, value: combined });
    else for (const operand of operands) this.#keep(operand);
  }

  #keep({ sequence, type, value }: Collected): void {
    const key = { keyRegion: this.#key.region, keyStart: 0, keyEnd: this.#key.length };
    const region = Region.of(value);
    this.#kept.add(new OwnVersion(key, sequence, type, region, 0, value.length));
  }

  #isSameKey(source: Cursor): boolean {
    if (source.status !== VALID) return false;
    const { keyRegion, keyStart, keyEnd } = source;
    const { region, length } = this.#key;
    return keyEnd - keyStart === length && equalBytes(keyRegion, keyStart, region, 0, length);
  }

  #failed(error: unknown): void {
    this.failures++;
    this.failure ??= error instanceof Error ? error.message : String(error);
  }
}

function collected({ sequence, type, valueRegion, valueStart, valueEnd }: Cursor): Collected {
  const value = type === TYPE_DELETION ? NO_BYTES : valueRegion.bytes.slice(valueStart, valueEnd);
  return { sequence, type, value };
}

function combine(
  operator: MergeOperator,
  key: Uint8Array,
  operands: readonly Uint8Array[],
): Uint8Array | undefined {
  try {
    const combined = operator.combine?.(key, operands);
    if (combined === undefined || combined instanceof Uint8Array) return combined;
  } catch (cause) {
    throw new LsmError('OPERATOR_FAILED', 'the merge operator could not combine', { cause });
  }
  throw new LsmError('OPERATOR_FAILED', 'the merge operator combined to no Uint8Array');
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
