/** The merge operator that adds: values and operands are integers of 64 bits, little endian, two's complement, and so is their sum, modulo 2^64. */
import type { MergeOperator } from './merge-operator.ts';

export const COUNTER_BYTES = 8;
const TWO_32 = 0x100000000;
const MIN: bigint = -(2n ** 63n);
const MAX: bigint = 2n ** 63n - 1n;

export const counterOperator: MergeOperator = {
  merge(_key, existing, operands) {
    return existing === undefined ? sum(operands) : sum([existing, ...operands]);
  },
  combine(_key, operands) {
    return sum(operands);
  },
};

function sum(counters: readonly Uint8Array[]): Uint8Array {
  let low = 0;
  let high = 0;
  for (const bytes of counters) {
    const view = viewOf(bytes);
    low += view.getUint32(0, true);
    high += view.getInt32(4, true) + (low >= TWO_32 ? 1 : 0);
    low >>>= 0;
    high |= 0;
  }
  const view = new DataView(new ArrayBuffer(COUNTER_BYTES));
  view.setUint32(0, low, true);
  view.setInt32(4, high, true);
  return new Uint8Array(view.buffer);
}

function viewOf(bytes: Uint8Array): DataView {
  if (bytes.length !== COUNTER_BYTES) {
    throw new RangeError(`a counter has ${COUNTER_BYTES} bytes, not ${bytes.length}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A counter's value, or the operand that adds it. An integer from -2^63 to 2^63 - 1. Throws RangeError. */
export function encodeCounter(value: number | bigint): Uint8Array {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) {
    throw new RangeError('a counter is an integer');
  }
  const integer = BigInt(value);
  if (integer < MIN || integer > MAX) throw new RangeError('a counter has 64 bits');
  const view = new DataView(new ArrayBuffer(COUNTER_BYTES));
  view.setBigInt64(0, integer, true);
  return new Uint8Array(view.buffer);
}

/** What a counter has come to, 0 where there is none. Throws RangeError where the bytes are no counter. */
export function decodeCounter(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined ? 0n : viewOf(bytes).getBigInt64(0, true);
}
