/**
 * Keys and values for people: `"text"` where all of it can be printed, else `0x` and hexadecimal digits; long ones are cut, and say how long they
 * are. And the way back, for keys that people type.
 */
import { isUtf8 } from 'node:buffer';
import { Region } from '../../bytes/region.ts';
import {
  sequenceOf,
  TRAILER_BYTES,
  TYPE_DELETION,
  TYPE_MERGE,
  TYPE_RANGE_DELETION,
  TYPE_VALUE,
  typeOf,
} from '../internal-key.ts';

/** Bytes of a key or value that are shown unless more are asked for. */
export const SHOWN_BYTES = 64;

/** Control characters, and what cannot be told from others on a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
const HEX = /^0x(?:[0-9a-f]{2})*$/i;

/** The text that bytes are, undefined where they are none or hold what cannot be printed. */
export function printableText(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return UNPRINTABLE.test(text) ? undefined : text;
}

/** `limit`: bytes that are shown. */
export function bytesText(bytes: Uint8Array, limit: number = SHOWN_BYTES): string {
  const isCut = bytes.length > limit;
  const shown = isCut ? bytes.subarray(0, limit) : bytes;
  const text = printableText(isCut ? withoutSplitCharacter(shown) : shown);
  const body =
    text === undefined ? `0x${Buffer.from(shown).toString('hex')}` : JSON.stringify(text);
  return isCut ? `${body}... (${bytes.length} bytes)` : body;
}

/** A key that was typed: `0x` and pairs of hexadecimal digits are bytes, all else is text. */
export function parseBytes(text: string): Uint8Array {
  if (HEX.test(text)) return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
  return new Uint8Array(Buffer.from(text, 'utf8'));
}

/** Names of value types. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [TYPE_DELETION]: 'deletion',
  [TYPE_VALUE]: 'value',
  [TYPE_MERGE]: 'merge',
  [TYPE_RANGE_DELETION]: 'range deletion',
};

export function typeName(type: number): string {
  return TYPE_NAMES[type] ?? `type ${type}`;
}

/** An internal key taken apart. Shorter ones than a trailer have no sequence. */
export interface KeyParts {
  readonly userKey: Uint8Array;
  readonly sequence: number | undefined;
  readonly type: number | undefined;
}

export function keyParts(internalKey: Uint8Array): KeyParts {
  const keyEnd = internalKey.length - TRAILER_BYTES;
  if (keyEnd < 0) return { userKey: internalKey, sequence: undefined, type: undefined };
  const { view } = new Region(internalKey.buffer, internalKey.byteOffset, internalKey.length);
  const low = view.getUint32(keyEnd, true);
  return {
    userKey: internalKey.subarray(0, keyEnd),
    sequence: sequenceOf(low, view.getUint32(keyEnd + 4, true)),
    type: typeOf(low),
  };
}

/** `"key" @ 17 value`. */
export function internalKeyText(internalKey: Uint8Array): string {
  const { userKey, sequence, type } = keyParts(internalKey);
  if (sequence === undefined) return bytesText(userKey);
  return `${bytesText(userKey)} @ ${sequence} ${typeName(type!)}`;
}

/** Cut bytes may end within a character. */
function withoutSplitCharacter(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && end > bytes.length - 3 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  return end > 0 && bytes[end - 1]! >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}
