/**
 * Small files of ours for people to read: a line with the file's kind, the version of that kind and the CRC-32C of all behind the line, then JSON.
 *
 *   KVASIR 1 3f043d41
 *   { ... }
 *
 * Nothing of the JSON is believed: whoever reads it checks field by field, by the functions here.
 */
import { crc32c } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import { LsmError } from '../errors.ts';

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** The first word of a file, and the version of it that this program has. */
export interface CheckedKind {
  readonly word: string;
  readonly version: number;
}

const FIRST_LINE_BYTES = 64;

export function formatChecked(kind: CheckedKind, content: unknown): Uint8Array {
  const body = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`, 'utf8');
  const line = `${kind.word} ${kind.version} ${checksum(body)}\n`;
  return Buffer.concat([Buffer.from(line, 'latin1'), body]);
}

/** What `validate` makes of the JSON, or (where it throws an Error) LsmError CORRUPTION. Throws UNSUPPORTED for another version. `path` is for errors. */
export function parseChecked<T>(
  kind: CheckedKind,
  bytes: Uint8Array,
  path: string,
  validate: (value: unknown) => T,
): T {
  const head = Buffer.from(bytes.subarray(0, FIRST_LINE_BYTES)).toString('latin1');
  const line = /^([A-Z-]+) (\d{1,9}) ([0-9a-f]{8})\n/.exec(head);
  if (line === null || line[1] !== kind.word) {
    const found = JSON.stringify(head.slice(0, 40));
    throw new LsmError('CORRUPTION', 'does not begin as it should', { path, offset: 0, found });
  }
  const version = Number(line[2]);
  if (version !== kind.version) {
    const expected = kind.version;
    const problem = 'another version of this file';
    throw new LsmError('UNSUPPORTED', problem, { path, expected, found: version });
  }
  const offset = line[0].length;
  const body = bytes.subarray(offset);
  const expected = line[3];
  const found = checksum(body);
  if (found !== expected) {
    throw new LsmError('CORRUPTION', 'a wrong checksum', { path, offset, expected, found });
  }
  try {
    return validate(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (error) {
    const { message } = error as Error;
    throw new LsmError('CORRUPTION', message, { path, offset, cause: error });
  }
}

function checksum(body: Uint8Array): string {
  return crc32c(Region.of(body), 0, body.length).toString(16).padStart(8, '0');
}

// ---- fields

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new Error(`${what} is no object`);
}

export function asList(value: Json | undefined, what: string, limit: number): readonly Json[] {
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  if (value.length > limit) throw new Error(`${what} is too long`);
  return value as readonly Json[];
}

export function asPositive(value: Json | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${what} is no positive integer`);
}

export function asCount(value: Json | undefined, what: string): number {
  if (value === 0) return 0;
  return asPositive(value, what);
}

export function asText(value: Json | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is no text`);
}
