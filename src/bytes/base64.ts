/** Base64 (RFC 4648, padded) from bytes to bytes, without strings. */

const ALPHABET: Uint8Array = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
);
const PAD = 61; // '='

/** The value of each character; 64 where it is none. */
const VALUES: Uint8Array = new Uint8Array(256).fill(64);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET[i]!] = i;

/** Bytes that `length` bytes take when encoded. */
export function encodedLength(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** Encodes `[start, end)` to `target` at `at`; returns the offset behind it. */
export function encodeBase64(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  for (; start < end; start += 3) {
    const left = end - start;
    const a = source[start]!;
    const b = left > 1 ? source[start + 1]! : 0;
    const c = left > 2 ? source[start + 2]! : 0;
    target[at++] = ALPHABET[a >>> 2]!;
    target[at++] = ALPHABET[((a & 3) << 4) | (b >>> 4)]!;
    target[at++] = left > 1 ? ALPHABET[((b & 15) << 2) | (c >>> 6)]! : PAD;
    target[at++] = left > 2 ? ALPHABET[c & 63]! : PAD;
  }
  return at;
}

/**
 * Decodes `[start, end)` to `target` at `at`, which must have room for three bytes for each four; returns how many bytes that were, -1 where it is no
 * base64.
 */
export function decodeBase64(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  if (start === end || (end - start) % 4 !== 0) return -1;
  const from = at;
  for (; start < end; start += 4) {
    const isLast = start + 4 === end;
    const pads = isLast && source[end - 1] === PAD ? (source[end - 2] === PAD ? 2 : 1) : 0;
    const a = VALUES[source[start]!]!;
    const b = VALUES[source[start + 1]!]!;
    const c = pads > 1 ? 0 : VALUES[source[start + 2]!]!;
    const d = pads > 0 ? 0 : VALUES[source[start + 3]!]!;
    if ((a | b | c | d) > 63) return -1;
    target[at++] = (a << 2) | (b >>> 4);
    if (pads < 2) target[at++] = ((b & 15) << 4) | (c >>> 2);
    if (pads < 1) target[at++] = ((c & 3) << 6) | d;
  }
  return at - from;
}
