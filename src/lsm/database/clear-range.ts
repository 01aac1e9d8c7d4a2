/**
 * Deletes a range of keys in bounded memory.
 *
 *   1. Tables that have nothing but keys of the range, and lie over no others, need no tombstones: they will be dropped as they are. Until then no compaction
 *      takes them.
 *   2. Of the keys that the rest of the tree shows in the range each gets a tombstone, some thousand a batch; at format level 2 one tombstone covers all.
 *   3. Once the tombstones are durable the tables are dropped: before, a crash could bring back what the tables had replaced.
 *
 * A crash in between leaves some of the keys.
 */
import type { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { inputsOf, isFree } from '../compaction/free-tables.ts';
import { BLOCKED, CACHED, VALID } from '../cursor.ts';
import { TYPE_DELETION, TYPE_RANGE_DELETION } from '../internal-key.ts';
import { CLEAR_BATCH_BYTES, CLEAR_TURN_KEYS } from '../limits.ts';
import type { TableFile } from '../version/table-file.ts';
import { Version } from '../version/version.ts';
import { ValueRules } from '../value-rules.ts';
import { VisibleCursor } from '../visible-cursor.ts';
import { WriteBatch } from '../write-batch.ts';
import type { Engine } from './engine.ts';
import { View } from './view.ts';
import { viewSource } from './view-source.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Keys on the disk: the first included, the second not; undefined for no bound. Rejects with LsmError. */
export async function clearRange(
  engine: Engine,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
  sync: boolean,
): Promise<void> {
  engine.writes.settle();
  const view = engine.retainView();
  const dropped = tablesWithin(view.version, lower, upper);
  for (const file of dropped.keys()) file.isCompacting = true;
  try {
    const rest = new KeysOfRest(engine, view, dropped, lower, upper);
    if (engine.versions.formatLevel > 1) await coverAll(engine, rest, lower, upper);
    else await deleteAll(engine, rest);
    if (sync || dropped.size > 0) await engine.writes.sync();
  } catch (error) {
    for (const file of dropped.keys()) file.isCompacting = false;
    engine.background.schedule();
    throw error;
  } finally {
    engine.releaseView(view);
  }
  if (dropped.size > 0) await drop(engine, dropped);
}

async function drop(engine: Engine, dropped: ReadonlyMap<TableFile, number>): Promise<void> {
  const { background, retired, writes } = engine;
  await background.dropTables(inputsOf(dropped), 'cleared');
  // Readers of the last write before a drop see what was dropped, if somebody reads at an older moment still: new readers must be of a later one.
  if (!retired.batches.some(({ sequence }) => sequence === engine.lastSequence)) return;
  const [file] = dropped.keys();
  writes.add(TYPE_DELETION, NO_BYTES, file!.keys.bytes.slice(0, file!.smallestEnd), NO_BYTES);
  await writes.promise(false);
}

/** By table, its level. */
function tablesWithin(
  version: Version,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
): Map<TableFile, number> {
  const found = new Map<TableFile, number>();
  // From the bottom up: one may go where everything goes that it lies over.
  for (let level = version.levels.length - 1; level >= 0; level--) {
    for (const file of version.levels[level]!.toReversed()) {
      if (isWithin(file, lower, upper) && isFree(version, { level, file }, found)) {
        found.set(file, level);
      }
    }
  }
  return found;
}

function isWithin(
  file: TableFile,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
): boolean {
  const { keys, smallestEnd } = file;
  if (lower !== undefined) {
    const smallest = keys.bytes.subarray(0, smallestEnd);
    if (Buffer.compare(smallest, lower.region.bytes.subarray(0, lower.length)) < 0) return false;
  }
  return upper === undefined || file.compareRange(upper.region, 0, upper.length) > 0;
}

/** What expires is cleared too, and what operands come to does not matter. */
const KEYS_ALONE: ValueRules = new ValueRules({
  operator: { merge: () => NO_BYTES },
  hasExpiries: false,
  nowMs: 0,
  prefixBytes: 0,
  path: '',
});

/** Goes through the keys of the range that are in none of the tables which are dropped. */
class KeysOfRest {
  readonly requests: BlockRequests;
  readonly cursor: VisibleCursor;

  constructor(
    engine: Engine,
    view: View,
    dropped: ReadonlyMap<TableFile, number>,
    lower: GrowingBytes | undefined,
    upper: GrowingBytes | undefined,
  ) {
    const levels = view.version.levels.map((files) => files.filter((file) => !dropped.has(file)));
    this.requests = new BlockRequests(engine.tables.loader);
    const source = viewSource({
      tables: engine.tables,
      view: new View(view.memtables, new Version(levels)),
      sequence: engine.lastSequence,
      lower,
      upper,
      mode: CACHED,
      requests: this.requests,
      formatLevel: engine.versions.formatLevel,
    });
    this.cursor = new VisibleCursor(source, engine.lastSequence, lower, upper, KEYS_ALONE);
  }

  /** Ends the move that was begun; true where the cursor stands on a key then. */
  async arrive(): Promise<boolean> {
    const { cursor, requests } = this;
    while (cursor.status === BLOCKED) {
      await requests.load();
      cursor.resume();
    }
    requests.release();
    return cursor.status === VALID;
  }

  close(): void {
    this.cursor.close();
    this.requests.release();
  }
}

async function deleteAll(engine: Engine, rest: KeysOfRest): Promise<void> {
  const batch = new WriteBatch(CLEAR_BATCH_BYTES);
  const { cursor } = rest;
  const write = async (): Promise<void> => {
    const refusal = engine.writes.refusal(batch.sizeBytes);
    if (refusal !== undefined) throw refusal;
    await engine.writes.writeBatch(batch, false);
    batch.clear();
  };
  try {
    cursor.first();
    while (cursor.status === BLOCKED ? await rest.arrive() : cursor.status === VALID) {
      batch.delete(cursor.keyRegion, cursor.keyStart, cursor.keyEnd);
      if (batch.sizeBytes >= CLEAR_BATCH_BYTES) await write();
      if (batch.count % CLEAR_TURN_KEYS === 0 && engine.turn.isLongNow()) {
        await engine.turn.passed();
      }
      cursor.next();
    }
    await write();
  } finally {
    rest.close();
  }
}

/** One tombstone for the whole range; without an end, up to the last key that there is. */
async function coverAll(
  engine: Engine,
  rest: KeysOfRest,
  lower: GrowingBytes | undefined,
  upper: GrowingBytes | undefined,
): Promise<void> {
  const from = lower === undefined ? NO_BYTES : lower.region.bytes.slice(0, lower.length);
  let to = upper?.region.bytes.slice(0, upper.length);
  const { cursor } = rest;
  try {
    if (to === undefined) {
      cursor.last();
      if (!(await rest.arrive())) return;
      const last = cursor.keyRegion.bytes.subarray(cursor.keyStart, cursor.keyEnd);
      to = Buffer.concat([last, Buffer.of(0)]);
    }
  } finally {
    rest.close();
  }
  if (Buffer.compare(from, to) >= 0) return;
  const { writes } = engine;
  const refusal = writes.refusal(from.length + to.length);
  if (refusal !== undefined) throw refusal;
  writes.add(TYPE_RANGE_DELETION, NO_BYTES, from, to);
  await writes.promise(false);
}
