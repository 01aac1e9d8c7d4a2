/**
 * Varints: seven bits a byte, lowest first, the high bit set on all bytes but the last. Inside Kvasir a number is a double, so values end
 * at 2^53 - 1; a varint of more is malformed for whoever reads it here.
 */

/** A 32-bit varint takes at most this many bytes, one of 64 bits the latter. */
export const MAX_VARINT32_BYTES = 5;
export const MAX_VARINT64_BYTES = 10;

const TWO_28 = 2 ** 28;

/** Bytes that `value` (a non-negative safe integer) takes. */
export function varintLength(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  let length = 2;
  for (value = Math.floor(value / 16_384); value > 0; value = Math.floor(value / 128)) length++;
  return length;
}

/** Writes `value` (a non-negative safe integer) at `at`; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  for (; value >= TWO_28; value = Math.floor(value / 128)) bytes[at++] = (value % 128) | 128;
  for (; value >= 128; value >>>= 7) bytes[at++] = (value & 127) | 128;
  bytes[at++] = value;
  return at;
}

/**
 * The varint at `at`, -1 where it does not end before `end` or is more than 2^53 - 1. Where it ends, `varintEnd` tells.
 */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  let byte = bytes[at++]!;
  if (byte < 128) return byte;
  let value = byte & 127;
  for (let shift = 7; shift < 28; shift += 7) {
    if (at >= end) return -1;
    byte = bytes[at++]!;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  const limit = Math.min(end, at + MAX_VARINT64_BYTES - 4);
  for (let scale = TWO_28; at < limit; scale *= 128) {
    byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : -1;
  }
  return -1;
}

/** Where the varint at `at`, which `readVarint` has accepted, ends. */
export function varintEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at++]! >= 128);
  return at;
}
