/** How readers of a keyspace that does more than keep values come from what is stored to a value: by its merge operator, or out of its envelopes. */
import type { Region } from '../bytes/region.ts';
import { LsmError } from './errors.ts';
import { expiryOf, isExpired, NO_ENVELOPE, NO_EXPIRY, noEnvelope, valueStartOf } from './expiry.ts';
import { type MergeOperator, mergeValues } from './operators/merge-operator.ts';

/** In place of where a value begins: it has expired. */
export const EXPIRED = -1;

export interface ValueRulesOptions {
  readonly operator: MergeOperator | undefined;
  readonly hasExpiries: boolean;
  /** Milliseconds since 1970: what time it is for this read. */
  readonly nowMs: number;
  /** Length of the keyspace's prefix, which operators do not see. */
  readonly prefixBytes: number;
  /** The directory, for messages. */
  readonly path: string;
}

export class ValueRules {
  readonly hasExpiries: boolean;
  /** Of the value whose beginning was asked for last. */
  lastExpiresAtMs: number = NO_EXPIRY;
  readonly #options: ValueRulesOptions;

  constructor(options: ValueRulesOptions) {
    this.hasExpiries = options.hasExpiries;
    this.#options = options;
  }

  /** Where the value begins in what is stored, or EXPIRED. Throws LsmError CORRUPTION. */
  valueStart(region: Region, start: number, end: number): number {
    if (!this.hasExpiries) return start;
    const expiresAtMs = this.expiry(region, start, end);
    this.lastExpiresAtMs = expiresAtMs;
    if (isExpired(expiresAtMs, this.#options.nowMs)) return EXPIRED;
    return valueStartOf(region, start);
  }

  /** When a value expires, or NO_EXPIRY. Throws LsmError CORRUPTION. */
  expiry(region: Region, start: number, end: number): number {
    const expiresAtMs = expiryOf(region, start, end);
    if (expiresAtMs === NO_ENVELOPE) throw noEnvelope(this.#options.path);
    return expiresAtMs;
  }

  /** `[start, end)`: the whole key; `operands` in the order in which they were written. Throws LsmError UNSUPPORTED, OPERATOR_FAILED. */
  merge(
    region: Region,
    start: number,
    end: number,
    existing: Uint8Array | undefined,
    operands: readonly Uint8Array[],
  ): Uint8Array {
    const { operator, prefixBytes, path } = this.#options;
    if (operator === undefined) throw noOperator(path);
    return mergeValues(operator, region.bytes.slice(start + prefixBytes, end), existing, operands);
  }
}

/** An operand was found in a keyspace that has no merge operator. */
export function noOperator(path: string): LsmError {
  return new LsmError('UNSUPPORTED', 'an operand for a merge operator that nobody has named', {
    path,
  });
}
