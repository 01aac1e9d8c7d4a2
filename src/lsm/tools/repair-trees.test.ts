/** Repairs of trees of many shapes: much in level 0, range deletions, what LevelDB wrote, what a compaction left behind. */
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { copyFile } from '../../os/copy-file.ts';
import { lockDatabase } from '../../os/database-lock.ts';
import type { FileSystem } from '../../os/file-system.ts';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../os/simulated-loop.ts';
import { damage, realDirectory, realFiles as files } from '../../os/testing.ts';
import { open } from '../database/database.ts';
import { TableBuilder } from '../format/table-builder.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { addEntry, allOf, inOrder, textEntry, type Entry } from '../testing/table-entries.ts';
import { checkDirectory } from './directory-check.ts';
import { problemText } from './problem.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import { repairDirectory, type RepairReport } from './repair.ts';
import { SalvageCursor, salvageRangeDeletions } from './salvage-cursor.ts';
import { contentsOf, copyScene, DIRECTORY, filesLike, writeScene } from './testing/tool-scenes.ts';

function repair(system: SimulatedSystem): Promise<RepairReport> {
  const { files, lockDatabase } = system;
  const options = { files, lockDatabase, directory: DIRECTORY, targetBytes: 4096 };
  return system.until(repairDirectory(options));
}

const problemsOf = (files: FileSystem, directory: string): string[] =>
  checkDirectory({ files, directory }).problems.map(problemText);

test('many tables of level 0, of which some are damaged: the order of age stays', async () => {
  const options = { level0Files: 60, level0SlowFiles: 70, level0StopFiles: 80 };
  const scene = await writeScene({ writes: 2500, keys: 150, open: options });
  const random = new SeededRandomness(21);
  expect(filesLike(scene, /ldb$/).length).toBeGreaterThan(10);
  for (let round = 0; round < 8; round++) {
    const system = copyScene(scene, (name, bytes) => {
      // The filter and what follows: nothing is lost, but tables are written anew.
      if (name.endsWith('.ldb') && random.below(4) === 0) bytes[bytes.length - 20]! ^= 1;
      return bytes;
    });
    const report = await repair(system);
    expect(report.losses).toEqual([]);
    expect(problemsOf(system.files, DIRECTORY)).toEqual([]);
    expect(await contentsOf(system)).toEqual(scene.contents);
  }
});

test('without a manifest, tables in any state of any tree come to the newest versions', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const level0Files = [2, 60][seed % 2]!;
    const options = { level0Files, level0SlowFiles: 70, level0StopFiles: 80 };
    const scene = await writeScene({ seed, writes: 900, keys: 60 * seed, open: options });
    const system = copyScene(scene, (name, bytes) =>
      name.startsWith('MANIFEST') ? undefined : bytes,
    );
    const report = await repair(system);
    expect(report.losses).toEqual([]);
    expect(await contentsOf(system)).toEqual(scene.contents);
  }
});

test('inputs of a compaction that are still there do no harm', async () => {
  const before = await writeScene({ writes: 1200, keys: 200 });
  const system = copyScene(before);
  const db = await system.until(open(DIRECTORY, { system, memtableBytes: 8192 }));
  await system.until(db.compact());
  await system.until(db.close());
  // All that was there before the compaction comes back, but for the manifest.
  for (const [file, bytes] of before.system.files.dump()) {
    if (/ldb$|log$/.test(file)) system.files.put(file, bytes);
  }
  for (const name of system.files.readDirectory(DIRECTORY)) {
    if (name.startsWith('MANIFEST')) system.files.unlink(`${DIRECTORY}/${name}`);
  }
  const report = await repair(system);
  expect(report.isRebuild).toBe(true);
  expect(report.losses).toEqual([]);
  expect(problemsOf(system.files, DIRECTORY)).toEqual([]);
  expect(await contentsOf(system)).toEqual(before.contents);
});

test('range deletions are cut to the tables that they go to', async () => {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.makeDirectory(DIRECTORY);
  const write = (number: number, entries: Entry[]): void => {
    const file = files.open(`${DIRECTORY}/00000${number}.ldb`, 'replace');
    const builder = new TableBuilder(file, { formatLevel: 2, blockBytes: 256 });
    for (const entry of entries) addEntry(builder, entry);
    builder.finish();
    file.sync();
    file.close();
    files.syncDirectory(DIRECTORY);
  };
  const keys = Array.from({ length: 300 }, (_, i) => `key${String(i).padStart(4, '0')}`);
  write(4, inOrder(keys.map((key, i) => textEntry(key, i + 1, 1, 'v'.repeat(60)))));
  write(
    5,
    [
      textEntry('key0100', 1000, 3, 'key0200'),
      textEntry('key0150', 1001, 3, 'key0290'),
      textEntry('key0000', 1002, 2, 'operand'),
    ].sort((a, b) => a.sequence - b.sequence),
  );
  const system = new SimulatedSystem(files);
  const report = await repair(system);
  expect(report.isRebuild).toBe(true);
  expect(report.losses).toEqual([]);
  expect(report.tablesWritten).toBeGreaterThan(3);
  expect(problemsOf(files, DIRECTORY)).toEqual([]);
  expect(checkDirectory({ files, directory: DIRECTORY }).formatLevel).toBe(2);
  let entries = 0;
  const deleted = new Set<string>();
  for (const name of files.readDirectory(DIRECTORY).filter((name) => name.endsWith('.ldb'))) {
    const file = files.open(`${DIRECTORY}/${name}`, 'read');
    const table = new RawTable(file, 1, uncachedLoader());
    entries += allOf(new SalvageCursor(table, name)).length;
    for (const { begin, end, sequence } of salvageRangeDeletions(table, undefined)!) {
      for (const key of keys) {
        const bytes = Buffer.from(key);
        if (bytes.compare(begin) < 0 || bytes.compare(end) >= 0) continue;
        expect(deleted.has(`${key} ${sequence}`)).toBe(false);
        deleted.add(`${key} ${sequence}`);
      }
    }
  }
  expect(entries).toBe(301);
  expect(deleted.size).toBe(100 + 140);
});

const directory = realDirectory();

test("a directory of LevelDB's: damaged, repaired, and opened by LevelDB again", async () => {
  const random = new SeededRandomness(23);
  const expected = new Map<string, string>();
  const level = new ClassicLevel(directory, { writeBufferSize: 65_536, maxFileSize: 1 << 20 });
  await level.open();
  for (let round = 0; round < 8; round++) {
    const batch = level.batch();
    for (let i = 0; i < 1500; i++) {
      const key = `key${String(random.below(5000)).padStart(5, '0')}`;
      const value = `${round}:${i}:${'v'.repeat(random.below(80))}`;
      expected.set(key, value);
      batch.put(key, value);
    }
    await batch.write();
    if (round === 5) await level.compactRange('', '~');
  }
  await level.close();
  const names = files.readDirectory(directory);
  const rounds = [/^CURRENT/, /^MANIFEST/, /^(?!LO).*(ldb|MANIFEST.*)$/];
  for (const [round, pattern] of rounds.entries()) {
    const copy = `${directory}/copy${round}`;
    files.makeDirectory(copy);
    for (const name of names) {
      const from = `${directory}/${name}`;
      await copyFile(files, from, `${copy}/${name}`, files.stat(from)!.sizeBytes);
    }
    for (const name of names.filter((n) => pattern.test(n))) {
      damage(copy, name, (bytes) => random.below(bytes), 1 + random.below(255));
    }
    const report = await repairDirectory({ files, lockDatabase, directory: copy });
    expect(problemsOf(files, copy)).toEqual([]);
    const again = new ClassicLevel(copy, { createIfMissing: false });
    await again.open();
    const found = new Map(await again.iterator().all());
    await again.close();
    if (report.losses.length === 0) expect(found).toEqual(expected);
    else expect(found.size).toBeGreaterThan(expected.size / 2);
    for (const [key, value] of found)
      if (report.losses.length === 0) expect(value).toBe(expected.get(key));
  }
});
