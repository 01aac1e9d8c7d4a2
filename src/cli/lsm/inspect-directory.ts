/** `kvasir inspect DIR`. */
import {
  inspectDirectory,
  type DirectoryInspection,
  type LevelFile,
} from '../../lsm/tools/inspect-directory.ts';
import { keyParts } from '../../lsm/tools/bytes-text.ts';
import { KeyNames } from '../../lsm/tools/key-names.ts';
import { baseName, problemText, type Problem } from '../../lsm/tools/problem.ts';
import type { FileSystem } from '../../os/file-system.ts';
import { columns, count, counted, jsonBytes, type Lines, size } from './output.ts';

export function inspectDirectoryTo(
  lines: Lines,
  files: FileSystem,
  directory: string,
  options: { readonly json?: boolean },
): number {
  const inspection = inspectDirectory(directory, files);
  const names = new KeyNames(inspection.description);
  if (options.json === true) lines.json(jsonOf(inspection, names));
  else print(lines, inspection, names);
  return inspection.problems.length === 0 ? 0 : 1;
}

function print(lines: Lines, inspection: DirectoryInspection, names: KeyNames): void {
  const { directory, manifest, levels, problems, others } = inspection;
  lines.write(directory);
  if (manifest !== undefined) printState(lines, inspection);
  if (levels.length > 0) printLevels(lines, inspection, names);
  printLogs(lines, inspection);
  if (others.length > 0) {
    lines.write('\nnot of the version');
    for (const { name, kind, sizeBytes } of others) {
      lines.write(
        `  ${name}  ${size(sizeBytes)}${kind === 'other' ? "  none of the database's" : ''}`,
      );
    }
  }
  if (problems.length > 0) {
    lines.write('\nproblems');
    for (const problem of problems) lines.write(`  ${problemText(problem)}`);
  }
}

function printState(lines: Lines, { manifest, description }: DirectoryInspection): void {
  const { state, name, edits } = manifest!;
  lines.write(`  format level   ${state.formatLevel}`);
  lines.write(`  comparator     ${state.comparator}`);
  lines.write(`  manifest       ${name}, ${counted(edits, 'edit')}, ${size(state.sizeBytes)}`);
  if (state.tail !== undefined)
    lines.write(`                 ends in a torn edit: ${state.tail.problem}`);
  lines.write(`  last sequence  ${count(state.lastSequence)}`);
  lines.write(`  next file      ${state.nextFileNumber}`);
  if (description === undefined) return;
  const { layout, keyspaces, features } = description;
  if (layout === 'keyspaced') {
    const list = keyspaces.map(({ id, name }) => `${name === '' ? '(default)' : name} (id ${id})`);
    lines.write(`  keyspaces      ${list.join(', ')}`);
  }
  if (features.length > 0) lines.write(`  features       ${features.join(', ')}`);
}

function printLevels(lines: Lines, { levels }: DirectoryInspection, names: KeyNames): void {
  const head = ['level', 'tables', 'size', 'entries'];
  const rows = levels.map(({ level, sizeBytes, files }) => {
    return [String(level), count(files.length), size(sizeBytes), entriesOf(files)];
  });
  lines.write('');
  for (const row of columns([head, ...rows], [0, 1, 2, 3])) lines.write(`  ${row}`);
  for (const { level, files } of levels) {
    lines.write(`\nlevel ${level}`);
    for (const row of columns(
      files.map((file) => fileRow(file, names)),
      [1],
    ))
      lines.write(`  ${row}`);
  }
}

function entriesOf(files: readonly LevelFile[]): string {
  let sum = 0;
  for (const { entries } of files) {
    if (entries === undefined) return '?';
    sum += entries;
  }
  return count(sum);
}

function fileRow(file: LevelFile, names: KeyNames): string[] {
  const { name, sizeBytes, smallest, largest, entries, deletions, codec } = file;
  const key = (internalKey: Uint8Array): string => names.text(keyParts(internalKey).userKey, 24);
  const what = [
    file.minSequence === undefined ? '' : `sequences ${file.minSequence} to ${file.maxSequence}`,
    entries === undefined ? '' : counted(entries, 'entry', 'entries'),
    deletions === undefined || deletions === 0 ? '' : counted(deletions, 'deletion'),
    codec === undefined || codec === 'none' ? '' : codec,
  ];
  const range = `${key(smallest)} to ${key(largest)}`;
  return [name, size(sizeBytes), range, what.filter((text) => text !== '').join(', ')];
}

function printLogs(lines: Lines, { logs, recovery }: DirectoryInspection): void {
  if (logs.length === 0) return;
  lines.write('\nlogs');
  for (const { name, sizeBytes, isLive } of logs) {
    lines.write(`  ${name}  ${size(sizeBytes)}${isLive ? '' : '  in tables by now'}`);
  }
  if (recovery === undefined) return;
  const { entries, batches, lastSequence, drops } = recovery;
  const upTo = `up to sequence ${count(lastSequence)}`;
  const what = `${counted(entries, 'entry', 'entries')} in ${counted(batches, 'batch', 'batches')}`;
  lines.write(`  to be recovered: ${what}, ${upTo}`);
  for (const { path, offset, bytes, error } of drops) {
    lines.write(
      `  not: ${counted(bytes, 'byte')} from ${baseName(path)}, offset ${offset}: ${error.problem}`,
    );
  }
}

// ---- JSON

function jsonOf(inspection: DirectoryInspection, names: KeyNames): object {
  const { directory, manifest, levels, description, logs, recovery, others, problems } = inspection;
  const state = manifest?.state;
  return {
    directory,
    formatLevel: state?.formatLevel,
    comparator: state?.comparator,
    manifest: manifest && { name: manifest.name, edits: manifest.edits, bytes: state!.sizeBytes },
    lastSequence: state?.lastSequence,
    nextFileNumber: state?.nextFileNumber,
    logNumber: state?.logNumber,
    description,
    levels: levels.map(({ level, sizeBytes, files }) => {
      return { level, sizeBytes, files: files.map((file) => jsonFile(file, names)) };
    }),
    logs,
    recovery: recovery && {
      batches: recovery.batches,
      entries: recovery.entries,
      lastSequence: recovery.lastSequence,
      drops: recovery.drops.map(({ path, offset, bytes, error }) => {
        return { file: baseName(path), offset, bytes, problem: error.problem };
      }),
    },
    others,
    problems: problems.map(jsonProblem),
  };
}

function jsonFile(
  { smallest, largest, level: _, facts: __, ...file }: LevelFile,
  names: KeyNames,
): object {
  return {
    ...file,
    ...jsonKey('smallest', smallest, names),
    ...jsonKey('largest', largest, names),
  };
}

function jsonKey(name: string, internalKey: Uint8Array, names: KeyNames): object {
  const { userKey, sequence } = keyParts(internalKey);
  const { keyspace, key } = names.split(userKey);
  return {
    ...(keyspace === undefined ? {} : { [`${name}Keyspace`]: keyspace }),
    ...jsonBytes(name, key),
    [`${name}Sequence`]: sequence,
  };
}

export function jsonProblem(problem: Problem): object {
  return { ...problem, text: problemText(problem) };
}
