/** Compaction filters: the user's own code decides which entries a compaction keeps. */
import { LsmError } from '../errors.ts';
import { loadNamed, type ModuleExport } from './module-export.ts';

export interface FilterContext {
  /** Milliseconds since 1970, of the moment the compaction was begun. */
  readonly nowMs: number;
  /** The level that the compaction writes. */
  readonly level: number;
}

/**
 * Keeps an entry (true), drops it (false), or gives it another value. Asked, by compactions alone, for the newest value of a key that no snapshot sees; until a compaction has
 * come to it an entry is there. Must be pure, and neither keep nor change its arguments, whose bytes are valid during the call. Where it throws, the entry is kept.
 */
export type CompactionFilter = (
  key: Uint8Array,
  value: Uint8Array,
  context: FilterContext,
) => boolean | Uint8Array;

/** `keyspace`: its name, for messages. Throws LsmError UNSUPPORTED. */
export function loadCompactionFilter(
  named: ModuleExport,
  keyspace: string,
  directory: string,
): CompactionFilter {
  const what = `the compaction filter of ${keyspace}`;
  const found = loadNamed(what, named, directory);
  if (typeof found === 'function') return found as CompactionFilter;
  const place = { path: directory, found: `${named.module}, export ${named.export}` };
  throw new LsmError('UNSUPPORTED', `${what} is no function`, place);
}
