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
import { FileError, joinPath, readSmallFile, type FileSystem } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { MAX_KEYSPACE_NAME_BYTES, MAX_KEYSPACES, MAX_KVASIR_FILE_BYTES } from '../limits.ts';
import {
  asList,
  asObject,
  asPositive,
  asText,
  formatChecked,
  type Json,
  type JsonObject,
  parseChecked,
} from './checked-json.ts';
import { KVASIR_FILE, temporaryFileName } from './file-names.ts';
import type { ManifestState } from './manifest-state.ts';
import { replaceFile, replaceFileSync } from './replace-file.ts';

export type { Json, JsonObject };

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

const KIND = { word: 'KVASIR', version: 1 };

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
  return formatChecked(KIND, content);
}

/** `path` is for errors. Throws LsmError CORRUPTION, UNSUPPORTED. */
export function parseKvasirFile(bytes: Uint8Array, path: string): DirectoryDescription {
  return parseChecked(KIND, bytes, path, validate);
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

// ---- the JSON, of which nothing is believed

function validate(value: unknown): DirectoryDescription {
  const fields = asObject(value, 'the file');
  const { layout } = fields;
  if (layout !== 'raw' && layout !== 'keyspaced') throw new Error('layout is unknown');
  const nextKeyspaceId = asPositive(fields['nextKeyspaceId'], 'nextKeyspaceId');
  const keyspaces = asList(fields['keyspaces'], 'keyspaces', MAX_KEYSPACES).map(keyspace);
  const ids = new Set(keyspaces.map(({ id }) => id));
  const names = new Set(keyspaces.map(({ name }) => name));
  if (ids.size < keyspaces.length) throw new Error('two keyspaces have one id');
  if (names.size < keyspaces.length) throw new Error('two keyspaces have one name');
  if (layout === 'raw' && keyspaces.length > 0) throw new Error('a raw directory has keyspaces');
  if (keyspaces.some(({ id }) => id >= nextKeyspaceId)) {
    throw new Error('nextKeyspaceId is that of a keyspace');
  }
  return {
    formatLevel: asPositive(fields['formatLevel'], 'formatLevel'),
    layout,
    features: asList(fields['features'], 'features', MAX_KEYSPACES).map((name) =>
      asText(name, 'a feature'),
    ),
    settings: asObject(fields['settings'], 'settings'),
    nextKeyspaceId,
    keyspaces,
  };
}

function keyspace(value: Json): KeyspaceDescription {
  const fields = asObject(value, 'a keyspace');
  const name = asText(fields['name'], 'the name of a keyspace');
  if (Buffer.byteLength(name) > MAX_KEYSPACE_NAME_BYTES) {
    throw new Error('the name of a keyspace is too long');
  }
  return {
    id: asPositive(fields['id'], 'the id of a keyspace'),
    name,
    settings: asObject(fields['settings'], 'the settings of a keyspace'),
  };
}
