/**
 * Our log and manifest under the eyes of RocksDB's `ldb`, where it is installed (leveldb-tables.ts): a directory of nothing else, sync marks
 * included, with and without room zeroed behind the last record.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Region } from '../src/bytes/region.ts';
import { setCurrentSync } from '../src/lsm/manifest/current.ts';
import { LEVELDB_COMPARATOR } from '../src/lsm/manifest/manifest-state.ts';
import { ManifestWriter } from '../src/lsm/manifest/manifest-writer.ts';
import { VersionEdit } from '../src/lsm/manifest/version-edit.ts';
import { prepareLogSync } from '../src/lsm/wal/prepared-log.ts';
import { WriteAheadLog } from '../src/lsm/wal/write-ahead-log.ts';
import { WriteBatch } from '../src/lsm/write-batch.ts';
import { NodeFileSystem } from '../src/os/node-file-system.ts';
import { hasProgram } from './servers.ts';

const BATCHES = 2000;
const files = new NodeFileSystem();

/** How many checks failed. */
export function runLevelDbLogs(): number {
  if (!hasProgram('ldb')) {
    process.stdout.write('skipped: ldb is not here (Debian: rocksdb-tools)\n');
    return 0;
  }
  let failures = 0;
  for (const zeroBytes of [0, 8 * 1024 * 1024]) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-ldb-'));
    try {
      const problem = check(directory, zeroBytes);
      if (problem !== '') failures++;
      const verdict = problem === '' ? 'same' : problem;
      process.stdout.write(`ldb on a log with ${zeroBytes} bytes prepared: ${verdict}\n`);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  }
  return failures;
}

/** What is wrong, '' if nothing. */
function check(directory: string, zeroBytes: number): string {
  const expected = writeDirectory(directory, zeroBytes);
  const text = execFileSync('ldb', [`--db=${directory}`, 'scan', '--hex'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const lines = text.split('\n').filter((line) => line.startsWith('0x'));
  if (lines.length !== expected.length) return `${lines.length} entries of ${expected.length}`;
  const wrong = lines.findIndex((line, i) => line.split(/ (?:: |==> )/).join() !== expected[i]);
  return wrong < 0 ? '' : `${lines[wrong]} instead of ${expected[wrong]}`;
}

/** Gives what is live, in order, as the tool prints it. */
function writeDirectory(directory: string, zeroBytes: number): string[] {
  const edit = new VersionEdit();
  edit.comparator = LEVELDB_COMPARATOR;
  edit.logNumber = 3;
  edit.nextFileNumber = 4;
  edit.lastSequence = 0;
  const manifest = new ManifestWriter(files, directory, 2);
  manifest.append(edit);
  manifest.sync();
  manifest.close();
  setCurrentSync(files, directory, 2);

  const prepared = prepareLogSync({ files, directory, number: 9, durableSequence: 0, zeroBytes });
  const log = new WriteAheadLog({
    files,
    directory,
    number: 3,
    prepared,
    lastSequence: 0,
    durableSequence: 0,
  });
  const live = new Map<string, string>();
  const batch = new WriteBatch();
  for (let i = 0; i < BATCHES; i++) {
    batch.clear();
    const key = `key ${(i * 7919) % 1500}`;
    const value = `value ${i}`.repeat(i % 500 === 0 ? 10_000 : i % 7);
    const [k, v, old] = [Region.of(key), Region.of(value), Region.of(`key ${i % 400}`)];
    batch.delete(old, 0, old.bytes.length);
    batch.put(k, 0, k.bytes.length, v, 0, v.bytes.length);
    live.delete(`key ${i % 400}`);
    live.set(key, value);
    batch.seal(log.lastSequence + 1);
    log.append(batch.region, 0, batch.sizeBytes);
    log.write();
    if (i % 100 === 0) log.sync();
  }
  const hex = (text: string): string => `0x${Buffer.from(text).toString('hex').toUpperCase()}`;
  return [...live]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${hex(key)},${hex(value)}`);
}
