/**
 * Makes one backup: tables whose identity another backup knows are taken from there without being read; everything else is copied to objects, which are stored once
 * each; then, when all of them are durable, the backup's own file.
 */
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import { KVASIR_FILE, manifestFileName } from '../manifest/file-names.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { replaceFile } from '../manifest/replace-file.ts';
import { type BackupDescription, type BackupFile, formatBackupFile } from './backup-file.ts';
import type { BackupIndex } from './backup-index.ts';
import type { Work } from './backup-work.ts';
import type { CapturedState } from './captured-state.ts';
import type { ObjectStore, OnPiece } from './object-store.ts';

export interface BackupPlace {
  readonly files: FileSystem;
  readonly index: BackupIndex;
  readonly objects: ObjectStore;
}

export interface Made {
  readonly description: BackupDescription;
  /** Bytes of objects that were not there before. */
  readonly addedBytes: number;
}

/** Rejects with LsmError, FileError. */
export async function makeBackup(
  place: BackupPlace,
  state: CapturedState,
  about: Pick<BackupDescription, 'note' | 'createdAtMs'>,
  work: Work,
): Promise<Made> {
  const { files, index, objects } = place;
  for (const { sizeBytes } of [...state.tables, ...state.logs]) work.totalBytes += sizeBytes;
  const onPiece = (bytes: number): void => {
    state.check();
    work.did(bytes);
  };
  const before = objects.list();
  const backups = index.read();
  const list = await addTables(place, state, knownFiles(backups), before, onPiece);
  for (const { name, path, sizeBytes } of state.logs) {
    list.push({ name, sizeBytes, object: await objects.add(path, sizeBytes, onPiece) });
  }
  list.push(...(await addSmall(place, state)));
  await objects.sync();
  const { sequence, formatLevel, manifestNumber } = state;
  const id = (backups.at(-1)?.id ?? 0) + 1;
  const description = { id, ...about, sequence, formatLevel, manifestNumber, files: list };
  state.check();
  const path = index.pathOf(id);
  await replaceFile(files, path, `${path}.tmp`, formatBackupFile(description));
  return { description, addedBytes: addedBytes(list, before) };
}

/** Files of backups by what they were copied from; the newest backup's count. */
function knownFiles(backups: ReturnType<BackupIndex['read']>): Map<string, BackupFile> {
  const known = new Map<string, BackupFile>();
  for (const { description } of backups) {
    for (const file of description?.files ?? []) {
      if (file.source !== undefined) known.set(file.source, file);
    }
  }
  return known;
}

async function addTables(
  { files, objects }: BackupPlace,
  state: CapturedState,
  known: ReadonlyMap<string, BackupFile>,
  before: ReadonlyMap<string, number>,
  onPiece: OnPiece,
): Promise<BackupFile[]> {
  const list: BackupFile[] = [];
  for (const { name, path, sizeBytes } of state.tables) {
    const source = files.identity(path);
    const same = source === undefined ? undefined : known.get(source);
    const isThere = same?.sizeBytes === sizeBytes && before.get(same.object) === sizeBytes;
    if (isThere) onPiece(sizeBytes);
    const object = isThere ? same.object : await objects.add(path, sizeBytes, onPiece);
    list.push({ name, sizeBytes, object, ...(source !== undefined && { source }) });
  }
  return list;
}

/** The manifest, and KVASIR where there is one: written beside the backups first. */
async function addSmall(place: BackupPlace, state: CapturedState): Promise<BackupFile[]> {
  const { files, index } = place;
  const { manifestNumber: number, manifestEdit, description } = state;
  const manifest = new ManifestWriter(files, index.directory, number);
  try {
    manifest.append(manifestEdit);
  } finally {
    manifest.close();
  }
  const added = [await moveIn(place, manifestFileName(number))];
  if (description === undefined) return added;
  const file = files.open(joinPath(index.directory, KVASIR_FILE), 'replace');
  try {
    file.write(description, 0, description.length, 0);
  } finally {
    file.close();
  }
  added.push(await moveIn(place, KVASIR_FILE));
  return added;
}

async function moveIn({ files, index, objects }: BackupPlace, name: string): Promise<BackupFile> {
  const path = joinPath(index.directory, name);
  const sizeBytes = files.stat(path)?.sizeBytes ?? 0;
  const object = await objects.add(path, sizeBytes, () => {});
  files.unlink(path);
  return { name, sizeBytes, object };
}

/** Whether an interrupted backup may have left a file of this name beside the backups. */
export function isLeftBehind(name: string): boolean {
  return name === KVASIR_FILE || name.endsWith('.tmp') || name.startsWith('MANIFEST-');
}

function addedBytes(list: readonly BackupFile[], before: ReadonlyMap<string, number>): number {
  const added = new Map<string, number>();
  for (const { object, sizeBytes } of list) if (!before.has(object)) added.set(object, sizeBytes);
  let sum = 0;
  for (const bytes of added.values()) sum += bytes;
  return sum;
}
