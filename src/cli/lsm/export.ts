/** `kvasir export DIR`: all entries as lines of JSON, or into a new directory: LevelDB's, or one of ours of format level 1. */
import { type Database, type Keyspace, LsmError, open } from '../../lsm/index.ts';
import { parseBytes } from '../../lsm/tools/bytes-text.ts';
import { EntryLoader } from '../../lsm/tools/entry-loader.ts';
import { formatLine } from '../../lsm/tools/json-lines.ts';
import { rewriteDirectory } from '../../lsm/tools/rewrite.ts';
import { complain, counted, type Lines, run, size } from './output.ts';
import { ProgressBar } from './progress-bar.ts';

export interface ExportOptions {
  readonly keyspace?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  /** The directory of LevelDB's that is made. */
  readonly leveldb?: string;
  /** The directory of the engine's that is made. */
  readonly database?: string;
  readonly json?: boolean;
}

/** Entries from one look at the clock to the next. */
const STEP_ENTRIES = 1024;

export function exportEntries(directory: string, options: ExportOptions): Promise<number> {
  return run('export', async (lines) => {
    if (options.database !== undefined) {
      await toDatabase(directory, options.database, options, lines);
      return 0;
    }
    const db = await open(directory, { readOnly: true, createIfMissing: false });
    const bar = await ProgressBar.create('Exporting', 'entries');
    try {
      if (options.leveldb === undefined) await toLines(db, options, lines, bar);
      else await toLevelDb(db, options.leveldb, options, lines, bar);
    } finally {
      bar.hide();
      await db.close();
    }
    return 0;
  });
}

async function toLines(
  db: Database,
  options: ExportOptions,
  lines: Lines,
  bar: ProgressBar,
): Promise<void> {
  const isOne = options.keyspace !== undefined;
  let entries = 0;
  for (const keyspace of keyspacesOf(db, options)) {
    const name = isOne ? '' : keyspace.name;
    eachEntry(keyspace, options, entries, (key, value, expiresAtMs) => {
      lines.write(formatLine(name, key, value, expiresAtMs));
      entries++;
      if (entries % STEP_ENTRIES === 0) bar.show(entries, 0);
      return false;
    });
  }
  bar.hide();
  if (process.stderr.isTTY) complain('export', counted(entries, 'entry', 'entries'));
}

async function toLevelDb(
  db: Database,
  target: string,
  options: ExportOptions,
  lines: Lines,
  bar: ProgressBar,
): Promise<void> {
  const keyspaces = keyspacesOf(db, options);
  if (keyspaces.length > 1) {
    const expected = '--keyspace and the name of one';
    throw new LsmError('UNSUPPORTED', 'a LevelDB directory has no keyspaces', { expected });
  }
  const copy = await open(target, { errorIfExists: true, formatLevel: 1, levelDbFilter: true });
  try {
    const loader = new EntryLoader(copy);
    const iterator = keyspaces[0]!.range(rangeOf(options)).iterator();
    try {
      while (iterator.next()) {
        const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = iterator;
        const key = keyBytes.subarray(keyStart, keyEnd);
        if (!loader.add('', key, valueBytes.subarray(valueStart, valueEnd))) continue;
        await loader.write();
        bar.show(loader.entries, 0);
      }
    } finally {
      iterator.close();
    }
    await loader.finish();
    const { entries, bytes } = loader;
    bar.hide();
    if (options.json === true) lines.json({ directory: target, entries, bytes });
    else lines.write(`${target}: ${counted(entries, 'entry', 'entries')}, ${size(bytes)}`);
  } finally {
    await copy.close();
  }
}

async function toDatabase(
  from: string,
  to: string,
  options: ExportOptions,
  lines: Lines,
): Promise<void> {
  const { keyspace, from: first, to: last, limit, leveldb } = options;
  if ([keyspace, first, last, limit, leveldb].some((option) => option !== undefined)) {
    throw new RangeError(
      '--database copies all there is: --keyspace, --from, --to, --limit and --leveldb do not go with it',
    );
  }
  const bar = await ProgressBar.create('Exporting', 'entries');
  try {
    const report = await rewriteDirectory({ from, to, onProgress: (n) => bar.show(n, 0) });
    bar.hide();
    const { entries, sizeBytes } = report;
    if (options.json === true) lines.json({ directory: to, ...report });
    else lines.write(`${to}: ${counted(entries, 'entry', 'entries')}, ${size(sizeBytes)}`);
  } finally {
    bar.hide();
  }
}

/** The one that is asked for, else all that there are. Throws LsmError NOT_FOUND. */
function keyspacesOf(db: Database, { keyspace }: ExportOptions): Keyspace[] {
  const names = db.keyspaceNames();
  if (keyspace === undefined) return [db, ...names.map((name) => db.keyspace(name))];
  if (keyspace === '') return [db];
  if (names.includes(keyspace)) return [db.keyspace(keyspace)];
  const found = names.length === 0 ? 'none' : names.join(', ');
  throw new LsmError('NOT_FOUND', `there is no keyspace ${keyspace}`, { found });
}

/** `done`: of those that the limit allows. */
function eachEntry(
  keyspace: Keyspace,
  options: ExportOptions,
  done: number,
  take: (key: Uint8Array, value: Uint8Array, expiresAtMs: number) => boolean,
): void {
  const range = rangeOf(options);
  const limit = range.limit === undefined ? undefined : range.limit - done;
  if (limit !== undefined && limit <= 0) return;
  const iterator = keyspace.range({ ...range, limit }).iterator();
  const hasTtl = keyspace.options.ttl !== undefined;
  try {
    while (iterator.next()) {
      const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = iterator;
      const key = keyBytes.subarray(keyStart, keyEnd);
      const expiresAtMs = hasTtl ? iterator.expiresAt() : Infinity;
      if (take(key, valueBytes.subarray(valueStart, valueEnd), expiresAtMs)) return;
    }
  } finally {
    iterator.close();
  }
}

function rangeOf({ from, to, limit }: ExportOptions): {
  gte?: Uint8Array;
  lte?: Uint8Array;
  limit?: number;
} {
  return {
    ...(from === undefined ? {} : { gte: parseBytes(from) }),
    ...(to === undefined ? {} : { lte: parseBytes(to) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}
