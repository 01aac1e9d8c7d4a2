/**
 * Copies a database into a new directory by way of its entries: what was overwritten and deleted stays behind, and the format level may be another. The way back from level 2.
 */
import { type Database, open } from '../database/database.ts';
import type { EngineSystem } from '../database/options.ts';
import type { FormatLevel } from '../format/table-options.ts';
import type { IngestEntry, IngestPart } from '../ingest/ingestion.ts';

export interface RewriteOptions {
  /** May be open elsewhere: what was written when it was looked at is copied. */
  readonly from: string;
  /** Must not be a database yet. */
  readonly to: string;
  /** Of the copy. Default 1, what LevelDB reads. */
  readonly formatLevel?: FormatLevel;
  /** Told now and then how many entries were read. */
  readonly onProgress?: (entries: number) => void;
  readonly system?: EngineSystem;
}

export interface RewriteReport {
  readonly entries: number;
  /** By name, the default one ('') first; undefined where the directory has none. */
  readonly keyspaces: readonly string[] | undefined;
  readonly tables: number;
  readonly sizeBytes: number;
}

/** Entries from one report of progress to the next. */
const STEP_ENTRIES = 1024;

/**
 * All entries appear in the copy in one step; before it, or after a crash, there is an empty database. Rejects with LsmError: EXISTS, NOT_FOUND, CORRUPTION, UNSUPPORTED,
 * DISK_FULL, IO_ERROR.
 */
export async function rewriteDirectory(options: RewriteOptions): Promise<RewriteReport> {
  const { from, to, formatLevel = 1 } = options;
  const system = options.system === undefined ? {} : { system: options.system };
  const source = await open(from, { readOnly: true, createIfMissing: false, ...system });
  try {
    const { isKeyspaced } = source;
    const copy = await open(to, {
      errorIfExists: true,
      formatLevel,
      keyspaced: isKeyspaced,
      ...system,
    });
    try {
      const names = isKeyspaced ? source.keyspaceNames() : [];
      const { entries, tables, sizeBytes } = await copy.ingest(parts(source, copy, names, options));
      const keyspaces = isKeyspaced ? ['', ...names] : undefined;
      return { entries, keyspaces, tables, sizeBytes };
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}

function parts(
  source: Database,
  copy: Database,
  names: readonly string[],
  { onProgress }: RewriteOptions,
): IngestPart[] {
  let read = 0;
  function* entriesOf(name: string): Generator<IngestEntry> {
    const keyspace = name === '' ? source : source.keyspace(name);
    for (const entry of keyspace.range()) {
      read++;
      if (read % STEP_ENTRIES === 0) onProgress?.(read);
      yield entry;
    }
  }
  return ['', ...names].map((name) => ({
    keyspace: name === '' ? copy : copy.keyspace(name),
    entries: entriesOf(name),
  }));
}
