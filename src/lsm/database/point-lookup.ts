/**
 * Finds the newest version of a key that a sequence sees: in the memtables, newest first; in level 0, newest first; in one file of each level below. The
 * first that has any version of the key has the answer, because what is further down is older.
 *
 * Nothing is allocated. The key's hash is made once, for the filters of all tables.
 */
import type { Region } from '../../bytes/region.ts';
import type { TableCache } from '../cache/table-cache.ts';

import type { Table } from '../format/table.ts';
import { filterHash } from '../format/filter.ts';
import { ABSENT, DELETED, FOUND, type Lookup, MERGE, NOT_CACHED } from '../format/lookup.ts';
import { TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { LEVELS } from '../limits.ts';
import { NONE } from '../memtable/layout.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { NOT_COVERED } from '../range-fragments.ts';
import type { TableFile } from '../version/table-file.ts';
import type { RetiredBatch } from './retired-tables.ts';
import type { View } from './view.ts';

/** Of so many lookups one goes through the table cache. */
const TOUCH_MASK = 63;

export class PointLookup {
  readonly #tables: TableCache;
  #lookups = 0;

  constructor(tables: TableCache) {
    this.#tables = tables;
  }

  /** ABSENT, FOUND, DELETED, MERGE or, in CACHED mode, NOT_CACHED. After FOUND and MERGE `lookup` has the value until its `release`. Throws LsmError. */
  find(
    view: View,
    region: Region,
    start: number,
    end: number,
    sequence: number,
    mode: number,
    lookup: Lookup,
  ): number {
    const { memtables, version } = view;
    for (let i = 0; i < memtables.length; i++) {
      const { memtable } = memtables[i]!;
      if (memtable.entries === 0) continue;
      const record = memtable.get(region, start, end, sequence);
      if (memtable.ranges !== undefined) {
        const covering = memtable.ranges.at(sequence).covering(region, start, end, sequence);
        const isNewer = record === NONE || memtable.sequence(record) < covering;
        if (covering !== NOT_COVERED && isNewer) return DELETED;
      }
      if (record !== NONE) return found(memtable, record, lookup);
    }
    const level0 = version.levels[0]!;
    const { usedLevels } = version;
    if (level0.length + usedLevels.length + view.retired.length === 0) return ABSENT;
    const hash = filterHash(region, start, end);
    for (let i = 0; i < level0.length; i++) {
      const file = level0[i]!;
      if (file.compareRange(region, start, end) !== 0) continue;
      const answer = this.#ask(file, 0, region, start, end, sequence, hash, mode, lookup);
      if (answer !== ABSENT) return answer;
    }
    for (let i = 0; i < usedLevels.length; i++) {
      const level = usedLevels[i]!;
      const index = version.indexes[level]!;
      let at = index.findContaining(region, start, end);
      while (at < index.files.length) {
        const file = index.files[at]!;
        const answer = this.#ask(file, level, region, start, end, sequence, hash, mode, lookup);
        if (answer !== ABSENT) return answer;
        // Older versions of the file's last key may go on in the next one.
        if (!index.isContinued(at)) break;
        at++;
      }
    }
    if (view.retired.length === 0) return ABSENT;
    return this.#findRetired(view.retired, region, start, end, sequence, hash, mode, lookup);
  }

  #findRetired(
    retired: readonly RetiredBatch[],
    region: Region,
    start: number,
    end: number,
    sequence: number,
    hash: number,
    mode: number,
    lookup: Lookup,
  ): number {
    for (const batch of retired) {
      if (sequence > batch.sequence) continue;
      for (const index of batch.indexes) {
        let at = index.findContaining(region, start, end);
        while (at < index.files.length) {
          const file = index.files[at]!;
          const answer = this.#ask(file, LEVELS, region, start, end, sequence, hash, mode, lookup);
          if (answer !== ABSENT) return answer;
          if (!index.isContinued(at)) break;
          at++;
        }
      }
    }
    return ABSENT;
  }

  #ask(
    file: TableFile,
    level: number,
    region: Region,
    start: number,
    end: number,
    sequence: number,
    hash: number,
    mode: number,
    lookup: Lookup,
  ): number {
    // Nothing closes a table while this looks into it; the table cache hears of it now and then, so that it knows which ones are in use.
    const known = file.table;
    if (known !== undefined && known.isOpen && (++this.#lookups & TOUCH_MASK) !== 0) {
      return ask(known, region, start, end, sequence, hash, mode, lookup);
    }
    const tables = this.#tables;
    const table = tables.acquireOpen(file.number) ?? tables.acquire(file.number, level);
    file.table = table;
    try {
      return ask(table, region, start, end, sequence, hash, mode, lookup);
    } finally {
      tables.release(table);
    }
  }
}

/** What a table says: where one of its range deletions covers the key, all that is older is deleted, here and further down. */
function ask(
  table: Table,
  region: Region,
  start: number,
  end: number,
  sequence: number,
  hash: number,
  mode: number,
  lookup: Lookup,
): number {
  const answer = table.get(region, start, end, sequence, hash, mode, lookup);
  if (table.ranges === undefined || answer === NOT_CACHED) return answer;
  const covering = table.ranges.covering(region, start, end, sequence);
  if (covering === NOT_COVERED) return answer;
  if (answer !== FOUND && answer !== MERGE) return DELETED;
  if (lookup.sequence > covering) return answer;
  lookup.release();
  return DELETED;
}

function found(memtable: Memtable, record: number, lookup: Lookup): number {
  const type = memtable.type(record);
  if (type === TYPE_DELETION) return DELETED;
  lookup.region = memtable.region;
  lookup.start = memtable.keyEnd(record);
  lookup.end = memtable.valueEnd(record);
  lookup.sequence = memtable.sequence(record);
  lookup.type = type;
  return type === TYPE_VALUE ? FOUND : MERGE;
}
