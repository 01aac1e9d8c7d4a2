/**
 * Merge operators: `merge` writes an operand without reading what it changes; readers and compactions put the value together. Format level 2.
 *
 * A keyspace's operator is named in KVASIR, and it is opened with that operator or not at all.
 */
import { LsmError } from '../errors.ts';
import { appendOperator } from './append.ts';
import { counterOperator } from './counter.ts';
import { checkNamed, loadNamed, type ModuleExport } from './module-export.ts';

/**
 * Must be pure: the same arguments give the same bytes in every process and thread. Must not keep or change its arguments, whose bytes are valid during the call. What it
 * throws is told to readers as LsmError OPERATOR_FAILED; compactions then leave the operands as they are.
 */
export interface MergeOperator {
  /** The value that comes of an existing one, undefined where there is none, and operands in the order in which they were written. */
  merge(
    key: Uint8Array,
    existing: Uint8Array | undefined,
    operands: readonly Uint8Array[],
  ): Uint8Array;
  /**
   * One operand that has the effect of several; undefined where there is no such. Compactions ask for it where they do not know what the operands are merged with. Without it
   * all of them are kept.
   */
  combine?(key: Uint8Array, operands: readonly Uint8Array[]): Uint8Array | undefined;
}

/**
 * `counter`: values and operands are 64-bit integers (`encodeCounter`), which are added, modulo 2^64. `append`: operands are appended. Or an export of a module that is a
 * `MergeOperator`.
 */
export type MergeOperatorName = 'counter' | 'append' | ModuleExport;

/** Throws TypeError, RangeError for a name that cannot be. */
export function checkMergeOperator(name: MergeOperatorName): void {
  if (name === 'counter' || name === 'append') return;
  if (typeof name === 'string') {
    throw new RangeError(
      `a merge operator is counter, append or { module, export }, not ${String(name)}`,
    );
  }
  checkNamed('a merge operator', name);
}

/** `keyspace`: its name, for messages. Throws LsmError UNSUPPORTED. */
export function loadMergeOperator(
  name: MergeOperatorName,
  keyspace: string,
  directory: string,
): MergeOperator {
  if (name === 'counter') return counterOperator;
  if (name === 'append') return appendOperator;
  const what = `the merge operator of ${keyspace}`;
  const found = loadNamed(what, name, directory) as Partial<MergeOperator>;
  if (typeof found.merge === 'function') return found as MergeOperator;
  const place = { path: directory, found: `${name.module}, export ${name.export}` };
  throw new LsmError('UNSUPPORTED', `${what} has no merge function`, place);
}

/** Calls the operator and checks what it gives. Throws LsmError OPERATOR_FAILED. */
export function mergeValues(
  operator: MergeOperator,
  key: Uint8Array,
  existing: Uint8Array | undefined,
  operands: readonly Uint8Array[],
): Uint8Array {
  try {
    const value = operator.merge(key, existing, operands);
    if (value instanceof Uint8Array) return value;
  } catch (cause) {
    const problem = `the merge operator failed: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new LsmError('OPERATOR_FAILED', problem, { cause });
  }
  throw new LsmError('OPERATOR_FAILED', 'the merge operator gave no Uint8Array');
}
