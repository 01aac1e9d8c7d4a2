/**
 * The file of one backup, `000001.backup`: which files its database has, and which objects hold their contents. Checked JSON (checked-json.ts):
 *
 *   KVASIR-BACKUP 1 3f043d41
 *   {
 *     "id": 1,
 *     "createdAtMs": 1700000000000,
 *     "note": "before the upgrade",
 *     "sequence": 4711,                  of the last write that is in it
 *     "formatLevel": 1,
 *     "manifestNumber": 12,              the manifest that CURRENT is to name
 *     "files": [{ "name": "000009.ldb", "sizeBytes": 1234, "object": "<SHA-256>", "source": "66306:1442:1234:1700000000000000000" }]
 *   }
 *
 * `source` is the identity of the file that the object was copied from (FileSystem.identity): as long as a table has it, it need not be read again.
 */
import { FileError, type FileSystem, readSmallFile } from '../../os/file-system.ts';
import { LsmError } from '../errors.ts';
import { MAX_BACKUP_FILE_BYTES, MAX_BACKUP_FILES } from '../limits.ts';
import {
  asCount,
  asList,
  asObject,
  asPositive,
  asText,
  formatChecked,
  type Json,
  parseChecked,
} from '../manifest/checked-json.ts';
import { parseFileName } from '../manifest/file-names.ts';
import { isObjectName } from './object-store.ts';

export interface BackupFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly object: string;
  readonly source?: string | undefined;
}

export interface BackupDescription {
  readonly id: number;
  readonly createdAtMs: number;
  readonly note: string;
  readonly sequence: number;
  readonly formatLevel: number;
  readonly manifestNumber: number;
  readonly files: readonly BackupFile[];
}

const KIND = { word: 'KVASIR-BACKUP', version: 1 };
const NAME = /^(\d{6,15})\.backup$/;

export function backupFileName(id: number): string {
  return `${String(id).padStart(6, '0')}.backup`;
}

/** The id in such a name, undefined where it is none. */
export function parseBackupFileName(name: string): number | undefined {
  const match = NAME.exec(name);
  const id = match === null ? 0 : Number(match[1]);
  return id > 0 && backupFileName(id) === name ? id : undefined;
}

/** Throws LsmError LIMIT. */
export function formatBackupFile(description: BackupDescription): Uint8Array {
  const bytes = formatChecked(KIND, description);
  const { files } = description;
  if (files.length <= MAX_BACKUP_FILES && bytes.length <= MAX_BACKUP_FILE_BYTES) return bytes;
  const expected = `at most ${MAX_BACKUP_FILES} files`;
  throw new LsmError('LIMIT', 'too many files for a backup', { expected, found: files.length });
}

/** Throws FileError; LsmError CORRUPTION, UNSUPPORTED. */
export function readBackupFile(files: FileSystem, path: string, id: number): BackupDescription {
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(files, path, MAX_BACKUP_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'EFBIG') throw error;
    throw new LsmError('CORRUPTION', 'is larger than it can be', { path, cause: error });
  }
  const description = parseBackupFile(bytes, path);
  if (description.id === id) return description;
  const problem = 'is the file of another backup';
  throw new LsmError('CORRUPTION', problem, { path, expected: id, found: description.id });
}

export function parseBackupFile(bytes: Uint8Array, path: string): BackupDescription {
  return parseChecked(KIND, bytes, path, validate);
}

function validate(value: unknown): BackupDescription {
  const fields = asObject(value, 'the file');
  const files = asList(fields['files'], 'files', MAX_BACKUP_FILES).map(file);
  if (new Set(files.map(({ name }) => name)).size < files.length) {
    throw new Error('two files have one name');
  }
  const manifestNumber = asPositive(fields['manifestNumber'], 'manifestNumber');
  const isManifest = ({ name }: BackupFile): boolean => {
    const parsed = parseFileName(name);
    return parsed?.kind === 'manifest' && parsed.number === manifestNumber;
  };
  if (!files.some(isManifest)) throw new Error('the manifest is not among the files');
  return {
    id: asPositive(fields['id'], 'id'),
    createdAtMs: asCount(fields['createdAtMs'], 'createdAtMs'),
    note: asText(fields['note'], 'note'),
    sequence: asCount(fields['sequence'], 'sequence'),
    formatLevel: asPositive(fields['formatLevel'], 'formatLevel'),
    manifestNumber,
    files,
  };
}

function file(value: Json): BackupFile {
  const fields = asObject(value, 'a file');
  const name = asText(fields['name'], 'the name of a file');
  // A name from outside that becomes a path.
  const kind = parseFileName(name)?.kind;
  if (kind !== 'table' && kind !== 'log' && kind !== 'manifest' && kind !== 'kvasir') {
    throw new Error('a file that no backup has');
  }
  const object = asText(fields['object'], 'an object');
  if (!isObjectName(object)) throw new Error('an object that can not be one');
  const sizeBytes = asCount(fields['sizeBytes'], 'the size of a file');
  const { source } = fields;
  return {
    name,
    sizeBytes,
    object,
    ...(source === undefined ? {} : { source: asText(source, 'the source of a file') }),
  };
}
