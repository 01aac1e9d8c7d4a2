/**
 * What a database's directory holds: its version by levels, its logs and what opening would recover from them, its keyspaces, and what belongs to
 * nothing. Takes no lock and writes nothing; whoever has the database open may go on meanwhile.
 */
import { type FileSystem, joinPath } from '../../os/file-system.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { LOOK_ATTEMPTS } from '../limits.ts';
import { CURRENT_FILE, KVASIR_FILE, tableFileName } from '../manifest/file-names.ts';
import { type DirectoryDescription, readKvasirFile } from '../manifest/kvasir-file.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { filesOfKind, listDirectory, type ListedFile } from './directory-listing.ts';
import { openTable } from './inspect-table.ts';
import { compareUserKeys } from './level-check.ts';
import { checkLogs, isLive, type LogCheck } from './log-check.ts';
import { type ManifestReplay, replayCurrent } from './manifest-replay.ts';
import { isMissing, type Problem, problemOf } from './problem.ts';
import { salvageProperties } from './salvage-cursor.ts';

export interface DirectoryInspection {
  readonly directory: string;
  /** undefined without a manifest that could be read to some place. */
  readonly manifest: ManifestReplay | undefined;
  /** By level, those without tables left out. */
  readonly levels: readonly LevelInspection[];
  /** KVASIR; undefined in a plain LevelDB directory. */
  readonly description: DirectoryDescription | undefined;
  readonly logs: readonly LogInspection[];
  /** What opening would do with the logs; undefined without a manifest. */
  readonly recovery: LogCheck | undefined;
  /** Files that the version does not have: older, unfinished, messages, others'. */
  readonly others: readonly ListedFile[];
  readonly problems: readonly Problem[];
}

export interface LevelInspection {
  readonly level: number;
  readonly sizeBytes: number;
  /** In the order of reading: level 0 newest first, the others by keys. */
  readonly files: readonly LevelFile[];
}

export interface LevelFile extends NewFile {
  readonly name: string;
  /** Of tables that Kvasir wrote. */
  readonly entries: number | undefined;
  readonly deletions: number | undefined;
  readonly minSequence: number | undefined;
  readonly maxSequence: number | undefined;
  readonly codec: string | undefined;
}

export interface LogInspection extends ListedFile {
  /** Whether not all of its entries are in tables. */
  readonly isLive: boolean;
}

/** Throws LsmError NOT_FOUND where there is no such directory, IO_ERROR where it cannot be listed. */
export function inspectDirectory(
  directory: string,
  files: FileSystem = new NodeFileSystem(),
): DirectoryInspection {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === LOOK_ATTEMPTS;
    const inspection = inspectOnce(directory, files, isLast);
    if (inspection !== undefined) return inspection;
  }
}

/** undefined where logs were taken away meanwhile, flushed by who has the database open, unless this is the last attempt. */
function inspectOnce(
  directory: string,
  files: FileSystem,
  isLast: boolean,
): DirectoryInspection | undefined {
  const listed = listDirectory(files, directory);
  const problems: Problem[] = [];
  const attempt = <T>(file: string, action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      problems.push(problemOf(error, file));
      return undefined;
    }
  };
  const manifest = attempt(CURRENT_FILE, () => replayCurrent(files, directory));
  if (manifest?.error !== undefined) problems.push(problemOf(manifest.error, manifest.name));
  const state = manifest?.state;
  const description = attempt(KVASIR_FILE, () => readKvasirFile(files, directory));
  const logs = filesOfKind(listed, 'log').map((log) => {
    return { ...log, isLive: state !== undefined && isLive(state, log.number) };
  });
  let recovery: LogCheck | undefined;
  if (state !== undefined) {
    const numbers = logs.filter((log) => log.isLive).map(({ number }) => number);
    try {
      recovery = lastOf(checkLogs({ files, directory, numbers, state }));
    } catch (error) {
      if (isMissing(error) && !isLast) return undefined;
      problems.push(problemOf(error, 'the logs'));
    }
  }
  if (recovery?.problem !== undefined) problems.push(recovery.problem);
  const levels = state === undefined ? [] : levelsOf(files, directory, listed, state.files);
  const known = new Set([
    ...levels.flatMap((level) => level.files.map(({ name }) => name)),
    ...logs.filter((log) => log.isLive).map(({ name }) => name),
    manifest?.name,
  ]);
  const others = listed.filter(
    ({ name, kind }) => !known.has(name) && !['current', 'lock', 'kvasir'].includes(kind),
  );
  return { directory, manifest, levels, description, logs, recovery, others, problems };
}

function levelsOf(
  files: FileSystem,
  directory: string,
  listed: readonly ListedFile[],
  version: ReadonlyMap<number, NewFile>,
): LevelInspection[] {
  const names = new Map(filesOfKind(listed, 'table').map(({ number, name }) => [number, name]));
  const levels = new Map<number, LevelFile[]>();
  for (const file of version.values()) {
    const name = names.get(file.number) ?? tableFileName(file.number);
    const level = levels.get(file.level) ?? [];
    level.push({ ...file, name, ...factsOf(files, joinPath(directory, name), file) });
    levels.set(file.level, level);
  }
  return [...levels]
    .sort(([a], [b]) => a - b)
    .map(([level, list]) => {
      const sizeBytes = list.reduce((sum, file) => sum + file.sizeBytes, 0);
      const order = level === 0 ? byAge : byKey;
      return { level, sizeBytes, files: list.sort(order) };
    });
}

const byAge = (a: NewFile, b: NewFile): number => b.number - a.number;
const byKey = (a: NewFile, b: NewFile): number => compareUserKeys(a.smallest, b.smallest);

type Facts = Pick<LevelFile, 'entries' | 'deletions' | 'minSequence' | 'maxSequence' | 'codec'>;

/** As far as table and manifest tell: what cannot be read here a check names. */
function factsOf(files: FileSystem, path: string, { facts }: NewFile): Facts {
  let found: Facts = { entries: undefined, deletions: undefined, codec: undefined, ...NONE };
  try {
    const file = files.open(path, 'read');
    try {
      const properties = salvageProperties(openTable(file));
      if (properties !== undefined) found = properties;
    } finally {
      file.close();
    }
  } catch (error) {
    // It may be gone by now, taken away by a compaction.
    problemOf(error, path);
  }
  const { entries, deletions, minSequence, maxSequence, codec } = { ...found, ...facts };
  return { entries, deletions, minSequence, maxSequence, codec };
}

const NONE = { minSequence: undefined, maxSequence: undefined };

function lastOf<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
