import { ClassicLevel } from 'classic-level';
import { beforeAll, expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { damage, realDirectory, realFiles as files, tableNames } from '../../os/testing.ts';
import type { SimulatedSystem } from '../testing/simulated-system.ts';
import { checkDirectory, type CheckReport } from './directory-check.ts';
import { problemText } from './problem.ts';
import {
  copyScene,
  damageScene,
  DIRECTORY,
  filesLike,
  type Scene,
  writeScene,
} from './testing/tool-scenes.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await writeScene();
});

function check(system: SimulatedSystem): CheckReport {
  return checkDirectory({ files: system.files, directory: DIRECTORY });
}

const textOf = (report: CheckReport): string => report.problems.map(problemText).join('\n');

test('a database as it should be has no problems', () => {
  const report = check(copyScene(scene));
  expect(textOf(report)).toBe('');
  expect(report.problemCount).toBe(0);
  expect(report.tables).toBeGreaterThan(5);
  expect(report.logEntries).toBe(20);
  expect(report.entries).toBeGreaterThan(300);
  expect(report.comparator).toBe('leveldb.BytewiseComparator');
});

test('progress ends at the sum of what is read', () => {
  const { files } = copyScene(scene);
  let last = { doneBytes: 0, totalBytes: 0 };
  checkDirectory({ files, directory: DIRECTORY }, (progress) => {
    expect(progress.doneBytes).toBeGreaterThanOrEqual(last.doneBytes);
    last = progress;
  });
  expect(last.doneBytes).toBe(last.totalBytes);
});

test('a bit that is flipped in any file is found, and that file named', () => {
  const random = new SeededRandomness(7);
  for (const name of filesLike(scene, /ldb$|^MANIFEST|^CURRENT$/)) {
    const size = scene.system.files.stat(`${DIRECTORY}/${name}`)!.sizeBytes;
    for (let round = 0; round < 12; round++) {
      const at = random.below(size);
      const system = damageScene(scene, name, (bytes) => {
        bytes[at]! ^= 1 << random.below(8);
        return bytes;
      });
      const report = check(system);
      const found = report.problems.map(({ file }) => file).join(' ');
      if (name === 'CURRENT') expect(found).toMatch(/CURRENT|MANIFEST/);
      else if (name.endsWith('.ldb')) expect(found).toContain(name);
      // The last edit of a manifest may be one that was never whole.
      else expect(found + report.notes.map(({ file }) => file).join(' ')).toContain(name);
    }
  }
});

test('damage in a log is a problem where synced entries follow, else a note', () => {
  const [name] = filesLike(scene, /log$/);
  let problems = 0;
  for (let at = 0; at < 900; at += 7) {
    const report = check(
      damageScene(scene, name!, (bytes) => {
        bytes[at]! ^= 0x10;
        return bytes;
      }),
    );
    problems += report.problemCount;
    expect(report.problemCount + report.notes.length).toBeGreaterThan(0);
  }
  expect(problems).toBeGreaterThan(50);
});

test('what is missing, too short, too long or left over is named', () => {
  const [table] = filesLike(scene, /ldb$/);
  const missing = check(damageScene(scene, table!, () => undefined));
  expect(textOf(missing)).toContain(`${table}: the table is missing, which the manifest has in`);
  const short = check(damageScene(scene, table!, (bytes) => bytes.slice(0, -1)));
  expect(textOf(short)).toContain(`${table}: the table is not as long as the manifest says`);
  const manifest = filesLike(scene, /^MANIFEST/)[0]!;
  expect(textOf(check(damageScene(scene, manifest, () => undefined)))).toContain(
    `${manifest}: the manifest is missing, which CURRENT names`,
  );
  const none = check(damageScene(scene, 'CURRENT', () => undefined));
  expect(textOf(none)).toContain('there is no CURRENT');

  const system = copyScene(scene);
  const bytes = system.files.dump().get(`${DIRECTORY}/${table}`)!;
  system.files.put(`${DIRECTORY}/999999.ldb`, bytes);
  system.files.put(`${DIRECTORY}/000002.dbtmp`, bytes);
  system.files.put(`${DIRECTORY}/notes.txt`, bytes);
  const report = check(system);
  expect(report.problemCount).toBe(0);
  const noted = report.notes.map(({ file }) => file);
  expect(noted).toContain('000002.dbtmp');
  expect(noted).toContain('999999.ldb');
  expect(noted).not.toContain('notes.txt');
});

test('a table in the place of another is found', () => {
  const [first, second] = filesLike(scene, /ldb$/);
  const other = scene.system.files.dump().get(`${DIRECTORY}/${second}`)!;
  const text = textOf(check(damageScene(scene, first!, () => other.slice())));
  expect(text).toContain(`${first}: the manifest is wrong about the table's smallest key`);
});

test('no directory and an empty one', () => {
  const { files } = copyScene(scene, () => undefined);
  expect(() => checkDirectory({ files, directory: '/nowhere' })).toThrow('no such directory');
  expect(textOf(checkDirectory({ files, directory: DIRECTORY }))).toContain('no CURRENT');
});

const directory = realDirectory();

test('a directory of LevelDB is checked, while LevelDB has it open and writes', async () => {
  const db = new ClassicLevel(directory, { writeBufferSize: 64 * 1024, blockSize: 1024 });
  await db.open();
  try {
    for (let round = 0; round < 6; round++) {
      const batch = db.batch();
      for (let i = 0; i < 2000; i++)
        batch.put(`key${(i * 7919 + round) % 10_000}`, `${round}:${i}`);
      await batch.write();
      const report = checkDirectory({ files, directory });
      expect(textOf(report)).toBe('');
    }
    await db.compactRange('', '~');
    expect(textOf(checkDirectory({ files, directory }))).toBe('');
    await db.close();
    const report = checkDirectory({ files, directory });
    expect(textOf(report)).toBe('');
    expect(report.tables).toBeGreaterThan(0);
    const table = tableNames(directory)[0]!;
    damage(directory, table, () => 100, 4);
    expect(textOf(checkDirectory({ files, directory }))).toContain(`${table}, offset 0: checksum`);
  } finally {
    await db.close();
  }
});
