/** What a batch itself merges into a key: its operands, down to the value or deletion of its own below them. */
import type { Region } from '../../bytes/region.ts';
import { TYPE_MERGE, TYPE_VALUE } from '../internal-key.ts';
import type { ValueRules } from '../value-rules.ts';
import type { WriteBatch } from '../write-batch.ts';
import type { KeyIndex } from './key-index.ts';

export interface OwnOperands {
  /** In the order in which they were written. */
  readonly operands: readonly Uint8Array[];
  /** What they are merged with, undefined for nothing, where the batch itself says so. */
  readonly base: Uint8Array | undefined;
  /** Otherwise it is what the database has. */
  readonly isBaseKnown: boolean;
}

/** Of the key's versions up to `version`, which is an operand. The bytes are copies. */
export function ownOperands(
  index: KeyIndex,
  records: WriteBatch,
  region: Region,
  length: number,
  version: number,
): OwnOperands {
  const operands: Uint8Array[] = [];
  let below = version;
  while (index.find(region, 0, length, below)) {
    const { type, first, second } = index;
    const isOperand = type === TYPE_MERGE;
    if (!isOperand && type !== TYPE_VALUE) {
      return { operands: operands.reverse(), base: undefined, isBaseKnown: true };
    }
    const value = records.region.bytes.slice(first, first + second);
    if (!isOperand) return { operands: operands.reverse(), base: value, isBaseKnown: true };
    operands.push(value);
    below = index.foundVersion - 1;
  }
  return { operands: operands.reverse(), base: undefined, isBaseKnown: false };
}

/** `stored`: what the database has. Throws LsmError OPERATOR_FAILED. */
export function mergeOwn(
  { operands, base, isBaseKnown }: OwnOperands,
  rules: ValueRules,
  region: Region,
  length: number,
  stored: Uint8Array | undefined,
): Buffer {
  const value = rules.merge(region, 0, length, isBaseKnown ? base : stored, operands);
  return Buffer.from(value.buffer, value.byteOffset, value.length);
}
