/** `kvasir import DIR`: entries from lines of JSON on standard input, or from another directory of ours or LevelDB's. */
import fs from 'node:fs';
import { type Database, LsmError, open } from '../../lsm/index.ts';
import { EntryLoader } from '../../lsm/tools/entry-loader.ts';
import { LineError, parseLine } from '../../lsm/tools/json-lines.ts';
import { LineSplitter } from '../../lsm/tools/line-splitter.ts';
import { counted, run, size } from './output.ts';
import { ProgressBar } from './progress-bar.ts';

export interface ImportOptions {
  /** Where entries go that name none. */
  readonly keyspace?: string;
  /** A directory of ours or LevelDB's. */
  readonly from?: string;
  readonly keyspaces?: boolean;
  readonly json?: boolean;
}

/** The largest key and value in base64, and some: Node.js has no longer texts than 512 MiB. */
const MAX_LINE_BYTES: number = 512 * 1024 * 1024;

export function importEntries(directory: string, options: ImportOptions): Promise<number> {
  return run('import', async (lines) => {
    const hasKeyspaces = options.keyspaces === true || options.keyspace !== undefined;
    const source =
      options.from === undefined
        ? undefined
        : await open(options.from, { readOnly: true, createIfMissing: false });
    try {
      const ttl = options.keyspace === undefined ? source?.options.ttl : undefined;
      const layout = hasKeyspaces ? { keyspaced: true } : {};
      const db = await open(directory, ttl === undefined ? layout : { ...layout, ttl });
      const bar = await ProgressBar.create('Importing', source === undefined ? 'bytes' : 'entries');
      const loader = new EntryLoader(db);
      try {
        if (source === undefined) await fromInput(loader, options, bar);
        else await fromDatabase(source, loader, options, bar);
        await loader.finish();
      } finally {
        bar.hide();
        await db.close();
      }
      const { entries, bytes } = loader;
      if (options.json === true) lines.json({ directory, entries, bytes });
      else lines.write(`${directory}: ${counted(entries, 'entry', 'entries')}, ${size(bytes)}`);
    } finally {
      await source?.close();
    }
    return 0;
  });
}

async function fromInput(
  loader: EntryLoader,
  options: ImportOptions,
  bar: ProgressBar,
): Promise<void> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const stat = fs.fstatSync(0);
  const totalBytes = stat.isFile() ? stat.size : 0;
  let doneBytes = 0;
  let line = 0;
  const take = (text: string): boolean => {
    line++;
    if (text === '') return false;
    try {
      const { keyspace, key, value, expiresAtMs } = parseLine(text);
      const name = keyspace === '' ? (options.keyspace ?? '') : keyspace;
      return loader.add(name, key, value, expiresAtMs);
    } catch (error) {
      throw atLine(error, line, loader.entries);
    }
  };
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    for (const text of splitter.take(piece)) if (take(text)) await loader.write();
    doneBytes += piece.length;
    bar.show(doneBytes, totalBytes);
  }
  take(splitter.rest());
}

/** The same error, with its line; what came before it is imported. */
function atLine(error: unknown, line: number, entries: number): unknown {
  if (!(error instanceof LineError) && !(error instanceof LsmError)) return error;
  const code = error instanceof LsmError ? error.code : 'CORRUPTION';
  const imported = `${counted(entries, 'entry', 'entries')} before it were read`;
  return new LsmError(code, `line ${line} of the input: ${error.message} (${imported})`);
}

async function fromDatabase(
  source: Database,
  loader: EntryLoader,
  options: ImportOptions,
  bar: ProgressBar,
): Promise<void> {
  // Keyspaces first: they make a new directory one that has them.
  const names = source.keyspaceNames();
  const keyspaces = [...names.map((name) => source.keyspace(name)), source];
  for (const keyspace of keyspaces) {
    const target = keyspace.name === '' ? (options.keyspace ?? '') : keyspace.name;
    const { ttl } = keyspace.options;
    loader.keyspace(target, { ttl });
    const iterator = keyspace.range().iterator();
    try {
      while (iterator.next()) {
        const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = iterator;
        const key = keyBytes.subarray(keyStart, keyEnd);
        const value = valueBytes.subarray(valueStart, valueEnd);
        const expiresAtMs = ttl !== undefined ? iterator.expiresAt() : undefined;
        if (!loader.add(target, key, value, expiresAtMs)) continue;
        await loader.write();
        bar.show(loader.entries, 0);
      }
    } finally {
      iterator.close();
    }
  }
}
