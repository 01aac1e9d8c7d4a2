/** `kvasir inspect MANIFEST-000004`: its edits one by one. */
import { directoryOf } from '../../os/file-system.ts';
import { KVASIR_FILE, parseFileName } from '../../lsm/manifest/file-names.ts';
import type { VersionEdit } from '../../lsm/manifest/version-edit.ts';
import { keyParts } from '../../lsm/tools/bytes-text.ts';
import type { KeyNames } from '../../lsm/tools/key-names.ts';
import { replayManifest } from '../../lsm/tools/manifest-replay.ts';
import { problemOf, problemText } from '../../lsm/tools/problem.ts';
import type { InspectedFile } from './inspect.ts';
import { jsonProblem } from './inspect-directory.ts';
import { complain, count, jsonBytes, type Lines, size } from './output.ts';

export function inspectManifestTo(lines: Lines, file: InspectedFile): number {
  const { files, path, name, names, options } = file;
  const isJson = options.json === true;
  const number = parseFileName(name)?.number;
  if (number === undefined) {
    complain('inspect', `${name}: a manifest is called MANIFEST-<number>; ${KVASIR_FILE} is text`);
    return 2;
  }
  const { error, state } = replayManifest(files, directoryOf(path), number, (edit, offset) => {
    if (isJson) lines.json(jsonEdit(edit, offset, names));
    else printEdit(lines, edit, offset, names);
  });
  const problem = error ?? state.tail;
  if (problem === undefined) return 0;
  const told = problemOf(problem, name);
  if (isJson) lines.json({ problem: jsonProblem(told), isTail: error === undefined });
  else lines.write(`${error === undefined ? 'torn at the end: ' : ''}${problemText(told)}`);
  return error === undefined ? 0 : 1;
}

function printEdit(lines: Lines, edit: VersionEdit, offset: number, names: KeyNames): void {
  lines.write(`edit at ${offset}`);
  const facts: [string, string | number | undefined][] = [
    ['comparator', edit.comparator],
    ['format level', edit.formatLevel],
    ['log', edit.logNumber],
    ['previous log', edit.previousLogNumber],
    ['next file', edit.nextFileNumber],
    ['last sequence', edit.lastSequence === undefined ? undefined : count(edit.lastSequence)],
  ];
  for (const [name, value] of facts) if (value !== undefined) lines.write(`  ${name} ${value}`);
  const key = (internalKey: Uint8Array): string => names.text(keyParts(internalKey).userKey, 24);
  for (const pointer of edit.compactPointers) {
    lines.write(`  level ${pointer.level} is compacted from ${key(pointer.key)} on`);
  }
  for (const { level, number } of edit.deletedFiles)
    lines.write(`  - level ${level} table ${number}`);
  for (const { level, number, sizeBytes, smallest, largest } of edit.newFiles) {
    const range = `${key(smallest)} to ${key(largest)}`;
    lines.write(`  + level ${level} table ${number}, ${size(sizeBytes)}, ${range}`);
  }
}

function jsonEdit(edit: VersionEdit, offset: number, names: KeyNames): object {
  const key = (name: string, internalKey: Uint8Array): object => {
    const { userKey, sequence } = keyParts(internalKey);
    return { ...jsonBytes(name, names.split(userKey).key), [`${name}Sequence`]: sequence };
  };
  return {
    offset,
    ...edit,
    compactPointers: edit.compactPointers.map((p) => ({ level: p.level, ...key('key', p.key) })),
    newFiles: edit.newFiles.map(({ smallest, largest, ...file }) => {
      return { ...file, ...key('smallest', smallest), ...key('largest', largest) };
    }),
  };
}
