/** What a merge does with the entries of keyspaces that ask for more than keeping them, by the prefix of their keys. */
import { compareBytes } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import { loadMergeOperator, type MergeOperator } from '../operators/merge-operator.ts';
import { type CompactionFilter, loadCompactionFilter } from '../operators/compaction-filter.ts';
import type { JobRequest, KeyspaceJobRules } from './job.ts';

export interface LoadedRules {
  readonly prefixBytes: number;
  readonly operator: MergeOperator | undefined;
  readonly hasExpiries: boolean;
  readonly filter: CompactionFilter | undefined;
}

interface Placed {
  readonly prefix: Region;
  readonly rules: LoadedRules;
}

export class JobRules {
  readonly #placed: readonly Placed[];
  #at = 0;

  /** Loads what the request names. Throws LsmError UNSUPPORTED. */
  constructor({ rules, directory, kind }: Pick<JobRequest, 'rules' | 'directory' | 'kind'>) {
    this.#placed = rules.map((named) => ({
      prefix: Region.of(named.prefix),
      rules: load(named, directory, kind),
    }));
  }

  /** Those that a key is under, undefined where there are none. Keys come in order, and so do prefixes. */
  at(region: Region, start: number, end: number): LoadedRules | undefined {
    const placed = this.#placed;
    for (; this.#at < placed.length; this.#at++) {
      const { prefix, rules } = placed[this.#at]!;
      const { length } = prefix.bytes;
      const order = compareBytes(region, start, Math.min(end, start + length), prefix, 0, length);
      if (order <= 0) return order === 0 ? rules : undefined;
    }
    return undefined;
  }
}

function load(
  { prefix, name, mergeOperator, hasExpiries, compactionFilter }: KeyspaceJobRules,
  directory: string,
  kind: JobRequest['kind'],
): LoadedRules {
  return {
    prefixBytes: prefix.length,
    operator: mergeOperator && loadMergeOperator(mergeOperator, name, directory),
    hasExpiries,
    // Flushes leave filtering to compactions: writers wait for them.
    filter:
      compactionFilter && kind === 'compaction'
        ? loadCompactionFilter(compactionFilter, name, directory)
        : undefined,
  };
}
