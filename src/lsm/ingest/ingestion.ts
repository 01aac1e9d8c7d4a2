/**
 * Bulk ingest: sorted entries become tables beside the tree, and then part of it in one step. They pass by log, memtable and compactions.
 *
 *   1. A sequence is reserved ahead of those that writes will use meanwhile, and the tables are built with it in each key (ingest-output.ts).
 *   2. What is in memory is flushed, so that afterwards little is left to be.
 *   3. In one step, which blocks the thread for that little flush and two syncs: memory is emptied, the tables get their names, behind those of all others, and their
 *      levels (placement.ts), and one edit of the manifest adds them all, with the reserved sequence as the last one. Reads from then on see all of them, snapshots
 *      from before none.
 *
 * Step 3 needs no log: with memory empty the manifest alone tells where sequences go on. A crash before its edit is durable leaves files that no version has.
 *
 * Where more writes were made in 1 and 2 than sequences were left for, the tables are copied with a later sequence.
 */
import { joinPath } from '../../os/file-system.ts';
import type { Engine } from '../database/engine.ts';
import type { ExpiryOptions, Keyspace } from '../database/keyspace.ts';
import { checkEntry, checkKeyspace } from '../database/keyspace.ts';
import { tableOptions } from '../database/options.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { MAX_SEQUENCE, TRAILER_BYTES, TYPE_DELETION, TYPE_VALUE } from '../internal-key.ts';
import { INGEST_FIRST_ROOM, INGEST_ROOM_FACTOR, LEVELS, MAX_INGEST_TABLES } from '../limits.ts';
import { tableFileName } from '../manifest/file-names.ts';
import { type NewFile, VersionEdit } from '../manifest/version-edit.ts';
import { IngestOutput, type IngestTable } from './ingest-output.ts';
import { OutsideTable } from './outside-table.ts';
import { levelFor } from './placement.ts';

/** Ascending keys, each once; without a value, a deletion. When the value expires, in a keyspace with a time to live: its default, where that is not said. */
export type IngestEntry = readonly [
  key: Uint8Array,
  value: Uint8Array | undefined,
  expiry?: ExpiryOptions | undefined,
];

/** Entries of one keyspace: in order, or table files each of which is. No two parts of one ingest may have keys in one range. */
export type IngestPart =
  | {
      readonly keyspace?: Keyspace | undefined;
      readonly entries: Iterable<IngestEntry> | AsyncIterable<IngestEntry>;
    }
  | { readonly keyspace?: Keyspace | undefined; readonly tables: readonly string[] };

export interface IngestInfo {
  /** The sequence that all of it has. */
  readonly sequence: number;
  readonly entries: number;
  readonly tables: number;
  readonly sizeBytes: number;
  /** How many tables went to which level. */
  readonly levels: readonly number[];
}

const NO_PREFIX: Uint8Array = new Uint8Array(0);

/** One ingest after the other: their sequences must not overtake each other. */
export class Ingestions {
  readonly #engine: Engine;
  readonly #firstRoom: number;
  #last: Promise<unknown> = Promise.resolve();

  /** `firstRoom`: sequences that are left for writes at first. */
  constructor(engine: Engine, firstRoom: number = INGEST_FIRST_ROOM) {
    this.#engine = engine;
    this.#firstRoom = firstRoom;
  }

  /** Rejects with LsmError, RangeError, and what a source throws; then nothing was ingested. */
  run(parts: readonly IngestPart[], fallback: Keyspace): Promise<IngestInfo> {
    const run = this.#last.then(() => this.#run(parts, fallback));
    this.#last = run.catch(() => {});
    return run;
  }

  async #run(parts: readonly IngestPart[], fallback: Keyspace): Promise<IngestInfo> {
    const engine = this.#engine;
    let output = this.#begin(this.#firstRoom);
    try {
      for (const part of parts) {
        const keyspace = part.keyspace ?? fallback;
        checkKeyspace(keyspace, engine);
        if (keyspace.prefix.length === 0) engine.keyspaces.stayRaw();
        if ('tables' in part) await this.#addTables(output, keyspace, part.tables);
        else await this.#addEntries(output, keyspace, part.entries);
      }
      checkDisjoint(output.tables);
      if (engine.memtables.active.memtable.entries > 0) await engine.background.flushAll();
      for (let room = this.#firstRoom; engine.lastSequence >= output.sequence;) {
        room *= INGEST_ROOM_FACTOR;
        output = await this.#copied(output, room);
      }
      // A keyspace that was dropped meanwhile says so.
      for (const part of parts) void (part.keyspace ?? fallback).prefix;
      return commit(engine, output);
    } catch (error) {
      output.abandon();
      throw fromFileError(error);
    }
  }

  #begin(room: number): IngestOutput {
    const { settings, versions, files, directory, lastSequence, writeFailure } = this.#engine;
    const { keyspaces } = this.#engine;
    if (writeFailure !== undefined) throw writeFailure;
    const sequence = lastSequence + room;
    if (sequence > MAX_SEQUENCE) {
      const expected = `at most ${MAX_SEQUENCE}`;
      throw new LsmError('LIMIT', 'sequence numbers end', { expected, found: sequence });
    }
    return new IngestOutput({
      files,
      directory,
      allocateFileNumber: () => versions.allocateFileNumbers(1),
      table: {
        ...tableOptions(settings, LEVELS - 1, versions.formatLevel === 1 ? 1 : 2),
        filterPrefix: keyspaces.filterPrefix(),
      },
      targetBytes: this.#engine.background.targetBytes(LEVELS - 1),
      sequence,
    });
  }

  async #addEntries(
    output: IngestOutput,
    keyspace: Keyspace,
    entries: Iterable<IngestEntry> | AsyncIterable<IngestEntry>,
  ): Promise<void> {
    if (Symbol.asyncIterator in entries) {
      for await (const entry of entries) {
        addEntry(output, keyspace, entry);
        await this.#pause(output);
      }
    } else {
      const { turn } = this.#engine;
      for (const entry of entries) {
        addEntry(output, keyspace, entry);
        if (output.isFull || turn.isLong()) await this.#pause(output);
      }
    }
    await output.endRun();
  }

  async #addTables(
    output: IngestOutput,
    keyspace: Keyspace,
    paths: readonly string[],
  ): Promise<void> {
    for (const path of paths) {
      const table = new OutsideTable(path, this.#engine);
      try {
        while (table.next()) {
          const expiresAtMs = keyspace.expiryOf(TYPE_VALUE, undefined);
          output.add(keyspace.prefix, table.key(), table.value(), expiresAtMs);
          if (output.isFull || this.#engine.turn.isLong()) await this.#pause(output);
        }
      } finally {
        table.close();
      }
      await output.endRun();
    }
  }

  /** The same tables with a later sequence; the old ones are removed. */
  async #copied(old: IngestOutput, room: number): Promise<IngestOutput> {
    const output = this.#begin(room);
    try {
      for (const { temporaryPath } of old.tables) {
        const table = new OutsideTable(temporaryPath, this.#engine);
        try {
          while (table.next()) {
            output.add(NO_PREFIX, table.key(), table.value());
            if (this.#engine.turn.isLong()) await this.#pause(output);
          }
        } finally {
          table.close();
        }
        await output.endRun();
      }
    } catch (error) {
      output.abandon();
      throw error;
    }
    old.abandon();
    return output;
  }

  async #pause(output: IngestOutput): Promise<void> {
    const { turn } = this.#engine;
    if (output.isFull) await output.endTable();
    if (output.tables.length > MAX_INGEST_TABLES) {
      const expected = `at most ${MAX_INGEST_TABLES} tables`;
      throw new LsmError('LIMIT', 'an ingest is too large', { expected });
    }
    if (turn.isLong()) await turn.passed();
    this.#engine.checkOpen();
  }
}

/** Throws TypeError, LsmError LIMIT, UNSUPPORTED. */
function addEntry(output: IngestOutput, keyspace: Keyspace, entry: IngestEntry): void {
  const [key, value, expiry] = entry;
  checkEntry(key, value ?? NO_PREFIX);
  const type = value === undefined ? TYPE_DELETION : TYPE_VALUE;
  output.add(keyspace.prefix, key, value, keyspace.expiryOf(type, expiry));
}

/** Blocks. Throws LsmError, FileError. */
function commit(engine: Engine, output: IngestOutput): IngestInfo {
  const { files, directory, versions, manifest, background } = engine;
  const { sequence, tables } = output;
  background.flushNow();
  const levels: number[] = Array.from({ length: LEVELS }, () => 0);
  const edit = new VersionEdit();
  edit.lastSequence = sequence;
  let number = versions.allocateFileNumbers(tables.length);
  const renamed: string[] = [];
  try {
    for (const { temporaryPath, meta } of tables) {
      const path = joinPath(directory, tableFileName(number));
      files.rename(temporaryPath, path);
      renamed.push(path);
      const level = levelFor(versions.current, background.compactions, meta);
      levels[level]!++;
      edit.newFiles.push(newFile(level, number, meta, engine));
      number++;
    }
    if (tables.length > 0) files.syncDirectory(directory);
  } catch (error) {
    for (const path of renamed) {
      try {
        files.unlink(path);
      } catch {
        // It is in no version, which is what makes it rubbish.
      }
    }
    throw error;
  }
  if (tables.length > 0) {
    manifest.commit(edit, () => engine.skipTo(sequence));
    manifest.syncNow();
    if (engine.failure !== undefined) throw engine.failure;
  }
  let entries = 0;
  let sizeBytes = 0;
  for (const { meta } of tables) {
    entries += meta.entries;
    sizeBytes += meta.sizeBytes;
  }
  engine.stats.ingests++;
  engine.stats.ingestedBytes += sizeBytes;
  return { sequence: engine.lastSequence, entries, tables: tables.length, sizeBytes, levels };
}

function newFile(
  level: number,
  number: number,
  meta: IngestTable['meta'],
  engine: Engine,
): NewFile {
  const { sizeBytes, smallest, largest, entries, deletions, minSequence, maxSequence } = meta;
  const createdSeconds = Math.floor(engine.clock.now() / 1000);
  const facts = { minSequence, maxSequence, entries, deletions, rangeDeletions: 0, createdSeconds };
  return { level, number, sizeBytes, smallest, largest, facts };
}

/** Throws RangeError where two tables have keys in one range. */
function checkDisjoint(tables: readonly IngestTable[]): void {
  const sorted = tables
    .map(({ meta }) => ({ smallest: userKey(meta.smallest), largest: userKey(meta.largest) }))
    .sort((a, b) => Buffer.compare(a.smallest, b.smallest));
  for (let i = 1; i < sorted.length; i++) {
    if (Buffer.compare(sorted[i - 1]!.largest, sorted[i]!.smallest) < 0) continue;
    throw new RangeError('parts of an ingest have keys in one range');
  }
}

function userKey(key: Uint8Array): Uint8Array {
  return key.subarray(0, key.length - TRAILER_BYTES);
}
