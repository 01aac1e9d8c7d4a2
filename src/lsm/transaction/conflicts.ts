/**
 * Finds out whether a key, or anything of a range, was written after a sequence: in the memtables, in those tables that have anything so new, and among tables that were
 * dropped whole since, which is a deletion of all that they had. (A transaction holds the sequence of its beginning as a snapshot does, so no compaction drops a
 * deletion that came after it, and tables that were dropped are still known.)
 */
import { compareBytes } from '../../bytes/compare.ts';
import type { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { Region } from '../../bytes/region.ts';
import { type Cursor, SYNC, VALID } from '../cursor.ts';
import type { Engine } from '../database/engine.ts';
import type { View } from '../database/view.ts';
import { filterHash } from '../format/filter.ts';
import { ABSENT } from '../format/lookup.ts';
import type { Table } from '../format/table.ts';
import { MAX_SEQUENCE } from '../internal-key.ts';
import { LEVELS } from '../limits.ts';
import { NONE } from '../memtable/layout.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { BEFORE_ALL, type RangeFragments } from '../range-fragments.ts';
import type { TableFile } from '../version/table-file.ts';

const NEVER = -1;

interface PlacedTable {
  readonly level: number;
  readonly file: TableFile;
  /** Who read at this sequence or before saw the table, though it is gone; NEVER where it is there. */
  readonly droppedAt: number;
}

export class Conflicts {
  readonly #engine: Engine;
  readonly #view: View;
  readonly #tables: readonly PlacedTable[];

  /** Of now. Tables with numbers below `firstFileNumber`, and with nothing behind `sequence`, are old enough for every question. */
  constructor(engine: Engine, sequence: number, firstFileNumber: number) {
    this.#engine = engine;
    this.#view = engine.view;
    const isNew = (file: TableFile): boolean =>
      file.number >= firstFileNumber && (file.facts?.maxSequence ?? MAX_SEQUENCE) > sequence;
    const tables: PlacedTable[] = [];
    for (const [level, files] of this.#view.version.levels.entries()) {
      for (const file of files) if (isNew(file)) tables.push({ level, file, droppedAt: NEVER });
    }
    for (const { indexes, sequence: droppedAt } of this.#view.retired) {
      for (const { files } of indexes) {
        for (const file of files) tables.push({ level: LEVELS, file, droppedAt });
      }
    }
    this.#tables = tables;
  }

  /** The sequence of a version of the key that is newer than `sequence`; 0 where there is none. Blocks for what is not cached. Throws LsmError. */
  newerThan(region: Region, start: number, end: number, sequence: number): number {
    for (const { memtable } of this.#view.memtables) {
      if (memtable.entries === 0) continue;
      const covering = memtable.ranges?.at(MAX_SEQUENCE).covering(region, start, end, MAX_SEQUENCE);
      if (covering !== undefined && covering > sequence) return covering;
      const record = memtable.get(region, start, end, MAX_SEQUENCE);
      if (record !== NONE && memtable.sequence(record) > sequence) return memtable.sequence(record);
    }
    if (this.#tables.length === 0) return 0;
    const hash = filterHash(region, start, end);
    for (const placed of this.#tables) {
      if (placed.file.compareRange(region, start, end) !== 0) continue;
      const found = this.#within(placed, sequence, (table) => {
        const { lookup } = this.#engine;
        const answer = table.get(region, start, end, MAX_SEQUENCE, hash, SYNC, lookup);
        const newest = answer === ABSENT ? 0 : lookup.sequence;
        lookup.release();
        return Math.max(newest, table.ranges?.covering(region, start, end, MAX_SEQUENCE) ?? 0);
      });
      if (found > 0) return found;
    }
    return 0;
  }

  /** The same for all keys from `lower` on and before `upper`. */
  newerInRange(
    lower: GrowingBytes | undefined,
    upper: GrowingBytes | undefined,
    sequence: number,
  ): number {
    for (const { memtable } of this.#view.memtables) {
      const covering = newestFragment(memtable.ranges?.at(MAX_SEQUENCE), lower, upper);
      if (covering > sequence) return covering;
      const found = firstNewer(new MemtableCursor(memtable), lower, upper, sequence);
      if (found > 0) return found;
    }
    for (const placed of this.#tables) {
      const { file, droppedAt } = placed;
      if (upper !== undefined && file.compareRange(upper.region, 0, upper.length) < 0) continue;
      if (lower !== undefined && file.compareRange(lower.region, 0, lower.length) > 0) continue;
      const found = this.#within(placed, sequence, (table) => {
        const covering = newestFragment(table.ranges, lower, upper);
        if (covering > sequence) return covering;
        const cursor = table.cursor(SYNC);
        try {
          // Of a table that was dropped any entry counts.
          return firstNewer(cursor, lower, upper, droppedAt === NEVER ? sequence : NEVER);
        } finally {
          cursor.close();
        }
      });
      if (found > 0) return found;
    }
    return 0;
  }

  /** What `look` finds in a table, or when that was dropped; 0 where that is not after `sequence`. */
  #within(
    { level, file, droppedAt }: PlacedTable,
    sequence: number,
    look: (table: Table) => number,
  ): number {
    if (droppedAt !== NEVER && droppedAt < sequence) return 0;
    const { tables } = this.#engine;
    const table = tables.acquire(file.number, level);
    try {
      const found = look(table);
      if (droppedAt !== NEVER) return found > 0 ? droppedAt + 1 : 0;
      return found > sequence ? found : 0;
    } finally {
      tables.release(table);
    }
  }
}

/** The sequence of the first entry between the bounds that is newer than `sequence`; 0 where there is none. */
function firstNewer(
  cursor: Cursor,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
  sequence: number,
): number {
  if (lower === undefined) cursor.first();
  else cursor.seek(lower.region, 0, lower.length, MAX_SEQUENCE);
  while (cursor.status === VALID) {
    const { keyRegion, keyStart, keyEnd } = cursor;
    const isBehind =
      upper !== undefined &&
      compareBytes(keyRegion, keyStart, keyEnd, upper.region, 0, upper.length) >= 0;
    if (isBehind) return 0;
    if (cursor.sequence > sequence) return cursor.sequence;
    cursor.next();
  }
  return 0;
}

/** The newest range that covers any key between the bounds; 0 where none does. */
function newestFragment(
  fragments: RangeFragments | undefined,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
): number {
  if (fragments === undefined) return 0;
  const from = lower === undefined ? BEFORE_ALL : fragments.locate(lower.region, 0, lower.length);
  let newest = 0;
  for (let i = Math.max(0, from); i < fragments.count; i++) {
    const { region, starts, ends } = fragments;
    const isBehind =
      upper !== undefined &&
      compareBytes(region, starts[i]!, ends[i]!, upper.region, 0, upper.length) >= 0;
    if (isBehind) break;
    newest = Math.max(newest, fragments.newestOf(i, MAX_SEQUENCE));
  }
  return newest;
}
