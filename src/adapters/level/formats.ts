/**
 * Keys and values as abstract-level hands them over and wants them back. Its encodings end in one of three formats, of which the strings are the usual
 * case: 'utf8' is a string, 'buffer' a Buffer, and 'view' a Uint8Array, which a Buffer is.
 */
export type Format = 'utf8' | 'buffer' | 'view';
export type Formatted = string | Uint8Array;

/** Node.js's own coders, without the checks around them; they work for any Uint8Array. */
interface Coders {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, at: number, length: number): number;
}
const coders = Buffer.prototype as unknown as Coders;

/** The bytes of a key or value, the caller's own where it has bytes. */
export function bytesOf(formatted: Formatted): Uint8Array {
  if (typeof formatted === 'string') return Buffer.from(formatted, 'utf8');
  if (formatted instanceof Uint8Array) return formatted;
  // Any other view of memory passes abstract-level's encoding 'view'.
  const { buffer, byteOffset, byteLength } = formatted as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The text in `[start, end)`. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return coders.utf8Slice.call(bytes, start, end);
}

/** Writes a text to the beginning of `target`, which must have room for three bytes a unit; returns its length. */
export function writeText(target: Uint8Array, text: string): number {
  return coders.utf8Write.call(target, text, 0, target.length);
}
