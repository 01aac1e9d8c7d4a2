/**
 * The names of the files in a database's directory, LevelDB's:
 *
 *   000005.log       WAL                              CURRENT   names the MANIFEST that counts
 *   000007.ldb       table (`.sst` by old versions)   LOCK      held while the database is open
 *   MANIFEST-000004  the history of versions          LOG       LevelDB's own messages, and LOG.old
 *   000009.dbtmp     not finished, removed at open    KVASIR    what LevelDB has no place for (kvasir-file.ts)
 *                                                     kvasir.lock, kvasir.owner: held as LOCK is (os/directory-lock.ts)
 *
 * Numbers have at least six digits and come from one counter. What has none of these names is left alone.
 */
import { DIRECTORY_LOCK_FILES } from '../../os/directory-lock.ts';
import { LsmError } from '../errors.ts';

export const CURRENT_FILE = 'CURRENT';
export const LOCK_FILE = 'LOCK';
export const KVASIR_FILE = 'KVASIR';

export type FileKind =
  | 'log'
  | 'table'
  | 'manifest'
  | 'temporary'
  | 'current'
  | 'lock'
  | 'messages'
  | 'kvasir';

export interface FileName {
  readonly kind: FileKind;
  /** 0 where names of this kind have none. */
  readonly number: number;
}

/** File numbers are doubles: LevelDB's 64-bit ones beyond this are refused. */
export const MAX_FILE_NUMBER: number = Number.MAX_SAFE_INTEGER;

export function logFileName(number: number): string {
  return `${digits(number)}.log`;
}

export function tableFileName(number: number): string {
  return `${digits(number)}.ldb`;
}

/** What LevelDB before version 1.14, and RocksDB, call a table. */
export function oldTableFileName(number: number): string {
  return `${digits(number)}.sst`;
}

export function manifestFileName(number: number): string {
  return `MANIFEST-${digits(number)}`;
}

export function temporaryFileName(number: number): string {
  return `${digits(number)}.dbtmp`;
}

function digits(number: number): string {
  return String(number).padStart(6, '0');
}

const WITHOUT_NUMBER: ReadonlyMap<string, FileKind> = new Map<string, FileKind>([
  [CURRENT_FILE, 'current'],
  [LOCK_FILE, 'lock'],
  [KVASIR_FILE, 'kvasir'],
  ['LOG', 'messages'],
  ['LOG.old', 'messages'],
  ...DIRECTORY_LOCK_FILES.map((name): [string, FileKind] => [name, 'lock']),
]);
const BY_ENDING: ReadonlyMap<string, FileKind> = new Map<string, FileKind>([
  ['log', 'log'],
  ['ldb', 'table'],
  ['sst', 'table'],
  ['dbtmp', 'temporary'],
]);

/** undefined where the name is none of a database's files, whose number would not be safe included. */
export function parseFileName(name: string): FileName | undefined {
  const kind = WITHOUT_NUMBER.get(name);
  if (kind !== undefined) return { kind, number: 0 };
  const manifest = /^MANIFEST-(\d{1,16})$/.exec(name);
  if (manifest !== null) return numbered('manifest', manifest[1]!);
  const other = /^(\d{1,16})\.([a-z]+)$/.exec(name);
  const otherKind = other === null ? undefined : BY_ENDING.get(other[2]!);
  return otherKind === undefined ? undefined : numbered(otherKind, other![1]!);
}

function numbered(kind: FileKind, text: string): FileName | undefined {
  const number = Number(text);
  return number <= MAX_FILE_NUMBER ? { kind, number } : undefined;
}

/** The number of the manifest that CURRENT's contents name. Throws LsmError CORRUPTION; `path` is for it. */
export function parseCurrent(text: string, path: string): number {
  const name = text.endsWith('\n') ? parseFileName(text.slice(0, -1)) : undefined;
  if (name?.kind === 'manifest') return name.number;
  throw new LsmError('CORRUPTION', 'does not name a manifest', {
    path,
    offset: 0,
    expected: 'MANIFEST-<number> and a newline',
    found: JSON.stringify(text.slice(0, 40)),
  });
}
