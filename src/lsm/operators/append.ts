/** The merge operator that appends: a value is all its operands, one behind the other. */
import type { MergeOperator } from './merge-operator.ts';

export const appendOperator: MergeOperator = {
  merge(_key, existing, operands) {
    return existing === undefined
      ? Buffer.concat(operands)
      : Buffer.concat([existing, ...operands]);
  },
  combine(_key, operands) {
    return Buffer.concat(operands);
  },
};
