import { beforeAll, expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import type { SimulatedSystem } from '../testing/simulated-system.ts';
import { checkDirectory } from './directory-check.ts';
import { keyParts } from './bytes-text.ts';
import { problemText } from './problem.ts';
import { repairDirectory, type RepairOptions, type RepairReport } from './repair.ts';
import type { Loss } from './salvage-blocks.ts';
import {
  contentsOf,
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

function repair(
  system: SimulatedSystem,
  options: Partial<RepairOptions> = {},
): Promise<RepairReport> {
  const { files, lockDatabase } = system;
  return system.until(
    repairDirectory({ files, lockDatabase, directory: DIRECTORY, targetBytes: 4096, ...options }),
  );
}

function expectSound(system: SimulatedSystem): void {
  const report = checkDirectory({ files: system.files, directory: DIRECTORY });
  expect(report.problems.map(problemText)).toEqual([]);
}

/** Whether a key may be among those that are lost. */
function isWithin(key: string, { after, before, range, offset, bytes, file }: Loss): boolean {
  const textOf = (internalKey: Uint8Array): string =>
    Buffer.from(keyParts(internalKey).userKey).toString();
  if (file.endsWith('.log') || (bytes === 0 && offset === 0)) return true;
  if (range !== undefined) return key >= textOf(range.smallest) && key <= textOf(range.largest);
  return (
    (after === undefined || key >= textOf(after)) && (before === undefined || key <= textOf(before))
  );
}

/** All is there but for what is told to be lost. */
async function expectAllButLosses(system: SimulatedSystem, losses: readonly Loss[]): Promise<void> {
  expectSound(system);
  const found = await contentsOf(system);
  const wrong = [...new Set([...found.keys(), ...scene.contents.keys()])].filter(
    (key) => found.get(key) !== scene.contents.get(key),
  );
  expect(wrong.filter((key) => !losses.some((loss) => isWithin(key, loss)))).toEqual([]);
}

test('a sound database is left as it is', async () => {
  const system = copyScene(scene);
  const before = system.files.dump();
  const report = await repair(system);
  expect(report.isSound).toBe(true);
  expect(report.losses).toEqual([]);
  expect(system.files.dump()).toEqual(before);
});

test('a damaged table gives what is not damaged, in its level', async () => {
  const random = new SeededRandomness(5);
  for (const name of filesLike(scene, /ldb$/)) {
    const size = scene.system.files.stat(`${DIRECTORY}/${name}`)!.sizeBytes;
    for (let round = 0; round < 4; round++) {
      const at = random.below(size);
      const length = Math.min(size - at, 1 + random.below(round * 300 + 1));
      const system = damageScene(scene, name, (bytes) => {
        for (let i = at; i < at + length; i++) bytes[i]! ^= 1 + random.below(255);
        return bytes;
      });
      const original = system.files.dump().get(`${DIRECTORY}/${name}`)!;
      const report = await repair(system);
      expect(report.isSound).toBe(false);
      expect(report.isRebuild).toBe(false);
      expect(report.problems.length).toBeGreaterThan(0);
      expect(report.kept).toContain(`lost/${name}`);
      expect(system.files.dump().get(`${DIRECTORY}/lost/${name}`)).toEqual(original);
      await expectAllButLosses(system, report.losses);
    }
  }
});

test('tables that are missing or cut off', async () => {
  for (const name of filesLike(scene, /ldb$/)) {
    const missing = damageScene(scene, name, () => undefined);
    const report = await repair(missing);
    expect(report.losses.map(({ file, reason }) => `${file}: ${reason}`)).toEqual([
      `${name}: the table is missing`,
    ]);
    await expectAllButLosses(missing, report.losses);
    const short = damageScene(scene, name, (bytes) => bytes.slice(0, bytes.length >> 1));
    await expectAllButLosses(short, (await repair(short)).losses);
    const empty = damageScene(scene, name, () => new Uint8Array(0));
    expect((await repair(empty)).salvaged).toEqual([]);
    expectSound(empty);
  }
});

test('without CURRENT the manifest is taken, without a manifest the tables tell', async () => {
  const manifest = filesLike(scene, /^MANIFEST/)[0]!;
  for (const damage of [
    () => undefined,
    () => new Uint8Array(0),
    () => new Uint8Array(Buffer.from('MANIFEST-077777\n')),
    () => new Uint8Array(Buffer.from('rubbish')),
  ]) {
    const system = damageScene(scene, 'CURRENT', damage);
    const report = await repair(system);
    expect(report.isRebuild).toBe(false);
    await expectAllButLosses(system, []);
  }
  for (const damage of [
    () => undefined,
    () => new Uint8Array(0),
    (bytes: Uint8Array) => bytes.fill(7, 20, 60),
    (bytes: Uint8Array) => bytes.slice(0, 30),
  ]) {
    const system = damageScene(scene, manifest, damage);
    const report = await repair(system);
    expect(report.isRebuild).toBe(true);
    expect(report.losses).toEqual([]);
    await expectAllButLosses(system, []);
  }
});

test('any bit of the manifest', async () => {
  const name = filesLike(scene, /^MANIFEST/)[0]!;
  const size = scene.system.files.stat(`${DIRECTORY}/${name}`)!.sizeBytes;
  const random = new SeededRandomness(9);
  for (let round = 0; round < 60; round++) {
    const at = random.below(size);
    const system = damageScene(scene, name, (bytes) => {
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    });
    const report = await repair(system);
    expect(report.losses).toEqual([]);
    await expectAllButLosses(system, []);
  }
});

test('a table or more and the manifest, both damaged', async () => {
  const random = new SeededRandomness(13);
  for (let round = 0; round < 12; round++) {
    const system = copyScene(scene, (name, bytes) => {
      if (name.startsWith('MANIFEST')) return undefined;
      if (name.endsWith('.ldb') && random.below(3) === 0) {
        bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
      }
      return bytes;
    });
    const report = await repair(system);
    expect(report.isRebuild).toBe(true);
    await expectAllButLosses(system, report.losses);
  }
});

test('a damaged log gives the writes before and behind, and the sequences between are named', async () => {
  const name = filesLike(scene, /log$/)[0]!;
  const system = damageScene(scene, name, (bytes) => {
    bytes[200]! ^= 1;
    return bytes;
  });
  const report = await repair(system);
  expect(report.isRebuild).toBe(false);
  expect(report.kept).toContain(`lost/${name}`);
  expect(report.logEntries).toBeGreaterThan(10);
  const lost = report.losses.reduce((sum, { entries }) => sum + (entries ?? 0), 0);
  expect(report.logEntries + lost).toBe(20);
  expect(report.losses.map(({ reason }) => reason).join()).toMatch(/entries of the sequences/);
  await expectAllButLosses(system, report.losses);
  // What was lost is bounded by what is said to be lost.
  const found = await contentsOf(system);
  const wrong = [...scene.contents].filter(([key, value]) => found.get(key) !== value);
  expect(wrong.length).toBeLessThanOrEqual(lost);
});

test('writes that were not synced are left to recovery, or taken wherever they check', async () => {
  const unsynced = await writeScene({ isSynced: false, logged: 30 });
  const name = filesLike(unsynced, /log$/)[0]!;
  const damaged = (): SimulatedSystem =>
    damageScene(unsynced, name, (bytes) => {
      bytes[300]! ^= 1;
      return bytes;
    });
  const left = damaged();
  const report = await repair(left);
  expect(report.isSound).toBe(true);
  expect(report.notes.map(({ note }) => note).join()).toContain('were not synced');
  const taken = damaged();
  const { losses, logEntries, kept } = await repair(taken, { takesUnsynced: true });
  expect(kept).toContain(`lost/${name}`);
  expect(logEntries).toBeGreaterThan(20);
  expect(logEntries + losses.reduce((sum, { entries }) => sum + (entries ?? 0), 0)).toBe(30);
  expectSound(taken);
  const found = await contentsOf(taken);
  const wrong = [...unsynced.contents].filter(([key, value]) => found.get(key) !== value);
  expect(wrong.length).toBeLessThanOrEqual(30 - logEntries);
});

test('interrupted at any call, a repair can be made again', async () => {
  const name = filesLike(scene, /ldb$/).at(-1)!;
  for (const rebuilds of [false, true]) {
    const damaged = (): SimulatedSystem =>
      copyScene(scene, (file, bytes) => {
        if (file === name) bytes[100]! ^= 1;
        return rebuilds && file.startsWith('MANIFEST') ? undefined : bytes;
      });
    const whole = damaged();
    const { losses } = await repair(whole);
    const expected = await contentsOf(whole);
    const random = new SeededRandomness(17);
    let isDone = false;
    for (let call = 1; !isDone; call += rebuilds ? 3 : 1) {
      const system = damaged();
      system.files.crashAtCall = call;
      try {
        await repair(system);
        isDone = true;
      } catch {
        expect(system.files.isDead).toBe(true);
      }
      const restarted = system.restart(random.below(2) === 0 ? random : undefined);
      const report = await repair(restarted);
      expectSound(restarted);
      // What was lost is not found again once the manifest is the new one.
      if (!report.isSound && !rebuilds) expect(report.losses).toEqual(losses);
      expect(await contentsOf(restarted)).toEqual(expected);
    }
  }
});

test('a trial changes nothing and tells the same', async () => {
  const name = filesLike(scene, /ldb$/)[0]!;
  const system = damageScene(scene, name, (bytes) => bytes.fill(1, 10, 20));
  const before = system.files.dump();
  const trial = await repair(system, { isTrial: true });
  expect(system.files.dump()).toEqual(before);
  const report = await repair(system);
  expect(trial.losses).toEqual(report.losses);
  expect(report.losses.length).toBe(1);
});
