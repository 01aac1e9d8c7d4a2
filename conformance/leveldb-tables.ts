/**
 * Our tables under the eyes of RocksDB's `ldb` and `sst_dump`, which read LevelDB's format, where they are installed (Debian: rocksdb-tools, version 7.8;
 * RocksDB 11 no longer reads it). Directories of two tables, written with several options: scanned, looked up, checked.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Region } from '../src/bytes/region.ts';
import { trailerHigh, trailerLow } from '../src/lsm/internal-key.ts';
import { setCurrentSync } from '../src/lsm/manifest/current.ts';
import { oldTableFileName, tableFileName } from '../src/lsm/manifest/file-names.ts';
import { LEVELDB_COMPARATOR } from '../src/lsm/manifest/manifest-state.ts';
import { ManifestWriter } from '../src/lsm/manifest/manifest-writer.ts';
import { type NewFile, VersionEdit } from '../src/lsm/manifest/version-edit.ts';
import { TableBuilder } from '../src/lsm/format/table-builder.ts';
import type { TableWriteOptions } from '../src/lsm/format/table-options.ts';
import { NodeFileSystem } from '../src/os/node-file-system.ts';
import { hasProgram } from './servers.ts';

type Entry = readonly [key: string, sequence: number, value: string | undefined];

const OPTIONS: readonly TableWriteOptions[] = [
  {},
  { codec: 'snappy', levelDbFilter: true },
  { blockBytes: 256, restartInterval: 1, filterBitsPerKey: 0, levelDbFilter: true },
];
const ENTRIES = 20_000;
const files = new NodeFileSystem();

/** How many checks failed. */
export function runLevelDbTables(): Promise<number> {
  if (!hasProgram('ldb') || !hasProgram('sst_dump')) {
    process.stdout.write('skipped: ldb and sst_dump are not here (Debian: rocksdb-tools)\n');
    return Promise.resolve(0);
  }
  let failures = 0;
  for (const options of OPTIONS) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-ldb-'));
    try {
      const problems = check(directory, options);
      failures += problems.length;
      const verdict = problems.length === 0 ? 'same' : problems.join('; ');
      process.stdout.write(`ldb and sst_dump on tables ${JSON.stringify(options)}: ${verdict}\n`);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  }
  return Promise.resolve(failures);
}

function check(directory: string, options: TableWriteOptions): string[] {
  const problems: string[] = [];
  const expected = writeDirectory(directory, options);
  const lines = run('ldb', [`--db=${directory}`, 'scan', '--hex'])
    .split('\n')
    .filter(isEntry);
  const scanned = lines.map((line) => line.split(/ (?:: |==> )/));
  const wanted = [...expected].map(([key, value]) => [hexOf(key), hexOf(value)]);
  if (JSON.stringify(scanned) !== JSON.stringify(wanted)) {
    problems.push(`ldb scan gives ${scanned.length} entries, not the ${wanted.length} written`);
  }
  const [key, value] = [...expected][777]!;
  const got = run('ldb', [`--db=${directory}`, 'get', key]).trim();
  if (got !== value) problems.push(`ldb get ${key} gives ${got}`);
  const consistency = run('ldb', [`--db=${directory}`, 'checkconsistency']);
  if (!consistency.includes('OK')) problems.push(`ldb checkconsistency: ${consistency}`);
  for (const number of [5, 6]) {
    const table = path.join(directory, oldTableFileName(number));
    fs.renameSync(path.join(directory, tableFileName(number)), table);
    for (const command of ['check', 'verify']) {
      const text = run('sst_dump', [
        `--file=${table}`,
        `--command=${command}`,
        '--verify_checksum',
      ]);
      if (/corrupt|error|fail|mismatch/i.test(text)) problems.push(`sst_dump ${command}: ${text}`);
    }
    const entries = run('sst_dump', [`--file=${table}`, '--command=scan']).match(/ => /g);
    const count = number === 5 ? ENTRIES : ENTRIES / 4;
    if (entries?.length !== count) problems.push(`sst_dump scans ${entries?.length} entries`);
  }
  return problems;
}

const isEntry = (line: string): boolean => line.startsWith('0x');
const hexOf = (text: string): string => `0x${Buffer.from(text).toString('hex').toUpperCase()}`;

/** Both streams: the tools report on either. */
function run(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `failed: ${stdout}${stderr}`;
  }
}

/** A level 2 table, and one above it with newer values and deletions; returns what is live, in order. */
function writeDirectory(directory: string, options: TableWriteOptions): Map<string, string> {
  const old: Entry[] = [];
  const young: Entry[] = [];
  for (let i = 0; i < ENTRIES; i++) {
    const key = `key${String(i).padStart(7, '0')}`;
    old.push([key, i + 1, `value ${i};`.repeat(i % 9)]);
    if (i % 4 === 0) young.push([key, ENTRIES + i, i % 8 === 0 ? undefined : `new ${i}`]);
  }
  const edit = new VersionEdit();
  edit.comparator = LEVELDB_COMPARATOR;
  edit.logNumber = 0;
  edit.nextFileNumber = 10;
  edit.lastSequence = ENTRIES * 3;
  edit.newFiles.push(writeTable(directory, 5, 2, old, options));
  edit.newFiles.push(writeTable(directory, 6, 0, young, options));
  const manifest = new ManifestWriter(files, directory, 4);
  manifest.append(edit);
  manifest.close();
  setCurrentSync(files, directory, 4);
  const live = new Map<string, string>();
  for (const [key, , value] of [...old, ...young]) {
    if (value === undefined) live.delete(key);
    else live.set(key, value);
  }
  return new Map([...live].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function writeTable(
  directory: string,
  number: number,
  level: number,
  entries: readonly Entry[],
  options: TableWriteOptions,
): NewFile {
  const file = files.open(path.join(directory, tableFileName(number)), 'create');
  const builder = new TableBuilder(file, options);
  for (const [key, sequence, text] of entries) {
    const region = Region.of(key);
    const value = Region.of(text ?? '');
    const low = trailerLow(sequence, text === undefined ? 0 : 1);
    const keyEnd = region.bytes.length;
    const valueEnd = value.bytes.length;
    builder.add(region, 0, keyEnd, low, trailerHigh(sequence), value, 0, valueEnd);
  }
  const { sizeBytes, smallest, largest } = builder.finish();
  file.close();
  return { level, number, sizeBytes, smallest, largest };
}
