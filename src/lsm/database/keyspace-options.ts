/** What a keyspace can be told to do beyond keeping values; kept in KVASIR, in its settings. */
import { LsmError } from '../errors.ts';
import type { Json, JsonObject } from '../manifest/kvasir-file.ts';
import {
  checkMergeOperator,
  loadMergeOperator,
  type MergeOperator,
  type MergeOperatorName,
} from '../operators/merge-operator.ts';
import {
  checkNamed,
  type ModuleExport,
  namedFromJson,
  namedToJson,
} from '../operators/module-export.ts';
import { MAX_EXPIRY_MS } from '../expiry.ts';
import { checkPrefix, type KeyPart, parsePart, partText } from '../format/filter-prefix.ts';
import { ValueRules } from '../value-rules.ts';

export interface TtlOptions {
  /** For values that are written without a time to live of their own, in milliseconds. Default: they never expire. */
  readonly defaultMs?: number | undefined;
}

export interface KeyspaceOptions {
  /** What `merge` means. Needs format level 2. A keyspace has one operator for good, and is opened with it or not at all. */
  readonly mergeOperator?: MergeOperatorName | undefined;
  /**
   * Values can have a time to live, for which each takes 1 byte more, or 7. Fixed when the keyspace is made, but for the default. LevelDB sees those bytes before the value. Not
   * with a merge operator.
   */
  readonly ttl?: TtlOptions | boolean | undefined;
  /** Asked by compactions whether an entry is kept. It may be changed at any time; false takes it away. */
  readonly compactionFilter?: ModuleExport | false | undefined;
  /**
   * Which prefixes of its keys go into the filters of tables: `{ bytes: 8 }`, the first eight bytes, or `{ through: 58 }`, all up to and with the first byte 58. A range whose
   * keys all have one such prefix passes over tables that have none of it. It may be another one at any time, or false for none: tables know by which they were written.
   */
  readonly filterPrefix?: KeyPart | false | undefined;
}

/** A keyspace's settings, understood. */
export interface KeyspaceRules {
  readonly mergeOperator: MergeOperatorName | undefined;
  readonly ttl: TtlOptions | undefined;
  readonly compactionFilter: ModuleExport | undefined;
  /** Loaded; undefined where there is none. */
  readonly operator: MergeOperator | undefined;
}

/** What keyspaces are without options. */
export const NO_RULES: KeyspaceRules = {
  mergeOperator: undefined,
  ttl: undefined,
  compactionFilter: undefined,
  operator: undefined,
};

/** Throws TypeError and RangeError for options that cannot be. */
export function checkKeyspaceOptions(options: KeyspaceOptions): void {
  const { mergeOperator, ttl, compactionFilter, filterPrefix } = options;
  if (mergeOperator !== undefined) checkMergeOperator(mergeOperator);
  if (filterPrefix !== undefined && filterPrefix !== false) checkPrefix(filterPrefix);
  if (compactionFilter !== undefined && compactionFilter !== false) {
    checkNamed('a compaction filter', compactionFilter);
  }
  if (ttl === undefined || typeof ttl === 'boolean') return;
  if (typeof ttl !== 'object') throw new TypeError('ttl must be { defaultMs }, true or false');
  const { defaultMs } = ttl;
  const isTime = typeof defaultMs === 'number';
  if (defaultMs === undefined || (isTime && defaultMs > 0 && defaultMs <= MAX_EXPIRY_MS)) return;
  throw new RangeError('defaultMs must be a time in milliseconds');
}

/**
 * The settings of a keyspace once it was opened with these options. `name`: for messages. `isNew`: nothing was written to it yet. Throws LsmError UNSUPPORTED for what
 * cannot be changed.
 */
export function changedSettings(
  settings: JsonObject,
  options: KeyspaceOptions,
  name: string,
  isNew: boolean,
): JsonObject {
  const { mergeOperator, ttl, compactionFilter, filterPrefix } = options;
  const refuse = (problem: string): never => {
    throw new LsmError('UNSUPPORTED', `${name} ${problem}`);
  };
  let changed = settings;
  if (mergeOperator !== undefined) {
    const wanted = typeof mergeOperator === 'string' ? mergeOperator : namedToJson(mergeOperator);
    const there = settings['mergeOperator'];
    if (there !== undefined && !isSame(there, wanted)) refuse('has another merge operator');
    changed = { ...changed, mergeOperator: wanted };
  }
  if (ttl !== undefined && ttl !== false) {
    if (!('ttl' in settings) && !isNew) refuse('was made without a time to live');
    const { defaultMs } = ttl === true ? {} : ttl;
    changed = { ...changed, ttl: defaultMs === undefined ? {} : { defaultMs } };
  } else if (ttl === false && 'ttl' in settings) refuse('was made with a time to live');
  changed = replaced(changed, 'compactionFilter', compactionFilter, namedToJson);
  changed = replaced(changed, 'filterPrefix', filterPrefix, partText);
  if ('ttl' in changed && 'mergeOperator' in changed) {
    refuse('cannot have both a time to live and a merge operator');
  }
  return changed;
}

/** With the option as a setting, where it is given; without it where it is false. */
function replaced<T>(
  settings: JsonObject,
  name: string,
  option: T | false | undefined,
  toJson: (option: T) => Json,
): JsonObject {
  if (option === undefined) return settings;
  if (option !== false) return { ...settings, [name]: toJson(option) };
  const { [name]: _, ...others } = settings;
  return others;
}

/** By which part of its keys a keyspace's tables are filtered; undefined where there is none, or none that is known. */
export function filterPrefixOf({ filterPrefix }: JsonObject): KeyPart | undefined {
  return typeof filterPrefix === 'string' ? parsePart(filterPrefix) : undefined;
}

/** Understands settings and loads the merge operator. Throws LsmError UNSUPPORTED for what this version does not know, or does not find. */
export function rulesOf(settings: JsonObject, name: string, directory: string): KeyspaceRules {
  const { mergeOperator, ttl, compactionFilter } = settings;
  if (mergeOperator === undefined && ttl === undefined && compactionFilter === undefined) {
    return NO_RULES;
  }
  const operator = operatorFromJson(mergeOperator);
  const filter = namedFromJson(compactionFilter);
  const isTtl = ttl === undefined || (typeof ttl === 'object' && ttl !== null);
  const isKnown =
    (operator === undefined) === (mergeOperator === undefined) &&
    (filter === undefined) === (compactionFilter === undefined) &&
    isTtl;
  if (!isKnown) {
    throw new LsmError('UNSUPPORTED', `${name} has settings unknown here`, {
      path: directory,
      found: JSON.stringify(settings),
    });
  }
  return {
    mergeOperator: operator,
    ttl: ttlFromJson(ttl),
    compactionFilter: filter,
    operator: operator && loadMergeOperator(operator, name, directory),
  };
}

/** What a read goes by at a time; undefined for NO_RULES. */
export function valueRules(
  rules: KeyspaceRules,
  nowMs: number,
  prefixBytes: number,
  path: string,
): ValueRules | undefined {
  if (rules === NO_RULES) return undefined;
  const { operator, ttl } = rules;
  return new ValueRules({ operator, hasExpiries: ttl !== undefined, nowMs, prefixBytes, path });
}

function operatorFromJson(json: Json | undefined): MergeOperatorName | undefined {
  return json === 'counter' || json === 'append' ? json : namedFromJson(json);
}

function ttlFromJson(json: Json | undefined): TtlOptions | undefined {
  if (json === undefined) return undefined;
  const { defaultMs } = json as JsonObject;
  return typeof defaultMs === 'number' ? { defaultMs } : {};
}

function isSame(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
