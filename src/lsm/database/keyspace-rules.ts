/** What KVASIR says that keyspaces do, and whether this program can do it. */
import { LsmError } from '../errors.ts';
import type { DirectoryDescription, JsonObject } from '../manifest/kvasir-file.ts';
import { loadCompactionFilter } from '../operators/compaction-filter.ts';
import { changedSettings, rulesOf } from './keyspace-options.ts';
import type { Settings } from './options.ts';

/** The default keyspace's. */
export const DEFAULT_NAME = '';
/** In the settings of a directory without keyspaces: those of the one that it is. */
export const DEFAULT_SETTING = 'default';
/** Values of some keyspaces are in envelopes. */
export const TTL_FEATURE = 'ttl';

/** For messages. */
export function nameFor(name: string): string {
  return name === DEFAULT_NAME ? 'the default keyspace' : `the keyspace ${name}`;
}

/** Of a keyspace; nothing where it is not there. */
export function settingsOf(description: DirectoryDescription, name: string): JsonObject {
  const { layout, settings, keyspaces } = description;
  if (layout === 'keyspaced') return keyspaces.find((one) => one.name === name)?.settings ?? {};
  return (settings[DEFAULT_SETTING] as JsonObject | undefined) ?? {};
}

/** What whoever opens the directory must know of. */
export function featuresOf(description: DirectoryDescription): readonly string[] {
  const { features, settings, keyspaces } = description;
  const all = [...keyspaces.map((keyspace) => keyspace.settings), settings[DEFAULT_SETTING] ?? {}];
  const isTtl = all.some((one) => 'ttl' in (one as JsonObject));
  return isTtl && !features.includes(TTL_FEATURE) ? [...features, TTL_FEATURE] : features;
}

/** Who only reads has no use for filters. Throws LsmError UNSUPPORTED. */
export function checkLoading(
  settings: JsonObject,
  name: string,
  directory: string,
  isReadOnly: boolean,
): void {
  const { compactionFilter } = rulesOf(settings, nameFor(name), directory);
  if (compactionFilter === undefined || isReadOnly) return;
  loadCompactionFilter(compactionFilter, nameFor(name), directory);
}

/** Whether all keyspaces can be opened, the default one with what the caller wants of it, before anything is changed. Throws LsmError UNSUPPORTED. */
export function checkRules(
  directory: string,
  { keyspace, readOnly }: Settings,
  description: DirectoryDescription | undefined,
  isEmpty: boolean,
  formatLevel: number,
): void {
  const names = description?.keyspaces.map(({ name }) => name) ?? [];
  for (const name of new Set([DEFAULT_NAME, ...names])) {
    let settings = description === undefined ? {} : settingsOf(description, name);
    if (name === DEFAULT_NAME && !readOnly) {
      if (keyspace.mergeOperator !== undefined && formatLevel === 1) {
        const problem = 'merge operators need format level 2';
        throw new LsmError('UNSUPPORTED', problem, { path: directory });
      }
      settings = changedSettings(settings, keyspace, nameFor(name), isEmpty);
    }
    checkLoading(settings, name, directory, readOnly);
  }
}
