/**
 * The file KVASIR says of a directory what LevelDB has no place for. A directory without one is a plain LevelDB database. A line with the
 * version of this file and the CRC-32C of all behind the line, then JSON for people to read:
 *
 *   KVASIR 1 3f043d41
 *   {
 *     "formatLevel": 1,
 *     "layout": "keyspaced",              "raw": keys have no prefixes
 *     "features": ["ttl"],                whoever does not know all of these must not touch the directory
 *     "settings": {},                     of the whole directory: compaction style ...
 *     "nextKeyspaceId": 2,                identifiers are never used again
 *     "keyspaces": [{ "id": 1, "name": "users", "settings": { "mergeOperator": { "module": "./add.js", "export": "add" } } }]
 *   }
 *
 * Which features and settings there are is not this file's business. It is replaced as a whole (replace-file.ts).
 */
import { crc32c } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import { FileError, joinPath, readSmallFile, type FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { MAX_KEYSPACE_NAME_BYTES, MAX_KEYSPACES, MAX_KVASIR_FILE_BYTES } from '../limits.ts';
import { KVASIR_FILE, temporaryFileName } from './file-names.ts';
import type { ManifestState } from './manifest-state.ts';
import { replaceFile, replaceFileSync } from './replace-file.ts';

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

export interface DirectoryDescription {
  readonly formatLevel: number;
  readonly layout: 'raw' | 'keyspaced';
  readonly features: readonly string[];
  readonly settings: JsonObject;
  readonly nextKeyspaceId: number;
  readonly keyspaces: readonly KeyspaceDescription[];
}

export interface KeyspaceDescription {
  /** 1 or more. */
  readonly id: number;
  readonly name: string;
  readonly settings: JsonObject;
}

const VERSION = 1;
const FIRST_LINE = /^KVASIR (\d{1,9}) ([0-9a-f]{8})\n/;
const FIRST_LINE_BYTES = 64;

/** undefined where there is no such file. Throws FileError; LsmError CORRUPTION, UNSUPPORTED. */
export function readKvasirFile(
  files: FileSystem,
  directory: string,
): DirectoryDescription | undefined {
  const path = joinPath(directory, KVASIR_FILE);
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(files, path, MAX_KVASIR_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'ENOENT') return undefined;
    if (error.code !== 'EFBIG') throw error;
    throw new LsmError('CORRUPTION', 'is larger than it can be', { path, cause: error });
  }
  return parseKvasirFile(bytes, path);
}

/** Makes the description durable. `number` is of its temporary name. Throws FileError, LsmError LIMIT. */
export async function writeKvasirFile(
  files: FileSystem,
  directory: string,
  description: DirectoryDescription,
  number: number,
): Promise<void> {
  await replaceFile(files, ...place(directory, description, number));
}

/** The same, blocking. */
export function writeKvasirFileSync(
  files: FileSystem,
  directory: string,
  description: DirectoryDescription,
  number: number,
): void {
  replaceFileSync(files, ...place(directory, description, number));
}

function place(
  directory: string,
  description: DirectoryDescription,
  number: number,
): [string, string, Uint8Array] {
  const path = joinPath(directory, KVASIR_FILE);
  const bytes = formatKvasirFile(description);
  // What could not be read back must not be written.
  if (bytes.length > MAX_KVASIR_FILE_BYTES) {
    const expected = `at most ${MAX_KVASIR_FILE_BYTES} bytes`;
    throw new LsmError('LIMIT', 'too many keyspaces', { path, expected, found: bytes.length });
  }
  parseKvasirFile(bytes, path);
  return [path, joinPath(directory, temporaryFileName(number)), bytes];
}

export function formatKvasirFile(description: DirectoryDescription): Uint8Array {
  const { formatLevel, layout, features, settings, nextKeyspaceId, keyspaces } = description;
  const content = { formatLevel, layout, features, settings, nextKeyspaceId, keyspaces };
  const body = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`, 'utf8');
  return Buffer.concat([Buffer.from(`KVASIR ${VERSION} ${checksum(body)}\n`, 'latin1'), body]);
}

/** `path` is for errors. Throws LsmError CORRUPTION, UNSUPPORTED. */
export function parseKvasirFile(bytes: Uint8Array, path: string): DirectoryDescription {
  const head = Buffer.from(bytes.subarray(0, FIRST_LINE_BYTES)).toString('latin1');
  const line = FIRST_LINE.exec(head);
  if (line === null) {
    const found = JSON.stringify(head.slice(0, 40));
    throw new LsmError('CORRUPTION', 'does not begin as it should', { path, offset: 0, found });
  }
  const version = Number(line[1]);
  if (version !== VERSION) {
    const problem = 'another version of this file';
    throw new LsmError('UNSUPPORTED', problem, { path, expected: VERSION, found: version });
  }
  const offset = line[0].length;
  const body = bytes.subarray(offset);
  const found = checksum(body);
  if (found !== line[2]) {
    throw new LsmError('CORRUPTION', 'a wrong checksum', {
      path,
      offset,
      expected: line[2],
      found,
    });
  }
  try {
    return validate(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (error) {
    const { message } = error as Error;
    throw new LsmError('CORRUPTION', message, { path, offset, cause: error });
  }
}

/**
 * Whether the directory is what it says. LevelDB's `repair` makes a manifest of its own of any directory: one of format level 2 must then
 * not be opened as if LevelDB had understood it. A level that the manifest has and this file not yet was being raised. Throws LsmError.
 */
export function checkDescription(
  description: DirectoryDescription,
  state: ManifestState,
  knownFeatures: readonly string[],
): void {
  const { path } = state;
  if (description.formatLevel > state.formatLevel) {
    throw new LsmError('CORRUPTION', 'the manifest is not of the format level that KVASIR names', {
      path,
      expected: description.formatLevel,
      found: state.formatLevel,
    });
  }
  const unknown = description.features.filter((name) => !knownFeatures.includes(name));
  if (unknown.length === 0) return;
  const found = unknown.join(', ');
  throw new LsmError('UNSUPPORTED', 'the directory has features unknown here', { path, found });
}

function checksum(body: Uint8Array): string {
  return crc32c(Region.of(body), 0, body.length).toString(16).padStart(8, '0');
}

// ---- the JSON, of which nothing is believed

function validate(value: unknown): DirectoryDescription {
  const fields = object(value, 'the file');
  const { layout } = fields;
  if (layout !== 'raw' && layout !== 'keyspaced') throw new Error('layout is unknown');
  const nextKeyspaceId = positive(fields['nextKeyspaceId'], 'nextKeyspaceId');
  const keyspaces = list(fields['keyspaces'], 'keyspaces').map(keyspace);
  const ids = new Set(keyspaces.map(({ id }) => id));
  const names = new Set(keyspaces.map(({ name }) => name));
  if (ids.size < keyspaces.length) throw new Error('two keyspaces have one id');
  if (names.size < keyspaces.length) throw new Error('two keyspaces have one name');
  if (layout === 'raw' && keyspaces.length > 0) throw new Error('a raw directory has keyspaces');
  if (keyspaces.some(({ id }) => id >= nextKeyspaceId)) {
    throw new Error('nextKeyspaceId is that of a keyspace');
  }
  return {
    formatLevel: positive(fields['formatLevel'], 'formatLevel'),
    layout,
    features: list(fields['features'], 'features').map((name) => text(name, 'a feature')),
    settings: object(fields['settings'], 'settings'),
    nextKeyspaceId,
    keyspaces,
  };
}

function keyspace(value: Json): KeyspaceDescription {
  const fields = object(value, 'a keyspace');
  const name = text(fields['name'], 'the name of a keyspace');
  if (Buffer.byteLength(name) > MAX_KEYSPACE_NAME_BYTES) {
    throw new Error('the name of a keyspace is too long');
  }
  return {
    id: positive(fields['id'], 'the id of a keyspace'),
    name,
    settings: object(fields['settings'], 'the settings of a keyspace'),
  };
}

function object(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new Error(`${what} is no object`);
}

function list(value: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  if (value.length > MAX_KEYSPACES) throw new Error(`${what} is too long`);
  return value as readonly Json[];
}

function positive(value: Json | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${what} is no positive integer`);
}

function text(value: Json | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is no text`);
}
