/**
 * Entries as lines of JSON, for export and import. Each line says how its bytes are written: as text where they are UTF-8, else in base64.
 *
 *   {"key":"user:1","value":"Ada"}
 *   {"keyspace":"users","key":"1","valueBase64":"AP8="}
 *
 * `expiresAtMs` says when a value expires, in milliseconds since 1970. Without `keyspace` an entry is the default keyspace's. Other names in a line are refused: they are somebody's mistake.
 */
import { isUtf8 } from 'node:buffer';

export interface LineEntry {
  /** '' for the default one. */
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** When it expires, in milliseconds since 1970; undefined for never. */
  readonly expiresAtMs?: number | undefined;
}

/** Why a line is no entry. */
export class LineError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'LineError';
  }
}

const NAMES: ReadonlySet<string> = new Set([
  'keyspace',
  'key',
  'keyBase64',
  'value',
  'valueBase64',
  'expiresAtMs',
]);
const HALF_CHARACTER = /\p{Surrogate}/u;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;

/** The line of an entry, without its end. `expiresAtMs`: Infinity for never. */
export function formatLine(
  keyspace: string,
  key: Uint8Array,
  value: Uint8Array,
  expiresAtMs: number = Infinity,
): string {
  const name = keyspace === '' ? '' : `"keyspace":${JSON.stringify(keyspace)},`;
  const expiry = expiresAtMs === Infinity ? '' : `,"expiresAtMs":${expiresAtMs}`;
  return `{${name}${field('key', key)},${field('value', value)}${expiry}}`;
}

function field(name: string, bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(bytes)
    ? `"${name}":${JSON.stringify(buffer.toString('utf8'))}`
    : `"${name}Base64":"${buffer.toString('base64')}"`;
}

/** Throws LineError. */
export function parseLine(line: string): LineEntry {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new LineError((error as Error).message);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new LineError('not an object');
  }
  const fields = parsed as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !NAMES.has(name));
  if (unknown !== undefined) throw new LineError(`an unknown name: ${JSON.stringify(unknown)}`);
  const keyspace = fields['keyspace'] ?? '';
  if (typeof keyspace !== 'string') throw new LineError('keyspace is no text');
  const expiresAtMs = fields['expiresAtMs'];
  if (
    expiresAtMs !== undefined &&
    !(Number.isSafeInteger(expiresAtMs) && Number(expiresAtMs) > 0)
  ) {
    throw new LineError('expiresAtMs is no time in milliseconds');
  }
  const entry = { keyspace, key: bytesOf(fields, 'key'), value: bytesOf(fields, 'value') };
  return expiresAtMs === undefined ? entry : { ...entry, expiresAtMs: Number(expiresAtMs) };
}

function bytesOf(fields: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const text = fields[name];
  const base64 = fields[`${name}Base64`];
  if ((text === undefined) === (base64 === undefined)) {
    throw new LineError(`either ${name} or ${name}Base64 is needed`);
  }
  const given = text ?? base64;
  if (typeof given !== 'string') throw new LineError(`${name} is no text`);
  if (base64 === undefined) {
    if (HALF_CHARACTER.test(given)) throw new LineError(`${name} has half a character`);
    return Buffer.from(given, 'utf8');
  }
  if (!BASE64.test(given)) throw new LineError(`${name}Base64 is not base64`);
  return Buffer.from(given, 'base64');
}
