/** What a repair refuses, and what happens to it when the disk or another process is in its way. */
import { beforeAll, expect, test } from 'vitest';
import { writeKvasirFileSync } from '../manifest/kvasir-file.ts';
import type { SimulatedSystem } from '../testing/simulated-system.ts';
import { checkDirectory } from './directory-check.ts';
import { repairDirectory, type RepairReport } from './repair.ts';
import { descendingTable } from './testing/hand-made-table.ts';
import {
  contentsOf,
  copyScene,
  damageScene,
  DIRECTORY,
  filesLike,
  type Scene,
  withManifest,
  writeScene,
} from './testing/tool-scenes.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await writeScene({ writes: 800 });
});

function repair(system: SimulatedSystem, dropKvasirFile = false): Promise<RepairReport> {
  const { files, lockDatabase } = system;
  const options = { files, lockDatabase, directory: DIRECTORY, dropKvasirFile };
  return system.until(repairDirectory(options));
}

async function expectRefused(system: SimulatedSystem, code: string, text: string): Promise<void> {
  const before = system.files.dump();
  await expect(repair(system)).rejects.toMatchObject({ code });
  await expect(repair(system)).rejects.toThrow(text);
  expect(system.files.dump()).toEqual(before);
}

test('another comparator is refused by name, also where the manifest is damaged', async () => {
  const system = withManifest(scene, (edit) => (edit.comparator = 'idb_cmp1'));
  await expectRefused(system, 'UNSUPPORTED', 'idb_cmp1');
  const table = filesLike(scene, /ldb$/)[0]!;
  system.files.put(`${DIRECTORY}/${table}`, new Uint8Array(10));
  await expectRefused(system, 'UNSUPPORTED', 'idb_cmp1');
  const checked = checkDirectory({
    files: withManifest(scene, (edit) => (edit.comparator = 'idb_cmp1')).files,
    directory: DIRECTORY,
  });
  expect(checked.problems).toEqual([]);
  expect(checked.notes.map(({ note }) => note).join()).toContain('idb_cmp1 is not known here');
});

test('without a manifest, keys in another order are another comparator', async () => {
  const system = copyScene(scene, (name, bytes) =>
    name.startsWith('MANIFEST') || name === 'CURRENT' ? undefined : bytes,
  );
  system.files.put(`${DIRECTORY}/000001.ldb`, descendingTable());
  await expectRefused(system, 'UNSUPPORTED', 'order of another comparator');
});

test('a higher format level is refused by name', async () => {
  await expectRefused(
    withManifest(scene, (edit) => (edit.formatLevel = 3)),
    'UNSUPPORTED',
    'another format level',
  );
  const system = copyScene(scene);
  const description = { layout: 'raw', features: [], settings: {}, keyspaces: [] } as const;
  writeKvasirFileSync(
    system.files,
    DIRECTORY,
    { ...description, formatLevel: 9, nextKeyspaceId: 1 },
    1,
  );
  await expectRefused(system, 'UNSUPPORTED', 'at most 2, found 9');
});

test('features unknown here are refused by name', async () => {
  const system = copyScene(scene);
  const description = { layout: 'raw', settings: {}, keyspaces: [] } as const;
  writeKvasirFileSync(
    system.files,
    DIRECTORY,
    { ...description, formatLevel: 1, nextKeyspaceId: 1, features: ['time travel'] },
    1,
  );
  await expectRefused(system, 'UNSUPPORTED', 'found time travel');
});

test("KVASIR of a higher level than the manifest: LevelDB's repair was here, and all is read again at that level", async () => {
  const system = copyScene(scene);
  const description = { layout: 'raw', features: [], settings: {}, keyspaces: [] } as const;
  writeKvasirFileSync(
    system.files,
    DIRECTORY,
    { ...description, formatLevel: 2, nextKeyspaceId: 1 },
    1,
  );
  const report = await repair(system);
  expect(report.isRebuild).toBe(true);
  const checked = checkDirectory({ files: system.files, directory: DIRECTORY });
  expect(checked.problems).toEqual([]);
  expect(checked.formatLevel).toBe(2);
});

test('a damaged KVASIR is put back or given up by who knows, not by a repair', async () => {
  const system = copyScene(scene);
  system.files.put(`${DIRECTORY}/KVASIR`, Buffer.from('KVASIR 1 00000000\n{}\n'));
  await expectRefused(system, 'CORRUPTION', 'put it back from a backup');
  const report = await repair(system, true);
  expect(report.losses.map(({ file }) => file)).toEqual(['KVASIR']);
  expect(report.kept).toContain('lost/KVASIR');
  expect(await contentsOf(system)).toEqual(scene.contents);
});

test('a directory without a database, and one that is open', async () => {
  const empty = copyScene(scene, () => undefined);
  await expect(repair(empty)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const system = copyScene(scene);
  const lock = await system.lockDatabase(DIRECTORY);
  await expect(repair(system)).rejects.toMatchObject({ code: 'LOCKED' });
  await lock.release();
  expect((await repair(system)).isSound).toBe(true);
});

test('a full disk or a failing one at any call: what was there is still there, and the repair can be made again', async () => {
  const name = filesLike(scene, /ldb$/)[0]!;
  const damaged = (): SimulatedSystem =>
    damageScene(scene, name, (bytes) => bytes.fill(255, 30, 40));
  const whole = damaged();
  await repair(whole);
  const expected = await contentsOf(whole);
  for (const code of ['ENOSPC', 'EIO']) {
    for (let at = 1, isDone = false; !isDone; at++) {
      const system = damaged();
      let count = 0;
      system.files.fault = () => (++count === at ? code : undefined);
      try {
        await repair(system);
        isDone = count < at;
      } catch (error) {
        expect(error).toMatchObject({ code: code === 'EIO' ? 'IO_ERROR' : 'DISK_FULL' });
      }
      system.files.fault = undefined;
      await repair(system);
      expect(checkDirectory({ files: system.files, directory: DIRECTORY }).problems).toEqual([]);
      expect(await contentsOf(system)).toEqual(expected);
    }
  }
});
